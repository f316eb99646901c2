"""What trimtab's own ledger says of the evening: the custodian's book after corporate actions and fills."""

import hashlib
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from trimtab.db.content import get_content
from trimtab.db.tables import account_day, posting
from trimtab.demo.book import Book, Holding, Sale
from trimtab.domain.accounts import AccountId, CashBalance
from trimtab.domain.allocations import LotPosting, apply_postings
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.orders import IntentId
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot

SALES_KEPT = timedelta(days=45)
"""The custodian's sales feed reaches back so far; wash sale windows need 31 days."""

_TERM: TypeAdapter[HoldingPeriod | None] = TypeAdapter(HoldingPeriod | None)


def evening_book(connection: Connection, business_date: date) -> Book:
    """Every account as its latest valid snapshot and the postings since leave it, and the sales of the last weeks."""
    postings = _postings(connection, business_date - SALES_KEPT)
    lots: list[TaxLot] = []
    holdings: list[Holding] = []
    cash: dict[AccountId, CashBalance] = {}
    rows = connection.execute(
        select(account_day.c.account_id, account_day.c.snapshot_hash)
        .ext(distinct_on(account_day.c.account_id))
        .where(
            account_day.c.business_date <= business_date,
            account_day.c.current,
            account_day.c.snapshot_hash.is_not(None),
        )
        .order_by(account_day.c.account_id, account_day.c.business_date.desc())
    )
    for row in rows:
        snapshot = get_content(connection, row.snapshot_hash, AccountSnapshot)
        account_id = snapshot.account.id
        changes = [each for each in postings.get(account_id, []) if each.trade_date >= snapshot.business_date]
        before = {lot.id: lot for lot in snapshot.lots}
        lots += [lot if lot.id in before else _renamed(lot) for lot in apply_postings(before, changes).values()]
        holdings += _holdings(snapshot, changes)
        traded = sum((change.cash for change in changes), ZERO)
        cash[account_id] = CashBalance(snapshot.cash.settled, snapshot.cash.unsettled + traded)
    sales = [_sale(change) for changes in postings.values() for change in changes if change.quantity < 0]
    return Book(tuple(holdings), tuple(lots), cash, tuple(sales))


def _renamed(lot: TaxLot) -> TaxLot:
    """A lot of ours as the custodian books it: with ids of its own, the same whenever it is asked for."""
    purchase = None if lot.purchase_id is None else _custodians_id(lot.account_id, lot.purchase_id)
    return replace(lot, id=LotId(_custodians_id(lot.account_id, lot.id)), purchase_id=purchase)


def _custodians_id(account_id: str, ours: str) -> str:
    return f"{account_id}-{hashlib.sha256(ours.encode()).hexdigest()[:12]}"


def _holdings(snapshot: AccountSnapshot, changes: list[LotPosting]) -> list[Holding]:
    quantities: defaultdict[SecurityId, Decimal] = defaultdict(lambda: ZERO)
    for position in snapshot.positions:
        quantities[position.security_id] += position.quantity
    for change in changes:
        quantities[change.security_id] += change.quantity
    return [
        Holding(snapshot.account.id, security_id, quantity)
        for security_id, quantity in sorted(quantities.items())
        if quantity
    ]


def _sale(change: LotPosting) -> Sale:
    return Sale(change.account_id, change.security_id, change.trade_date, -change.quantity, change.cash, -change.basis)


def _postings(connection: Connection, since: date) -> dict[AccountId, list[LotPosting]]:
    by_account: defaultdict[AccountId, list[LotPosting]] = defaultdict(list)
    rows = connection.execute(
        select(posting).where(posting.c.trade_date >= since).order_by(posting.c.account_id, posting.c.posting_id)
    )
    for row in rows:
        by_account[AccountId(row.account_id)].append(
            LotPosting(
                IntentId(row.intent_id),
                AccountId(row.account_id),
                SecurityId(row.security_id),
                row.trade_date,
                LotId(row.lot_id),
                row.quantity,
                row.basis,
                row.cash,
                row.gain,
                _TERM.validate_python(row.term),
                row.wash_adjustment,
            )
        )
    return by_account
