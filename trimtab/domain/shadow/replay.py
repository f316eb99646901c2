"""Stored account-days analysed again: the same call as the night's, on the frozen inputs with one thing replaced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.account_measures import snapshot_facts
from trimtab.domain.analysis_flags import with_analysis_flags
from trimtab.domain.errors import TrimtabError
from trimtab.domain.fact_fields import FIELDS, Source
from trimtab.domain.lanes import LaneDecision, LanePolicy, lane
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

AT_A_TIME: Final = 64
"""Accounts that are solved side by side."""

_ANALYSED: Final = tuple(
    name for name, each in FIELDS.items() if each.source in (Source.SETTINGS, Source.HOLDINGS, Source.ANALYSIS)
)
"""Fields that the analysis writes; what validation, suspensions and history tell of the day stays."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An account-day as it was: what its analysis read, what it proposed, and what filters saw."""

    account_id: str
    business_date: date
    request: AnalysisInput
    proposal: RebalanceProposal
    facts: AccountFacts
    policy: LanePolicy  # that the day's run froze
    validated: Mapping[str, Any] = field(default_factory=dict)  # the detail of its validation

    @property
    def lane(self) -> LaneDecision:
        """By the policy alone: as if nobody had cleared the account."""
        return lane(self.policy, self.facts)


@dataclass(frozen=True, slots=True)
class Replay:
    """An account-day with what it would read; `request` None: it would read the same, and comes to the same."""

    recorded: Recorded
    request: AnalysisInput | None
    failure: tuple[str, str] | None = None  # code and message of why it cannot be told what it would read


@dataclass(frozen=True, slots=True)
class Replayed:
    """What an account-day would have come to. A failure has neither proposal nor lane."""

    recorded: Recorded
    proposal: RebalanceProposal | None
    lane: LaneDecision | None
    flags: frozenset[str] = frozenset()
    failure: tuple[str, str] | None = None  # code and message


def replayed(replays: Sequence[Replay]) -> list[Replayed]:
    """Each account-day analysed again, in the order given; one that cannot be says why and stops no other."""
    changed = [(place, each.request) for place, each in enumerate(replays) if each.request is not None]
    answers = dict(_answers(changed))
    return [_outcome(each, answers.get(place, each.recorded.proposal)) for place, each in enumerate(replays)]


def _answers(
    changed: Sequence[tuple[int, AnalysisInput]],
) -> Iterable[tuple[int, RebalanceProposal | TrimtabError]]:
    by_market: dict[tuple[int, str], list[tuple[int, AnalysisInput]]] = {}
    for place, request in changed:
        by_market.setdefault((id(request.market), request.calibration.version), []).append((place, request))
    if not by_market:
        return
    from trimtab.domain.optimizer.analysis import analyze_batch  # the solver is slow to import

    for several in by_market.values():
        for start in range(0, len(several), AT_A_TIME):
            part = several[start : start + AT_A_TIME]
            answers = analyze_batch([request for _, request in part])
            yield from zip((place for place, _ in part), answers, strict=True)


def _outcome(replay: Replay, answer: RebalanceProposal | TrimtabError) -> Replayed:
    recorded = replay.recorded
    failure = (answer.code, str(answer)) if isinstance(answer, TrimtabError) else replay.failure
    if failure is not None or isinstance(answer, TrimtabError):
        return Replayed(recorded, None, None, failure=failure)
    if replay.request is None:
        return Replayed(recorded, recorded.proposal, recorded.lane, frozenset(recorded.facts.flags or ()))
    facts = facts_again(recorded, replay.request, answer)
    return Replayed(recorded, answer, lane(recorded.policy, facts), frozenset(facts.flags or ()))


def facts_again(recorded: Recorded, request: AnalysisInput, proposal: RebalanceProposal) -> AccountFacts:
    """The day's row for filters with what the other analysis measures."""
    measured = snapshot_facts(request.snapshot, proposal, request.market.prices)
    flags = with_analysis_flags(recorded.facts.flags or (), proposal, recorded.validated)
    return replace(recorded.facts, **{name: getattr(measured, name) for name in _ANALYSED}, flags=tuple(sorted(flags)))
