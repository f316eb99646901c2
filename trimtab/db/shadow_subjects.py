"""What a shadow run is of: a change of the programme, one of settings in bulk, or the build itself.

Each says which accounts it concerns on a stored day, and what an account would read with it: the day's frozen inputs
with one thing replaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from trimtab.build import build_id
from trimtab.db.bulk_changes import members_of, statements_after
from trimtab.db.programme import Change, Programme, ProgrammeKind, reached, read_programme, with_change
from trimtab.db.shadow_days import AnalysedDay, accounts_on, followers_on, settings_known
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.errors import TrimtabError
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.profile.bulk import BulkChange
from trimtab.domain.profile.statements import Statement
from trimtab.domain.profile.what_if import with_statements
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import names_of
from trimtab.domain.shadow.replay import Recorded
from trimtab.domain.snapshots import AnalysisInput

TARGETED: Final = frozenset(
    {ProgrammeKind.ALLOCATION, ProgrammeKind.PRODUCT_SET, ProgrammeKind.VARIANT, ProgrammeKind.PROVIDER_MODEL}
)
"""Changes of these parts of the programme change what accounts follow."""


class ShadowSubject(Protocol):
    """What is run."""

    @property
    def subject(self) -> str:
        """The content hash of exactly what is run."""

    def concerned(self, connection: Connection, firm_id: str, day: AnalysedDay) -> Iterable[str]:
        """The accounts that might come to something else on the day."""

    def replaced(self, recorded: Recorded) -> AnalysisInput | None:
        """What the account would read; None when that is the same. Raises a TrimtabError when it cannot be told."""

    def notes(self) -> tuple[str, ...]:
        """What whoever reads the figures has to know."""


def programme_subject(change: Change) -> str:
    """The hash of what an approval of the change would publish."""
    return content_hash([change.kind.value, change.key, plain(change.value)])


def bulk_subject(change: BulkChange) -> str:
    """The hash of what the change would set for whom. Exemptions only take accounts out: they ask for no new run."""
    said: Any = {place: plain(what) for place, what in change.changes.items()}
    return content_hash(["bulk", change.target, change.members, said])


@dataclass
class OfProgramme:
    """The programme of each day, as it was known then, with the change."""

    change: Change
    targets: dict[date, dict[str, ModelPortfolio | InvalidProgramme]] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return programme_subject(self.change)

    def concerned(self, connection: Connection, firm_id: str, day: AnalysedDay) -> Iterable[str]:
        """Who follows a model on the day that would be another one."""
        seq = settings_known(connection, firm_id, day)
        if seq is None or self.change.kind not in TARGETED:
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
        if self.change.kind not in TARGETED:
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
class OfSettings:
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


@dataclass(frozen=True, slots=True)
class OfBuild:
    """Every analysis exactly as it was, by this build: the release gate (N8)."""

    @property
    def subject(self) -> str:
        return content_hash(["build", build_id()])

    def concerned(self, connection: Connection, firm_id: str, day: AnalysedDay) -> Iterable[str]:
        """Every account of the day."""
        return accounts_on(connection, day.run_id)

    def replaced(self, recorded: Recorded) -> AnalysisInput | None:
        return recorded.request

    def notes(self) -> tuple[str, ...]:
        return ("What was recorded is compared with what this build makes of the same inputs.",)
