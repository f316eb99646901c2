"""Events beyond splits as the loaded files tell them, for the sync report."""

from collections.abc import Sequence
from typing import Final

from trimtab.db.event_terms import announced_event
from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import ActionKind
from trimtab.domain.corporate_actions_sync import AnnouncedEvent

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
    return tuple(announced_event(children) for children in found if children[0].kind not in _ELSEWHERE)
