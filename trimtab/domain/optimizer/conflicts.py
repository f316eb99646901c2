"""Rules of one account that cannot all be kept, named in the user's words.

Exact for the relaxation: but for cash the rules are separable, so each security tells for itself whether its rules
can be kept, and the most cash that can be raised is a sum.
"""

from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import GroupKind, RestrictionKind, WeightBand
from trimtab.domain.lots import LotId
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.capacity import impossible_keys, most_cash_raised
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.security_rows import band_tolerance
from trimtab.domain.optimizer.wording import dollars, listing, name_of, percent
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_ROUND_OFF = 1e-9


def clashing_rules(request: AnalysisInput, data: OptimizerData) -> tuple[str, ...]:
    """One sentence for each clash, empty when the rules can be kept."""
    ruled = request.snapshot.settings.weight_bands.keys() | request.snapshot.settings.restricted(
        RestrictionKind.NEVER_HOLD
    )
    rows = [row for row, security_id in enumerate(data.securities.ids) if security_id in ruled]
    found = [clash for row in rows if (clash := _clash_of_one(request, data, row))]
    found += _clashes_of_groups(request)
    if not found and data.securities.buy_minimum.any():
        found = _clashes_of_wash_keys(request, data)
    enough = data.cash >= data.cash_required and not data.securities.buy_minimum.any()
    if not found and not enough and cash_shortage(data) > 0:
        found = [_cash_clash(request, data)]
    return tuple(found)


def _clashes_of_groups(request: AnalysisInput) -> list[str]:
    """Smallest weights of classes, or of sectors, that sum to more than the account."""
    found = []
    for kind in GroupKind:
        bands = [band for band in request.snapshot.settings.group_bands if band.kind is kind and band.minimum > 0]
        total = sum((band.minimum for band in bands), Decimal(0))
        if total > 1:
            each = listing([f"{band.name} ({percent(band.minimum)})" for band in bands])
            found.append(f"The smallest weights of {each} sum to {percent(total)} of the account.")
    return found


def cash_shortage(data: OptimizerData) -> float:
    """By how much the most cash that can be had misses what is required, fraction of account value; 0 or less: none."""
    return data.cash_required - data.cash - most_cash_raised(data) - _ROUND_OFF


def _clash_of_one(request: AnalysisInput, data: OptimizerData, row: int) -> str | None:
    settings, held = request.snapshot.settings, data.securities
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return None
    band = settings.weight_bands.get(security_id, WeightBand())
    name, weight = name_of(request, security_id), percent(held.holding[row])
    smallest, largest = percent(band.minimum), percent(band.maximum)
    rules = {rule.kind for rule in settings.restrictions if rule.security_id == security_id}
    if RestrictionKind.NEVER_TRADE in rules:
        rules |= {RestrictionKind.NEVER_BUY, RestrictionKind.NEVER_SELL}
    tolerance = band_tolerance(settings, data.account_value)
    if band.minimum > band.maximum:
        return f"The smallest weight of {name} ({smallest}) is above its largest ({largest})."
    if {RestrictionKind.NEVER_HOLD, RestrictionKind.NEVER_SELL} <= rules and held.holding[row] > 0:
        return f"{name} is {weight} of the account and must never be held, yet must never be sold."
    if band.minimum > 0 and RestrictionKind.NEVER_HOLD in rules:
        return f"{name} must be at least {smallest} of the account, yet must never be held."
    if RestrictionKind.NEVER_BUY in rules and float(band.minimum) - held.holding[row] > tolerance:
        return f"{name} is {weight} of the account and must be at least {smallest}, yet must never be bought."
    if RestrictionKind.NEVER_SELL in rules and held.holding[row] - float(band.maximum) > tolerance:
        return f"{name} is {weight} of the account and must be at most {largest}, yet must never be sold."
    return None


def _clashes_of_wash_keys(request: AnalysisInput, data: OptimizerData) -> list[str]:
    """Keys that would have to be sold at a loss and bought on one day."""
    held, found = data.securities, []
    for key in np.flatnonzero(impossible_keys(data)):
        names = listing([name_of(request, held.ids[row]) for row in np.flatnonzero(held.wash_key == key)])
        found.append(f"{names} would have to be sold at a loss and bought on one day, which is a wash sale.")
    return found


def _cash_clash(request: AnalysisInput, data: OptimizerData) -> str:
    settings = request.snapshot.settings
    most = to_cents(Decimal(repr(data.cash + most_cash_raised(data))) * data.account_value)
    demands = []
    if settings.cash_needed:
        demands.append(f"withdrawals of {dollars(settings.cash_needed)}")
    if settings.cash_reserve:
        demands.append(f"a cash reserve of {dollars(settings.cash_reserve)}")
    demand = " and ".join(demands) or "cash of at least $0.00"
    return f"The rules ask for {demand}, but at most {dollars(most)} of cash can be had{_held_back(request, data)}."


def _locked_losses(data: OptimizerData) -> frozenset[LotId]:
    """Lots that must not be sold because a recent purchase would wash their loss."""
    lots = data.lots
    locked = lots.void & (lots.limit == 0)
    return frozenset(lot.id for lot, is_locked in zip(lots.lots, locked, strict=True) if is_locked)


def _held_back(request: AnalysisInput, data: OptimizerData) -> str:
    """What keeps cash from being raised, as the end of a sentence."""
    settings, held = request.snapshot.settings, data.securities
    never_sell = settings.never_sold
    owned = [each for each, weight in zip(held.ids, held.holding, strict=True) if weight > 0]
    due = [each for each, least in zip(held.ids, held.buy_minimum, strict=True) if least > 0]
    floors = [each for each, band in sorted(settings.weight_bands.items()) if band.minimum > 0 and each not in due]
    washed = sorted({lot.security_id for lot in data.lots.lots if lot.id in _locked_losses(data)})
    causes: list[tuple[str, list[SecurityId]]] = [
        ("{} must never be sold", [each for each in owned if each in never_sell]),
        ("{} cannot trade today", [each for each in owned if each in held.untouchable]),
        ("a loss in {} would be a wash sale", washed),
        ("{} must be bought up to the smallest weight", due),
        ("{} must keep the smallest weight", floors),
    ]
    texts = [text.format(listing([name_of(request, each) for each in names])) for text, names in causes if names]
    return f": {', '.join(texts)}" if texts else ""
