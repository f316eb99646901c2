"""Which lane the firm's policy gives an account, and why (W-A to W-D).

The policy's steps are asked in their order; `explain` tells of every step that was asked what it answered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from trimtab.domain.account_facts import AccountFacts, FactValue, fact
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.filter_answers import matches, rule_answer
from trimtab.domain.filter_sentences import join_and, observed_phrase
from trimtab.domain.filters import Fields, FilterTree, Group, MalformedFilter, Rule, parse_filter
from trimtab.domain.lane_canary import Canary
from trimtab.domain.lane_policy import DEFAULT_POLICY, Condition, FilterKey, PolicyDocument, Step, step_sentence
from trimtab.domain.lifecycle import Lane
from trimtab.domain.proposals import AnalysisOutcome


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """What decides lanes: the document, and the trees of the firm filters that it names."""

    document: PolicyDocument
    filters: Mapping[str, FilterTree]
    canary: Canary | None = None  # a policy on trial, whose filters are among `filters`

    def for_account(self, account_id: str) -> "LanePolicy":
        """The policy that decides for the account: the one on trial where its share has the account."""
        if self.canary is None:
            return self
        chosen = self.canary.document if self.canary.chooses(account_id) else self.document
        return LanePolicy(chosen, self.filters)

    def trial_of(self, account_id: str) -> Canary | None:
        """The trial that the account is in."""
        return self.canary if self.canary is not None and self.canary.chooses(account_id) else None


@dataclass(frozen=True, slots=True)
class MatchedValue:
    """A field that decided, and what the account shows for it."""

    field: str
    value: FactValue


@dataclass(frozen=True, slots=True)
class LaneDecision:
    """The lane, and what gave it. Without a step no step wanted the account: a person looks."""

    lane: Lane
    filter_key: str | None  # the firm filter of the step; None: a condition, or no step
    matched: tuple[MatchedValue, ...]
    reason: str  # one sentence in plain English
    step: int | None = None  # from 1
    trial: str | None = None  # the change whose policy is on trial, where that has decided


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What one step of the policy said about an account, from 1 on in the order in which they are asked."""

    step: int
    sentence: str
    wanted: bool
    passed_over: bool  # compliance has looked and cleared the account
    reason: str
    matched: tuple[MatchedValue, ...]


CLEARED: Final = frozenset({Lane.COMPLIANCE, Lane.SUSPEND})
"""Steps that give these lanes are passed over once compliance has cleared the account."""


def lane_policy(
    document: PolicyDocument, filters: Mapping[str, object], fields: Fields = FIELDS, canary: Canary | None = None
) -> LanePolicy:
    """The policy with its filters read from JSON by name. Raises a FilterError for a missing or unreadable one."""
    for name in (*document.filters, *(canary.document.filters if canary is not None else ())):
        if name not in filters:
            raise MalformedFilter(name, "is missing")
    return LanePolicy(document, {name: parse_filter(value, fields) for name, value in filters.items()}, canary)


def parse_firm_filters(values: Mapping[str, object]) -> LanePolicy:
    """The starting policy over these filters, the five of every firm among them. Raises a FilterError."""
    for name in FilterKey:
        if name.value not in values:
            raise MalformedFilter(name.value, "is missing")
    return lane_policy(DEFAULT_POLICY, values)


def lane(policy: LanePolicy, facts: AccountFacts, cleared: frozenset[Lane] = frozenset()) -> LaneDecision:
    """The lane of one account: of the first step that wants it. Steps that give a `cleared` lane are passed over."""
    trial = policy.trial_of(facts.account_id)
    decided = _decided(policy.for_account(facts.account_id), facts, cleared)
    if trial is None:
        return decided
    return replace(decided, reason=f"{decided.reason} {trial.sentence}", trial=trial.change_id)


def _decided(policy: LanePolicy, facts: AccountFacts, cleared: frozenset[Lane]) -> LaneDecision:
    for place, step in enumerate(policy.document.steps, 1):
        if step.lane not in cleared and _wants(policy, step, facts):
            matched, reason = _why(policy, step, facts, wanted=True)
            return LaneDecision(step.lane, step.asks if step.is_filter else None, matched, reason, place)
    return _wanted_by_none(policy, facts)


def explain(policy: LanePolicy, facts: AccountFacts, cleared: frozenset[Lane] = frozenset()) -> tuple[StepAnswer, ...]:
    """Every step that was asked, the last one being the one that decided, when any did."""
    answers, policy = [], policy.for_account(facts.account_id)
    for place, step in enumerate(policy.document.steps, 1):
        passed = step.lane in cleared
        wanted = not passed and _wants(policy, step, facts)
        matched, reason = ((), "Compliance has cleared it.") if passed else _why(policy, step, facts, wanted=wanted)
        answers.append(StepAnswer(place, step_sentence(step), wanted, passed, reason, matched))
        if wanted:
            break
    return tuple(answers)


def should_have_traded(policy: LanePolicy, facts: AccountFacts) -> bool:
    """Whether the management filter finds the account."""
    return matches(policy.filters[FilterKey.MANAGEMENT.value], facts)


def _wants(policy: LanePolicy, step: Step, facts: AccountFacts) -> bool:
    if not isinstance(step.asks, Condition):
        return matches(policy.filters[step.asks], facts)
    match step.asks:
        case Condition.RULES_CLASH:
            # Nothing is traded because the rules clash: a person has to settle that, so it must not pass as quiet.
            return not facts.order_count and facts.outcome == AnalysisOutcome.CONFLICT
        case Condition.NOTHING_TO_TRADE:
            return not facts.order_count
        case Condition.FLAGGED:
            return bool(facts.flags)


_CONDITION_REASONS: Final[Mapping[Condition, tuple[str, str]]] = {  # when it does not hold, when it does
    Condition.RULES_CLASH: (
        "Its rules leave something to do.",
        "The account's rules contradict each other, so a person looks.",
    ),
    Condition.NOTHING_TO_TRADE: ("There is something to trade.", "There is nothing to trade."),
    Condition.FLAGGED: ("It carries no flag.", "A person looks because of {flags}."),
}


def _why(policy: LanePolicy, step: Step, facts: AccountFacts, *, wanted: bool) -> tuple[tuple[MatchedValue, ...], str]:
    """The values that decided a step's answer, and the sentence of it."""
    if isinstance(step.asks, Condition):
        flags = (facts.flags or ()) if step.asks is Condition.FLAGGED else ()
        reason = _CONDITION_REASONS[step.asks][wanted].format(flags=join_and(list(flags)))
        return (MatchedValue("flags", flags),) if flags else (), reason
    rules = list(_deciding(policy.filters[step.asks], facts, wanted=wanted))
    verb = "wants it" if wanted else "does not want it"
    return _values(rules, facts), f"The {step.asks} filter {verb}: {join_and(_observed(rules, facts))}."


def _wanted_by_none(policy: LanePolicy, facts: AccountFacts) -> LaneDecision:
    trading = [str(step.asks) for step in policy.document.steps if step.is_filter and step.lane is Lane.AUTOMATED]
    rules = [rule for name in trading for rule in _deciding(policy.filters[name], facts, wanted=False)]
    reason = f"No filter wants it, so a person looks; not automated since {join_and(_observed(rules, facts))}."
    if not rules:
        reason = "No filter wants it, so a person looks."
    return LaneDecision(Lane.REVIEW, None, _values(rules, facts), reason)


def _observed(rules: list[Rule], facts: AccountFacts) -> list[str]:
    return list(dict.fromkeys(observed_phrase(rule, facts) for rule in rules))


def _values(rules: list[Rule], facts: AccountFacts) -> tuple[MatchedValue, ...]:
    names = dict.fromkeys(rule.field.name for rule in rules)
    return tuple(MatchedValue(name, fact(facts, name)) for name in names)


def _deciding(node: Rule | Group, facts: AccountFacts, *, wanted: bool) -> Iterator[Rule]:
    """The rules that made a tree match (`wanted`), or kept it from matching.

    Under a negation the roles swap: what kept the inside from matching made the outside match.
    """
    if isinstance(node, Rule):
        if (rule_answer(node, facts) is True) is wanted:
            yield node
        return
    inside = wanted is not node.negated
    for child in node.rules:
        if _is(child, facts, wanted=inside):
            yield from _deciding(child, facts, wanted=inside)


def _is(node: Rule | Group, facts: AccountFacts, *, wanted: bool) -> bool:
    answer = rule_answer(node, facts) is True if isinstance(node, Rule) else matches(node, facts)
    return answer is wanted
