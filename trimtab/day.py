"""Starting a firm's day and promoting an account, for the command line, the demo and tests."""

from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from trimtab.contracts import AccountDayRef, DayRequest
from trimtab.db.account_days import ref_of
from trimtab.db.events import start_lifecycle
from trimtab.db.tables import account_day
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import plain
from trimtab.relay.starting import start_day
from trimtab.settings import Settings
from trimtab.temporal_client import connect


class TemporalMissing(TrimtabError):
    """The settings name no Temporal server."""

    code = "TEMPORAL_MISSING"


class NoAccountDay(TrimtabError):
    """The account has no day that could be promoted."""

    code = "NO_ACCOUNT_DAY"


async def start_daily_run(settings: Settings, firm_id: str, business_date: date) -> str:
    """Start DailyRun, and say so in one line; one that runs or is done is left alone. Raises TemporalMissing."""
    if settings.temporal_address is None:
        raise TemporalMissing("set TEMPORAL_ADDRESS, or start the servers with `trimtab up`")
    key = settings.payload_key.get_secret_value() if settings.payload_key else None
    client = await connect(
        settings.temporal_address, settings.temporal_namespace, key, allow_plain=settings.allow_plain_payloads
    )
    started = await start_day(client, DayRequest(firm_id, business_date))
    return f"the run of {business_date} {'starts' if started else 'was started before'}"


def promote(connection: Connection, firm_id: str, account_id: str, business_date: date | None = None) -> str:
    """Ask the relay for the account's own workflow, which adopts what its page computed. Raises NoAccountDay.

    The newest day counts unless `business_date` names one. A workflow that exists already stays as it is.
    """
    rows = select(account_day).where(account_day.c.account_id == account_id, account_day.c.current)
    if business_date is not None:
        rows = rows.where(account_day.c.business_date == business_date)
    found = connection.execute(rows.order_by(account_day.c.business_date.desc()).limit(1)).one_or_none()
    if found is None:
        raise NoAccountDay(f"account {account_id} has no account-day to promote")
    ref = ref_of(firm_id, found)
    start_lifecycle(connection, firm_id, ref.workflow_id, _plain(ref))
    return f"the workflow {ref.workflow_id} is asked for"


def _plain(ref: AccountDayRef) -> dict[str, Any]:
    values = plain(asdict(ref))
    return values if isinstance(values, dict) else {}
