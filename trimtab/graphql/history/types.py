"""What happened in an account's day: inputs, analysis, decisions, orders, and its entries in the record."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.domain import accounts as account_values
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.securities import SecurityId
from trimtab.domain.settings_sentences import settings_sentences
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.graphql.context import Info
from trimtab.graphql.securities import Security, security_of, symbols_of


@strawberry.type(description="A person of the firm, or the policy itself (id trimtab).")
class Actor:
    id: strawberry.ID
    name: str


async def actor(info: Info, person_id: str) -> Actor:
    """The person with their name; the id alone for the policy, a machine client, or somebody unknown."""
    row = await info.context.loaders.person.load(person_id)
    return Actor(id=strawberry.ID(person_id), name=row.display_name if row is not None else person_id)


@strawberry.type
class HeldPosition:
    security_id: str
    quantity: Decimal
    market_value: Decimal

    @strawberry.field(description="Null when the security master does not have it any more.")
    async def security(self, info: Info) -> Security | None:
        return await security_of(info, self.security_id)


@strawberry.type
class HeldLot:
    lot_id: str
    security_id: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal

    @strawberry.field(description="Null when the security master does not have it any more.")
    async def security(self, info: Info) -> Security | None:
        return await security_of(info, self.security_id)


@strawberry.type
class SecurityRestriction:
    kind: str
    security_id: str
    reason: str


@strawberry.type(description="The account's settings as they held on the day. Rates and weights are fractions.")
class HeldSettings:
    tracking: str
    tax_sensitivity: str
    harvesting: str
    short_term_rate: Decimal
    long_term_rate: Decimal
    cash_target: Decimal
    cash_reserve: Decimal
    cash_needed: Decimal
    minimum_trade: Decimal
    commission: Decimal
    restrictions: list[SecurityRestriction]
    account: strawberry.Private[account_values.Account]
    held: strawberry.Private[AccountSettings]

    @strawberry.field(description="The same in plain English, one sentence a setting.")
    async def sentences(self, info: Info) -> list[str]:
        rules = (one.security_id for one in self.held.restrictions)
        named = sorted({*rules, *self.held.weight_bands, *self.held.tilts})
        symbols = await symbols_of(info, [str(one) for one in named])
        return settings_sentences(self.account, self.held, {SecurityId(key): name for key, name in symbols.items()})


@strawberry.type(description="The frozen inputs of the account's analysis.")
class Snapshot:
    value: strawberry.Private[AccountSnapshot]
    hash: str

    @strawberry.field(description="The session whose holdings and closes these are.")
    def as_of(self) -> date:
        return self.value.as_of

    @strawberry.field
    def registration(self) -> str:
        return self.value.account.registration.value

    @strawberry.field
    def cash_settled(self) -> Decimal:
        return self.value.cash.settled

    @strawberry.field
    def cash_unsettled(self) -> Decimal:
        return self.value.cash.unsettled

    @strawberry.field
    def positions(self) -> list[HeldPosition]:
        return [
            HeldPosition(security_id=str(one.security_id), quantity=one.quantity, market_value=one.market_value)
            for one in self.value.positions
        ]

    @strawberry.field
    def lots(self) -> list[HeldLot]:
        return [
            HeldLot(
                lot_id=str(lot.id),
                security_id=str(lot.security_id),
                quantity=lot.quantity,
                acquired_on=lot.acquired_on,
                cost=lot.cost,
            )
            for lot in self.value.lots
        ]

    @strawberry.field
    def settings(self) -> HeldSettings:
        held = self.value.settings
        return HeldSettings(
            tracking=held.tracking.value,
            tax_sensitivity=held.tax_sensitivity.value,
            harvesting=held.harvesting.value,
            short_term_rate=held.short_term_rate,
            long_term_rate=held.long_term_rate,
            cash_target=held.cash_target,
            cash_reserve=held.cash_reserve,
            cash_needed=held.cash_needed,
            minimum_trade=held.minimum_trade,
            commission=held.commission,
            restrictions=[
                SecurityRestriction(kind=one.kind.value, security_id=str(one.security_id), reason=one.reason)
                for one in held.restrictions
            ],
            account=self.value.account,
            held=held,
        )

    @strawberry.field(description="Wash keys that must not be bought: open windows after sales at a loss.")
    def wash_windows(self) -> list[str]:
        return sorted(self.value.wash_windows.buy_blocked())

    @strawberry.field(description="Securities that must not trade today, with the reason's code.")
    def frozen(self) -> JSON:
        return JSON({str(key): code for key, code in sorted(self.value.frozen.items())})


@strawberry.type(description="A decision of a person or of the firm's policy, accepted or refused.")
class Decision:
    actor_id: strawberry.Private[str]
    represented_id: strawberry.Private[str | None]
    id: strawberry.ID
    kind: str
    status: str
    refusal: str | None = strawberry.field(description="Why it does not count.")
    reason: str
    proposal_hash: str | None
    actor_roles: list[str]
    decided_at: datetime
    envelope: JSON | None = strawberry.field(description="What an approval covers: proposal, data, prices, until when.")

    @strawberry.field(description="Who decided.")
    async def actor(self, info: Info) -> Actor:
        return await actor(info, self.actor_id)

    @strawberry.field(description="The person whom the actor represented, if any.")
    async def on_behalf_of(self, info: Info) -> Actor | None:
        return await actor(info, self.represented_id) if self.represented_id else None

    @classmethod
    def of(cls, row: Row[Any]) -> "Decision":
        return cls(
            actor_id=row.actor,
            represented_id=row.on_behalf_of,
            id=strawberry.ID(row.decision_id),
            kind=row.kind,
            status=row.status,
            refusal=row.refusal,
            reason=row.reason,
            proposal_hash=row.proposal_hash,
            actor_roles=list(row.actor_roles),
            decided_at=row.recorded_at,
            envelope=None if row.envelope is None else JSON(row.envelope),
        )


@strawberry.type(description="An entry of the account's record: a link of its hash chain.")
class RecordEntry:
    seq: int
    kind: str
    hash: str
    previous_hash: str
    body_hash: str
    actor: str = strawberry.field(description="The id, as the chain holds it.")
    body: JSON
    recorded_at: datetime

    @strawberry.field(description="Who acted, with their name.")
    async def recorded_by(self, info: Info) -> Actor:
        return await actor(info, self.actor)

    @classmethod
    def of(cls, row: Row[Any]) -> "RecordEntry":
        return cls(
            seq=row.seq,
            kind=row.kind,
            hash=row.hash,
            previous_hash=row.prev,
            body_hash=row.body_hash,
            actor=row.actor,
            body=JSON(row.body),
            recorded_at=row.recorded_at,
        )
