"""The approve stage: verifies the decision row against what stands now, or writes the policy's own approval."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from trimtab.activities.filter import FILTERS, FrozenInputs
from trimtab.activities.review import approvals_needed
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.decisions import accepted_approvals, open_suspensions, stored_proposal, write_policy_approval
from trimtab.db.runs import RunInputs
from trimtab.db.stages import StageResult, get_or_compute, newest_result, visits
from trimtab.db.tables import account_day
from trimtab.domain.lifecycle import Lane, Stage, Standstill, TerminalState
from trimtab.domain.records import content_hash

POLICY: Final = "policy:"
"""Approvals by the firm's own policy carry this prefix and the filters' version."""


def approve(connection: Connection, ref: AccountDayRef, frozen: FrozenInputs, *, build: str) -> StageOutcome:
    """TRADE when the approval stands, back to ANALYZE when it is stale, SUSPENDED when a suspension has opened.

    Stale: the proposal changed, its approver proposed it, too few persons approved it, or the market or the
    account moved on from what was approved. A proposal without trades ends NO_TRADE.
    """
    key = {"account_day": ref.account_day_id, "pass": visits(connection, ref, Stage.APPROVE) + 1}
    return get_or_compute(
        connection, ref, Stage.APPROVE, key, lambda: _verify(connection, ref, frozen.of(connection, ref)), build=build
    )


def _verify(connection: Connection, ref: AccountDayRef, inputs: RunInputs) -> StageResult:
    day = connection.execute(select(account_day).where(account_day.c.account_day_id == ref.account_day_id)).one()
    suspensions = open_suspensions(connection, ref)
    if suspensions:
        found = suspensions[0]
        outcome = StageOutcome(Stage.APPROVE, Standstill.SUSPENDED, code=found.code, reason=found.reason)
        return StageResult(outcome, {"suspension": found.suspension_id})
    proposal = stored_proposal(connection, ref, day.proposal_hash)
    if proposal is None or content_hash(proposal.body) != day.proposal_hash:
        return _stale("PROPOSAL_CHANGED", "the stored proposal is not the one that was filtered")
    if not proposal.body["trades"]:
        reason = "the approved proposal has no trades"
        return StageResult(StageOutcome(Stage.APPROVE, Stage.RECORD, terminal=TerminalState.NO_TRADE, reason=reason))
    if day.lane == Lane.AUTOMATED:
        return _by_policy(connection, ref, inputs, day)
    return _by_persons(connection, ref, inputs, day, proposal)


def _by_policy(connection: Connection, ref: AccountDayRef, inputs: RunInputs, day: Row[Any]) -> StageResult:
    filtered = newest_result(connection, ref, Stage.FILTER)
    if filtered is None or filtered.detail.get("proposal") != day.proposal_hash:
        return _stale("NOT_FILTERED", "the filters did not see this proposal")
    actor = f"{POLICY}{inputs.one(FILTERS)[:12]}"
    decision_id = write_policy_approval(connection, ref, day.proposal_hash, actor)
    return _standing([decision_id], [actor], day)


def _by_persons(
    connection: Connection, ref: AccountDayRef, inputs: RunInputs, day: Row[Any], proposal: Row[Any]
) -> StageResult:
    rows = [row for row in accepted_approvals(connection, ref, day.proposal_hash) if not row.actor.startswith(POLICY)]
    others = [row for row in rows if proposal.proposed_by not in (row.actor, row.on_behalf_of)]
    if rows and not others:
        return _stale("SELF_APPROVAL", "who proposed the trades also approved them")
    if len({row.actor for row in others}) < approvals_needed(connection, ref):
        return _stale("APPROVAL_MISSING", "no accepted approval of this very proposal stands")
    if any(not row.actor_roles for row in others):
        return _stale("APPROVER_WITHOUT_ROLE", "an approval names no role that may approve")
    if any(_moved(row.envelope, inputs, day) for row in others):
        return _stale("ENVELOPE_LEFT", "prices or data have moved on from what was approved")
    return _standing([row.decision_id for row in others], [row.actor for row in others], day)


def _moved(envelope: Mapping[str, Any] | None, inputs: RunInputs, day: Row[Any]) -> bool:
    """Whether the approval names another market or snapshot than the ones that hold."""
    now = {"market": inputs.of("market").get(""), "snapshot": day.snapshot_hash}
    return any(name in now and value != now[name] for name, value in (envelope or {}).items())


def _standing(decision_ids: Sequence[str], actors: Sequence[str], day: Row[Any]) -> StageResult:
    detail = {"decisions": list(decision_ids), "approved_by": list(actors), "proposal": day.proposal_hash}
    return StageResult(StageOutcome(Stage.APPROVE, Stage.TRADE), detail)


def _stale(code: str, reason: str) -> StageResult:
    return StageResult(StageOutcome(Stage.APPROVE, Stage.ANALYZE, code=code, reason=reason))
