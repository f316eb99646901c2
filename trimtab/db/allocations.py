"""A block that is done: its fills go back to the accounts, to their lots, their cash and their records."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from trimtab.contracts import Signal, SignalName
from trimtab.db.events import emit, signal
from trimtab.db.orders import OPEN_INTENTS, intent_of, release_reservations
from trimtab.db.records import NewRecord, append_records
from trimtab.db.tables import account, account_day, allocation, block, block_member, execution, intent, posting
from trimtab.domain.accounts import AccountId
from trimtab.domain.allocations import Allocation, Fill, LotPosting, allocate_block, post_allocation
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.orders import (
    Block,
    BlockStatus,
    ClientOrderId,
    IntentId,
    Member,
    Side,
    intent_status,
)
from trimtab.domain.securities import SecurityId

GATEWAY_ACTOR = "gateway"

_LOTS: TypeAdapter[TaxLot] = TypeAdapter(TaxLot)


def finish_blocks(connection: Connection, firm_id: str, client_order_ids: Sequence[str]) -> None:
    """Allocate blocks that trade no more, post what they change, and tell the accounts whose orders are all done.

    Each block is allocated once, whatever is reported again. A rejected block ends its intents unfilled.
    """
    rows = connection.execute(
        select(block)
        .where(block.c.client_order_id.in_(client_order_ids), ~block.c.allocated)
        .order_by(block.c.client_order_id)
        .with_for_update()
    ).all()
    if not rows:
        return
    intents = _intents(connection, [row.client_order_id for row in rows])
    lots = _lots([each for members in intents.values() for each in members])
    records: list[NewRecord] = []
    for row in rows:
        records += _finish(connection, firm_id, row, intents[row.client_order_id], lots)
    append_records(connection, firm_id, sorted(records, key=lambda each: each.account_id))
    touched = {each.account_day_id for each in records if each.account_day_id is not None}
    _tell_accounts(connection, firm_id, sorted(touched))


def _finish(
    connection: Connection, firm_id: str, row: Row[Any], members: Sequence[Row[Any]], lots: Mapping[LotId, TaxLot]
) -> list[NewRecord]:
    ordered = Block(
        ClientOrderId(row.client_order_id),
        row.business_date,
        row.release,
        row.broker,
        row.programme,
        SecurityId(row.security_id),
        Side(row.side),
        tuple(Member(IntentId(each.intent_id), AccountId(each.account_id), each.quantity) for each in members),
    )
    status = _final_status(row)
    shares = allocate_block(
        ordered,
        _fills(connection, row.client_order_id),
        {IntentId(each.intent_id): each.commission for each in members},
    )
    connection.execute(
        update(block).where(block.c.client_order_id == row.client_order_id).values(status=status, allocated=True)
    )
    by_intent = {share.intent_id: share for share in shares}
    postings = {
        each.intent_id: post_allocation(intent_of(each), by_intent[IntentId(each.intent_id)], lots, row.business_date)
        for each in members
        if each.intent_id in by_intent
    }
    _write(connection, firm_id, row.client_order_id, status, members, by_intent, postings)
    return [
        _record(row, each, status, by_intent.get(IntentId(each.intent_id)), postings.get(each.intent_id, ()))
        for each in members
    ]


def _final_status(row: Row[Any]) -> BlockStatus:
    if row.status == BlockStatus.REJECTED:
        return BlockStatus.REJECTED
    return BlockStatus.FILLED if row.filled_quantity >= row.quantity else BlockStatus.DONE


def _write(
    connection: Connection,
    firm_id: str,
    client_order_id: str,
    status: BlockStatus,
    members: Sequence[Row[Any]],
    shares: Mapping[IntentId, Allocation],
    postings: Mapping[str, Sequence[LotPosting]],
) -> None:
    if shares:
        connection.execute(
            insert(allocation), [_allocation_row(firm_id, client_order_id, share) for share in shares.values()]
        )
        rows = [
            _posting_row(firm_id, each, number) for changes in postings.values() for number, each in enumerate(changes)
        ]
        connection.execute(insert(posting), rows)
    ended = []
    for each in members:
        share = shares.get(IntentId(each.intent_id))
        filled = share.quantity if share is not None else ZERO
        ended.append({"of": each.intent_id, "to": intent_status(status, each.quantity, filled).value, "filled": filled})
    connection.execute(
        update(intent)
        .where(intent.c.firm_id == firm_id, intent.c.intent_id == bindparam("of"))
        .values(status=bindparam("to"), filled_quantity=bindparam("filled")),
        ended,
    )
    release_reservations(connection, [each.intent_id for each in members])


def _tell_accounts(connection: Connection, firm_id: str, account_day_ids: Sequence[str]) -> None:
    """One event for each account-day that got something, and `orders_done` for those with nothing open any more."""
    open_count = func.count().filter(intent.c.status.in_(OPEN_INTENTS))
    rows = connection.execute(
        select(account_day, account.c.advisor_id, open_count.label("open_count"))
        .join(intent, intent.c.account_day_id == account_day.c.account_day_id)
        .join(account, account.c.account_id == account_day.c.account_id)
        .where(account_day.c.account_day_id.in_(account_day_ids))
        .group_by(*account_day.c, account.c.advisor_id)
        .order_by(account_day.c.account_id)
    )
    for row in rows:
        emit(
            connection,
            firm_id,
            "ORDERS_ALLOCATED",
            business_date=row.business_date,
            account_id=row.account_id,
            account_day_id=row.account_day_id,
            advisor_id=row.advisor_id,
            body={"open": row.open_count},
        )
        if row.open_count == 0:
            note = Signal(f"orders-done-{row.account_day_id}")
            signal(connection, firm_id, row.workflow_id, SignalName.ORDERS_DONE, note)


def _intents(connection: Connection, client_order_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Each block's member intents, by intent id."""
    rows = connection.execute(
        select(intent, block_member.c.client_order_id)
        .join(block_member, block_member.c.intent_id == intent.c.intent_id)
        .where(block_member.c.client_order_id.in_(client_order_ids))
        .order_by(intent.c.intent_id)
    )
    members: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        members[row.client_order_id].append(row)
    return members


def _lots(intents: Sequence[Row[Any]]) -> dict[LotId, TaxLot]:
    """The lots that the sales claim, as they stood when the intents were committed."""
    lots = (_LOTS.validate_python(claim["lot"], strict=False) for row in intents for claim in row.lot_sales)
    return {lot.id: lot for lot in lots}


def _fills(connection: Connection, client_order_id: str) -> list[Fill]:
    rows = connection.execute(
        select(execution.c.quantity, execution.c.price)
        .where(execution.c.client_order_id == client_order_id)
        .order_by(execution.c.exec_id)
    )
    return [Fill(row.quantity, row.price) for row in rows]


def _allocation_row(firm_id: str, client_order_id: str, share: Allocation) -> dict[str, Any]:
    return {
        "firm_id": firm_id,
        "client_order_id": client_order_id,
        "intent_id": share.intent_id,
        "account_id": share.account_id,
        "quantity": share.quantity,
        "price": share.price,
        "notional": share.notional,
        "commission": share.commission,
    }


def _posting_row(firm_id: str, change: LotPosting, number: int) -> dict[str, Any]:
    return {
        "firm_id": firm_id,
        "posting_id": f"{change.intent_id}/{number}",
        "intent_id": change.intent_id,
        "account_id": change.account_id,
        "security_id": change.security_id,
        "trade_date": change.trade_date,
        "lot_id": change.lot_id,
        "quantity": change.quantity,
        "basis": change.basis,
        "wash_adjustment": change.wash_adjustment,
        "cash": change.cash,
        "gain": change.gain,
        "term": None if change.term is None else change.term.value,
    }


def _record(
    row: Row[Any], member: Row[Any], status: BlockStatus, share: Allocation | None, changes: Sequence[LotPosting]
) -> NewRecord:
    body = {
        "intent": member.intent_id,
        "client_order_id": row.client_order_id,
        "broker": row.broker,
        "block_status": status,
        "security": row.security_id,
        "side": row.side,
        "asked": member.quantity,
        "allocated": share,
        "postings": changes,
        "broker_text": row.broker_text,
    }
    return NewRecord(
        member.account_id, "EXECUTED", body, row.business_date, GATEWAY_ACTOR, account_day_id=member.account_day_id
    )
