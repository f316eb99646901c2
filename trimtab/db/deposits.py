"""Announced deposits of the client profiles, and the cash files that show whether they have come."""

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, text

from trimtab.db.profiles import PROFILE, read_layers
from trimtab.db.tables import posting, setting_version
from trimtab.domain.deposits import LAPSES_AFTER, CashEvening, Deposit
from trimtab.domain.profile.levels import Layer, LayerKey
from trimtab.domain.profile.statements import Level, Statement

DEPOSIT: Final = "deposit"
_LONGEST_PAUSE: Final = timedelta(days=10)  # calendar days without a cash file: closures of an exchange


def announced_deposits(connection: Connection, on: date, seq: int) -> dict[str, list[Deposit]]:
    """By account the deposits that are expected on the day as known at `seq`, until they lapse.

    The place of such a sentence in a layer is "deposit|" and its date, so that those of today are found by their place.
    """
    said = select(setting_version.c.key, setting_version.c.seq, setting_version.c.effective_from).where(
        setting_version.c.entity == PROFILE,
        setting_version.c.effective_from <= on,
        setting_version.c.seq <= seq,
        func.jsonb_path_exists(
            setting_version.c.value,
            text("'$.set.keyvalue() ? (@.key >= $first && @.key < $end)'"),
            func.jsonb_build_object("first", f"{DEPOSIT}|{on - LAPSES_AFTER}", "end", f"{DEPOSIT}}}"),
        ),
    )
    rows = connection.execute(said).all()
    if not rows:
        return {}
    layers = read_layers(connection, {LayerKey.of(row.key) for row in rows}, on, seq)
    since = {row.seq: row.effective_from for row in rows}
    found = {key.owner: _deposits(layer, since, on) for key, layer in layers.items() if key.level is Level.ACCOUNT}
    return {account_id: deposits for account_id, deposits in sorted(found.items()) if deposits}


def _deposits(layer: Layer, since: dict[int, date], on: date) -> list[Deposit]:
    found = []
    for said in layer.says.values():
        statement = said.what
        if not isinstance(statement, Statement) or statement.key != DEPOSIT or not statement.is_on:
            continue
        due_on = statement.day("date")
        if on - due_on <= LAPSES_AFTER:
            found.append(Deposit(statement.decimal("amount"), due_on, since[said.version]))
    return found


def cash_evenings(
    connection: Connection, account_ids: Collection[str], since: date, on: date
) -> dict[str, list[CashEvening]]:
    """By account its cash from the file before `since` to that of the business date `on`, in the order of days."""
    oldest = since - _LONGEST_PAUSE
    rows = connection.execute(
        text(
            """
            SELECT DISTINCT ON (c.account_id, d.business_date)
                c.account_id, d.business_date, d.as_of, c.settled + c.unsettled AS total
            FROM delivery d JOIN cash_fact c ON c.firm_id = d.firm_id AND c.delivery_id = d.delivery_id
            WHERE d.kind = 'cash' AND d.status = 'LOADED' AND d.business_date BETWEEN :oldest AND :on
                AND c.account_id = ANY(:accounts)
            ORDER BY c.account_id, d.business_date, d.recorded_at DESC, c.line DESC
            """
        ),
        {"accounts": sorted(account_ids), "oldest": oldest, "on": on},
    ).all()
    traded = _traded(connection, account_ids, oldest)
    found: dict[str, list[CashEvening]] = {}
    before: dict[str, Row[Any]] = {}
    for row in rows:
        after = before[row.account_id].as_of if row.account_id in before else date.min
        cash = (amount for day, amount in traded.get(row.account_id, ()) if after < day <= row.as_of)
        evening = CashEvening(row.business_date, row.total, sum(cash, Decimal(0)))
        found.setdefault(row.account_id, []).append(evening)
        before[row.account_id] = row
    return found


def _traded(connection: Connection, account_ids: Collection[str], since: date) -> dict[str, list[tuple[date, Decimal]]]:
    """By account what our own trades have brought in cash, by day."""
    rows = connection.execute(
        select(posting.c.account_id, posting.c.trade_date, func.sum(posting.c.cash))
        .where(posting.c.account_id.in_(sorted(account_ids)), posting.c.trade_date >= since)
        .group_by(posting.c.account_id, posting.c.trade_date)
    )
    found: dict[str, list[tuple[date, Decimal]]] = {}
    for account_id, day, cash in rows:
        found.setdefault(account_id, []).append((day, cash))
    return found
