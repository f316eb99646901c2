"""Models that are published on their own, and what of them is released by the business clock.

A model under embargo is approved and kept, but nobody follows it before its instant has come on the market clock, nor
sees its weights who may not approve it: until then the version before stands.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select, text

from trimtab.db.settings_versions import MODEL
from trimtab.db.tables import market_event

USABLE_FROM: Final = "usable_from"
"""Of a provider's model: the instant from which runs may follow it."""


def market_now(connection: Connection) -> datetime | None:
    """The instant that the firm's business clock shows: of its last published event. None before the first."""
    now: datetime | None = connection.scalar(
        select(func.max(market_event.c.at)).where(market_event.c.published_at.is_not(None))
    )
    return now


def is_embargoed(value: Mapping[str, Any], now: datetime | None) -> bool:
    """Whether the model's instant has not come. A clock that has not begun has released nothing."""
    instant = value.get(USABLE_FROM)
    return instant is not None and (now is None or datetime.fromisoformat(instant) > now)


def without_weights(value: Mapping[str, Any]) -> dict[str, Any]:
    """What everybody may see of a model that is under embargo: that there is one, and when it is released."""
    return {name: each for name, each in value.items() if name not in ("weights", "cash_weight")}


def released_models(
    connection: Connection, on: date, known_seq: int, names: Collection[str] | None = None
) -> dict[str, Mapping[str, Any]]:
    """What holds of each model on the day: the newest version that is released; withdrawn models are left out.

    Of `names` alone, when given.
    """
    now = market_now(connection)
    found: dict[str, Mapping[str, Any]] = {}
    for name, (newest, newest_seq) in _held(connection, on, known_seq, names).items():
        value: Mapping[str, Any] | None = newest
        seq = newest_seq
        while value is not None and is_embargoed(value, now):
            value, seq = _held(connection, on, seq - 1, [name]).get(name, (None, 0))
        if value is not None and not value.get("withdrawn"):
            found[name] = value
    return found


def _held(
    connection: Connection, on: date, seq: int, names: Collection[str] | None = None
) -> dict[str, tuple[Mapping[str, Any], int]]:
    """Value and version of each model, or of those named."""
    statement = "SELECT key, value, seq FROM settings_as_of(:entity, :day, :seq)"
    values: dict[str, object] = {"entity": MODEL, "day": on, "seq": seq}
    if names is not None:
        statement += " WHERE key = ANY(:names)"
        values["names"] = list(names)
    return {row.key: (row.value, row.seq) for row in connection.execute(text(statement), values)}
