"""The way in: one account's input to a checked proposal."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.calibration import CALIBRATION_VERSION
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.attribution import Contributions, attribute
from trimtab.domain.optimizer.booking import Booked, book, sold_weights
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.conflicts import cash_shortage, clashing_rules
from trimtab.domain.optimizer.data import OptimizerData, build_data
from trimtab.domain.optimizer.errors import InvalidAnalysisInput, SolverStalled
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.measures import bps_decimal, measure, weight_decimal
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.reasons import with_reasons
from trimtab.domain.optimizer.rounding import round_trades
from trimtab.domain.optimizer.screening import screen
from trimtab.domain.optimizer.search import Found, search
from trimtab.domain.optimizer.targets import PreparedTarget, account_value, prepare_target
from trimtab.domain.optimizer.why_nots import why_nots
from trimtab.domain.proposals import AnalysisOutcome, Measures, RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AnalysisInput

_HIGHEST_SCORE = 1000.0
"""What a benefit without any tax or cost scores."""


def input_hash(request: AnalysisInput, market_arrays: MarketArrays | None = None) -> str:
    """Hash of the whole input and the calibration. The market's own hash is computed once a run, with its arrays."""
    market_hash = market_arrays.market_hash if market_arrays else content_hash(request.market)
    return content_hash(
        [content_hash(request.snapshot), content_hash(request.target), market_hash, CALIBRATION_VERSION]
    )


def proposal_hash(proposal: RebalanceProposal) -> str:
    """What an approval names: the content hash of the proposal."""
    return content_hash(proposal)


def replaced_weight(request: AnalysisInput) -> Decimal:
    """Fraction of the model that cannot be had today and went to other names (above 5 %: MODEL_COVERAGE)."""
    return prepare_target(request, account_value(request)).replaced_weight


def analyze(request: AnalysisInput, market_arrays: MarketArrays | None = None) -> RebalanceProposal:
    """The best trades found for one account, checked, with reasons and a certified gap.

    `market_arrays` are those of `request.market`, built once a run. Clashing rules, a stalled solver and nothing
    worth trading are outcomes. Raises InvalidAnalysisInput for an input that cannot be, and ProposalRejected when the
    checker finds a fault in our own answer.
    """
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    analysis = _Analysis(request, market)
    proposal = analysis.run()
    check(request, proposal)
    return proposal


@dataclass(frozen=True, slots=True)
class _Worth:
    """Figures of a trade list in fractions of account value."""

    benefit: float
    gap: float
    score: float


class _Analysis:
    """One account on its way from input to proposal."""

    def __init__(self, request: AnalysisInput, market: MarketArrays) -> None:
        self._request = request
        self._hash = input_hash(request, market)
        self._value = account_value(request)
        if self._value <= 0 and (self._value < 0 or request.snapshot.positions):
            raise InvalidAnalysisInput(f"the account is worth {self._value} dollars")
        # An account without a cent is analysed as if it had one dollar; nothing can be bought with its zero cash.
        self._target = prepare_target(request, self._value or Decimal(1))
        self._data = self._build(market)

    def _build(self, market: MarketArrays) -> OptimizerData:
        """Arrays; lots whose loss would be washed are opened only when the cash cannot be had without them."""
        value = self._value or Decimal(1)
        data = build_data(self._request, self._target, market, value)
        if cash_shortage(data) > 0:
            return build_data(self._request, self._target, market, value, sell_washed_losses=True)
        return data

    def run(self) -> RebalanceProposal:
        clashes = clashing_rules(self._request, self._data)
        if clashes:
            return self._without_trades(AnalysisOutcome.CONFLICT, note=" ".join(clashes))
        certificate = screen(self._data)
        if certificate is not None:
            return self._without_trades(AnalysisOutcome.NO_TRADE, gap=certificate.most_to_gain)
        try:
            found = search(self._data)
        except SolverStalled as stalled:
            return self._without_trades(AnalysisOutcome.SOLVER_FAILED, note=str(stalled))
        return self._trade_or_hold(found)

    def _trade_or_hold(self, found: Found) -> RebalanceProposal:
        data = self._data
        booked = book(self._request, data, round_trades(data, found))
        lot_sells, buys = sold_weights(data, booked)
        before = standing_still(data).total
        after = evaluate(data, lot_sells, buys, len(booked.trades)).total
        if data.may_stand_still and before - after < data.parameters.tolerance:
            return self._without_trades(AnalysisOutcome.NO_TRADE, gap=before - found.bound)
        if booked.cash < self._cash_required():
            return self._without_trades(AnalysisOutcome.CONFLICT, note=self._short_of_cash(booked))
        parts = attribute(data, lot_sells, buys)
        worth = _Worth(benefit=before - after, gap=after - found.bound, score=_score(parts))
        trades = with_reasons(self._request, data, booked.trades, parts)
        trade = buys - np.bincount(data.lots.security, lot_sells, len(data.securities.ids))
        proposal = self._without_trades(AnalysisOutcome.OPTIMAL, gap=worth.gap)
        return replace(
            proposal,
            trades=trades,
            why_nots=why_nots(self._request, data, self._target, lot_sells, buys),
            after=measure(data, self._value - booked.cost, booked.cash, trade),
            short_term_gain=booked.short_term_gain,
            long_term_gain=booked.long_term_gain,
            tax=booked.tax,
            cost=booked.cost,
            turnover=weight_decimal(float(sum((each.notional for each in trades), ZERO) / 2 / self._value)),
            benefit_bps=bps_decimal(worth.benefit),
            score=Decimal(f"{worth.score:.2f}"),
        )

    def _cash_required(self) -> Decimal:
        settings = self._request.snapshot.settings
        return settings.cash_reserve + settings.cash_needed

    def _short_of_cash(self, booked: Booked) -> str:
        return f"In whole shares at most {booked.cash} dollars of cash can be had, {self._cash_required()} are required."

    def _without_trades(self, outcome: AnalysisOutcome, *, gap: float = 0.0, note: str = "") -> RebalanceProposal:
        data, snapshot = self._data, self._request.snapshot
        standing = self._standing()
        nothing = np.zeros(len(data.lots.lots)), np.zeros(len(data.securities.ids))
        return RebalanceProposal(
            account_id=snapshot.account.id,
            business_date=snapshot.business_date,
            input_hash=self._hash,
            outcome=outcome,
            trades=(),
            why_nots=why_nots(self._request, data, self._target, *nothing),
            before=standing,
            after=standing,
            short_term_gain=ZERO,
            long_term_gain=ZERO,
            tax=ZERO,
            cost=ZERO,
            turnover=ZERO,
            benefit_bps=ZERO,
            gap_bps=bps_decimal(max(gap, 0.0)),
            score=ZERO,
            note=note,
        )

    def _standing(self) -> Measures:
        cash = self._request.snapshot.cash.trade_date_total
        return measure(self._data, self._value, cash, np.zeros(len(self._data.securities.ids)))


def _score(parts: Contributions) -> float:
    """Benefit over what it costs: risk, cash and tax saved, over tax paid and trading cost."""
    tax = parts.tax
    gained = float((parts.factor + parts.specific + parts.cash).sum() + tax[tax > 0].sum())
    paid = float(-tax[tax < 0].sum() - parts.cost.sum())
    if gained <= 0:
        return 0.0
    return min(gained / paid, _HIGHEST_SCORE) if paid > 0 else _HIGHEST_SCORE
