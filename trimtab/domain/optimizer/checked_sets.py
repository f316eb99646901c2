"""Equivalence sets as the checker derives them, and the least that a set can cost at given prices (MD-4, X7).

A walk down one list of offers. To sell and to buy at once may pay, and to sell all and buy less of it may pay more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trimtab.domain.calibration import INCUMBENT_PREFERENCE, RANK_PREFERENCE
from trimtab.domain.model_portfolios import Substitute
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.securities import SecurityId

Offer = tuple[float, float]
"""What a unit costs, and the most that may be had of it."""


@dataclass(frozen=True, slots=True)
class CheckedSet:
    """A model name of the target, first, and what stands in for it: one target, one risk."""

    members: tuple[SecurityId, ...]
    risk_of: SecurityId  # whose exposures and specific risk all of them have
    preference: Mapping[SecurityId, float]  # what a unit bought costs beside its price


def checked_sets(account: CheckedAccount, names: Iterable[SecurityId]) -> tuple[CheckedSet, ...]:
    """The sets of the target's `names` that have a substitute which is held, or may be bought."""
    sets = []
    for name in names:
        members = [each for each in account.target.substitutes.get(name, ()) if at_hand(account, each)]
        if members:
            sets.append(_set(account, name, members))
    return tuple(sets)


def at_hand(account: CheckedAccount, substitute: Substitute) -> bool:
    """It is held, here or elsewhere, or could be bought."""
    held = account.quantity.get(substitute.security_id, ZERO) > 0 or substitute.security_id in account.away
    return held or (substitute.buyable and not account.untouchable(substitute.security_id))


def _set(account: CheckedAccount, name: SecurityId, substitutes: Sequence[Substitute]) -> CheckedSet:
    members = (name, *(each.security_id for each in substitutes))
    covered = account.market.risk_model.securities
    hurdles = {name: 0.0, **{each.security_id: float(each.hurdle_bps * BASIS_POINT) for each in substitutes}}
    last = account.snapshot.incumbent.net_trades if account.snapshot.incumbent is not None else {}
    bought_last = [each for each in members if last.get(each, ZERO) > 0]
    preference = {}
    for rank, member in enumerate(members):
        change = INCUMBENT_PREFERENCE if bought_last and member not in bought_last else 0.0
        preference[member] = hurdles[member] + rank * RANK_PREFERENCE + change
    return CheckedSet(members, next((each for each in members if each in covered), name), preference)


def least_of_set(curvature: float, slope: float, start: float, sales: list[Offer], purchases: list[Offer]) -> float:
    """min of curvature / 2 x^2 + slope x and the cost of the trades that lead from `start` to the weight x.

    Everything is bought, and what is too much is sold again at its price: with the sales one list, the cheapest first.
    """
    cost = sum([price * most for price, most in purchases])
    weight = start + sum([most for _, most in purchases])
    for price, most in sorted([*sales, *((-price, most) for price, most in purchases)]):
        sold = min(max(weight - (price - slope) / curvature, 0.0), most)
        cost, weight = cost + price * sold, weight - sold
        if sold < most:
            break
    return cost + curvature / 2 * weight**2 + slope * weight
