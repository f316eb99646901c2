"""Which lane the firm's filters give an account, and why (W-A to W-D)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trimtab.domain.account_facts import AccountFacts, FactValue, fact
from trimtab.domain.filter_sentences import join_and, observed_phrase
from trimtab.domain.filters import (
    FilterTree,
    Group,
    MalformedFilter,
    Rule,
    matches,
    parse_filter,
    rule_answer,
)
from trimtab.domain.lifecycle import Lane
from trimtab.domain.proposals import AnalysisOutcome


class FilterKey(StrEnum):
    """The five filters that every firm has."""

    SUSPEND = "suspend"
    COMPLIANCE = "compliance"
    REVIEW = "review"
    AUTOMATED = "automated"
    MANAGEMENT = "management"  # gives no lane: it finds what should have traded and did not (W-E2)


@dataclass(frozen=True, slots=True)
class FirmFilters:
    suspend: FilterTree
    compliance: FilterTree
    review: FilterTree
    automated: FilterTree
    management: FilterTree


@dataclass(frozen=True, slots=True)
class MatchedValue:
    """A field that decided, and what the account shows for it."""

    field: str
    value: FactValue


@dataclass(frozen=True, slots=True)
class LaneDecision:
    """The lane, the filter that gave it (None: a flag, nothing to trade, or no filter), and its values."""

    lane: Lane
    filter_key: FilterKey | None
    matched: tuple[MatchedValue, ...]
    reason: str  # one sentence in plain English


_CLASH: Final = "The account's rules contradict each other, so a person looks."
_LANE_OF: Final[Mapping[FilterKey, Lane]] = {
    FilterKey.SUSPEND: Lane.SUSPEND,
    FilterKey.COMPLIANCE: Lane.COMPLIANCE,
    FilterKey.REVIEW: Lane.REVIEW,
    FilterKey.AUTOMATED: Lane.AUTOMATED,
}


def parse_firm_filters(values: Mapping[str, object]) -> FirmFilters:
    """The five filters from JSON by key. Raises a FilterError for a missing, unknown or unreadable one."""
    known = {key.value for key in FilterKey}
    for key in sorted(known ^ values.keys()):
        raise MalformedFilter(key, "is missing" if key in known else "is no filter of a firm")
    return FirmFilters(**{key: parse_filter(values[key]) for key in sorted(known)})


def lane(filters: FirmFilters, facts: AccountFacts, cleared: frozenset[FilterKey] = frozenset()) -> LaneDecision:
    """The lane of one account: suspend before compliance before review before automated.

    A flag means review whatever the filters say. Trades that no filter wants are reviewed; without trades
    only suspend and compliance count. `cleared` filters are passed over: a compliance officer has looked.
    """
    for key, tree in ((FilterKey.SUSPEND, filters.suspend), (FilterKey.COMPLIANCE, filters.compliance)):
        if key not in cleared and matches(tree, facts):
            return _wanted_by(key, tree, facts)
    if not facts.order_count:
        if facts.outcome == AnalysisOutcome.CONFLICT:
            # Nothing is traded because the rules clash: a person has to settle that, so it must not pass as quiet.
            return LaneDecision(Lane.REVIEW, None, (), _CLASH)
        return LaneDecision(Lane.NO_TRADE, None, (), "There is nothing to trade.")
    if facts.flags:
        matched = (MatchedValue("flags", facts.flags),)
        return LaneDecision(Lane.REVIEW, None, matched, f"A person looks because of {join_and(list(facts.flags))}.")
    if FilterKey.REVIEW not in cleared and matches(filters.review, facts):
        return _wanted_by(FilterKey.REVIEW, filters.review, facts)
    if matches(filters.automated, facts):
        return _wanted_by(FilterKey.AUTOMATED, filters.automated, facts)
    return _wanted_by_none(filters.automated, facts)


def should_have_traded(filters: FirmFilters, facts: AccountFacts) -> bool:
    """Whether the management filter finds the account."""
    return matches(filters.management, facts)


def _wanted_by(key: FilterKey, tree: FilterTree, facts: AccountFacts) -> LaneDecision:
    rules = list(_deciding(tree, facts, wanted=True))
    reason = f"The {key} filter wants it: {join_and(_observed(rules, facts))}."
    return LaneDecision(_LANE_OF[key], key, _values(rules, facts), reason)


def _wanted_by_none(automated: FilterTree, facts: AccountFacts) -> LaneDecision:
    rules = list(_deciding(automated, facts, wanted=False))
    reason = f"No filter wants it, so a person looks; not automated since {join_and(_observed(rules, facts))}."
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
