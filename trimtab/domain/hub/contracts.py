"""What a firm has agreed with a provider of models: for how long, which models, at what fees, and who signed (M1a)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.money import ZERO

DOLLARS: Final = "USD"
MOST_BPS: Final = Decimal(500)  # a year: beyond it somebody has written a percentage, or dollars


class TierMethod(StrEnum):
    """What the rate of a tier is taken of."""

    GRADUATED = "GRADUATED"  # of the assets inside the tier, as income tax brackets are
    WHOLE = "WHOLE"  # the tier that the assets reach gives the rate of all of them


class DayCount(StrEnum):
    """The part of a year that one calendar day is."""

    ACT_365 = "ACT_365"  # 1/365, in leap years too
    ACT_ACT = "ACT_ACT"  # 1/366 in a leap year


@dataclass(frozen=True, slots=True)
class FeeTier:
    """A rate a year in basis points of assets, up to and with `upto` dollars; the last tier has no end."""

    rate_bps: Decimal
    upto: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Tiers in ascending order. The assets of all models under one schedule count together for its breakpoints."""

    tiers: tuple[FeeTier, ...]
    method: TierMethod = TierMethod.GRADUATED


@dataclass(frozen=True, slots=True)
class ProviderContract:
    """The contract with one provider, as one version of it says. Both ends of its term are inclusive."""

    id: str  # the provider
    name: str
    start: date
    models: Mapping[str, str]  # licensed model id to the name of its fee schedule
    schedules: Mapping[str, FeeSchedule]
    signed_by_firm: str
    signed_by_provider: str
    signed_on: date
    end: date | None = None  # None: until it is ended by a later version
    currency: str = DOLLARS
    minimum: Decimal = ZERO  # dollars a calendar month, prorated by its days in force
    day_count: DayCount = DayCount.ACT_365
    client_id: str = ""  # the provider's machine client: no other may send its models
    platforms: tuple[str, ...] = field(default=())  # in whose order the provider releases, in turn
    platform: str = ""  # which of them this firm is

    def is_in_force(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


def fees_differ(before: ProviderContract | None, after: ProviderContract | None) -> bool:
    """Whether somebody must approve the fees: those of a new contract, and any other price of the same thing.

    Another term, or another model under a schedule that stands, is no other price.
    """
    if after is None:
        return False
    return before is None or _prices(before) != _prices(after) or _moved(before, after)


def _prices(contract: ProviderContract) -> tuple[object, ...]:
    return (dict(contract.schedules), contract.minimum, contract.currency, contract.day_count)


def _moved(before: ProviderContract, after: ProviderContract) -> bool:
    """Whether a model that stays licensed gets another schedule."""
    return any(after.models.get(model, schedule) != schedule for model, schedule in before.models.items())


def require_sound_contract(contract: ProviderContract) -> None:
    """Raises InvalidProgramme, which names the rule and the mend."""
    who = f"contract {contract.id}"
    if contract.end is not None and contract.end < contract.start:
        raise InvalidProgramme(f"{who}: it ends on {contract.end}, before it starts on {contract.start}")
    if contract.currency != DOLLARS:
        raise InvalidProgramme(f"{who}: fees in {contract.currency} cannot be computed without rates; agree on USD")
    if not (contract.signed_by_firm.strip() and contract.signed_by_provider.strip()):
        raise InvalidProgramme(f"{who}: name who signed for the firm and who for the provider")
    if not contract.minimum.is_finite() or contract.minimum < 0:
        raise InvalidProgramme(f"{who}: the minimum is {contract.minimum}, not an amount a month")
    if not contract.models:
        raise InvalidProgramme(f"{who}: it licenses no model")
    for model, under in contract.models.items():
        if under not in contract.schedules:
            raise InvalidProgramme(f"{who}: {model} is under schedule {under}, which the contract does not have")
    for name, schedule in contract.schedules.items():
        _require_sound_tiers(f"{who}, schedule {name}", schedule)
    if len(set(contract.platforms)) != len(contract.platforms) or (
        (contract.platforms or contract.platform) and contract.platform not in contract.platforms
    ):
        raise InvalidProgramme(f"{who}: name each platform once, and which of them this firm is")


def _require_sound_tiers(where: str, schedule: FeeSchedule) -> None:
    if not schedule.tiers or schedule.tiers[-1].upto is not None:
        raise InvalidProgramme(f"{where}: the last tier must have no end, so that all assets have a rate")
    floor = ZERO
    for tier in schedule.tiers:
        if not tier.rate_bps.is_finite() or not 0 <= tier.rate_bps <= MOST_BPS:
            raise InvalidProgramme(f"{where}: a rate is {tier.rate_bps} bp a year, not between 0 and {MOST_BPS}")
        if tier.upto is not None and (not tier.upto.is_finite() or tier.upto <= floor):
            raise InvalidProgramme(f"{where}: the breakpoint {tier.upto} is not above {floor}: put them in order")
        floor = tier.upto if tier.upto is not None else floor
    if any(tier.upto is None for tier in schedule.tiers[:-1]):
        raise InvalidProgramme(f"{where}: only the last tier may have no end")


def require_models_apart(contract: ProviderContract, others: Mapping[str, ProviderContract]) -> None:
    """A model's id names one provider's model. Raises InvalidProgramme."""
    for other in others.values():
        shared = sorted(contract.models.keys() & other.models.keys())
        if other.id != contract.id and shared:
            raise InvalidProgramme(f"contract {contract.id}: {shared[0]} is a model of {other.id}: give it another id")
