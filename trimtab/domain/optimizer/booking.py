"""From units to trades in exact decimals: lots, proceeds, basis, gains, tax, cost, cash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite

import numpy as np

from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, holding_period
from trimtab.domain.money import BASIS_POINT, ZERO, split_exactly, to_cents
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.netting import added_tax
from trimtab.domain.optimizer.problem import FRACTION_UNITS, OptimizerData
from trimtab.domain.optimizer.rounding import Rounded
from trimtab.domain.optimizer.wash import recent_purchases
from trimtab.domain.orders import Side
from trimtab.domain.proposals import LotSale, ProposedTrade
from trimtab.domain.snapshots import AnalysisInput
from trimtab.domain.wash_sales import replaced


@dataclass(frozen=True, slots=True)
class Booked:
    """Trades without reasons yet, ordered by security id, and their sums in dollars."""

    trades: tuple[ProposedTrade, ...]
    short_term_gain: Decimal
    long_term_gain: Decimal
    tax: Decimal
    cost: Decimal
    cash: Decimal
    taxed_short: Decimal = ZERO  # short-term gain without losses that purchases wash
    taxed_long: Decimal = ZERO
    taxed: Mapping[LotId, Decimal] = field(default_factory=dict)  # the same by lot sold
    disallowed: Mapping[LotId, Decimal] = field(default_factory=dict)  # dollars of each lot's loss that are washed


def book(request: AnalysisInput, data: OptimizerData, rounded: Rounded) -> Booked:
    """Exact trades of the rounded units. Lots are taken from the front of each security, cheapest tax first."""
    taking = _Taking(request, data, rounded)
    trades = tuple([taking.trade(row) for row in np.flatnonzero(rounded.units).tolist()])
    gains = dict.fromkeys(HoldingPeriod, ZERO)
    taxed = dict.fromkeys(HoldingPeriod, ZERO)
    by_lot = {}
    disallowed = _disallowed_losses(request, data, trades)
    for sale in [sale for trade in trades for sale in trade.lot_sales] if data.taxable else ():
        by_lot[sale.lot_id] = sale.gain + disallowed[sale.lot_id] if sale.lot_id in disallowed else sale.gain
        gains[sale.term] += sale.gain
        taxed[sale.term] += by_lot[sale.lot_id]
    cost = sum([_cost(request, trade) for trade in trades], ZERO)
    flows = sum([trade.notional if trade.side is Side.SELL else -trade.notional for trade in trades], ZERO)
    return Booked(
        trades=trades,
        short_term_gain=gains[HoldingPeriod.SHORT_TERM],
        long_term_gain=gains[HoldingPeriod.LONG_TERM],
        tax=_tax(request, data, taxed[HoldingPeriod.SHORT_TERM], taxed[HoldingPeriod.LONG_TERM]),
        cost=cost,
        cash=request.snapshot.cash.trade_date_total + flows - cost,
        taxed_short=taxed[HoldingPeriod.SHORT_TERM],
        taxed_long=taxed[HoldingPeriod.LONG_TERM],
        taxed=by_lot,
        disallowed=disallowed,
    )


def _tax(request: AnalysisInput, data: OptimizerData, short: Decimal, long: Decimal) -> Decimal:
    """Dollars that these gains add to the year's tax; without a tax year each at the rate of its own term."""
    settings, year = request.snapshot.settings, request.snapshot.tax_year
    if year is None or not data.taxable:
        return to_cents(short * settings.short_term_rate + long * settings.long_term_rate)
    return added_tax(short, long, year, settings)


def _disallowed_losses(
    request: AnalysisInput, data: OptimizerData, trades: tuple[ProposedTrade, ...]
) -> dict[LotId, Decimal]:
    """Dollars of each lot's loss that purchases of the last 30 days wash, to the cent: loss times washed over sold."""
    lots = data.lots
    if lots.replacements is None:
        return {}
    sales = {sale.lot_id: sale for trade in trades for sale in trade.lot_sales if sale.gain < 0}
    left = [window.quantity for window in recent_purchases(request)]
    disallowed = {}
    for row, purchases in zip(lots.replacements.lots, lots.replacements.purchases, strict=True):
        sale = sales.get(lots.lots[row].id)
        if sale is not None:
            washed = replaced(sale.quantity, purchases, left)
            disallowed[sale.lot_id] = to_cents(-sale.gain * washed / sale.quantity)
    return disallowed


def sold_weights(data: OptimizerData, booked: Booked) -> tuple[Floats, Floats]:
    """The booked trades as weights: by lot sold (m,), by security bought (n,)."""
    quantity = {sale.lot_id: sale.quantity for trade in booked.trades for sale in trade.lot_sales}
    bought = {trade.security_id: trade.quantity for trade in booked.trades if trade.side is Side.BUY}
    held = data.securities
    sold = np.array([float(quantity[lot.id]) if lot.id in quantity else 0.0 for lot in data.lots.lots])
    buys = np.array([float(bought[each]) if each in bought else 0.0 for each in held.ids])
    return sold * held.share[data.lots.security], buys * held.share


def taxed_gains(data: OptimizerData, booked: Booked) -> Floats:
    """By lot, (m,): the booked gain that is taxed, to the cent, as a fraction of account value."""
    taxed = np.array([float(booked.taxed.get(lot.id, ZERO)) for lot in data.lots.lots])
    return taxed / float(data.account_value)


def _cost(request: AnalysisInput, trade: ProposedTrade) -> Decimal:
    """Half the spread, to the cent, and the commission of one order."""
    security = request.market.securities[trade.security_id]
    half_spread = security.half_spread_bps * BASIS_POINT
    return to_cents(trade.notional * half_spread) + request.snapshot.settings.commission_of(security.kind)


class _Taking:
    """Takes units out of lots."""

    def __init__(self, request: AnalysisInput, data: OptimizerData, rounded: Rounded) -> None:
        self._request, self._data = request, data
        self._units: list[int] = rounded.units.tolist()
        self._open: list[bool] = (rounded.lots_open & (data.lots.limit > 0)).tolist()
        self._caps: list[float] = rounded.lot_caps.tolist()
        self._whole: list[bool] = data.securities.whole.tolist()
        self._first: list[int] = np.searchsorted(data.lots.security, np.arange(len(self._units) + 1)).tolist()

    def trade(self, row: int) -> ProposedTrade:
        held, units = self._data.securities, self._units[row]
        security_id = held.ids[row]
        price = self._request.market.prices[security_id].close
        quantity = Decimal(abs(units)) / self._units_a_share(row)
        taken: list[tuple[TaxLot, Decimal]] = []
        if units < 0:
            quantity, taken = self._lots_taken(row, quantity)
        notional = to_cents(quantity * price)
        return ProposedTrade(
            security_id=security_id,
            side=Side.BUY if units > 0 else Side.SELL,
            quantity=quantity,
            price=price,
            notional=notional,
            lot_sales=_lot_sales(self._request, taken, notional),
            reasons=(),
        )

    def _lots_taken(self, row: int, quantity: Decimal) -> tuple[Decimal, list[tuple[TaxLot, Decimal]]]:
        """Shares by lot. Where fractions trade, what is left below one unit goes with a sale of everything."""
        lots = self._data.lots.lots
        own = [index for index in range(self._first[row], self._first[row + 1]) if self._open[index]]
        open_lots = [(lots[index], self._most_shares(row, index)) for index in own]
        if self._units_a_share(row) > 1:
            available = sum([most for _, most in open_lots], ZERO)
            quantity = available if available - quantity < Decimal(1) / FRACTION_UNITS else quantity
        left, taken = quantity, []
        for lot, most in open_lots:
            shares = min(most, left)
            if shares <= 0:
                break
            taken.append((lot, shares))
            left -= shares
        return quantity, taken

    def _most_shares(self, row: int, index: int) -> Decimal:
        """Shares of a lot that may be sold: all, or its cap."""
        lot, cap = self._data.lots.lots[index], self._caps[index]
        if not isfinite(cap):
            return lot.quantity
        units = self._units_a_share(row)
        return min(lot.quantity, Decimal(round(cap / float(self._data.securities.share[row]) * units)) / units)

    def _units_a_share(self, row: int) -> int:
        return 1 if self._whole[row] else FRACTION_UNITS


def _lot_sales(request: AnalysisInput, taken: list[tuple[TaxLot, Decimal]], notional: Decimal) -> tuple[LotSale, ...]:
    if not taken:
        return ()
    proceeds = [notional] if len(taken) == 1 else split_exactly(notional, [shares for _, shares in taken])
    sales = []
    for (lot, shares), amount in zip(taken, proceeds, strict=True):
        basis = lot.cost if shares == lot.quantity else to_cents(lot.cost * shares / lot.quantity)
        term = holding_period(lot, request.snapshot.business_date)
        sales.append(LotSale(lot.id, shares, amount, basis, amount - basis, term))
    return tuple(sales)
