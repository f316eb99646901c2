"""Approve or reject a proposed change of the programme; never one's own."""

from dataclasses import replace
from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.hub_models import to_publish
from trimtab.db.programme import (
    Change,
    ChangeStatus,
    ProgrammeKind,
    change_of,
    decide,
    read_programme,
    require_holds_together,
    with_change,
)
from trimtab.db.settings_versions import StaleVersion, newest_seq
from trimtab.db.shadow_runs import ShadowRunMissing, require_programme_run
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.hub.contracts import fees_differ
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, Deciding, Decision, decide_once
from trimtab.graphql.programme.types import ProgrammePart


@strawberry.input
class DecideProgrammeChangeInput(ChangeDecision):
    pass


@kept
@strawberry.type(description="The decision stands. An approved change is followed from its effective date on.")
class ProgrammeChangeDecided(ChangeDecided):
    pass


DecideProgrammeChangeResult = Annotated[
    ProgrammeChangeDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideProgrammeChangeResult"),
]


@guarded_mutation(
    Operation.SET_ASSET_ALLOCATION,
    Operation.SET_APPROVED_PRODUCTS,
    Operation.SET_CUSTOMISATION_LIMITS,
    Operation.PUBLISH_MODELS,
    description="Approve or reject another person's change of the programme.",
)
async def decide_programme_change(info: Info, input: DecideProgrammeChangeInput) -> DecideProgrammeChangeResult:
    mutation = "decide_programme_change"
    answer: DecideProgrammeChangeResult = await decide_once(info, mutation, input, _DECIDING, ProgrammeChangeDecided)
    return answer


def _settle(connection: Connection, firm_id: str, change: Change, seq: int, decision: Decision) -> ChangeStatus:
    """Raises InvalidProgramme, StaleVersion and ShadowRunMissing."""
    status = ChangeStatus.APPROVED if decision.approve else ChangeStatus.REJECTED
    decided = replace(change, status=status, decided_by=decision.decided_by, decision_reason=decision.reason)
    if decision.approve and change.kind is ProgrammeKind.PROVIDER_MODEL:
        decided = to_publish(connection, decided, business_date(connection))
    if decision.approve:  # the rest of the programme may have changed since it was proposed
        programme = read_programme(connection, change.effective_from, newest_seq(connection))
        require_holds_together(with_change(programme, change), change.kind, change.key)
        require_programme_run(connection, change)
    decide(connection, firm_id, decided, seq)
    return status


def _operations(connection: Connection, change: Change) -> list[Operation]:
    return [ProgrammePart(change.kind.value).operation, *_further(connection, change)]


def _further(connection: Connection, change: Change) -> list[Operation]:
    """What the approver must be allowed besides: what is beyond the limits, and the fees of a contract (row 38)."""
    if change.beyond:
        return [Operation.EXCEED_CUSTOMISATION_LIMITS]
    if change.kind is not ProgrammeKind.CONTRACT:
        return []
    before = read_programme(connection, change.effective_from, newest_seq(connection))
    after = with_change(before, change)
    changed = fees_differ(before.contracts.get(change.key), after.contracts.get(change.key))
    return [Operation.SET_FEE_SCHEDULE] if changed else []


_DECIDING: Final = Deciding(change_of, _operations, _settle, (InvalidProgramme, StaleVersion, ShadowRunMissing))
