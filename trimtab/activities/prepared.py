"""An account's holdings in units of the business date: what was delivered, with events that it does not show yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trimtab.activities.holdings import RawHoldings, RawLot
from trimtab.corporate_action_calendar import DueEvent
from trimtab.db.corporate_actions import StoredApplication
from trimtab.db.event_terms import chosen_event
from trimtab.domain.accounts import AccountId, CashBalance
from trimtab.domain.corporate_actions_account import AccountChange, Shares, change, position_lots
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.corporate_actions_lifecycle import BookedBy, EventState
from trimtab.domain.data_codes import DataCode
from trimtab.domain.delivered import DeliveredPosition
from trimtab.domain.findings import Finding, FindingScope, Outcome
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.securities import SecurityId
from trimtab.domain.wash_sales import HouseholdSale


@dataclass(frozen=True, slots=True)
class AccountLots:
    """Lots and shares of the securities that an event concerns, as they are stored before and after it."""

    lots: tuple[RawLot, ...]
    shares: Shares


@dataclass(frozen=True, slots=True)
class Booking:
    """A state that an event has reached in the account, to be written down once.

    `before` and `after` are lots, or the hash under which they are stored. Without `after` the event is applied to
    the stored lots `before`.
    """

    due: DueEvent
    version: int
    terms_hash: str
    state: EventState
    booked_by: BookedBy
    before: AccountLots | str
    after: AccountLots | str | None
    cash: Decimal = ZERO
    income: Decimal = ZERO
    gain: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Prepared:
    """An account on its way through the day's events."""

    raw: RawHoldings
    positions: tuple[DeliveredPosition, ...]
    lots: tuple[RawLot, ...]
    cash: CashBalance | None
    findings: tuple[Finding, ...] = ()  # events that the custodian's own figures do not confirm
    bookings: tuple[Booking, ...] = ()
    made: frozenset[LotId] = frozenset()  # lots that tonight's events gave rise to
    undelivered: frozenset[SecurityId] = frozenset()  # what the account is entitled to and does not hold yet
    sales: tuple[HouseholdSale, ...] = ()  # by events, which no custodian has reported yet

    @property
    def account_id(self) -> AccountId:
        return self.raw.account.id

    def held(self, names: Iterable[SecurityId]) -> dict[SecurityId, Decimal]:
        """Shares of these securities, none left out that is held."""
        wanted = set(names)
        found: dict[SecurityId, Decimal] = {}
        for each in self.positions:
            if each.security_id in wanted and each.quantity != 0:
                found[each.security_id] = found.get(each.security_id, ZERO) + each.quantity
        return found

    def of(self, names: Iterable[SecurityId]) -> AccountLots:
        wanted = set(names)
        return AccountLots(tuple(lot for lot in self.lots if lot.security_id in wanted), self.held(wanted))

    def doubted(self, code: DataCode, message: str) -> "Prepared":
        found = Finding(code, FindingScope.ACCOUNT, self.account_id, message, Outcome.SUSPEND)
        return replace(self, findings=(*self.findings, found))

    def booked(self, *bookings: Booking) -> "Prepared":
        return replace(self, bookings=(*self.bookings, *bookings))


def tax_lot(account_id: AccountId, lot: RawLot) -> TaxLot:
    """The lot as the domain sees it; an unknown cost counts as none, since its account is suspended for it."""
    return TaxLot(
        id=lot.lot_id,
        account_id=account_id,
        security_id=lot.security_id or SecurityId(lot.security_key),
        quantity=lot.quantity,
        acquired_on=lot.acquired_on,
        cost=lot.cost or ZERO,
        holding_start=lot.holding_start,
        wash_adjustment=lot.wash_adjustment,
        purchase_id=lot.purchase_id,
        covered=lot.covered,
    )


def events_for(due: DueEvent, account_id: AccountId, before: AccountLots) -> tuple[AnyEvent, AnyEvent]:
    """(the event for the account's lots, for its positions). Raises ElectionPending, TermsIncomplete, NotASplit."""
    if not due.is_voluntary:
        return due.event, due.event
    choice = due.elections.get(account_id)
    lots = [tax_lot(account_id, lot) for lot in before.lots]
    return (
        chosen_event(due.rows, choice, lots),
        chosen_event(due.rows, choice, position_lots(account_id, before.shares)),
    )


def applied_to(due: DueEvent, account_id: AccountId, before: AccountLots) -> tuple[AccountLots, AccountChange]:
    """Lots and shares after the event. Raises as `events_for`, and PendingAllocation."""
    on_lots, on_shares = events_for(due, account_id, before)
    lots = [tax_lot(account_id, lot) for lot in before.lots]
    done = change(account_id, before.shares, lots, on_lots, on_shares)
    return AccountLots(_raw_lots(before.lots, done.lots), done.shares), done


def _raw_lots(before: Sequence[RawLot], after: Sequence[TaxLot]) -> tuple[RawLot, ...]:
    """The lots as delivered ones: a child keeps what its parent lot is marked with, an unknown cost stays unknown."""
    by_id = {lot.lot_id: lot for lot in before}
    return tuple(_raw_lot(lot, _parent(lot.id, by_id)) for lot in after)


def _parent(lot_id: LotId, by_id: Mapping[LotId, RawLot]) -> RawLot | None:
    name = str(lot_id)
    while name:
        if LotId(name) in by_id:
            return by_id[LotId(name)]
        name = name.rpartition("+")[0]
    return None


def _raw_lot(lot: TaxLot, parent: RawLot | None) -> RawLot:
    renamed = parent is not None and parent.security_id != lot.security_id
    unknown = parent is not None and parent.cost is None and lot.cost == 0
    return RawLot(
        lot_id=lot.id,
        security_id=lot.security_id,
        security_key=lot.security_id if parent is None or renamed else parent.security_key,
        quantity=lot.quantity,
        acquired_on=lot.acquired_on,
        holding_start=lot.holding_start,
        cost=None if unknown else lot.cost,
        wash_adjustment=lot.wash_adjustment,
        purchase_id=lot.purchase_id,
        covered=lot.covered,
        gift_or_inheritance=parent is not None and parent.gift_or_inheritance,
        restricted=parent is not None and parent.restricted,
    )


def with_event(
    prepared: Prepared,
    due: DueEvent,
    after: AccountLots,
    done: AccountChange,
    prices: Mapping[SecurityId, Price],
    *,
    pays: bool,
) -> Prepared:
    """The account with the event in it. `pays`: its cash has not reached the custodian's file yet."""
    names = {*due.names, *after.shares}
    had = {lot.lot_id for lot in prepared.lots}
    cash = prepared.cash
    if pays and cash is not None:
        cash = replace(cash, unsettled=cash.unsettled + done.cash)  # announced, not settled
    return replace(
        prepared,
        positions=_positions(prepared, due, after, prices),
        lots=(*(lot for lot in prepared.lots if lot.security_id not in names), *after.lots),
        cash=cash,
        made=prepared.made | {lot.lot_id for lot in after.lots if lot.lot_id not in had or lot.cost == 0},
        undelivered=prepared.undelivered | {name for name in after.shares if name != due.security_id},
        sales=(*prepared.sales, *_sales(prepared, done)),
    )


def _positions(
    prepared: Prepared, due: DueEvent, after: AccountLots, prices: Mapping[SecurityId, Price]
) -> tuple[DeliveredPosition, ...]:
    names = {*due.names, *after.shares}
    before = {each.security_id: each for each in prepared.positions if each.security_id in names}
    kept = [each for each in prepared.positions if each.security_id not in names]
    for name, quantity in sorted(after.shares.items()):
        was = before.get(name) or DeliveredPosition(name, name, ZERO, ZERO)
        kept.append(
            replace(was, quantity=quantity, market_value=_value(prepared, was, quantity, due, prices.get(name)))
        )
    return tuple(kept)


def _value(
    prepared: Prepared, was: DeliveredPosition, quantity: Decimal, due: DueEvent, price: Price | None
) -> Decimal:
    """Dollars. A split leaves the custodian's own figure in place, less its part for a fraction paid out.

    One from after the split counts old shares at the new price, and one that an earlier event of the day has changed
    is none any more: then the close counts.
    """
    if due.is_split and was in prepared.raw.positions and (price is None or price.as_of < due.ex_on):
        whole = was.quantity * due.split_ratio.numerator / due.split_ratio.denominator
        return was.market_value if whole == quantity else to_cents(was.market_value * quantity / whole)
    return was.market_value if price is None else to_cents(quantity * price.close)


def _sales(prepared: Prepared, done: AccountChange) -> list[HouseholdSale]:
    """What the event sold, at its recognized gain: a loss opens a wash sale window (WS-1)."""
    taxable = prepared.raw.household_taxable
    return [
        HouseholdSale(
            prepared.account_id, each.security_id, each.sold_on, each.quantity, each.proceeds,
            each.proceeds - each.gain, taxable,
        )
        for each in done.realized
    ]  # fmt: skip


def reversal_of(due: DueEvent, standing: StoredApplication) -> Booking:
    """The lots before the event come back exactly as they are stored."""
    return Booking(
        due, standing.version, standing.terms_hash, EventState.REVERSED, standing.booked_by,
        before=standing.after_hash, after=standing.before_hash,
        cash=-standing.cash, income=-standing.income, gain=-standing.gain,
    )  # fmt: skip
