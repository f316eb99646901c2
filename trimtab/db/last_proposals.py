"""What was last proposed for accounts, before a business date."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH, distinct_on

from trimtab.db.tables import account_day, proposal

_LOOK_BACK: Final = timedelta(days=7)
"""Longest weekend, with a holiday on either side and a day on which nothing was analysed. Older is not yesterday."""


def last_proposals(connection: Connection, account_ids: Collection[str], business_date: date) -> list[Row[Any]]:
    """The newest proposal of each account, of a business date before.

    Rows of account_id, terminal_state and, of the proposal alone what the next analysis starts from: `securities`,
    `sides` and `quantities` of its trades, and `proof`, its certificate (None without one).
    """
    rows = (
        select(
            account_day.c.account_id,
            account_day.c.terminal_state,
            _of_trades("security_id").label("securities"),
            _of_trades("side").label("sides"),
            _of_trades("quantity").label("quantities"),
            proposal.c.body["certificate"].label("proof"),
        )
        .join(
            proposal,
            and_(proposal.c.firm_id == account_day.c.firm_id, proposal.c.proposal_id == account_day.c.proposal_id),
        )
        .where(
            account_day.c.account_id.in_(account_ids),
            account_day.c.business_date < business_date,
            account_day.c.business_date >= business_date - _LOOK_BACK,
            account_day.c.current,
        )
        .ext(distinct_on(account_day.c.account_id))
        .order_by(account_day.c.account_id, account_day.c.business_date.desc())
    )
    return list(connection.execute(rows))


def _of_trades(name: str) -> ColumnElement[Any]:
    """One field of each trade, in their order."""
    return func.jsonb_path_query_array(proposal.c.body, cast(f"$.trades[*].{name}", JSONPATH))
