"""One main reason for each trade, in a sentence whose figures come from the attribution."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lots import LotId
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.attribution import Contributions
from trimtab.domain.optimizer.booking import disallowed_losses
from trimtab.domain.optimizer.equivalence import members_named, substitute_of
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.wording import bps, dollars, listing, name_of, of_account, percent
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
    sold_at_a_loss: frozenset[SecurityId]
    disallowed: Mapping[LotId, Decimal]  # dollars of each lot's loss that recent purchases wash


def with_reasons(
    request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...], parts: Contributions
) -> tuple[ProposedTrade, ...]:
    """The trades, each with its main reason."""
    rows = {security_id: row for row, security_id in enumerate(data.securities.ids)}
    sold_at_a_loss = frozenset(trade.security_id for trade in trades if trade.side is Side.SELL and _gain(trade) < 0)
    classes_left = _classes_left(request, data, sold_at_a_loss)
    told = _Told(request, data, parts, rows, classes_left, sold_at_a_loss, disallowed_losses(request, data, trades))
    return tuple(replace(trade, reasons=(_reason(told, trade, rows[trade.security_id]),)) for trade in trades)


def _classes_left(request: AnalysisInput, data: OptimizerData, sold: frozenset[SecurityId]) -> frozenset[str]:
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
    if not selling and substitute_of(told.data.securities, row) is not None:
        return ReasonCode.REPLACEMENT
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
    washed = sum((told.disallowed.get(sale.lot_id, ZERO) for sale in trade.lot_sales), ZERO)
    if washed:
        realised += f", of which {dollars(washed)} are washed by shares bought in the last 30 days"
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
    weight, target = float(held.pooled(held.holding)[row]), float(held.pooled(held.target)[row])
    side = "above" if weight > target else "below"
    nearer = bps(told.parts.specific[row])
    names = [name_of(told.request, each) for each in members_named(held, row)]
    who, whose, it = (f"{names[0]} is", "its", "it") if len(names) == 1 else (f"{listing(names)} are", "their", "them")
    return (
        f"{who} {percent(weight)} of the account, {side} {whose} target of {percent(target)}; "
        f"to bring {it} nearer counts {nearer}."
    )


def _replacement(told: _Told, trade: ProposedTrade, row: int) -> str:
    name, model_name = name_of(told.request, trade.security_id), substitute_of(told.data.securities, row)
    if model_name is not None:
        risk = bps(told.parts.factor[row] + told.parts.specific[row])
        return (
            f"{name} stands in for {_stood_in_for(told, trade, model_name)}; the risk that it takes away counts {risk}."
        )
    return (
        f"{name} stands in for names of its class that are sold at a loss or may not be bought; "
        f"the common risk that it restores counts {bps(told.parts.factor[row])}."
    )


def _stood_in_for(told: _Told, trade: ProposedTrade, model_name: int) -> str:
    """The model name, and why a substitute is bought instead of it."""
    held, incumbent = told.data.securities, told.request.snapshot.incumbent
    name = name_of(told.request, held.ids[model_name])
    if held.ids[model_name] in told.sold_at_a_loss:
        return f"{name}, which is sold at a loss"
    if held.buy_limit[model_name] == 0:
        return f"{name}, which may not be bought today"
    if incumbent is not None and incumbent.net_trades.get(trade.security_id, ZERO) > 0:
        return f"{name}, as it did last time"
    return f"{name}, which costs more to buy"


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
