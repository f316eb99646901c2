"""Shadow runs of proposed changes: what each would read on the last days, and the reports kept beside the changes.

A report is a version of its own under the change's id, append-only, with the hash of exactly what was run: an approval
asks for one of what it approves (N6, N8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import distinct_on

from trimtab.build import build_id
from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.bulk_changes import bulk_change_of
from trimtab.db.programme import Change, change_of
from trimtab.db.settings_versions import last_version, write_version
from trimtab.db.shadow_days import (
    AnalysedDay,
    StoredInputs,
    analysed_days,
    recorded_on,
    seconds_each,
)
from trimtab.db.shadow_subjects import (
    TARGETED,
    OfBuild,
    OfProgramme,
    OfSettings,
    ShadowSubject,
    programme_subject,
)
from trimtab.db.tables import setting_version
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import plain
from trimtab.domain.shadow.replay import Recorded, Replay, replayed
from trimtab.domain.shadow.report import Scope, ShadowReport, chosen, reported

SHADOW_RUN: Final = "shadow_run"
DAYS: Final = 5
"""How many of the last analysed days a change is run on."""
MOST_DAYS: Final = 20
SECONDS: Final = 10.0
"""Of processor time that a run may take when nobody says another: it makes the sample."""
MOST_ACCOUNT_DAYS: Final = 2_000
"""However much time there is: all of them are held in memory at once."""
_REPORTS: Final = TypeAdapter(ShadowReport)


class ShadowRunMissing(TrimtabError):
    """Exactly this change has not been run on the stored days."""

    code = "SHADOW_RUN_MISSING"


class NoProposedChange(TrimtabError):
    """There is no proposed change under this id."""

    code = "NO_PROPOSED_CHANGE"


@dataclass(frozen=True, slots=True)
class ShadowJob:
    """Everything that a run reads, so that no transaction is open while it is solved."""

    change_id: str
    scope: Scope
    replays: tuple[Replay, ...]


def run(job: ShadowJob) -> ShadowReport:
    """Solve and compare."""
    return reported(job.scope, replayed(job.replays))


# --- what is run -----------------------------------------------------------------------------------------------------


def build_job(connection: Connection, firm_id: str, days: int, seconds: float) -> ShadowJob:
    """What running this build on the stored days reads."""
    allow_long_statements(connection)
    return _job(connection, firm_id, "", OfBuild(), days, seconds)


def shadow_job(connection: Connection, firm_id: str, change_id: str, days: int, seconds: float) -> ShadowJob:
    """What running the proposed change reads, programme or settings. Raises NoProposedChange."""
    allow_long_statements(connection)
    found = change_of(connection, change_id)
    if found is not None:
        return _job(connection, firm_id, change_id, OfProgramme(found[0]), days, seconds)
    bulk = bulk_change_of(connection, change_id)
    if bulk is not None:
        return _job(connection, firm_id, change_id, OfSettings(bulk[0]), days, seconds)
    raise NoProposedChange(f"there is no proposed change {change_id}")


def _job(
    connection: Connection, firm_id: str, change_id: str, change: ShadowSubject, days: int, seconds: float
) -> ShadowJob:
    found = analysed_days(connection, days)
    by_day = {day: set(change.concerned(connection, firm_id, day)) for day in found}
    accounts = set[str]().union(*by_day.values())
    sample = chosen(change.subject, accounts, _size(connection, found, seconds))
    stored = StoredInputs(connection)
    replays: list[Replay] = []
    unreadable: dict[str, str] = {}
    for day, concerned in by_day.items():
        members = [name for name in sample if name in concerned]
        recorded, faults = recorded_on(connection, firm_id, day, members, stored)
        unreadable |= faults
        replays += [_replay(change, each) for each in recorded]
    scope = Scope(
        subject=change.subject,
        build=build_id(),
        days=tuple(day.business_date for day in found),
        accounts=len(accounts),
        analysed=len({each.recorded.account_id for each in replays}),
        notes=change.notes() if found else (),
        unreadable=unreadable,
    )
    return ShadowJob(change_id, scope, tuple(replays))


def _replay(change: ShadowSubject, recorded: Recorded) -> Replay:
    try:
        return Replay(recorded, change.replaced(recorded))
    except TrimtabError as error:
        return Replay(recorded, None, (error.code, str(error)))


def _size(connection: Connection, days: Sequence[AnalysedDay], seconds: float) -> int:
    """So many accounts can be run on all the days in the time, going by what their stored analyses took."""
    if not days:
        return 0
    account_days = min(seconds / seconds_each(connection, days[0].run_id), MOST_ACCOUNT_DAYS)
    return max(int(account_days / len(days)), 1)


# --- what is kept ----------------------------------------------------------------------------------------------------


def keep_report(connection: Connection, firm_id: str, change_id: str, report: ShadowReport, actor: str) -> None:
    """Append the report to those of the change. Raises StaleVersion when another one came at the same moment."""
    before = last_version(connection, SHADOW_RUN, change_id)
    document: Any = plain(report)
    write_version(
        connection,
        firm_id,
        SHADOW_RUN,
        change_id,
        document,
        effective_from=date.min,
        actor=actor,
        reason=report.sentence,
        supersedes=None if before is None else int(before.seq),
    )


def report_of(connection: Connection, change_id: str) -> ShadowReport | None:
    """The newest report of the change."""
    row = last_version(connection, SHADOW_RUN, change_id)
    return None if row is None else read_report(row)


def read_report(row: Row[Any]) -> ShadowReport:
    return _REPORTS.validate_python(row.value, strict=False)


def newest_reports(connection: Connection, change_ids: Sequence[str]) -> list[Row[Any]]:
    """The newest version of the reports of each change: `key` is the change."""
    own = setting_version.c
    rows = select(setting_version).where(own.entity == SHADOW_RUN, own.key.in_(change_ids))
    return list(connection.execute(rows.ext(distinct_on(own.key)).order_by(own.key, own.seq.desc())))


def require_shadow_run(connection: Connection, change_id: str, subject: str) -> None:
    """Raises ShadowRunMissing, unless exactly this was run, or there is no analysed day to run it on."""
    report = report_of(connection, change_id)
    ran = report is not None and report.subject == subject
    if (not ran or report is None or not report.days) and analysed_days(connection, 1):
        raise ShadowRunMissing("exactly this has not been run on the last days: ask runShadow for it, then decide")


def require_programme_run(connection: Connection, change: Change) -> None:
    """`require_shadow_run` of a change that changes targets; the others have nothing to run."""
    if change.kind in TARGETED:
        require_shadow_run(connection, change.change_id, programme_subject(change))
