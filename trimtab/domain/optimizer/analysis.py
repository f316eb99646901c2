"""The way in: one account's input to a checked proposal."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from trimtab.domain.errors import TrimtabError
from trimtab.domain.optimizer.account_analysis import AccountAnalysis
from trimtab.domain.optimizer.bound import Branches
from trimtab.domain.optimizer.bounds_at_once import lower_bounds
from trimtab.domain.optimizer.checker import check_batch
from trimtab.domain.optimizer.errors import (
    InvalidAnalysisInput,
    ProposalRejected,
    RulesClash,
)
from trimtab.domain.optimizer.fast.lane import Outcome, solve_batch
from trimtab.domain.optimizer.input_rules import require_sound
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.time_budget import DEFAULT, TimeBudget
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AnalysisInput


def proposal_hash(proposal: RebalanceProposal) -> str:
    """What an approval names: the content hash of the proposal."""
    return content_hash(proposal)


def replaced_weight(request: AnalysisInput) -> Decimal:
    """Fraction of the model that cannot be had today and went to other names (above 5 %: MODEL_COVERAGE)."""
    return prepare_target(request, account_value(request)).replaced_weight


def analyze(
    request: AnalysisInput, market_arrays: MarketArrays | None = None, budget: TimeBudget = DEFAULT
) -> RebalanceProposal:
    """The best trades found for one account, checked, with reasons and a certified gap.

    `market_arrays` are those of `request.market`, built once a run. Clashing rules, a stalled solver and nothing
    worth trading are outcomes; `rung` says how much of the problem was answered within the `budget` of time. Raises
    InvalidAnalysisInput for an input that cannot be, and ProposalRejected when the checker finds a fault in our own
    answer on every rung of the ladder.
    """
    (proposal,) = analyze_batch([request], market_arrays, budget)
    if isinstance(proposal, TrimtabError):
        raise proposal
    return proposal


def analyze_batch(
    requests: Sequence[AnalysisInput], market_arrays: MarketArrays | None = None, budget: TimeBudget = DEFAULT
) -> list[RebalanceProposal | TrimtabError]:
    """`analyze` for accounts of one market, solved side by side: each proposal, or the error that `analyze` raises.

    A proposal does not depend on the accounts beside it. The `budget` is each account's.
    """
    if not requests:
        return []
    try:
        market = market_arrays or MarketArrays.from_snapshot(requests[0].market)
    except InvalidAnalysisInput as error:
        return [_refused(request, error) for request in requests]
    analyses = [_begun(request, market) for request in requests]
    open_ = [each for each in analyses if isinstance(each, AccountAnalysis)]
    found = solve_batch([each.data for each in open_], [each.start for each in open_])
    outcomes = iter(zip(found, _bounds_of_standing([each.data for each in open_], found), strict=True))
    ladders = [
        _Ladder(request, each, next(outcomes) if isinstance(each, AccountAnalysis) else None, budget)
        for request, each in zip(requests, analyses, strict=True)
    ]
    return _first_that_pass(ladders)


def _bounds_of_standing(
    datas: Sequence[OptimizerData], outcomes: Sequence[Outcome]
) -> list[tuple[Branches, ...] | None]:
    """The bounds by regime, along the chords, of the accounts that trade nothing, side by side; None for the others."""
    standing = [outcome.most_to_gain is not None for outcome in outcomes]
    priced = [
        (data.under(regime), prices)
        for data, outcome, stands in zip(datas, outcomes, standing, strict=True)
        if stands
        for regime, prices in zip(data.regimes, outcome.prices, strict=True)
    ]
    bounds = iter(lower_bounds(priced))
    return [
        tuple(next(bounds) for _ in data.regimes) if stands else None
        for data, stands in zip(datas, standing, strict=True)
    ]


def _refused(request: AnalysisInput, error: TrimtabError) -> TrimtabError:
    """What is wrong with the account's own input, before what is wrong with the market of all."""
    try:
        require_sound(request)
    except TrimtabError as own:
        return own
    return error


def _begun(request: AnalysisInput, market: MarketArrays) -> "AccountAnalysis | RebalanceProposal | TrimtabError":
    """The account's analysis, or what ends it before anything is solved."""
    try:
        require_sound(request)
        analysis = AccountAnalysis(request, market)
        return analysis.without_solving() or analysis
    except TrimtabError as error:
        return error


class _Ladder:
    """One account's proposals, rung by rung, until one passes: then `answer` is what the analysis comes to."""

    def __init__(
        self,
        request: AnalysisInput,
        begun: "AccountAnalysis | RebalanceProposal | TrimtabError",
        found: tuple[Outcome, tuple[Branches, ...] | None] | None,
        budget: TimeBudget,
    ) -> None:
        self.request = request
        self.answer: RebalanceProposal | TrimtabError | None = None
        self._failure: RebalanceProposal | TrimtabError | None = None
        self._rungs: Iterator[RebalanceProposal] = iter(())
        if isinstance(begun, TrimtabError):
            self.answer = begun
        elif isinstance(begun, RebalanceProposal):
            self._rungs = iter([begun])
        elif found is not None:
            outcome, bounds = found
            self._rungs = begun.rungs(outcome, budget, bounds)

    def next_rung(self) -> RebalanceProposal | None:
        """The next proposal to be checked; None when there is an answer."""
        if self.answer is not None:
            return None
        try:
            proposal = next(self._rungs, None)
        except TrimtabError as error:
            self.answer = self._failure or error
            return None
        if proposal is None:
            if self._failure is None:
                raise AssertionError("an analysis has no rungs")
            self.answer = self._failure
        return proposal

    def checked(self, proposal: RebalanceProposal, rejected: ProposalRejected | None) -> None:
        """Takes the proposal when it has an answer and is not refused; what the first rung came to is kept."""
        if rejected is None and proposal.outcome is not AnalysisOutcome.SOLVER_FAILED:
            self.answer = proposal
        self._failure = self._failure or rejected or proposal


def _first_that_pass(ladders: Sequence[_Ladder]) -> list[RebalanceProposal | TrimtabError]:
    """What has an answer and the checker does not refuse, the best rung first; else what the first rung came to.

    Proposals of one rung are checked together.
    """
    while asked := [(each, proposal) for each in ladders if (proposal := each.next_rung()) is not None]:
        verdicts = check_batch([(each.request, proposal) for each, proposal in asked])
        for (each, proposal), rejected in zip(asked, verdicts, strict=True):
            each.checked(proposal, rejected)
    return [each.answer for each in ladders if each.answer is not None]


def rules_clash(request: AnalysisInput, market_arrays: MarketArrays) -> bool:
    """True when the rules are seen to clash before anything is optimised; whole shares may still show that they do.

    Raises InvalidAnalysisInput for an input that cannot be.
    """
    require_sound(request)
    return AccountAnalysis(request, market_arrays).clash() is not None


def problem_of(request: AnalysisInput, market_arrays: MarketArrays) -> OptimizerData:
    """What `analyze` optimises: the rules that can be kept, broken bands as far as they can be cured.

    Raises RulesClash when the rules clash, and InvalidAnalysisInput for an input that cannot be.
    """
    require_sound(request)
    analysis = AccountAnalysis(request, market_arrays)
    clash = analysis.clash()
    if clash is not None:
        raise RulesClash(clash)
    return analysis.data
