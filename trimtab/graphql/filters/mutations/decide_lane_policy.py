"""Approve or reject a proposed lane policy, whole or on trial for a share of the accounts; never one's own."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.filter_versions import FilterChange, FilterChangeStatus, decide_filter, filter_change
from trimtab.db.lane_policies import LANE_POLICY, canary_on, missing_filters, write_canary
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.lane_canary import Canary
from trimtab.domain.lane_policy import DEFAULT_POLICY, PolicyDocument, read_policy
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.filters.firm_changes import EffectiveInThePast, NoLongerApplies, require_applicable
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, Deciding, Decision, decide_once


@strawberry.input
class DecideLanePolicyInput(ChangeDecision):
    canary: int | None = strawberry.field(
        default=None,
        description="Of an approval: try the policy on this percent of the accounts, 1 to 99; null: on all of them."
        " A policy on trial is decided once more: approved for another share or for all, or withdrawn.",
    )


@kept
@strawberry.type(description="The decision stands. An approved policy is followed by the runs from its date on.")
class LanePolicyDecided(ChangeDecided):
    pass


DecideLanePolicyResult = Annotated[
    LanePolicyDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideLanePolicyResult"),
]


@guarded_mutation(Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's lane policy.")
async def decide_lane_policy(info: Info, input: DecideLanePolicyInput) -> DecideLanePolicyResult:
    percent = input.canary
    if percent is not None and not (input.approve and 1 <= percent <= 99):
        message = "A trial is approved for 1 to 99 percent of the accounts."
        return InvalidInput(code="OUT_OF_RANGE", message=message, field="canary")
    deciding = Deciding(_find, _operations, partial(_settle, percent), _REFUSALS, _OPEN)
    answer: DecideLanePolicyResult = await decide_once(
        info, "decide_lane_policy", input, deciding, LanePolicyDecided, {"canary": percent} if percent else None
    )
    return answer


_REFUSALS: Final = (EffectiveInThePast, NoLongerApplies, StaleVersion)
_OPEN: Final = frozenset({FilterChangeStatus.PROPOSED.value, FilterChangeStatus.CANARY.value})


def _find(connection: Connection, change_id: str) -> tuple[FilterChange, int] | None:
    found = filter_change(connection, change_id)
    return found if found is not None and found[0].entity == LANE_POLICY else None


def _operations(connection: Connection, change: FilterChange) -> list[Operation]:
    return [Operation.SET_AUTOMATED_TRADING_FILTER]


def _settle(
    percent: int | None, connection: Connection, firm_id: str, change: FilterChange, seq: int, decision: Decision
) -> FilterChangeStatus:
    """Raises EffectiveInThePast, NoLongerApplies and StaleVersion."""
    on_trial = change.status is FilterChangeStatus.CANARY
    first_day = max(change.effective_from, business_date(connection) or change.effective_from) if on_trial else None
    if decision.approve:  # a trial may outlast its first day
        applies = replace(change, effective_from=first_day or change.effective_from)
        require_applicable(connection, applies, partial(_problem, percent is not None))
    status = _status(decision.approve, percent, on_trial)
    decided = replace(
        change,
        status=status,
        decided_by=decision.decided_by,
        decision_reason=decision.reason,
        effective_from=first_day or change.effective_from,
        canary=percent if percent is not None else change.canary,
    )
    decide_filter(connection, firm_id, decided, seq)
    if on_trial or percent is not None:
        trial = Canary(change.change_id, percent or 0, _policy(change))
        write_canary(connection, firm_id, trial, decided.effective_from, decision.decided_by, decision.reason)
    return status


def _status(approve: bool, percent: int | None, on_trial: bool) -> FilterChangeStatus:
    if not approve:
        return FilterChangeStatus.WITHDRAWN if on_trial else FilterChangeStatus.REJECTED
    return FilterChangeStatus.APPROVED if percent is None else FilterChangeStatus.CANARY


def _policy(change: FilterChange) -> PolicyDocument:
    return DEFAULT_POLICY if change.value is None else read_policy(change.value)


def _problem(trying: bool, connection: Connection, change: FilterChange) -> str | None:
    missing = missing_filters(connection, _policy(change), change.effective_from)
    if missing:
        return f"The firm has no filter {', '.join(missing)} any more: propose it again."
    other = canary_on(connection, date.max) if trying else None
    if other is not None and other.change_id != change.change_id:
        return f"The policy of change {other.change_id} is on trial: promote it or withdraw it first."
    return None
