"""Orders as one account sees them: intents, the blocks that they went into, executions and its allocations."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.graphql.context import Info
from trimtab.graphql.securities import Security, security_of


@strawberry.type(description="What the broker executed of a block; shares and dollars a share.")
class Execution:
    exec_id: str
    broker: str
    quantity: Decimal
    price: Decimal
    recorded_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "Execution":
        return cls(
            exec_id=row.exec_id,
            broker=row.broker,
            quantity=row.quantity,
            price=row.price,
            recorded_at=row.recorded_at,
        )


@strawberry.type(description="One order at the broker for many accounts.")
class Block:
    client_order_id: str
    release: int
    broker: str
    security_id: str
    side: str
    quantity: Decimal
    status: str
    filled_quantity: Decimal
    average_price: Decimal | None
    broker_text: str | None

    @strawberry.field(description="What the broker executed of the whole block, for all of its accounts.")
    async def executions(self, info: Info) -> list[Execution]:
        return [Execution.of(row) for row in await info.context.loaders.executions.load(self.client_order_id)]

    @classmethod
    def of(cls, row: Row[Any]) -> "Block":
        return cls(
            client_order_id=row.client_order_id,
            release=row.release,
            broker=row.broker,
            security_id=row.security_id,
            side=row.side,
            quantity=row.quantity,
            status=row.status,
            filled_quantity=row.filled_quantity,
            average_price=row.average_price,
            broker_text=row.broker_text,
        )


@strawberry.type(description="The account's part of a block's fills, at the average price; dollars.")
class Allocation:
    client_order_id: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    commission: Decimal

    @classmethod
    def of(cls, row: Row[Any]) -> "Allocation":
        return cls(
            client_order_id=row.client_order_id,
            quantity=row.quantity,
            price=row.price,
            notional=row.notional,
            commission=row.commission,
        )


@strawberry.type(description="One leg that the account committed to trade. Quantity is positive for buys and sells.")
class Intent:
    client_order_id: strawberry.Private[str | None]
    id: strawberry.ID
    leg: int
    security_id: str
    side: str
    quantity: Decimal
    filled_quantity: Decimal
    reference_price: Decimal
    status: str
    proposal_hash: str
    committed_at: datetime

    @strawberry.field(description="Null when the security master does not have it any more.")
    async def security(self, info: Info) -> Security | None:
        return await security_of(info, self.security_id)

    @strawberry.field(description="The order at the broker; null before its release.")
    async def block(self, info: Info) -> Block | None:
        if self.client_order_id is None:
            return None
        row = await info.context.loaders.block.load(self.client_order_id)
        return None if row is None else Block.of(row)

    @strawberry.field
    async def allocations(self, info: Info) -> list[Allocation]:
        if self.client_order_id is None:
            return []
        return [Allocation.of(row) for row in await info.context.loaders.allocations.load(self.id)]

    @classmethod
    def of(cls, row: Row[Any]) -> "Intent":
        return cls(
            client_order_id=row.client_order_id,
            id=strawberry.ID(row.intent_id),
            leg=row.leg,
            security_id=row.security_id,
            side=row.side,
            quantity=row.quantity,
            filled_quantity=row.filled_quantity,
            reference_price=row.reference_price,
            status=row.status,
            proposal_hash=row.proposal_hash,
            committed_at=row.recorded_at,
        )
