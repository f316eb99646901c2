"""The paper broker's journal: append-only, one JSON line per event, fsynced before anyone hears of it.

It is the oracle of every test that kills something: what it does not hold the broker did not do. A last
line that was torn by a crash was never answered, so it is dropped and reported; damage anywhere else
is an error. Each line carries its number `n`, so a missing line is found too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from trimtab.broker.errors import JournalCorrupt, MalformedMessage
from trimtab.broker.protocol import Cancelled, DoneForDay, Execution, MarketEvent, NewOrder, RejectReason
from trimtab.broker.wire import JsonObject, from_wire, load_object, to_wire


@dataclass(frozen=True, slots=True)
class JournaledLogon:
    firm: str
    generation: int


@dataclass(frozen=True, slots=True)
class JournaledLogonRefusal:
    firm: str
    generation: int
    highest_generation: int


@dataclass(frozen=True, slots=True)
class JournaledOrder:
    """An order that was taken and will trade. `copy` counts from 1 for each client order id."""

    firm: str
    generation: int
    broker_order_id: str
    copy: int
    order: NewOrder


@dataclass(frozen=True, slots=True)
class JournaledRejection:
    firm: str
    generation: int
    order: NewOrder
    reason: RejectReason


@dataclass(frozen=True, slots=True)
class JournaledRepeat:
    """A new order whose id was known: answered with its state and not traded."""

    firm: str
    generation: int
    client_order_id: str
    poss_resend: bool
    same_terms: bool  # the repeated order says the same as the first, but for poss_resend


@dataclass(frozen=True, slots=True)
class JournaledExecution:
    firm: str
    report: Execution


@dataclass(frozen=True, slots=True)
class JournaledDoneForDay:
    firm: str
    report: DoneForDay


@dataclass(frozen=True, slots=True)
class JournaledCancel:
    firm: str
    report: Cancelled


@dataclass(frozen=True, slots=True)
class JournaledSession:
    """The event was carried out for the firm; for CLOSE, all its reports stand above this line."""

    firm: str
    event: MarketEvent
    business_date: date


@dataclass(frozen=True, slots=True)
class JournaledFault:
    """The broker was told to fail here. Each fault fires once in the life of a journal."""

    fault: str


@dataclass(frozen=True, slots=True)
class JournaledTear:
    """On start the broker dropped a last line that a crash had torn."""

    dropped_bytes: int


Event = (
    JournaledLogon
    | JournaledLogonRefusal
    | JournaledOrder
    | JournaledRejection
    | JournaledRepeat
    | JournaledExecution
    | JournaledDoneForDay
    | JournaledCancel
    | JournaledSession
    | JournaledFault
    | JournaledTear
)

_KINDS: dict[str, type[Event]] = {
    "logon": JournaledLogon,
    "logon_refused": JournaledLogonRefusal,
    "order": JournaledOrder,
    "rejection": JournaledRejection,
    "repeat": JournaledRepeat,
    "execution": JournaledExecution,
    "done_for_day": JournaledDoneForDay,
    "cancel": JournaledCancel,
    "session": JournaledSession,
    "fault": JournaledFault,
    "torn": JournaledTear,
}
_NAMES: dict[type[Event], str] = {shape: name for name, shape in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class JournalEntry:
    n: int  # line number, from 1
    recorded_at: datetime  # wall clock, UTC
    event: Event


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What a journal holds; `torn_bytes` is the length of a torn last line, 0 when there is none."""

    entries: tuple[JournalEntry, ...]
    torn_bytes: int

    def events(self) -> Iterable[Event]:
        """The events in the order in which they happened."""
        return (entry.event for entry in self.entries)


@dataclass(frozen=True, slots=True)
class JournalSummary:
    """Counts of one journal. `orders` counts every order that was taken, a repeated id each time."""

    orders: int
    distinct_orders: int
    duplicates: tuple[str, ...]  # client order ids taken more than once, sorted
    executions: int
    rejected: int
    cancelled: int
    done_for_day: int
    repeats: int  # new orders answered from the stored state
    executed_quantity: Decimal  # shares, both sides
    torn_bytes: int


def read_journal(path: Path) -> JournalReading:
    """Read a journal, also while its broker runs. A missing file is an empty journal.

    A last line without its newline is torn: a line is answered only after all of it is on the disk.
    Raises JournalCorrupt when any other line cannot be read or is missing.
    """
    if not path.exists():
        return JournalReading((), 0)
    content = path.read_bytes()
    *lines, rest = content.split(b"\n")
    entries: list[JournalEntry] = []
    for position, line in enumerate(lines, start=1):
        try:
            entries.append(_entry(line, position))
        except MalformedMessage as error:
            raise JournalCorrupt(f"{path}, line {position}: {error}") from error
    return JournalReading(tuple(entries), len(rest))


def orders(reading: JournalReading, firm: str | None = None) -> tuple[JournaledOrder, ...]:
    """Every order that the broker took, of `firm` or of all; the same id twice is two."""
    return tuple(
        event for event in reading.events() if isinstance(event, JournaledOrder) and firm in (None, event.firm)
    )


def executions(reading: JournalReading, firm: str | None = None) -> tuple[Execution, ...]:
    """Every fill, of `firm` or of all."""
    return tuple(
        event.report
        for event in reading.events()
        if isinstance(event, JournaledExecution) and firm in (None, event.firm)
    )


def duplicates(taken: Sequence[JournaledOrder]) -> tuple[str, ...]:
    """Client order ids that one firm had taken more than once, sorted: the broker traded them again."""
    copies = Counter((event.firm, event.order.client_order_id) for event in taken)
    return tuple(sorted(client_order_id for (_, client_order_id), count in copies.items() if count > 1))


def summarize(reading: JournalReading, firm: str | None = None) -> JournalSummary:
    """The counts of `firm`, or of all firms together."""
    taken, fills = orders(reading, firm), executions(reading, firm)
    kinds = Counter(type(event) for event in reading.events() if firm is None or getattr(event, "firm", None) == firm)
    return JournalSummary(
        orders=len(taken),
        distinct_orders=len({(event.firm, event.order.client_order_id) for event in taken}),
        duplicates=duplicates(taken),
        executions=len(fills),
        rejected=kinds[JournaledRejection],
        cancelled=kinds[JournaledCancel],
        done_for_day=kinds[JournaledDoneForDay],
        repeats=kinds[JournaledRepeat],
        executed_quantity=sum((fill.quantity for fill in fills), Decimal(0)),
        torn_bytes=reading.torn_bytes,
    )


def entry_object(entry: JournalEntry) -> JsonObject:
    """The JSON object of one line of the journal."""
    return {
        "n": entry.n,
        "at": entry.recorded_at.isoformat(),
        "kind": _NAMES[type(entry.event)],
        **to_wire(entry.event),
    }


def _entry(line: bytes, position: int) -> JournalEntry:
    data = load_object(line)
    number, recorded_at, kind = data.pop("n", None), data.pop("at", None), data.pop("kind", None)
    if number != position:
        raise MalformedMessage(f"line number {number} stands where {position} belongs")
    shape = _KINDS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise MalformedMessage(f"unknown kind {str(kind)[:64]!r}")
    try:
        instant = datetime.fromisoformat(recorded_at)
    except (TypeError, ValueError) as error:
        raise MalformedMessage(f"unreadable time {str(recorded_at)[:64]!r}") from error
    return JournalEntry(position, instant, from_wire(shape, data))
