"""The client profile as the API shows it: sentences, where they come from, and what changed between two moments."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from trimtab.db.profiles import Profile
from trimtab.db.settings_exceptions import SettingsException
from trimtab.domain.profile.levels import EXEMPT, Held, LayerVersion
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.slots import Slot
from trimtab.domain.profile.statements import Group, Level, Setting, Statement

strawberry.enum(Group, name="SettingGroup", description="The twelve groups of the client profile.")


@strawberry.enum(description="Where a setting is made. A firm's or a programme's settings change for many: in bulk.")
class SettingLevel(Enum):
    ADVISOR = "ADVISOR"
    HOUSEHOLD = "HOUSEHOLD"
    ACCOUNT = "ACCOUNT"

    @property
    def level(self) -> Level:
        return Level(self.value)


@strawberry.input(description="A moment: what holds on a day, as it was known then.")
class Moment:
    as_of: date | None = strawberry.field(default=None, description="Without it the newest business date.")
    known_at: int | None = strawberry.field(default=None, description="A version's number; without it, what is known.")
    known_at_time: datetime | None = strawberry.field(default=None, description="An instant instead of a version.")


@strawberry.type(description="A setting that holds, and who says so.")
class ProfileSetting:
    place: str = strawberry.field(description="What it is about: settings of one place replace each other.")
    key: str
    group: Group
    sentence: str
    form: str
    values: JSON = strawberry.field(description="Gap of the sentence to value: fractions, dollars, ISO dates, words.")
    level: str = strawberry.field(description="DEFAULT, FILE (the accounts file), FIRM, PROGRAMME, ADVISOR, ...")
    owner: str | None = strawberry.field(description="Of the level; null for the firm, the file and defaults.")
    is_altered: bool = strawberry.field(description="Whether a person has decided it.")
    version: int | None
    exception_id: str | None = strawberry.field(description="Under which it was approved beyond the limits.")

    @classmethod
    def of(cls, place: str, held: Held, symbols: Mapping[str, str]) -> "ProfileSetting":
        values: Any = dict(held.statement.values)
        return cls(
            place=place,
            key=held.statement.key,
            group=LANGUAGE.setting(held.statement.key).group,
            sentence=LANGUAGE.render(held.statement, symbols),
            form=held.statement.form,
            values=values,
            level=held.level.value,
            owner=held.owner or None,
            is_altered=held.is_altered,
            version=held.version,
            exception_id=held.exception,
        )


@strawberry.type(description="The account's machine-readable investment policy (X1), in the order of its groups.")
class AccountProfile:
    account_id: str
    as_of: date
    known_at: int
    settings: list[ProfileSetting]

    @strawberry.field(description="The whole profile as text to print, with a heading for each group.")
    def summary(self) -> list[str]:
        lines = []
        for group in Group:
            lines.append(group.value.replace("_", " ").capitalize())
            lines += [f"  {_marked(each)}" for each in self.settings if each.group is group]
        return lines

    @classmethod
    def of(
        cls, account_id: str, as_of: date, known_at: int, profile: Profile, symbols: Mapping[str, str]
    ) -> "AccountProfile":
        settings = [ProfileSetting.of(place, held, symbols) for place, held in ordered(profile.held)]
        return cls(account_id=account_id, as_of=as_of, known_at=known_at, settings=settings)


def ordered(held: Mapping[str, Held]) -> list[tuple[str, Held]]:
    """In the order of the settings, then of what they are about."""
    order = {setting.key: number for number, setting in enumerate(LANGUAGE)}
    return sorted(held.items(), key=lambda each: (order[each[1].statement.key], each[0]))


def _marked(setting: ProfileSetting) -> str:
    if not setting.is_altered:
        return setting.sentence
    return f"* {setting.sentence} ({setting.level.lower()}{f' {setting.owner}' if setting.owner else ''})"


@strawberry.type(description="A setting that is not the same at two moments, in English.")
class ProfileDifference:
    place: str
    before: str | None = strawberry.field(description="Null: nothing was said.")
    after: str | None
    sentence: str

    @classmethod
    def of(cls, place: str, before: str | None, after: str | None) -> "ProfileDifference":
        return cls(place=place, before=before, after=after, sentence=told(before, after))


def told(before: str | None, after: str | None) -> str:
    """The difference as one sentence for people."""
    if before is None:
        return f"New: {after}"
    return f"No longer: {before}" if after is None else f"Was: {before} Now: {after}"


def differences(
    before: Mapping[str, Held], after: Mapping[str, Held], symbols: Mapping[str, str]
) -> list[ProfileDifference]:
    """Of two profiles, in the order of the settings."""

    def said(held: Mapping[str, Held], place: str) -> str | None:
        return LANGUAGE.render(held[place].statement, symbols) if place in held else None

    pairs = ((place, said(before, place), said(after, place)) for place, _ in ordered({**after, **before}))
    return [ProfileDifference.of(place, one, other) for place, one, other in pairs if one != other]


@strawberry.type(description="A version of one layer of the profile: who changed what, from when, and why.")
class ProfileVersion:
    version: int
    level: str
    owner: str | None
    effective_from: date
    changes: list[str]
    actor: str
    reason: str
    bulk_change_id: str | None
    exception_id: str | None

    @classmethod
    def of(cls, version: LayerVersion, symbols: Mapping[str, str]) -> "ProfileVersion":
        return cls(
            version=version.seq,
            level=version.key.level.value,
            owner=version.key.owner or None,
            effective_from=version.effective_from,
            changes=[change_told(place, what, symbols) for place, what in version.changes.items()],
            actor=version.actor,
            reason=version.reason,
            bulk_change_id=version.bulk_change,
            exception_id=version.exception,
        )


def change_told(place: str, what: Statement | str | None, symbols: Mapping[str, str]) -> str:
    """One place of a version, in words."""
    if isinstance(what, Statement):
        return LANGUAGE.render(what, symbols)
    return f"Inherit {place}." if what is None else f"{what.replace(EXEMPT, 'Exempt').strip()} from {place}."


@strawberry.type(description="A gap in a sentence: its unit and range.")
class SettingGap:
    name: str
    kind: str
    low: str | None
    high: str | None
    words: list[str]

    @classmethod
    def of(cls, slot: Slot) -> "SettingGap":
        bounded = slot.kind.value in ("PERCENT", "DOLLARS", "COUNT")
        return cls(
            name=slot.name,
            kind=slot.kind.value,
            low=slot.written(str(slot.low)) if bounded else None,
            high=slot.written(str(slot.high)) if bounded else None,
            words=list(slot.words.values()),
        )


@strawberry.type(description="A setting that there is: its sentences with gaps, units, ranges, and the default.")
class SettingKind:
    key: str
    group: Group
    sentences: list[str]
    gaps: list[SettingGap]
    default: str | None
    levels: list[str]
    effect: str

    @classmethod
    def of(cls, setting: Setting) -> "SettingKind":
        return cls(
            key=setting.key,
            group=setting.group,
            sentences=list(setting.forms.values()),
            gaps=[SettingGap.of(slot) for slot in setting.slots],
            default=None if setting.default is None else setting.render(setting.default),
            levels=[level.value for level in setting.levels],
            effect=setting.effect,
        )


@strawberry.type(description="A change of settings beyond the customisation limits, and what became of it.")
class SettingsExceptionItem:
    exception_id: str
    level: str
    owner: str | None
    changes: list[str]
    beyond: list[str] = strawberry.field(description="Which limits it goes beyond.")
    effective_from: date
    reason: str
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str

    @classmethod
    def of(cls, found: SettingsException, symbols: Mapping[str, str]) -> "SettingsExceptionItem":
        wanted = found.wanted
        return cls(
            exception_id=found.exception_id,
            level=wanted.key.level.value,
            owner=wanted.key.owner or None,
            changes=[change_told(place, what, symbols) for place, what in wanted.changes.items()],
            beyond=list(found.beyond),
            effective_from=wanted.effective_from,
            reason=wanted.reason,
            proposed_by=list(found.proposed_by),
            status=found.status.value,
            decided_by=found.decided_by,
            decision_reason=found.decision_reason,
        )
