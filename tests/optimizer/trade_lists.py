"""Trade lists written by hand, as proposals whose sums are right: what is wrong with them is then one rule."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.lots import HoldingPeriod, LotId, holding_period
from trimtab.domain.money import ZERO, split_exactly, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_bound import NOT_NETTED, lower_bound
from trimtab.domain.optimizer.checked_gap import objective, published_list
from trimtab.domain.optimizer.checked_measures import tracking_error
from trimtab.domain.optimizer.checked_netting import netted_year
from trimtab.domain.optimizer.checked_problem import CheckedProblem, checked_problem
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_rows import NOTHING, checked_rows
from trimtab.domain.optimizer.checked_taxes import tax_of_trades
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import (
    AnalysisOutcome,
    Certificate,
    LotSale,
    Measures,
    ProposedTrade,
    Reason,
    ReasonCode,
    RebalanceProposal,
    RegimePrices,
)
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_REASON = (Reason(ReasonCode.DRIFT, "It is off its target."),)


def a_list(
    request: AnalysisInput,
    *,
    sells: Mapping[str, str] | None = None,
    buys: Mapping[str, str] | None = None,
    note: str = "",
) -> RebalanceProposal:
    """Shares sold by lot id and bought by security, with every figure that follows from them."""
    bought = [_purchase(request, security_id, shares) for security_id, shares in (buys or {}).items()]
    trades = [*_sales(request, sells or {}), *bought]
    nothing = Measures(ZERO, ZERO, ZERO, ZERO, ZERO)
    return with_figures(
        request,
        RebalanceProposal(
            account_id=request.snapshot.account.id,
            business_date=request.snapshot.business_date,
            input_hash="",
            outcome=AnalysisOutcome.OPTIMAL if trades else AnalysisOutcome.NO_TRADE,
            trades=tuple(sorted(trades, key=lambda trade: trade.security_id)),
            why_nots=(),
            before=nothing,
            after=nothing,
            short_term_gain=ZERO,
            long_term_gain=ZERO,
            tax=ZERO,
            cost=ZERO,
            turnover=ZERO,
            benefit_bps=ZERO,
            gap_bps=ZERO,
            score=ZERO,
            note=note,
        ),
    )


def violations(request: AnalysisInput, proposal: RebalanceProposal) -> list[str]:
    """Every sentence of the checker; empty when the proposal passes."""
    try:
        check(request, proposal)
    except ProposalRejected as rejected:
        return list(rejected.violations)
    return []


def with_figures(request: AnalysisInput, proposal: RebalanceProposal) -> RebalanceProposal:
    """The sums and measures as the checker has them: the tests of those are elsewhere."""
    account = CheckedAccount(request, proposal)
    problem = checked_problem(account, CheckedRisk(request.market))
    before = np.array([leg.active for leg in problem.legs])
    traded = np.array([float(account.traded.get(leg.security_id, ZERO)) * leg.share for leg in problem.legs])

    def measures(active: np.ndarray, value: Decimal, cash: Decimal) -> Measures:
        off = abs(float(cash / account.value) - problem.cash_wanted)
        figures = (max(np.abs(active).max(), off), (np.abs(active).sum() + off) / 2, tracking_error(problem, active))
        return Measures(to_cents(value), to_cents(cash), *(Decimal(f"{each:.6f}") for each in figures))

    notional = sum((trade.notional for trade in proposal.trades), ZERO)
    return replace(
        _certified(account, problem),
        before=measures(before, account.value, account.cash_before),
        after=measures(before + traded, account.value - account.cost, account.cash_after),
        short_term_gain=account.gain(HoldingPeriod.SHORT_TERM, taxed=False),
        long_term_gain=account.gain(HoldingPeriod.LONG_TERM, taxed=False),
        tax=tax_of_trades(account),
        cost=account.cost,
        turnover=Decimal(f"{notional / 2 / account.value:.6f}"),
    )


def _certified(account: CheckedAccount, problem: CheckedProblem) -> RebalanceProposal:
    """With a certificate whose prices are all zero: its claims are true and weak."""
    published = published_list(account)
    rows = checked_rows(account, problem, published)
    prices = RegimePrices((0.0,) * problem.loadings.shape[1], 0.0, {}, {}, 0.0, 0.0)
    year = netted_year(account, problem)
    here, standing = (objective(problem, rows, trades, year) for trades in (published, NOTHING))
    regimes = year.regimes() if year is not None else (NOT_NETTED,)
    bound = min(lower_bound(problem, rows, prices, regime).lowest for regime in regimes)
    return replace(
        account.proposal,
        certificate=Certificate(
            factor=prices.factor,
            cash=prices.cash,
            rows={},
            regime={},
            cap=0.0,
            bound_bps=Decimal(f"{bound * 1e4:.9f}"),
            objective_bps=Decimal(f"{here * 1e4:.9f}"),
        ),
        benefit_bps=Decimal(f"{(standing - here) * 1e4:.3f}"),
        gap_bps=Decimal(f"{max(here - bound, 0.0) * 1e4:.3f}"),  # a list that breaks rules may be below the bound
    )


def _purchase(request: AnalysisInput, security_id: str, shares: str) -> ProposedTrade:
    price = request.market.prices[SecurityId(security_id)].close
    quantity = Decimal(shares)
    notional = to_cents(quantity * price)
    return ProposedTrade(SecurityId(security_id), Side.BUY, quantity, price, notional, (), _REASON)


def _sales(request: AnalysisInput, sells: Mapping[str, str]) -> list[ProposedTrade]:
    lots = {lot.id: lot for lot in request.snapshot.lots}
    by_security: dict[SecurityId, list[LotId]] = {}
    for name in sells:
        by_security.setdefault(lots[LotId(name)].security_id, []).append(LotId(name))
    trades = []
    for security_id, names in by_security.items():
        price, shares = request.market.prices[security_id].close, [Decimal(sells[name]) for name in names]
        quantity = sum(shares, ZERO)
        notional = to_cents(quantity * price)
        sales = []
        for name, sold, proceeds in zip(names, shares, split_exactly(notional, shares), strict=True):
            lot = lots[name]
            basis = to_cents(lot.cost * sold / lot.quantity)
            term = holding_period(lot, request.snapshot.business_date)
            sales.append(LotSale(name, sold, proceeds, basis, proceeds - basis, term))
        trades.append(ProposedTrade(security_id, Side.SELL, quantity, price, notional, tuple(sales), _REASON))
    return trades
