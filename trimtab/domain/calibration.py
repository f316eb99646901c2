"""From plain words to the optimizer's prices (C1, C2). Versioned: the version goes into every proposal.

One currency: everything is a fraction of account value, reported in basis points. `risk_aversion` times tracking
error is the price of one more unit of tracking error: at 20 and 1 % it is 0.20 bp per bp.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, Harvesting, HarvestSeason, TaxSensitivity, Tracking

CALIBRATION_VERSION = "2"

CASH_FLOOR_SHARE = Decimal("0.5")
"""Buys stop where cash would fall below this share of its target (above reserve and withdrawals)."""

BAND_TOLERANCE = Decimal("0.0005")
"""A weight band may be exceeded by this fraction of account value before a trade is forced."""

WAIT_DAYS = 45
"""Over so many days before a gain turns long-term the price of not waiting for it rises from nothing to the whole."""

RANK_PREFERENCE = 1e-5
"""What a unit bought costs more with each place in the order of an equivalence set: a tenth of a basis point."""

INCUMBENT_PREFERENCE = 5e-5
"""What a unit costs more of a member of a set that was not the one bought last time: half a basis point (calm)."""

_SEASON_ENDS = (12, 1)
"""Month and day from which the harvest threshold stays at its lowest: what is left of the year is short (X5)."""

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
    wait_weight: float  # share of the tax that waiting for long-term saves, beyond `gain_tax_weight` of it
    churn: float  # cost of each unit traded beside the real ones: keeps proposals calm
    tolerance: float  # improvement below which nothing is traded
    cash_drag: float  # cost of each unit of cash above its target
    cash_shortfall: float  # cost of each unit of cash below its target
    specific_risk_floor: float  # smallest specific risk in the objective: keeps it calm


def parameters_for(settings: AccountSettings, on: date) -> Parameters:
    """The parameters that the account's words stand for in this calibration on the business date `on`."""
    season = settings.harvest_season
    return Parameters(
        risk_aversion=_RISK_AVERSION[settings.tracking],
        gain_tax_weight=_GAIN_TAX_WEIGHT[settings.tax_sensitivity],
        loss_credit=_LOSS_CREDIT[settings.harvesting],
        full_credit_loss=_FULL_CREDIT_LOSS[settings.harvesting] if season is None else harvest_threshold(season, on),
        wait_weight=1 - _GAIN_TAX_WEIGHT[settings.tax_sensitivity],
        churn=5e-4,
        tolerance=_TOLERANCE[settings.tracking],
        cash_drag=0.01,
        cash_shortfall=0.01,
        specific_risk_floor=0.12,
    )


def harvest_threshold(season: HarvestSeason, on: date) -> float:
    """The loss worth harvesting on a day, a fraction of basis: it falls evenly from 1 January to 1 December (X5).

    The default season: 20 % on 1 January, 12.5 % in the middle (17 June), 5 % from 1 December. It starts again with
    the year: in January there is a whole year left in which a larger loss may come.
    """
    first, last = date(on.year, 1, 1), date(on.year, *_SEASON_ENDS)
    gone = min((on - first) / (last - first), 1.0)
    return float(season.in_january) + gone * float(season.in_december - season.in_january)


def wait_ramp(days_to_long_term: int) -> float:
    """How much of the wait for long-term counts, so many days before it: 0 from `WAIT_DAYS` on, nearly 1 on the last.

    A gain sold a day too early costs the short-term rate for want of one day's patience: the whole difference of the
    rates is lost, not a share of it as with a gain that is merely deferred. Nothing counts once the gain is long-term.
    """
    if days_to_long_term <= 0:
        return 0.0
    return max(1 - (days_to_long_term - 1) / WAIT_DAYS, 0.0)
