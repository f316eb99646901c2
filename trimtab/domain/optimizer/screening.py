"""A proof, before any solve, that trading nothing is good enough."""

from dataclasses import dataclass

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems


@dataclass(frozen=True, slots=True)
class NoTradeCertificate:
    """No trade list that ends inside the account's rules is worth more than `most_to_gain`, a fraction of value."""

    most_to_gain: float


def screen(data: OptimizerData, *prices: Prices) -> NoTradeCertificate | None:
    """The certificate when nothing worth the account's tolerance can be gained, None when it takes a solve to know.

    The bound holds at any prices (weak duality), so a skip is never wrong. It takes prices for each tax regime, in
    their order; without, it is taken at those of the present holdings, which costs next to nothing. Rules that force
    a trade cannot be skipped.
    """
    if not data.may_stand_still:
        return None
    every = problems(data)
    at = prices or tuple(standing_prices(one) for one in every)
    bound = min(lower_bound(one, its).value for one, its in zip(every, at, strict=True))
    most_to_gain = standing_still(data).total - bound
    if most_to_gain >= data.tolerance:
        return None
    return NoTradeCertificate(max(most_to_gain, 0.0))
