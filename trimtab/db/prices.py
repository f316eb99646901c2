"""Prices of the day and of the sessions before, and what custodians' positions say about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select, text

from trimtab.db.tables import delivery, price_fact
from trimtab.domain.identifier_checks import PastIdentifier
from trimtab.domain.price_moves import CustodianView
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """One row of a price file. `security_id` is None while nobody knows the identifier."""

    security_id: SecurityId | None
    security_key: str
    as_of: date
    close: Decimal
    currency: str
    volume: Decimal | None
    source: str


def quotes_of(connection: Connection, delivery_id: str, names: Mapping[str, SecurityId]) -> list[QuoteRow]:
    """The rows of one delivery in their order. `names`: identifiers that the master has learnt since it came."""
    rows = connection.execute(
        select(price_fact).where(price_fact.c.delivery_id == delivery_id).order_by(price_fact.c.line)
    )
    return [_quote(row, names) for row in rows]


def _quote(row: Row[Any], names: Mapping[str, SecurityId]) -> QuoteRow:
    known = row.security_id or names.get(row.security_key)
    return QuoteRow(known, row.security_key, row.as_of, row.close, row.currency, row.volume, row.source)


def past_quotes(
    connection: Connection, business_date: date, days: int, names: Mapping[str, SecurityId]
) -> list[list[QuoteRow]]:
    """The rows of the last `days` price files before the business date, newest file first."""
    files = connection.scalars(
        select(delivery.c.delivery_id)
        .where(delivery.c.kind == "prices", delivery.c.status == "LOADED", delivery.c.business_date < business_date)
        .order_by(delivery.c.business_date.desc(), delivery.c.recorded_at.desc())
        .limit(days)
    ).all()
    return [quotes_of(connection, delivery_id, names) for delivery_id in files]


def custodian_views(
    connection: Connection, positions: str, positions_before: str | None, securities: Collection[SecurityId]
) -> dict[SecurityId, CustodianView]:
    """What the custodian's positions of two consecutive files say about some securities: medians over the accounts.

    An account that is not in both files says nothing about the change of shares.
    """
    rows = connection.execute(
        text(
            """
            SELECT now.security_id,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY now.market_value / now.quantity) AS unit_value,
                percentile_disc(0.5) WITHIN GROUP (ORDER BY now.quantity / past.quantity) AS quantity_ratio
            FROM position_fact now
            LEFT JOIN position_fact past ON past.firm_id = now.firm_id AND past.delivery_id = :before
                AND past.account_id = now.account_id AND past.security_id = now.security_id AND past.quantity > 0
            WHERE now.delivery_id = :now AND now.security_id = ANY(:names) AND now.quantity > 0
            GROUP BY now.security_id
            """
        ),
        {"now": positions, "before": positions_before or "", "names": sorted(securities)},
    )
    return {
        row.security_id: CustodianView(
            Decimal(row.unit_value), None if row.quantity_ratio is None else Decimal(row.quantity_ratio)
        )
        for row in rows
    }


def past_identifiers(connection: Connection, master: str, since: date) -> list[PastIdentifier]:
    """Names that masters loaded since then gave to another security, or gave a security and are no longer its own.

    `master`: the delivery of the business date's security master.
    """
    rows = connection.execute(
        text(
            """
            SELECT DISTINCT past.security_id, past.symbol, past.cusip
            FROM delivery d
            JOIN security_fact past ON past.firm_id = d.firm_id AND past.delivery_id = d.delivery_id
            JOIN security_fact now ON now.firm_id = d.firm_id AND now.delivery_id = :master
                AND ((now.security_id = past.security_id AND now.cusip <> past.cusip)
                    OR (now.symbol = past.symbol AND now.security_id <> past.security_id))
            WHERE d.kind = 'securities' AND d.status = 'LOADED' AND d.delivery_id <> :master
                AND d.business_date >= :since
            ORDER BY past.security_id, past.symbol, past.cusip
            """
        ),
        {"master": master, "since": since},
    )
    return [PastIdentifier(SecurityId(row.security_id), row.symbol, row.cusip) for row in rows]


def value_changes(
    connection: Connection, files: Mapping[str, str], files_before: Mapping[str, str], beyond: Decimal
) -> list[Row[Any]]:
    """account_id, before, today: accounts whose value, positions and cash, changed by more than `beyond`, a fraction.

    `files`: the day's positions and cash deliveries by kind; only accounts in both days' files are compared.
    """
    return list(
        connection.execute(
            text(
                """
                WITH parts AS (
                    SELECT delivery_id = :positions AS is_today, account_id, market_value AS value
                    FROM position_fact WHERE delivery_id IN (:positions, :positions_before)
                    UNION ALL
                    SELECT delivery_id = :cash, account_id, settled + unsettled
                    FROM cash_fact WHERE delivery_id IN (:cash, :cash_before)),
                totals AS (
                    SELECT account_id, sum(value) FILTER (WHERE NOT is_today) AS before,
                        sum(value) FILTER (WHERE is_today) AS today
                    FROM parts GROUP BY account_id)
                SELECT account_id, before, today FROM totals
                WHERE before > 0 AND abs(today / before - 1) > :beyond ORDER BY account_id
                """
            ),
            {
                "positions": files["positions"],
                "cash": files["cash"],
                "positions_before": files_before["positions"],
                "cash_before": files_before["cash"],
                "beyond": beyond,
            },
        )
    )
