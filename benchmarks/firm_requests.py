"""The demo firm's accounts as the analysis gets them on its business date, without a database."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from trimtab.demo.book import Sale
from trimtab.demo.firm import DemoFirm
from trimtab.demo.roster import Case, DemoAccount
from trimtab.domain.accounts import AccountId, HouseholdId, Position, TaxStatus
from trimtab.domain.corporate_actions import ActionKind, CorporateAction, Holdings, apply_split, split_prices, times
from trimtab.domain.lots import TaxLot
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot
from trimtab.domain.wash_sales import HouseholdSale, open_windows

STOPPED = frozenset({Case.CLOSED, Case.SUSPENDED, Case.LOT_MISMATCH, Case.UNKNOWN_SECURITY})
"""Accounts that the day's checks stop before they are analysed."""


def market_of(firm: DemoFirm) -> MarketSnapshot:
    """Closes of the eve in the business date's shares."""
    closes = {each: Price(each, firm.as_of, close) for each, close in firm.prices.items()}
    return MarketSnapshot(
        as_of=firm.as_of,
        securities={security.id: security for security in firm.securities},
        prices=split_prices(closes, _splits(firm), firm.business_date),
        risk_model=firm.risk_model,
    )


def requests_of(firm: DemoFirm, market: MarketSnapshot) -> Iterator[AnalysisInput]:
    """One input for each account that is analysed, in the order of the roster."""
    models = {model.id: model for model in firm.models}
    lots = _after_splits(firm)
    by_household: dict[HouseholdId, list[DemoAccount]] = {}
    for entry in firm.accounts:
        by_household.setdefault(entry.account.household_id, []).append(entry)
    sales: dict[AccountId, list[Sale]] = {}
    for sale in firm.book.sales:
        sales.setdefault(sale.account_id, []).append(sale)
    for entry in firm.accounts:
        if entry.cases & STOPPED or entry.account.model_id is None:
            continue
        members = by_household[entry.account.household_id]
        household_sales = [_household_sale(firm, each, sale) for each in members for sale in sales.get(each.id, ())]
        household_lots = [lot for each in members for lot in lots.get(each.id, ())]
        own = tuple(sorted(lots.get(entry.id, ()), key=lambda lot: lot.id))
        snapshot = AccountSnapshot(
            business_date=firm.business_date,
            as_of=firm.as_of,
            account=entry.account,
            positions=_positions(own, market),
            lots=own,
            cash=firm.book.cash[entry.id],
            settings=entry.settings,
            wash_windows=open_windows(firm.business_date, household_sales, household_lots, market.securities),
            frozen={},
        )
        yield AnalysisInput(snapshot, models[entry.account.model_id], market)


def _splits(firm: DemoFirm) -> list[CorporateAction]:
    return [
        CorporateAction(
            each.event_id,
            1,
            ActionKind(each.kind),
            each.security_id,
            each.ex_on,
            Fraction(each.new_shares, each.old_shares),
        )
        for each in firm.actions
        if each.kind in (ActionKind.SPLF, ActionKind.SPLR)
    ]


def _after_splits(firm: DemoFirm) -> dict[AccountId, tuple[TaxLot, ...]]:
    by_account: dict[AccountId, list[TaxLot]] = {}
    for lot in firm.book.lots:
        by_account.setdefault(lot.account_id, []).append(lot)
    after = {}
    for account_id, own in by_account.items():
        holdings = Holdings(account_id, tuple(own), ())
        for action in _splits(firm):
            holdings = apply_split(holdings, action)
        after[account_id] = holdings.lots
    return after


def _positions(lots: tuple[TaxLot, ...], market: MarketSnapshot) -> tuple[Position, ...]:
    shares = dict.fromkeys(sorted({lot.security_id for lot in lots}), ZERO)
    for lot in lots:
        shares[lot.security_id] += lot.quantity
    return tuple(
        Position(each, quantity, to_cents(quantity * market.prices[each].close)) for each, quantity in shares.items()
    )


def _household_sale(firm: DemoFirm, entry: DemoAccount, sale: Sale) -> HouseholdSale:
    """In the business date's shares (WS-11)."""
    quantity = sale.quantity
    for action in _splits(firm):
        if action.security_id == sale.security_id and sale.sold_on < action.ex_on:
            quantity = times(quantity, action.split_ratio)
    taxable = entry.account.tax_status is TaxStatus.TAXABLE
    return replace(
        HouseholdSale(sale.account_id, sale.security_id, sale.sold_on, quantity, sale.proceeds, sale.basis),
        taxable=taxable,
    )
