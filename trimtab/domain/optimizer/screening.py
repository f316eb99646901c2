"""A proof, before any solve, that trading nothing is good enough."""

from dataclasses import dataclass

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.problem import OptimizerData


@dataclass(frozen=True, slots=True)
class NoTradeCertificate:
    """No trade list that ends inside the account's rules is worth more than `most_to_gain`, a fraction of value."""

    most_to_gain: float


def screen(data: OptimizerData, prices: Prices | None = None) -> NoTradeCertificate | None:
    """The certificate when nothing worth the account's tolerance can be gained, None when it takes a solve to know.

    The bound holds at any prices (weak duality), so a skip is never wrong; without `prices` it is taken at those of
    the present holdings, which costs next to nothing. Rules that force a trade cannot be skipped.
    """
    if not data.may_stand_still:
        return None
    most_to_gain = standing_still(data).total - lower_bound(data, prices or standing_prices(data)).value
    if most_to_gain >= data.tolerance:
        return None
    return NoTradeCertificate(max(most_to_gain, 0.0))
