"""Queries about the model hub."""

from datetime import date

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.hub_models import body_of, uploads
from trimtab.db.programme import changes, held_contracts
from trimtab.db.published_models import market_now
from trimtab.db.settings_versions import newest_seq
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import NotAllowed
from trimtab.graphql.hub.types import ProviderContract, ProviderModel

MOST_UPLOADS = 100


@strawberry.type
class HubQuery:
    @guarded(Operation.PUBLISH_MODELS, description="The contracts with providers of models. Default: as they hold now.")
    async def provider_contracts(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[ProviderContract] | None:
        require_reading(info)

        def read(one: Connection) -> list[ProviderContract]:
            on = as_of or business_date(one) or date.max
            held = held_contracts(one, on, known_at if known_at is not None else newest_seq(one))
            return [ProviderContract.of(each, on) for each in held.values()]

        return await info.context.reader.run(read)

    @guarded(Operation.PUBLISH_MODELS, description="Models as providers sent them, the newest first; at most 100.")
    async def provider_models(
        self, info: Info, provider_id: str | None = None, model_id: str | None = None, first: int = MOST_UPLOADS
    ) -> list[ProviderModel] | None:
        require_reading(info)
        sees_all = _may(info, Act.VERIFY)

        def read(one: Connection) -> list[ProviderModel]:
            now, known = market_now(one), changes(one, date.max, newest_seq(one))
            found = []
            for row in uploads(one, provider_id, model_id, max(0, min(first, MOST_UPLOADS))):
                release = body_of(row).release_at
                released = release is None or (now is not None and release <= now)
                found.append(ProviderModel.of(row, known, shown=released or sees_all))
            return found

        return await info.context.reader.run(read)


def require_reading(info: Info, operation: Operation = Operation.PUBLISH_MODELS) -> None:
    """Raises NotAllowed."""
    if not _may(info, Act.READ, operation):
        raise NotAllowed("NOT_PERMITTED")


def _may(info: Info, act: Act, operation: Operation = Operation.PUBLISH_MODELS) -> bool:
    nobody = Subject(info.context.firm_id, proposed_by=frozenset())
    return isinstance(info.context.decide(operation, nobody, act), Allowed)
