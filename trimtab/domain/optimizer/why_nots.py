"""For each drift or loss above its threshold that was left: exactly one reason why."""

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.data import OptimizerData
from trimtab.domain.optimizer.targets import PreparedTarget
from trimtab.domain.optimizer.wording import dollars, name_of, percent
from trimtab.domain.money import to_cents
from trimtab.domain.proposals import WhyNot, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput
from decimal import Decimal

DRIFT_TOLD = 0.0025
"""A drift left above this fraction of account value is explained."""

LOSS_TOLD = 0.0010
"""An unrealised loss left above this fraction of account value, in a lot worth harvesting, is explained."""


def why_nots(
    request: AnalysisInput, data: OptimizerData, target: PreparedTarget, lot_sells: Floats, buys: Floats
) -> tuple[WhyNot, ...]:
    """Ordered by security id; at most one a security."""
    held = data.securities
    trade = buys - np.bincount(data.lots.security, lot_sells, len(held.ids))
    drift = data.active + trade
    loss_left = _loss_left(data, lot_sells)
    told = {each: _replaced(request, target, each) for each in target.replaced}
    for row in np.flatnonzero((np.abs(drift) > DRIFT_TOLD) | (loss_left > LOSS_TOLD)):
        if held.ids[row] not in told:
            told[held.ids[row]] = _why_not(request, data, int(row), float(drift[row]), float(loss_left[row]))
    return tuple(told[each] for each in sorted(told))


def _loss_left(data: OptimizerData, lot_sells: Floats) -> Floats:
    """Losses worth harvesting (they have a credit, or would without the wash sale rule) that stay, (n,)."""
    lots = data.lots
    wanted = lots.at_loss & ((lots.tax < 0) | lots.void)
    left = np.maximum(lots.value - lot_sells, 0.0) * -lots.gain * wanted
    return np.bincount(lots.security, left, len(data.securities.ids))


def _replaced(request: AnalysisInput, target: PreparedTarget, security_id: SecurityId) -> WhyNot:
    entry = target.replaced[security_id]
    sentence = (
        f"{name_of(request, security_id)} is {percent(entry.weight)} of the model and is not bought because "
        f"{entry.because}; its weight goes to its asset class."
    )
    return WhyNot(security_id, entry.code, sentence)


def _why_not(request: AnalysisInput, data: OptimizerData, row: int, drift: float, loss: float) -> WhyNot:
    security_id = data.securities.ids[row]
    name = name_of(request, security_id)
    if abs(drift) > DRIFT_TOLD:
        code, because = _why_drift(request, data, row, drift)
        what = f"{name} stays {percent(abs(drift))} {'above' if drift > 0 else 'below'} its target"
    else:
        code, because = _why_loss(request, data, row)
        what = f"A loss of {dollars(to_cents(Decimal(repr(loss)) * data.account_value))} in {name} is not realised"
    return WhyNot(security_id, code, f"{what} because {because}.")


def _why_drift(request: AnalysisInput, data: OptimizerData, row: int, drift: float) -> tuple[WhyNotCode, str]:
    held, settings = data.securities, request.snapshot.settings
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return held.untouchable[security_id]
    if drift > 0:
        return _why_not_sold(request, data, row, drift)
    barred = settings.restricted(RestrictionKind.NEVER_BUY) | settings.restricted(RestrictionKind.NEVER_HOLD)
    if security_id in barred:
        return WhyNotCode.NEVER_BUY, "the account must never buy it"
    if held.buy_limit[row] == 0 and _window_open(request, security_id):
        return WhyNotCode.WASH_SALE_WINDOW, _window(request, security_id)
    if -drift < held.minimum_trade[row]:
        return WhyNotCode.MINIMUM_TRADE, "the trade would be smaller than the minimum trade"
    return WhyNotCode.WITHIN_TOLERANCE, "closing the gap would cost more than it gains"


def _why_not_sold(request: AnalysisInput, data: OptimizerData, row: int, drift: float) -> tuple[WhyNotCode, str]:
    held, lots = data.securities, data.lots
    if held.ids[row] in request.snapshot.settings.restricted(RestrictionKind.NEVER_SELL):
        return WhyNotCode.NEVER_SELL, "the account must never sell it"
    own = lots.security == row
    if (lots.void & own & (lots.limit == 0)).any():
        return _why_loss(request, data, row)
    if drift < held.minimum_trade[row]:
        return WhyNotCode.MINIMUM_TRADE, "the trade would be smaller than the minimum trade"
    gain = float((lots.value * np.maximum(lots.gain, 0.0) * lots.rate)[own].sum())
    if gain > 0:
        tax = dollars(to_cents(Decimal(repr(gain)) * data.account_value))
        return WhyNotCode.TAX_COST, f"selling the position's gains would cost {tax} of tax"
    return WhyNotCode.WITHIN_TOLERANCE, "closing the gap would cost more than it gains"


def _why_loss(request: AnalysisInput, data: OptimizerData, row: int) -> tuple[WhyNotCode, str]:
    held, lots = data.securities, data.lots
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return held.untouchable[security_id]
    if security_id in request.snapshot.settings.restricted(RestrictionKind.NEVER_SELL):
        return WhyNotCode.NEVER_SELL, "the account must never sell it"
    if (lots.void & (lots.security == row)).any():
        return WhyNotCode.WASH_SALE_WINDOW, "shares bought in the last 30 days would wash the loss"
    return WhyNotCode.WITHIN_TOLERANCE, "the tax saved would be less than what the sale costs in risk and trading"


def _window_open(request: AnalysisInput, security_id: SecurityId) -> bool:
    return request.market.securities[security_id].wash_key in request.snapshot.wash_windows.buy_blocked()


def _window(request: AnalysisInput, security_id: SecurityId) -> str:
    key = request.market.securities[security_id].wash_key
    last = max(each.last_day for each in request.snapshot.wash_windows.loss_sales if each.wash_key == key)
    return f"a sale at a loss keeps its wash sale window open until {last.isoformat()}"
