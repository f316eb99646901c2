"""What a firm's night looks like from outside: counts for metrics, never names or amounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from trimtab.db.tables import account_day, alert, blocked_step, event, firm, outbox, process_heartbeat, run


@dataclass(frozen=True, slots=True)
class Observations:
    """One look. Ages are in seconds; `account_days` of the newest run by terminal state, "OPEN" while open."""

    heartbeat_ages: Mapping[str, float]
    runs: Mapping[str, int]
    account_days: Mapping[str, int]
    blocked_steps: int
    unacknowledged_alerts: int
    unsent_commands: int
    event_head: int
    unpublished_events: int


def observe(connection: Connection) -> Observations:
    """Count in the firm of the transaction."""
    age = func.extract("epoch", func.clock_timestamp() - func.max(process_heartbeat.c.seen_at))
    ages = select(process_heartbeat.c.kind, age).group_by(process_heartbeat.c.kind)
    newest = select(run.c.run_id).order_by(run.c.business_date.desc()).limit(1).scalar_subquery()
    state = func.coalesce(account_day.c.terminal_state, "OPEN")
    states = select(state, func.count()).where(account_day.c.run_id == newest, account_day.c.current).group_by(state)
    counts = select(
        select(func.count()).select_from(blocked_step).where(~blocked_step.c.resolved).scalar_subquery(),
        select(func.count()).select_from(alert).where(alert.c.acknowledged_by.is_(None)).scalar_subquery(),
        select(func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None)).scalar_subquery(),
        select(func.max(firm.c.event_head)).scalar_subquery(),
        select(func.count()).select_from(event).where(event.c.event_seq.is_(None)).scalar_subquery(),
    )
    blocked, alerts, unsent, head, unpublished = connection.execute(counts).one()
    return Observations(
        heartbeat_ages={kind: max(0.0, float(seconds)) for kind, seconds in connection.execute(ages)},
        runs=_pairs(connection, select(run.c.status, func.count()).group_by(run.c.status)),
        account_days=_pairs(connection, states),
        blocked_steps=blocked,
        unacknowledged_alerts=alerts,
        unsent_commands=unsent,
        event_head=head or 0,
        unpublished_events=unpublished,
    )


def _pairs(connection: Connection, counts: Select[Any, int]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(counts)}
