"""Rules of one account that cannot all be kept, named in the user's words. Exact: the rules are separable but for cash."""

from decimal import Decimal

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.calibration import BAND_TOLERANCE
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.data import OptimizerData
from trimtab.domain.optimizer.wording import dollars, listing, name_of, percent
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_ROUND_OFF = 1e-9


def clashing_rules(request: AnalysisInput, data: OptimizerData) -> tuple[str, ...]:
    """One sentence for each clash, empty when the rules can be kept."""
    found = [clash for row in range(len(data.securities.ids)) if (clash := _clash_of_one(request, data, row))]
    if found:
        return tuple(found)
    shortage = cash_shortage(data)
    return (_cash_clash(request, data, shortage),) if shortage > 0 else ()


def cash_shortage(data: OptimizerData) -> float:
    """By how much (fraction of account value) the most cash that can be raised misses what is required; 0 or less: none."""
    held = data.securities
    raised = ((1 - held.half_spread) * held.sell_limit).sum()
    spent = ((1 + held.half_spread) * held.buy_minimum).sum()
    return float(data.cash_required - data.cash - raised + spent) - _ROUND_OFF


def _clash_of_one(request: AnalysisInput, data: OptimizerData, row: int) -> str | None:
    settings, held = request.snapshot.settings, data.securities
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return None
    band = settings.weight_bands.get(security_id, WeightBand())
    name, weight = name_of(request, security_id), percent(held.holding[row])
    rules = {rule.kind for rule in settings.restrictions if rule.security_id == security_id}
    if band.minimum > band.maximum:
        return f"The smallest weight of {name} ({percent(band.minimum)}) is above its largest ({percent(band.maximum)})."
    if {RestrictionKind.NEVER_HOLD, RestrictionKind.NEVER_SELL} <= rules and held.holding[row] > 0:
        return f"{name} is {weight} of the account and must never be held, yet must never be sold."
    if band.minimum > 0 and RestrictionKind.NEVER_HOLD in rules:
        return f"{name} must be at least {percent(band.minimum)} of the account, yet must never be held."
    tolerance = _tolerance(request, data)
    if RestrictionKind.NEVER_BUY in rules and float(band.minimum) - held.holding[row] > tolerance:
        return f"{name} is {weight} of the account and must be at least {percent(band.minimum)}, yet must never be bought."
    if RestrictionKind.NEVER_SELL in rules and held.holding[row] - float(band.maximum) > tolerance:
        return f"{name} is {weight} of the account and must be at most {percent(band.maximum)}, yet must never be sold."
    return None


def _tolerance(request: AnalysisInput, data: OptimizerData) -> float:
    return max(float(BAND_TOLERANCE), float(request.snapshot.settings.minimum_trade / data.account_value))


def _cash_clash(request: AnalysisInput, data: OptimizerData, shortage: float) -> str:
    settings, value = request.snapshot.settings, data.account_value
    required = settings.cash_reserve + settings.cash_needed
    most = to_cents(required - Decimal(repr(shortage)) * value)
    parts = []
    if settings.cash_needed:
        parts.append(f"withdrawals of {dollars(settings.cash_needed)}")
    if settings.cash_reserve:
        parts.append(f"a cash reserve of {dollars(settings.cash_reserve)}")
    demand = " and ".join(parts) or "no negative cash"
    causes = _what_holds_back(request, data)
    return f"The account's rules ask for {demand}, but at most {dollars(most)} of cash can be had{causes}."


def _what_holds_back(request: AnalysisInput, data: OptimizerData) -> str:
    settings, held = request.snapshot.settings, data.securities
    never_sell = settings.restricted(RestrictionKind.NEVER_SELL)
    kept = [each for each, weight in zip(held.ids, held.holding, strict=True) if weight > 0 and each in never_sell]
    frozen = [each for each, weight in zip(held.ids, held.holding, strict=True) if weight > 0 and each in held.untouchable]
    due = [each for each, least in zip(held.ids, held.buy_minimum, strict=True) if least > 0]
    floors = [each for each, band in settings.weight_bands.items() if band.minimum > 0 and each not in due]
    causes = [
        text.format(listing([name_of(request, each) for each in names]))
        for text, names in _texts(kept, frozen, due, sorted(floors))
        if names
    ]
    return f": {', '.join(causes)}" if causes else ""


def _texts(
    kept: list[SecurityId], frozen: list[SecurityId], due: list[SecurityId], floors: list[SecurityId]
) -> tuple[tuple[str, list[SecurityId]], ...]:
    return (
        ("{} must never be sold", kept),
        ("{} cannot trade today", frozen),
        ("{} must be bought up to the smallest weight", due),
        ("{} must keep the smallest weight", floors),
    )
