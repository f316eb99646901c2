"""Intents and their reservations: what an account has committed to trade, and what that leaves it."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    any_,
    func,
    insert,
    literal,
    select,
    update,
)

from trimtab.db.tables import (
    account,
    cash_reservation,
    delivery,
    household,
    intent,
    lot_reservation,
    posting,
    proposal,
    security_fact,
)
from trimtab.domain.accounts import AccountId, HouseholdId
from trimtab.domain.lots import LotId
from trimtab.domain.orders import Intent, IntentId, IntentStatus, LotClaim, Side
from trimtab.domain.securities import SecurityId, SecurityKind
from trimtab.domain.wash_sales import HouseholdTrade

OPEN_INTENTS = (IntentStatus.PENDING, IntentStatus.RELEASED, IntentStatus.IN_DOUBT)
"""Intents whose end is not known yet."""


def among(column: Column[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Whether the column is one of the values, however many: they travel as one array, not as 65,535 parameters."""
    return column == any_(literal(list(values), ARRAY(Text)))


def lock_household_and_account(connection: Connection, account_id: str) -> Row[Any]:
    """Lock the account's tax household, then the account, and return the account's row.

    Every transaction that commits trades takes these locks in this order, so two members of one household
    never trade at the same time and never deadlock.
    """
    owner = select(account.c.household_id).where(account.c.account_id == account_id).scalar_subquery()
    connection.execute(select(household).where(household.c.household_id == owner).with_for_update())
    return connection.execute(select(account).where(account.c.account_id == account_id).with_for_update()).one()


def proposal_row(connection: Connection, proposal_id: str) -> Row[Any]:
    return connection.execute(select(proposal).where(proposal.c.proposal_id == proposal_id)).one()


def intents_of(connection: Connection, account_day_id: str, *, lock: bool = False) -> list[Row[Any]]:
    """The account-day's intents by leg; locked, no release and no gateway changes them meanwhile.

    Whoever locks several intents takes them in the order of their ids.
    """
    rows = select(intent).where(intent.c.account_day_id == account_day_id).order_by(intent.c.intent_id)
    found = connection.execute(rows.with_for_update() if lock else rows)
    return sorted(found, key=lambda row: int(row.leg))


def earlier_open_intents(connection: Connection, account_id: str, business_date: date) -> int:
    """How many intents of earlier days have no known end."""
    count = connection.scalar(
        select(func.count())
        .select_from(intent)
        .where(
            intent.c.account_id == account_id,
            intent.c.business_date < business_date,
            intent.c.status.in_(OPEN_INTENTS),
        )
    )
    return int(count or 0)


def household_trades_today(
    connection: Connection, household_id: str, business_date: date, but_of: str
) -> list[HouseholdTrade]:
    """What the household has committed to trade, or has traded, on the business date, but for one account-day."""
    rows = connection.execute(
        select(intent).where(
            intent.c.household_id == household_id,
            intent.c.business_date == business_date,
            intent.c.account_day_id != but_of,
            intent.c.status.not_in((IntentStatus.UNFILLED, IntentStatus.REJECTED)),
        )
    )
    return [HouseholdTrade(AccountId(row.account_id), row.wash_key, Side(row.side), row.realizes_loss) for row in rows]


def wash_keys(connection: Connection, business_date: date, security_ids: Sequence[SecurityId]) -> dict[SecurityId, str]:
    """The wash key of each security, as the newest master that was loaded for the business date has it."""
    rows = connection.execute(_of_newest_master(business_date, security_ids))
    groups = {row.security_id: row.wash_group for row in rows}
    return {security_id: groups.get(security_id) or security_id for security_id in security_ids}


def kinds_of(
    connection: Connection, business_date: date, security_ids: Sequence[SecurityId]
) -> dict[SecurityId, SecurityKind]:
    """The kind of each security that the same master has."""
    rows = connection.execute(_of_newest_master(business_date, security_ids))
    return {row.security_id: SecurityKind(row.kind) for row in rows}


def _of_newest_master(business_date: date, security_ids: Sequence[SecurityId]) -> Select[Any]:
    newest = (
        select(delivery.c.delivery_id)
        .where(
            delivery.c.kind == "securities", delivery.c.status == "LOADED", delivery.c.business_date <= business_date
        )
        .order_by(delivery.c.business_date.desc(), delivery.c.recorded_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(security_fact.c.security_id, security_fact.c.wash_group, security_fact.c.kind).where(
        security_fact.c.delivery_id == newest, security_fact.c.security_id.in_(security_ids)
    )


def taken_from_lots(connection: Connection, account_id: str, since: date) -> dict[str, Decimal]:
    """Shares of each lot that are reserved, or were sold on or after `since`: they cannot be sold again."""
    reserved = connection.execute(
        select(lot_reservation.c.lot_id, func.sum(lot_reservation.c.quantity))
        .where(lot_reservation.c.account_id == account_id, ~lot_reservation.c.released)
        .group_by(lot_reservation.c.lot_id)
    )
    sold = connection.execute(
        select(posting.c.lot_id, -func.sum(posting.c.quantity))
        .where(posting.c.account_id == account_id, posting.c.quantity < 0, posting.c.trade_date >= since)
        .group_by(posting.c.lot_id)
    )
    taken: dict[str, Decimal] = {}
    for lot_id, quantity in (*reserved, *sold):
        taken[lot_id] = taken.get(lot_id, Decimal(0)) + quantity
    return taken


def reserved_cash(connection: Connection, account_id: str) -> Decimal:
    """Dollars that committed purchases will take."""
    total = connection.scalar(
        select(func.sum(cash_reservation.c.amount)).where(
            cash_reservation.c.account_id == account_id, ~cash_reservation.c.released
        )
    )
    return Decimal(total or 0)


def cash_moved(connection: Connection, account_id: str, since: date) -> Decimal:
    """Dollars that trades on or after `since` have brought (positive) or taken."""
    total = connection.scalar(
        select(func.sum(posting.c.cash)).where(posting.c.account_id == account_id, posting.c.trade_date >= since)
    )
    return Decimal(total or 0)


def insert_intents(
    connection: Connection,
    intents: Sequence[dict[str, Any]],
    lots: Sequence[dict[str, Any]],
    cash: Sequence[dict[str, Any]],
) -> None:
    """Insert intents with the lots and the cash that they reserve; each sequence may be empty."""
    for table, rows in ((intent, intents), (lot_reservation, lots), (cash_reservation, cash)):
        if rows:
            connection.execute(insert(table), list(rows))


def release_reservations(connection: Connection, intent_ids: Collection[str]) -> None:
    """Free what the intents reserved: they are filled, or will not be."""
    if not intent_ids:
        return
    for table in (lot_reservation, cash_reservation):
        connection.execute(update(table).where(among(table.c.intent_id, intent_ids)).values(released=True))


def set_status(connection: Connection, intent_ids: Collection[str], status: IntentStatus) -> None:
    if intent_ids:
        connection.execute(update(intent).where(among(intent.c.intent_id, intent_ids)).values(status=status))


def intent_of(row: Row[Any]) -> Intent:
    """The domain's value of an intent's row."""
    return Intent(
        IntentId(row.intent_id),
        AccountId(row.account_id),
        HouseholdId(row.household_id),
        row.business_date,
        row.proposal_hash,
        row.leg,
        SecurityId(row.security_id),
        row.wash_key,
        Side(row.side),
        row.quantity,
        row.reference_price,
        row.realizes_loss,
        tuple(LotClaim(LotId(claim["lot"]["id"]), Decimal(claim["quantity"])) for claim in row.lot_sales),
        row.programme,
        row.commission,
    )
