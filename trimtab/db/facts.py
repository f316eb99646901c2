"""Rows of a delivery into their fact table: COPY to a temporary table, identifiers resolved there, INSERT ... SELECT.

COPY does not work on tables with row-level security, so the rows land in a temporary table first, which goes
with the transaction. One delivery at a time: both temporary tables are of the transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TYPES: Mapping[str, str] = {
    "version": "integer",
    "specific_risk": "double precision",
    "factors": "double precision[]",
    "effective_at": "timestamptz",
    "release_at": "timestamptz",
    **dict.fromkeys(
        _words("as_of effective_on acquired_on holding_start sold_on traded_on ex_on due_on pay_on"), "date"
    ),
    **dict.fromkeys(
        _words(
            "tradable whole_shares discretionary approved_for_trading covered mandatory gift_or_inheritance restricted"
        ),
        "boolean",
    ),
    **dict.fromkeys(
        _words(
            "half_spread_bps quantity market_value settled unsettled proceeds basis close volume new_shares old_shares"
            " cash_per_share basis_percent fair_value fraction_price"
            " cost wash_adjustment weight amount minimum maximum short_term_rate long_term_rate"
            " cash_target cash_reserve minimum_trade commission price fees expected_turnover"
        ),
        "numeric",
    ),
}
"""Of staged columns; the others are text."""


@dataclass(frozen=True, slots=True)
class FactTable:
    """Where a kind's rows go. `columns` are staged columns of the same name; `renamed` gives a staged one another."""

    name: str
    columns: tuple[str, ...]
    identified: bool = False
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


FACT_TABLES: Mapping[str, FactTable] = {
    "securities": FactTable(
        "security_fact",
        _words(
            "security_id symbol cusip isin figi name kind asset_class sector currency tradable whole_shares"
            " wash_group half_spread_bps"
        ),
    ),
    "accounts": FactTable(
        "account_fact",
        _words(
            "account_id household_id advisor_id programme registration model_id discretionary standing"
            " approved_for_trading tier suspension suspension_reason"
        ),
    ),
    "positions": FactTable("position_fact", _words("account_id quantity market_value restricted"), identified=True),
    "lots": FactTable(
        "lot_fact",
        _words(
            "account_id lot_id quantity acquired_on holding_start cost wash_adjustment purchase_id covered"
            " gift_or_inheritance restricted"
        ),
        identified=True,
    ),
    "cash": FactTable("cash_fact", _words("account_id settled unsettled currency")),
    "sales": FactTable("sale_fact", _words("account_id sold_on quantity proceeds basis"), identified=True),
    "transactions": FactTable(
        "transaction_fact", _words("account_id traded_on action quantity price fees amount"), identified=True
    ),
    "prices": FactTable("price_fact", _words("as_of close currency volume source"), identified=True),
    "corporate_actions": FactTable(
        "corporate_action_fact",
        _words(
            "event_id version kind ex_on new_shares old_shares cash_per_share status new_cusip new_isin new_symbol"
            " mandatory treatment basis_percent basis_source fair_value pay_on fraction_price source"
        ),
        identified=True,
    ),
    "risk_exposures": FactTable(
        "risk_exposure_fact", ("specific_risk",), identified=True, renamed={"factors": "exposures"}
    ),
    "risk_covariance": FactTable("risk_covariance_fact", ("factor",), renamed={"factors": "row"}),
}
"""Restrictions, cash needs and models have none: they become versions of settings; providers' models are uploads."""


def stage_rows(
    connection: Connection, names: Sequence[str], batches: Iterable[Sequence[tuple[object, ...]] | str]
) -> None:
    """COPY rows (line number first, then the values of `names`) into the temporary table `staged`.

    A batch that is a string is rows in the text form of COPY already.
    """
    columns = ", ".join(f'"{name}" {_TYPES.get(name, "text")}' for name in names)
    connection.execute(text(f"CREATE TEMP TABLE staged (line integer NOT NULL, {columns}) ON COMMIT DROP"))
    driver: Any = connection.connection.driver_connection  # psycopg's own: SQLAlchemy has no COPY
    with driver.cursor() as cursor, cursor.copy("COPY staged FROM STDIN") as copy:
        for batch in batches:
            if isinstance(batch, str):
                copy.write(batch)
                continue
            for row in batch:
                copy.write_row([list(value) if isinstance(value, tuple) else value for value in row])
    connection.execute(text("ANALYZE staged"))


def know_identifiers(connection: Connection, firm_id: str, business_date: date) -> None:
    """Make the temporary table `known_identifier` from the newest loaded security master.

    An identifier that two securities of the master share names neither: nothing is guessed.
    """
    connection.execute(
        text(
            """
            CREATE TEMP TABLE known_identifier ON COMMIT DROP AS
            SELECT name.scheme, name.value, min(master.security_id) AS security_id
            FROM security_fact master
            CROSS JOIN LATERAL (VALUES ('security_id', master.security_id), ('cusip', master.cusip),
                ('isin', master.isin), ('figi', master.figi), ('symbol', master.symbol)) AS name (scheme, value)
            WHERE master.firm_id = :firm AND name.value IS NOT NULL AND master.delivery_id = (
                SELECT d.delivery_id FROM delivery d
                WHERE d.firm_id = :firm AND d.kind = 'securities' AND d.status = 'LOADED' AND d.business_date <= :day
                ORDER BY d.business_date DESC, d.recorded_at DESC LIMIT 1)
            GROUP BY name.scheme, name.value
            HAVING count(DISTINCT master.security_id) = 1
            """
        ),
        {"firm": firm_id, "day": business_date},
    )
    connection.execute(text("ANALYZE known_identifier"))


def publish_staged(connection: Connection, firm_id: str, delivery_id: str, kind: str) -> int:
    """Insert the staged rows into the kind's fact table, and return how many."""
    table = FACT_TABLES[kind]
    targets = [*table.columns, *table.renamed.values()]
    sources = [f's."{name}"' for name in (*table.columns, *table.renamed)]
    known = ""
    if table.identified:
        targets += ["security_id", "security_key"]
        sources += ["k.security_id", "s.security_key"]
        known = "LEFT JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key"
    columns = ", ".join(f'"{name}"' for name in targets)
    # Names come from the table above, never from a file.
    statement = f"""
        INSERT INTO {table.name} (firm_id, delivery_id, line, {columns})
        SELECT :firm, :delivery, s.line, {", ".join(sources)} FROM staged s {known}"""  # noqa: S608
    return connection.execute(text(statement), {"firm": firm_id, "delivery": delivery_id}).rowcount


def staged_twice(connection: Connection, name: str) -> str | None:
    """A value of the staged column that stands in more than one row, or None."""
    # The column's name comes from the code, never from a file.
    found = connection.scalar(
        text(f"SELECT {name} FROM staged GROUP BY {name} HAVING count(*) > 1 ORDER BY 1 LIMIT 1")  # noqa: S608
    )
    return None if found is None else str(found)


def staged_strangers(connection: Connection, firm_id: str) -> str | None:
    """The first staged account that is none of the firm's, or None."""
    found = connection.scalar(
        text(
            """
            SELECT s.account_id
            FROM (SELECT account_id, min(line) AS line FROM staged GROUP BY account_id) s
            LEFT JOIN account a ON a.firm_id = :firm AND a.account_id = s.account_id
            WHERE a.account_id IS NULL ORDER BY s.line LIMIT 1
            """
        ),
        {"firm": firm_id},
    )
    return None if found is None else str(found)
