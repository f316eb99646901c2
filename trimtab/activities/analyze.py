"""The analyze stage: from the frozen snapshot to a checked proposal and the facts that filters see.

The solve lies between two transactions: `prepare_analysis` says what to solve, `store_analysis` writes the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from trimtab.activities.inputs import Inputs
from trimtab.activities.solver import Solved, SolveJob
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.account_days import SYSTEM_ACTOR
from trimtab.db.account_history import known_by_now
from trimtab.db.decisions import write_proposal
from trimtab.db.filters import write_facts
from trimtab.db.stages import StageResult, adopt, find_result, get_or_compute, newest_result
from trimtab.db.tables import account_day
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.account_measures import with_findings
from trimtab.domain.analysis_flags import with_analysis_flags
from trimtab.domain.calibration import CALIBRATION_MAP
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import HoldCode, Stage, TerminalState
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal, Rung
from trimtab.domain.records import content_hash, plain


class SnapshotMissing(TrimtabError):
    """An account-day stands at analyze without a snapshot."""

    code = "SNAPSHOT_MISSING"


@dataclass(frozen=True, slots=True)
class AnalysisJob:
    """What one account's analysis reads. `input_hash` is the stage's key."""

    solve: SolveJob
    inputs: Mapping[str, Any]


def prepare_analysis(connection: Connection, ref: AccountDayRef, inputs: Inputs) -> AnalysisJob | StageOutcome:
    """What to solve, or the outcome when the account-day has it already.

    Market and models are those of the manifest that the account was ingested from. Raises SnapshotMissing and
    OutOfStep.
    """
    adopted = adopt(connection, ref, Stage.ANALYZE)
    if adopted is not None:
        return adopted
    snapshot_hash = _day(connection, ref).snapshot_hash
    ingested = newest_result(connection, ref, Stage.INGEST)
    if snapshot_hash is None or ingested is None:
        raise SnapshotMissing(f"account-day {ref.account_day_id} has no snapshot to analyse")
    data = inputs.of_manifest(connection, str(ingested.detail["inputs"]))
    manifest = data.manifest
    key = {
        "snapshot": snapshot_hash,
        "market": manifest.market,
        "models": content_hash(manifest.models),
        "calibration": data.calibration.version,
        **({CALIBRATION_MAP: manifest.calibration} if manifest.calibration else {}),
    }
    if find_result(connection, ref, Stage.ANALYZE, content_hash(key)) is not None:
        return get_or_compute(connection, ref, Stage.ANALYZE, key, _never)
    job = SolveJob(ref.firm_id, snapshot_hash, manifest.market, dict(manifest.models), manifest.calibration)
    return AnalysisJob(job, key)


def store_analysis(
    connection: Connection, ref: AccountDayRef, job: AnalysisJob, solved: Solved, *, build: str
) -> StageOutcome:
    """Write the proposal, the facts and the stage's result; goes on to FILTER, or ends HELD(SOLVER)."""
    return get_or_compute(
        connection,
        ref,
        Stage.ANALYZE,
        job.inputs,
        lambda: _propose(connection, ref, job, solved),
        build=build,
        seconds=solved.seconds,
    )


def _propose(connection: Connection, ref: AccountDayRef, job: AnalysisJob, solved: Solved) -> StageResult:
    proposal = solved.proposal
    proposal_id = write_proposal(
        connection, ref, solved.proposal_hash, proposal.input_hash, plain(proposal), SYSTEM_ACTOR
    )
    write_facts(connection, ref.firm_id, ref.run_id, _facts(connection, ref, solved))
    detail = {
        **job.inputs,
        "target": solved.target_hash,
        "proposal_id": proposal_id,
        "proposal": solved.proposal_hash,
        "result": proposal.outcome,
        "solve_seconds": f"{solved.seconds:.3f}",
    }
    changes = {"proposal_id": proposal_id, "proposal_hash": solved.proposal_hash}
    return StageResult(_outcome(proposal), detail, changes)


def _outcome(proposal: RebalanceProposal) -> StageOutcome:
    if proposal.outcome is AnalysisOutcome.SOLVER_FAILED:
        return StageOutcome(
            Stage.ANALYZE,
            Stage.RECORD,
            terminal=TerminalState.HELD,
            code=HoldCode.SOLVER,
            reason=proposal.note or "the solver found no answer",
        )
    if proposal.rung is Rung.HOLD:
        return StageOutcome(
            Stage.ANALYZE, Stage.RECORD, terminal=TerminalState.HELD, code=HoldCode.SOLVER, reason=proposal.note
        )
    return StageOutcome(Stage.ANALYZE, Stage.FILTER, reason=proposal.note)


def _facts(connection: Connection, ref: AccountDayRef, solved: Solved) -> AccountFacts:
    """The facts with what validation found and what stands open about the account."""
    validated = newest_result(connection, ref, Stage.VALIDATE)
    detail: Mapping[str, Any] = validated.detail if validated is not None else {}
    flags = with_analysis_flags(detail.get("flags", ()), solved.proposal, detail)
    codes = [str(finding["code"]) for finding in detail.get("findings", ())]
    return known_by_now(connection, ref, with_findings(solved.facts, codes, flags))


def _day(connection: Connection, ref: AccountDayRef) -> Row[Any]:
    return connection.execute(
        select(account_day.c.snapshot_hash).where(account_day.c.account_day_id == ref.account_day_id)
    ).one()


def _never() -> StageResult:
    raise SnapshotMissing("a stored analysis vanished within its transaction")
