"""Plain factories for domain values: every argument has a default that is valid."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import (
    Account,
    AccountId,
    CashBalance,
    HouseholdId,
    ModelId,
    PersonId,
    Registration,
    Standing,
)
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.orders import Intent, IntentId, LotClaim, Side
from trimtab.domain.price_checks import JudgedPrice, PriceStatus
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.validation import AccountHoldings, DeliveredLot, DeliveredPosition, MarketFacts

AS_OF = date(2026, 3, 2)
DAY = date(2026, 3, 3)


def security(name: str, asset_class: str = "US", *, tradable: bool = True, wash_group: str = "") -> Security:
    return Security(
        SecurityId(name),
        name,
        SecurityKind.ETF,
        asset_class,
        symbol=name,
        tradable=tradable,
        wash_group=wash_group,
    )


def an_account(
    account_id: str = "A1",
    *,
    registration: Registration = Registration.INDIVIDUAL,
    standing: Standing = Standing.OPEN,
    discretionary: bool = True,
    model: str | None = "M",
) -> Account:
    return Account(
        AccountId(account_id),
        HouseholdId("H1"),
        PersonId("adv-1"),
        "core",
        registration,
        None if model is None else ModelId(model),
        discretionary=discretionary,
        standing=standing,
    )


def a_lot(
    lot_id: str,
    quantity: str,
    cost: str,
    acquired_on: date = date(2024, 1, 10),
    *,
    security_id: str = "VTI",
    account_id: str = "A1",
    holding_start: date | None = None,
    wash_adjustment: str = "0",
    purchase_id: str = "",
) -> TaxLot:
    return TaxLot(
        LotId(lot_id),
        AccountId(account_id),
        SecurityId(security_id),
        Decimal(quantity),
        acquired_on,
        Decimal(cost),
        holding_start,
        Decimal(wash_adjustment),
        purchase_id,
    )


def a_model(weights: Mapping[str, str], cash: str | None = None) -> ModelPortfolio:
    return ModelPortfolio(
        ModelId("M"),
        1,
        date(2026, 1, 2),
        {SecurityId(name): Decimal(weight) for name, weight in weights.items()},
        None if cash is None else Decimal(cash),
    )


def a_good_price(close: str) -> JudgedPrice:
    return JudgedPrice(PriceStatus.GOOD, Decimal(close), AS_OF)


def a_market(**closes: str) -> MarketFacts:
    """Securities VTI and BND, priced 100 and 50 unless told otherwise; both known, tradable and covered."""
    prices = {"VTI": "100", "BND": "50", **closes}
    return MarketFacts(
        AS_OF,
        {SecurityId(name): security(name) for name in prices},
        {SecurityId(name): a_good_price(close) for name, close in prices.items()},
        frozenset(SecurityId(name) for name in prices),
    )


def a_position(name: str, quantity: str, market_value: str) -> DeliveredPosition:
    return DeliveredPosition(SecurityId(name), name, Decimal(quantity), Decimal(market_value))


def a_delivered_lot(
    lot_id: str,
    name: str,
    quantity: str,
    cost: str | None = "900",
    acquired_on: date = date(2024, 1, 10),
    *,
    inherited: bool = False,
) -> DeliveredLot:
    return DeliveredLot(
        LotId(lot_id),
        SecurityId(name),
        name,
        Decimal(quantity),
        acquired_on,
        None if cost is None else Decimal(cost),
        gift_or_inheritance=inherited,
    )


def sound_holdings(account: Account | None = None) -> AccountHoldings:
    """10 VTI at 100 in one lot, 10 BND at 50 in one lot, and 500 dollars: nothing is wrong with it."""
    return AccountHoldings(
        account or an_account(),
        AccountSettings(),
        a_model({"VTI": "0.6", "BND": "0.39"}, cash="0.01"),
        (a_position("VTI", "10", "1000.00"), a_position("BND", "10", "500.00")),
        (a_delivered_lot("L1", "VTI", "10"), a_delivered_lot("L2", "BND", "10")),
        CashBalance(Decimal(500)),
    )


def an_intent(
    intent_id: str,
    quantity: str,
    *,
    side: Side = Side.BUY,
    security_id: str = "VTI",
    account_id: str | None = None,
    programme: str = "core",
    claims: tuple[tuple[str, str], ...] = (),
) -> Intent:
    return Intent(
        IntentId(intent_id),
        AccountId(account_id or f"acct-{intent_id}"),
        HouseholdId("H1"),
        DAY,
        "f" * 64,
        0,
        SecurityId(security_id),
        security_id,
        side,
        Decimal(quantity),
        Decimal(100),
        realizes_loss=False,
        lot_claims=tuple(LotClaim(LotId(lot), Decimal(shares)) for lot, shares in claims),
        programme=programme,
    )
