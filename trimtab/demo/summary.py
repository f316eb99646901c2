"""What came of a day: the table, the explained trades and the JSON object at the end of the demo."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from trimtab.broker.journal import orders, read_journal
from trimtab.contracts import RunRef
from trimtab.db.history import securities_by_id
from trimtab.db.runs import roster_size, stage_seconds
from trimtab.db.tables import account_day, block, execution, proposal, record, run, suspension
from trimtab.verify import ANALYSIS

PHASES = ("setup", "feeds", "ingest", "validate", "analyze", "filter", "trade", "record", "day", "total")
"""Work by stage is summed over the accounts, which run side by side. `day` is the run from its opening to its close,
`setup` what came before it, and `total` the whole command."""


@dataclass(frozen=True, slots=True)
class ExplainedTrade:
    """One trade that was executed, with the reasons that were recorded when it was proposed."""

    account_id: str
    sentence: str
    reasons: tuple[str, ...]
    record_hash: str  # of the analysis, for `trimtab reproduce`


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


def summarize_day(connection: Connection, ref: RunRef, journal: Path) -> DaySummary:
    """Count the day. An account-day that is open counts as OPEN, so the outcomes always sum to the roster."""
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
    return DaySummary(
        ref.business_date,
        row.status,
        roster,
        dict(sorted(outcomes.items())),
        dict(sorted(codes.items())),
        dict(sorted(lanes.items())),
        _count(connection, block, block.c.run_id == ref.run_id),
        _taken_by_broker(journal, ref),
        _count(connection, execution, execution.c.business_date == ref.business_date),
        _seconds(dict(row.seconds), stage_seconds(connection, ref)),
        _explained(connection, ref),
        _suspended(connection, ref.business_date),
    )


def _count(connection: Connection, table: Any, condition: Any) -> int:
    return int(connection.scalar(select(func.count()).select_from(table).where(condition)) or 0)


def _taken_by_broker(journal: Path, ref: RunRef) -> int:
    """Orders of the day in the broker's own journal; an id that it took twice counts twice."""
    taken = orders(read_journal(journal), ref.firm_id)
    return sum(each.order.business_date == ref.business_date for each in taken)


def _seconds(recorded: dict[str, float], stages: dict[str, float]) -> dict[str, float]:
    merged = {**stages, **recorded}
    merged["day"] = recorded.get("total", 0.0)
    merged["total"] = recorded.get("command", merged["day"])
    return {phase: round(float(merged.get(phase, 0.0)), 2) for phase in PHASES}


def _explained(connection: Connection, ref: RunRef, limit: int = 3) -> tuple[ExplainedTrade, ...]:
    """The trade with the most to say of each of the accounts with the most benefit, of those that traded."""
    rows = connection.execute(
        select(account_day.c.account_id, account_day.c.account_day_id, proposal.c.body)
        .join(proposal, proposal.c.proposal_id == account_day.c.proposal_id)
        .where(account_day.c.run_id == ref.run_id, account_day.c.current, account_day.c.terminal_state == "TRADED")
        .order_by(account_day.c.account_id)
    ).all()
    best = sorted(rows, key=lambda row: (-float(row.body["benefit_bps"]), row.account_id))[:limit]
    analyses = _analysis_records(connection, [row.account_day_id for row in best])
    chosen = {
        row.account_id: max(row.body["trades"], key=lambda each: (bool(each["reasons"]), float(each["notional"])))
        for row in best
    }
    ids = {trade["security_id"] for trade in chosen.values()}
    symbols = {each.security_id: each.symbol for each in securities_by_id(connection, ids)}
    return tuple(
        _explain(row.account_id, chosen[row.account_id], symbols, analyses.get(row.account_day_id, "")) for row in best
    )


def _analysis_records(connection: Connection, account_day_ids: list[str]) -> dict[str, str]:
    """The hash of each account-day's newest analysis record."""
    rows = connection.execute(
        select(record.c.account_day_id, record.c.hash)
        .where(record.c.kind == ANALYSIS, record.c.account_day_id.in_(account_day_ids))
        .order_by(record.c.account_day_id, record.c.seq)
    )
    return {row.account_day_id: row.hash for row in rows}


def _explain(
    account_id: str, trade: dict[str, Any], symbols: dict[str, str | None], record_hash: str
) -> ExplainedTrade:
    verb = "Sell" if trade["side"] == "SELL" else "Buy"
    name = symbols.get(trade["security_id"]) or trade["security_id"]
    sentence = f"{verb} {float(trade['quantity']):,g} {name} at about ${float(trade['price']):,.2f}"
    return ExplainedTrade(account_id, sentence, tuple(reason["sentence"] for reason in trade["reasons"]), record_hash)


def _suspended(connection: Connection, business_date: date) -> tuple[tuple[str, str, str], ...]:
    rows = connection.execute(
        select(suspension.c.scope_id, suspension.c.code, suspension.c.reason)
        .where(suspension.c.since <= business_date, suspension.c.lifted_by.is_(None))
        .order_by(suspension.c.scope_id, suspension.c.code)
    )
    return tuple((row.scope_id, row.code, row.reason) for row in rows)
