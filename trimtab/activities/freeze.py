"""Freezing a run's inputs: one content hash for each feed, model, setting and filter that the run reads."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from trimtab.activities.deliveries import KINDS
from trimtab.activities.filter import FILTERS
from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.content import put_content
from trimtab.db.deliveries import feed_states
from trimtab.db.settings_versions import held_settings, newest_seq
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS

FIRM_FILTER: Final = "firm_filter"
SETTINGS: Final = "settings"


def freeze_filters(connection: Connection, ref: RunRef) -> None:
    """The firm's filters of the day; those that it never edited are the ones that every firm starts with."""
    held: Mapping[str, Any] = held_settings(connection, FIRM_FILTER, ref.business_date, newest_seq(connection))
    known = {key: held.get(key, DEFAULT_FIRM_FILTERS[key]) for key in DEFAULT_FIRM_FILTERS}
    runs.freeze(connection, ref, FILTERS, {"": put_content(connection, ref.firm_id, FILTERS, known)})


def freeze_feeds(connection: Connection, ref: RunRef) -> None:
    """The delivery of each kind that counts on the day, by its id."""
    for kind, state in feed_states(connection, ref.business_date, KINDS).items():
        if state.loaded and state.delivery_id is not None:
            runs.freeze(connection, ref, str(kind), {state.delivery_id: state.content_hash})
