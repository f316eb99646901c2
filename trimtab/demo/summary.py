"""What came of a day: the table, the explained trades and the JSON object at the end of the demo."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from trimtab.broker.journal import read_journal, summarize
from trimtab.contracts import RunRef, run_id
from trimtab.db.runs import roster_size, stage_seconds
from trimtab.db.tables import account_day, block, execution, proposal, run, suspension

PHASES = ("setup", "feeds", "ingest", "validate", "analyze", "filter", "trade", "record", "total")


@dataclass(frozen=True, slots=True)
class ExplainedTrade:
    """One trade that was executed, with the reasons that were recorded when it was proposed."""

    account_id: str
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One business day of the firm, counted from its rows; `broker_orders` is from the broker's own journal."""

    business_date: date
    status: str
    roster: int
    outcomes: dict[str, int]
    codes: dict[str, int]
    lanes: dict[str, int]
    orders: int
    broker_orders: int
    executions: int
    seconds: dict[str, float]
    explained: tuple[ExplainedTrade, ...] = ()
    suspended: tuple[tuple[str, str, str], ...] = field(default=())


def summarize_day(connection: Connection, firm_id: str, business_date: date, journal: Path) -> DaySummary:
    """Count the day. An account-day that is open counts as OPEN, so the outcomes always sum to the roster."""
    ref = RunRef(firm_id, run_id(firm_id, business_date), business_date)
    row = connection.execute(select(run).where(run.c.run_id == ref.run_id)).one()
    days = connection.execute(
        select(account_day).where(account_day.c.run_id == ref.run_id, account_day.c.current)
    ).all()
    roster = roster_size(connection)
    outcomes = Counter(day.terminal_state or "OPEN" for day in days)
    if roster > len(days):
        outcomes["MISSING"] = roster - len(days)
    codes = Counter(f"{day.terminal_state}({day.terminal_code})" for day in days if day.terminal_code)
    lanes = Counter(day.lane for day in days if day.lane)
    broker = summarize(read_journal(journal), firm_id).orders if journal.exists() else 0
    return DaySummary(
        business_date,
        row.status,
        roster,
        dict(sorted(outcomes.items())),
        dict(sorted(codes.items())),
        dict(sorted(lanes.items())),
        _count(connection, block, block.c.run_id == ref.run_id),
        broker,
        _count(connection, execution, execution.c.business_date == business_date),
        _seconds(dict(row.seconds), stage_seconds(connection, ref)),
        _explained(connection, ref),
        _suspended(connection, business_date),
    )


def _count(connection: Connection, table: Any, condition: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(table).where(condition)) or 0)


def _seconds(recorded: dict[str, float], stages: dict[str, float]) -> dict[str, float]:
    merged = {**stages, **recorded}
    return {phase: round(float(merged.get(phase, 0.0)), 2) for phase in PHASES}


def _explained(connection: Connection, ref: RunRef, limit: int = 3) -> tuple[ExplainedTrade, ...]:
    """One trade each of the accounts with the most benefit, of those that traded."""
    rows = connection.execute(
        select(account_day.c.account_id, proposal.c.body)
        .join(proposal, proposal.c.proposal_id == account_day.c.proposal_id)
        .where(account_day.c.run_id == ref.run_id, account_day.c.current, account_day.c.terminal_state == "TRADED")
        .order_by(account_day.c.account_id)
    ).all()
    best = sorted(rows, key=lambda row: (-float(row.body["benefit_bps"]), row.account_id))[:limit]
    return tuple(_explain(row.account_id, row.body) for row in best)


def _explain(account_id: str, body: dict[str, Any]) -> ExplainedTrade:
    trade = max(body["trades"], key=lambda each: (bool(each["reasons"]), float(each["notional"])))
    verb = "Sell" if trade["side"] == "SELL" else "Buy"
    sentence = f"{verb} {trade['quantity']} {trade['security_id']} at about ${float(trade['price']):,.2f}"
    return ExplainedTrade(account_id, sentence, tuple(reason["sentence"] for reason in trade["reasons"]))


def _suspended(connection: Connection, business_date: date) -> tuple[tuple[str, str, str], ...]:
    rows = connection.execute(
        select(suspension.c.scope_id, suspension.c.code, suspension.c.reason)
        .where(suspension.c.since <= business_date, suspension.c.lifted_by.is_(None))
        .order_by(suspension.c.scope_id, suspension.c.code)
    )
    return tuple((row.scope_id, row.code, row.reason) for row in rows)
