"""The checker's lower bound of ordinary accounts, all securities at once (see `checked_bound.py` for the walk).

Of lots in the order of their prices each is sold from where those before it end: how far is one clip a lot. What
purchases wash of a lot in part is walked, for the few securities in which they do. With each bound comes how far the
walk, in its own order of sums, may be from it (see `checked_round_off.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from trimtab.domain.lots import LotId
from trimtab.domain.optimizer.checked_bound import Priced, pieces_of
from trimtab.domain.optimizer.checked_columns import Columns
from trimtab.domain.optimizer.checked_legs import Leg, LotLeg
from trimtab.domain.optimizer.checked_market import Flags, Floats, Ints
from trimtab.domain.optimizer.checked_prices import PricesAtOnce, Ruled, prices_at_once
from trimtab.domain.optimizer.checked_round_off import apart
from trimtab.domain.proposals import Certificate

_NEVER: Final = np.inf

_FIXED_POINT: Final = 2.0**60
"""Sums of lots are taken in integers of 2^-60: exact in any order, and no lot of another account disturbs them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Offers:
    """The open lots by security, the cheapest at the prices first."""

    row: Ints  # among the columns' lots
    first: Ints  # (n,) where the lots of each security begin
    price: Floats  # of a unit sold
    most: Floats
    gains: Flags  # not at a loss

    def before(self, most: Floats, place: Ints) -> Floats:
        """Of each lot of the securities at `place`, what may be sold of those before it in its security.

        A lot worth more than the account leaves nothing to be sold after it, and may be cut to that.
        """
        fixed = np.rint(np.minimum(most, 1.0) * _FIXED_POINT).astype(np.int64)
        running = np.cumsum(fixed) - fixed  # beyond 2^63 it wraps, and so do differences: back to what they are
        return np.asarray(running - running[self.first[place]], dtype=np.float64) / _FIXED_POINT


def bounds(
    columns: Columns, ruled: Sequence[Ruled], certificates: Sequence[Certificate], *, walked: Sequence[int]
) -> tuple[Floats, Floats]:
    """(accounts,) a number that the objective of no allowed list is below; NaN where the prices prove nothing.

    But for accounts that are `walked`, by number, securities that purchases wash in part may make it lower, never
    higher. And how far the bound that is summed leg by leg may be from it.
    """
    regimes = [each.regimes for each in ruled]
    lowest, off = np.full(len(ruled), np.inf), np.zeros(len(ruled))
    for turn in range(max(map(len, regimes))):
        mine = [several[min(turn, len(several) - 1)] for several in regimes]
        prices = prices_at_once(columns, [each.rows for each in ruled], mine, certificates)
        bound = _Bound(columns, prices, walked=walked)
        lowest = np.minimum(lowest, np.where(prices.proved, bound.values(), np.nan))
        off = np.maximum(off, bound.round_off())
    return lowest, off


class _Bound:
    """The least that any list costs at the prices, fractions of account value."""

    def __init__(self, columns: Columns, prices: PricesAtOnce, *, walked: Sequence[int]) -> None:
        self._columns, self._prices, self._accounts_walked = columns, prices, walked
        of, accounts, spread = columns.account, columns.accounts, columns.half_spread
        self._curvature = accounts.risk_aversion[of] * columns.variance
        self._curvature += 2 * prices.cap[of] * columns.specific_risk**2
        self._slope = np.einsum("ij,ij->i", columns.loadings, prices.factor[of]) - columns.tilt
        churn, cash = (accounts.churn + prices.traded)[of], prices.cash[of]
        self._sale = spread + churn - cash * (1 - spread)
        self._purchase = spread + churn + cash * (1 + spread)
        self._offers = self._priced_lots()
        self._least = self._of_each()

    def values(self) -> Floats:
        """(accounts,) of all securities, and of what they share."""
        return self._shared() + self._columns.by_account(self._least)

    def _of_each(self) -> Floats:
        """The least that each security costs, each contested wash key on its cheaper side."""
        columns, offers = self._columns, self._offers
        buying, selling = self._buying(), self._in_pieces(self._selling(offers.most, columns.most_sold))
        either = self._either_way(np.minimum(selling, buying), offers.price, columns.most_sold)
        if columns.contested.any():
            either = self._on_the_cheaper_side(selling, buying, either)
        return either

    def round_off(self) -> Floats:
        """(accounts,) the most by which the values and the same summed leg by leg are apart."""
        columns = self._columns
        of_key = np.bincount(columns.key)[columns.key]
        of_lots = np.bincount(columns.lots.place, minlength=len(of_key))
        in_each = apart(of_lots + of_key + columns.loadings.shape[1], self._magnitudes())
        summed = columns.by_account(np.abs(self._least)) + self._magnitude_of_shared()
        return columns.by_account(in_each) + apart(columns.sizes, summed)

    def _magnitudes(self) -> Floats:
        """Of each security's parabola and prices, as far as trading can pay.

        From the active weight no list goes beyond the weight at which the parabola is as steep as all prices together.
        """
        columns, prices, lots, of = self._columns, self._prices, self._columns.lots, self._columns.account
        exposed = np.einsum("ij,ij->i", np.abs(columns.loadings), np.abs(prices.factor[of])) + np.abs(columns.tilt)
        trading = columns.half_spread + (columns.accounts.churn + prices.magnitude + 2 * np.abs(prices.cash))[of]
        taxed = np.zeros(len(of))
        tax = np.abs(lots.tax) + 2 * lots.wash_cost + np.abs(lots.gain) * prices.magnitude[of][lots.place]
        np.maximum.at(taxed, lots.place, tax)
        steep = exposed + 2 * trading + taxed
        most = np.maximum(columns.by_security(lots.most), columns.most_bought)
        # A lot's place among those before it is rounded to 2^-61, the unit round-off of 2^-8.
        reach = columns.at_most + np.minimum(most, columns.at_most + steep / self._curvature) + 2.0**-8
        magnitudes: Floats = self._curvature * reach**2 + steep * reach
        return magnitudes

    def _on_the_cheaper_side(self, selling: Floats, buying: Floats, either: Floats) -> Floats:
        """A contested key is on one side with all its securities: bought, or kept, it is not sold at a loss."""
        columns, offers = self._columns, self._offers
        gains = np.where(offers.gains, offers.most, 0.0)
        most = np.minimum(columns.most_sold, columns.whole_shares(columns.by_security(gains)))
        price = np.where(offers.gains, offers.price, _NEVER)
        keeping = self._either_way(np.minimum(self._selling(gains, most), buying), price, most)
        keys = int(columns.key.max()) + 1
        sold, kept = (np.bincount(columns.key, side, keys)[columns.key] for side in (selling, keeping))
        return np.where(columns.contested, np.where(sold < kept, selling, keeping), either)

    def _shared(self) -> Floats:
        """What cash, exposures, rows and the limit of risk add, (accounts,)."""
        accounts, prices = self._columns.accounts, self._prices
        loose = 2 * (accounts.risk_aversion + 2 * prices.cap)
        limited = np.isfinite(accounts.tracking_limit)
        capped = prices.cap * np.where(limited, accounts.tracking_limit, 0.0) ** 2
        exposures = np.einsum("ij,ij->i", prices.factor, prices.factor) / loose
        shared: Floats = self._of_cash() - exposures - capped + prices.constant
        return shared

    def _magnitude_of_shared(self) -> Floats:
        accounts, prices = self._columns.accounts, self._prices
        cash = accounts.cash_least + accounts.cash_wanted + np.abs(accounts.cash)
        exposures = np.einsum("ij,ij->i", prices.factor, prices.factor) / accounts.risk_aversion
        capped = prices.cap * np.where(np.isfinite(accounts.tracking_limit), accounts.tracking_limit, 0.0) ** 2
        priced = (accounts.drag + accounts.shortfall + np.abs(prices.cash)) * cash
        magnitude: Floats = priced + exposures + capped + prices.magnitude
        return magnitude

    def _of_cash(self) -> Floats:
        """The least of penalty and price over all cash that may be left: at the least of it, or at what is wanted."""
        accounts, price = self._columns.accounts, self._prices.cash
        wanted = accounts.cash_wanted
        least, most = (
            np.maximum(accounts.drag * (left - wanted), accounts.shortfall * (wanted - left))
            + price * (left - accounts.cash)
            for left in (accounts.cash_least, np.maximum(accounts.cash_least, wanted))
        )
        return np.minimum(least, most)

    def _priced_lots(self) -> _Offers:
        columns, lots, prices = self._columns, self._columns.lots, self._prices
        price, order = lots.tax + self._sale[lots.place], np.arange(len(lots.tax))
        if prices.short.any() or prices.long.any():
            of = columns.account[lots.place]
            price = price + lots.gain * np.where(lots.short_term, prices.short[of], prices.long[of])
            order = np.lexsort((price, lots.place))
        first = np.searchsorted(lots.place, np.arange(len(columns.account)))
        return _Offers(order, first, price[order], lots.most[order], ~lots.at_loss[order])

    def _selling(self, most: Floats, limit: Floats) -> Floats:
        """The least when at most so much of each lot, and of each security, is sold, and nothing bought."""
        columns, offers, place = self._columns, self._offers, self._columns.lots.place
        before = offers.before(most, place)
        worth = columns.active[place] + (self._slope[place] - offers.price) / self._curvature[place]
        taken = np.clip(worth - before, 0.0, np.clip(limit[place] - before, 0.0, most))
        return columns.by_security(taken * offers.price) + self._weighing(columns.active - columns.by_security(taken))

    def _in_pieces(self, selling: Floats) -> Floats:
        """The same where purchases wash lots in part, of the accounts that are walked."""
        columns = self._columns
        for number in self._accounts_walked:
            begin, each = int(columns.begin[number]), columns.facts[number]
            if each.account.taxable and each.account.snapshot.wash_windows.purchases:
                for name, bought in each.account.washes(unlocked=False).alone():
                    selling[begin + each.place[name]] = self._walked(begin + each.place[name], bought)
        return selling

    def _walked(self, place: int, bought: Mapping[LotId, Decimal]) -> float:
        leg, prices = self._leg(place, bought)
        of_lots = {lot.id: price for lot, price in zip(leg.lots, prices, strict=True)}
        lots = [(price, lot.most, lot.at_loss) for lot, price in zip(leg.lots, prices, strict=True)]
        curvature, slope = float(self._curvature[place]), float(self._slope[place])
        return Priced(leg, curvature, slope, 0.0, lots, tuple(pieces_of(leg, of_lots))).selling()

    def _leg(self, place: int, bought: Mapping[LotId, Decimal]) -> tuple[Leg, list[float]]:
        """One security with its lots, those that may be washed in part by what was `bought`, and the lots' prices."""
        columns, offers, lots = self._columns, self._offers, self._columns.lots
        number, share = int(columns.account[place]), float(columns.share[place])
        facts, first = columns.facts[number], int(columns.first_lot[number])
        end = offers.first[place + 1] if place + 1 < len(offers.first) else len(offers.price)
        mine = slice(int(offers.first[place]), int(end))
        rows = offers.row[mine]
        ids = [facts.lots[source - first].id for source in lots.source[rows].tolist()]
        told = (lots.most, lots.tax, lots.gain, lots.short_term, lots.at_loss, lots.washed, lots.wash_cost)
        legs = map(LotLeg, ids, *[column[rows].tolist() for column in told])
        name = facts.ids[place - int(columns.begin[number])]
        leg = Leg(
            security_id=name,
            key=name,
            of_set=name,
            preference=0.0,
            holding=float(columns.holding[place]),
            active=float(columns.active[place]),
            tilt=float(columns.tilt[place]),
            half_spread=float(columns.half_spread[place]),
            share=share,
            whole=bool(columns.whole[place]),
            least_bought=0.0,
            most_bought=float(columns.most_bought[place]),
            least_sold=0.0,
            most_sold=float(columns.most_sold[place]),
            lots=tuple(legs),
            purchased={lot_id: float(shares) * share for lot_id, shares in bought.items()},
        )
        return leg, offers.price[mine].tolist()

    def _buying(self) -> Floats:
        """The least when nothing is sold."""
        columns = self._columns
        worth = -(self._purchase + self._slope) / self._curvature - columns.active
        bought = np.clip(worth, 0.0, columns.most_bought)
        least: Floats = self._purchase * bought + self._weighing(columns.active + bought)
        return least

    def _either_way(self, one_way: Floats, price: Floats, most: Floats) -> Floats:
        """Selling and buying back pays only when the prices make it earn something; then at most that much."""
        columns, offers, n = self._columns, self._offers, len(one_way)
        has_lots = np.bincount(columns.lots.place, minlength=n) > 0
        cheapest = np.full(n, _NEVER)
        if len(price):
            cheapest[has_lots] = np.minimum.reduceat(price, offers.first[has_lots])
        earned = np.minimum(cheapest + self._purchase, 0.0) * np.minimum(most, columns.most_bought)
        least: Floats = one_way + earned
        return least

    def _weighing(self, active: Floats) -> Floats:
        cost: Floats = self._curvature / 2 * active**2 + self._slope * active
        return cost
