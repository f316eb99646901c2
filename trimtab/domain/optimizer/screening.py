"""A proof, before any solve, that trading nothing is good enough."""

from dataclasses import dataclass

from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.problem import OptimizerData


@dataclass(frozen=True, slots=True)
class NoTradeCertificate:
    """No trade list that ends inside the account's rules is worth more than `most_to_gain`, a fraction of value."""

    most_to_gain: float


def screen(data: OptimizerData) -> NoTradeCertificate | None:
    """The certificate when nothing worth the account's tolerance can be gained, None when it takes a solve to know.

    The bound holds at any prices (weak duality), so a skip is never wrong; at the present holdings' own prices it
    costs no solve. `data.may_stand_still` must hold: rules that force a trade cannot be skipped.
    """
    if not data.may_stand_still:
        return None
    most_to_gain = standing_still(data).total - lower_bound(data, standing_prices(data)).value
    if most_to_gain >= data.parameters.tolerance:
        return None
    return NoTradeCertificate(max(most_to_gain, 0.0))
