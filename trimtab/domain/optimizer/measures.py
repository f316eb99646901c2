"""How an account stands before and after: drift, risk, cash. Floats become quantised decimals here."""

from decimal import Decimal

import numpy as np

from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.proposals import Measures

_WEIGHT_PLACES = 6
_BPS_PLACES = 3


def weight_decimal(value: float) -> Decimal:
    """A weight or risk, six decimal places: a hundredth of a basis point."""
    return _decimal(value, _WEIGHT_PLACES)


def bps_decimal(value: float) -> Decimal:
    """A fraction of account value in basis points, three decimal places."""
    return _decimal(value * 1e4, _BPS_PLACES)


def _decimal(value: float, places: int) -> Decimal:
    return Decimal(f"{value:.{places}f}") + 0  # adding 0 turns -0.000 into 0.000


def measure(data: OptimizerData, value: Decimal, cash: Decimal, trade: Floats) -> Measures:
    """Measures of an account worth `value` with `cash` dollars, after net trades of `trade` (n,) weights."""
    held = data.securities
    active = held.by_block(data.active + trade)  # a set drifts as one: any member held counts towards its target
    cash_active = float(cash / data.account_value) - data.cash_target
    factor_active = held.loadings.T @ active
    variance = float(factor_active @ factor_active + held.specific_risk**2 @ held.by_block(active) ** 2)
    return Measures(
        account_value=to_cents(value),
        cash=to_cents(cash),
        max_drift=weight_decimal(max(float(np.abs(active).max(initial=0.0)), abs(cash_active))),
        active_share=weight_decimal((float(np.abs(active).sum()) + abs(cash_active)) / 2),
        tracking_error=weight_decimal(variance**0.5),
    )
