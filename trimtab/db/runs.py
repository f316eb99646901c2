"""Runs: one business day of a firm, its frozen inputs and its market events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import Double

from trimtab.contracts import RunRef
from trimtab.db.account_days import STANDING_STILL
from trimtab.db.tables import (
    account,
    account_day,
    decision,
    firm,
    intent,
    market_event,
    outbox,
    record,
    run,
    run_input,
    stage_result,
    suspension,
)
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind, Standstill

OPEN = "OPEN"
DONE = "DONE"
NO_SESSION = "NO_SESSION"


class RunMissing(TrimtabError):
    """The run, or the firm, does not exist."""

    code = "RUN_MISSING"


class InputNotFrozen(TrimtabError):
    """A step needs an input that the run has not frozen."""

    code = "INPUT_NOT_FROZEN"


class InputChanged(TrimtabError):
    """A run's frozen input was to be frozen again with another hash."""

    code = "INPUT_CHANGED"


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run has frozen: content hashes by kind and key. A feed's kind has its delivery ids as keys."""

    run_id: str
    hashes: Mapping[str, Mapping[str, str]]

    def of(self, kind: str) -> Mapping[str, str]:
        """Key to content hash; empty when the run has none of the kind."""
        return self.hashes.get(kind, {})

    def one(self, kind: str, key: str = "") -> str:
        """The content hash of one input. Raises InputNotFrozen."""
        found = self.of(kind).get(key)
        if found is None:
            raise InputNotFrozen(f"run {self.run_id} has no frozen {kind} {key}".rstrip())
        return found


def firm_row(connection: Connection, firm_id: str) -> Row[Any]:
    """The firm's settings of the day. Raises RunMissing."""
    found = connection.execute(select(firm).where(firm.c.firm_id == firm_id)).one_or_none()
    if found is None:
        raise RunMissing(f"there is no firm {firm_id}")
    return found


def run_row(connection: Connection, ref: RunRef) -> Row[Any]:
    """Raises RunMissing."""
    found = connection.execute(_run(ref)).one_or_none()
    if found is None:
        raise RunMissing(f"there is no run {ref.run_id}")
    return found


def lock_run(connection: Connection, ref: RunRef) -> Row[Any]:
    """The run's row, locked: who publishes events or closes the run holds it."""
    found = connection.execute(_run(ref).with_for_update()).one_or_none()
    if found is None:
        raise RunMissing(f"there is no run {ref.run_id}")
    return found


def _run(ref: RunRef) -> Select[Any]:
    return select(run).where(run.c.firm_id == ref.firm_id, run.c.run_id == ref.run_id)


def insert_run(connection: Connection, ref: RunRef, *, as_of: date | None, clock_mode: str, status: str) -> bool:
    """Write the run's row; returns whether it is new."""
    new = connection.execute(
        upsert(run)
        .values(
            firm_id=ref.firm_id,
            run_id=ref.run_id,
            business_date=ref.business_date,
            as_of=as_of,
            clock_mode=clock_mode,
            status=status,
        )
        .on_conflict_do_nothing()
        .returning(run.c.run_id)
    )
    return new.one_or_none() is not None


def set_run(connection: Connection, ref: RunRef, **values: Any) -> None:
    """Change columns of the run: phase, status, hold_before, seconds."""
    connection.execute(update(run).where(run.c.firm_id == ref.firm_id, run.c.run_id == ref.run_id).values(**values))


def add_seconds(connection: Connection, ref: RunRef, phase: str, seconds: float) -> None:
    """Add to what a phase of the run took, in the run's row."""
    total = func.coalesce(cast(run.c.seconds[phase].astext, Double), 0.0) + seconds
    set_run(connection, ref, seconds=run.c.seconds.op("||")(func.jsonb_build_object(phase, total)))


def stage_seconds(connection: Connection, ref: RunRef) -> dict[str, float]:
    """Seconds of work by stage, summed over the run's account-days: not wall-clock, since they run side by side.

    `solve` is the part of analyze that the solvers' processes took.
    """
    spent = cast(stage_result.c.result["seconds"].astext, Double)
    solved = cast(stage_result.c.result["detail"]["solve_seconds"].astext, Double)
    rows = connection.execute(
        select(stage_result.c.stage, func.sum(spent), func.sum(solved))
        .where(stage_result.c.run_id == ref.run_id)
        .group_by(stage_result.c.stage)
    )
    seconds: dict[str, float] = {}
    for stage, total, solving in rows:
        seconds[stage] = round(float(total), 3)
        if solving is not None:
            seconds["solve"] = round(float(solving), 3)
    return seconds


def wall_seconds(connection: Connection, ref: RunRef) -> float:
    """Seconds since the run was opened, by the database's clock."""
    age = func.extract("epoch", func.clock_timestamp() - run.c.recorded_at)
    return round(float(connection.scalar(select(age).where(run.c.run_id == ref.run_id)) or 0.0), 3)


# --- inputs -----------------------------------------------------------------------------------------------------


def freeze(connection: Connection, ref: RunRef, kind: str, hashes: Mapping[str, str]) -> None:
    """Freeze inputs of one kind. Freezing the same again does nothing; raises InputChanged for another hash."""
    if not hashes:
        return
    rows = [
        {"firm_id": ref.firm_id, "run_id": ref.run_id, "kind": kind, "key": key, "content_hash": digest}
        for key, digest in hashes.items()
    ]
    connection.execute(upsert(run_input).on_conflict_do_nothing(), rows)
    stored = read_inputs(connection, ref).of(kind)
    changed = sorted(key for key, digest in hashes.items() if stored[key] != digest)
    if changed:
        raise InputChanged(f"run {ref.run_id} has frozen another {kind} {', '.join(changed)}")


def read_inputs(connection: Connection, ref: RunRef) -> RunInputs:
    """Everything that the run has frozen."""
    hashes: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(run_input).where(run_input.c.run_id == ref.run_id)):
        hashes.setdefault(row.kind, {})[row.key] = row.content_hash
    return RunInputs(ref.run_id, hashes)


# --- the business clock -------------------------------------------------------------------------------------------


def insert_market_events(connection: Connection, ref: RunRef, events: Sequence[Mapping[str, Any]]) -> None:
    """Write the day's market events: event_id, kind, ordinal, at. Those that exist stay as they are."""
    rows = [{"firm_id": ref.firm_id, "run_id": ref.run_id, **event} for event in events]
    connection.execute(upsert(market_event).values(rows).on_conflict_do_nothing())


def next_unpublished(connection: Connection, ref: RunRef) -> Row[Any] | None:
    """The first market event of the run that has not been published, None when the clock has run out."""
    return connection.execute(
        select(market_event)
        .where(market_event.c.run_id == ref.run_id, market_event.c.published_at.is_(None))
        .order_by(market_event.c.ordinal)
        .limit(1)
    ).one_or_none()


def mark_published(connection: Connection, ref: RunRef, event_id: str) -> Row[Any] | None:
    """Publish the event; its row when this call did it, None when it was published already."""
    return connection.execute(
        update(market_event)
        .where(
            market_event.c.run_id == ref.run_id,
            market_event.c.event_id == event_id,
            market_event.c.published_at.is_(None),
        )
        .values(published_at=func.clock_timestamp())
        .returning(market_event)
    ).one_or_none()


def is_published(connection: Connection, run_id: str, kinds: Iterable[MarketEventKind]) -> bool:
    """Whether the run's clock has passed any of the events."""
    rows = select(market_event.c.event_id).where(
        market_event.c.run_id == run_id,
        market_event.c.kind.in_([str(kind) for kind in kinds]),
        market_event.c.published_at.is_not(None),
    )
    return connection.execute(rows.limit(1)).one_or_none() is not None


# --- counting -----------------------------------------------------------------------------------------------------


def count_moving(connection: Connection, ref: RunRef) -> int:
    """How many of the run's account-days neither are final nor stand still.

    One that stands at trade without orders is still on its way: committing them may send it back to ingest.
    """
    committed = select(intent.c.intent_id).where(intent.c.account_day_id == account_day.c.account_day_id)
    on_its_way = or_(
        account_day.c.stage.not_in([str(still) for still in STANDING_STILL]),
        and_(account_day.c.stage == str(Standstill.TRADE), ~committed.exists()),
    )
    rows = select(func.count()).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.terminal_state.is_(None),
        on_its_way,
    )
    return int(connection.scalar(rows) or 0)


def outcome_counts(connection: Connection, ref: RunRef) -> dict[str, int]:
    """Terminal state (or '' while open) to the number of current account-days."""
    state = func.coalesce(account_day.c.terminal_state, "")
    rows = select(state, func.count()).where(account_day.c.run_id == ref.run_id, account_day.c.current).group_by(state)
    return {str(name): int(count) for name, count in connection.execute(rows)}


def open_account_days(connection: Connection, ref: RunRef) -> list[Row[Any]]:
    """The current account-days of the run that are not final."""
    rows = select(account_day).where(
        account_day.c.run_id == ref.run_id, account_day.c.current, account_day.c.terminal_state.is_(None)
    )
    return list(connection.execute(rows.order_by(account_day.c.account_id)))


def accounts_without_day(connection: Connection, ref: RunRef) -> list[str]:
    """Accounts of the firm that have no account-day on the business date: missing from the ledger (H4)."""
    day = and_(account_day.c.account_id == account.c.account_id, account_day.c.business_date == ref.business_date)
    rows = select(account.c.account_id).where(~select(account_day.c.account_id).where(day).exists())
    return list(connection.scalars(rows.order_by(account.c.account_id)))


def roster_size(connection: Connection) -> int:
    """How many accounts the firm has."""
    return int(connection.scalar(select(func.count()).select_from(account)) or 0)


PAGED_ABOVE = 5_000
"""`auto`: books with more accounts than this are paged, smaller ones have a lifecycle for each account."""


def is_paged(connection: Connection, firm_id: str) -> bool:
    """Whether pages work through the firm's book themselves, by its setting `lifecycle_pages`."""
    policy = firm_row(connection, firm_id).lifecycle_pages
    return bool(roster_size(connection) > PAGED_ABOVE if policy == "auto" else policy == "always")


def households_after(connection: Connection, after: str, limit: int) -> list[tuple[str, int]]:
    """The next households in id order, each with its number of accounts."""
    rows = (
        select(account.c.household_id, func.count())
        .where(account.c.household_id > after)
        .group_by(account.c.household_id)
        .order_by(account.c.household_id)
        .limit(limit)
    )
    return [(str(household), int(count)) for household, count in connection.execute(rows)]


# --- has the phase drained? -----------------------------------------------------------------------------------------


def count_unsent(connection: Connection, firm_id: str) -> int:
    """Commands that the relay has not delivered yet."""
    rows = select(func.count()).where(outbox.c.firm_id == firm_id, outbox.c.sent_at.is_(None))
    return int(connection.scalar(rows) or 0)


def days_with_news(connection: Connection, ref: RunRef) -> list[Row[Any]]:
    """Waiting account-days whose rows may let them move: an unanswered decision, a suspension lifted today."""
    answer = record.c.body["decision_id"].astext
    answered = select(answer).where(record.c.account_day_id == account_day.c.account_day_id, answer.is_not(None))
    decided = (
        select(decision.c.decision_id)
        .where(decision.c.account_day_id == account_day.c.account_day_id, decision.c.status == "ACCEPTED")
        .where(decision.c.decision_id.not_in(answered))
        .exists()
    )
    lifted = (
        select(suspension.c.suspension_id)
        .where(suspension.c.scope_id.in_([account_day.c.account_id, account_day.c.firm_id]))
        .where(suspension.c.lifted_on >= ref.business_date)
        .exists()
    )
    waits = account_day.c.stage
    rows = select(account_day).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.terminal_state.is_(None),
        or_(
            and_(waits == str(Standstill.REVIEW), decided),
            and_(waits == str(Standstill.SUSPENDED), or_(decided, lifted)),
        ),
    )
    return list(connection.execute(rows))


def count_in_trade(connection: Connection, ref: RunRef) -> int:
    """Account-days whose orders have not come to their end."""
    rows = select(func.count()).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.terminal_state.is_(None),
        account_day.c.stage == str(Standstill.TRADE),
    )
    return int(connection.scalar(rows) or 0)
