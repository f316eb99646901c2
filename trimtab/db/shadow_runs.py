"""Shadow runs of proposed changes: what each would read on the last days, and the reports kept beside the changes.

A report is a version of its own under the change's id, append-only, with the hash of exactly what was run: an approval
asks for one of what it approves (N6, N8).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from trimtab.build import build_id
from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.bulk_changes import bulk_change_of, members_of, statements_after
from trimtab.db.programme import Change, Programme, ProgrammeKind, change_of, reached, read_programme, with_change
from trimtab.db.settings_versions import last_version, write_version
from trimtab.db.shadow_days import (
    AnalysedDay,
    StoredInputs,
    analysed_days,
    followers_on,
    recorded_on,
    seconds_each,
    settings_known,
)
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.errors import TrimtabError
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.profile.bulk import BulkChange
from trimtab.domain.profile.statements import Statement
from trimtab.domain.profile.what_if import with_statements
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import names_of
from trimtab.domain.shadow.replay import Recorded, Replay, replayed
from trimtab.domain.shadow.report import Scope, ShadowReport, chosen, reported
from trimtab.domain.snapshots import AnalysisInput

SHADOW_RUN: Final = "shadow_run"
DAYS: Final = 5
"""How many of the last analysed days a change is run on."""
MOST_DAYS: Final = 20
SECONDS: Final = 20.0
"""Of processor time that a run may take when nobody says another: it makes the sample."""
MOST_ACCOUNT_DAYS: Final = 2_000
"""However much time there is: all of them are held in memory at once."""
_REPORTS: Final = TypeAdapter(ShadowReport)
_TARGETED: Final = frozenset(
    {ProgrammeKind.ALLOCATION, ProgrammeKind.PRODUCT_SET, ProgrammeKind.VARIANT, ProgrammeKind.PROVIDER_MODEL}
)
"""Changes of these parts of the programme change what accounts follow."""


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


def programme_subject(change: Change) -> str:
    """The hash of what an approval of the change would publish."""
    return content_hash([change.kind.value, change.key, plain(change.value)])


def bulk_subject(change: BulkChange) -> str:
    """The hash of what the change would set for whom. Exemptions only take accounts out: they ask for no new run."""
    said: Any = {place: plain(what) for place, what in change.changes.items()}
    return content_hash(["bulk", change.target, change.members, said])


def shadow_job(connection: Connection, firm_id: str, change_id: str, days: int, seconds: float) -> ShadowJob:
    """What running the proposed change reads, programme or settings. Raises NoProposedChange."""
    allow_long_statements(connection)
    found = change_of(connection, change_id)
    if found is not None:
        return _job(connection, firm_id, change_id, _OfProgramme(found[0]), days, seconds)
    bulk = bulk_change_of(connection, change_id)
    if bulk is not None:
        return _job(connection, firm_id, change_id, _OfSettings(bulk[0]), days, seconds)
    raise NoProposedChange(f"there is no proposed change {change_id}")


@dataclass
class _OfProgramme:
    """The programme of each day, as it was known then, with the change."""

    change: Change
    targets: dict[date, dict[str, ModelPortfolio | InvalidProgramme]] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return programme_subject(self.change)

    def concerned(self, connection: Connection, firm_id: str, day: AnalysedDay) -> Iterable[str]:
        """Who follows a model on the day that would be another one."""
        seq = settings_known(connection, firm_id, day)
        if seq is None or self.change.kind not in _TARGETED:
            return ()
        before = read_programme(connection, day.business_date, seq)
        self.targets[day.business_date] = moved = _moved_targets(before, self.change, day.business_date)
        return followers_on(connection, day.run_id, moved) if moved else ()

    def replaced(self, recorded: Recorded) -> AnalysisInput | None:
        """Raises InvalidProgramme."""
        name = str(recorded.request.snapshot.account.model_id)
        target = self.targets[recorded.business_date].get(name)
        if isinstance(target, InvalidProgramme):
            raise target
        if target is None:
            return None
        known = target.in_names(names_of(recorded.request.market.securities))
        return replace(recorded.request, target=known)

    def notes(self) -> tuple[str, ...]:
        if self.change.kind not in _TARGETED:
            return ("It changes no target: nothing is to be run.",)
        return ("Accounts that glide between two models are left out.",)


def _moved_targets(before: Programme, change: Change, on: date) -> dict[str, ModelPortfolio | InvalidProgramme]:
    """The models whose weights would be other ones on the day, or that nobody could follow any more."""
    after = with_change(before, change)
    names = set(reached(before, change.kind, change.key) | reached(after, change.kind, change.key))
    found: dict[str, ModelPortfolio | InvalidProgramme] = {}
    for name in sorted(names):
        old, new = _portfolio(before, name, on), _portfolio(after, name, on)
        if isinstance(new, InvalidProgramme) or isinstance(old, InvalidProgramme) or _weights(old) != _weights(new):
            found[name] = new
    if change.kind is ProgrammeKind.PROVIDER_MODEL:
        found[change.key] = after.models[change.key]
    return found


def _portfolio(programme: Programme, name: str, on: date) -> ModelPortfolio | InvalidProgramme:
    if name not in programme.names():
        return InvalidProgramme(f"{name} does not exist on {on}")
    try:
        return programme.portfolio(name, on)
    except InvalidProgramme as fault:
        return fault


def _weights(model: ModelPortfolio) -> tuple[Mapping[Any, Any], Any]:
    return dict(model.weights), model.cash_weight


@dataclass
class _OfSettings:
    """The settings of each account with what the change would make hold for it."""

    change: BulkChange
    said: Mapping[str, Mapping[str, Statement | None]] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return bulk_subject(self.change)

    def concerned(self, connection: Connection, firm_id: str, day: AnalysedDay) -> Iterable[str]:
        """For whom something else would hold; exempt accounts left out."""
        if not self.said:
            exempt = {each.account_id for each in self.change.exemptions}
            members = [name for name in members_of(connection, self.change) if name not in exempt]
            self.said = statements_after(connection, members, self.change)
        return self.said

    def replaced(self, recorded: Recorded) -> AnalysisInput | None:
        """Raises NothingInstead."""
        said = self.said.get(recorded.account_id, {})
        gone = [place for place, what in said.items() if what is None]
        if gone:
            raise NothingInstead(f"{gone[0]} would hold no more, and what the file says of it is not in a stored day")
        return with_statements(recorded.request, said)

    def notes(self) -> tuple[str, ...]:
        return ("Settings are those of each stored day, with what the change would make hold.",)


class NothingInstead(TrimtabError):
    """A setting would fall away: what would hold instead cannot be told from a stored day."""

    code = "NOTHING_INSTEAD"


_Of = _OfProgramme | _OfSettings


def _job(connection: Connection, firm_id: str, change_id: str, change: _Of, days: int, seconds: float) -> ShadowJob:
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


def _replay(change: _Of, recorded: Recorded) -> Replay:
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
    return None if row is None else _REPORTS.validate_python(row.value, strict=False)


def require_shadow_run(connection: Connection, change_id: str, subject: str) -> None:
    """Raises ShadowRunMissing, unless exactly this was run, or there is no analysed day to run it on."""
    report = report_of(connection, change_id)
    ran = report is not None and report.subject == subject
    if (not ran or report is None or not report.days) and analysed_days(connection, 1):
        raise ShadowRunMissing("exactly this has not been run on the last days: ask runShadow for it, then decide")


def require_programme_run(connection: Connection, change: Change) -> None:
    """`require_shadow_run` of a change that changes targets; the others have nothing to run."""
    if change.kind in _TARGETED:
        require_shadow_run(connection, change.change_id, programme_subject(change))
