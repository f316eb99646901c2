"""One main reason for each trade, in a sentence whose figures come from the attribution."""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.attribution import Contributions
from trimtab.domain.optimizer.data import OptimizerData
from trimtab.domain.optimizer.wording import bps, dollars, name_of, percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, Reason, ReasonCode
from trimtab.domain.snapshots import AnalysisInput


def with_reasons(
    request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...], parts: Contributions
) -> tuple[ProposedTrade, ...]:
    """The trades, each with its main reason."""
    rows = {security_id: row for row, security_id in enumerate(data.securities.ids)}
    leaving = _classes_left(request, data, trades)
    return tuple(
        replace(trade, reasons=(_main_reason(request, data, trade, parts, rows[trade.security_id], leaving),))
        for trade in trades
    )


def _classes_left(request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...]) -> frozenset[str]:
    """Asset classes in which a name is sold at a loss today, or stays below its target because its buys are barred."""
    sold = {trade.security_id for trade in trades if trade.side is Side.SELL and _loss(trade) < 0}
    held = data.securities
    barred = {held.ids[row] for row in np.flatnonzero((held.buy_limit == 0) & (data.active < 0))}
    master = request.market.securities
    return frozenset(master[each].asset_class for each in sold | barred if each in master)


def _loss(trade: ProposedTrade) -> Decimal:
    return sum((sale.gain for sale in trade.lot_sales), ZERO)


def _main_reason(
    request: AnalysisInput,
    data: OptimizerData,
    trade: ProposedTrade,
    parts: Contributions,
    row: int,
    leaving: frozenset[str],
) -> Reason:
    rule = _demanded(request, data, trade, row)
    if rule is not None:
        return Reason(ReasonCode.RESTRICTION, rule)
    code = _largest(request, data, trade, parts, row, leaving)
    return Reason(code, _sentence(request, data, trade, parts, row, code))


def _demanded(request: AnalysisInput, data: OptimizerData, trade: ProposedTrade, row: int) -> str | None:
    settings, held = request.snapshot.settings, data.securities
    name, weight = name_of(request, trade.security_id), percent(held.holding[row])
    if trade.security_id in settings.restricted(RestrictionKind.NEVER_HOLD):
        return f"{name} must never be held: its {weight} of the account is sold."
    band = settings.weight_bands.get(trade.security_id, WeightBand())
    if held.sell_minimum[row] > 0:
        return f"{name} is {weight} of the account, above its largest weight of {percent(band.maximum)}."
    if held.buy_minimum[row] > 0:
        return f"{name} is {weight} of the account, below its smallest weight of {percent(band.minimum)}."
    return None


def _largest(
    request: AnalysisInput,
    data: OptimizerData,
    trade: ProposedTrade,
    parts: Contributions,
    row: int,
    leaving: frozenset[str],
) -> ReasonCode:
    """The code of the largest part; risk is told apart by whether the trade moves towards its own target."""
    selling = trade.side is Side.SELL
    risk = float(parts.factor[row] + parts.specific[row])
    tax, cash = float(parts.tax[row]), float(parts.cash[row])
    if selling and data.cash < data.cash_required and tax <= max(risk, 0.0):
        return ReasonCode.CASH_NEED
    if tax > 0 and tax >= max(risk, cash):
        return ReasonCode.LOSS_HARVEST
    if cash > max(risk, 0.0):
        return ReasonCode.CASH_NEED if selling else ReasonCode.CASH_EXCESS
    if parts.specific[row] > 0:
        return ReasonCode.DRIFT
    security = request.market.securities[trade.security_id]
    if not selling and security.asset_class in leaving:
        return ReasonCode.REPLACEMENT
    return ReasonCode.RISK


def _sentence(
    request: AnalysisInput, data: OptimizerData, trade: ProposedTrade, parts: Contributions, row: int, code: ReasonCode
) -> str:
    name, held = name_of(request, trade.security_id), data.securities
    total = float(parts.total[row])
    worth = f"this trade is worth {bps(total)} of the account ({dollars(_in_dollars(data, total))})"
    weight, target = percent(held.holding[row]), percent(held.target[row])
    if code is ReasonCode.LOSS_HARVEST:
        credit = float(parts.tax[row])
        return f"Selling {name} realises {_realised(trade)}; the tax saved counts {bps(credit)}, {worth}."
    if code is ReasonCode.CASH_NEED:
        return f"{name} is sold to raise cash from {percent(data.cash)} of the account{_need(request)}; {worth}."
    if code is ReasonCode.CASH_EXCESS:
        return f"{name} is bought because cash is {percent(data.cash)}, above its target of {percent(data.cash_target)}; {worth}."
    if code is ReasonCode.DRIFT:
        side = "above" if held.holding[row] > held.target[row] else "below"
        return f"{name} is {weight} of the account, {side} its target of {target}; {worth}."
    moved = float(parts.factor[row])
    if code is ReasonCode.REPLACEMENT:
        return f"{name} stands in for names of its class that are sold at a loss or may not be bought: common risk counts {bps(moved)}, {worth}."
    return f"{name} offsets common risk of other holdings, which counts {bps(moved)}; {worth}."


def _need(request: AnalysisInput) -> str:
    needed = request.snapshot.settings.cash_needed
    if needed == 0:
        return ""
    first = min(need.due_on for need in request.snapshot.settings.cash_needs)
    return f" for withdrawals of {dollars(needed)} from {first.isoformat()}"


def _realised(trade: ProposedTrade) -> str:
    gain = _loss(trade)
    terms = {sale.term for sale in trade.lot_sales}
    term = "long- and short-term" if len(terms) == 2 else next(iter(terms)).value.lower().replace("_", "-")
    return f"a {term} {'loss' if gain < 0 else 'gain'} of {dollars(abs(gain))}"


def _in_dollars(data: OptimizerData, fraction: float) -> Decimal:
    return to_cents(Decimal(repr(fraction)) * data.account_value)
