"""Small hand-made accounts: plain factories with literal numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.accounts import (
    Account,
    AccountId,
    CashBalance,
    HouseholdId,
    ModelId,
    PersonId,
    Position,
    Registration,
)
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price, RiskExposure, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot, WashWindow, WashWindows

BUSINESS_DATE = date(2026, 3, 3)
AS_OF = date(2026, 3, 2)
LONG_AGO = date(2020, 1, 15)
LAST_YEAR = date(2025, 9, 1)

ACCOUNT = AccountId("A1")

_Name = TypeVar("_Name", bound=str)


def a_security(security_id: str, *, asset_class: str = "US", wash_group: str = "", **changes: object) -> Security:
    return Security(
        id=SecurityId(security_id),
        name=f"{security_id} Inc.",
        kind=SecurityKind.STOCK,
        asset_class=asset_class,
        symbol=security_id,
        wash_group=wash_group,
        **changes,  # type: ignore[arg-type]
    )


def a_lot(
    security_id: str, quantity: str, unit_cost: str, bought: date = LONG_AGO, *, purchase: str = "", name: str = ""
) -> TaxLot:
    shares = Decimal(quantity)
    return TaxLot(
        id=LotId(name or f"{security_id}-{bought.isoformat()}-{unit_cost}"),
        account_id=ACCOUNT,
        security_id=SecurityId(security_id),
        quantity=shares,
        acquired_on=bought,
        cost=shares * Decimal(unit_cost),
        purchase_id=purchase,
    )


def a_market(
    prices: Mapping[str, str],
    *,
    securities: Mapping[_Name, Security] | None = None,
    beta: float = 1.0,
    market_risk: float = 0.16,
    specific_risk: float = 0.20,
    uncovered: frozenset[str] = frozenset(),
) -> MarketSnapshot:
    """One factor; every security has the same `beta` and specific risk. A price of '' leaves the price out."""
    given = {str(name): each for name, each in (securities or {}).items()}
    known = {SecurityId(each): given.get(each, a_security(each)) for each in prices}
    return MarketSnapshot(
        as_of=AS_OF,
        securities=known,
        prices={
            SecurityId(each): Price(SecurityId(each), AS_OF, Decimal(close)) for each, close in prices.items() if close
        },
        risk_model=RiskModel(
            id="one-factor",
            as_of=AS_OF,
            factors=("MARKET",),
            factor_covariance=((market_risk**2,),),
            securities={
                SecurityId(each): RiskExposure((beta,), specific_risk) for each in prices if each not in uncovered
            },
        ),
    )


def a_model(weights: Mapping[str, str], cash: str | None = None) -> ModelPortfolio:
    return ModelPortfolio(
        id=ModelId("M1"),
        version=1,
        effective_on=AS_OF,
        weights={SecurityId(each): Decimal(weight) for each, weight in weights.items()},
        cash_weight=Decimal(cash) if cash is not None else None,
    )


def an_input(
    market: MarketSnapshot,
    model: ModelPortfolio,
    *,
    lots: tuple[TaxLot, ...] = (),
    cash: str = "0",
    settings: AccountSettings | None = None,
    registration: Registration = Registration.INDIVIDUAL,
    wash_windows: WashWindows | None = None,
    frozen: Mapping[str, str] | None = None,
) -> AnalysisInput:
    quantity: dict[SecurityId, Decimal] = {}
    for lot in lots:
        quantity[lot.security_id] = quantity.get(lot.security_id, Decimal(0)) + lot.quantity
    snapshot = AccountSnapshot(
        business_date=BUSINESS_DATE,
        as_of=AS_OF,
        account=Account(ACCOUNT, HouseholdId("H1"), PersonId("P1"), "core", registration, ModelId("M1")),
        positions=tuple(Position(each, shares, _value(market, each, shares)) for each, shares in quantity.items()),
        lots=lots,
        cash=CashBalance(Decimal(cash)),
        settings=settings or AccountSettings(),
        wash_windows=wash_windows or WashWindows(),
        frozen={SecurityId(each): reason for each, reason in (frozen or {}).items()},
    )
    return AnalysisInput(snapshot, model, market)


def _value(market: MarketSnapshot, security_id: SecurityId, shares: Decimal) -> Decimal:
    price = market.prices.get(security_id)
    return shares * (price.close if price else Decimal(100))


def a_window(
    key: str, opened_on: date, quantity: str = "10", *, account_id: str = ACCOUNT, purchase_id: str = ""
) -> WashWindow:
    last_day = opened_on + timedelta(days=30)
    return WashWindow(key, opened_on, last_day, Decimal(quantity), account_id, purchase_id)


def a_rule(kind: RestrictionKind, security_id: str) -> Restriction:
    return Restriction(kind, SecurityId(security_id))
