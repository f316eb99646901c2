"""One account on its way from input to proposal: what is solved, what is held, and rung by rung what comes next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.errors import TrimtabError
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.account_lists import ListInShares, ListTold
from trimtab.domain.optimizer.arrays import sum_by
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.attainable import attain
from trimtab.domain.optimizer.attribution import attribute, score
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.certificates import certificate, certificate_at, proved_bound
from trimtab.domain.optimizer.conflicts import cash_shortage, clashing_rules
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import (
    InvalidAnalysisInput,
    OutOfTime,
    RulesClash,
    SolverStalled,
    TooManyNames,
)
from trimtab.domain.optimizer.fast.lane import Outcome
from trimtab.domain.optimizer.fast.warm import WarmStart, warm_start
from trimtab.domain.optimizer.harvest_notes import harvest_note
from trimtab.domain.optimizer.kept_trades import in_calm_shares
from trimtab.domain.optimizer.ladder import on_first_sides, what_is_demanded
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.measures import bps_decimal, measure, weight_decimal
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.reasons import with_reasons
from trimtab.domain.optimizer.regimes import Answered, problems, search_regimes
from trimtab.domain.optimizer.row_clashes import CLASH_OF_ALL, clash_of_rows, missed_by_the_others, missed_in_shares
from trimtab.domain.optimizer.screening import screen
from trimtab.domain.optimizer.targets import PreparedTarget, account_value, prepare_target
from trimtab.domain.optimizer.time_budget import TimeBudget
from trimtab.domain.optimizer.whole_shares import NAMES, InShares, in_whole_shares_at_once
from trimtab.domain.optimizer.why_nots import why_nots
from trimtab.domain.optimizer.wording import dollars
from trimtab.domain.proposals import (
    AnalysisOutcome,
    Certificate,
    Lane,
    RebalanceProposal,
    Rung,
)
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AnalysisInput

_HELD_STILL = "No trades were found in time that pass the checker, so nothing is traded today."

_FOR_ALL_OF_IT = 0.7
"""Share of an account's time for the whole problem; the rest is for less of it."""

_EMPTY_ACCOUNT = Decimal(1)
"""An account without a cent is measured as if it were worth a dollar; it never trades."""


def input_hash(request: AnalysisInput, market_arrays: MarketArrays | None = None) -> str:
    """Hash of the whole input and the calibration. The market's own hash is computed once a run, with its arrays."""
    market_hash = market_arrays.market_hash if market_arrays else content_hash(request.market)
    return content_hash(
        [content_hash(request.snapshot), content_hash(request.target), market_hash, request.calibration.version]
    )


class AccountAnalysis:
    """One account on its way from input to proposal."""

    def __init__(self, request: AnalysisInput, market: MarketArrays) -> None:
        self._request = request
        self._hash = input_hash(request, market)
        self._value = account_value(request)
        if self._value < 0 or (self._value == 0 and request.snapshot.lots):
            raise InvalidAnalysisInput(f"account {request.snapshot.account.id} is worth {dollars(self._value)}")
        self._target: PreparedTarget = prepare_target(request, self._value or _EMPTY_ACCOUNT)
        self._data = self._build(market)

    def _build(self, market: MarketArrays) -> OptimizerData:
        """Arrays; lots whose loss would be washed are opened only when the cash cannot be had without them."""
        value = self._value or _EMPTY_ACCOUNT
        data = build_data(self._request, self._target, market, value)
        if data.cash < data.cash_required and cash_shortage(data) > 0:
            return build_data(self._request, self._target, market, value, sell_washed_losses=True)
        return data

    def rungs(
        self, outcome: Outcome, budget: TimeBudget, bounds: Sequence[float] | None = None
    ) -> Iterator[RebalanceProposal]:
        """What is proposed, then what is proposed instead when it is refused or not there in time: the ladder of N12.

        The first lane's answer (or the other's, where it declines), the other lane's, less of the problem, the least
        that the rules demand, and holding still when they allow it, with what that may cost.
        The `bounds` by regime, where they are known, are those at the prices of an outcome without trades.
        No share of time is open while it waits: the rungs of the accounts of a batch take turns.
        """
        asked = self._data
        with budget.share(_FOR_ALL_OF_IT):
            whole = self._in_time(lambda: self.answered(outcome, bounds))
        yield whole
        self._data = asked
        if outcome.answered is not None or outcome.most_to_gain is not None:
            with budget.share(_FOR_ALL_OF_IT):
                again = self._in_time(self._solved)
            yield again
            self._data = asked
        with budget.share(1 - _FOR_ALL_OF_IT):
            less = self._in_time(lambda: self._less(Rung.REDUCED, on_first_sides))
        yield less
        self._data = asked
        if asked.may_stand_still:
            yield self._at_rest()
        else:
            yield self._in_time(lambda: self._less(Rung.MINIMUM, what_is_demanded))

    @property
    def data(self) -> OptimizerData:
        return self._data

    @property
    def start(self) -> WarmStart | None:
        return warm_start(self._data, self._request.snapshot.incumbent)

    def without_solving(self) -> RebalanceProposal | None:
        """The proposal when the rules alone, or an empty account, decide it."""
        try:
            clash = self.clash()
        except (SolverStalled, OutOfTime) as stalled:
            return self._unsolved(stalled)
        if clash is not None:
            return self._held(AnalysisOutcome.CONFLICT, note=clash)
        if self._value == 0:
            return self._held(AnalysisOutcome.NO_TRADE, note="The account is empty.")
        return None

    def answered(self, outcome: Outcome, bounds: Sequence[float] | None = None) -> RebalanceProposal:
        """From what the first lane says; what it declines goes to the other."""
        if outcome.most_to_gain is not None:
            proof = self._proof(outcome.prices, bounds)
            return self._held(AnalysisOutcome.NO_TRADE, gap=outcome.most_to_gain, proof=proof, lane=outcome.lane)
        if outcome.answered is None:
            return self._solved()
        return self._trade_or_hold(outcome.answered, outcome.lane)

    def _in_time(self, rung: Callable[[], RebalanceProposal]) -> RebalanceProposal:
        try:
            return rung()
        except (SolverStalled, OutOfTime) as stalled:
            return self._unsolved(stalled)

    def _less(self, rung: Rung, answer: Callable[[OptimizerData], Answered]) -> RebalanceProposal:
        """What less of the problem gives, in whole shares."""
        try:
            answered = answer(self._data)
        except RulesClash as clash:  # on the sides that were tried; on others the rules might be kept
            raise SolverStalled(str(clash)) from clash
        shares = in_whole_shares_at_once(self._request, self._data, answered.found)
        proposal = self._decided(answered, shares, Lane.CLARABEL)
        unproved = proposal.is_empty and float(proposal.gap_bps) * 1e-4 >= self._data.tolerance
        if proposal.outcome is AnalysisOutcome.CONFLICT or unproved:  # with more of the problem it might be otherwise
            raise SolverStalled(proposal.note or "less of the problem has no trades that are worth it")
        return replace(proposal, rung=rung)

    def _at_rest(self) -> RebalanceProposal:
        """Nothing is traded although something may be worth trading; the gap tells how much."""
        every = problems(self._data)
        prices = tuple(ascend(one, standing_prices(one)) for one in every)
        stay = self._proof(prices)
        gap = standing_still(self._data).total - proved_bound(stay)
        held = self._held(AnalysisOutcome.NO_TRADE, gap=gap, note=_HELD_STILL, proof=stay)
        return replace(held, rung=Rung.HOLD)

    def _unsolved(self, stalled: TrimtabError) -> RebalanceProposal:
        if isinstance(stalled, TooManyNames):
            return self._held(AnalysisOutcome.CONFLICT, note=missed_by_the_others(self._data, NAMES))
        if isinstance(stalled, RulesClash):
            return self._held(AnalysisOutcome.CONFLICT, note=CLASH_OF_ALL)
        return self._held(AnalysisOutcome.SOLVER_FAILED, note=str(stalled))

    def clash(self) -> str | None:
        """Which rules clash, in the user's words, None when they can be kept: then the data ask for what can be had.

        Raises SolverStalled when the solver cannot tell.
        """
        clashes = clashing_rules(self._request, self._data)
        if clashes:
            return " ".join(clashes)
        if self._value == 0:
            return None
        try:
            attainable = attain(self._data)
        except RulesClash:
            return CLASH_OF_ALL
        if attainable.clashing or attainable.least_tracking_error is not None:
            return clash_of_rows(self._data, attainable)
        self._data = attainable.data
        return None

    def _solved(self) -> RebalanceProposal:
        """The other lane. Raises SolverStalled without an answer."""
        every = problems(self._data)
        prices = tuple(standing_prices(one) for one in every)
        proof = screen(self._data, *prices)
        if proof is None:
            prices = tuple(ascend(one, at) for one, at in zip(every, prices, strict=True))
            proof = screen(self._data, *prices)
        if proof is not None:
            stay = self._proof(prices)
            return self._held(AnalysisOutcome.NO_TRADE, gap=proof.most_to_gain, proof=stay, lane=Lane.SCREEN)
        try:
            return self._trade_or_hold(search_regimes(self._data, prices), Lane.CLARABEL)
        except RulesClash:
            if not self._data.may_stand_still:
                raise
            stay = self._proof(prices)  # a way to trade within the rules was not found: the gap tells what it is worth
            return self._held(
                AnalysisOutcome.NO_TRADE, gap=standing_still(self._data).total - proved_bound(stay), proof=stay
            )

    def _proof(self, prices: Sequence[Prices], bounds: Sequence[float] | None = None) -> Certificate:
        """That trading nothing is good enough."""
        still = standing_still(self._data).total
        if bounds is not None:
            return certificate_at(self._data, prices, still, bounds)
        return certificate(self._data, prices, still)

    def _trade_or_hold(self, answered: Answered, lane: Lane) -> RebalanceProposal:
        """Trades when they are worth the account's tolerance, or when its rules demand some."""
        shares = in_calm_shares(self._request, self._data, answered, self._cash_required())
        return self._decided(answered, shares, lane)

    def _decided(self, answered: Answered, shares: InShares, lane: Lane) -> RebalanceProposal:
        self._data = data = shares.data
        booked, still, after = shares.booked, standing_still(shares.data).total, shares.objective
        if booked.cash < self._cash_required():
            return self._held(AnalysisOutcome.CONFLICT, note=self._short_of_cash(booked))
        if shares.missed and not data.may_stand_still:
            return self._held(AnalysisOutcome.CONFLICT, note=missed_in_shares(data, shares.missed))
        worth_it = still - after >= data.tolerance or not data.may_stand_still
        if worth_it and booked.trades and not shares.missed:
            proof = certificate(shares.widened, answered.prices, after, answered.further)
            gap = after - proved_bound(proof)
            return self._traded(ListInShares(booked, shares.lot_sells, shares.buys, still - after, gap, proof, lane))
        # In whole shares nothing may be left to trade although a band is missed within its slack.
        asked = self._data if booked.trades else shares.widened
        stay = certificate(asked, answered.prices, still, answered.further)
        return self._held(AnalysisOutcome.NO_TRADE, gap=still - proved_bound(stay), proof=stay, lane=lane)

    def _cash_required(self) -> Decimal:
        settings = self._request.snapshot.settings
        return settings.cash_reserve + settings.cash_needed

    def _short_of_cash(self, booked: Booked) -> str:
        had, required = dollars(booked.cash), dollars(self._cash_required())
        return f"The rules ask for cash of {required}, but in whole shares only {had} can be had."

    def _held(
        self,
        outcome: AnalysisOutcome,
        *,
        gap: float = 0.0,
        note: str = "",
        proof: Certificate | None = None,
        lane: Lane = Lane.CLARABEL,
    ) -> RebalanceProposal:
        """A proposal without trades: the account stays as it stands."""
        data, cash = self._data, self._request.snapshot.cash.trade_date_total
        nothing, none_bought = Booked((), ZERO, ZERO, ZERO, ZERO, cash), np.zeros(len(data.securities.ids))
        none = ListInShares(nothing, np.zeros(len(data.lots.lots)), none_bought, 0.0, gap, proof, lane)
        before = measure(data, self._value, cash, none_bought)
        return self._proposal(outcome, none, ListTold((), before, before, 0.0, note))

    def _traded(self, trades: ListInShares) -> RebalanceProposal:
        data, request, booked = self._data, self._request, trades.booked
        nothing = np.zeros(len(data.securities.ids))
        net = trades.buys - sum_by(data.lots.security, trades.lot_sells, len(nothing))
        parts = attribute(data, trades.lot_sells, trades.buys)
        told = ListTold(
            trades=with_reasons(request, data, booked, parts),
            before=measure(data, self._value, request.snapshot.cash.trade_date_total, nothing),
            after=measure(data, self._value - booked.cost, booked.cash, net),
            score=score(parts),
        )
        return self._proposal(AnalysisOutcome.OPTIMAL, trades, told)

    def _proposal(self, outcome: AnalysisOutcome, trades: ListInShares, told: ListTold) -> RebalanceProposal:
        data, request, booked = self._data, self._request, trades.booked
        notional = sum([each.notional for each in booked.trades], ZERO)
        return RebalanceProposal(
            account_id=request.snapshot.account.id,
            business_date=request.snapshot.business_date,
            input_hash=self._hash,
            outcome=outcome,
            trades=told.trades,
            why_nots=why_nots(request, data, self._target, trades.lot_sells, trades.buys),
            before=told.before,
            after=told.after,
            short_term_gain=booked.short_term_gain,
            long_term_gain=booked.long_term_gain,
            tax=booked.tax,
            cost=booked.cost,
            turnover=weight_decimal(float(notional / 2 / data.account_value)),
            benefit_bps=bps_decimal(trades.benefit),
            gap_bps=bps_decimal(trades.gap),
            score=Decimal(f"{told.score:.2f}"),
            note=told.note or harvest_note(request, booked),
            certificate=trades.certificate,
            lane=trades.lane,
        )
