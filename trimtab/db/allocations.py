"""A block that is done: its fills go back to the accounts, to their lots, their cash and their records."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from trimtab.contracts import Signal, SignalName
from trimtab.db.alerts import raise_alert
from trimtab.db.events import NewEvent, emit_all, signal_all
from trimtab.db.orders import OPEN_INTENTS, among, intent_of, release_reservations
from trimtab.db.records import NewRecord, append_records
from trimtab.db.tables import account, account_day, allocation, block, block_member, execution, intent, posting
from trimtab.domain.accounts import AccountId
from trimtab.domain.allocations import Allocation, Fill, LotPosting, allocate_block, post_allocation
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.orders import (
    Block,
    BlockStatus,
    ClientOrderId,
    IntentId,
    IntentStatus,
    Member,
    Side,
    intent_status,
)
from trimtab.domain.securities import SecurityId

GATEWAY_ACTOR = "gateway"

_LOTS: TypeAdapter[TaxLot] = TypeAdapter(TaxLot)


@dataclass(frozen=True, slots=True)
class _MemberEnd:
    """What became of one member: its intent's row and status, its share of the fills, and what that changes."""

    member: Row[Any]
    status: IntentStatus
    share: Allocation | None = None
    postings: tuple[LotPosting, ...] = ()

    @property
    def filled(self) -> Decimal:
        return self.share.quantity if self.share is not None else ZERO


@dataclass(frozen=True, slots=True)
class _BlockEnd:
    """What became of one block; `fault` says why its fills could not be allocated."""

    row: Row[Any]
    status: BlockStatus
    members: tuple[_MemberEnd, ...]
    fault: TrimtabError | None = None


def finish_blocks(connection: Connection, firm_id: str, client_order_ids: Sequence[str]) -> None:
    """Allocate blocks that trade no more, post what they change, and tell the accounts whose orders are all done.

    Each block is allocated once, whatever is reported again. A rejected block ends its intents unfilled. Fills that
    cannot be allocated (more than was ordered) put their block IN_DOUBT with an alert, and no other block.
    """
    rows = connection.execute(
        select(block)
        .where(among(block.c.client_order_id, client_order_ids), ~block.c.allocated)
        .where(block.c.status != BlockStatus.IN_DOUBT)
        .order_by(block.c.client_order_id)
        .with_for_update()
    ).all()
    if not rows:
        return
    members = _members(connection, [row.client_order_id for row in rows])
    fills = _fills(connection, [row.client_order_id for row in rows])
    ends = [_end(row, members[row.client_order_id], fills[row.client_order_id]) for row in rows]
    _write_blocks(connection, ends)
    _write_members(connection, firm_id, ends)
    records = [_record(end, each) for end in ends for each in end.members]
    append_records(connection, firm_id, sorted(records, key=lambda each: each.account_id))
    for end in ends:
        if end.fault is not None:
            _alert(connection, firm_id, end.row, end.fault)
    _tell_accounts(connection, firm_id, sorted({each.member.account_day_id for end in ends for each in end.members}))


def _end(row: Row[Any], members: Sequence[Row[Any]], fills: Sequence[Fill]) -> _BlockEnd:
    try:
        return _allocated(row, members, fills)
    except TrimtabError as fault:
        in_doubt = tuple(_MemberEnd(each, IntentStatus.IN_DOUBT) for each in members)
        return _BlockEnd(row, BlockStatus.IN_DOUBT, in_doubt, fault)


def _allocated(row: Row[Any], members: Sequence[Row[Any]], fills: Sequence[Fill]) -> _BlockEnd:
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
    commissions = {IntentId(each.intent_id): each.commission for each in members}
    shares = {share.intent_id: share for share in allocate_block(ordered, fills, commissions)}
    ends = []
    for each in members:
        share = shares.get(IntentId(each.intent_id))
        postings = post_allocation(intent_of(each), share, _lots(each), row.business_date) if share is not None else ()
        filled = share.quantity if share is not None else ZERO
        ends.append(_MemberEnd(each, intent_status(status, each.quantity, filled), share, postings))
    return _BlockEnd(row, status, tuple(ends))


def _final_status(row: Row[Any]) -> BlockStatus:
    if row.status == BlockStatus.REJECTED:
        return BlockStatus.REJECTED
    return BlockStatus.FILLED if row.filled_quantity >= row.quantity else BlockStatus.DONE


def _lots(intent_row: Row[Any]) -> dict[LotId, TaxLot]:
    """The lots that a sale claims, as they stood when the intent was committed. Their ids are the account's own."""
    lots = (_LOTS.validate_python(claim["lot"], strict=False) for claim in intent_row.lot_sales)
    return {lot.id: lot for lot in lots}


def _write_blocks(connection: Connection, ends: Sequence[_BlockEnd]) -> None:
    connection.execute(
        update(block)
        .where(block.c.client_order_id == bindparam("of"))
        .values(status=bindparam("to"), allocated=bindparam("is_allocated")),
        [{"of": end.row.client_order_id, "to": end.status.value, "is_allocated": end.fault is None} for end in ends],
    )


def _write_members(connection: Connection, firm_id: str, ends: Sequence[_BlockEnd]) -> None:
    shares = [
        _allocation_row(firm_id, end.row.client_order_id, each.share)
        for end in ends
        for each in end.members
        if each.share is not None
    ]
    changes = [
        _posting_row(firm_id, change, number)
        for end in ends
        for each in end.members
        for number, change in enumerate(each.postings)
    ]
    for table, rows in ((allocation, shares), (posting, changes)):
        if rows:
            connection.execute(insert(table), rows)
    members = [each for end in ends for each in end.members]
    connection.execute(
        update(intent)
        .where(intent.c.firm_id == firm_id, intent.c.intent_id == bindparam("of"))
        .values(status=bindparam("to"), filled_quantity=bindparam("filled")),
        [{"of": each.member.intent_id, "to": each.status.value, "filled": each.filled} for each in members],
    )
    # What is in doubt may still trade: its lots and cash stay reserved.
    release_reservations(
        connection, [each.member.intent_id for each in members if each.status is not IntentStatus.IN_DOUBT]
    )


def _alert(connection: Connection, firm_id: str, row: Row[Any], fault: TrimtabError) -> None:
    raise_alert(
        connection,
        firm_id,
        cause="ALLOCATION_FAILED",
        scope=row.client_order_id,
        business_date=row.business_date,
        message=f"{fault.code}: {fault}; its accounts are held until a person has compared it with {row.broker}",
        severity="CRITICAL",
    )


def _tell_accounts(connection: Connection, firm_id: str, account_day_ids: Sequence[str]) -> None:
    """One event for each account-day that got something, and `orders_done` for those with nothing open any more."""
    open_count = func.count().filter(intent.c.status.in_(OPEN_INTENTS)).label("open_count")
    counted = (
        select(intent.c.account_day_id, open_count)
        .where(among(intent.c.account_day_id, account_day_ids))
        .group_by(intent.c.account_day_id)
        .subquery()
    )
    days = connection.execute(
        select(account_day, account.c.advisor_id, counted.c.open_count)
        .join(counted, counted.c.account_day_id == account_day.c.account_day_id)
        .join(account, account.c.account_id == account_day.c.account_id)
        .order_by(account_day.c.account_id)
    ).all()
    events = [
        NewEvent(
            "ORDERS_ALLOCATED",
            day.business_date,
            day.account_id,
            day.account_day_id,
            day.advisor_id,
            {"open": day.open_count},
        )
        for day in days
    ]
    emit_all(connection, firm_id, events)
    done = [(day.workflow_id, Signal(f"orders-done-{day.account_day_id}")) for day in days if day.open_count == 0]
    signal_all(connection, firm_id, SignalName.ORDERS_DONE, done)


def _members(connection: Connection, client_order_ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Each block's member intents, by intent id; locked."""
    rows = connection.execute(
        select(intent, block_member.c.client_order_id)
        .join(block_member, block_member.c.intent_id == intent.c.intent_id)
        .where(among(block_member.c.client_order_id, client_order_ids))
        .order_by(intent.c.intent_id)
        .with_for_update(of=intent)
    )
    members: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        members[row.client_order_id].append(row)
    return members


def _fills(connection: Connection, client_order_ids: Sequence[str]) -> dict[str, list[Fill]]:
    """Each block's executions, in the order of their ids."""
    rows = connection.execute(
        select(execution.c.client_order_id, execution.c.quantity, execution.c.price)
        .where(among(execution.c.client_order_id, client_order_ids))
        .order_by(execution.c.exec_id)
    )
    fills: dict[str, list[Fill]] = defaultdict(list)
    for row in rows:
        fills[row.client_order_id].append(Fill(row.quantity, row.price))
    return fills


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


def _record(end: _BlockEnd, each: _MemberEnd) -> NewRecord:
    row, member = end.row, each.member
    body = {
        "intent": member.intent_id,
        "client_order_id": row.client_order_id,
        "broker": row.broker,
        "block_status": end.status,
        "intent_status": each.status,
        "security": row.security_id,
        "side": row.side,
        "asked": member.quantity,
        "allocated": each.share,
        "postings": each.postings,
        "broker_text": row.broker_text,
    }
    kind = "EXECUTED" if end.fault is None else "IN_DOUBT"
    return NewRecord(
        member.account_id, kind, body, row.business_date, GATEWAY_ACTOR, account_day_id=member.account_day_id
    )
