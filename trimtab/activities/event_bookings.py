"""Writing down what events have done to an account: once for each state of each version (idempotent)."""

from sqlalchemy import Connection

from trimtab.activities.prepared import AccountLots, Booking, Prepared, applied_to
from trimtab.contracts import AccountDayRef
from trimtab.db.content import get_content, put_content
from trimtab.db.corporate_actions import StoredApplication, write_application
from trimtab.domain.accounts import AccountId

EVENT_LOTS = "event_lots"


def write_bookings(connection: Connection, ref: AccountDayRef, prepared: Prepared) -> int:
    """Keep the night's bookings of the account; returns how many are new."""
    return sum(_write(connection, ref, booking) for booking in prepared.bookings)


def _write(connection: Connection, ref: AccountDayRef, booking: Booking) -> bool:
    before, before_hash = _kept(connection, ref, booking.before)
    cash, income, gain = booking.cash, booking.income, booking.gain
    if booking.after is None:
        after, done = applied_to(booking.due, AccountId(ref.account_id), before)
        after_hash = put_content(connection, ref.firm_id, EVENT_LOTS, after)
        cash, income, gain = done.cash, done.income, done.gain
    else:
        after, after_hash = _kept(connection, ref, booking.after)
    application = StoredApplication(
        event_id=booking.due.event_id,
        version=booking.version,
        state=booking.state,
        terms_hash=booking.terms_hash,
        business_date=ref.business_date,
        booked_by=booking.booked_by,
        before_hash=before_hash,
        after_hash=after_hash,
        shares_before=before.shares,
        shares_after=after.shares,
        cash=cash,
        income=income,
        gain=gain,
    )
    return write_application(connection, ref.firm_id, ref.account_id, application)


def _kept(connection: Connection, ref: AccountDayRef, lots: AccountLots | str) -> tuple[AccountLots, str]:
    """The lots and their hash, whichever is at hand."""
    if isinstance(lots, str):
        return get_content(connection, lots, AccountLots), lots
    return lots, put_content(connection, ref.firm_id, EVENT_LOTS, lots)
