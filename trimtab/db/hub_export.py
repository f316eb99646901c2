"""A statement as CSV, for whoever pays it."""

import csv
import io
from typing import Final

from sqlalchemy import Connection

from trimtab.db.hub_billing import lines_of
from trimtab.domain.hub.statements import Statement

COLUMNS: Final = (
    "line",
    "kind",
    "provider_id",
    "month",
    "model_id",
    "account_id",
    "days",
    "average_assets",
    "amount",
    "reason",
    "entered_by",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def statement_csv(connection: Connection, statement: Statement) -> str:
    """Every line and a last one with the total; amounts in dollars and cents. LF, quotes as in RFC 4180."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    about = [statement.provider_id, statement.month]
    for row in lines_of(connection, statement.id):
        measured = [row.days, row.average_assets, f"{row.amount:.2f}"]
        ids = [_as_text(row.model_id or ""), _as_text(row.account_id or "")]
        writer.writerow([row.line, row.kind, *about, *ids, *measured, _as_text(row.reason), _as_text(row.entered_by)])
    status = statement.status.value
    writer.writerow(["", "TOTAL", *about, "", "", "", "", f"{statement.total:.2f}", status, statement.decided_by or ""])
    return file.getvalue()


def _as_text(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula is shown as text instead (case 61)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
