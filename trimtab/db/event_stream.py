"""Published events for subscribers, by their sequence number: without a gap, or with a mark where one is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from trimtab.db.events import read_events
from trimtab.db.tables import account, event


@dataclass(frozen=True, slots=True)
class Batch:
    """What follows a cursor. `seen` is the last sequence number looked at, whether or not it may be shown.

    `gap_to` is set when events after the cursor are not there: the sequence goes on after it.
    """

    events: Sequence[Row[Any]]
    seen: int
    gap_to: int | None = None


def head(connection: Connection) -> int:
    """The sequence number of the firm's last published event; 0 before the first."""
    return int(connection.scalar(select(func.max(event.c.event_seq))) or 0)


def read_batch(connection: Connection, after: int, book: str | None, limit: int = 200) -> Batch:
    """The next events after `after`. Of an advisor's book, those of its accounts alone; the others are passed over.

    The sequencer numbers without holes, so a hole means that events were removed, and a cursor beyond the last event
    that it is another database's.
    """
    rows = read_events(connection, after, limit)
    if not rows:
        last = head(connection)
        return Batch((), after) if after <= last else Batch((), last, gap_to=last)
    if rows[0].event_seq != after + 1:
        return Batch((), rows[0].event_seq - 1, gap_to=rows[0].event_seq - 1)
    unbroken = [row for place, row in enumerate(rows, after + 1) if row.event_seq == place]
    own = unbroken if book is None else _of_book(connection, unbroken, book)
    return Batch(own, unbroken[-1].event_seq)


def _of_book(connection: Connection, rows: Sequence[Row[Any]], book: str) -> list[Row[Any]]:
    """By the advisor who has the account now, not by the one who had it when the event was written."""
    ids = {row.account_id for row in rows if row.account_id is not None}
    if not ids:
        return []
    own = select(account.c.account_id).where(account.c.account_id.in_(ids), account.c.advisor_id == book)
    mine = set(connection.scalars(own))
    return [row for row in rows if row.account_id in mine]
