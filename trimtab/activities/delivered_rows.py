"""A file's staged rows into facts, settings, accounts and suspensions, by kind."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from trimtab.activities.ancillary import save_ancillary
from trimtab.activities.calendar import calendar_around
from trimtab.activities.loading_order import Gate
from trimtab.db import suspensions
from trimtab.db.deliveries import ReceivedFile, insert_quarantined, loaded_delivery
from trimtab.db.facts import FACT_TABLES, know_identifiers, publish_staged, staged_strangers, staged_twice
from trimtab.db.hub_files import receive_staged
from trimtab.db.model_ids import set_aside_taken
from trimtab.db.roster import save_accounts
from trimtab.db.settings_versions import (
    save_account_settings,
    save_cash_needs,
    save_lists,
    save_models,
    save_restrictions,
)
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.risk import refuse_bad_covariance


def publish_rows(connection: Connection, firm_id: str, reader: FeedReader, received: ReceivedFile, gate: Gate) -> None:
    """Put what was staged where it belongs, and check what only the whole file shows.

    Raises FeedRefused, and LoadingAbandoned when the accounts that it is held against were not dealt with.
    """
    insert_quarantined(connection, firm_id, received.delivery_id, _quarantined(reader))
    kind, day, delivery_id = reader.kind, received.business_date, received.delivery_id
    if reader.layout.identified:
        know_identifiers(connection, firm_id, day)
    if kind in FACT_TABLES:
        publish_staged(connection, firm_id, delivery_id, kind)
    if reader.layout.of_accounts and kind is not FeedKind.ACCOUNTS:
        gate.passed()
        _refuse_strangers(connection, firm_id, day)
    match kind:
        case FeedKind.SECURITIES:
            twice = staged_twice(connection, "security_id")
            if twice is not None:
                raise FeedRefused("FEED_SCHEMA", f"security {twice} stands in the master twice")
        case FeedKind.PRICES:
            _refuse_impossible_prices(connection, day)
        case FeedKind.RISK_COVARIANCE:
            refuse_bad_covariance(_staged_covariance(connection), reader.factors)
        case FeedKind.ACCOUNTS:
            save_accounts(connection, firm_id)
            save_account_settings(connection, firm_id, day)
            suspensions.sync_delivered(connection, firm_id, delivery_id, day)
        case FeedKind.RESTRICTIONS:
            insert_quarantined(connection, firm_id, delivery_id, _unknown_restrictions(connection))
            save_restrictions(connection, firm_id, day)
        case FeedKind.CASH_NEEDS:
            save_cash_needs(connection, firm_id, day)
        case FeedKind.ANCILLARY:
            insert_quarantined(connection, firm_id, delivery_id, save_ancillary(connection, firm_id, received))
        case FeedKind.MODELS:
            insert_quarantined(connection, firm_id, delivery_id, set_aside_taken(connection, firm_id, day))
            save_models(connection, firm_id, day, _unreadable(reader))
        case FeedKind.RESTRICTION_LISTS:
            save_lists(connection, firm_id, day, _unreadable(reader))
        case FeedKind.PROVIDER_MODELS:
            receive_staged(connection, firm_id, day, delivery_id, _by_model(reader))


def _by_model(reader: FeedReader) -> dict[str, list[str]]:
    """What is wrong with the rows that were kept aside, by the model that they are of."""
    found: dict[str, list[str]] = {}
    for row in reader.quarantined:
        found.setdefault(row.owner or "", []).append(f"line {row.line} cannot be read: {row.message}")
    return found


def _staged_covariance(connection: Connection) -> list[tuple[str, list[float]]]:
    return [(row.factor, row.factors) for row in connection.execute(text("SELECT factor, factors FROM staged"))]


def _refuse_impossible_prices(connection: Connection, business_date: date) -> None:
    """Case 12: closes are of the session before, so none can be of the business date, or of a day without a session."""
    for found in connection.scalars(text("SELECT DISTINCT as_of FROM staged ORDER BY as_of DESC")):
        if found >= business_date:
            raise FeedRefused("PRICE_DATE", f"a close is dated {found}, which has not come yet")
        if not calendar_around(found).is_session(found):
            raise FeedRefused("PRICE_DATE", f"a close is dated {found}, on which the exchange was closed")


def _refuse_strangers(connection: Connection, firm_id: str, business_date: date) -> None:
    """Only when the day's accounts are known: else an account opened today would look like another firm's."""
    if loaded_delivery(connection, FeedKind.ACCOUNTS, business_date) is None:
        return
    stranger = staged_strangers(connection, firm_id)
    if stranger is not None:
        raise FeedRefused("FOREIGN_FIRM_DATA", f"account {stranger} is none of the firm's")


def _quarantined(reader: FeedReader) -> Iterable[dict[str, Any]]:
    for row in reader.quarantined:
        yield {
            "line": row.line,
            "field": row.field,
            "value": row.value,
            "code": row.code,
            "message": row.message,
            "account_id": row.owner if reader.layout.of_accounts else None,
            "security_key": row.security_key,
        }


def _unreadable(reader: FeedReader) -> list[dict[str, Any]]:
    return [{"owner": row.owner, "line": row.line, "message": row.message} for row in reader.quarantined]


def _unknown_restrictions(connection: Connection) -> list[dict[str, Any]]:
    """A restriction on a security that nobody knows cannot be kept: its account must not trade."""
    rows = connection.execute(
        text(
            """
            SELECT s.line, s.scheme, s.security_key, s.account_id FROM staged s
            LEFT JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key
            WHERE k.security_id IS NULL ORDER BY s.line
            """
        )
    )
    return [
        {
            "line": row.line,
            "field": row.scheme,
            "value": row.security_key,
            "code": "SETTINGS_INVALID",
            "message": f"a restriction names {row.security_key}, which the security master does not know",
            "account_id": row.account_id,
            "security_key": row.security_key,
        }
        for row in rows
    ]
