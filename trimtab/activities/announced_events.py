"""Events beyond splits as the loaded files tell them, and what they bar on the business date."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_sync import AnnouncedEvent, code_on_ex_date
from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import SecurityId

_ELSEWHERE: Final = (ActionKind.SPLF, ActionKind.SPLR, ActionKind.DVCA)  # activities/splits.py


def announced_events(delivered: Sequence[DeliveredAction]) -> tuple[AnnouncedEvent, ...]:
    """The last version of each event. Rows with one id and version are the children of one distribution."""
    rows: dict[tuple[str, int], dict[str, DeliveredAction]] = {}
    for row in delivered:
        # A later file that repeats a row replaces it.
        rows.setdefault((row.event_id, row.version), {})[row.new_key or ""] = row
    latest: dict[str, int] = {}
    for event_id, version in rows:
        latest[event_id] = max(version, latest.get(event_id, version))
    found = [list(rows[item].values()) for item in sorted(latest.items())]
    return tuple(_event(children) for children in found if children[0].kind not in _ELSEWHERE)


def _event(rows: list[DeliveredAction]) -> AnnouncedEvent:
    first = rows[0]
    received = [row.new_security_id or SecurityId(row.new_key) for row in rows if row.new_key]
    return AnnouncedEvent(
        event_id=first.event_id,
        version=first.version,
        kind=ActionKind(first.kind),
        security_id=first.security_id,
        ex_on=first.ex_on,
        status=ActionStatus(first.status),
        mandatory=all(row.mandatory for row in rows),
        received=tuple(received),
        has_allocation=all(row.basis_percent is not None and bool(row.basis_source) for row in rows),
    )


def barred_by_events(events: Iterable[AnnouncedEvent], business_date: date) -> Mapping[SecurityId, DataCode]:
    """Securities whose holders do not trade on their event's ex-date."""
    today = ((event.security_id, code_on_ex_date(event)) for event in events if event.ex_on == business_date)
    return {name: code for name, code in today if code is not None}
