"""One main reason for each trade, in a sentence whose figures come from the attribution."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.attribution import Contributions
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.wording import bps, dollars, name_of, of_account, percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, Reason, ReasonCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_SHORT_OF_TARGET = 0.001
"""A name that may not be bought leaves a gap when its weight is this much below its target."""

_CASH_OFF_TARGET = 0.0005
"""Cash within this of its target is no reason for a trade."""


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What the sentences speak of."""

    request: AnalysisInput
    data: OptimizerData
    parts: Contributions
    rows: Mapping[SecurityId, int]
    classes_left: frozenset[str]  # asset classes with a name sold at a loss, or short of its target and barred


def with_reasons(
    request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...], parts: Contributions
) -> tuple[ProposedTrade, ...]:
    """The trades, each with its main reason."""
    rows = {security_id: row for row, security_id in enumerate(data.securities.ids)}
    told = _Told(request, data, parts, rows, _classes_left(request, data, trades))
    return tuple(replace(trade, reasons=(_reason(told, trade, rows[trade.security_id]),)) for trade in trades)


def _classes_left(request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...]) -> frozenset[str]:
    sold = {trade.security_id for trade in trades if trade.side is Side.SELL and _gain(trade) < 0}
    held = data.securities
    barred = {held.ids[row] for row in np.flatnonzero((held.buy_limit == 0) & (data.active < -_SHORT_OF_TARGET))}
    master = request.market.securities
    return frozenset(master[each].asset_class for each in sold | barred if each in master)


def _gain(trade: ProposedTrade) -> Decimal:
    return sum((sale.gain for sale in trade.lot_sales), ZERO)


def _reason(told: _Told, trade: ProposedTrade, row: int) -> Reason:
    in_all = _in_all(told, trade, float(told.parts.total[row]))
    demanded = _demanded(told, trade, row)
    if demanded is not None:
        return Reason(ReasonCode.RESTRICTION, f"{demanded} {in_all}")
    code = _largest_part(told, trade, row)
    return Reason(code, f"{_SENTENCES[code](told, trade, row)} {in_all}")


def _in_all(told: _Told, trade: ProposedTrade, total: float) -> str:
    counts = f"counts {bps(total)} of the account ({of_account(told.data, total)})"
    if total >= 0:
        return f"In all the trade {counts}."
    serves = "pays for purchases" if trade.side is Side.SELL else "takes up the proceeds of sales"
    return f"By itself the trade {counts}; it {serves} that count more."


def _demanded(told: _Told, trade: ProposedTrade, row: int) -> str | None:
    """The rule that asks for the trade, or None."""
    settings, held = told.request.snapshot.settings, told.data.securities
    name, weight = name_of(told.request, trade.security_id), percent(held.holding[row])
    if trade.security_id in settings.restricted(RestrictionKind.NEVER_HOLD):
        return f"{name} must never be held: its {weight} of the account is sold."
    if held.sell_minimum[row] > 0:
        largest = settings.weight_bands[trade.security_id].maximum
        return f"{name} is {weight} of the account, above its largest weight of {percent(largest)}."
    if held.buy_minimum[row] > 0:
        smallest = settings.weight_bands[trade.security_id].minimum
        return f"{name} is {weight} of the account, below its smallest weight of {percent(smallest)}."
    return None


def _largest_part(told: _Told, trade: ProposedTrade, row: int) -> ReasonCode:
    """The code of the part that counts most; risk is told apart by whether the trade nears its own target."""
    parts, selling = told.parts, trade.side is Side.SELL
    nears_target = bool(parts.specific[row] > 0)
    risk = max(float(parts.factor[row] + parts.specific[row]), 0.0)
    tax, cash = float(parts.tax[row]), float(parts.cash[row])
    if tax > 0 and tax >= max(risk, cash):
        return ReasonCode.LOSS_HARVEST
    if selling and told.data.cash < told.data.cash_required:
        return ReasonCode.CASH_NEED
    in_a_gap = told.request.market.securities[trade.security_id].asset_class in told.classes_left
    if not selling and not nears_target and in_a_gap:
        return ReasonCode.REPLACEMENT
    off_target = told.data.cash - told.data.cash_target if not selling else told.data.cash_target - told.data.cash
    if cash > risk and off_target > _CASH_OFF_TARGET:
        return ReasonCode.CASH_NEED if selling else ReasonCode.CASH_EXCESS
    return ReasonCode.DRIFT if nears_target else ReasonCode.RISK


def _harvest(told: _Told, trade: ProposedTrade, row: int) -> str:
    terms = sorted({sale.term.value.lower().replace("_", "-") for sale in trade.lot_sales})
    realised = f"a {' and '.join(terms)} loss of {dollars(abs(_gain(trade)))}"
    name = name_of(told.request, trade.security_id)
    return f"Selling {name} realises {realised}; the tax that it saves counts {bps(told.parts.tax[row])}."


def _cash_need(told: _Told, trade: ProposedTrade, row: int) -> str:
    settings = told.request.snapshot.settings
    name, cash = name_of(told.request, trade.security_id), percent(told.data.cash)
    if settings.cash_needed == 0:
        return f"{name} is sold to raise cash, which is {cash} of the account; its target is {_cash_target(told)}."
    first = min(need.due_on for need in settings.cash_needs)
    return f"{name} is sold to pay out {dollars(settings.cash_needed)} from {first.isoformat()}; cash is {cash}."


def _cash_target(told: _Told) -> str:
    return percent(told.data.cash_target)


def _cash_excess(told: _Told, trade: ProposedTrade, row: int) -> str:
    name, cash = name_of(told.request, trade.security_id), percent(told.data.cash)
    return f"{name} is bought because cash is {cash} of the account, above its target of {_cash_target(told)}."


def _drift(told: _Told, trade: ProposedTrade, row: int) -> str:
    held = told.data.securities
    weight, target = percent(held.holding[row]), percent(held.target[row])
    side = "above" if held.holding[row] > held.target[row] else "below"
    nearer = bps(told.parts.specific[row])
    name = name_of(told.request, trade.security_id)
    return f"{name} is {weight} of the account, {side} its target of {target}; to bring it nearer counts {nearer}."


def _replacement(told: _Told, trade: ProposedTrade, row: int) -> str:
    name = name_of(told.request, trade.security_id)
    return (
        f"{name} stands in for names of its class that are sold at a loss or may not be bought; "
        f"the common risk that it restores counts {bps(told.parts.factor[row])}."
    )


def _risk(told: _Told, trade: ProposedTrade, row: int) -> str:
    name = name_of(told.request, trade.security_id)
    return f"Trading {name} offsets common risk of other holdings, which counts {bps(told.parts.factor[row])}."


_SENTENCES = {
    ReasonCode.LOSS_HARVEST: _harvest,
    ReasonCode.CASH_NEED: _cash_need,
    ReasonCode.CASH_EXCESS: _cash_excess,
    ReasonCode.DRIFT: _drift,
    ReasonCode.REPLACEMENT: _replacement,
    ReasonCode.RISK: _risk,
}
