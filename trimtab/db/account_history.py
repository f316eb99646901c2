"""What filters ask of an account beyond its snapshot: suspensions that stand open, and what happened before the day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from trimtab.contracts import AccountDayRef
from trimtab.db.ancillary import ANCILLARY_FIELD, ancillary_facts
from trimtab.db.decisions import open_suspensions
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.account_measures import AccountHistory, OpenSuspension, with_standing

# Index scans of one account each: the night asks this once for every account that is analysed.
_HISTORY = text(
    """
    SELECT days.first_day, days.previous_lane, decided.last_decision, traded.last_trade, traded.lots, traded.gain,
        EXISTS (SELECT 1 FROM setting_version WHERE entity = :field) AS has_own_fields
    FROM (
        SELECT min(d.business_date) AS first_day,
            (array_agg(d.lane ORDER BY d.business_date DESC) FILTER (WHERE d.business_date < :day))[1] AS previous_lane
        FROM account_day d WHERE d.account_id = :account AND d.current) days
    CROSS JOIN (
        SELECT max(d.business_date) AS last_decision
        FROM account_day d JOIN decision ON decision.account_day_id = d.account_day_id
        WHERE d.account_id = :account AND d.business_date < :day AND decision.status = 'ACCEPTED'
            AND decision.actor_roles <> '{}') decided
    CROSS JOIN (
        SELECT max(p.trade_date) AS last_trade,
            count(*) FILTER (WHERE p.trade_date >= :new_year) AS lots,
            coalesce(sum(p.gain) FILTER (WHERE p.trade_date >= :new_year), 0) AS gain
        FROM posting p WHERE p.account_id = :account AND p.trade_date < :day) traded
    """
)


def known_by_now(connection: Connection, ref: AccountDayRef, row: AccountFacts) -> AccountFacts:
    """The row with the firm's own fields, the suspensions that stand open now and what happened before the day."""
    opened = [OpenSuspension(each.kind, each.code, each.since) for each in open_suspensions(connection, ref)]
    found = _read(connection, ref)
    if found.has_own_fields:  # most firms have none, and the night asks for every account
        row = replace(row, ancillary=ancillary_facts(connection, ref.account_id, ref.business_date))
    return with_standing(row, opened, _history(found), ref.business_date)


def account_history(connection: Connection, ref: AccountDayRef) -> AccountHistory:
    """What the account's own days, decisions and postings tell, before the business date."""
    return _history(_read(connection, ref))


def _read(connection: Connection, ref: AccountDayRef) -> Row[Any]:
    day = ref.business_date
    values = {"account": ref.account_id, "day": day, "new_year": date(day.year, 1, 1), "field": ANCILLARY_FIELD}
    return connection.execute(_HISTORY, values).one()


def _history(found: Row[Any]) -> AccountHistory:
    return AccountHistory(
        previous_lane=found.previous_lane,
        last_trade=found.last_trade,
        last_decision=found.last_decision,
        first_day=found.first_day,
        traded_lots_this_year=int(found.lots),
        booked_gain_this_year=Decimal(found.gain),
    )
