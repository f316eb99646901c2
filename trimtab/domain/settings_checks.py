"""Settings that contradict themselves or the model (case 92), and models that do not add up (case 94)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import AccountSettings, GroupKind, RestrictionKind
from trimtab.domain.model_portfolios import UNDECLARED_CASH_LIMIT, WEIGHT_TOLERANCE, ModelPortfolio
from trimtab.domain.rule_checks import is_fraction, rule_problems, substitute_problems
from trimtab.domain.securities import Security, SecurityId

BARRED_CLASS_LIMIT: Final = Decimal("0.05")
"""An asset class above this weight of the model must keep a name that the account may buy."""


def settings_problems(
    settings: AccountSettings,
    model: ModelPortfolio | None,
    securities: Mapping[SecurityId, Security] | None = None,
) -> tuple[str, ...]:
    """Each contradiction in plain words; empty when the settings can be obeyed together.

    With `securities`, also an asset class of the model of which every name is barred.
    """
    problems = [
        *_out_of_range(settings),
        *rule_problems(settings, securities or None),
        *_band_problems(settings),
        *_group_problems(settings),
        *_restriction_problems(settings),
    ]
    if model is not None and not model_problem(model):
        problems.extend(_barred_targets(settings, model, securities or {}))
    return tuple(problems)


def model_problem(model: ModelPortfolio) -> str:
    """Why the model must not be followed, or '' when its weights and cash make 1 (case 94)."""
    weights = [*model.weights.values(), *([] if model.cash_weight is None else [model.cash_weight])]
    if not model.weights:
        return f"model {model.id} has no securities"
    if not all(weight.is_finite() for weight in weights):
        return f"model {model.id} has a weight that is not a number"
    if min(weights) < 0:
        return f"model {model.id} has a negative weight"
    remainder = Decimal(1) - sum(weights, Decimal(0))
    allowed = WEIGHT_TOLERANCE if model.cash_weight is not None else UNDECLARED_CASH_LIMIT
    if remainder > allowed or remainder < -WEIGHT_TOLERANCE:
        return f"the weights of model {model.id} sum to {Decimal(1) - remainder}, not 1"
    return next(substitute_problems(model), "")


def has_undeclared_cash(model: ModelPortfolio) -> bool:
    """True when a valid model leaves a remainder that it does not declare as cash."""
    return model.cash_weight is None and Decimal(1) - model.invested_weight > WEIGHT_TOLERANCE


def _out_of_range(settings: AccountSettings) -> Iterator[str]:
    fractions = {
        "short-term tax rate": settings.short_term_rate,
        "long-term tax rate": settings.long_term_rate,
        "cash target": settings.cash_target,
    }
    for name, value in fractions.items():
        if not is_fraction(value):
            yield f"the {name} is {value}, which is no fraction between 0 and 1"
    amounts = {
        "cash reserve": settings.cash_reserve,
        "minimum trade": settings.minimum_trade,
        "commission": settings.commission,
        **{f"commission of {kind}": price for kind, price in settings.commission_by_kind.items()},
    }
    for name, value in amounts.items():
        if not value.is_finite() or value < 0:
            yield f"the {name} is {value} dollars, which is not an amount of zero or more"
    for need in settings.cash_needs:
        if not need.amount.is_finite() or need.amount <= 0:
            yield f"the cash need due on {need.due_on} is {need.amount} dollars, which is not above zero"


def _band_problems(settings: AccountSettings) -> Iterator[str]:
    for security_id, band in settings.weight_bands.items():
        if not (is_fraction(band.minimum) and is_fraction(band.maximum)):
            yield f"the band of {security_id}, {band.minimum} to {band.maximum}, leaves the range 0 to 1"
        elif band.minimum > band.maximum:
            yield f"the smallest weight of {security_id}, {band.minimum}, is above its largest, {band.maximum}"
    least = sum((band.minimum for band in settings.weight_bands.values() if is_fraction(band.minimum)), Decimal(0))
    if is_fraction(settings.cash_target) and least + settings.cash_target > 1:
        yield f"the smallest weights and the cash target sum to {least + settings.cash_target}, more than 1"


def _group_problems(settings: AccountSettings) -> Iterator[str]:
    """Bands of classes or sectors whose smallest weights leave no room for the rest."""
    for kind in GroupKind:
        bands = [band for band in settings.group_bands if band.kind is kind and is_fraction(band.minimum)]
        least = sum((band.minimum for band in bands), Decimal(0))
        if is_fraction(settings.cash_target) and least + settings.cash_target > 1:
            of = "asset classes" if kind is GroupKind.ASSET_CLASS else "sectors"
            yield f"the smallest weights of {of} and the cash target sum to {least + settings.cash_target}, more than 1"


def _restriction_problems(settings: AccountSettings) -> Iterator[str]:
    never_hold = settings.restricted(RestrictionKind.NEVER_HOLD)
    for security_id in sorted(never_hold & settings.restricted(RestrictionKind.NEVER_SELL)):
        yield f"{security_id} is to be never held and never sold"
    for security_id in sorted(never_hold & settings.restricted(RestrictionKind.NEVER_TRADE)):
        yield f"{security_id} is to be never held and never traded"
    for security_id in sorted(never_hold & settings.weight_bands.keys()):
        if settings.weight_bands[security_id].minimum > 0:
            yield f"{security_id} is to be never held, yet at least {settings.weight_bands[security_id].minimum}"


def _barred_targets(
    settings: AccountSettings, model: ModelPortfolio, securities: Mapping[SecurityId, Security]
) -> Iterator[str]:
    never_above_zero = {name for name, band in settings.weight_bands.items() if band.maximum == 0}
    barred = settings.never_bought | never_above_zero
    if not barred & model.weights.keys():
        return  # the usual case, a hundred thousand times in the preview of a bulk change
    names = {name for name, weight in model.weights.items() if weight > 0}
    if names and names <= barred:
        yield f"the restrictions bar every security of model {model.id}"
        return
    by_class: dict[str, set[SecurityId]] = {}
    for name in names & securities.keys():
        by_class.setdefault(securities[name].asset_class, set()).add(name)
    for asset_class, members in sorted(by_class.items()):
        weight = sum((model.weights[name] for name in members), Decimal(0))
        if members <= barred and weight > BARRED_CLASS_LIMIT:
            yield f"the restrictions bar every security of {asset_class}, {weight} of model {model.id}"
