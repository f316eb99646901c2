"""The validate stage: every finding about the account's inputs, its suspensions, and the snapshot when it is sound."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from trimtab.activities.applied_events import prepare
from trimtab.activities.event_bookings import write_bookings
from trimtab.activities.holdings import RawHoldings
from trimtab.activities.ingest import HOLDINGS
from trimtab.activities.inputs import Inputs, RunData
from trimtab.activities.market_alerts import BEYOND_LIMITS
from trimtab.activities.prepared import Prepared
from trimtab.activities.snapshot import beyond_limits, findings_of, snapshot_of
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db import suspensions
from trimtab.db.account_history import known_by_now
from trimtab.db.alerts import raise_alert
from trimtab.db.content import get_body, put_content
from trimtab.db.decisions import open_suspensions
from trimtab.db.filters import write_facts
from trimtab.db.stages import StageResult, get_or_compute, newest_result, visits
from trimtab.domain.account_measures import facts_of, with_findings
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.analysis_flags import ASK_ABOVE
from trimtab.domain.errors import TrimtabError
from trimtab.domain.findings import DataVerdict, Finding, FindingScope, verdict
from trimtab.domain.lifecycle import Stage, Standstill, TerminalState
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

SNAPSHOT: Final = "snapshot"
_RAW: Final[TypeAdapter[RawHoldings]] = TypeAdapter(RawHoldings)


class NotIngested(TrimtabError):
    """An account-day stands at validate without what ingest stores."""

    code = "NOT_INGESTED"


def validate(
    connection: Connection,
    ref: AccountDayRef,
    inputs: Inputs,
    *,
    build: str,
    read: Mapping[str, RawHoldings] | None = None,
) -> StageOutcome:
    """ANALYZE with a snapshot, SUSPENDED with a code, or the end of a closed account's day.

    A data suspension of ours whose fault is gone is lifted, one whose fault is there is opened, and each fault is
    alerted once a day. Raises NotIngested, InputNotFrozen, OutOfStep.
    """
    ingested = newest_result(connection, ref, Stage.INGEST)
    if ingested is None:
        raise NotIngested(f"account-day {ref.account_day_id} has no holdings to validate")
    digest = str(ingested.detail[HOLDINGS])
    run = inputs.of_manifest(connection, str(ingested.detail["inputs"]))
    key = {"inputs": run.digest, HOLDINGS: digest, "pass": visits(connection, ref, Stage.VALIDATE) + 1}

    def judge() -> StageResult:
        raw = (read or {}).get(ref.account_id) or _RAW.validate_json(get_body(connection, digest), strict=False)
        return _judge(connection, ref, run, raw, key)

    return get_or_compute(connection, ref, Stage.VALIDATE, key, judge, build=build)


def _judge(
    connection: Connection, ref: AccountDayRef, run: RunData, raw: RawHoldings, key: Mapping[str, Any]
) -> StageResult:
    prepared = prepare(run, raw)
    write_bookings(connection, ref, prepared)
    found = findings_of(run, prepared)
    judged = verdict(found)
    beyond = beyond_limits(run, prepared)
    flags = [*judged.flags, *([BEYOND_LIMITS] if beyond else [])]
    detail = {**key, "flags": flags, "findings": _told(found), **_asked_above(raw)}
    if beyond:
        detail["beyond_limits"] = list(beyond)
    if judged.closed_by:
        return StageResult(_closed(judged.closed_by[0]), detail)
    still_open = _settle(connection, ref, judged)
    _alert_account(connection, ref, judged)
    if judged.suspended_by or still_open:
        _keep_facts(connection, ref, raw, found, judged)
        return StageResult(_suspended(judged, still_open), detail)
    return _sound(connection, ref, run, prepared, judged, detail)


def _asked_above(raw: RawHoldings) -> dict[str, str]:
    """The tracking error above which the profile asks for a person: the analysis flags it."""
    said = raw.decided.get("dispersion")
    return {ASK_ABOVE: said.statement.values["limit"]} if said is not None and said.statement.is_on else {}


def _sound(
    connection: Connection,
    ref: AccountDayRef,
    run: RunData,
    prepared: Prepared,
    judged: DataVerdict,
    detail: Mapping[str, Any],
) -> StageResult:
    digest = put_content(connection, ref.firm_id, SNAPSHOT, snapshot_of(run, prepared, judged.frozen))
    return StageResult(
        StageOutcome(Stage.VALIDATE, Stage.ANALYZE), {**detail, SNAPSHOT: digest}, {"snapshot_hash": digest}
    )


def _keep_facts(
    connection: Connection, ref: AccountDayRef, raw: RawHoldings, found: Sequence[Finding], judged: DataVerdict
) -> None:
    """What filters see of an account that is not analysed: they find it all the same."""
    row = facts_of(raw.account, raw.settings or AccountSettings(), None)
    row = with_findings(row, [str(finding.code) for finding in found], judged.flags)
    write_facts(connection, ref.firm_id, ref.run_id, known_by_now(connection, ref, row))


def _closed(finding: Finding) -> StageOutcome:
    return StageOutcome(
        Stage.VALIDATE, Stage.RECORD, terminal=TerminalState.NO_TRADE, code=str(finding.code), reason=finding.message
    )


def _suspended(judged: DataVerdict, still_open: Sequence[Row[Any]]) -> StageOutcome:
    """The first fault gives the code, else the oldest suspension; the reason tells of all of them."""
    codes = [str(finding.code) for finding in judged.suspended_by] + [row.code for row in still_open]
    reasons = [finding.message for finding in judged.suspended_by]
    reasons += [row.reason for row in still_open if row.kind != SuspensionKind.DATA.value or not judged.suspended_by]
    return StageOutcome(
        Stage.VALIDATE, Standstill.SUSPENDED, code=codes[0], reason="; ".join(dict.fromkeys(reasons))[:2000]
    )


def _settle(connection: Connection, ref: AccountDayRef, judged: DataVerdict) -> list[Row[Any]]:
    """Open a suspension for each fault, lift ours whose fault is gone; returns what stands open then."""
    faults: dict[str, Finding] = {}
    for finding in judged.suspended_by:
        faults.setdefault(str(finding.code), finding)
    standing = open_suspensions(connection, ref)
    ours = {row.code: row for row in standing if _is_ours(row)}
    for code, row in ours.items():
        if code not in faults:
            suspensions.lift_suspension(
                connection,
                ref.firm_id,
                row.suspension_id,
                lifted_on=ref.business_date,
                lifted_by=suspensions.SYSTEM,
                reason="the newest input does not show the fault",
            )
    for code, finding in faults.items():
        if code not in ours:
            suspensions.open_suspension(connection, ref.firm_id, _data_suspension(ref, finding))
    return [row for row in standing if not _is_ours(row) or row.code in faults]


def _is_ours(row: Row[Any]) -> bool:
    return bool(
        row.scope == SuspensionScope.ACCOUNT.value
        and row.kind == SuspensionKind.DATA.value
        and row.opened_by == suspensions.SYSTEM
    )


def _data_suspension(ref: AccountDayRef, finding: Finding) -> Suspension:
    return Suspension(
        scope=SuspensionScope.ACCOUNT,
        scope_id=ref.account_id,
        kind=SuspensionKind.DATA,
        code=str(finding.code),
        reason=finding.message,
        since=ref.business_date,
        opened_by=suspensions.SYSTEM,
    )


def _alert_account(connection: Connection, ref: AccountDayRef, judged: DataVerdict) -> None:
    """Faults of the account itself. Those of files, securities and models were told when the inputs were frozen."""
    for finding in judged.suspended_by:
        if finding.scope is FindingScope.ACCOUNT:
            raise_alert(
                connection,
                ref.firm_id,
                cause=str(finding.code),
                scope=f"account/{ref.account_id}",
                business_date=ref.business_date,
                message=f"account {ref.account_id}: {finding.message}",
            )


def _told(found: Sequence[Finding]) -> list[dict[str, str]]:
    return [
        {
            "code": str(finding.code),
            "scope": str(finding.scope),
            "subject": finding.subject_id,
            "outcome": str(finding.outcome),
            "message": finding.message,
        }
        for finding in found[:MOST_TOLD]
    ]


MOST_TOLD: Final = 50
"""Findings kept with the stage's row: a broken file can give thousands for one account."""
