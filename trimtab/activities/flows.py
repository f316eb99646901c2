"""Money that comes and goes: values that jumped without it (73), deposits that did not come (81)."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from trimtab.db.deliveries import loaded_before
from trimtab.db.deposits import announced_deposits, cash_evenings
from trimtab.db.prices import value_changes
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, held_settings
from trimtab.db.tables import suspension
from trimtab.domain.account_checks import LARGEST_JUMP, value_jump
from trimtab.domain.deposits import Deposit, missing_deposits
from trimtab.domain.money import ZERO
from trimtab.domain.suspensions import SuspensionCode, SuspensionScope

FLOW_REMEMBERED: Final = timedelta(days=10)


def deposits_not_come(
    connection: Connection, deliveries: Mapping[str, str], business_date: date, seq: int
) -> dict[str, str]:
    """Accounts whose announced deposit is due and in no cash file yet (case 81), each with which, in words."""
    announced = announced_deposits(connection, business_date, seq) if "cash" in deliveries else {}
    if not announced:
        return {}
    since = min(deposit.announced_on for deposits in announced.values() for deposit in deposits)
    evenings = cash_evenings(connection, announced, since, business_date)
    missing = {
        account_id: missing_deposits(deposits, evenings.get(account_id, ()), business_date)
        for account_id, deposits in announced.items()
    }
    return {account_id: _told(deposits) for account_id, deposits in missing.items() if deposits}


def _told(deposits: Iterable[Deposit]) -> str:
    each = (f"the deposit of {deposit.amount} announced for {deposit.due_on} has not come" for deposit in deposits)
    return "; ".join(each)


def value_jumps(connection: Connection, deliveries: Mapping[str, str], business_date: date, seq: int) -> dict[str, str]:
    """Accounts whose value jumped by more than 30 % without a flow that was announced (case 73), each with how."""
    before = {kind: loaded_before(connection, kind, business_date) for kind in ("positions", "cash")}
    files = {kind: deliveries[kind] for kind in before if kind in deliveries}
    earlier = {kind: row.delivery_id for kind, row in before.items() if row is not None}
    if len(files) < len(before) or len(earlier) < len(before):
        return {}
    changes = value_changes(connection, files, earlier, LARGEST_JUMP)
    if not changes:
        return {}
    expected = _flow_expected(connection, business_date)
    paid = _withdrawals(connection, [row.account_id for row in changes], business_date, seq)
    deposits = announced_deposits(connection, business_date, seq)
    found = {
        row.account_id: _jump(row, paid.get(row.account_id, ZERO), deposits.get(row.account_id, ()), business_date)
        for row in changes
        if row.account_id not in expected
    }
    return {account_id: message for account_id, message in found.items() if message}


def _jump(row: Row[Any], paid: Decimal, deposits: Iterable[Deposit], business_date: date) -> str:
    """The value may have jumped by a deposit that is announced for these days."""
    near = (each.amount for each in deposits if abs(each.due_on - business_date) <= FLOW_REMEMBERED)
    jump = value_jump(row.before, row.today, -paid)
    return jump and value_jump(row.before, row.today, sum(near, ZERO) - paid)


def _flow_expected(connection: Connection, business_date: date) -> set[str]:
    """Accounts of which somebody had said lately that a large flow is imminent."""
    rows = select(suspension.c.scope_id).where(
        suspension.c.scope == SuspensionScope.ACCOUNT.value,
        suspension.c.code == SuspensionCode.FLOW_EXPECTED.value,
        suspension.c.since >= business_date - FLOW_REMEMBERED,
    )
    return set(connection.scalars(rows))


def _withdrawals(connection: Connection, account_ids: list[str], business_date: date, seq: int) -> dict[str, Decimal]:
    """Announced withdrawals that fell due since the files before: they stand in the settings of the day before."""
    eve = business_date - timedelta(days=1)
    held = held_settings(connection, ACCOUNT_SETTINGS, eve, seq, account_ids)
    return {
        account_id: sum(
            (
                Decimal(need["amount"])
                for need in value.get("cash_needs", ())
                if date.fromisoformat(need["due_on"]) <= business_date
            ),
            ZERO,
        )
        for account_id, value in held.items()
    }
