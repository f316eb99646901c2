"""From plain words to the optimizer's prices (C1, C2). Versioned: the version goes into every proposal's input hash.

One currency: everything is a fraction of account value, reported in basis points. `risk_aversion` times tracking
error is the price of one more unit of tracking error: at 20 and 1 % it is 0.20 bp per bp.

`SHIPPED` is the map that comes with trimtab. `trimtab calibrate` writes others (`calibration_fit.py`); a map's numbers
never change under its version, so that an old proposal can be reproduced.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Final

from trimtab.domain.account_settings import AccountSettings, Harvesting, HarvestSeason, TaxSensitivity, Tracking
from trimtab.domain.records import content_hash

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

_DIGEST_DIGITS = 8


CALIBRATION_MAP: Final = "calibration_map"
"""Where records name the content hash of the firm's own calibration; without it the shipped one was used."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What each word of an account's settings stands for. Equal versions have equal numbers."""

    version: str  # "2" is shipped; a fitted map has its number and the beginning of its content hash
    risk_aversion: Mapping[Tracking, float]  # price of active variance, twice
    tolerance: Mapping[Tracking, float]  # improvement below which nothing is traded, of account value
    gain_tax_weight: Mapping[TaxSensitivity, float]  # share of a gain's tax that counts
    loss_credit: Mapping[Harvesting, float]  # share of a loss's tax saving that counts
    full_credit_loss: Mapping[Harvesting, float]  # loss, of basis, from which the credit is whole
    churn: float = 5e-4  # cost of a unit traded beside the real ones


SHIPPED = Calibration(
    version="2",
    risk_aversion={Tracking.TIGHT: 80.0, Tracking.MODERATE: 20.0, Tracking.LOOSE: 5.0},
    tolerance={Tracking.TIGHT: 1e-4, Tracking.MODERATE: 2e-4, Tracking.LOOSE: 5e-4},
    gain_tax_weight={TaxSensitivity.LOW: 0.25, TaxSensitivity.MEDIUM: 0.5, TaxSensitivity.HIGH: 1.0},
    loss_credit={Harvesting.OFF: 0.0, Harvesting.OPPORTUNISTIC: 0.5, Harvesting.AGGRESSIVE: 1.0},
    full_credit_loss={Harvesting.OFF: 1.0, Harvesting.OPPORTUNISTIC: 0.10, Harvesting.AGGRESSIVE: 0.03},
)
"""The map of every account whose firm has not adopted one of its own."""


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


def parameters_for(settings: AccountSettings, on: date, calibration: Calibration = SHIPPED) -> Parameters:
    """The parameters that the account's words stand for in `calibration` on the business date `on`."""
    weight = calibration.gain_tax_weight[settings.tax_sensitivity]
    full_credit_loss = calibration.full_credit_loss[settings.harvesting]
    season = settings.harvest_season
    return Parameters(
        risk_aversion=calibration.risk_aversion[settings.tracking],
        gain_tax_weight=weight,
        loss_credit=calibration.loss_credit[settings.harvesting],
        full_credit_loss=full_credit_loss if season is None else harvest_threshold(season, on),
        wait_weight=1 - weight,
        churn=calibration.churn,
        tolerance=calibration.tolerance[settings.tracking],
        cash_drag=0.01,
        cash_shortfall=0.01,
        specific_risk_floor=0.12,
    )


def numbered(calibration: Calibration, number: int) -> Calibration:
    """The map under its own version: the number, and the beginning of the hash of what it says."""
    return replace(calibration, version=f"{number}-{_digest(calibration)}")


def number_of(calibration: Calibration) -> int:
    """The number that a map's version begins with; 0 without one."""
    number = calibration.version.partition("-")[0]
    return int(number) if number.isdecimal() else 0


def calibration_faults(calibration: Calibration) -> Iterator[str]:
    """What keeps a map from being computed with, in sentences: numbers out of range, a version of other numbers."""
    if calibration is SHIPPED:
        return
    faults = tuple(_number_faults(calibration))
    yield from faults
    if faults:
        return
    if calibration.version == SHIPPED.version and calibration != SHIPPED:
        yield f"calibration {calibration.version} is shipped with other numbers"
    elif calibration.version != SHIPPED.version and calibration != numbered(calibration, number_of(calibration)):
        yield f"calibration {calibration.version} has other numbers than were written under that version"


def _number_faults(calibration: Calibration) -> Iterator[str]:
    """Every word has a number, and every number is one."""
    for name, words, most in (
        ("risk_aversion", Tracking, 1e5),
        ("tolerance", Tracking, 0.01),
        ("gain_tax_weight", TaxSensitivity, 1.0),
        ("loss_credit", Harvesting, 1.0),
        ("full_credit_loss", Harvesting, 1.0),
    ):
        numbers: Mapping[str, float] = getattr(calibration, name)
        for word in words:
            number = numbers.get(word)
            if number is None or not (isfinite(number) and 0 <= number <= most):
                yield f"{name} of {word} is {number}, not a number from 0 to {most:g}"
    if not (isfinite(calibration.churn) and 0 <= calibration.churn <= 0.01):
        yield f"churn is {calibration.churn}, not a number from 0 to 0.01"


def order_faults(calibration: Calibration) -> Iterator[str]:
    """What keeps a map from being adopted: a stricter word never has the weaker price."""
    tight, moderate, loose = Tracking.TIGHT, Tracking.MODERATE, Tracking.LOOSE
    risk, wait = calibration.risk_aversion, calibration.tolerance
    if not risk[tight] > risk[moderate] > risk[loose] > 0:
        yield "risk_aversion must fall from TIGHT to MODERATE to LOOSE, and stay above 0"
    if not wait[tight] <= wait[moderate] <= wait[loose]:
        yield "tolerance must not fall from TIGHT to MODERATE to LOOSE"
    tax = calibration.gain_tax_weight
    if not tax[TaxSensitivity.LOW] < tax[TaxSensitivity.MEDIUM] < tax[TaxSensitivity.HIGH]:
        yield "gain_tax_weight must rise from LOW to MEDIUM to HIGH"
    off, some, all_ = Harvesting.OFF, Harvesting.OPPORTUNISTIC, Harvesting.AGGRESSIVE
    credit, whole = calibration.loss_credit, calibration.full_credit_loss
    if not credit[off] < credit[some] < credit[all_]:
        yield "loss_credit must rise from OFF to OPPORTUNISTIC to AGGRESSIVE"
    if not whole[off] >= whole[some] >= whole[all_] > 0:
        yield "full_credit_loss must not rise from OFF to OPPORTUNISTIC to AGGRESSIVE, and stay above 0"


def _digest(calibration: Calibration) -> str:
    return content_hash(replace(calibration, version=""))[:_DIGEST_DIGITS]


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
