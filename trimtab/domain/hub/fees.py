"""Fees by assets: tiers in basis points, day by calendar day (M1c; docs/model-hub.md has a worked example).

A day's assets are those of its business date: account value times the weight of the sleeve that follows the model.
A business date's assets stand for every calendar day until the next one, so a weekend is charged on Friday's.
"""

from calendar import isleap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from trimtab.domain.hub.contracts import DayCount, FeeSchedule, ProviderContract, TierMethod
from trimtab.domain.money import ZERO, split_exactly

FEE_STEP: Final = Decimal("0.000001")
"""Dollars: accruals are finer than cents, so that a month's rounding is one rounding."""
_BPS: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class ModelAssets:
    """What follows a model on a day."""

    accounts: int = 0
    assets: Decimal = ZERO  # dollars


@dataclass(frozen=True, slots=True)
class Accrual:
    """The fee of one model for one calendar day, in dollars to six places."""

    provider_id: str
    model_id: str
    day: date
    schedule: str
    accounts: int
    assets: Decimal
    rate_bps: Decimal  # a year, effective, over the assets of the schedule; 0 without assets
    fee: Decimal


def annual_fee(assets: Decimal, schedule: FeeSchedule) -> Decimal:
    """Dollars a year on `assets` dollars, exact."""
    if schedule.method is TierMethod.WHOLE:
        reached = next(tier for tier in schedule.tiers if tier.upto is None or assets <= tier.upto)
        return assets * reached.rate_bps * _BPS
    fee, floor = ZERO, ZERO
    for tier in schedule.tiers:
        top = assets if tier.upto is None else min(assets, tier.upto)
        fee += max(top - floor, ZERO) * tier.rate_bps * _BPS
        floor = max(floor, top)
    return fee


def daily_fee(assets: Decimal, schedule: FeeSchedule, day: date, day_count: DayCount) -> Decimal:
    """Dollars for one calendar day, half-even to six places."""
    days = 366 if day_count is DayCount.ACT_ACT and isleap(day.year) else 365
    return (annual_fee(assets, schedule) / days).quantize(FEE_STEP, rounding=ROUND_HALF_EVEN)


def accruals(contract: ProviderContract, day: date, assets: Mapping[str, ModelAssets]) -> list[Accrual]:
    """One for each licensed model, also without assets; none on a day on which the contract is not in force.

    The fee of a schedule is computed on all of its models together and shared out by their assets.
    """
    if not contract.is_in_force(day):
        return []
    found = []
    for name, schedule in sorted(contract.schedules.items()):
        models = sorted(model for model, under in contract.models.items() if under == name)
        follows = [assets.get(model, ModelAssets()) for model in models]
        whole = sum((each.assets for each in follows), ZERO)
        fee = daily_fee(whole, schedule, day, contract.day_count)
        rate = (annual_fee(whole, schedule) / whole / _BPS).quantize(Decimal("0.0001")) if whole else ZERO
        for model, each, part in zip(models, follows, _shares(fee, follows), strict=True):
            found.append(Accrual(contract.id, model, day, name, each.accounts, each.assets, rate, part))
    return found


def _shares(fee: Decimal, follows: Iterable[ModelAssets]) -> list[Decimal]:
    weights = [each.assets for each in follows]
    return split_exactly(fee, weights, FEE_STEP) if sum(weights, ZERO) > 0 else [ZERO] * len(weights)
