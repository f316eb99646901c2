"""Statements and their lines (M1d). Lines are only ever added; a statement's versions say how it stands."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, insert, select, text

from trimtab.db.hub_accruals import accrued as accruals_of
from trimtab.db.programme import held_contracts
from trimtab.db.settings_versions import held_settings, last_version, newest_seq, write_version
from trimtab.db.tables import hub_statement_line
from trimtab.domain.errors import TrimtabError
from trimtab.domain.hub.billing import (
    AccountMonth,
    Month,
    MonthOpen,
    StatementLine,
    StatementStatus,
    asset_lines,
    minimum_line,
    total_of,
)
from trimtab.domain.hub.contracts import ProviderContract
from trimtab.domain.hub.statements import Statement
from trimtab.domain.money import ZERO
from trimtab.domain.records import plain

STATEMENT: Final = "billing_statement"
_STATEMENTS: Final = TypeAdapter(Statement)

_PARTS = text(
    """
    SELECT a.model_id, a.account_id, CAST(sum(c.days) AS integer) AS days, sum(a.assets * c.days) AS asset_days,
        sum(a.assets * c.fee / c.assets) AS share
    FROM (
        SELECT business_date, model_id, count(*) AS days, sum(fee) AS fee, max(assets) AS assets
        FROM hub_accrual WHERE provider_id = :provider AND day BETWEEN :first AND :last AND assets > 0
        GROUP BY business_date, model_id) c
    JOIN hub_assets a ON a.business_date = c.business_date AND a.model_id = c.model_id
    GROUP BY a.model_id, a.account_id ORDER BY a.model_id, a.account_id
    """
)


class StatementStands(TrimtabError):
    """The month has a statement already, or the one that is meant has been decided."""

    code = "STATEMENT_STANDS"


def draft(connection: Connection, firm_id: str, provider_id: str, month: Month, persons: tuple[str, ...]) -> Statement:
    """Draft the month's statement from its accruals. Raises MonthOpen, StatementStands and StaleVersion."""
    _lock(connection, firm_id, provider_id)
    before = [each for each in statements(connection, provider_id) if each.month == str(month)]
    standing = next((each for each in before if each.status is not StatementStatus.REJECTED), None)
    if standing is not None:
        raise StatementStands(f"{standing.id} stands as {standing.status.value}: adjust it, or have it rejected first")
    contracts = _contracts(connection, provider_id, month)
    accrued = _accrued(connection, provider_id, month, contracts)
    parts = [AccountMonth(*row) for row in connection.execute(_PARTS, _span(provider_id, month))]
    lines = asset_lines(parts, accrued, len(contracts))
    least = minimum_line(contracts[max(contracts)], month, accrued, len(contracts))
    lines += [least] if least is not None else []
    number = len(before) + 1
    statement = Statement(
        id=f"{provider_id}/{month}/{number}",
        provider_id=provider_id,
        month=str(month),
        number=number,
        days_in_force=len(contracts),
        accrued=accrued,
        total=total_of(lines),
        lines=len(lines),
        drafted_by=persons,
    )
    _add_lines(connection, firm_id, statement.id, lines, after=0)
    _write(connection, firm_id, statement, "+".join(persons), "drafted", None)
    return statement


def adjust(
    connection: Connection, firm_id: str, statement: Statement, seq: int, line: StatementLine, persons: tuple[str, ...]
) -> Statement:
    """Add a person's line. Raises StatementStands for a statement that is decided, and StaleVersion."""
    _require_draft(statement)
    changed = statement.adjusted(line.amount, persons)
    _write(connection, firm_id, changed, "+".join(persons), line.reason, seq)
    _add_lines(connection, firm_id, statement.id, [line], after=statement.lines)
    return changed


def settle(connection: Connection, firm_id: str, statement: Statement, seq: int) -> None:
    """Keep the decision that the statement carries. Raises StaleVersion."""
    _write(connection, firm_id, statement, statement.decided_by or "", statement.decision_reason, seq)


def statements(connection: Connection, provider_id: str | None = None) -> list[Statement]:
    """All statements as they stand, by provider, month and number."""
    held = held_settings(connection, STATEMENT, date.max, newest_seq(connection))
    found = [_STATEMENTS.validate_python(value, strict=False) for value in held.values()]
    mine = [each for each in found if provider_id in (None, each.provider_id)]
    return sorted(mine, key=lambda each: (each.provider_id, each.month, each.number))


def statement_of(connection: Connection, statement_id: str) -> tuple[Statement, int] | None:
    """The statement as it stands and its version; None when there is none."""
    row = last_version(connection, STATEMENT, statement_id)
    return None if row is None else (_STATEMENTS.validate_python(row.value, strict=False), row.seq)


def lines_of(connection: Connection, statement_id: str, after: int = 0, limit: int | None = None) -> list[Row[Any]]:
    """The statement's lines in order, after the given one."""
    table = hub_statement_line.c
    rows = select(hub_statement_line).where(table.statement_id == statement_id, table.line > after)
    return list(connection.execute(rows.order_by(table.line).limit(limit)))


def _contracts(connection: Connection, provider_id: str, month: Month) -> dict[date, ProviderContract]:
    """The contract of each day of the month on which one was in force. Raises MonthOpen when none was."""
    seq, found = newest_seq(connection), {}
    for day in (month.first + timedelta(days=n) for n in range(month.length)):
        contract = held_contracts(connection, day, seq).get(provider_id)
        if contract is not None and contract.is_in_force(day):
            found[day] = contract
    if not found:
        raise MonthOpen(f"no contract with {provider_id} was in force in {month}")
    return found


def _accrued(
    connection: Connection, provider_id: str, month: Month, contracts: Mapping[date, ProviderContract]
) -> Decimal:
    """The month's accruals. Raises MonthOpen when a model of a day is not accrued."""
    rows = accruals_of(connection, month.first, month.last, provider_id)
    done = {(row.day, row.model_id) for row in rows}
    missing = sorted(
        {day for day, contract in contracts.items() for model in contract.models if (day, model) not in done}
    )
    if missing:
        raise MonthOpen(
            f"{month} of {provider_id} cannot be billed: {missing[0]} is not accrued"
            f"{f', nor {len(missing) - 1} other days' if len(missing) > 1 else ''}; run `trimtab hub accrue`"
        )
    return sum((row.fee for row in rows), ZERO)


def _span(provider_id: str, month: Month) -> dict[str, object]:
    return {"provider": provider_id, "first": month.first, "last": month.last}


def _require_draft(statement: Statement) -> None:
    if statement.status is not StatementStatus.DRAFT:
        raise StatementStands(
            f"{statement.id} is {statement.status.value}: its lines stay; enter the correction in the next month's"
        )


def _add_lines(
    connection: Connection, firm_id: str, statement_id: str, lines: list[StatementLine], *, after: int
) -> None:
    values = [
        {
            "firm_id": firm_id,
            "statement_id": statement_id,
            "line": number,
            "kind": line.kind.value,
            "amount": line.amount,
            "model_id": line.model_id,
            "account_id": line.account_id,
            "days": line.days,
            "average_assets": line.average_assets,
            "reason": line.reason,
            "entered_by": line.entered_by,
        }
        for number, line in enumerate(lines, start=after + 1)
    ]
    if values:
        connection.execute(insert(hub_statement_line), values)


def _write(
    connection: Connection, firm_id: str, statement: Statement, actor: str, reason: str, supersedes: int | None
) -> None:
    value: Any = plain(statement)
    write_version(
        connection,
        firm_id,
        STATEMENT,
        statement.id,
        value,
        effective_from=date.min,
        actor=actor,
        reason=reason,
        supersedes=supersedes,
    )


def _lock(connection: Connection, firm_id: str, provider_id: str) -> None:
    key = f"trimtab-billing/{firm_id}/{provider_id}"
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
