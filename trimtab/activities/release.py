"""A release: the firm's pending intents become block orders, in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, not_, or_, select

from trimtab.contracts import RunRef
from trimtab.db.account_days import SYSTEM_ACTOR
from trimtab.db.events import emit
from trimtab.db.orders import intent_of, set_status
from trimtab.db.records import NewRecord, append_records
from trimtab.db.runs import is_published, lock_run
from trimtab.db.tables import account_day, block, block_member, intent, suspension
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import Block, BlockStatus, IntentId, IntentStatus, form_blocks


def release(connection: Connection, ref: RunRef, broker: str) -> int:
    """Freeze the run's pending intents into blocks for the gateway; returns how many blocks were made.

    Repeating it is safe: an intent is a member of one block at most. Nothing is released before the market's
    open or after its close, and nothing of a suspended account or firm (I10).
    """
    lock_run(connection, ref)  # no market event is published meanwhile
    if not _market_is_open(connection, ref.run_id):
        return 0
    pending = _pending(connection, ref)
    if not pending:
        return 0
    number = connection.scalar(select(func.max(block.c.release)).where(block.c.run_id == ref.run_id)) or 0
    blocks = form_blocks(
        [intent_of(row) for row in pending],
        firm_id=ref.firm_id,
        business_date=ref.business_date,
        release=number + 1,
        broker=broker,
    )
    _insert(connection, ref, blocks)
    set_status(connection, [row.intent_id for row in pending], IntentStatus.RELEASED)
    append_records(connection, ref.firm_id, _records(ref, number + 1, blocks, pending))
    emit(
        connection,
        ref.firm_id,
        "ORDERS_RELEASED",
        business_date=ref.business_date,
        body={"release": number + 1, "blocks": len(blocks), "intents": len(pending)},
    )
    return len(blocks)


def _market_is_open(connection: Connection, run_id: str) -> bool:
    return is_published(connection, run_id, [MarketEventKind.OPEN]) and not is_published(
        connection, run_id, [MarketEventKind.CLOSE]
    )


def _pending(connection: Connection, ref: RunRef) -> Sequence[Row[Any]]:
    """Pending intents of the run's account-days, but for what is suspended now."""
    barred = (
        select(suspension.c.suspension_id)
        .where(
            suspension.c.lifted_by.is_(None),
            or_(
                (suspension.c.scope == "ACCOUNT") & (suspension.c.scope_id == intent.c.account_id),
                (suspension.c.scope == "FIRM") & (suspension.c.scope_id == ref.firm_id),
            ),
        )
        .exists()
    )
    return connection.execute(
        select(intent)
        .join(account_day, account_day.c.account_day_id == intent.c.account_day_id)
        .where(account_day.c.run_id == ref.run_id, intent.c.status == IntentStatus.PENDING, not_(barred))
        .order_by(intent.c.intent_id)
        .with_for_update(of=intent)
    ).all()


def _records(ref: RunRef, number: int, blocks: Sequence[Block], pending: Sequence[Row[Any]]) -> list[NewRecord]:
    """One record an account-day: which of its orders left in which block."""
    block_of = {member.intent_id: each.client_order_id for each in blocks for member in each.members}
    orders: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in pending:
        order = {"intent": row.intent_id, "client_order_id": block_of[IntentId(row.intent_id)]}
        orders[row.account_id, row.account_day_id].append(order)
    return [
        NewRecord(
            account_id,
            "ORDERS_RELEASED",
            {"run": ref.run_id, "release": number, "orders": released},
            ref.business_date,
            SYSTEM_ACTOR,
            account_day_id=day_id,
        )
        for (account_id, day_id), released in sorted(orders.items())
    ]


def _insert(connection: Connection, ref: RunRef, blocks: Sequence[Block]) -> None:
    connection.execute(
        insert(block),
        [
            {
                "firm_id": ref.firm_id,
                "client_order_id": each.client_order_id,
                "run_id": ref.run_id,
                "business_date": each.business_date,
                "release": each.release,
                "broker": each.broker,
                "programme": each.programme,
                "security_id": each.security_id,
                "side": each.side.value,
                "quantity": each.quantity,
                "status": BlockStatus.READY.value,
            }
            for each in blocks
        ],
    )
    connection.execute(
        insert(block_member),
        [
            {
                "firm_id": ref.firm_id,
                "client_order_id": each.client_order_id,
                "intent_id": member.intent_id,
                "quantity": member.quantity,
            }
            for each in blocks
            for member in each.members
        ],
    )
