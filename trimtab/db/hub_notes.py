"""Research notes about providers and their models: kept as they were written (M1e)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from trimtab.db.tables import hub_note


def write_note(connection: Connection, firm_id: str, note: Mapping[str, object]) -> None:
    """Keep a note: note_id, provider_id, model_id and version (each may be None), author, title, body."""
    connection.execute(insert(hub_note).values(firm_id=firm_id, **note))


def notes(connection: Connection, provider_id: str, model_id: str | None = None, limit: int = 100) -> list[Row[Any]]:
    """Notes about the provider, the newest first; with a model, only those about it."""
    rows = select(hub_note).where(hub_note.c.provider_id == provider_id)
    if model_id is not None:
        rows = rows.where(hub_note.c.model_id == model_id)
    return list(connection.execute(rows.order_by(hub_note.c.recorded_at.desc(), hub_note.c.note_id).limit(limit)))
