"""Queries about the firm's programme, as it held on a day and as it was known then."""

from datetime import date

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.programme import Programme, changes, exceptions_of, read_programme
from trimtab.db.settings_versions import newest_seq
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import NotAllowed
from trimtab.graphql.programme.types import ProgrammeChange, ProgrammeModel, VariantException

_ON = "Without `asOf` the newest business date; `knownAt` is a version's number, without it what is known now."


@strawberry.type
class ProgrammeQuery:
    @guarded(Operation.SET_ASSET_ALLOCATION, description=f"An allocation or variant, worked out. {_ON}")
    async def programme_model(
        self, info: Info, name: str, as_of: date | None = None, known_at: int | None = None
    ) -> ProgrammeModel | None:
        require_reading(info)
        programme = await _programme(info, as_of, known_at)
        return ProgrammeModel.of(programme, name) if name in programme.names() else None

    @guarded(Operation.SET_ASSET_ALLOCATION, description=f"The names of all allocations and variants. {_ON}")
    async def programme_names(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[str] | None:
        require_reading(info)
        return list((await _programme(info, as_of, known_at)).names())

    @guarded(Operation.SET_ASSET_ALLOCATION, description=f"Differences that their parents have outgrown. {_ON}")
    async def programme_exceptions(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[VariantException] | None:
        require_reading(info)
        programme = await _programme(info, as_of, known_at)
        return [VariantException.of(each) for each in exceptions_of(programme)]

    @guarded(Operation.SET_ASSET_ALLOCATION, description="Changes proposed to the programme, the newest first.")
    async def programme_changes(self, info: Info, status: str | None = None) -> list[ProgrammeChange] | None:
        require_reading(info)
        found = await info.context.reader.run(lambda one: changes(one, date.max, newest_seq(one)))
        return [ProgrammeChange.of(each) for each in reversed(found.values()) if status in (None, each.status.value)]


def require_reading(info: Info) -> None:
    """Raises NotAllowed."""
    context = info.context
    answer = context.decide(Operation.SET_ASSET_ALLOCATION, Subject(context.firm_id), Act.READ)
    if isinstance(answer, Denied):
        raise NotAllowed(answer.reason.value)


async def _programme(info: Info, as_of: date | None, known_at: int | None) -> Programme:
    def read(connection: Connection) -> Programme:
        on = as_of or business_date(connection) or date.max
        return read_programme(connection, on, known_at if known_at is not None else newest_seq(connection))

    return await info.context.reader.run(read)
