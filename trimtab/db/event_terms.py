"""Events as rows of a feed or entries of persons, and as the domain's events that can be applied to lots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import ActionKind, ActionStatus, CorporateAction, exact_ratio, stated_ratio
from trimtab.domain.corporate_actions_elections import AccountElection, Choice
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.corporate_actions_events import (
    Allocation,
    AnyEvent,
    Distribution,
    ElectionPending,
    ElectiveDividend,
    Merger,
    Received,
    ReturnOfCapital,
    RightsDistribution,
    RightsExercise,
    RightsLapse,
    StockDividend,
    Tender,
    TermsIncomplete,
    Treatment,
    Unchanged,
    Worthless,
)
from trimtab.domain.corporate_actions_sync import AnnouncedEvent
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.securities import SecurityId


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
        pay_on=entry.pay_on,
        fraction_price=entry.fraction_price,
        new_names=entry.new_names,
        entered=True,
    )
    if not entry.received:
        return [own]
    return [
        replace(
            own,
            new_shares=each.new_shares,
            old_shares=each.old_shares,
            new_key=each.security_id,
            new_security_id=each.security_id,
            basis_percent=each.basis_percent,
            basis_source=entry.basis_source or None,
            fair_value=each.fair_value,
            fraction_price=each.fraction_price,
        )
        for each in entry.received
    ]


def newest_rows(rows: Iterable[DeliveredAction], event_id: str) -> list[DeliveredAction]:
    """The rows of the event's last version, one for each security received."""
    mine = [row for row in rows if row.event_id == event_id]
    last = max((row.version for row in mine), default=0)
    return list({row.new_key: row for row in mine if row.version == last}.values())


def announced_event(rows: Sequence[DeliveredAction]) -> AnnouncedEvent:
    """The rows of one version as the sync report has them."""
    first = rows[0]
    received = [row.new_security_id or SecurityId(row.new_key) for row in rows if row.new_key]
    return AnnouncedEvent(
        event_id=first.event_id,
        version=first.version,
        kind=ActionKind(first.kind),
        security_id=first.security_id,
        ex_on=first.ex_on,
        status=ActionStatus(first.status),
        mandatory=all(row.mandatory for row in rows),
        received=tuple(received),
        has_allocation=all(_has_basis(row) for row in rows),
    )


def _has_basis(row: DeliveredAction) -> bool:
    """A taxable distribution has its fair value for basis (IRC 301(d)), a tax-free one needs an allocation."""
    return row.treatment == Treatment.TAXABLE or (row.basis_percent is not None and bool(row.basis_source))


NEEDS_CHOICE: Final = frozenset({ActionKind.TEND, ActionKind.EXOF, ActionKind.DVOP, ActionKind.EXRI})


def is_voluntary(rows: Sequence[DeliveredAction]) -> bool:
    """Whether each account chooses."""
    return not all(row.mandatory for row in rows) or rows[0].kind in NEEDS_CHOICE


def event_of(rows: Sequence[DeliveredAction], closes: Mapping[SecurityId, Decimal] = MappingProxyType({})) -> AnyEvent:
    """The rows of one version as an event that is the same for every account.

    `closes`: dollars an old share; rights are judged by them. Raises TermsIncomplete, ElectionPending, NotASplit.
    """
    first = rows[0]
    kind = ActionKind(first.kind)
    head = (first.event_id, first.version, first.security_id, first.ex_on)
    if is_voluntary(rows):
        raise ElectionPending(f"{first.event_id} waits for a choice")
    match kind:
        case ActionKind.SPLF | ActionKind.SPLR:
            return CorporateAction(
                first.event_id, first.version, kind, first.security_id, first.ex_on, _ratio(first), first.cash_per_share
            )
        case ActionKind.DVSE if first.new_key is None:
            return StockDividend(*head, additional=_additional(first), price_of_fraction=first.fraction_price)
        case ActionKind.SOFF | ActionKind.DVSE:
            return Distribution(
                *head,
                children=tuple(map(_received, rows)),
                treatment=Treatment(first.treatment or Treatment.TAX_FREE),
                allocation=_allocation(rows),
            )
        case ActionKind.RHDI:
            return _rights(head, _only(rows), closes)
        case ActionKind.MRGR | ActionKind.REDM:
            if first.treatment is None:
                raise TermsIncomplete(f"nobody says whether {first.event_id} is taxable")
            stock = None if first.new_key is None else _only(rows)
            return Merger(*head, Treatment(first.treatment), first.cash_per_share or Decimal(0), stock)
        case ActionKind.CAPD if first.cash_per_share is not None:
            return ReturnOfCapital(*head, first.cash_per_share)
        case ActionKind.WRTH:
            return Worthless(*head)
        case ActionKind.CHAN | ActionKind.DLST | ActionKind.BRUP | ActionKind.DVCA:
            return Unchanged(*head, kind)
        case _:
            raise TermsIncomplete(f"{first.event_id} ({kind}) needs terms that a feed's row does not have")


def _rights(
    head: tuple[str, int, SecurityId, date], right: Received, closes: Mapping[SecurityId, Decimal]
) -> RightsDistribution:
    """IRC 307: rights are judged by the value of the stock without them."""
    close = closes.get(head[2], Decimal(0))
    worth = (right.fair_value or Decimal(0)) * right.ratio.numerator / right.ratio.denominator
    if close <= worth or right.fair_value is None:
        raise TermsIncomplete(f"nobody says what {right.security_id} and {head[2]} are worth")
    return RightsDistribution(*head, right=right, stock_fair_value=close - worth)


def chosen_event(rows: Sequence[DeliveredAction], choice: AccountElection | None, lots: Sequence[TaxLot]) -> AnyEvent:
    """The event that an account's choice makes of the rows, for these lots of it. Raises ElectionPending,
    TermsIncomplete."""
    first = rows[0]
    kind = ActionKind(first.kind)
    head = (first.event_id, first.version, first.security_id, first.ex_on)
    if choice is None:
        raise ElectionPending(f"{first.event_id} waits for the account's choice")
    match (kind, choice.choice):
        case (_, Choice.DECLINE) | (ActionKind.DVOP, Choice.CASH):
            return Unchanged(*head, kind)
        case (ActionKind.TEND, Choice.TENDER):
            price = choice.cash_per_share or first.cash_per_share
            if price is None:
                raise TermsIncomplete(f"nobody says what {first.event_id} pays")
            return Tender(*head, price, _tendered(choice, lots, first.security_id), Fraction(choice.accepted))
        case (ActionKind.DVOP, Choice.STOCK):
            return ElectiveDividend(*head, stock=_received(first))
        case (ActionKind.EXRI, Choice.EXERCISE):
            if first.new_security_id is None or first.cash_per_share is None:
                raise TermsIncomplete(f"{first.event_id} names no stock, or no price")
            return RightsExercise(*head, first.new_security_id, _ratio(first), first.cash_per_share)
        case (ActionKind.EXRI, Choice.LAPSE):
            return RightsLapse(*head)
        case (ActionKind.EXOF | ActionKind.MRGR | ActionKind.REDM, _):
            return _elected_merger(head, first, choice)
        case _:
            raise TermsIncomplete(f"{choice.choice} is no choice of {first.event_id} ({kind})")


def _tendered(choice: AccountElection, lots: Sequence[TaxLot], security_id: SecurityId) -> Mapping[LotId, Decimal]:
    """Shares by lot. A position counts as one lot, which takes what all lots tender together."""
    mine = {lot.id: lot.quantity for lot in lots if lot.security_id == security_id}
    if not choice.tendered:
        return mine
    if choice.tendered.keys() <= mine.keys():
        return choice.tendered
    if len(mine) == 1:
        return {next(iter(mine)): sum(choice.tendered.values(), Decimal(0))}
    raise TermsIncomplete("lots are tendered that the account does not hold")


def _elected_merger(head: tuple[str, int, SecurityId, date], first: DeliveredAction, choice: AccountElection) -> Merger:
    if first.treatment is None:
        raise TermsIncomplete(f"nobody says whether {first.event_id} is taxable")
    row = first
    if choice.new_shares is not None:
        row = replace(first, new_shares=choice.new_shares, old_shares=choice.old_shares)
    only_cash = choice.choice is Choice.CASH and choice.new_shares is None
    stock = None if only_cash or first.new_key is None else _received(row)
    cash = first.cash_per_share if choice.cash_per_share is None else choice.cash_per_share
    if choice.choice is Choice.STOCK and choice.cash_per_share is None:
        cash = None
    return Merger(*head, Treatment(first.treatment), cash or Decimal(0), stock)


def _ratio(row: DeliveredAction) -> Fraction:
    return exact_ratio(*_shares(row))


def _stated(row: DeliveredAction) -> Fraction:
    return stated_ratio(*_shares(row))


def _shares(row: DeliveredAction) -> tuple[Decimal, Decimal]:
    if row.new_shares is None or row.old_shares is None:
        raise TermsIncomplete(f"{row.event_id} has no ratio of new per old shares")
    return row.new_shares, row.old_shares


def _additional(row: DeliveredAction) -> Fraction:
    """Of a stock dividend, for each share held. Raises TermsIncomplete where the additional shares alone are told."""
    more = _stated(row) - 1
    if more <= 0:
        raise TermsIncomplete(f"{row.event_id} is a stock dividend and leaves no more shares than before")
    return more


def _only(rows: Sequence[DeliveredAction]) -> Received:
    """What holders receive. Raises TermsIncomplete when it is more than one security: basis has no rule for it here."""
    if len(rows) > 1:
        raise TermsIncomplete(f"{rows[0].event_id} gives more than one security for the old shares")
    return _received(rows[0])


def _received(row: DeliveredAction) -> Received:
    if row.new_security_id is None:
        raise TermsIncomplete(f"the master does not know {row.new_key}, which {row.event_id} distributes")
    return Received(row.new_security_id, _stated(row), row.fraction_price, row.fair_value)


def _allocation(rows: Sequence[DeliveredAction]) -> Allocation | None:
    """Weights in percent, what stays with the old shares among them; None unless all have one with a source."""
    weights = {row.new_security_id: row.basis_percent for row in rows}
    if any(name is None or percent is None for name, percent in weights.items()) or not rows[0].basis_source:
        return None
    given = {name: percent for name, percent in weights.items() if name is not None and percent is not None}
    return Allocation(
        {rows[0].security_id: 100 - sum(given.values(), Decimal(0)), **given}, "percent", rows[0].basis_source
    )
