"""An ancillary file into the accounts' own fields. A value that cannot be read keeps its account from trading.

The field may be the one that decides whether the account trades at all: half of what was meant of it is not enough.
The account is suspended until a later file has values for it that can all be read.
"""

from typing import Any

from sqlalchemy import Connection

from trimtab.db import suspensions
from trimtab.db.alerts import raise_alert
from trimtab.db.ancillary_files import SavedValues, save_staged_values
from trimtab.db.deliveries import ReceivedFile
from trimtab.domain.data_codes import DataCode
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

OPENED_BY = "feed:ancillary"


def save_ancillary(connection: Connection, firm_id: str, received: ReceivedFile) -> list[dict[str, Any]]:
    """Version the staged values, suspend and release accounts; returns the rows to quarantine."""
    saved = save_staged_values(connection, firm_id, received.business_date)
    _tell_unknown(connection, firm_id, received, saved)
    _suspend(connection, firm_id, received, saved)
    return [
        {
            "line": row.line,
            "field": row.column,
            "value": row.value,
            "code": DataCode.SETTINGS_INVALID.value,
            "message": row.message,
            "account_id": row.account_id,
            "security_key": None,
        }
        for row in saved.wrong
    ]


def _tell_unknown(connection: Connection, firm_id: str, received: ReceivedFile, saved: SavedValues) -> None:
    """A field that files do not set is the file's fault alone: no account is touched, and somebody is told."""
    unknown = sorted({row.value for row in saved.wrong if row.account_id is None})
    if unknown:
        raise_alert(
            connection,
            firm_id,
            cause="ANCILLARY_UNKNOWN_FIELD",
            scope=f"feed/{received.kind}",
            business_date=received.business_date,
            message=f"the ancillary file sets what the firm has not defined for files: {', '.join(unknown[:10])}",
        )


def _suspend(connection: Connection, firm_id: str, received: ReceivedFile, saved: SavedValues) -> None:
    faulty = {row.account_id: row.message for row in saved.wrong if row.account_id is not None}
    released = saved.accounts - faulty.keys()
    for row in suspensions.open_rows(connection, SuspensionScope.ACCOUNT, released):
        if row.opened_by == OPENED_BY:
            suspensions.lift_suspension(
                connection,
                firm_id,
                row.suspension_id,
                lifted_on=received.business_date,
                lifted_by=suspensions.SYSTEM,
                reason="its ancillary values can be read again",
            )
    for account_id, message in sorted(faulty.items()):
        wanted = Suspension(
            scope=SuspensionScope.ACCOUNT,
            scope_id=account_id,
            kind=SuspensionKind.DATA,
            code=DataCode.SETTINGS_INVALID.value,
            reason=f"its ancillary value cannot be read: {message}",
            since=received.business_date,
            opened_by=OPENED_BY,
        )
        suspensions.open_suspension(connection, firm_id, wanted)
