"""What an account's last proposal leaves for tonight's analysis, so that proposals stay calm (C4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from trimtab.activities.splits import Split, in_units_of_today
from trimtab.db.last_proposals import last_proposals
from trimtab.domain.incumbents import incumbent_after
from trimtab.domain.orders import Side
from trimtab.domain.proposals import Certificate
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import Incumbent

_CERTIFICATE: Final[TypeAdapter[Certificate]] = TypeAdapter(Certificate)


def incumbents(
    connection: Connection, account_ids: Collection[str], business_date: date, splits: Sequence[Split] = ()
) -> dict[str, Incumbent]:
    """By account what was last proposed, in one statement, in shares of the business date.

    A list that was sent leaves its prices alone, whatever became of its orders. Read twice in one night it is the
    same: opening today's account-days ends earlier ones, but for those with orders.
    """
    rows = last_proposals(connection, account_ids, business_date)
    return {row.account_id: _incumbent(row, splits) for row in rows}


def _incumbent(row: Row[Any], splits: Sequence[Split]) -> Incumbent:
    proof = None if row.proof is None else _CERTIFICATE.validate_python(row.proof, strict=False)
    return incumbent_after({} if row.is_sent else _net_trades(row, splits), proof)


def _net_trades(row: Row[Any], splits: Sequence[Split]) -> Mapping[SecurityId, Decimal]:
    """Shares by security, positive bought."""
    return {
        SecurityId(security_id): in_units_of_today(
            Decimal(quantity) * (1 if side == Side.BUY else -1), SecurityId(security_id), row.business_date, splits
        )
        for security_id, side, quantity in zip(row.securities, row.sides, row.quantities, strict=True)
    }
