"""One account's problem as arrays. Here decimals become floats; everything is a fraction of account value.

n securities, ordered by id; m lots, ordered by security, then by what selling one unit of value costs in tax
(cheapest first), then by lot id. In that order the best way to sell a given amount takes lots from the front.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE, Parameters, parameters_for
from trimtab.domain.lots import TaxLot, first_long_term_sale_date
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import PreparedTarget, untouchable
from trimtab.domain.optimizer.wash import losses_void
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_LOT_TOLERANCE = Decimal("0.0001")
_LOSS_DOLLARS = 0.005  # a lot is at a loss when it would lose more than half a cent as a whole


@dataclass(frozen=True, slots=True, eq=False)
class Securities:
    """One row a security that the account holds, targets or must hold; (n,) each unless said."""

    ids: tuple[SecurityId, ...]
    holding: Floats  # weight today
    target: Floats  # weight wanted
    loadings: Floats  # (n, k) whitened factor loadings
    variance: Floats  # specific variance in the objective: floored, so that proposals stay calm
    specific_risk: Floats  # the risk model's own, for reports
    half_spread: Floats  # cost of one unit traded
    share: Floats  # weight of one share; 0 without a price
    price: Floats  # dollars a share; 0 without a price
    whole: Flags  # trades in whole shares
    buy_limit: Floats  # most that may be bought
    buy_minimum: Floats  # least that must be bought: a weight band asks for it
    sell_limit: Floats  # most that may be sold, whole shares
    sell_minimum: Floats  # least that must be sold: a weight band, or a name never to be held
    minimum_trade: Floats  # smaller trades are not worth sending, unless they close the position
    wash_key: Ints  # securities with one number are substantially identical
    untouchable: Mapping[SecurityId, tuple[WhyNotCode, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """One row a lot; (m,) each."""

    lots: tuple[TaxLot, ...]
    security: Ints  # row of its security
    value: Floats  # weight of the whole lot
    limit: Floats  # weight that may be sold: 0 for locked lots
    gain: Floats  # gain of one unit of value sold; negative for a loss
    rate: Floats  # tax rate of its term; 0 in accounts without tax
    tax: Floats  # what one unit sold costs in the objective; negative for a credited loss
    at_loss: Flags
    void: Flags  # its loss would be washed: no credit


@dataclass(frozen=True, slots=True, eq=False)
class OptimizerData:
    """Everything that the specification, the bound and the rounding read."""

    securities: Securities
    lots: Lots
    cash: float
    cash_minimum: float  # hard: reserve, withdrawals and the floor below which nothing is bought
    cash_required: float  # hard even for an empty trade list: reserve and withdrawals
    cash_target: float
    commission: float  # of one order
    parameters: Parameters
    account_value: Decimal  # dollars
    taxable: bool

    @property
    def active(self) -> Floats:
        """Active weights before any trade, (n,)."""
        return self.securities.holding - self.securities.target

    @property
    def may_stand_still(self) -> bool:
        """True when an empty trade list breaks no hard rule."""
        held = self.securities
        return self.cash >= self.cash_required and not held.sell_minimum.any() and not held.buy_minimum.any()


def build_data(
    request: AnalysisInput,
    target: PreparedTarget,
    market: MarketArrays,
    value: Decimal,
    *,
    sell_washed_losses: bool = False,
) -> OptimizerData:
    """Arrays of an account worth `value` > 0 dollars.

    With `sell_washed_losses` lots whose loss would be washed may be sold (without credit): the cash is needed.
    Raises InvalidAnalysisInput for holdings that cannot be.
    """
    settings = request.snapshot.settings
    parameters = parameters_for(settings)
    dollars = float(value)
    held = _securities(request, target, market, value, parameters)
    lots = _lots(request, held, dollars, parameters, sell_washed_losses)
    sellable = np.bincount(lots.security, lots.limit, len(held.ids))
    held, lots = _whole_sales(held, lots, sellable)
    held = _with_bands(request, held, dollars)
    cash = request.snapshot.cash.trade_date_total
    required = settings.cash_reserve + settings.cash_needed
    floor = required + CASH_FLOOR_SHARE * (target.cash_weight * value - required)
    attainable = float(cash) / dollars + float(((1 - held.half_spread) * held.sell_limit - (1 + held.half_spread) * held.buy_minimum).sum())
    return OptimizerData(
        securities=held,
        lots=lots,
        cash=float(cash) / dollars,
        cash_minimum=max(float(required) / dollars, min(float(min(floor, cash)) / dollars, attainable)),
        cash_required=float(required) / dollars,
        cash_target=float(target.cash_weight),
        commission=float(settings.commission) / dollars,
        parameters=parameters,
        account_value=value,
        taxable=request.snapshot.account.tax_status is TaxStatus.TAXABLE,
    )


def _securities(
    request: AnalysisInput, target: PreparedTarget, market: MarketArrays, value: Decimal, parameters: Parameters
) -> Securities:
    """Rows without any limit on sales yet; buys are limited by the rules on single names only."""
    positions = {each.security_id: each for each in request.snapshot.positions if each.quantity != 0}
    if any(each.quantity < 0 or not each.quantity.is_finite() for each in positions.values()):
        raise InvalidAnalysisInput("a position is short: a long-only account cannot be analysed")
    bands = request.snapshot.settings.weight_bands
    wanted = {each for each, band in bands.items() if band.minimum > 0}
    ids = tuple(sorted(positions.keys() | target.weights.keys() | wanted))
    blocked = {each: why for each in ids if (why := untouchable(request, each)) is not None}
    prices = [_close(request, each) for each in ids]
    weights = [
        ZERO if each not in positions
        else (positions[each].market_value if price == 0 else positions[each].quantity * price) / value
        for each, price in zip(ids, prices, strict=True)
    ]
    master = request.market.securities
    keys = {name: number for number, name in enumerate(sorted({_wash_key(request, each) for each in ids}))}
    rows = np.array([market.index.get(each, -1) for each in ids], dtype=np.int64)
    price_floats = np.array([float(price) for price in prices])
    specific = np.where(rows >= 0, market.specific_risk[rows], 0.35) if len(market.specific_risk) else np.full(len(ids), 0.35)
    variance = np.maximum(specific, parameters.specific_risk_floor) ** 2
    commission = float(request.snapshot.settings.commission / value)
    break_even = np.sqrt(2 * commission / (parameters.risk_aversion * variance))  # a smaller trade earns less than its ticket
    nothing = np.zeros(len(ids))
    return Securities(
        ids=ids,
        holding=np.array([float(weight) for weight in weights]),
        target=np.array([float(target.weights.get(each, ZERO)) for each in ids]),
        loadings=market.loadings[rows] * (rows >= 0)[:, None],
        variance=variance,
        specific_risk=specific,
        half_spread=market.half_spread[rows] * (rows >= 0),
        share=price_floats / float(value),
        price=price_floats,
        whole=np.array([each in master and master[each].whole_shares for each in ids], dtype=np.bool_),
        buy_limit=_buyable(request, target, ids, blocked, wanted).astype(np.float64),
        buy_minimum=nothing,
        sell_limit=nothing,
        sell_minimum=nothing,
        minimum_trade=np.maximum(float(request.snapshot.settings.minimum_trade / value), break_even),
        wash_key=np.array([keys[_wash_key(request, each)] for each in ids], dtype=np.int64),
        untouchable=blocked,
    )


def _close(request: AnalysisInput, security_id: SecurityId) -> Decimal:
    price = request.market.prices.get(security_id)
    return price.close if price is not None and price.close > 0 else ZERO


def _wash_key(request: AnalysisInput, security_id: SecurityId) -> str:
    security = request.market.securities.get(security_id)
    return security.wash_key if security else security_id


def _buyable(
    request: AnalysisInput,
    target: PreparedTarget,
    ids: tuple[SecurityId, ...],
    blocked: Mapping[SecurityId, tuple[WhyNotCode, str]],
    wanted: set[SecurityId],
) -> Flags:
    """Names of the model (or wanted by a band) that no rule, freeze or open window bars from being bought."""
    settings = request.snapshot.settings
    barred = settings.restricted(RestrictionKind.NEVER_BUY) | settings.restricted(RestrictionKind.NEVER_HOLD)
    washed = request.snapshot.wash_windows.buy_blocked()
    return np.array(
        [
            (each in target.weights or each in wanted)
            and each not in barred
            and each not in blocked
            and _wash_key(request, each) not in washed
            for each in ids
        ],
        dtype=np.bool_,
    )


def _lots(
    request: AnalysisInput, held: Securities, dollars: float, parameters: Parameters, sell_washed_losses: bool
) -> Lots:
    rows = {security_id: row for row, security_id in enumerate(held.ids)}
    lots = sorted(request.snapshot.lots, key=lambda lot: lot.id)
    _check_lots(request, lots)
    settings, today = request.snapshot.settings, request.snapshot.business_date
    taxable = request.snapshot.account.tax_status is TaxStatus.TAXABLE
    security = np.array([rows[lot.security_id] for lot in lots], dtype=np.int64)
    quantity = np.array([float(lot.quantity) for lot in lots])
    cost = np.array([float(lot.cost) for lot in lots])
    price = held.price[security]
    proceeds = quantity * price
    at_loss = proceeds - cost < -_LOSS_DOLLARS
    gain = np.divide(proceeds - cost, proceeds, out=np.zeros(len(lots)), where=proceeds > 0)
    long_term = _long_term([lot.holding_from for lot in lots], today)
    rate = np.where(long_term, float(settings.long_term_rate), float(settings.short_term_rate)) * taxable
    void = losses_void(request, lots) & at_loss & taxable
    never_hold = _restricted(held.ids, settings.restricted(RestrictionKind.NEVER_HOLD))
    never_sell = _restricted(held.ids, settings.restricted(RestrictionKind.NEVER_SELL))
    fixed = _restricted(held.ids, frozenset(held.untouchable)) | never_sell
    locked = fixed[security] | (void & ~never_hold[security] & (not sell_washed_losses))
    tax = rate * gain * np.where(at_loss, _loss_credit(gain, parameters) * ~void, parameters.gain_tax_weight)
    order = np.lexsort((tax, security))
    return Lots(
        lots=tuple(lots[index] for index in order),
        security=security[order],
        value=(proceeds / dollars)[order],
        limit=np.where(locked, 0.0, proceeds / dollars)[order],
        gain=gain[order],
        rate=rate[order],
        tax=tax[order],
        at_loss=at_loss[order],
        void=void[order],
    )


def _check_lots(request: AnalysisInput, lots: list[TaxLot]) -> None:
    """Lots belong to positions and never exceed them; shares without lots (some IRAs) are held and not sold."""
    quantity = {each.security_id: each.quantity for each in request.snapshot.positions}
    total: dict[SecurityId, Decimal] = {}
    for lot in lots:
        if lot.quantity <= 0 or lot.cost < 0 or not (lot.quantity.is_finite() and lot.cost.is_finite()):
            raise InvalidAnalysisInput(f"lot {lot.id} has quantity {lot.quantity} and cost {lot.cost}")
        total[lot.security_id] = total.get(lot.security_id, ZERO) + lot.quantity
    for security_id, shares in total.items():
        if shares > quantity.get(security_id, ZERO) + _LOT_TOLERANCE:
            raise InvalidAnalysisInput(
                f"the lots of {security_id} sum to {shares} shares, its position to {quantity.get(security_id, ZERO)}"
            )


def _long_term(held_from: list[date], today: date) -> Flags:
    first_day = {day: first_long_term_sale_date(day) for day in set(held_from)}
    return np.array([today >= first_day[day] for day in held_from], dtype=np.bool_)


def _loss_credit(gain: Floats, parameters: Parameters) -> Floats:
    """Share of a loss's tax saving that counts: a ramp, no cliff, from half the full-credit loss to the whole of it.

    The loss is measured as a fraction of basis: a gain of g on one unit of proceeds has basis 1 - g.
    """
    loss = -gain / np.maximum(1 - gain, 1e-12)
    ramp = (loss / parameters.full_credit_loss - 0.5) * 2
    credit: Floats = parameters.loss_credit * np.clip(ramp, 0.0, 1.0)
    return credit


def _restricted(ids: tuple[SecurityId, ...], restricted: frozenset[SecurityId]) -> Flags:
    return np.array([each in restricted for each in ids], dtype=np.bool_)


def _whole_sales(held: Securities, lots: Lots, sellable: Floats) -> tuple[Securities, Lots]:
    """Cap sales at whole shares: the fraction of a share that cannot be sold comes off the dearest lots."""
    share = np.where(held.share > 0, held.share, 1.0)
    shares = np.floor(sellable / share + 1e-9) * share
    sell_limit = np.where(held.whole, np.minimum(shares, sellable), sellable)
    filled = fill(lots.security, lots.limit, sell_limit)
    return replace(held, sell_limit=sell_limit), replace(lots, limit=filled)


def fill(security: Ints, limit: Floats, total: Floats) -> Floats:
    """Sales by lot, (m,), that reach `total`, (n,), by taking lots from the front of each security."""
    before = cumulative_before(security, limit)
    filled: Floats = np.clip(total[security] - before, 0.0, limit)
    return filled


def cumulative_before(security: Ints, amount: Floats) -> Floats:
    """Sum of `amount` over the lots that stand before each lot in its security, (m,)."""
    if len(amount) == 0:
        return np.zeros(0)
    running = np.cumsum(amount) - amount
    first = np.concatenate(([True], security[1:] != security[:-1]))
    before: Floats = running - running[np.flatnonzero(first)[np.cumsum(first) - 1]]
    return before


def _with_bands(request: AnalysisInput, held: Securities, dollars: float) -> Securities:
    """Weight bands and names never to be held, as limits and minimums of each side."""
    settings = request.snapshot.settings
    buy_limit, sell_limit = held.buy_limit.copy(), held.sell_limit.copy()
    buy_minimum, sell_minimum = np.zeros(len(held.ids)), np.zeros(len(held.ids))
    tolerance = max(float(BAND_TOLERANCE), float(settings.minimum_trade) / dollars)
    for row, security_id in enumerate(held.ids):
        band = settings.weight_bands.get(security_id, WeightBand())
        above = held.holding[row] - float(band.maximum)
        below = float(band.minimum) - held.holding[row]
        buy_limit[row] = min(buy_limit[row], max(-above, 0.0))
        sell_limit[row] = min(sell_limit[row], max(-below, 0.0))
        if above > tolerance:
            sell_minimum[row] = min(above, sell_limit[row])
        if below > tolerance:
            buy_minimum[row] = min(below, buy_limit[row])
    never_hold = _restricted(held.ids, settings.restricted(RestrictionKind.NEVER_HOLD))
    sell_minimum = np.where(never_hold, held.sell_limit, sell_minimum)
    return replace(
        held,
        buy_limit=buy_limit,
        buy_minimum=buy_minimum,
        sell_limit=np.where(never_hold, held.sell_limit, sell_limit),
        sell_minimum=sell_minimum,
    )
