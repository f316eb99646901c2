"""The night at a glance: feeds, how far the stages have come, and how accounts ended."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import strawberry
from sqlalchemy import Row

from trimtab.db.deliveries import DeliveryLine, report_of
from trimtab.db.expectations import needed_by
from trimtab.domain.delivery_watch import WAITS
from trimtab.domain.lifecycle import MarketEventKind, Stage
from trimtab.feeds.layouts import KINDS
from trimtab.graphql.accounts.places import Place
from trimtab.graphql.context import Info

_KINDS: Final = tuple(str(kind) for kind in KINDS)


@strawberry.type(description="How long a kind's file is awaited, and what is done about it.")
class Awaited:
    source: str
    form: str
    standing: str = strawberry.field(
        description="EXPECTED, DUE, LATE (its source was told of), URGENT (the cut-off is near), MISSING."
    )
    due_at: datetime
    late_at: datetime
    urgent_at: datetime
    missing_at: datetime = strawberry.field(description="The cut-off: the run goes on without it.")
    arriving: bool = strawberry.field(description="It lies there without its done-marker.")
    tries: int = strawberry.field(description="How often it was fetched; 0 when it is brought.")
    last_error: str | None
    next_try_at: datetime | None
    resolved_at: datetime | None = strawberry.field(description="When what was told of had ended by itself.")
    resolution: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> "Awaited":
        names = (
            "source form standing due_at late_at urgent_at missing_at arriving tries last_error next_try_at"
            " resolved_at resolution"
        )
        return cls(**{name: getattr(row, name) for name in names.split()})


@strawberry.type(description="One kind of file of the day: what counts of it.")
class Feed:
    on: strawberry.Private[date]
    kind: str
    status: str = strawberry.field(
        description="EXPECTED, RECEIVED, LOADED, QUARANTINED, WAIVED; MISSING when nothing had come by the cut-off."
    )
    waiting: bool = strawberry.field(description="Nothing usable has come yet.")
    rows: int | None
    quarantined_rows: int
    reason_codes: list[str]
    message: str
    notes: list[str]
    deliveries: int = strawberry.field(description="How many files have come of the kind.")
    file_name: str | None
    content_hash: str | None
    received_at: datetime | None
    control_total: Decimal | None = strawberry.field(description="The exact sum of the kind's control column.")
    waits: str = strawberry.field(description="What the run cannot do without it.")

    @strawberry.field(description="Null until the run expects its files.")
    async def awaited(self, info: Info) -> Awaited | None:
        rows = await info.context.loaders.expectations.load(self.on)
        return next((Awaited.of(row) for row in rows if row.kind == self.kind), None)

    @strawberry.field(description="Accounts that wait for it; 0 once it is loaded.")
    async def accounts_waiting(self, info: Info) -> int:
        if not self.waiting:
            return 0
        return needed_by(self.kind, await info.context.loaders.accounts_in_need.load(self.on))

    @classmethod
    def of(cls, line: DeliveryLine, row: Row[Any] | None, count: int, on: date, *, is_cut_off: bool) -> "Feed":
        missing = row is None and is_cut_off
        return cls(
            on=on,
            kind=line.kind,
            status="MISSING" if missing else line.status,
            waiting=line.waiting,
            rows=line.rows,
            quarantined_rows=line.quarantined_rows,
            reason_codes=list(line.reason_codes),
            message=line.message,
            notes=list(line.notes),
            deliveries=count,
            file_name=None if row is None else row.file_name,
            content_hash=None if row is None else row.content_hash,
            received_at=None if row is None else row.recorded_at,
            control_total=line.control_total,
            waits=WAITS[line.kind],
        )


@strawberry.type(description="How far the accounts have come through one stage.")
class StageProgress:
    stage: Place
    passed: int = strawberry.field(description="Accounts that have passed it at least once.")
    here: int = strawberry.field(description="Open accounts that stand at it now, those blocked in it among them.")
    blocked: int
    seconds: float = strawberry.field(description="Seconds of work, summed over accounts that run side by side.")


@strawberry.type(description="How many accounts ended as what, and why.")
class OutcomeCount:
    state: str
    code: str | None
    accounts: int


def feeds(rows: Sequence[Row[Any]], market_events: Iterable[Row[Any]], on: date) -> list[Feed]:
    """Each kind, in loading order; `rows` are the day's deliveries in the order of their arrival."""
    cut_off = MarketEventKind.CUT_OFF.value
    is_cut_off = any(row.kind == cut_off and row.published_at is not None for row in market_events)
    kinds = (*_KINDS, *sorted({row.kind for row in rows} - set(_KINDS)))  # what no run waits for, where it came
    counts = {kind: sum(row.kind == kind for row in rows) for kind in kinds}
    return [Feed.of(line, row, counts[line.kind], on, is_cut_off=is_cut_off) for line, row in report_of(rows, kinds)]


def progress(work: Sequence[Row[Any]], counts: Sequence[Row[Any]]) -> list[StageProgress]:
    """The eight stages in order. Accounts that wait suspended are in none of them."""
    done: Mapping[str, Row[Any]] = {row.stage: row for row in work}
    waiting = [row for row in counts if not row.state]
    return [
        StageProgress(
            stage=Place(stage.value),
            passed=done[stage].accounts if stage in done else 0,
            here=sum(row.accounts for row in waiting if stage in (row.stage, row.blocked_stage)),
            blocked=sum(row.accounts for row in waiting if row.blocked_stage == stage),
            seconds=round(float(done[stage].seconds or 0), 3) if stage in done else 0.0,
        )
        for stage in Stage
    ]


def outcome_counts(counts: Sequence[Row[Any]]) -> list[OutcomeCount]:
    """Of accounts that have ended, most first."""
    total: dict[tuple[str, str], int] = {}
    for row in counts:
        if row.state:
            total[row.state, row.code] = total.get((row.state, row.code), 0) + row.accounts
    ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return [OutcomeCount(state=state, code=code or None, accounts=number) for (state, code), number in ranked]
