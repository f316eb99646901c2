"""Weak duality, computed anew: at a certificate's prices no allowed trade list is worth less than `lower_bound`.

Each security is minimised alone at the prices of what it shares with others; a wash key takes the cheaper of being
sold at a loss and of being bought (docs/formulation.md, section The bound). Written lot by lot, without arrays, so
that it has nothing in common with the kernel that it checks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np

from trimtab.domain.calibration import Parameters
from trimtab.domain.lots import LotId
from trimtab.domain.optimizer.checked_cells import CellLeast, PricedLeg, least_by_cells
from trimtab.domain.optimizer.checked_legs import ROUND_OFF, Leg
from trimtab.domain.optimizer.checked_netting import FIXED, CheckedRegime
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.optimizer.checked_rows import CheckedRow
from trimtab.domain.proposals import RegimePrices

NOT_NETTED: Final = CheckedRegime(FIXED)
"""Each gain is taxed at the rate of its own term."""

_MOST_KEYS: Final = 14
"""Keys whose sides a proof may tell apart: 2^14 patterns are enumerated in a millisecond or two."""

PricedLot = tuple[float, float, bool]
"""What a unit sold of a lot costs at the prices, the most that may be sold, and whether it stands at a loss."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sales of a security's lots on which washing costs a fixed charge."""

    charge: float  # with what selling `first` costs
    first: float  # weight sold in any case
    lots: Sequence[PricedLot]  # beyond that, cheapest first


@dataclass(frozen=True, slots=True)
class Priced:
    """One security at the prices: what its active weight and its trades cost."""

    leg: Leg
    curvature: float  # of its active weight
    slope: float  # price of a unit of active weight
    purchase: float  # cost of a unit bought
    lots: Sequence[PricedLot]  # cheapest first
    pieces: Sequence["Piece"] = ()  # of what washing costs, where that is not along a chord

    def selling(self) -> float:
        """The least it can cost when nothing of it is bought; any lot may be sold."""
        along_chord = self.by_selling(self.lots, self.leg.most_sold)
        return max(along_chord, min([self._on(piece) for piece in self.pieces], default=along_chord))

    def _on(self, piece: "Piece") -> float:
        """The least on one piece: its first lot is sold at least so far, what that costs comes first."""
        ahead = Priced(self.leg._replace(active=self.leg.active - piece.first), self.curvature, self.slope, 0.0, ())
        return piece.charge + ahead.by_selling(piece.lots, self.leg.most_sold)

    def closed(self, lots: Sequence[PricedLot], most: float) -> float:
        """The least it can cost when less than a unit that trades is held afterwards."""
        return self.by_selling(lots, most, max(self.leg.holding - self.leg.crumb, 0.0))

    def by_selling(self, lots: Sequence[PricedLot], most: float, least: float = 0.0) -> float:
        """The least it can cost when at most so much of these lots is sold, at least so much, and nothing bought."""
        leg, sold, cost, least = self.leg, 0.0, 0.0, max(least, self.leg.least_sold)
        if leg.least_bought > 0:
            return inf
        for price, available, _ in lots:
            # One more unit sold saves slope + curvature * (what is left), and costs `price`.
            worth_selling = leg.active + (self.slope - price) / self.curvature
            wanted = min(max(worth_selling, least), most) - sold
            if wanted <= 0:
                break
            taken = min(wanted, available)
            sold, cost = sold + taken, cost + price * taken
        if sold < least - ROUND_OFF:
            return inf
        return cost + self._active(leg.active - sold)

    def by_buying(self) -> float:
        """The least it can cost when nothing of it is sold."""
        leg = self.leg
        if leg.least_sold > 0:
            return inf
        worth_buying = -(self.purchase + self.slope) / self.curvature - leg.active
        bought = min(max(worth_buying, leg.least_bought), leg.most_bought)
        return self.purchase * bought + self._active(leg.active + bought)

    def either_way(self, lots: Sequence[PricedLot], most: float) -> float:
        """The least it can cost when it may be sold and bought.

        Doing both pays only when the prices make a unit sold and bought back earn something; then at most that much,
        on every unit that may go both ways.
        """
        one_way = min(self.selling() if lots is self.lots else self.by_selling(lots, most), self.by_buying())
        back_and_forth = lots[0][0] + self.purchase if lots else 0.0
        return one_way + min(back_and_forth, 0.0) * min(most, self.leg.most_bought)

    def _active(self, weight: float) -> float:
        return self.curvature / 2 * weight**2 + self.slope * weight


@dataclass(frozen=True, slots=True)
class Sides:
    """The bound, and what each contested wash key adds to it on its two sides; keys of one cell do not add up."""

    lowest: float  # with each key on its cheaper side
    if_sold: Mapping[str, float]  # added when the key may be sold at a loss and is not bought
    if_bought: Mapping[str, float]  # added when it may be bought and is not sold at a loss
    cell: Mapping[str, int]


NO_PROOF: Final = Sides(-inf, {}, {}, {})


def lower_bound(
    problem: CheckedProblem, rows: Sequence[CheckedRow], prices: RegimePrices, regime: CheckedRegime = NOT_NETTED
) -> Sides:
    """A number that the objective of no allowed trade list is below in one tax regime, a fraction of account value.

    Minus infinity when the prices are no numbers, or not as many as the risk model has factors.
    """
    factor, limit = np.array(prices.factor, dtype=np.float64), problem.tracking_limit
    numbers = (prices.cash, prices.cap, prices.names, *prices.rows.values(), *prices.own_rows.values())
    if len(factor) != problem.loadings.shape[1] or not (np.isfinite(factor).all() and all(map(isfinite, numbers))):
        return NO_PROOF
    cash = max(prices.cash, -problem.parameters.cash_drag)  # below that more cash would always be better
    cap = max(prices.cap, 0.0) if limit is not None else 0.0
    ends = problem.cash_least, problem.cash_wanted
    value = cash_value(problem.parameters, problem.cash, ends, cash)
    value -= float(factor @ factor) / (2 * (problem.parameters.risk_aversion + 2 * cap))
    value += regime.constant - (cap * limit**2 if limit is not None else 0.0)
    rows = (*rows, *regime.rows)
    row_prices = [row.within_caps(prices.rows.get(row.name, prices.own_rows.get(row.name, 0.0))) for row in rows]
    for row, price in zip(rows, row_prices, strict=True):
        if price != 0:
            value += price * (row.start - (row.high if price > 0 else row.low))
    priced = _priced(problem, rows, row_prices, regime, factor, cash, cap)
    if problem.has_sets:
        legs = (PricedLeg(each.leg, each.curvature, each.slope, each.purchase, each.lots) for each in priced)
        return _of_cells(value, least_by_cells(legs, problem.contested))
    names = max(prices.names, 0.0) if problem.most_names is not None else 0.0
    value -= names * (problem.most_names or 0)
    return _by_sides(value, priced, problem.contested, names)


def least_on_all_sides(every: Sequence[Sides], keys: Sequence[str]) -> float:
    """The least, over all patterns of sides of `keys`, of the highest bound that any of `every` has on the pattern.

    A bound at any prices holds on every pattern, so the highest of several does. Of keys in one cell the one that adds
    most counts. Minus infinity for too many keys.
    """
    if len(keys) > _MOST_KEYS:
        return -inf
    bought = (np.arange(2 ** len(keys))[:, None] >> np.arange(len(keys))) % 2 == 1
    best = np.full(len(bought), -inf)
    for sides in every:
        if_sold, if_bought = ([of.get(key, 0.0) for key in keys] for of in (sides.if_sold, sides.if_bought))
        added = np.where(bought, if_bought, if_sold)
        cells = np.array([sides.cell.get(key, -1) for key in keys])
        by_cell = [added[:, cells == each].max(axis=1) for each in sorted(set(cells.tolist()))]
        best = np.maximum(best, sides.lowest + np.sum(by_cell, axis=0))
    return float(best.min())


def _priced(
    problem: CheckedProblem,
    rows: Sequence[CheckedRow],
    row_prices: Sequence[float],
    regime: CheckedRegime,
    factor: np.ndarray,
    cash: float,
    cap: float,
) -> Iterator[Priced]:
    """Every security at the prices; its lots in the order in which they cost least."""
    active = [(row.members, price) for row, price in zip(rows, row_prices, strict=True) if price and row.members]
    traded, short, long = (
        sum([getattr(row, part) * price for row, price in zip(rows, row_prices, strict=True)])
        for part in ("traded", "short_gain", "long_gain")
    )
    short, long = short + regime.on_short, long + regime.on_long
    churn, resort = problem.parameters.churn + traded, bool(short or long)
    slopes = (problem.loadings @ factor).tolist()
    curvatures = (problem.parameters.risk_aversion * problem.variance + 2 * cap * problem.specific_risk**2).tolist()
    for leg, slope, curvature in zip(problem.legs, slopes, curvatures, strict=True):
        weight = sum([price for members, price in active if leg.security_id in members])
        sale = leg.half_spread + churn - cash * (1 - leg.half_spread) - weight
        lots = [
            (lot.tax + lot.gain * (short if lot.short_term else long) + sale, lot.most, lot.at_loss) for lot in leg.lots
        ]
        priced_lots = (
            {lot.id: price for lot, (price, _, _) in zip(leg.lots, lots, strict=True)} if leg.purchased else {}
        )
        if resort:
            lots.sort()
        purchase = leg.half_spread + churn + leg.preference + cash * (1 + leg.half_spread) + weight
        yield Priced(leg, curvature, slope - leg.tilt, purchase, lots, tuple(pieces_of(leg, priced_lots)))


def pieces_of(leg: Leg, prices: Mapping[LotId, float]) -> Iterator[Piece]:
    """No lot that purchases may wash is sold, or one of them is the first that is.

    That one takes up all the shares bought that may replace it, since no lot is sold of which every share sold would be
    washed. Those after it lose nothing: at the least.
    """
    if not leg.purchased or leg.least_sold > 0:
        return
    rank = {lot_id: number for number, lot_id in enumerate(leg.purchased)}
    unwashed = [
        (rank.get(lot.id), prices[lot.id] - (lot.washed * lot.wash_cost if lot.id in rank else 0.0), lot)
        for lot in leg.lots
    ]
    yield Piece(0.0, 0.0, sorted((price, lot.most, lot.at_loss) for number, price, lot in unwashed if number is None))
    for first, cost, sold in unwashed:
        bought = leg.purchased.get(sold.id, 0.0)
        if first is not None and sold.most >= bought:
            rest = [
                (price, lot.most - (bought if lot is sold else 0.0), lot.at_loss)
                for number, price, lot in unwashed
                if number is None or number >= first
            ]
            yield Piece((cost + sold.wash_cost) * bought, bought, sorted(rest))


def _by_sides(value: float, every: Iterator[Priced], contested: frozenset[str], names: float) -> Sides:
    """A contested key is on one side with all its securities; a name is closed, or pays the price of `names`."""
    sold, bought = dict.fromkeys(contested, 0.0), dict.fromkeys(contested, 0.0)
    for priced in every:
        leg, lots = priced.leg, priced.lots
        if leg.key not in contested:
            free = priced.either_way(lots, leg.most_sold)
            value += min(free + names, priced.closed(lots, leg.most_sold)) if names else free
            continue
        gains, most = [lot for lot in lots if not lot[2]], leg.sellable([lot for lot in leg.lots if not lot.at_loss])
        selling, buying = priced.selling(), priced.either_way(gains, most)
        if names:
            selling = min(selling + names, priced.closed(lots, leg.most_sold))
            buying = min(buying + names, priced.closed(gains, most))
        sold[leg.key] += selling
        bought[leg.key] += buying
    least = {key: min(sold[key], bought[key]) for key in contested}
    return Sides(
        lowest=value + sum(least.values()),
        if_sold={key: sold[key] - least[key] if isfinite(least[key]) else 0.0 for key in contested},
        if_bought={key: bought[key] - least[key] if isfinite(least[key]) else 0.0 for key in contested},
        cell={key: place for place, key in enumerate(sorted(contested))},
    )


def _of_cells(value: float, cells: Iterable[CellLeast]) -> Sides:
    if_sold: dict[str, float] = {}
    if_bought: dict[str, float] = {}
    cell: dict[str, int] = {}
    for place, each in enumerate(cells):
        value += each.value
        for key in each.sold if isfinite(each.value) else ():
            if_sold[key], if_bought[key] = each.sold[key] - each.value, each.bought[key] - each.value
            cell[key] = place
    return Sides(value, if_sold, if_bought, cell)


def cash_value(parameters: Parameters, cash: float, ends: tuple[float, float], price: float) -> float:
    """The least of penalty and price over all cash that may be left, from `cash` before the trades.

    Linear between the two `ends` looked at: the least that may be left, and what is wanted.
    """
    least, wanted = ends
    return min(
        [
            max(parameters.cash_drag * (left - wanted), parameters.cash_shortfall * (wanted - left))
            + price * (left - cash)
            for left in (least, max(least, wanted))
        ]
    )
