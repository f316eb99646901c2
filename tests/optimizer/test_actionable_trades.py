"""From right data and a calibration to trades that can be sent, for every account of a book."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from benchmarks.simulated_days import Day, the_day_after
from trimtab.domain.account_settings import Tracking
from trimtab.domain.calibration import SHIPPED, Calibration, numbered, parameters_for
from trimtab.domain.money import CENT, to_cents
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Lane, ProposedTrade, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput
from trimtab.simulated_accounts import BUSINESS_DATE, a_book

TIGHTER = numbered(
    replace(
        SHIPPED,
        risk_aversion={Tracking.TIGHT: 160.0, Tracking.MODERATE: 40.0, Tracking.LOOSE: 10.0},
        tolerance={Tracking.TIGHT: 5e-5, Tracking.MODERATE: 1e-4, Tracking.LOOSE: 2e-4},
    ),
    3,
)
"""A firm's own map: twice as strict about tracking, and quicker to trade."""


@pytest.mark.covers("W0", "C2")
@pytest.mark.parametrize("calibration", [SHIPPED, TIGHTER], ids=["shipped", "a firm's own"])
def test_every_account_of_a_book_gets_trades_that_can_be_sent_and_leave_nothing_to_do(calibration: Calibration):
    """24 accounts of every tracking and harvesting word. Filled as proposed, no account has anything left to trade."""
    market, accounts = a_book(24)
    requests = [replace(each, calibration=calibration) for each in accounts]
    arrays = MarketArrays.from_snapshot(market)

    proposals = [answered(each) for each in analyze_batch(requests, arrays)]

    tomorrow = Day(BUSINESS_DATE + timedelta(days=1), market)
    after = [the_day_after(*each, tomorrow, seed=1) for each in zip(requests, proposals, strict=True)]
    done = [answered(each) for each in analyze_batch(after, arrays)]
    assert sum(each.outcome is AnalysisOutcome.OPTIMAL for each in proposals) >= 20
    for request, proposal, left in zip(requests, proposals, done, strict=True):
        can_be_sent(request, proposal)
        worth_trading(request, proposal)
        assert (left.outcome, left.trades) == (AnalysisOutcome.NO_TRADE, ())


def answered(proposal: object) -> RebalanceProposal:
    assert isinstance(proposal, RebalanceProposal)
    return proposal


def tolerance_bps(request: AnalysisInput) -> Decimal:
    settings = request.snapshot.settings
    return Decimal(str(parameters_for(settings, BUSINESS_DATE, request.calibration).tolerance)) * 10_000


def can_be_sent(request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """Whole shares at the close, of lots that are held, one order a security, paid for from what the account has."""
    held = {lot.id: lot for lot in request.snapshot.lots}
    assert len({trade.security_id for trade in proposal.trades}) == len(proposal.trades)
    for trade in proposal.trades:
        assert trade.quantity == trade.quantity.to_integral_value() > 0
        assert trade.price == request.market.prices[trade.security_id].close
        assert trade.notional == to_cents(trade.quantity * trade.price)
        assert trade.reasons
        for sale in trade.lot_sales:
            assert held[sale.lot_id].security_id == trade.security_id
            assert 0 < sale.quantity <= held[sale.lot_id].quantity
        sold = sum(sale.quantity for sale in trade.lot_sales)
        assert sold == (trade.quantity if trade.side is Side.SELL else 0)
    cash = request.snapshot.cash.trade_date_total + sum(map(signed, proposal.trades)) - proposal.cost
    assert abs(proposal.after.cash - cash) < CENT
    assert cash >= request.snapshot.settings.cash_reserve


def signed(trade: ProposedTrade) -> Decimal:
    return trade.notional if trade.side is Side.SELL else -trade.notional


def worth_trading(request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """Trades gain at least the account's tolerance; without them, no list could gain as much."""
    if proposal.outcome is AnalysisOutcome.OPTIMAL:
        assert proposal.benefit_bps >= tolerance_bps(request)
        assert proposal.after.tracking_error < proposal.before.tracking_error or proposal.tax < 0
    else:
        assert (proposal.outcome, proposal.trades) == (AnalysisOutcome.NO_TRADE, ())
        assert proposal.lane in (Lane.FAST, Lane.SCREEN)
        assert proposal.gap_bps < tolerance_bps(request)
