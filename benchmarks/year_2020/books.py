"""One account's books through the year: lots, cash, gains, and the wash sale rule on everything that was traded.

Every method is booked here, whatever it knew of the rule: a loss sale is washed as far as other shares of its wash
key were bought within thirty days either side (Reg. 1.1091-1; WS-1, WS-3 to WS-6, WS-11).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from trimtab.domain.accounts import AccountId
from trimtab.domain.corporate_actions import ActionKind, CorporateAction, Holdings, apply_split, times
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, holding_period
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.wash_sales import HouseholdPurchase, HouseholdSale, wash_sale_window

_Traded = TypeVar("_Traded", HouseholdSale, HouseholdPurchase)


@dataclass(frozen=True, slots=True)
class Order:
    """What a method wants done at the day's close. `lots` are the shares by lot of a sale, empty for a purchase."""

    security_id: SecurityId
    quantity: Decimal
    lots: tuple[tuple[LotId, Decimal], ...] = ()


@dataclass(slots=True)
class _LossSale:
    """A sale at a loss that later purchases may still wash."""

    lot: TaxLot  # as it was sold
    sold_on: date
    unmatched: Decimal  # shares
    loss_a_share: Decimal  # dollars, above zero
    term: HoldingPeriod


@dataclass(slots=True)
class Books:
    """Dollars and shares are exact; floats appear nowhere."""

    account_id: AccountId
    securities: Mapping[SecurityId, Security]
    cash: Decimal = ZERO
    lots: dict[LotId, TaxLot] = field(default_factory=dict)
    gains: dict[HoldingPeriod, Decimal] = field(default_factory=lambda: dict.fromkeys(HoldingPeriod, ZERO))
    sales: list[HouseholdSale] = field(default_factory=list)  # the last 30 days'
    purchases: list[HouseholdPurchase] = field(default_factory=list)  # the last 30 days'
    washed: Decimal = ZERO  # dollars of losses disallowed so far
    traded: Decimal = ZERO  # dollars bought plus dollars sold
    cost: Decimal = ZERO
    orders: int = 0
    _losses: list[_LossSale] = field(default_factory=list)
    _replacing: set[LotId] = field(default_factory=set)  # lots that have replaced shares sold at a loss (WS-4)

    def shares(self) -> dict[SecurityId, Decimal]:
        held: dict[SecurityId, Decimal] = {}
        for lot in self.lots.values():
            held[lot.security_id] = held.get(lot.security_id, ZERO) + lot.quantity
        return held

    def begin(
        self,
        session: date,
        splits: Mapping[SecurityId, Fraction],
        dividends: Mapping[SecurityId, Decimal],
        price: Mapping[SecurityId, Decimal],
    ) -> None:
        """The morning: dividends on what was held, then splits, fractions paid out at `price` (new shares)."""
        if splits or dividends:
            held = self.shares()
            for security_id, cash in dividends.items():
                self.cash += to_cents(held.get(security_id, ZERO) * cash)
            for security_id, ratio in splits.items():
                self._split(session, security_id, ratio, price[security_id])
        since = wash_sale_window(session).first
        self.sales = [each for each in self.sales if each.sold_on >= since]
        self.purchases = [each for each in self.purchases if each.bought_on >= since]
        self._losses = [each for each in self._losses if each.sold_on >= since and each.unmatched > 0]

    def _split(self, session: date, security_id: SecurityId, ratio: Fraction, price: Decimal) -> None:
        action = CorporateAction(f"{security_id}-{session}", 1, ActionKind.SPLF, security_id, session, ratio)
        own = tuple(lot for lot in self.lots.values() if lot.security_id == security_id)
        after = apply_split(Holdings(self.account_id, own, ()), action, price)
        for lot in own:
            del self.lots[lot.id]
        self.lots.update({lot.id: lot for lot in after.lots})
        for paid in after.cash_in_lieu:
            term = holding_period(next(lot for lot in own if lot.id == paid.lot_ids[0]), session)
            self.cash += paid.proceeds
            self.gains[term] += paid.gain
        self.sales = [_in_new_shares(each, security_id, ratio) for each in self.sales]
        self.purchases = [_in_new_shares(each, security_id, ratio) for each in self.purchases]
        for loss in self._losses:
            if loss.lot.security_id == security_id:
                loss.unmatched = times(loss.unmatched, ratio)
                loss.loss_a_share = loss.loss_a_share * ratio.denominator / ratio.numerator

    def trade(self, session: date, orders: Iterable[Order], closes: Mapping[SecurityId, Decimal]) -> None:
        """Fill every order at the close, pay half the spread, then wash what the day has washed."""
        touched = set()
        for order in orders:
            self._fill(session, order, closes[order.security_id])
            touched.add(self.securities[order.security_id].wash_key)
        for loss in self._losses:
            if self._key(loss.lot) in touched:
                self._wash(loss, session)

    def _fill(self, session: date, order: Order, close: Decimal) -> None:
        notional = to_cents(order.quantity * close)
        cost = to_cents(notional * self.securities[order.security_id].half_spread_bps / 10_000)
        self.traded += notional
        self.cost += cost
        self.orders += 1
        if order.lots:
            self.cash += notional - cost
            self._sell(session, order, notional - cost)
        else:
            self.cash -= notional + cost
            self.add(order.security_id, order.quantity, session, notional + cost)

    def add(self, security_id: SecurityId, quantity: Decimal, bought_on: date, cost: Decimal) -> None:
        """A lot of its own; what one account buys of one security in a day is one purchase."""
        purchase = f"{security_id}-{bought_on:%Y%m%d}"
        lot = TaxLot(LotId(purchase), self.account_id, security_id, quantity, bought_on, cost, purchase_id=purchase)
        self.lots[lot.id] = lot
        self.purchases.append(HouseholdPurchase(self.account_id, security_id, bought_on, quantity, purchase))

    def _sell(self, session: date, order: Order, proceeds: Decimal) -> None:
        left, shares_left = proceeds, order.quantity
        for lot_id, shares in order.lots:
            lot = self.lots.pop(lot_id)
            amount = to_cents(left * shares / shares_left)
            left, shares_left = left - amount, shares_left - shares
            sold, kept = _divided(lot, shares)
            if kept is not None:
                self.lots[kept.id] = kept
            gain, term = amount - sold.cost, holding_period(lot, session)
            self.gains[term] += gain
            self.sales.append(HouseholdSale(self.account_id, lot.security_id, session, shares, amount, sold.cost))
            if gain < 0:
                self._losses.append(_LossSale(sold, session, shares, -gain / shares, term))

    def _key(self, lot: TaxLot) -> str:
        return self.securities[lot.security_id].wash_key

    def _wash(self, loss: _LossSale, session: date) -> None:
        """Match a loss with its replacements, in the order of their purchase; one share replaces one share, once."""
        window = wash_sale_window(loss.sold_on)
        candidates = [
            lot
            for lot in self.lots.values()
            if lot.acquired_on in window
            and self._key(lot) == self._key(loss.lot)
            and lot.purchase_id != loss.lot.purchase_id
            and lot.id not in self._replacing
        ]
        for lot in sorted(candidates, key=lambda each: (each.acquired_on, each.id)):
            if loss.unmatched <= 0:
                return
            self._replace(loss, lot, min(loss.unmatched, lot.quantity))

    def _replace(self, loss: _LossSale, lot: TaxLot, shares: Decimal) -> None:
        """`shares` of `lot` take the loss into their basis, and the days that the sold shares were held."""
        matched, rest = _divided(lot, shares)
        disallowed = to_cents(loss.loss_a_share * shares)
        held: timedelta = loss.sold_on - loss.lot.holding_from
        del self.lots[lot.id]
        if rest is not None:
            matched = replace(matched, id=LotId(f"{lot.id}+{loss.lot.id}@{loss.sold_on:%m%d}"))
            self.lots[rest.id] = rest
        self.lots[matched.id] = replace(
            matched,
            cost=matched.cost + disallowed,
            wash_adjustment=matched.wash_adjustment + disallowed,
            holding_start=lot.holding_from - held,
        )
        self._replacing.add(matched.id)
        loss.unmatched -= shares
        self.gains[loss.term] += disallowed
        self.washed += disallowed


def _divided(lot: TaxLot, shares: Decimal) -> tuple[TaxLot, TaxLot | None]:
    """`shares` of the lot, and what is left of it under its own id."""
    if shares == lot.quantity:
        return lot, None
    cost = to_cents(lot.cost * shares / lot.quantity)
    wash = to_cents(lot.wash_adjustment * shares / lot.quantity)
    taken = replace(lot, quantity=shares, cost=cost, wash_adjustment=wash)
    kept = replace(
        lot, quantity=lot.quantity - shares, cost=lot.cost - cost, wash_adjustment=lot.wash_adjustment - wash
    )
    return taken, kept


def _in_new_shares(each: _Traded, security_id: SecurityId, ratio: Fraction) -> _Traded:
    return replace(each, quantity=times(each.quantity, ratio)) if each.security_id == security_id else each
