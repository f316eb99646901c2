"""Weak duality for a household, computed anew: no allowed list of trades is worth less than `joint_lower_bound`.

Each security is minimised over all accounts at once, at the prices of what it shares with others, in each way that it
may go: sold, kept, or bought (docs/formulation.md, section Households). A wash key takes the cheaper of being sold at
a loss and of being bought. Written security by security, so that it has nothing in common with what it checks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, inf, isfinite, prod
from typing import Final

import numpy as np

from trimtab.domain.households import HouseholdPrices
from trimtab.domain.optimizer.checked_bound import NO_PROOF, NOT_NETTED, Piece, Sides, cash_value, pieces_of
from trimtab.domain.optimizer.checked_legs import ROUND_OFF, Leg
from trimtab.domain.optimizer.checked_netting import CheckedRegime
from trimtab.domain.optimizer.checked_rows import CheckedRow
from trimtab.domain.optimizer.checked_sets import Offer, least_of_set
from trimtab.domain.optimizer.household.checked_problem import JointProblem, Member
from trimtab.domain.securities import SecurityId

SELL: Final = "SELL"
KEEP: Final = "KEEP"
BUY: Final = "BUY"

_MOST_COMBINATIONS: Final = 64
"""Of pieces of the accounts that hold a security: beyond that it is taxed along the chords."""


@dataclass(frozen=True, slots=True)
class PricedPair:
    """One security in one account at the prices."""

    leg: Leg
    lots: Sequence[
        tuple[float, float, bool]
    ]  # cost of a unit sold, the most of it, at a loss that counts; cheapest first
    purchase: float  # cost of a unit bought
    sale_demanded: bool
    purchase_demanded: bool
    unit: float  # that trades, 0: any fraction
    name: float  # what it costs to hold it at all: the price of a name of its account
    to_close: float = 0.0  # what must be sold for the account to hold none of it
    pieces: Sequence[Piece] = ()  # of what washing costs, where that is not along a chord
    gone: float = 0.0  # on one of them: what is sold in any case
    charge: float = 0.0  # and what that costs

    def choices(self) -> Sequence["PricedPair"]:
        """Held at the price of a name; or at none, when less than a unit that trades is held afterwards."""
        leg = self.leg
        if self.name <= 0 or leg.least_bought > 0:
            return (self,)
        closed = leg._replace(most_bought=0.0)
        return self, replace(self, leg=closed, name=0.0, to_close=leg.holding - leg.crumb)

    def on_pieces(self) -> Sequence["PricedPair"]:
        """One for each piece: what it sells in any case is gone, at its charge."""
        return [
            replace(
                self,
                lots=piece.lots,
                gone=piece.first,
                charge=piece.charge,
            )
            for piece in self.pieces
        ]


@dataclass(frozen=True, slots=True)
class _Shared:
    """One security at the prices, over all accounts."""

    pairs: Sequence[PricedPair]
    active: float
    curvature: float
    slope: float
    contested: bool

    def least(self, way: str) -> float:
        """The least that it can cost when it goes this way; infinite where a rule of an account bars that."""
        if way == SELL and self.contested and any(pair.leg.least_bought > 0 for pair in self.pairs):
            return inf
        choices = [pair.choices() for pair in self.pairs]
        along_chords = min([self._least_of(pairs, way) for pairs in product(*choices)])
        if way != SELL or any(pair.name > 0 for pair in self.pairs):
            return along_chords
        return max(along_chords, self._on_pieces())

    def _on_pieces(self) -> float:
        """The least of selling it with losses washed share by share; minus infinity where that is not known."""
        choices = [pair.on_pieces() if pair.pieces else (pair,) for pair in self.pairs]
        if not 1 < prod(map(len, choices)) <= _MOST_COMBINATIONS:
            return -inf
        return min([self._least_of(pairs, SELL) for pairs in product(*choices)])

    def _least_of(self, pairs: Sequence[PricedPair], way: str) -> float:
        start, cost = self.active, 0.0
        sales: list[Offer] = []
        purchases: list[Offer] = []
        for pair in pairs:
            sold = _offers_of_sales(pair, way)
            if sold is None:
                return inf
            due, offers = sold
            least, most = self._purchases(pair, way)
            start += least - pair.gone - sum([size for _, size in due])
            cost += pair.name + pair.charge + pair.purchase * least + sum([price * size for price, size in due])
            sales.extend(offers)
            purchases.append((pair.purchase, most - least))
        return cost + least_of_set(self.curvature, self.slope, start, sales, purchases)

    def _purchases(self, pair: PricedPair, way: str) -> tuple[float, float]:
        """The least and the most that may be bought of it: what is due to a rule in whole shares, any way."""
        leg = pair.leg
        open_to_all = way == BUY or (pair.purchase_demanded and (way == KEEP or not self.contested))
        least = min(leg.least_bought, leg.most_bought)
        due = ceil(least / pair.unit - ROUND_OFF) * pair.unit if pair.unit > 0 else least
        return least, leg.most_bought if open_to_all else max(min(due, leg.most_bought), least)


def _offers_of_sales(pair: PricedPair, way: str) -> tuple[list[Offer], list[Offer]] | None:
    """What must be sold of the pair, the cheapest first, and what else may be; None where that cannot be."""
    lots, due = [lot for lot in pair.lots if way == SELL or not lot[2]], pair.leg.least_sold
    most = min(pair.leg.most_sold, sum([size for _, size, _ in lots]))
    if most < due - ROUND_OFF:
        return None
    if way == BUY and not pair.sale_demanded:
        most = min(due, most)
    due = max(due, pair.to_close)
    if most < due - ROUND_OFF:
        return None
    forced: list[Offer] = []
    free: list[Offer] = []
    for price, size, _ in lots:
        taken = min(size, most)
        owed = min(due, taken)
        forced.append((price, owed))
        free.append((price, taken - owed))
        most, due = most - taken, due - owed
    return forced, free


def joint_lower_bound(problem: JointProblem, prices: HouseholdPrices, regime: CheckedRegime = NOT_NETTED) -> Sides:
    """A number that the objective of no allowed list is below in one tax regime, a fraction of household value.

    Minus infinity when the prices are no numbers, or not as many as the risk model has factors. A price that is not
    told is zero.
    """
    factor, limit = np.array(prices.factor, dtype=np.float64), problem.tracking_limit
    if len(factor) != problem.loadings.shape[1] or not all(map(isfinite, _numbers(prices))):
        return NO_PROOF
    cap = max(prices.cap, 0.0) if limit is not None else 0.0
    value = regime.constant - (cap * limit**2 if limit is not None else 0.0)
    value -= float(factor @ factor) / (2 * (problem.parameters.risk_aversion + 2 * cap))
    own = [(row, row.within_caps(prices.own_rows.get(row.name, 0.0))) for row in regime.rows]
    value += _of_rows(own)
    pairs: dict[SecurityId, list[PricedPair]] = {}
    for member in problem.members:
        cash = max(prices.cash.get(member.account_id, 0.0), -problem.parameters.cash_drag)
        rows = prices.rows.get(member.account_id, {})
        priced = [(row, row.within_caps(rows.get(row.name, 0.0))) for row in member.rows]
        value += _of_cash(problem, member, cash) + _of_rows(priced)
        value += sum([member.holding_cost[leg.security_id] * leg.holding for leg in member.problem.legs])
        names = max(prices.names.get(member.account_id, 0.0), 0.0) if member.problem.most_names is not None else 0.0
        value -= names * (member.problem.most_names or 0)
        for pair in _priced(problem, member, [*priced, *own], regime, cash, names):
            pairs.setdefault(pair.leg.security_id, []).append(pair)
    return _by_sides(problem, value, _shared(problem, pairs, factor, cap))


def _numbers(prices: HouseholdPrices) -> Iterator[float]:
    yield from prices.factor
    yield from prices.cash.values()
    for rows in prices.rows.values():
        yield from rows.values()
    yield from prices.own_rows.values()
    yield from prices.names.values()
    yield prices.cap


def _of_cash(problem: JointProblem, member: Member, price: float) -> float:
    own = member.problem
    return cash_value(problem.parameters, own.cash, (own.cash_least, own.cash_wanted), price)


def _of_rows(priced: Sequence[tuple[CheckedRow, float]]) -> float:
    """What rows add: their amount before the trades, less the end that the price stands for."""
    return sum([price * (row.start - (row.high if price > 0 else row.low)) for row, price in priced if price != 0])


def _priced(
    problem: JointProblem,
    member: Member,
    rows: Sequence[tuple[CheckedRow, float]],
    regime: CheckedRegime,
    cash: float,
    names: float,
) -> Iterator[PricedPair]:
    traded, short, long = (
        sum([getattr(row, part) * price for row, price in rows]) for part in ("traded", "short_gain", "long_gain")
    )
    short, long = short + regime.on_short, long + regime.on_long
    for leg in member.problem.legs:
        weight = sum([price for row, price in rows if leg.security_id in row.members])
        cost = leg.half_spread + problem.parameters.churn + traded
        weight += member.holding_cost[leg.security_id]
        sale = cost - cash * (1 - leg.half_spread) - weight
        lots = [
            (lot.tax + lot.gain * (short if lot.short_term else long) + sale, lot.most, lot.at_loss and member.taxable)
            for lot in leg.lots
        ]
        yield PricedPair(
            leg=leg,
            lots=sorted(lots, key=lambda lot: lot[0]),
            purchase=cost + cash * (1 + leg.half_spread) + weight,
            sale_demanded=leg.security_id in member.sale_demanded,
            purchase_demanded=leg.security_id in member.purchase_demanded,
            unit=member.units[leg.security_id],
            name=names,
            pieces=tuple(pieces_of(leg, {lot.id: price for lot, (price, _, _) in zip(leg.lots, lots, strict=True)})),
        )


def _shared(
    problem: JointProblem, pairs: Mapping[SecurityId, Sequence[PricedPair]], factor: np.ndarray, cap: float
) -> Iterator[_Shared]:
    slopes = (problem.loadings @ factor).tolist()
    curvatures = (problem.parameters.risk_aversion * problem.variance + 2 * cap * problem.specific_risk**2).tolist()
    every = zip(problem.ids, problem.active.tolist(), curvatures, slopes, strict=True)
    for security_id, active, curvature, slope in every:
        own = pairs[security_id]
        yield _Shared(own, active, curvature, slope, own[0].leg.key in problem.contested)


def _by_sides(problem: JointProblem, value: float, every: Iterator[_Shared]) -> Sides:
    """A contested key is on one side with all its securities in all accounts, every other security for itself."""
    groups = problem.groups()
    sold = dict.fromkeys(groups.values(), 0.0)
    bought = dict(sold)
    for shared in every:
        group = groups[shared.pairs[0].leg.security_id]
        sold[group] += shared.least(SELL)
        bought[group] += min(shared.least(KEEP), shared.least(BUY))
    least = {group: min(sold[group], bought[group]) for group in sold}
    return Sides(
        lowest=value + sum(least.values()),
        if_sold={group: sold[group] - least[group] if isfinite(least[group]) else 0.0 for group in least},
        if_bought={group: bought[group] - least[group] if isfinite(least[group]) else 0.0 for group in least},
        cell={group: place for place, group in enumerate(sorted(least))},
    )
