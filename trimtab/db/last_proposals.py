"""What was last proposed for accounts, before a business date."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Subquery, and_, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONPATH, distinct_on

from trimtab.db.tables import account_day, intent, proposal

_LOOK_BACK: Final = timedelta(days=7)
"""Longest weekend, with a holiday on either side and a day on which nothing was analysed. Older is not yesterday."""


def last_proposals(connection: Connection, account_ids: Collection[str], business_date: date) -> list[Row[Any]]:
    """The newest proposal of each account, of a business date before.

    Rows of account_id, business_date, `is_sent` (its orders were committed, or its day has not ended and they may yet
    be) and, of the proposal alone what the next analysis starts from: `securities`, `sides` and `quantities` of its
    trades, and `proof`, its certificate (None without one).
    """
    newest = _newest_days(account_ids, business_date)
    rows = select(
        newest.c.account_id,
        newest.c.business_date,
        newest.c.is_sent,
        _of_trades("security_id").label("securities"),
        _of_trades("side").label("sides"),
        _of_trades("quantity").label("quantities"),
        proposal.c.body["certificate"].label("proof"),
    ).join(proposal, and_(proposal.c.firm_id == newest.c.firm_id, proposal.c.proposal_id == newest.c.proposal_id))
    return list(connection.execute(rows))


def _newest_days(account_ids: Collection[str], business_date: date) -> Subquery:
    """Chosen before any proposal is read: their bodies are large."""
    committed = exists().where(
        intent.c.firm_id == account_day.c.firm_id, intent.c.account_day_id == account_day.c.account_day_id
    )
    return (
        select(
            account_day.c.firm_id,
            account_day.c.account_id,
            account_day.c.business_date,
            account_day.c.proposal_id,
            or_(account_day.c.terminal_state.is_(None), committed).label("is_sent"),
        )
        .where(
            account_day.c.account_id.in_(account_ids),
            account_day.c.business_date < business_date,
            account_day.c.business_date >= business_date - _LOOK_BACK,
            account_day.c.current,
            account_day.c.proposal_id.is_not(None),
        )
        .ext(distinct_on(account_day.c.account_id))
        .order_by(account_day.c.account_id, account_day.c.business_date.desc())
        .subquery()
    )


def _of_trades(name: str) -> ColumnElement[Any]:
    """One field of each trade, in their order."""
    return func.jsonb_path_query_array(proposal.c.body, cast(f"$.trades[*].{name}", JSONPATH))
