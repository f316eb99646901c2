"""What an account's last proposal leaves for tonight's analysis, so that proposals stay calm (C4)."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from trimtab.db.last_proposals import last_proposals
from trimtab.domain.incumbents import incumbent_after
from trimtab.domain.lifecycle import TerminalState
from trimtab.domain.orders import Side
from trimtab.domain.proposals import Certificate
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import Incumbent

_NOT_TRADED: Final = frozenset(
    {TerminalState.NO_TRADE, TerminalState.SUSPENDED, TerminalState.REJECTED, TerminalState.EXPIRED}
)
"""Days whose list was never sent. A held day may have orders at the broker: its list counts as traded."""

_CERTIFICATE: Final[TypeAdapter[Certificate]] = TypeAdapter(Certificate)


def incumbents(connection: Connection, account_ids: Collection[str], business_date: date) -> dict[str, Incumbent]:
    """By account what was last proposed, in one statement. A list that was traded leaves its prices alone."""
    return {row.account_id: _incumbent(row) for row in last_proposals(connection, account_ids, business_date)}


def _incumbent(row: Row[Any]) -> Incumbent:
    proof = None if row.proof is None else _CERTIFICATE.validate_python(row.proof, strict=False)
    return incumbent_after(_net_trades(row) if row.terminal_state in _NOT_TRADED else {}, proof)


def _net_trades(row: Row[Any]) -> Mapping[SecurityId, Decimal]:
    """Shares by security, positive bought."""
    return {
        SecurityId(security_id): Decimal(quantity) * (1 if side == Side.BUY else -1)
        for security_id, side, quantity in zip(row.securities, row.sides, row.quantities, strict=True)
    }
