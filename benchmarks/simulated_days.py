"""The day after: a simulated account's trades are booked, prices move, cash flows, and yesterday's answer is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from benchmarks.simulated_accounts import Universe
from trimtab.domain.accounts import AccountId, CashBalance, Position
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.orders import Side
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, MarketSnapshot, WashWindow, WashWindows

_WINDOW = timedelta(days=30)
_DAYS_A_YEAR = 252.0


@dataclass(frozen=True, slots=True)
class Day:
    """One business day's market."""

    on: date
    market: MarketSnapshot


def next_day(universe: Universe, today: Day, seed: int, *, market_move: float = 0.0) -> Day:
    """Prices a day later: factors and specific returns of a normal day, and `market_move` for all (-0.06: a crash)."""
    rng = np.random.default_rng(seed)
    risk = today.market.risk_model
    covariance = np.array(risk.factor_covariance)
    factors = rng.multivariate_normal(np.zeros(len(covariance)), covariance / _DAYS_A_YEAR)
    prices = {}
    for each in universe.ids:
        exposure = risk.securities[each]
        specific = rng.normal(0.0, exposure.specific_risk / np.sqrt(_DAYS_A_YEAR))
        grown = float(np.exp(np.dot(exposure.exposures, factors) + specific)) * (1 + market_move)
        price = today.market.prices[each]
        prices[each] = replace(price, as_of=today.on, close=Decimal(f"{float(price.close) * grown:.2f}"))
    later = today.on + timedelta(days=1 if today.on.weekday() < 4 else 3)
    return Day(later, replace(today.market, as_of=today.on, prices=prices))


def the_day_after(request: AnalysisInput, proposal: RebalanceProposal, day: Day, seed: int) -> AnalysisInput:
    """The account on `day`: the trades filled at the closes they were proposed at, now and then a deposit.

    Yesterday's prices are known; its list is no incumbent, since it was traded.
    """
    snapshot = request.snapshot
    rng = np.random.default_rng(seed)
    lots = _lots_after(snapshot.lots, proposal, snapshot.business_date)
    flows = sum((each.notional if each.side is Side.SELL else -each.notional for each in proposal.trades), ZERO)
    deposit = to_cents(proposal.before.account_value * Decimal(f"{max(rng.normal(0.0, 2e-4), 0.0):.8f}"))
    quantities: dict[SecurityId, Decimal] = {}
    for lot in lots:
        quantities[lot.security_id] = quantities.get(lot.security_id, ZERO) + lot.quantity
    later = replace(
        snapshot,
        business_date=day.on,
        as_of=day.market.as_of,
        lots=lots,
        positions=tuple(
            Position(each, quantity, to_cents(quantity * day.market.prices[each].close))
            for each, quantity in sorted(quantities.items())
        ),
        cash=CashBalance(snapshot.cash.trade_date_total + flows - proposal.cost + deposit),
        wash_windows=_windows_after(snapshot.wash_windows, proposal, snapshot.business_date, day.on),
        incumbent=replace(incumbent_of(proposal), net_trades={}),
    )
    return replace(request, snapshot=later, market=day.market)


def _lots_after(lots: tuple[TaxLot, ...], proposal: RebalanceProposal, on: date) -> tuple[TaxLot, ...]:
    sold: Mapping[LotId, Decimal] = {
        sale.lot_id: sale.quantity for trade in proposal.trades for sale in trade.lot_sales
    }
    left = []
    for lot in lots:
        quantity = lot.quantity - sold.get(lot.id, ZERO)
        if quantity > 0:
            left.append(replace(lot, quantity=quantity, cost=to_cents(lot.cost * quantity / lot.quantity)))
    for trade in proposal.trades:
        if trade.side is Side.BUY:
            name = f"{trade.security_id}-{on:%m%d}"
            left.append(
                TaxLot(
                    id=LotId(name),
                    account_id=AccountId(str(proposal.account_id)),
                    security_id=trade.security_id,
                    quantity=trade.quantity,
                    acquired_on=on,
                    cost=trade.notional,
                    purchase_id=f"P{name}",
                )
            )
    return tuple(left)


def _windows_after(windows: WashWindows, proposal: RebalanceProposal, on: date, today: date) -> WashWindows:
    """Windows still open, and those that the trades have opened."""
    losses, purchases = list(windows.loss_sales), list(windows.purchases)
    for trade in proposal.trades:
        window = WashWindow(
            str(trade.security_id),
            on,
            on + _WINDOW,
            trade.quantity,
            str(proposal.account_id),
            f"P{trade.security_id}-{on:%m%d}" if trade.side is Side.BUY else "",
        )
        if trade.side is Side.BUY:
            purchases.append(window)
        elif any(sale.gain < 0 for sale in trade.lot_sales):
            losses.append(window)
    return WashWindows(
        tuple(each for each in losses if each.last_day >= today),
        tuple(each for each in purchases if each.last_day >= today),
    )
