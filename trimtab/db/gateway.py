"""What the order gateway does in PostgreSQL: its lease, the blocks that it takes, and the reports that it posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import block, execution, gateway_lease, market_event, run
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import BlockStatus

LEASE_SECONDS = 6.0
"""How long a lease holds. Its owner renews it every two seconds and stops sending well before it ends."""


class LeaseLost(TrimtabError):
    """Another gateway owns the firm's order session, or the lease ran out: nothing may be sent any more."""

    code = "LEASE_LOST"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, as the broker reported it. Shares and dollars a share, both positive."""

    exec_id: str
    client_order_id: str
    quantity: Decimal
    price: Decimal
    business_date: date


def take_lease(connection: Connection, firm_id: str, broker: str, owner: str) -> int | None:
    """Become the only sender of the firm's orders to the broker: the new generation, or None while another holds it.

    The database's clock decides when a lease has run out; it is a matter of processes, not of business.
    """
    now: Any = func.clock_timestamp()
    until = now + timedelta(seconds=LEASE_SECONDS)
    fresh = upsert(gateway_lease).values(firm_id=firm_id, broker=broker, owner=owner, generation=1, expires_at=until)
    taken = fresh.on_conflict_do_update(
        index_elements=["firm_id", "broker"],
        set_={"owner": owner, "generation": gateway_lease.c.generation + 1, "expires_at": until},
        where=gateway_lease.c.expires_at < now,
    ).returning(gateway_lease.c.generation)
    generation: int | None = connection.scalar(taken)
    return generation


def renew_lease(connection: Connection, broker: str, owner: str, generation: int) -> None:
    """Hold the lease for another while. Raises LeaseLost when it is another's."""
    now: Any = func.clock_timestamp()
    renewed = connection.execute(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(expires_at=now + timedelta(seconds=LEASE_SECONDS))
        .returning(gateway_lease.c.generation)
    ).one_or_none()
    if renewed is None:
        raise LeaseLost(f"generation {generation} of {owner} no longer owns the session with {broker}")


def next_generation(connection: Connection, broker: str, owner: str, generation: int, above: int = 0) -> int:
    """A higher generation for the owner's next connection, also above what the broker knows. Raises LeaseLost."""
    raised: int | None = connection.scalar(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(generation=func.greatest(gateway_lease.c.generation, above) + 1)
        .returning(gateway_lease.c.generation)
    )
    if raised is None:
        raise LeaseLost(f"generation {generation} of {owner} no longer owns the session with {broker}")
    return raised


def give_up_lease(connection: Connection, broker: str, owner: str, generation: int) -> None:
    """Let the next gateway start at once."""
    connection.execute(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(expires_at=func.clock_timestamp())
    )


def cursor_of(connection: Connection, broker: str) -> int:
    """The broker's last report that was posted."""
    cursor = connection.scalar(select(gateway_lease.c.execution_cursor).where(gateway_lease.c.broker == broker))
    return int(cursor or 0)


def set_cursor(connection: Connection, broker: str, cursor: int) -> None:
    connection.execute(update(gateway_lease).where(gateway_lease.c.broker == broker).values(execution_cursor=cursor))


def take_ready_blocks(connection: Connection, broker: str, owner: str, generation: int, limit: int) -> list[Row[Any]]:
    """READY -> SENDING for up to `limit` blocks, in one statement that compares the generation with the lease's."""
    holds = exists().where(
        gateway_lease.c.broker == broker,
        *_mine(owner, generation),
        gateway_lease.c.expires_at > func.clock_timestamp(),
    )
    ready = (
        select(block.c.client_order_id)
        .where(block.c.broker == broker, block.c.status == BlockStatus.READY)
        .order_by(block.c.release, block.c.client_order_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(
        connection.execute(
            update(block)
            .where(block.c.client_order_id.in_(ready), holds)
            .values(status=BlockStatus.SENDING, generation=generation)
            .returning(*block.c)
        )
    )


def blocks_in_doubt(connection: Connection, broker: str, generation: int) -> list[Row[Any]]:
    """Blocks that an earlier generation was sending: it is not known whether the broker has them."""
    return list(
        connection.execute(
            select(block).where(
                block.c.broker == broker, block.c.status == BlockStatus.SENDING, block.c.generation < generation
            )
        )
    )


def claim_block(connection: Connection, client_order_id: str, generation: int) -> None:
    connection.execute(update(block).where(block.c.client_order_id == client_order_id).values(generation=generation))


def set_block_status(
    connection: Connection, client_order_ids: Sequence[str], status: BlockStatus, text: str | None = None
) -> None:
    connection.execute(
        update(block)
        .where(block.c.client_order_id.in_(client_order_ids))
        .values(status=status, broker_text=func.coalesce(literal(text), block.c.broker_text))
    )


def post_fills(connection: Connection, firm_id: str, broker: str, fills: Sequence[Fill]) -> list[Fill]:
    """Insert executions, each once by (broker, exec id), and add them to their blocks; returns the new ones."""
    if not fills:
        return []
    rows = [
        {
            "firm_id": firm_id,
            "broker": broker,
            "exec_id": fill.exec_id,
            "client_order_id": fill.client_order_id,
            "quantity": fill.quantity,
            "price": fill.price,
            "business_date": fill.business_date,
        }
        for fill in fills
    ]
    inserted = connection.scalars(
        upsert(execution).values(rows).on_conflict_do_nothing().returning(execution.c.exec_id)
    ).all()
    new = [fill for fill in fills if fill.exec_id in set(inserted)]
    for client_order_id in {fill.client_order_id for fill in new}:
        filled, value = connection.execute(
            select(func.sum(execution.c.quantity), func.sum(execution.c.quantity * execution.c.price)).where(
                execution.c.client_order_id == client_order_id
            )
        ).one()
        connection.execute(
            update(block)
            .where(block.c.client_order_id == client_order_id)
            .values(filled_quantity=filled, average_price=value / filled, status=BlockStatus.PARTIAL)
        )
    return new


def known_blocks(connection: Connection, client_order_ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    """The blocks, locked, by client order id."""
    rows = connection.execute(
        select(block)
        .where(block.c.client_order_id.in_(client_order_ids))
        .order_by(block.c.client_order_id)
        .with_for_update()
    )
    return {row.client_order_id: row for row in rows}


def published_since(connection: Connection, kinds: Sequence[MarketEventKind]) -> list[Row[Any]]:
    """Published market events of open runs, of the given kinds, oldest first."""
    return list(
        connection.execute(
            select(market_event.c.event_id, market_event.c.kind, run.c.business_date)
            .join(run, run.c.run_id == market_event.c.run_id)
            .where(market_event.c.kind.in_(kinds), market_event.c.published_at.is_not(None), run.c.status == "OPEN")
            .order_by(run.c.business_date, market_event.c.ordinal)
        )
    )


def _mine(owner: str, generation: int) -> tuple[Any, Any]:
    return gateway_lease.c.owner == owner, gateway_lease.c.generation == generation
