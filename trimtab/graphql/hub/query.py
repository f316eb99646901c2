"""Queries about the model hub."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.hub_accruals import accrued
from trimtab.db.hub_billing import statements
from trimtab.db.hub_models import body_of, uploads
from trimtab.db.hub_notes import notes
from trimtab.db.programme import changes, held_contracts
from trimtab.db.published_models import market_now
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.hub.contracts import ProviderContract as Contract
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.hub.billing_types import FEES, BillingStatement, ProviderAccrual, ResearchNote
from trimtab.graphql.hub.types import ProviderContract, ProviderModel

MOST_UPLOADS: Final = 100
MOST_DAYS: Final = timedelta(days=366)


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
            own = _own(info, held.values())
            return [ProviderContract.of(each, on) for each in held.values() if own is None or each.id in own]

        return await info.context.reader.run(read)

    @guarded(Operation.PUBLISH_MODELS, description="Models as providers sent them, the newest first; at most 100.")
    async def provider_models(
        self, info: Info, provider_id: str | None = None, model_id: str | None = None, first: int = MOST_UPLOADS
    ) -> list[ProviderModel] | None:
        require_reading(info)
        sees_all = sees_embargoed(info)

        def read(one: Connection) -> list[ProviderModel]:
            now, seq = market_now(one), newest_seq(one)
            known = changes(one, date.max, seq)
            own = _own(info, held_contracts(one, business_date(one) or date.max, seq).values())
            found = []
            for row in uploads(one, provider_id, model_id, max(0, min(first, MOST_UPLOADS))):
                if own is not None and row.provider_id not in own:
                    continue
                release = body_of(row).release_at
                released = release is None or (now is not None and release <= now)
                found.append(ProviderModel.of(row, known, shown=released or sees_all or own is not None))
            return found

        return await info.context.reader.run(read)

    @guarded(*FEES, description="Fees that have accrued on calendar days, both ends included; at most a year.")
    async def provider_accruals(
        self, info: Info, first_day: date, last_day: date, provider_id: str | None = None
    ) -> list[ProviderAccrual] | None:
        _require_fees(info)
        if not first_day <= last_day <= first_day + MOST_DAYS:
            raise BadInput("name a first and a last day, at most a year apart")
        rows = await info.context.reader.run(lambda one: accrued(one, first_day, last_day, provider_id))
        return [ProviderAccrual.of(row) for row in rows]

    @guarded(*FEES, description="Statements of providers, by month; the newest month first.")
    async def billing_statements(
        self, info: Info, provider_id: str | None = None, month: str | None = None
    ) -> list[BillingStatement] | None:
        _require_fees(info)
        found = await info.context.reader.run(lambda one: statements(one, provider_id))
        return [BillingStatement.of(each) for each in reversed(found) if month in (None, each.month)]

    @guarded(Operation.PUBLISH_MODELS, description="Notes about a provider or one of its models, the newest first.")
    async def research_notes(
        self, info: Info, provider_id: str, model_id: str | None = None, first: int = MOST_UPLOADS
    ) -> list[ResearchNote] | None:
        require_reading(info)
        if not info.context.who.persons:
            raise NotAllowed("NOT_A_PERSON")  # what the firm thinks of a provider is not for the provider
        size = max(0, min(first, MOST_UPLOADS))
        rows = await info.context.reader.run(lambda one: notes(one, provider_id, model_id, size))
        return [ResearchNote.of(row) for row in rows]


def require_reading(info: Info, operation: Operation = Operation.PUBLISH_MODELS) -> None:
    """Raises NotAllowed."""
    if not _may(info, Act.READ, operation):
        raise NotAllowed("NOT_PERMITTED")


def sees_embargoed(info: Info) -> bool:
    """Whoever may publish a model sees its weights before they are released; nobody else of the firm does."""
    return _may(info, Act.VERIFY)


def _require_fees(info: Info) -> None:
    """Fees are read by persons whose roles read fees (row 38) or models (row 11). Raises NotAllowed."""
    if not info.context.who.persons or not any(_may(info, Act.READ, operation) for operation in FEES):
        raise NotAllowed("NOT_PERMITTED")


def _may(info: Info, act: Act, operation: Operation = Operation.PUBLISH_MODELS) -> bool:
    nobody = Subject(info.context.firm_id, proposed_by=frozenset())
    return isinstance(info.context.decide(operation, nobody, act), Allowed)


def _own(info: Info, contracts: Iterable[Contract]) -> frozenset[str] | None:
    """The providers that a provider's own machine client may see: itself. None for everybody else: all."""
    who = info.context.who
    if who.persons:
        return None
    return frozenset(each.id for each in contracts if each.client_id == who.client_id) or None
