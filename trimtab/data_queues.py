"""The data manager's queues on the command line: one line an entry."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from sqlalchemy import Connection, select

from trimtab.db.account_signals import business_date
from trimtab.db.suspensions import suspension_of
from trimtab.db.tables import delivery, quarantined_row, suspension
from trimtab.domain.data_codes import what_clears
from trimtab.operator import in_firm
from trimtab.settings import Settings
from trimtab.unknown_securities import incomplete_securities, list_hits, unknown_securities


def queue_lines(settings: Settings, firm_id: str, queue: str, day: date | None) -> list[str]:
    """The lines of one of QUEUES on a business date, the newest by default. Raises NoFirm, NothingRuns."""
    with in_firm(settings, firm_id) as connection:
        on = day or business_date(connection) or date.max
        return list(QUEUES[queue](connection, on)) or ["nothing waits"]


def unknown_lines(connection: Connection, on: date) -> Iterator[str]:
    for each in unknown_securities(connection, on):
        maybe = "; ".join(f"{one.security_id} ({one.because})" for one in each.candidates) or "no candidate"
        models = f", wanted by {', '.join(sorted(each.models))}" if each.models else ""
        yield (
            f"{each.key}: {each.scheme}, check digit {each.check_digit.lower()}, {len(each.accounts)} accounts with "
            f"{each.market_value} dollars{models}: {maybe}"
        )


def incomplete_lines(connection: Connection, on: date) -> Iterator[str]:
    for each in incomplete_securities(connection, on):
        proxy = f"; {each.proxy}" if each.proxy else ""
        held = f"{each.accounts} accounts hold {each.market_value} dollars"
        yield f"{each.security_id} lacks {', '.join(each.lacks)}: {held}{proxy}"


def list_lines(connection: Connection, on: date) -> Iterator[str]:
    for hit in list_hits(connection, on):
        models = ", ".join(f"{name} at {weight}" for name, weight in (hit.models or {}).items()) or "no model"
        yield (
            f"{hit.list_id} version {hit.version}: {hit.security_id} is held by {hit.accounts} accounts, "
            f"{hit.market_value} dollars; wanted by {models}"
        )


def suspension_lines(connection: Connection, on: date) -> Iterator[str]:
    """Open ones, whatever the day: they stand until they are lifted."""
    rows = select(suspension).where(suspension.c.lifted_by.is_(None))
    for row in connection.execute(rows.order_by(suspension.c.since, suspension.c.scope_id, suspension.c.code)):
        value = suspension_of(row)
        roles = ", ".join(sorted(role.value for role in value.lifted_by)) or "nobody: only its cause ends it"
        yield (
            f"{value.scope.lower()} {value.scope_id}: {value.code} since {value.since}: {value.reason.rstrip('.')}. "
            f"Cleared by: {what_clears(value)}. May be lifted by: {roles}"
        )


def aside_lines(connection: Connection, on: date) -> Iterator[str]:
    """Rows of the day's files that could not be read, by file and line."""
    rows = (
        select(quarantined_row, delivery.c.kind, delivery.c.file_name)
        .join(delivery, delivery.c.delivery_id == quarantined_row.c.delivery_id)
        .where(delivery.c.business_date == on, delivery.c.status == "LOADED")
        .order_by(delivery.c.kind, delivery.c.recorded_at, quarantined_row.c.line)
    )
    for row in connection.execute(rows):
        concerned = [f"account {row.account_id}"] if row.account_id else []
        concerned += [f"security {row.security_key}"] if row.security_key else []
        whom = ", ".join(concerned) or "nobody that can be read"
        cell = f"{row.field} " if row.field else ""
        yield f"{row.kind} ({row.file_name}) line {row.line}: {cell}{row.code}: {row.message}; of {whom}"


QUEUES: Final[Mapping[str, Callable[[Connection, date], Iterator[str]]]] = {
    "unknown": unknown_lines,
    "incomplete": incomplete_lines,
    "lists": list_lines,
    "suspensions": suspension_lines,
    "aside": aside_lines,
}
