"""The lane policy as the API shows it."""

from datetime import date
from typing import Any, cast

import strawberry
from strawberry.scalars import JSON

from trimtab.db.filter_versions import FilterChange
from trimtab.domain.lane_policy import PolicyDocument, json_of_policy, policy_sentences, read_policy


@strawberry.type(description="The ordered steps that decide lanes.")
class LanePolicyInfo:
    policy: JSON = strawberry.field(description='{"steps": [{"filter" or "condition": name, "lane": lane}, ...]}')
    sentences: list[str] = strawberry.field(description="One a step, in order, and what becomes of the rest.")
    version: int | None = strawberry.field(description="Null: the one that every firm starts with.")

    @classmethod
    def of(cls, policy: PolicyDocument, version: int | None) -> "LanePolicyInfo":
        document: Any = json_of_policy(policy)
        return cls(policy=document, sentences=list(policy_sentences(policy)), version=version)


@strawberry.type(description="A lane policy that somebody has proposed, and what became of it.")
class LanePolicyChange:
    change_id: str
    effective_from: date
    policy: JSON | None
    sentences: list[str]
    reason: str
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str
    shadow: JSON | None = strawberry.field(description="What it would have done on the days before it was proposed.")
    canary: int | None = strawberry.field(description="The percent of the accounts that it is, or was, tried on.")

    @classmethod
    def of(cls, change: FilterChange) -> "LanePolicyChange":
        value, shadow = cast("Any", change.value), cast("Any", change.shadow)
        return cls(
            change_id=change.change_id,
            effective_from=change.effective_from,
            policy=value,
            sentences=[] if value is None else list(policy_sentences(read_policy(value))),
            reason=change.reason,
            proposed_by=list(change.proposed_by),
            status=change.status.value,
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
            shadow=shadow,
            canary=change.canary,
        )
