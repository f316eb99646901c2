"""Wash sale windows of a tax household, and conflicts between its accounts on one day (IRC 1091; WS-1 to WS-12)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from trimtab.domain.accounts import AccountId
from trimtab.domain.lots import TaxLot
from trimtab.domain.orders import Side
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.snapshots import WashWindow, WashWindows

Amount = TypeVar("Amount", Decimal, float)

DAYS_EITHER_SIDE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Calendar days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def wash_sale_window(sold_on: date) -> DateRange:
    """The 61 days about a sale: 30 before, the day itself, 30 after. Calendar days, weekends count (WS-1)."""
    return DateRange(sold_on - DAYS_EITHER_SIDE, sold_on + DAYS_EITHER_SIDE)


@dataclass(frozen=True, slots=True)
class HouseholdSale:
    """A sale in some account of the tax household. Quantity is in units of the business date (WS-11)."""

    account_id: AccountId
    security_id: SecurityId
    sold_on: date  # trade date
    quantity: Decimal  # shares, above zero
    proceeds: Decimal  # dollars, net of commission
    basis: Decimal  # dollars, wash-adjusted (WS-6)
    taxable: bool = True  # False in an IRA: its losses are nobody's (WS-9)

    @property
    def is_loss(self) -> bool:
        return self.taxable and self.proceeds < self.basis


@dataclass(frozen=True, slots=True)
class HouseholdPurchase:
    """A purchase in some account of the tax household, an IRA included. Quantity as in `HouseholdSale`."""

    account_id: AccountId
    security_id: SecurityId
    bought_on: date
    quantity: Decimal
    purchase_id: str = ""


def open_windows(
    business_date: date,
    household_sales: Iterable[HouseholdSale],
    household_lots: Iterable[TaxLot],
    securities: Mapping[SecurityId, Security],
    household_purchases: Iterable[HouseholdPurchase] = (),
) -> WashWindows:
    """The windows that are open on the business date for every account of one tax household.

    A loss sale of the last 30 days bars buys of its wash key; a purchase of the last 30 days makes a loss sale
    of its key wash. Purchases come from lots by their real trade date, and from `household_purchases` when the
    lots do not show them: sold since, or not yet in the custodian's file. A purchase named by both counts once.
    """
    look_back = DateRange(wash_sale_window(business_date).first, business_date)
    losses = [
        _window(sale.sold_on, _wash_key(sale.security_id, securities), sale.quantity, sale.account_id)
        for sale in household_sales
        if sale.is_loss and sale.sold_on in look_back
    ]
    in_lots = _shares_bought(
        (
            HouseholdPurchase(lot.account_id, lot.security_id, lot.acquired_on, lot.quantity, lot.purchase_id)
            for lot in household_lots
            if lot.acquired_on in look_back
        ),
        securities,
    )
    named = _shares_bought((each for each in household_purchases if each.bought_on in look_back), securities)
    days_in_lots = {replace(key, purchase_id="") for key in in_lots}
    unseen = {
        key: quantity
        for key, quantity in named.items()
        # Where either side has no purchase id, the account and day tell that it is the same purchase.
        if key not in in_lots and replace(key, purchase_id="") not in (in_lots if key.purchase_id else days_in_lots)
    }
    purchases = [
        _window(key.bought_on, key.wash_key, quantity, key.account_id, key.purchase_id)
        for key, quantity in {**in_lots, **unseen}.items()
    ]
    return WashWindows(_ordered(losses), _ordered(purchases))


@dataclass(frozen=True, slots=True)
class _Purchase:
    """What makes lots one purchase."""

    wash_key: str
    account_id: AccountId
    bought_on: date
    purchase_id: str


def _shares_bought(
    purchases: Iterable[HouseholdPurchase], securities: Mapping[SecurityId, Security]
) -> dict[_Purchase, Decimal]:
    bought: dict[_Purchase, Decimal] = {}
    for each in purchases:
        wash_key = _wash_key(each.security_id, securities)
        key = _Purchase(wash_key, each.account_id, each.bought_on, each.purchase_id)
        bought[key] = bought.get(key, Decimal(0)) + each.quantity
    return bought


def _wash_key(security_id: SecurityId, securities: Mapping[SecurityId, Security]) -> str:
    security = securities.get(security_id)
    return security_id if security is None else security.wash_key


def _window(opened_on: date, wash_key: str, quantity: Decimal, account_id: str, purchase_id: str = "") -> WashWindow:
    return WashWindow(wash_key, opened_on, opened_on + DAYS_EITHER_SIDE, quantity, account_id, purchase_id)


def _ordered(windows: Iterable[WashWindow]) -> tuple[WashWindow, ...]:
    """By key, day, account and purchase: equal facts give an equal snapshot, in whatever order they came."""
    return tuple(
        sorted(
            windows,
            key=lambda each: (each.wash_key, each.opened_on, each.account_id, each.purchase_id, each.quantity),
        )
    )


def is_own_purchase(window: WashWindow, lot: TaxLot) -> bool:
    """The window was opened by the purchase that the lot came from (WS-4, Rev. Rul. 56-602).

    Where either has no purchase id, account and day tell.
    """
    same_day = window.account_id == lot.account_id and window.opened_on == lot.acquired_on
    known = bool(window.purchase_id and lot.purchase_id)
    return same_day and (window.purchase_id == lot.purchase_id or not known)


def in_order_of_acquisition(lots: Iterable[TaxLot]) -> list[TaxLot]:
    """Lots as the rule takes the losses of one day: the longest held first; one day's by id (Reg. 1.1091-1(b))."""
    return sorted(lots, key=lambda lot: (lot.acquired_on, lot.id))


def replaced(quantity: Amount, purchases: Sequence[int], left: list[Amount]) -> Amount:
    """How many of `quantity` shares the numbered purchases replace, first ones first; takes them off `left`.

    A purchased share replaces one sold share, once (WS-3, Reg. 1.1091-1(c), (e)).
    """
    open_quantity = quantity
    for purchase in purchases:
        taken = min(open_quantity, left[purchase])
        left[purchase] -= taken
        open_quantity -= taken
    return quantity - open_quantity


class WashConflictCode(StrEnum):
    WASH_SALE = "WASH_SALE"  # against the account's own trades, or a window that is open
    WASH_SALE_PEER = "WASH_SALE_PEER"  # against another account of the household (case 87)


@dataclass(frozen=True, slots=True)
class HouseholdTrade:
    """A committed intent, an execution, or the leg of a proposal, as the wash sale rule sees it."""

    account_id: AccountId
    wash_key: str
    side: Side
    realizes_loss: bool  # some lot of the sale is sold at a loss; False on a buy
    taxable: bool = True  # whether a loss of the account counts

    @property
    def is_loss_sale(self) -> bool:
        return self.side is Side.SELL and self.realizes_loss and self.taxable


@dataclass(frozen=True, slots=True)
class WashConflict:
    """A leg that must not be committed. `leg` is its place in the proposal."""

    code: WashConflictCode
    leg: int
    wash_key: str
    account_id: str
    peer_account_id: str
    message: str


def wash_conflicts(
    legs: Sequence[HouseholdTrade],
    committed: Iterable[HouseholdTrade],
    windows: WashWindows | None = None,
) -> tuple[WashConflict, ...]:
    """What keeps a proposal's legs from being committed after the household's `committed` trades of the day.

    A buy conflicts with a committed loss sale of its key, in whichever account, an IRA included (WS-9); a loss
    sale with a committed buy; and the legs with each other. `windows`, when given, are those open now: a buy
    inside a loss sale's window conflicts too. (A loss sale inside a purchase's window is the analysis's choice.)
    """
    others = tuple(committed)
    blocked = windows.loss_sales if windows is not None else ()
    found = []
    for place, leg in enumerate(legs):
        rest = (*others, *(other for index, other in enumerate(legs) if index != place))
        clash = next((other for other in rest if _clash(leg, other)), None)
        window = next((each for each in blocked if leg.side is Side.BUY and each.wash_key == leg.wash_key), None)
        if clash is not None:
            found.append(_conflict_with_trade(place, leg, clash))
        elif window is not None:
            found.append(_conflict_with_window(place, leg, window))
    return tuple(found)


def _clash(leg: HouseholdTrade, other: HouseholdTrade) -> bool:
    if leg.wash_key != other.wash_key:
        return False
    return (leg.side is Side.BUY and other.is_loss_sale) or (leg.is_loss_sale and other.side is Side.BUY)


def _code(account_id: str, other_account_id: str) -> WashConflictCode:
    return WashConflictCode.WASH_SALE if account_id == other_account_id else WashConflictCode.WASH_SALE_PEER


def _conflict_with_trade(place: int, leg: HouseholdTrade, other: HouseholdTrade) -> WashConflict:
    did = "sells it at a loss" if other.is_loss_sale else "buys it"
    wants = "buy" if leg.side is Side.BUY else "sell at a loss"
    message = f"account {leg.account_id} would {wants} {leg.wash_key} on the day account {other.account_id} {did}"
    return WashConflict(
        _code(leg.account_id, other.account_id), place, leg.wash_key, leg.account_id, other.account_id, message
    )


def _conflict_with_window(place: int, leg: HouseholdTrade, window: WashWindow) -> WashConflict:
    message = (
        f"account {leg.account_id} would buy {leg.wash_key} before {window.last_day} has passed: "
        f"account {window.account_id} sold it at a loss on {window.opened_on}"
    )
    return WashConflict(
        _code(leg.account_id, window.account_id), place, leg.wash_key, leg.account_id, window.account_id, message
    )
