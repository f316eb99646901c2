"""Filters: the fields they may name, the saved ones, what they find, and why an account is in its lane."""

from collections.abc import Collection
from datetime import date
from typing import Any, cast

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.db.filter_pages import LaneChange, ShadowSummary
from trimtab.db.filter_routines import FilterName
from trimtab.db.filter_versions import FilterChange, SavedFilter
from trimtab.domain import fact_fields
from trimtab.domain.account_facts import AccountFacts, FactValue
from trimtab.domain.filter_answers import matches, rule_answer
from trimtab.domain.filter_sentences import observed_phrase, rule_phrase, sentence, value_text
from trimtab.domain.filters import OPERATORS, Fields, FilterTree, parse_filter, rules_of
from trimtab.domain.lanes import LaneDecision, MatchedValue, StepAnswer


@strawberry.type(description="A field that filters may name, in the shape that query builders want.")
class FilterField:
    name: str
    label: str
    kind: str = strawberry.field(description="NUMBER, BOOLEAN, TEXT or TEXT_SET.")
    unit: str = strawberry.field(description="What its numbers count; a fraction of 0.05 is 5 %.")
    source: str = strawberry.field(description="What the night fills it from.")
    choices: list[str] = strawberry.field(description="The words that it can have; empty is any.")
    operators: list[str]

    @classmethod
    def of(cls, field: fact_fields.Field) -> "FilterField":
        return cls(
            name=field.name,
            label=field.label,
            kind=field.kind.value,
            unit=field.unit.value,
            source=field.source.value,
            choices=[str(word) for word in field.choices],
            operators=sorted(operator.value for operator in OPERATORS[field.kind]),
        )


@strawberry.type(description="A filter that holds: yours, or the firm's.")
class SavedFilterInfo:
    name: str
    personal: bool
    favourite: bool = strawberry.field(description="Whether it is one of your favourites.")
    decides_lanes: bool = strawberry.field(description="Whether a step of the day's lane policy names it.")
    filter: JSON
    sentence: str
    note: str
    version: int | None = strawberry.field(description="Null: the one that every firm starts with.")

    @classmethod
    def of(
        cls, saved: SavedFilter, favourites: Collection[FilterName], deciding: Collection[str], fields: Fields
    ) -> "SavedFilterInfo":
        value: Any = saved.value
        named = FilterName(saved.name, saved.owner is not None)
        return cls(
            name=named.name,
            personal=named.personal,
            favourite=named in favourites,
            decides_lanes=not named.personal and named.name in deciding,
            filter=value,
            sentence=sentence(parse_filter(saved.value, fields)),
            note=saved.note,
            version=saved.version,
        )


@strawberry.type(description="A change of a firm filter that somebody has proposed, and what became of it.")
class FirmFilterChange:
    change_id: str
    name: str
    effective_from: date
    filter: JSON | None
    sentence: str | None
    reason: str
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str
    shadow: JSON | None = strawberry.field(description="What it would have done on the days before it was proposed.")

    @classmethod
    def of(cls, change: FilterChange, fields: Fields) -> "FirmFilterChange":
        value, shadow = cast("Any", change.value), cast("Any", change.shadow)
        return cls(
            change_id=change.change_id,
            name=change.name,
            effective_from=change.effective_from,
            filter=value,
            sentence=None if change.value is None else sentence(parse_filter(change.value, fields)),
            reason=change.reason,
            proposed_by=list(change.proposed_by),
            status=change.status.value,
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
            shadow=shadow,
        )


@strawberry.type(description="What an account shows for a field.")
class ShownValue:
    field: str
    label: str
    value: JSON | None
    text: str

    @classmethod
    def of(cls, name: str, value: FactValue, fields: Fields) -> "ShownValue":
        field = fields[name]
        plain: Any = list(value) if isinstance(value, tuple) else value
        shown = tuple(value) if isinstance(value, list | tuple) else value
        text = "unknown" if shown is None else value_text(field, shown)
        return cls(field=name, label=field.label, value=plain, text=text)


@strawberry.type
class FilterMatch:
    account_id: str
    advisor_id: str | None
    values: list[ShownValue] = strawberry.field(description="What it shows for the fields that the filter names.")

    @classmethod
    def of(cls, row: Row[Any], fields: Fields) -> "FilterMatch":
        values = [ShownValue.of(str(name), value, fields) for name, value in row._mapping.items() if name in fields]
        return cls(account_id=row.account_id, advisor_id=row.advisor_id, values=values)


@strawberry.type(description="What a filter finds in the facts of one day.")
class FilterPreview:
    business_date: date
    sentence: str
    count: int
    accounts: list[FilterMatch]
    end_cursor: str | None = strawberry.field(description="Give it as `after` for the next page; null on the last.")


@strawberry.type(description="An advisor with accounts that the filter wants.")
class AdvisorCount:
    advisor_id: str
    wanted: int
    accounts: int


@strawberry.type
class RuleAnswer:
    rule: str
    shown: str
    holds: bool | None = strawberry.field(description="Null: the account's value is unknown.")


@strawberry.type(description="Whether a filter wants one account, and how each of its rules comes out.")
class FilterAnswer:
    business_date: date
    sentence: str
    wanted: bool
    rules: list[RuleAnswer]

    @classmethod
    def of(cls, on: date, tree: FilterTree, facts: AccountFacts) -> "FilterAnswer":
        rules = [
            RuleAnswer(rule=rule_phrase(rule), shown=observed_phrase(rule, facts), holds=rule_answer(rule, facts))
            for rule in rules_of(tree)
        ]
        return cls(business_date=on, sentence=sentence(tree), wanted=matches(tree, facts), rules=rules)


@strawberry.type(description="The lane that the firm's policy gives an account, and why.")
class LaneReason:
    lane: str
    step: int | None = strawberry.field(description="The step of the policy that decided, from 1; null when none did.")
    filter: str | None = strawberry.field(description="The filter that decided; null when none wanted it.")
    reason: str
    values: list[ShownValue]

    @classmethod
    def of(cls, decision: LaneDecision, fields: Fields) -> "LaneReason":
        return cls(
            lane=decision.lane.value,
            step=decision.step,
            filter=decision.filter_key,
            reason=decision.reason,
            values=_shown(decision.matched, fields),
        )


def _shown(matched: tuple[MatchedValue, ...], fields: Fields) -> list[ShownValue]:
    return [ShownValue.of(each.field, each.value, fields) for each in matched]


@strawberry.type(description="What one step of the lane policy said about an account.")
class PolicyStepAnswer:
    step: int
    sentence: str
    wanted: bool
    passed_over: bool = strawberry.field(description="Compliance had cleared the account.")
    reason: str
    values: list[ShownValue]

    @classmethod
    def of(cls, answer: StepAnswer, fields: Fields) -> "PolicyStepAnswer":
        return cls(
            step=answer.step,
            sentence=answer.sentence,
            wanted=answer.wanted,
            passed_over=answer.passed_over,
            reason=answer.reason,
            values=_shown(answer.matched, fields),
        )


@strawberry.type(description="Why an account is in its lane, by the policy that its run froze and its stored facts.")
class LaneExplanation:
    business_date: date
    account_id: str
    decision: LaneReason
    steps: list[PolicyStepAnswer] = strawberry.field(
        description="Every step that was asked, in order: those that did not want the account, then the one that did."
    )


@strawberry.type(description="An account whose lane would have been another one.")
class ShadowChange:
    business_date: date
    account_id: str
    before: LaneReason
    after: LaneReason

    @classmethod
    def of(cls, change: LaneChange, fields: Fields) -> "ShadowChange":
        return cls(
            business_date=change.business_date,
            account_id=change.account_id,
            before=LaneReason.of(change.before, fields),
            after=LaneReason.of(change.after, fields),
        )


@strawberry.type
class ShadowCount:
    before: str
    after: str
    accounts: int = strawberry.field(description="Account-days that would have changed so.")


@strawberry.type(description="What a changed filter or policy would have done on days that are over.")
class ShadowRun:
    days: list[date]
    changed: int = strawberry.field(description="Account-days whose lane would have been another one.")
    skipped_review: int = strawberry.field(description="Those whose trades would have gone out without a person.")
    skipped_orders: int = strawberry.field(description="Trades that would have gone out without a person.")
    counts: list[ShadowCount]
    changes: list[ShadowChange] = strawberry.field(description="The first of them: the newest day first, by account.")

    @classmethod
    def of(cls, found: ShadowSummary, fields: Fields) -> "ShadowRun":
        return cls(
            days=list(found.days),
            changed=found.changed,
            skipped_review=found.skipped_review,
            skipped_orders=found.skipped_orders,
            counts=[ShadowCount(before=old, after=new, accounts=number) for old, new, number in found.counts],
            changes=[ShadowChange.of(each, fields) for each in found.changes],
        )
