"""Queries about settings: what holds for an account, since when, why, and what else there is to set."""

from datetime import date
from typing import Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.history import accounts_by_id
from trimtab.db.profile_changes import newest_names
from trimtab.db.profiles import Profile, keys_of, layer_history, read_layers, read_profiles
from trimtab.db.settings_exceptions import exceptions
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.profile.levels import LayerKey, effective
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.ids import key_of
from trimtab.graphql.paging import DEFAULT_PAGE, page_size
from trimtab.graphql.settings.moments import day_and_version
from trimtab.graphql.settings.types import (
    AccountProfile,
    Moment,
    ProfileDifference,
    ProfileSetting,
    ProfileVersion,
    SettingKind,
    SettingsExceptionItem,
    differences,
    ordered,
)


@strawberry.type
class SettingsQuery:
    @guarded(Operation.READ_ACCOUNT, description="An account's settings at a moment; null when you may not see it.")
    async def account_profile(
        self, info: Info, account_id: strawberry.ID, at: Moment | None = None
    ) -> AccountProfile | None:
        key, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)
        moment = at or Moment()

        def read(connection: Connection) -> AccountProfile | None:
            rows = accounts_by_id(connection, [key], book)
            if not rows:
                return None
            on, seq, profile = _profile(connection, rows[0], moment)
            return AccountProfile.of(key, on, seq, profile, newest_names(connection).symbols)

        return await info.context.reader.run(read)

    @guarded(Operation.READ_ACCOUNT, description="What differs in an account's settings between two moments.")
    async def account_profile_diff(
        self, info: Info, account_id: strawberry.ID, before: Moment, after: Moment
    ) -> list[ProfileDifference] | None:
        key, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection) -> list[ProfileDifference] | None:
            rows = accounts_by_id(connection, [key], book)
            if not rows:
                return None
            one, other = (_profile(connection, rows[0], moment)[2] for moment in (before, after))
            return differences(one.held, other.held, newest_names(connection).symbols)

        return await info.context.reader.run(read)

    @guarded(Operation.READ_ACCOUNT, description="The versions behind an account's settings, the newest first.")
    async def account_profile_history(
        self, info: Info, account_id: strawberry.ID, first: int = DEFAULT_PAGE
    ) -> list[ProfileVersion] | None:
        key, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)
        size = page_size(first)

        def read(connection: Connection) -> list[ProfileVersion] | None:
            rows = accounts_by_id(connection, [key], book)
            if not rows:
                return None
            found = layer_history(connection, keys_of(rows[0]), newest_seq(connection), size)
            symbols = newest_names(connection).symbols
            return [ProfileVersion.of(each, symbols) for each in found]

        return await info.context.reader.run(read)

    @guarded(
        Operation.READ_ACCOUNT,
        description="What the firm itself has decided for all accounts, or for those of one programme.",
    )
    async def firm_settings(
        self, info: Info, programme: str | None = None, at: Moment | None = None
    ) -> list[ProfileSetting] | None:
        info.context.book(Operation.READ_ACCOUNT)
        key = LayerKey(Level.PROGRAMME, programme) if programme else LayerKey(Level.FIRM)

        def read(connection: Connection) -> list[ProfileSetting]:
            on, seq = day_and_version(connection, at or Moment())
            held = effective(read_layers(connection, [key], on, seq).values())
            symbols = newest_names(connection).symbols
            decided = ((place, each) for place, each in ordered(held) if each.is_altered)
            return [ProfileSetting.of(place, each, symbols) for place, each in decided]

        return await info.context.reader.run(read)

    @guarded(Operation.READ_ACCOUNT, description="Every setting that there is, with its sentences.")
    async def settings_language(self, info: Info) -> list[SettingKind] | None:
        info.context.book(Operation.READ_ACCOUNT)
        return [SettingKind.of(setting) for setting in LANGUAGE]

    @guarded(
        Operation.EXCEED_CUSTOMISATION_LIMITS,
        description="Changes beyond the customisation limits that you may decide, or have asked for.",
    )
    async def settings_exceptions(self, info: Info, status: str | None = None) -> list[SettingsExceptionItem] | None:
        context = info.context

        def read(connection: Connection) -> list[SettingsExceptionItem]:
            symbols = newest_names(connection).symbols
            return [
                SettingsExceptionItem.of(each, symbols)
                for each in exceptions(connection)
                if status in (None, each.status.value)
                and any(
                    not isinstance(context.decide(Operation.EXCEED_CUSTOMISATION_LIMITS, subject, act), Denied)
                    for subject, act in (
                        (Subject(context.firm_id, proposed_by=frozenset({"somebody else"})), Act.VERIFY),
                        (Subject(context.firm_id, advisor_id=each.advisor_id), Act.PROPOSE),
                    )
                )
            ]

        return await context.reader.run(read)


def _profile(connection: Connection, row: Row[Any], moment: Moment) -> tuple[date, int, Profile]:
    on, seq = day_and_version(connection, moment)
    return on, seq, read_profiles(connection, [row], on, seq)[row.account_id]
