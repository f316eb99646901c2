"""Our own fills against the custodian's file: booked, pending and merged, or not to be explained (79, 82, 83)."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from trimtab.db.own_trades import RecentTrades
from trimtab.domain.accounts import CashBalance
from trimtab.domain.delivered import DeliveredPosition
from trimtab.domain.lots import LotId
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.trade_checks import OwnFill, ReportedSale, trade_faults, unbooked

if TYPE_CHECKING:
    from trimtab.activities.holdings import RawHoldings, RawLot
    from trimtab.corporate_action_calendar import DueEvent


@dataclass(frozen=True, slots=True)
class AccountTrades:
    """One account's share of `RecentTrades`."""

    after: date
    postings: tuple[Row[Any], ...]
    before: Mapping[SecurityId, Decimal]  # shares in the positions file before


def trades_of(recent: RecentTrades | None, names: Mapping[str, SecurityId]) -> dict[str, AccountTrades]:
    """The recent trades by account, of accounts that have any."""
    if recent is None:
        return {}
    found: dict[str, list[Row[Any]]] = {}
    for row in recent.postings:
        found.setdefault(row.account_id, []).append(row)
    held: dict[str, dict[SecurityId, Decimal]] = {}
    for row in recent.positions:
        name = row.security_id or names.get(row.security_key) or row.security_key
        held.setdefault(row.account_id, {})[SecurityId(name)] = row.quantity
    return {
        account_id: AccountTrades(recent.after, tuple(rows), held.get(account_id, {}))
        for account_id, rows in found.items()
    }


def reported_sales(raw: "RawHoldings", after: date, as_of: date) -> list[ReportedSale]:
    """The account's own reported sales since the file before."""
    return [
        ReportedSale(sale.security_id, sale.sold_on)
        for sale in raw.sales
        if sale.account_id == raw.account.id and after < sale.sold_on <= as_of
    ]


def reconciled(
    raw: "RawHoldings",
    trades: AccountTrades | None,
    after: date | None,
    market: MarketSnapshot,
    as_of: date,
    changed: Set[SecurityId],
) -> tuple["RawHoldings", list[tuple[str, str]]]:
    """The holdings with our pending fills in them, and (code, message) of what does not agree.

    `after`: the as-of date of the positions file before, None on the first day; `changed`: securities with a
    corporate action in between, which are compared elsewhere.
    """
    if after is None:
        return raw, []
    fills = _fills(trades)
    now = {each.security_id: each.quantity for each in raw.positions if each.security_id is not None}
    before = trades.before if trades is not None else {}
    pending = unbooked(before, now, fills, as_of, changed)
    left = [fill for fill in fills if fill.security_id not in pending]
    reported = reported_sales(raw, after, as_of)
    own_sales = {fill.security_id for fill in fills if fill.quantity < 0}
    reported = [sale for sale in reported if sale.security_id not in own_sales]
    faults = [(fault.code.value, fault.message) for fault in trade_faults(before, now, left, reported, as_of, changed)]
    if not pending or trades is None:
        return raw, faults
    return _merged(raw, [row for row in trades.postings if row.security_id in pending], market), faults


def _fills(trades: AccountTrades | None) -> list[OwnFill]:
    totals: dict[tuple[SecurityId, date], Decimal] = {}
    for row in trades.postings if trades is not None else ():
        key = (SecurityId(row.security_id), row.trade_date)
        totals[key] = totals.get(key, ZERO) + row.quantity
    return [OwnFill(name, day, quantity) for (name, day), quantity in totals.items()]


def _merged(raw: "RawHoldings", postings: Sequence[Row[Any]], market: MarketSnapshot) -> "RawHoldings":
    """Positions, lots and unsettled cash as they will be once the custodian has booked the postings."""
    cash = sum((row.cash for row in postings), ZERO)
    balance = raw.cash
    return replace(
        raw,
        positions=_positions(raw.positions, postings, market),
        lots=_lots(raw.lots, postings),
        cash=None if balance is None else CashBalance(balance.settled, balance.unsettled + cash),
    )


def _positions(
    held: Iterable[DeliveredPosition], postings: Sequence[Row[Any]], market: MarketSnapshot
) -> tuple[DeliveredPosition, ...]:
    change: dict[SecurityId, Decimal] = {}
    for row in postings:
        change[SecurityId(row.security_id)] = change.get(SecurityId(row.security_id), ZERO) + row.quantity
    found = [each for each in held if each.security_id not in change]
    by_id = {each.security_id: each for each in held if each.security_id in change}
    for name, shares in sorted(change.items()):
        was = by_id.get(name) or DeliveredPosition(name, name, ZERO, ZERO)
        quantity, price = was.quantity + shares, market.prices.get(name)
        value = to_cents(quantity * price.close) if price is not None else was.market_value
        if quantity != 0:
            found.append(replace(was, quantity=quantity, market_value=value))
    return tuple(found)


def _lots(held: Iterable["RawLot"], postings: Sequence[Row[Any]]) -> tuple["RawLot", ...]:
    lots = {lot.lot_id: lot for lot in held}
    for row in postings:
        lot = lots.get(LotId(row.lot_id or ""))
        if lot is None:
            lots[LotId(row.lot_id or row.posting_id)] = _bought(row)
            continue
        quantity = lot.quantity + row.quantity
        if quantity <= 0:
            del lots[lot.lot_id]
            continue
        lots[lot.lot_id] = replace(
            lot,
            quantity=quantity,
            cost=None if lot.cost is None else lot.cost + row.basis,
            wash_adjustment=lot.wash_adjustment + row.wash_adjustment,
        )
    return tuple(lots.values())


def _bought(row: Row[Any]) -> "RawLot":
    from trimtab.activities.holdings import RawLot  # which itself calls `reconciled`

    return RawLot(
        lot_id=LotId(row.lot_id or row.posting_id),
        security_id=SecurityId(row.security_id),
        security_key=row.security_id,
        quantity=row.quantity,
        acquired_on=row.trade_date,
        holding_start=None,
        cost=row.basis,
        wash_adjustment=row.wash_adjustment,
        purchase_id=row.intent_id,
        covered=True,
    )


def changed_by_actions(due: Iterable["DueEvent"], after: date | None) -> frozenset[SecurityId]:
    """Securities concerned by an event that took effect since then, or that custodians book late."""
    return frozenset(
        name
        for each in due
        if after is not None and max(each.ex_on, each.first.pay_on or each.ex_on) > after
        for name in each.names
    )
