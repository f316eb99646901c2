"""Events as rows of a feed or entries of persons, and as the domain's events that can be applied to lots."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import ActionKind, CorporateAction, exact_ratio
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.corporate_actions_events import (
    Allocation,
    AnyEvent,
    Distribution,
    ElectionPending,
    Merger,
    Received,
    ReturnOfCapital,
    StockDividend,
    TermsIncomplete,
    Treatment,
    Unchanged,
    Worthless,
)


def with_entries(
    delivered: Sequence[DeliveredAction], entries: Mapping[str, EventEntry], after: date, until: date
) -> list[DeliveredAction]:
    """The feed's rows, and what persons entered in place of versions of the same event up to theirs.

    Of the entries those with an ex-date after `after` and up to `until`, like the feed's.
    """
    kept = [row for row in delivered if row.event_id not in entries or row.version > entries[row.event_id].version]
    inside = {event_id: entry for event_id, entry in entries.items() if after < entry.ex_on <= until}
    return [*kept, *(row for event_id, entry in inside.items() for row in _rows(event_id, entry))]


def _rows(event_id: str, entry: EventEntry) -> Iterable[DeliveredAction]:
    own = DeliveredAction(
        event_id=event_id,
        version=entry.version,
        kind=entry.kind,
        security_id=entry.security_id,
        ex_on=entry.ex_on,
        new_shares=entry.new_shares,
        old_shares=entry.old_shares,
        cash_per_share=entry.cash_per_share,
        status=entry.status,
        mandatory=entry.mandatory,
        treatment=entry.treatment,
    )
    if not entry.received:
        return [own]
    return [
        DeliveredAction(
            event_id=event_id,
            version=entry.version,
            kind=entry.kind,
            security_id=entry.security_id,
            ex_on=entry.ex_on,
            new_shares=each.new_shares,
            old_shares=each.old_shares,
            cash_per_share=entry.cash_per_share,
            status=entry.status,
            new_key=each.security_id,
            new_security_id=each.security_id,
            mandatory=entry.mandatory,
            treatment=entry.treatment,
            basis_percent=each.basis_percent,
            basis_source=entry.basis_source or None,
            fair_value=each.fair_value,
        )
        for each in entry.received
    ]


def newest_rows(rows: Iterable[DeliveredAction], event_id: str) -> list[DeliveredAction]:
    """The rows of the event's last version, one for each security received."""
    mine = [row for row in rows if row.event_id == event_id]
    last = max((row.version for row in mine), default=0)
    return list({row.new_key: row for row in mine if row.version == last}.values())


def event_of(rows: Sequence[DeliveredAction]) -> AnyEvent:
    """The rows of one version as an event. Raises TermsIncomplete, ElectionPending, NotASplit."""
    first = rows[0]
    kind = ActionKind(first.kind)
    head = (first.event_id, first.version, first.security_id, first.ex_on)
    if not all(row.mandatory for row in rows):
        raise ElectionPending(f"{first.event_id} waits for a choice")
    match kind:
        case ActionKind.SPLF | ActionKind.SPLR:
            return CorporateAction(
                first.event_id, first.version, kind, first.security_id, first.ex_on, _ratio(first), first.cash_per_share
            )
        case ActionKind.DVSE if first.new_key is None:
            return StockDividend(*head, additional=_ratio(first) - 1)
        case ActionKind.SOFF | ActionKind.DVSE:
            return Distribution(
                *head,
                children=tuple(map(_received, rows)),
                treatment=Treatment(first.treatment or Treatment.TAX_FREE),
                allocation=_allocation(rows),
            )
        case ActionKind.MRGR | ActionKind.REDM:
            if first.treatment is None:
                raise TermsIncomplete(f"nobody says whether {first.event_id} is taxable")
            stock = None if first.new_key is None else _received(first)
            return Merger(*head, Treatment(first.treatment), first.cash_per_share or Decimal(0), stock)
        case ActionKind.CAPD if first.cash_per_share is not None:
            return ReturnOfCapital(*head, first.cash_per_share)
        case ActionKind.WRTH:
            return Worthless(*head)
        case ActionKind.CHAN | ActionKind.DLST | ActionKind.BRUP | ActionKind.DVCA:
            return Unchanged(*head, kind)
        case _:
            raise TermsIncomplete(f"{first.event_id} ({kind}) needs terms that a feed's row does not have")


def _ratio(row: DeliveredAction) -> Fraction:
    if row.new_shares is None or row.old_shares is None:
        raise TermsIncomplete(f"{row.event_id} has no ratio of new per old shares")
    return exact_ratio(row.new_shares, row.old_shares)


def _received(row: DeliveredAction) -> Received:
    if row.new_security_id is None:
        raise TermsIncomplete(f"the master does not know {row.new_key}, which {row.event_id} distributes")
    return Received(row.new_security_id, _ratio(row), fair_value=row.fair_value)


def _allocation(rows: Sequence[DeliveredAction]) -> Allocation | None:
    """Weights in percent, what stays with the old shares among them; None unless all have one with a source."""
    weights = {row.new_security_id: row.basis_percent for row in rows}
    if any(name is None or percent is None for name, percent in weights.items()) or not rows[0].basis_source:
        return None
    given = {name: percent for name, percent in weights.items() if name is not None and percent is not None}
    return Allocation(
        {rows[0].security_id: 100 - sum(given.values(), Decimal(0)), **given}, "percent", rows[0].basis_source
    )
