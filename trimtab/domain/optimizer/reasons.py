"""One main reason for each trade, in a sentence whose figures come from the attribution."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np

from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.attribution import Contributions
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.optimizer.demands import demanded
from trimtab.domain.optimizer.measures import bps_decimal
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.reason_sentences import Parts, Told, said_of
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, Reason, ReasonCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_SHORT_OF_TARGET = 0.001
"""A name that may not be bought leaves a gap when its weight is this much below its target."""

_CASH_OFF_TARGET = 0.0005
"""Cash within this of its target is no reason for a trade."""


def with_reasons(
    request: AnalysisInput, data: OptimizerData, booked: Booked, parts: Contributions
) -> tuple[ProposedTrade, ...]:
    """The booked trades, each with its main reason."""
    trades = booked.trades
    rows = {security_id: row for row, security_id in enumerate(data.securities.ids)}
    sales = [trade for trade in trades if trade.side is Side.SELL]
    gains = {trade.security_id: sum([sale.gain for sale in trade.lot_sales], ZERO) for trade in sales}
    sold_at_a_loss = frozenset([security_id for security_id, gain in gains.items() if gain < 0])
    told = Told(
        request=request,
        data=data,
        parts=Parts.of(parts),
        classes_left=_classes_left(request, data, sold_at_a_loss),
        sold_at_a_loss=sold_at_a_loss,
        bought=frozenset([trade.security_id for trade in trades if trade.side is Side.BUY]),
        gains=gains,
        disallowed=booked.disallowed,
    )
    worth = _worth_of_sides(told, trades, rows)
    return tuple([_with_reason(told, worth, trade, rows[trade.security_id]) for trade in trades])


def _worth_of_sides(
    told: Told, trades: tuple[ProposedTrade, ...], rows: Mapping[SecurityId, int]
) -> Mapping[Side, float]:
    """What the trades of each side count, those that count for the list; fractions of account value."""
    worth = dict.fromkeys(Side, 0.0)
    for trade in trades:
        worth[trade.side] += max(told.parts.total[rows[trade.security_id]], 0.0)
    return worth


def _with_reason(told: Told, worth: Mapping[Side, float], trade: ProposedTrade, row: int) -> ProposedTrade:
    return ProposedTrade(
        security_id=trade.security_id,
        side=trade.side,
        quantity=trade.quantity,
        price=trade.price,
        notional=trade.notional,
        lot_sales=trade.lot_sales,
        reasons=(_reason(told, worth, trade, row),),
    )


def _classes_left(request: AnalysisInput, data: OptimizerData, sold: frozenset[SecurityId]) -> frozenset[str]:
    held = data.securities
    barred = {held.ids[row] for row in np.flatnonzero((held.buy_limit == 0) & (data.active < -_SHORT_OF_TARGET))}
    master = request.market.securities
    return frozenset(master[each].asset_class for each in sold | barred if each in master)


def _reason(told: Told, worth: Mapping[Side, float], trade: ProposedTrade, row: int) -> Reason:
    total = told.parts.total[row]
    rule = demanded(told, trade, row)
    if rule is not None:
        code, sentence, part = ReasonCode.RESTRICTION, rule, total
    else:
        code = _main_code(told, trade, row)
        sentence, part = said_of(told, code, trade, row)
    amount = to_cents(Decimal(repr(part)) * told.data.account_value)
    counts = f"counts {told.worth(total).replace(' bp ', ' bp of the account ')}"
    in_all = f"In all the trade {counts}."
    if total < 0:
        in_all = f"By itself the trade {counts}; {_in_return(told, worth, trade, code, total)}."
    return Reason(code, f"{sentence} {in_all}", bps_decimal(part), amount)


def _in_return(told: Told, worth: Mapping[Side, float], trade: ProposedTrade, code: ReasonCode, total: float) -> str:
    """Why a trade is made that by itself counts against the list."""
    if code is ReasonCode.RESTRICTION:
        return "the rule asks for it all the same"
    if trade.side is Side.SELL and told.data.cash < told.data.cash_required:
        return "the cash must be there all the same"
    if worth[Side.BUY if trade.side is Side.SELL else Side.SELL] > -total:
        serves = "pays for purchases" if trade.side is Side.SELL else "takes up the proceeds of sales"
        return f"it {serves} that count more"
    return "it goes with trades that the account's rules ask for"


def _main_code(told: Told, trade: ProposedTrade, row: int) -> ReasonCode:
    """The code of the part that counts most; risk is told apart by what the trade does to its own target."""
    parts, selling = told.parts, trade.side is Side.SELL
    risk = max(parts.risk[row], 0.0)
    tax, cash = max(parts.tax[row], parts.rules[row]), parts.cash[row]
    if tax > 0 and trade.security_id in told.sold_at_a_loss and tax >= max(risk, cash):
        return ReasonCode.LOSS_HARVEST
    if selling and told.data.cash < told.data.cash_required:
        return ReasonCode.CASH_NEED
    if parts.tilt[row] > max(risk, cash, 0.0):
        return ReasonCode.TILT
    off_target = (told.data.cash_target - told.data.cash) * (1 if selling else -1)
    of_set = next(_codes_of_a_set(told, trade, row), None)
    if of_set is not None:
        return of_set
    if cash > risk and off_target > _CASH_OFF_TARGET:
        return ReasonCode.CASH_NEED if selling else ReasonCode.CASH_EXCESS
    return _code_of_risk(told, trade, row)


def _codes_of_a_set(told: Told, trade: ProposedTrade, row: int) -> Iterator[ReasonCode]:
    """A substitute bought, or left again for the model name; a name that keeps the exposure of its class."""
    held, model_name = told.data.securities, told.stands_in_for(row)
    if trade.side is Side.SELL:
        if model_name is not None and held.ids[model_name] in told.bought:
            yield ReasonCode.SUBSTITUTE_BACK
        return
    if model_name is not None:
        yield ReasonCode.REPLACEMENT
    if _member_sold(told, row):
        yield ReasonCode.SUBSTITUTE_BACK
    in_a_gap = told.request.market.securities[trade.security_id].asset_class in told.classes_left
    if told.parts.specific[row] <= 0 and in_a_gap:
        yield ReasonCode.REPLACEMENT


def _member_sold(told: Told, row: int) -> bool:
    """A substitute of the security's set is sold: told by its contribution, which no untraded security has."""
    if not told.has_sets:
        return False
    held = told.data.securities
    others = (held.block == held.block[row]) & (held.target == 0) & (held.holding > 0)
    return any(
        told.parts.cost[each] != 0 and held.ids[each] not in told.bought for each in np.flatnonzero(others).tolist()
    )


def _code_of_risk(told: Told, trade: ProposedTrade, row: int) -> ReasonCode:
    held, nears_target = told.data.securities, told.parts.specific[row] > 0
    target = told.targets[row]
    if trade.side is Side.SELL and 0 < target < held.minimum_holding[row] and _sells_all(told, trade, row):
        return ReasonCode.MINIMUM_HOLDING
    if not nears_target:
        return ReasonCode.RISK
    if trade.side is Side.SELL and target == 0:
        return ReasonCode.TRANSITION
    if told.request.target.effective_on > told.request.snapshot.as_of:
        return ReasonCode.MODEL_CHANGE
    return ReasonCode.DRIFT


def _sells_all(told: Told, trade: ProposedTrade, row: int) -> bool:
    sold = float(trade.quantity) * float(told.data.securities.share[row])
    return sold >= float(told.data.securities.holding[row] - told.data.crumb[row])
