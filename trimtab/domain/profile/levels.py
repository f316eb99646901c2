"""Where a setting comes from: firm > programme > advisor > household > account, each storing only what it alters.

What the accounts file states of an account lies below all of them, and the defaults below the file: as long as
nobody has decided anything, an account behaves as its custodian's file says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from trimtab.domain.profile.errors import LockedSetting, WrongLevel
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import DECIDED, LEVELS, Level, Statement

EXEMPT: Final = "exempt"
"""In place of a statement: what the firm and the programme say of this place does not count here. With a last day
("exempt 2026-12-31") it counts again from the day after.
"""


def exempt_until(last_day: date | None) -> str:
    """The exemption as a layer keeps it; None: until somebody ends it."""
    return EXEMPT if last_day is None else f"{EXEMPT} {last_day.isoformat()}"


def is_exempt(what: object, on: date) -> bool:
    """Whether a layer's word about a place is an exemption that counts on the day."""
    if not isinstance(what, str):
        return False
    last_day = what.removeprefix(EXEMPT).strip()
    return not last_day or on <= date.fromisoformat(last_day)


@dataclass(frozen=True, slots=True)
class LayerKey:
    """Whose layer: the firm's has no owner."""

    level: Level
    owner: str = ""

    @property
    def text(self) -> str:
        return f"{self.level.value}:{self.owner}" if self.owner else self.level.value

    @classmethod
    def of(cls, text: str) -> "LayerKey":
        level, _, owner = text.partition(":")
        return cls(Level(level), owner)


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """What somebody changed in one layer at one time: each place to a statement, None (inherited again) or EXEMPT."""

    key: LayerKey
    seq: int
    effective_from: date
    changes: Mapping[str, Statement | str | None]
    actor: str = ""
    reason: str = ""
    bulk_change: str | None = None  # the change of many accounts that it is part of
    exception: str | None = None  # under which it was approved, beyond the customisation limits


@dataclass(frozen=True, slots=True)
class Held:
    """A setting that holds, and who says so."""

    statement: Statement
    level: Level
    owner: str = ""
    version: int | None = None  # None for the file and the defaults
    exception: str | None = None  # under which somebody has approved it

    @property
    def is_altered(self) -> bool:
        """Whether a person has decided it."""
        return self.level in DECIDED


@dataclass(frozen=True, slots=True)
class Said:
    """What a layer says of one place, and the version that said so."""

    what: Statement | str | None
    version: int
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer says on a day, by place."""

    key: LayerKey
    says: Mapping[str, Said] = field(default_factory=dict)
    on: date = date.min  # the day; exemptions end


def layer_of(key: LayerKey, versions: Iterable[LayerVersion], on: date = date.min) -> Layer:
    """The layer, given those of its versions that hold and are known: of each place the last effective, then last made.

    That is the rule of all versions (`settings_as_of`), place by place: a change that is to hold from a later day
    takes nothing else with it.
    """
    said: dict[str, Said] = {}
    for version in sorted(versions, key=lambda each: (each.effective_from, each.seq)):
        said |= {place: Said(what, version.seq, version.exception) for place, what in version.changes.items()}
    return Layer(key, said, on)


_DEFAULTS: Final[Mapping[str, Held]] = {
    setting.key: Held(setting.default, Level.DEFAULT) for setting in LANGUAGE if setting.default is not None
}


def effective(layers: Iterable[Layer], file: Mapping[str, Statement] | None = None) -> dict[str, Held]:
    """What holds, by place: the narrowest layer that says something, except that the firm's locks are not lifted."""
    held = dict(_DEFAULTS)
    held |= {place: Held(statement, Level.FILE) for place, statement in (file or {}).items()}
    below = dict(held)
    for layer in sorted(layers, key=lambda each: LEVELS.index(each.key.level)):
        for place, said in layer.says.items():
            if is_exempt(said.what, layer.on):
                _restore(held, below, place)
            elif isinstance(said.what, Statement) and not lifts_a_lock(said.what, held.get(place)):
                held[place] = Held(said.what, layer.key.level, layer.key.owner, said.version, said.exception)
    return held


def _restore(held: dict[str, Held], below: Mapping[str, Held], place: str) -> None:
    current = held.get(place)
    if current is None or current.level not in (Level.FIRM, Level.PROGRAMME):
        return
    if place in below:
        held[place] = below[place]
    else:
        del held[place]


WHOSE: Final = {
    Level.FIRM: "the firm",
    Level.PROGRAMME: "a programme",
    Level.ADVISOR: "an advisor",
    Level.HOUSEHOLD: "a household",
    Level.ACCOUNT: "one account",
}


def lifts_a_lock(statement: Statement, held: Held | None) -> bool:
    """Whether a statement would lift what the firm itself has laid down."""
    setting = LANGUAGE.setting(statement.key)
    if held is None or not setting.locked_by_firm or held.level is not Level.FIRM:
        return False
    return held.statement.is_on and statement.form != held.statement.form


def require_allowed(key: LayerKey, statement: Statement, held: Mapping[str, Held]) -> None:
    """Raises WrongLevel and LockedSetting for a statement that this layer cannot make."""
    setting = LANGUAGE.setting(statement.key)
    if key.level not in setting.levels:
        levels = " or ".join(WHOSE[level] for level in setting.levels)
        raise WrongLevel(f"{setting.key} is not made for {WHOSE[key.level]}: make it for {levels}")
    if key.level is not Level.FIRM and lifts_a_lock(statement, held.get(setting.place(statement))):
        raise LockedSetting(
            f"{setting.render(held[setting.place(statement)].statement)} is the firm's rule, which nobody lifts for one"
            " account: exempt the account from the firm's change, with a reason"
        )


# --- as stored -----------------------------------------------------------------------------------------------------


def stored(changes: Mapping[str, Statement | str | None]) -> dict[str, Any]:
    """The changes as JSON."""
    return {place: _stored(said) for place, said in changes.items()}


def _stored(said: Statement | str | None) -> Any:
    return {"key": said.key, "form": said.form, "values": dict(said.values)} if isinstance(said, Statement) else said


def read_changes(document: Mapping[str, Any]) -> dict[str, Statement | str | None]:
    """The changes of a stored version."""
    return {
        place: Statement(said["key"], said["form"], said["values"]) if isinstance(said, Mapping) else said
        for place, said in document.items()
    }


def with_changes(layer: Layer, changes: Mapping[str, Statement | str | None]) -> Layer:
    """The layer as it would be with the changes, before they have a version."""
    return replace(layer, says={**layer.says, **{place: Said(what, 0) for place, what in changes.items()}})
