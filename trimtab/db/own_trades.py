"""Our own fills since the positions file before, and what that file held: has the custodian booked them?"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from trimtab.db.deliveries import loaded_before
from trimtab.db.tables import position_fact, posting


@dataclass(frozen=True, slots=True)
class RecentTrades:
    """Rows in a stable order. `after` is the as-of date of the positions file before."""

    after: date
    postings: list[Row[Any]]  # account_id, security_id, trade_date, lot_id, quantity, basis, wash_adjustment, cash
    positions: list[
        Row[Any]
    ]  # of that file, of accounts with postings: account_id, security_id, security_key, quantity


def recent_trades(
    connection: Connection, account_ids: Collection[str], business_date: date, as_of: date
) -> RecentTrades | None:
    """What we traded for the accounts since the positions file before; None on the first day."""
    before = loaded_before(connection, "positions", business_date)
    if before is None or before.as_of is None:
        return None
    postings = connection.execute(
        select(posting)
        .where(
            posting.c.account_id.in_(account_ids),
            posting.c.trade_date > before.as_of,
            posting.c.trade_date <= as_of,
        )
        .order_by(posting.c.account_id, posting.c.posting_id)
    ).all()
    traded = {row.account_id for row in postings}
    positions = (
        connection.execute(
            select(position_fact).where(
                position_fact.c.delivery_id == before.delivery_id, position_fact.c.account_id.in_(sorted(traded))
            )
        ).all()
        if traded
        else []
    )
    return RecentTrades(before.as_of, list(postings), list(positions))
