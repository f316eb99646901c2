"""How far a client's wishes may go before somebody has to approve them: customisation limits (M5a, M5b, MD-8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt

from trimtab.domain.account_settings import AccountSettings, GroupKind
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import ZERO
from trimtab.domain.records import decimal_text
from trimtab.domain.securities import Security, SecurityId

EVERY_PROGRAMME = "ALL"
"""The id of the limits of all programmes that have none of their own."""


@dataclass(frozen=True, slots=True)
class CustomisationLimits:
    """Limits of one programme; a wish beyond one of them waits for an approval. Weights and risks are fractions."""

    id: str  # the programme, or EVERY_PROGRAMME
    class_deviation: Decimal | None = None  # most that one asset class may move from the model's weight, either way
    class_deviations: Mapping[str, Decimal] = field(default_factory=dict)  # of single classes or groups of classes
    risk_deviation: Decimal | None = None  # most annualised tracking error of the wished target against the model
    barred_weight: Decimal | None = None  # most of the model's weight that may be barred
    barred_names: int | None = None  # most securities of the model that may be barred

    def of_class(self, name: str) -> Decimal | None:
        """Most that the class may move."""
        return self.class_deviations.get(name, self.class_deviation)


def require_sound_limits(limits: CustomisationLimits) -> None:
    """Raises InvalidProgramme for a limit that is none."""
    fractions = {
        "class_deviation": limits.class_deviation,
        "risk_deviation": limits.risk_deviation,
        "barred_weight": limits.barred_weight,
        **{f"class_deviations.{name}": value for name, value in limits.class_deviations.items()},
    }
    for name, value in fractions.items():
        if value is not None and not (value.is_finite() and 0 <= value <= 1):
            raise InvalidProgramme(f"limits {limits.id}: {name} is {value}, not a fraction between 0 and 1")
    if limits.barred_names is not None and limits.barred_names < 0:
        raise InvalidProgramme(f"limits {limits.id}: barred_names is {limits.barred_names}, not zero or more")


def limits_of(programme: str | None, every: Mapping[str, CustomisationLimits]) -> CustomisationLimits | None:
    """The programme's own limits, else those of all programmes, else none."""
    return every.get(programme or "", every.get(EVERY_PROGRAMME))


def wishes_beyond(
    limits: CustomisationLimits,
    settings: AccountSettings,
    model: ModelPortfolio,
    securities: Mapping[SecurityId, Security],
    risk_model: RiskModel | None = None,
) -> tuple[str, ...]:
    """Each way in which an account's settings go beyond the limits, in words; empty when they stay inside."""
    return (
        *_classes_beyond(limits, settings, model, securities),
        *_barred_beyond(limits, settings, model),
        *_risk_beyond(limits, model.weights, wished_target(settings, model, securities), risk_model),
    )


def _classes_beyond(
    limits: CustomisationLimits,
    settings: AccountSettings,
    model: ModelPortfolio,
    securities: Mapping[SecurityId, Security],
) -> Iterator[str]:
    weights = class_weights(model.weights, securities)
    for band in settings.group_bands:
        if band.kind is GroupKind.ASSET_CLASS:
            weight = weights.get(band.name, ZERO)
            wished = min(max(weight, band.minimum), band.maximum)
            yield from _moved(limits, band.name, weight, wished)


def _moved(limits: CustomisationLimits, name: str, weight: Decimal, wished: Decimal) -> Iterator[str]:
    most = limits.of_class(name)
    if most is not None and abs(wished - weight) > most:
        yield (
            f"{name} would have {_percent(wished)} instead of {_percent(weight)}: without an approval it may move by"
            f" {_percent(most)}"
        )


def _barred_beyond(limits: CustomisationLimits, settings: AccountSettings, model: ModelPortfolio) -> Iterator[str]:
    barred = sorted(name for name in settings.never_bought if model.weights.get(name, ZERO) > 0)
    weight = sum((model.weights[name] for name in barred), ZERO)
    if limits.barred_weight is not None and weight > limits.barred_weight:
        most = _percent(limits.barred_weight)
        yield f"{_percent(weight)} of the model would be barred: without an approval at most {most} may be"
    if limits.barred_names is not None and len(barred) > limits.barred_names:
        yield f"{len(barred)} names would be barred: without an approval at most {limits.barred_names} may be"


def variant_beyond(
    limits: CustomisationLimits,
    classes: Mapping[str, Decimal],
    base: Mapping[str, Decimal],
    groups: Mapping[str, str],
) -> tuple[str, ...]:
    """Each way in which a variant's class weights go beyond the limits, against the allocation it descends from.

    Classes one by one, and groups of classes where `class_deviations` names one.
    """
    found = [
        said
        for name in sorted({*classes, *base})
        for said in _moved(limits, name, base.get(name, ZERO), classes.get(name, ZERO))
    ]
    for group in sorted(set(groups.values()) & limits.class_deviations.keys()):
        members = [name for name, each in groups.items() if each == group]
        before, after = (sum((weights.get(name, ZERO) for name in members), ZERO) for weights in (base, classes))
        found += _moved(limits, group, before, after)
    return tuple(found)


def targets_beyond(
    limits: CustomisationLimits,
    base: Mapping[SecurityId, Decimal],
    wished: Mapping[SecurityId, Decimal],
    risk_model: RiskModel | None,
) -> tuple[str, ...]:
    """Whether one target is further from another in total risk than the limits allow."""
    return tuple(_risk_beyond(limits, base, wished, risk_model))


def _risk_beyond(
    limits: CustomisationLimits,
    base: Mapping[SecurityId, Decimal],
    wished: Mapping[SecurityId, Decimal],
    risk_model: RiskModel | None,
) -> Iterator[str]:
    if limits.risk_deviation is None or risk_model is None:
        return
    active = {name: float(wished.get(name, ZERO) - base.get(name, ZERO)) for name in {*base, *wished}}
    error = tracking_error(active, risk_model)
    if error > float(limits.risk_deviation):
        most = _percent(limits.risk_deviation)
        yield (
            f"the target would have a tracking error of {error:.2%} against the model: without an approval at most"
            f" {most} a year"
        ).replace("%", " %", 1)


def class_weights(
    weights: Mapping[SecurityId, Decimal], securities: Mapping[SecurityId, Security]
) -> dict[str, Decimal]:
    """Weight by asset class; names that the master does not know are left out."""
    found: dict[str, Decimal] = {}
    for name, weight in weights.items():
        if name in securities:
            asset_class = securities[name].asset_class
            found[asset_class] = found.get(asset_class, ZERO) + weight
    return found


def wished_target(
    settings: AccountSettings, model: ModelPortfolio, securities: Mapping[SecurityId, Security]
) -> dict[SecurityId, Decimal]:
    """The model as the client wishes it: barred names' weight goes to the others of their class, classes are brought
    inside their bounds, and what that frees or takes is shared by the classes without bounds, pro rata.
    """
    weights = _without_barred(settings, model, securities)
    before = class_weights(weights, securities)
    bounds = {band.name: band for band in settings.group_bands if band.kind is GroupKind.ASSET_CLASS}
    after = {
        name: min(max(weight, bounds[name].minimum), bounds[name].maximum) if name in bounds else weight
        for name, weight in before.items()
    }
    free = sum((weight for name, weight in before.items() if name not in bounds), ZERO)
    left = free + sum(before.values(), ZERO) - sum(after.values(), ZERO)
    share = {
        name: (max(left, ZERO) / free if free else ZERO) if name not in bounds else after[name] / weight
        for name, weight in before.items()
        if weight
    }
    return {
        name: weight * share.get(securities[name].asset_class, Decimal(1)) if name in securities else weight
        for name, weight in weights.items()
    }


def _without_barred(
    settings: AccountSettings, model: ModelPortfolio, securities: Mapping[SecurityId, Security]
) -> dict[SecurityId, Decimal]:
    barred = settings.never_bought
    kept = {name: weight for name, weight in model.weights.items() if name not in barred}
    whole, left = class_weights(model.weights, securities), class_weights(kept, securities)
    return {
        name: weight * whole[securities[name].asset_class] / left[securities[name].asset_class]
        if name in securities and weight
        else weight
        for name, weight in kept.items()
    }


def tracking_error(active: Mapping[SecurityId, float], risk_model: RiskModel) -> float:
    """Annualised standard deviation of active weights: sqrt(b'Fb + sum (specific risk x weight)^2), b = B'w.

    Names that the risk model does not cover count nothing.
    """
    covered = {name: weight for name, weight in active.items() if name in risk_model.securities}
    exposure = [0.0] * len(risk_model.factors)
    specific = 0.0
    for name, weight in covered.items():
        row = risk_model.securities[name]
        specific += (row.specific_risk * weight) ** 2
        for place, loading in enumerate(row.exposures):
            exposure[place] += loading * weight
    systematic = sum(
        one * sum(value * other for value, other in zip(row, exposure, strict=True))
        for one, row in zip(exposure, risk_model.factor_covariance, strict=True)
    )
    return sqrt(max(systematic + specific, 0.0))


def _percent(weight: Decimal) -> str:
    return f"{decimal_text((weight * 100).quantize(Decimal('0.01')))} %"
