"""A moment that a query asks about, as the day and the last version known then."""

from datetime import date

from sqlalchemy import Connection

from trimtab.db.account_signals import business_date
from trimtab.db.profiles import seq_known_at
from trimtab.db.settings_versions import newest_seq
from trimtab.graphql.errors import BadInput
from trimtab.graphql.settings.types import Moment


def day_and_version(connection: Connection, moment: Moment) -> tuple[date, int]:
    """The day and the last known version that a moment means. Raises BadInput."""
    on = moment.as_of or business_date(connection) or date.max
    if moment.known_at_time is not None:
        if moment.known_at is not None:
            raise BadInput("give knownAt or knownAtTime, not both")
        if moment.known_at_time.tzinfo is None:
            raise BadInput("knownAtTime needs its offset from UTC")
        return on, seq_known_at(connection, moment.known_at_time)
    return on, moment.known_at if moment.known_at is not None else newest_seq(connection)
