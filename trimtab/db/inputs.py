"""What a run's market and an account's holdings are made of: loaded facts, by delivery."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, literal, or_, select, union_all

from trimtab.db.tables import (
    account,
    account_fact,
    cash_fact,
    corporate_action_fact,
    delivery,
    intent,
    lot_fact,
    position_fact,
    posting,
    price_fact,
    quarantined_row,
    risk_covariance_fact,
    risk_exposure_fact,
    sale_fact,
    security_fact,
)
from trimtab.domain.market import RiskExposure
from trimtab.domain.orders import IntentStatus, Side
from trimtab.domain.securities import Security, SecurityId, SecurityKind

_GIVEN_UP = (IntentStatus.UNFILLED.value, IntentStatus.REJECTED.value)


def securities_of(connection: Connection, delivery_id: str) -> dict[SecurityId, Security]:
    """The security master of one delivery."""
    rows = connection.execute(select(security_fact).where(security_fact.c.delivery_id == delivery_id))
    return {row.security_id: _security(row) for row in rows}


def _security(row: Row[Any]) -> Security:
    return Security(
        id=SecurityId(row.security_id),
        name=row.name,
        kind=SecurityKind(row.kind),
        asset_class=row.asset_class,
        symbol=row.symbol,
        cusip=row.cusip,
        isin=row.isin,
        figi=row.figi,
        sector=row.sector,
        currency=row.currency,
        tradable=row.tradable,
        whole_shares=row.whole_shares,
        wash_group=row.wash_group,
        half_spread_bps=row.half_spread_bps,
    )


@dataclass(frozen=True, slots=True)
class DeliveredPrice:
    """One row of a price file. `security_id` is None while nobody knows the identifier."""

    security_id: SecurityId | None
    as_of: date
    close: Decimal
    currency: str


def prices_of(connection: Connection, delivery_id: str, names: Mapping[str, SecurityId]) -> list[DeliveredPrice]:
    """The rows of one delivery in their order. `names`: identifiers that the master has learnt since it came."""
    rows = connection.execute(
        select(price_fact).where(price_fact.c.delivery_id == delivery_id).order_by(price_fact.c.line)
    )
    return [DeliveredPrice(_known(row, names), row.as_of, row.close, row.currency) for row in rows]


def _known(row: Row[Any], names: Mapping[str, SecurityId]) -> SecurityId | None:
    return row.security_id or names.get(row.security_key)


def exposures_of(
    connection: Connection, delivery_id: str, names: Mapping[str, SecurityId]
) -> dict[SecurityId, RiskExposure]:
    """Exposures by security; one that stands in the file twice is left out: which one is right nobody knows."""
    found: dict[SecurityId, list[RiskExposure]] = {}
    for row in connection.execute(select(risk_exposure_fact).where(risk_exposure_fact.c.delivery_id == delivery_id)):
        name = _known(row, names)
        if name is not None:
            found.setdefault(name, []).append(RiskExposure(tuple(row.exposures), row.specific_risk))
    return {name: rows[0] for name, rows in sorted(found.items()) if len(rows) == 1}


def covariance_of(connection: Connection, delivery_id: str) -> dict[str, tuple[float, ...]]:
    """Rows of the factor covariance by factor, entries in the order of the factors' names."""
    rows = select(risk_covariance_fact.c.factor, risk_covariance_fact.c.row)
    found = connection.execute(rows.where(risk_covariance_fact.c.delivery_id == delivery_id))
    return {row.factor: tuple(row.row) for row in found}


@dataclass(frozen=True, slots=True)
class DeliveredAction:
    """One row of a corporate actions file whose security is known. Shares are None where the file has none."""

    event_id: str
    version: int
    kind: str
    security_id: SecurityId
    ex_on: date
    new_shares: Decimal | None
    old_shares: Decimal | None
    cash_per_share: Decimal | None
    status: str
    new_key: str | None = None  # an identifier of what is received, as the file has it
    new_security_id: SecurityId | None = None  # what the master knows it as
    mandatory: bool = True
    treatment: str | None = None
    basis_percent: Decimal | None = None  # of the old shares' basis, that goes to what is received
    basis_source: str | None = None
    fair_value: Decimal | None = None  # dollars a new share
    pay_on: date | None = None  # the custodian books it by then; None: by the ex-date
    fraction_price: Decimal | None = None  # dollars a new share, paid for fractions of what is received
    new_names: Mapping[str, str] = field(default_factory=dict)  # by scheme, as the file has them
    source: str = ""  # who tells of it
    entered: bool = False  # by two persons


def actions_between(
    connection: Connection, after: date, until: date, names: Mapping[str, SecurityId], known_by: date | None = None
) -> list[DeliveredAction]:
    """Loaded corporate actions with an ex-date after `after` and up to `until`, of files up to `until`.

    `known_by`: of files up to that business date instead.
    """
    rows = (
        select(corporate_action_fact, delivery.c.source.label("told_by"))
        .join(delivery, and_(delivery.c.firm_id == corporate_action_fact.c.firm_id, _of(corporate_action_fact)))
        .where(
            delivery.c.status == "LOADED",
            delivery.c.business_date <= (known_by or until),
            corporate_action_fact.c.ex_on > after,
            corporate_action_fact.c.ex_on <= until,
        )
        .order_by(delivery.c.business_date, delivery.c.recorded_at, corporate_action_fact.c.line)
    )
    known = ((_known(row, names), row) for row in connection.execute(rows))
    return [_action(name, row, names) for name, row in known if name is not None]


def _action(name: SecurityId, row: Row[Any], names: Mapping[str, SecurityId]) -> DeliveredAction:
    new_names = {"cusip": row.new_cusip, "isin": row.new_isin, "symbol": row.new_symbol}
    new_names = {scheme: key for scheme, key in new_names.items() if key}
    keys = new_names.values()
    return DeliveredAction(
        event_id=row.event_id,
        version=row.version,
        kind=row.kind,
        security_id=name,
        ex_on=row.ex_on,
        new_shares=row.new_shares,
        old_shares=row.old_shares,
        cash_per_share=row.cash_per_share,
        status=row.status,
        new_key=next(iter(keys), None),
        new_security_id=next((names[key] for key in keys if key in names), None),
        mandatory=row.mandatory is not False,
        treatment=row.treatment,
        basis_percent=row.basis_percent,
        basis_source=row.basis_source,
        fair_value=row.fair_value,
        pay_on=row.pay_on,
        fraction_price=row.fraction_price,
        new_names=new_names,
        source=row.source or row.told_by or "",
    )


def _of(facts: Any) -> Any:  # Any: a table's join condition
    return delivery.c.delivery_id == facts.c.delivery_id


def quarantined_keys(connection: Connection, delivery_id: str) -> list[str]:
    """Identifiers, as delivered, of the rows of a delivery that could not be read."""
    rows = select(quarantined_row.c.security_key).where(
        quarantined_row.c.delivery_id == delivery_id, quarantined_row.c.security_key.is_not(None)
    )
    return list(connection.scalars(rows))


def lots_of_two_accounts(connection: Connection, delivery_id: str) -> list[str]:
    """Lot ids that were delivered for more than one account (case 76)."""
    rows = (
        select(lot_fact.c.lot_id)
        .where(lot_fact.c.delivery_id == delivery_id)
        .group_by(lot_fact.c.lot_id)
        .having(func.count(func.distinct(lot_fact.c.account_id)) > 1)
    )
    return sorted(connection.scalars(rows))


def accounts_not_in(connection: Connection, delivery_id: str) -> list[str]:
    """Accounts of the firm that an accounts file leaves out (case 57)."""
    listed = select(account_fact.c.account_id).where(account_fact.c.delivery_id == delivery_id)
    return sorted(connection.scalars(select(account.c.account_id).where(account.c.account_id.not_in(listed))))


def held_securities(connection: Connection, delivery_id: str) -> set[str]:
    """Everything that some account holds."""
    rows = select(position_fact.c.security_id).where(position_fact.c.delivery_id == delivery_id).distinct()
    return {name for name in connection.scalars(rows) if name is not None}


# --- accounts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoldingRows:
    """What was delivered about some accounts and their households, as rows. Each list is in a stable order."""

    members: Sequence[Row[Any]]  # account_id, household_id, profile of every member of the households
    positions: Sequence[Row[Any]]
    lots: Sequence[Row[Any]]  # of the accounts; of other members those acquired since `recent`
    cash: Sequence[Row[Any]]
    sales: Sequence[Row[Any]]  # of the households
    faults: Sequence[Row[Any]]  # quarantined rows of the accounts
    own_trades: Sequence[Row[Any]]  # of the households: postings since `recent`, and orders of the day still open


def read_holdings(
    connection: Connection,
    deliveries: Mapping[str, str | None],
    account_ids: Collection[str],
    business_date: date,
    window: timedelta,
) -> HoldingRows:
    """Read the day's facts of some accounts in seven statements, however many they are.

    `deliveries`: kind to the id of the loaded delivery, None when there is none: then there are no rows of it.
    `window`: how far back purchases and sales of the household still count.
    """
    recent = business_date - window
    members = _members(connection, account_ids)
    everyone = [row.account_id for row in members]
    return HoldingRows(
        members=members,
        positions=_rows(
            connection, position_fact, deliveries.get("positions"), position_fact.c.account_id.in_(account_ids)
        ),
        lots=_rows(
            connection,
            lot_fact,
            deliveries.get("lots"),
            lot_fact.c.account_id.in_(everyone),
            or_(lot_fact.c.account_id.in_(account_ids), lot_fact.c.acquired_on >= recent),
        ),
        cash=_rows(connection, cash_fact, deliveries.get("cash"), cash_fact.c.account_id.in_(account_ids)),
        sales=_rows(
            connection,
            sale_fact,
            deliveries.get("sales"),
            sale_fact.c.account_id.in_(everyone),
            sale_fact.c.sold_on >= recent,
        ),
        faults=_faults(connection, [each for each in deliveries.values() if each is not None], account_ids),
        own_trades=_own_trades(connection, everyone, recent, business_date),
    )


def _members(connection: Connection, account_ids: Collection[str]) -> list[Row[Any]]:
    households = select(account.c.household_id).where(account.c.account_id.in_(account_ids))
    rows = select(account.c.account_id, account.c.household_id, account.c.profile)
    return list(connection.execute(rows.where(account.c.household_id.in_(households)).order_by(account.c.account_id)))


def _rows(connection: Connection, facts: Any, delivery_id: str | None, *conditions: Any) -> list[Row[Any]]:
    if delivery_id is None:
        return []
    rows = select(facts).where(facts.c.delivery_id == delivery_id, *conditions)
    return list(connection.execute(rows.order_by(facts.c.account_id, facts.c.line)))


def _faults(connection: Connection, delivery_ids: Collection[str], account_ids: Collection[str]) -> list[Row[Any]]:
    rows = select(quarantined_row).where(
        quarantined_row.c.delivery_id.in_(delivery_ids), quarantined_row.c.account_id.in_(account_ids)
    )
    return list(connection.execute(rows.order_by(quarantined_row.c.delivery_id, quarantined_row.c.line)))


def _own_trades(
    connection: Connection, account_ids: Collection[str], recent: date, business_date: date
) -> list[Row[Any]]:
    """account_id, security_id, traded_on, bought, sold, proceeds, basis, loss: dollars and shares, none negative."""
    zero = literal(Decimal(0))
    posted: Select[Any] = select(
        posting.c.account_id,
        posting.c.security_id,
        posting.c.trade_date.label("traded_on"),
        func.greatest(posting.c.quantity, zero).label("bought"),
        func.greatest(-posting.c.quantity, zero).label("sold"),
        func.greatest(posting.c.cash, zero).label("proceeds"),
        func.greatest(-posting.c.basis, zero).label("basis"),
        (posting.c.gain < 0).label("loss"),
    ).where(posting.c.account_id.in_(account_ids), posting.c.trade_date >= recent)
    value = intent.c.quantity * intent.c.reference_price
    committed: Select[Any] = select(
        intent.c.account_id,
        intent.c.security_id,
        intent.c.business_date.label("traded_on"),
        case((intent.c.side == Side.BUY.value, intent.c.quantity), else_=zero).label("bought"),
        case((intent.c.side == Side.SELL.value, intent.c.quantity), else_=zero).label("sold"),
        value.label("proceeds"),
        value.label("basis"),
        intent.c.realizes_loss.label("loss"),
    ).where(
        intent.c.account_id.in_(account_ids),
        intent.c.business_date == business_date,
        intent.c.status.not_in((*_GIVEN_UP, IntentStatus.FILLED.value, IntentStatus.PARTIAL.value)),
    )
    both = union_all(posted, committed).subquery()
    return list(connection.execute(select(both).order_by(*both.c)))
