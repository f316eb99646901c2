"""Whose a model's id is: one of the programme's, the firm's own file's, or a provider's under contract.

Two sources of one model would be published over each other. Whoever has published it first keeps the id; before
that, and after the firm's file has withdrawn its own, a licensed id is the provider's.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from trimtab.db.alerts import raise_alert
from trimtab.db.programme import Programme, held_contracts
from trimtab.db.settings_versions import FEED_ACTOR, MODEL, last_version, newest_seq
from trimtab.domain.hub.provider_models import UploadCode

_STANDING = text(
    """
    SELECT key, provider_id FROM (
        SELECT DISTINCT ON (key) key, value, value->>'provider_id' AS provider_id
        FROM setting_version WHERE entity = :entity AND key = ANY(:names)
        ORDER BY key, seq DESC) newest
    WHERE value IS NOT NULL AND NOT value ? 'withdrawn'
    """
)


def taken_by(connection: Connection, programme: Programme, model_id: str) -> str:
    """Who but a provider publishes under the id, in words; empty when nobody does."""
    if model_id in programme.names():
        return "the firm's programme"
    published = last_version(connection, MODEL, model_id)
    if published is None or published.value is None or not published.actor.startswith(FEED_ACTOR):
        return ""
    return "" if published.value.get("withdrawn") else "the firm's file of models"


def providers_ids(connection: Connection, on: date, names: Collection[str]) -> dict[str, str]:
    """Those of the ids that are a provider's, and which one's: the firm's own file may not publish them."""
    licensed = {
        model: contract.id
        for contract in held_contracts(connection, on, newest_seq(connection)).values()
        for model in contract.models
    }
    rows = connection.execute(_STANDING, {"entity": MODEL, "names": list(names)})
    published = {row.key: row.provider_id for row in rows}
    owners = {name: published.get(name, licensed.get(name)) for name in names}
    return {name: owner for name, owner in owners.items() if owner is not None}


def set_aside_taken(connection: Connection, firm_id: str, business_date: date) -> list[dict[str, Any]]:
    """Take the models that are a provider's out of the firm's staged file, and tell of each.

    Returns their rows, to be kept aside: a provider's model is published by two persons, never by a file alone.
    """
    staged = list(connection.scalars(text("SELECT DISTINCT model_id FROM staged ORDER BY model_id")))
    taken = providers_ids(connection, business_date, staged)
    said = {name: f"{name} is a model of {owner}: the firm's file cannot publish it" for name, owner in taken.items()}
    for name, message in said.items():
        raise_alert(
            connection,
            firm_id,
            cause=UploadCode.MODEL_ID_TAKEN,
            scope=f"model/{name}",
            business_date=business_date,
            message=f"{message}; give the firm's own another id",
            severity="ERROR",
        )
    removed = text("DELETE FROM staged WHERE model_id = ANY(:taken) RETURNING line, model_id")
    return [
        {
            "line": row.line,
            "field": "model_id",
            "value": row.model_id,
            "code": UploadCode.MODEL_ID_TAKEN.value,
            "message": said[row.model_id],
            "account_id": None,
            "security_key": None,
        }
        for row in connection.execute(removed, {"taken": list(taken)})
    ]
