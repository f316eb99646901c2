"""The record: one hash chain per account, appended in the transaction that it records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import account_chain, record
from trimtab.domain.records import GENESIS, plain, plain_hash, record_hash

_HEADER = ("firm_id", "account_id", "seq", "kind", "business_date", "account_day_id", "actor", "body_hash")


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """The first record of an account's chain that does not verify, and why."""

    account_id: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What is to be appended to one account's chain."""

    account_id: str
    kind: str
    body: Mapping[str, Any]
    business_date: date
    actor: str
    account_day_id: str | None = None


def append_record(
    connection: Connection,
    firm_id: str,
    account_id: str,
    kind: str,
    body: Mapping[str, Any],
    *,
    business_date: date,
    actor: str,
    account_day_id: str | None = None,
) -> str:
    """Append one record to the account's chain and return its hash."""
    new = NewRecord(account_id, kind, body, business_date, actor, account_day_id)
    return append_records(connection, firm_id, [new])[0]


def append_records(connection: Connection, firm_id: str, new: Sequence[NewRecord]) -> list[str]:
    """Append records, each to its account's chain, in the order given; returns their hashes.

    The heads are locked first, in account-id order: two writers that read the same head would fork the
    chain, and two transactions over the same accounts in another order would deadlock.
    """
    heads = _lock_heads(connection, firm_id, sorted({item.account_id for item in new}))
    rows = []
    for item in new:
        seq, previous = heads[item.account_id]
        row = _row(firm_id, item, seq + 1, previous)
        heads[item.account_id] = (seq + 1, row["hash"])
        rows.append(row)
    if rows:
        connection.execute(insert(record), rows)
        connection.execute(
            update(account_chain)
            .where(account_chain.c.firm_id == firm_id, account_chain.c.account_id == bindparam("of_account"))
            .values(seq=bindparam("to_seq"), head=bindparam("to_head")),
            [{"of_account": account, "to_seq": seq, "to_head": head} for account, (seq, head) in heads.items()],
        )
    return [str(row["hash"]) for row in rows]


def _row(firm_id: str, new: NewRecord, seq: int, previous: str) -> dict[str, Any]:
    body = _as_stored(plain(new.body))
    row = {
        "firm_id": firm_id,
        "account_id": new.account_id,
        "seq": seq,
        "kind": new.kind,
        "business_date": new.business_date,
        "account_day_id": new.account_day_id,
        "actor": new.actor,
        "body_hash": plain_hash(body),
    }
    return {**row, "body": body, "prev": previous, "hash": record_hash(previous, row)}


def _as_stored(value: Any) -> Any:  # Any: JSON
    """The value as JSONB gives it back: its numbers have no exponent and no negative zero, so 1e22 comes back whole."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {key: _as_stored(item) for key, item in value.items()}
    return [_as_stored(item) for item in value] if isinstance(value, list) else value


def _header(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _HEADER}


def _lock_heads(connection: Connection, firm_id: str, account_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    locked = (
        select(account_chain.c.account_id, account_chain.c.seq, account_chain.c.head)
        .where(account_chain.c.firm_id == firm_id, account_chain.c.account_id.in_(account_ids))
        .order_by(account_chain.c.account_id)
        .with_for_update()
    )
    heads = {row.account_id: (row.seq, row.head) for row in connection.execute(locked)}
    missing = [account for account in account_ids if account not in heads]
    if missing:
        genesis = [{"firm_id": firm_id, "account_id": account, "seq": 0, "head": GENESIS} for account in missing]
        connection.execute(upsert(account_chain).on_conflict_do_nothing(), genesis)
        # Somebody else may have started the chain meanwhile: the lock tells which head holds.
        heads = {row.account_id: (row.seq, row.head) for row in connection.execute(locked)}
    return heads


def verify_chains(connection: Connection, account_ids: Sequence[str] | None = None) -> tuple[int, list[BrokenChain]]:
    """Recompute every chain of the firm: how many records were verified, and each chain's first fault.

    Each last link is compared with the stored head, so that a record deleted from the end is found too. Needs one
    snapshot for all that it reads (REPEATABLE READ) while others append.
    """
    wanted_heads, wanted = select(account_chain), select(record).order_by(record.c.account_id, record.c.seq)
    if account_ids is not None:
        wanted_heads = wanted_heads.where(account_chain.c.account_id.in_(account_ids))
        wanted = wanted.where(record.c.account_id.in_(account_ids))
    heads = {row.account_id: row for row in connection.execute(wanted_heads)}
    verified, broken = 0, []
    rows = connection.execute(wanted, execution_options={"yield_per": _AT_ONCE})
    for account_id, chain in groupby(rows, key=lambda row: str(row.account_id)):
        head = heads.pop(account_id, None)
        count, fault = (
            (0, BrokenChain(account_id, 1, "the chain has no head")) if head is None else _verify(head, chain)
        )
        verified += count
        if fault is not None:
            broken.append(fault)
    emptied = [head for head in heads.values() if head.seq > 0]
    broken += [BrokenChain(head.account_id, 1, _BEYOND) for head in emptied]
    return verified, sorted(broken, key=lambda each: each.account_id)


_AT_ONCE = 2_000
_BEYOND = "it is missing: the chain's head is further on"


def _verify(head: Row[Any], rows: Iterable[Row[Any]]) -> tuple[int, BrokenChain | None]:
    """How many records of the chain stand, and the first that does not."""
    previous, seq = GENESIS, 0
    for seq, row in enumerate(rows, start=1):
        reason = _fault(row, seq, previous, head.seq)
        if reason is not None:
            return seq - 1, BrokenChain(head.account_id, seq, reason)
        previous = row.hash
    if seq < head.seq:
        return seq, BrokenChain(head.account_id, seq + 1, _BEYOND)
    if previous != head.head:
        return seq - 1, BrokenChain(head.account_id, seq, "it is not the one that the chain's head names")
    return seq, None


def _fault(row: Row[Any], seq: int, previous: str, last: int) -> str | None:
    """What is wrong with the record that stands at place `seq` of its chain."""
    if row.seq != seq:
        return "it is missing"
    if row.prev != previous:
        return "it does not name its predecessor"
    if plain_hash(row.body) != row.body_hash:
        return "its body was changed"
    if record_hash(previous, _header(row)) != row.hash:
        return "its hash does not fit"
    return "it stands beyond the chain's head" if seq > last else None
