"""What the order gateway does in PostgreSQL: the blocks that it takes, and the reports that it posts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.order_lease import hold_lease
from trimtab.db.orders import among
from trimtab.db.tables import block, block_member, execution, intent, market_event, run, suspension
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import BLOCK_STATUS_AFTER, BlockStatus


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, as the broker reported it. Shares and dollars a share, both positive."""

    exec_id: str
    client_order_id: str
    quantity: Decimal
    price: Decimal
    business_date: date


def newest_business_date(connection: Connection) -> date | None:
    """Of the firm's runs; None before the first."""
    newest: date | None = connection.scalar(select(func.max(run.c.business_date)))
    return newest


def take_ready_blocks(connection: Connection, broker: str, owner: str, generation: int, limit: int) -> list[Row[Any]]:
    """READY -> SENDING for up to `limit` blocks of an open market, under the lease. Raises LeaseLost.

    Without the lock on the lease, a successor could look for blocks in doubt before this transaction commits
    and miss them. A block with a suspended member stays: nothing of a suspended scope is sent (I10).
    """
    hold_lease(connection, broker, owner, generation)
    ready = (
        select(block.c.client_order_id)
        .where(block.c.broker == broker, block.c.status == BlockStatus.READY, ~_market_closed(), ~_barred())
        .order_by(block.c.release, block.c.client_order_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("ready")  # as a subquery it may be run again for each row, past its limit
    )
    taken = connection.execute(
        update(block)
        .where(block.c.client_order_id == ready.c.client_order_id)
        .values(status=BlockStatus.SENDING, generation=generation)
        .returning(*block.c)
    )
    return sorted(taken, key=lambda row: str(row.client_order_id))


def ready_blocks(connection: Connection, broker: str) -> int:
    """How many blocks wait to be sent, whatever may hold them back."""
    rows = select(func.count()).where(block.c.broker == broker, block.c.status == BlockStatus.READY)
    return int(connection.scalar(rows) or 0)


def blocks_on_the_way(connection: Connection, run_id: str) -> int:
    """How many of the run's blocks are about to be sent or have no answer yet: a stepped market must not close.

    Blocks that a suspension holds back do not count: they may never go.
    """
    under_way = or_(
        block.c.status.in_((BlockStatus.SENDING, BlockStatus.SENT)),
        and_(block.c.status == BlockStatus.READY, ~_barred()),
    )
    rows = select(func.count()).where(block.c.run_id == run_id, under_way)
    return int(connection.scalar(rows) or 0)


def held_blocks(connection: Connection, broker: str) -> list[Row[Any]]:
    """Blocks that are not sent because a suspension covers one of their members: business date and id."""
    rows = select(block.c.business_date, block.c.client_order_id).where(
        block.c.broker == broker, block.c.status == BlockStatus.READY, _barred()
    )
    return list(connection.execute(rows.order_by(block.c.client_order_id)))


def blocks_too_late(connection: Connection, broker: str) -> list[str]:
    """Blocks that were never sent and whose market has closed."""
    rows = select(block.c.client_order_id).where(
        block.c.broker == broker, block.c.status == BlockStatus.READY, _market_closed()
    )
    return list(connection.scalars(rows.order_by(block.c.client_order_id)))


def _market_closed() -> ColumnElement[bool]:
    over = (MarketEventKind.CLOSE, MarketEventKind.DAY_END)
    return (
        select(market_event.c.event_id)
        .where(market_event.c.run_id == block.c.run_id, market_event.c.kind.in_(over))
        .where(market_event.c.published_at.is_not(None))
        .exists()
    )


def _barred() -> ColumnElement[bool]:
    of_member = and_(suspension.c.scope == "ACCOUNT", suspension.c.scope_id == intent.c.account_id)
    of_firm = and_(suspension.c.scope == "FIRM", suspension.c.scope_id == block.c.firm_id)
    return (
        select(suspension.c.suspension_id)
        .select_from(block_member)
        .join(intent, intent.c.intent_id == block_member.c.intent_id)
        .join(suspension, or_(of_member, of_firm))
        .where(block_member.c.client_order_id == block.c.client_order_id, suspension.c.lifted_by.is_(None))
        .correlate(block)
        .exists()
    )


def blocks_in_doubt(connection: Connection, broker: str, generation: int) -> list[Row[Any]]:
    """Blocks that an earlier generation was sending: it is not known whether the broker has them.

    `closed` says whether their market has closed meanwhile.
    """
    return list(
        connection.execute(
            select(block, _market_closed().label("closed"))
            .where(block.c.broker == broker, block.c.status == BlockStatus.SENDING, block.c.generation < generation)
            .order_by(block.c.release, block.c.client_order_id)
        )
    )


def claim_block(connection: Connection, broker: str, owner: str, generation: int, client_order_id: str) -> None:
    """Take over the sending of a block that the broker has never seen. Raises LeaseLost."""
    hold_lease(connection, broker, owner, generation)
    connection.execute(
        update(block)
        .where(block.c.client_order_id == client_order_id, block.c.status == BlockStatus.SENDING)
        .values(generation=generation)
    )


def set_block_status(
    connection: Connection, client_order_ids: Sequence[str], status: BlockStatus, text: str | None = None
) -> None:
    """Move blocks to the status, but those whose present one it may not follow: a late answer changes nothing."""
    if client_order_ids:
        connection.execute(
            update(block)
            .where(among(block.c.client_order_id, client_order_ids), block.c.status.in_(_BEFORE[status]))
            .values(status=status, broker_text=func.coalesce(literal(text), block.c.broker_text))
        )


_BEFORE: Mapping[BlockStatus, Sequence[BlockStatus]] = {
    status: [earlier for earlier, after in BLOCK_STATUS_AFTER.items() if status in after] for status in BlockStatus
}


def post_fills(connection: Connection, firm_id: str, broker: str, fills: Sequence[Fill]) -> list[Fill]:
    """Insert executions, each once by (broker, exec id), and add them to their blocks; returns the new ones.

    A block that has been allocated keeps its figures. A block with more fills than were ordered is shown as
    filled: allocating it raises the alarm.
    """
    if not fills:
        return []
    inserted = connection.scalars(
        upsert(execution)
        .values([_execution_row(firm_id, broker, fill) for fill in fills])
        .on_conflict_do_nothing()
        .returning(execution.c.exec_id)
    ).all()
    by_id = {fill.exec_id: fill for fill in fills}
    new = [by_id[exec_id] for exec_id in inserted]
    if new:
        _sum_up(connection, sorted({fill.client_order_id for fill in new}))
    return new


def _sum_up(connection: Connection, client_order_ids: Sequence[str]) -> None:
    """Each block's filled quantity and average price, from all of its executions."""
    shares = func.sum(execution.c.quantity)
    total = (
        select(
            execution.c.client_order_id,
            shares.label("filled"),
            (func.sum(execution.c.quantity * execution.c.price) / shares).label("price"),
        )
        .where(among(execution.c.client_order_id, client_order_ids))
        .group_by(execution.c.client_order_id)
        .subquery()
    )
    connection.execute(
        update(block)
        .where(block.c.client_order_id == total.c.client_order_id, ~block.c.allocated)
        .where(block.c.status.in_((*_BEFORE[BlockStatus.PARTIAL], BlockStatus.PARTIAL)))
        .values(
            filled_quantity=func.least(total.c.filled, block.c.quantity),
            average_price=total.c.price,
            status=BlockStatus.PARTIAL,
        )
    )


def _execution_row(firm_id: str, broker: str, fill: Fill) -> dict[str, Any]:
    return {
        "firm_id": firm_id,
        "broker": broker,
        "exec_id": fill.exec_id,
        "client_order_id": fill.client_order_id,
        "quantity": fill.quantity,
        "price": fill.price,
        "business_date": fill.business_date,
    }


def known_blocks(connection: Connection, client_order_ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    """The blocks, locked, by client order id."""
    rows = connection.execute(
        select(block)
        .where(among(block.c.client_order_id, client_order_ids))
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
