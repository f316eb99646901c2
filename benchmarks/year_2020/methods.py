"""Two ways without an optimizer, and ours: each turns a morning's books into orders for the close."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from benchmarks.year_2020.accounts import Profile
from benchmarks.year_2020.books import Books, Order
from benchmarks.year_2020.market import Day, Year
from trimtab.domain.accounts import CashBalance, Position
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput
from trimtab.domain.wash_sales import open_windows, wash_sale_window

HARVEST_FROM = 0.05
"""A lot is harvested when it has lost this fraction of its basis."""

_BATCH = 64

Account = tuple[Profile, Books]
Method = Callable[[Year, Day, Sequence[Account]], list[list[Order]]]


def trimtab(year: Year, day: Day, accounts: Sequence[Account]) -> list[list[Order]]:
    """The product's own analysis of the morning's snapshots. An account that ends in an error holds for the day."""
    requests = [analysis_input(day, *account) for account in accounts]
    return [_orders(each) for each in answers(requests, day)]


def answers(requests: Sequence[AnalysisInput], day: Day) -> list[RebalanceProposal | TrimtabError]:
    return [
        answer
        for first in range(0, len(requests), _BATCH)
        for answer in analyze_batch(requests[first : first + _BATCH], day.arrays)
    ]


def _orders(proposal: RebalanceProposal | TrimtabError) -> list[Order]:
    if isinstance(proposal, TrimtabError):
        print(f"no trades: {proposal}", file=sys.stderr)
        return []
    if proposal.outcome not in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE):
        print(f"account {proposal.account_id}, no trades: {proposal.outcome} {proposal.note}", file=sys.stderr)
    orders = [
        Order(trade.security_id, trade.quantity, tuple((sale.lot_id, sale.quantity) for sale in trade.lot_sales))
        for trade in proposal.trades
    ]
    return sorted(orders, key=lambda order: not order.lots)  # sales first


def analysis_input(day: Day, profile: Profile, books: Books) -> AnalysisInput:
    prices = day.market.prices
    lots = tuple(books.lots.values())
    snapshot = AccountSnapshot(
        business_date=day.session,
        as_of=day.eve,
        account=profile.account,
        positions=tuple(
            Position(security_id, shares, to_cents(shares * prices[security_id].close))
            for security_id, shares in books.shares().items()
        ),
        lots=lots,
        cash=CashBalance(books.cash),
        settings=profile.settings,
        wash_windows=open_windows(day.session, books.sales, lots, day.market.securities, books.purchases),
        frozen={},
    )
    return AnalysisInput(snapshot, day.models[profile.size], day.market)


def tax_blind(year: Year, day: Day, accounts: Sequence[Account]) -> list[list[Order]]:
    """Back to the target in whole shares, first lots first out; trades below the minimum are left."""
    return [_blind(_Desk(year, day, *account)) for account in accounts]


def _blind(desk: "_Desk") -> list[Order]:
    desk.sell(np.where(desk.excess >= desk.minimum, desk.excess, 0.0), _first_in)
    desk.buy(np.ones(len(desk.shares), dtype=np.bool_), np.zeros(len(desk.shares)))
    return desk.orders()


@dataclass(frozen=True, slots=True)
class ThresholdHarvesting:
    """Losses above a threshold are sold, the proceeds spread over the sector; bands bring back what drifts.

    A name sold at a loss is not bought for 30 days. A name bought in the last 30 days is not sold at a loss. Highest
    cost is sold first. A name is sold back to its target when it is above by `band` of its target, and bought back
    when it is below by as much; cash goes to the names that are shortest.
    """

    band: float

    def __call__(self, year: Year, day: Day, accounts: Sequence[Account]) -> list[list[Order]]:
        return [self._harvest(_Desk(year, day, *account)) for account in accounts]

    def _harvest(self, desk: "_Desk") -> list[Order]:
        harvested = desk.harvest()
        target = desk.target_value
        over = (desk.excess > self.band * target) & (desk.excess >= desk.minimum) & ~harvested
        desk.sell(np.where(over, desk.excess, 0.0), _highest_cost, spare_washed=True)
        open_to_buy = ~desk.locked() & ~harvested
        desk.buy(open_to_buy, desk.spread_by_sector(harvested, open_to_buy), self.band)
        return desk.orders()


def _first_in(lots: Iterable[TaxLot]) -> list[TaxLot]:
    return sorted(lots, key=lambda lot: (lot.acquired_on, lot.id))


def _highest_cost(lots: Iterable[TaxLot]) -> list[TaxLot]:
    return sorted(lots, key=lambda lot: (-lot.unit_cost, lot.acquired_on, lot.id))


class _Desk:
    """One account's morning as dollars by name, and the orders in the making."""

    def __init__(self, year: Year, day: Day, profile: Profile, books: Books) -> None:
        self.year, self.day, self.profile, self.books = year, day, profile, books
        self.minimum = float(profile.settings.minimum_trade)
        self.price = np.nan_to_num(day.price)
        self.shares: Floats = np.zeros(len(year.ids))
        for security_id, quantity in books.shares().items():
            self.shares[year.row[security_id]] = float(quantity)
        self.cash = float(books.cash)
        self.value = self.cash + float(self.shares @ self.price)
        self.cash_target = float(profile.settings.cash_target)
        self.target_value = day.targets[profile.size] * (1 - self.cash_target) * self.value
        self._by_name: dict[int, list[TaxLot]] = {}
        for lot in books.lots.values():
            self._by_name.setdefault(year.row[lot.security_id], []).append(lot)
        self._sold: dict[int, dict[LotId, Decimal]] = {}
        self._bought: dict[int, int] = {}
        self._lost: set[str] = set()  # wash keys sold at a loss today

    @property
    def excess(self) -> Floats:
        """(n,) dollars above target."""
        return np.asarray(self.shares * self.price - self.target_value, dtype=np.float64)

    def harvest(self) -> Flags:
        """Sell every lot that has lost enough, of names not bought lately. (n,) the names sold."""
        harvested = np.zeros(len(self.shares), dtype=np.bool_)
        lately = self._bought_lately()
        for row, lots in self._by_name.items():
            key = self.year.wash_keys[row]
            losers = [lot for lot in lots if self._loss(row, lot) > HARVEST_FROM]
            worth = sum(float(lot.quantity) for lot in losers) * self.price[row]
            if not losers or worth < self.minimum or key in lately:
                continue
            for lot in losers:
                self._take(row, lot, lot.quantity)
            harvested[row] = True
            self._lost.add(key)
        same_key = np.array([key in self._lost for key in self.year.wash_keys], dtype=np.bool_)
        return harvested | same_key

    def _loss(self, row: int, lot: TaxLot) -> float:
        return 1.0 - float(lot.quantity) * float(self.price[row]) / float(lot.cost) if lot.cost else 0.0

    def _bought_lately(self) -> frozenset[str]:
        since = wash_sale_window(self.day.session).first
        securities = self.day.market.securities
        bought = [each.security_id for each in self.books.purchases if each.bought_on >= since]
        return frozenset(securities[each].wash_key for each in bought)

    def locked(self) -> Flags:
        """(n,) names whose wash key was sold at a loss in the last 30 days or today, or that have no price."""
        securities = self.day.market.securities
        keys = {securities[each.security_id].wash_key for each in self.books.sales if each.is_loss} | self._lost
        return np.array([key in keys for key in self.year.wash_keys], dtype=np.bool_) | (self.price <= 0)

    def sell(
        self, dollars: Floats, order: Callable[[Iterable[TaxLot]], list[TaxLot]], *, spare_washed: bool = False
    ) -> None:
        """Whole shares worth about `dollars` (n,); all of a name that is not in the target.

        With `spare_washed` no lot at a loss whose wash key was bought lately.
        """
        lately = self._bought_lately() if spare_washed else frozenset()
        for row in np.flatnonzero(dollars > 0):
            out = self.target_value[row] == 0
            shares = self.shares[row] if out else np.rint(dollars[row] / self.price[row])
            left = Decimal(int(shares))
            for lot in order(self._by_name.get(int(row), ())):
                quantity = min(lot.quantity, left)
                if quantity <= 0:
                    break
                if self._loss(int(row), lot) > 0:
                    if self.year.wash_keys[row] in lately:
                        continue
                    self._lost.add(self.year.wash_keys[row])
                self._take(int(row), lot, quantity)
                left -= quantity

    def _take(self, row: int, lot: TaxLot, quantity: Decimal) -> None:
        self._sold.setdefault(row, {})[lot.id] = quantity
        self.shares[row] -= float(quantity)
        self.cash += float(quantity) * self.price[row] * (1 - self.year.half_spread[row])

    def spread_by_sector(self, harvested: Flags, open_to_buy: Flags) -> Floats:
        """(n,) dollars of what was harvested today, by target weight over the sector's open names, else over all."""
        proceeds = np.zeros(len(self.shares))
        for row, lots in self._sold.items():
            if harvested[row]:
                proceeds[row] = sum(float(quantity) for quantity in lots.values()) * self.price[row]
        spread = np.zeros(len(self.shares))
        for sector in np.unique(self.year.sectors[proceeds > 0]):
            own = self.year.sectors == sector
            heirs = np.where(own & open_to_buy, self.target_value, 0.0)
            if heirs.sum() == 0:
                heirs = np.where(open_to_buy, self.target_value, 0.0)
            if heirs.sum() > 0:
                spread += proceeds[own].sum() * heirs / heirs.sum()
        return spread

    def buy(self, open_to_buy: Flags, extra: Floats, band: float = 0.0) -> None:
        """What is short by more than the band, then the spread of harvests, then the shortest names, as cash allows."""
        allowed = open_to_buy & (self.price > 0) & (self.target_value > 0)
        short = -self.excess
        due = np.where(allowed & (short > band * self.target_value), short, 0.0)
        self._spend(np.where(allowed, np.maximum(due, extra), 0.0))
        self._spend(np.where(allowed, np.maximum(-self.excess, 0.0), 0.0))

    def _spend(self, wanted: Floats) -> None:
        spare = self.cash - self.cash_target * self.value
        for row in np.argsort(-wanted, kind="stable"):
            if wanted[row] <= 0 or spare < self.minimum:
                return
            unit = self.price[row] * (1 + self.year.half_spread[row])
            dollars = max(wanted[row], self.minimum if wanted[row] > self.minimum / 2 else 0.0)
            shares = int(min(np.rint(dollars / unit), spare // unit))
            if shares * unit < self.minimum:
                continue
            row = int(row)
            self._bought[row] = self._bought.get(row, 0) + shares
            self.shares[row] += shares
            self.cash -= shares * unit
            spare -= shares * unit

    def orders(self) -> list[Order]:
        """Sales first; a name that would be sold and bought is netted by not buying it."""
        ids = self.year.ids
        sales = [
            Order(ids[row], sum(lots.values(), Decimal(0)), tuple(lots.items())) for row, lots in self._sold.items()
        ]
        buys = [Order(ids[row], Decimal(shares)) for row, shares in self._bought.items() if row not in self._sold]
        return sales + buys


METHODS: Mapping[str, Method] = {
    "trimtab": trimtab,
    "tax-blind FIFO": tax_blind,
    "threshold HIFO, band 25 %": ThresholdHarvesting(band=0.25),
    "threshold HIFO, band 50 %": ThresholdHarvesting(band=0.50),
}
