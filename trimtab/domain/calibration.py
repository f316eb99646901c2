"""From plain words to the optimizer's prices (C1, C2). Versioned: the version goes into every proposal.

One currency: everything is a fraction of account value, reported in basis points. `risk_aversion` times tracking
error is the price of one more unit of tracking error: at 20 and 1 % it is 0.20 bp per bp.
"""

from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, Harvesting, TaxSensitivity, Tracking

CALIBRATION_VERSION = "1"

CASH_FLOOR_SHARE = Decimal("0.5")
"""Buys stop where cash would fall below this share of its target (above reserve and withdrawals)."""

BAND_TOLERANCE = Decimal("0.0005")
"""A weight band may be exceeded by this fraction of account value before a trade is forced."""

_RISK_AVERSION = {Tracking.TIGHT: 80.0, Tracking.MODERATE: 20.0, Tracking.LOOSE: 5.0}
_TOLERANCE = {Tracking.TIGHT: 1e-4, Tracking.MODERATE: 2e-4, Tracking.LOOSE: 5e-4}
_GAIN_TAX_WEIGHT = {TaxSensitivity.LOW: 0.25, TaxSensitivity.MEDIUM: 0.5, TaxSensitivity.HIGH: 1.0}
_LOSS_CREDIT = {Harvesting.OFF: 0.0, Harvesting.OPPORTUNISTIC: 0.5, Harvesting.AGGRESSIVE: 1.0}
_FULL_CREDIT_LOSS = {Harvesting.OFF: 1.0, Harvesting.OPPORTUNISTIC: 0.10, Harvesting.AGGRESSIVE: 0.03}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The prices of one account's objective, per unit of account value."""

    risk_aversion: float  # lam: the objective has lam / 2 times active variance
    gain_tax_weight: float  # share of a gain's tax that counts: the value of deferral
    loss_credit: float  # share of a loss's tax saving that counts
    full_credit_loss: float  # loss as a fraction of basis from which the credit is whole; it starts at half of that
    churn: float  # cost of each unit traded beside the real ones: keeps proposals calm
    tolerance: float  # improvement below which nothing is traded
    cash_drag: float  # cost of each unit of cash above its target
    cash_shortfall: float  # cost of each unit of cash below its target
    specific_risk_floor: float  # smallest specific risk in the objective: keeps it calm


def parameters_for(settings: AccountSettings) -> Parameters:
    """The parameters that the account's words stand for in this calibration."""
    return Parameters(
        risk_aversion=_RISK_AVERSION[settings.tracking],
        gain_tax_weight=_GAIN_TAX_WEIGHT[settings.tax_sensitivity],
        loss_credit=_LOSS_CREDIT[settings.harvesting],
        full_credit_loss=_FULL_CREDIT_LOSS[settings.harvesting],
        churn=5e-4,
        tolerance=_TOLERANCE[settings.tracking],
        cash_drag=0.01,
        cash_shortfall=0.01,
        specific_risk_floor=0.12,
    )
