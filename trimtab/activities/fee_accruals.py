"""Providers' fees, each business day: the assets of the day, charged for every calendar day until the next session."""

from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from trimtab.activities.calendar import calendar_around
from trimtab.db.hub_accruals import accrue_day, last_accrued, tell_unlicensed
from trimtab.domain.hub.fees import Accrual

MOST_SESSIONS: Final = 10


def accrue_fees(connection: Connection, firm_id: str, business_date: date) -> list[Accrual]:
    """Accrue the business date, and before it any session since the last one that was; returns what was new.

    What is further back than MOST_SESSIONS is accrued day by day when a person asks for it.
    """
    tell_unlicensed(connection, firm_id, business_date)
    done = []
    for session in _since(last_accrued(connection), business_date):
        done += accrue_day(connection, firm_id, session, days_until_next(session))
    return done


def days_until_next(session: date) -> list[date]:
    """The session and the days after it on which the exchange is closed."""
    following = calendar_around(session).next(session).date
    return [session + timedelta(days=n) for n in range((following - session).days)]


def _since(last: date | None, business_date: date) -> list[date]:
    """The sessions after `last` up to the business date, in order; the business date alone without `last`."""
    sessions = [business_date]
    while last is not None and len(sessions) < MOST_SESSIONS:
        before = calendar_around(sessions[0]).previous(sessions[0]).date
        if before <= last:
            break
        sessions.insert(0, before)
    return sessions
