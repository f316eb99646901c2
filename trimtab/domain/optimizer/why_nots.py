"""For each drift or loss above its threshold that was left: exactly one reason why."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.equivalence import members_named, speakers
from trimtab.domain.optimizer.in_the_way import Done, breaks, short_of_cash
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.sale_locks import why_too_young
from trimtab.domain.optimizer.targets import PreparedTarget
from trimtab.domain.optimizer.wording import listing, name_of, of_account, percent
from trimtab.domain.proposals import WhyNot, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

DRIFT_TOLD = 0.0025
"""A drift left above this fraction of account value is explained."""

LOSS_TOLD = 0.0010
"""An unrealised loss left above this fraction of account value, in lots worth harvesting, is explained."""

_Why = tuple[WhyNotCode, str]
_NOT_WORTH_IT: _Why = (WhyNotCode.WITHIN_TOLERANCE, "closing the gap would cost more than it gains")
_TOO_SMALL: _Why = (WhyNotCode.MINIMUM_TRADE, "the trade would be smaller than the minimum trade")
_NO_CASH: _Why = (
    WhyNotCode.CASH_MINIMUM,
    "cash is at its minimum, and to sell other holdings for it would cost more than it gains",
)
_NEVER_TRADED = "the account must never trade it"
_NEVER_SELL: _Why = (WhyNotCode.NEVER_SELL, "the account must never sell it")
_WOULD_WASH: _Why = (WhyNotCode.WASH_SALE_WINDOW, "shares bought in the last 30 days would wash the loss")


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What the trades leave: drift (n,) that no trade made, unrealised losses worth harvesting (n,)."""

    done: Done
    drift: Floats
    loss: Floats
    lost_keys: frozenset[int]  # wash keys sold at a loss today
    bought_keys: frozenset[int]


def why_nots(
    request: AnalysisInput, data: OptimizerData, target: PreparedTarget, lot_sells: Floats, buys: Floats
) -> tuple[WhyNot, ...]:
    """Ordered by security id; at most one a security."""
    held = data.securities
    trade = buys - sum_by(data.lots.security, lot_sells, len(held.ids))
    drift = held.pooled(data.active + trade)
    by_choice = drift * held.pooled(trade) > 0  # the trade itself leads away from the target: its reason says why
    left = _Left(
        done=Done(data, lot_sells, buys),
        drift=np.where(by_choice | ~speakers(held, drift), 0.0, drift),
        loss=_loss_left(data, lot_sells),
        lost_keys=frozenset(held.wash_key[data.lots.security[data.lots.at_loss & (lot_sells > 0)]].tolist()),
        bought_keys=frozenset(held.wash_key[buys > 0].tolist()),
    )
    told = {each: _replaced(request, target, each) for each in target.replaced}
    for row in np.flatnonzero((np.abs(left.drift) > DRIFT_TOLD) | (left.loss > LOSS_TOLD)):
        told.setdefault(held.ids[row], _why_not(request, data, left, int(row)))
    return tuple(told[each] for each in sorted(told))


def _loss_left(data: OptimizerData, lot_sells: Floats) -> Floats:
    """Losses worth harvesting (they have a credit, or would without the wash sale rule) that stay, (n,)."""
    lots = data.lots
    wanted = lots.at_loss & ((lots.tax < 0) | lots.void)
    left = np.maximum(lots.value - lot_sells, 0.0) * -lots.gain * wanted
    return sum_by(lots.security, left, len(data.securities.ids))


def _replaced(request: AnalysisInput, target: PreparedTarget, security_id: SecurityId) -> WhyNot:
    entry = target.replaced[security_id]
    sentence = (
        f"{name_of(request, security_id)} is {percent(entry.weight)} of the model and is not bought because "
        f"{entry.because}; its weight goes to its asset class."
    )
    return WhyNot(security_id, entry.code, sentence)


def _why_not(request: AnalysisInput, data: OptimizerData, left: _Left, row: int) -> WhyNot:
    security_id, drift = data.securities.ids[row], float(left.drift[row])
    name = name_of(request, security_id)
    if drift > DRIFT_TOLD:
        code, because = _why_not_sold(request, data, left, row)
        what = f"{_staying(request, data, row)[0]} {percent(drift)} above {_staying(request, data, row)[1]} target"
    elif drift < -DRIFT_TOLD:
        code, because = _why_not_bought(request, data, left, row)
        what = f"{_staying(request, data, row)[0]} {percent(-drift)} below {_staying(request, data, row)[1]} target"
    else:
        code, because = _why_loss(request, data, left, row)
        what = f"A loss of {of_account(data, float(left.loss[row]))} in {name} is not realised"
    return WhyNot(security_id, code, f"{what} because {because}.")


def _staying(request: AnalysisInput, data: OptimizerData, row: int) -> tuple[str, str]:
    """Who stays, and whose the target is: a security's own, or that of its set."""
    names = [name_of(request, each) for each in members_named(data.securities, row)]
    return (f"{names[0]} stays", "its") if len(names) == 1 else (f"{listing(names)} stay", "their")


def _why_not_bought(request: AnalysisInput, data: OptimizerData, left: _Left, row: int) -> _Why:
    held, settings = data.securities, request.snapshot.settings
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return held.untouchable[security_id]
    if security_id in settings.restricted(RestrictionKind.NEVER_TRADE):
        return WhyNotCode.NEVER_BUY, _NEVER_TRADED
    if security_id in settings.never_bought:
        return WhyNotCode.NEVER_BUY, "the account must never buy it"
    open_until = _window_open_until(request, security_id)
    if open_until is not None:
        return WhyNotCode.WASH_SALE_WINDOW, f"a sale at a loss keeps its wash sale window open until {open_until}"
    if data.taxable and int(held.wash_key[row]) in left.lost_keys:
        return WhyNotCode.WASH_SALE_WINDOW, "a substantially identical security is sold at a loss today"
    if -left.drift[row] < held.minimum_trade[row]:
        return _TOO_SMALL
    if -left.drift[row] < held.round_lot[row] * held.share[row]:
        return _round_lot(data, row)
    if held.holding[row] - left.drift[row] < held.minimum_holding[row]:
        return _small_position(data, row)
    purchase = left.done.further_purchase(row, -float(left.drift[row]))
    if (rule := breaks(request, left.done, row, buys=purchase)) is not None:
        return rule
    return _NO_CASH if short_of_cash(left.done, row, purchase) else _NOT_WORTH_IT


def _round_lot(data: OptimizerData, row: int) -> _Why:
    return WhyNotCode.ROUND_LOT, f"it trades in round lots of {int(data.securities.round_lot[row])} shares"


def _small_position(data: OptimizerData, row: int) -> _Why:
    smallest = of_account(data, float(data.securities.minimum_holding[row]))
    return WhyNotCode.MINIMUM_HOLDING, f"it would leave a position smaller than {smallest}"


def _barred_from_sale(request: AnalysisInput, security_id: SecurityId) -> _Why:
    if security_id in request.snapshot.settings.restricted(RestrictionKind.NEVER_TRADE):
        return WhyNotCode.NEVER_SELL, _NEVER_TRADED
    return _NEVER_SELL


def _lots_at(data: OptimizerData, rows: Flags) -> list[TaxLot]:
    return [data.lots.lots[row] for row in np.flatnonzero(rows)]


def _why_not_sold(request: AnalysisInput, data: OptimizerData, left: _Left, row: int) -> _Why:
    held, lots = data.securities, data.lots
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return held.untouchable[security_id]
    if security_id in request.snapshot.settings.never_sold:
        return _barred_from_sale(request, security_id)
    own = lots.security == row
    if (lots.void & own & (lots.limit == 0)).any():
        return _WOULD_WASH
    free = float((np.maximum(lots.limit - left.done.lot_sells, 0.0) * own).sum())
    if free < left.drift[row] and (young := why_too_young(request, _lots_at(data, own))) is not None:
        return young
    if left.drift[row] < held.minimum_trade[row]:
        return _TOO_SMALL
    if left.drift[row] < held.round_lot[row] * held.share[row]:
        return _round_lot(data, row)
    if held.holding[row] - left.drift[row] < held.minimum_holding[row]:
        return _small_position(data, row)
    sale = left.done.further_sale(row, float(left.drift[row]))
    if (rule := breaks(request, left.done, row, sells=sale)) is not None:
        return rule
    tax = float((sale * lots.gain * lots.rate).sum())
    if tax > 0:
        return WhyNotCode.TAX_COST, f"selling that much would cost {of_account(data, tax)} of tax"
    return _NOT_WORTH_IT


def _why_loss(request: AnalysisInput, data: OptimizerData, left: _Left, row: int) -> _Why:
    held, lots = data.securities, data.lots
    security_id = held.ids[row]
    if security_id in held.untouchable:
        return held.untouchable[security_id]
    if security_id in request.snapshot.settings.never_sold:
        return _barred_from_sale(request, security_id)
    own = lots.security == row
    if (lots.void & own).any():
        return _WOULD_WASH
    if (young := why_too_young(request, _lots_at(data, own & lots.at_loss))) is not None:
        return young
    if int(held.wash_key[row]) in left.bought_keys:
        return WhyNotCode.WASH_SALE_WINDOW, "it is bought today, which would wash the loss"
    losing = np.where(own & lots.at_loss, np.maximum(lots.limit - left.done.lot_sells, 0.0), 0.0)
    if (rule := breaks(request, left.done, row, sells=losing)) is not None:
        return rule
    return WhyNotCode.WITHIN_TOLERANCE, "the tax that it saves counts less than what the sale costs in risk and trading"


def _window_open_until(request: AnalysisInput, security_id: SecurityId) -> str | None:
    key = request.market.securities[security_id].wash_key
    days = [each.last_day for each in request.snapshot.wash_windows.loss_sales if each.wash_key == key]
    return max(days).isoformat() if days else None
