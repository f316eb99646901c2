"""Simulated accounts for benchmarks, stress and calibration: a ten-factor market, monthly purchases, one seed each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import AccountSettings, Harvesting, Tracking
from trimtab.domain.accounts import (
    Account,
    AccountId,
    CashBalance,
    HouseholdId,
    ModelId,
    PersonId,
    Position,
    Registration,
    TaxStatus,
)
from trimtab.domain.households import HouseholdInput, LocationCost
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price, RiskExposure, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot, WashWindow, WashWindows

BUSINESS_DATE = date(2026, 3, 3)
FACTORS = 10
MONTHS = 36
_REGISTRATIONS = (Registration.INDIVIDUAL, Registration.TRADITIONAL_IRA, Registration.ROTH_IRA)


@dataclass(frozen=True, slots=True)
class Universe:
    """A market and its monthly price history, (months, securities)."""

    market: MarketSnapshot
    history: Floats
    ids: tuple[SecurityId, ...]


def a_universe(securities: int, seed: int = 1, factors: int = FACTORS) -> Universe:
    """Prices follow the risk model; the last month's are the closes of the day before the business date."""
    rng = np.random.default_rng(seed)
    ids = tuple(SecurityId(f"S{number:04d}") for number in range(securities))
    exposures = rng.normal(0.0, 0.35, (securities, factors))
    exposures[:, 0] = rng.normal(1.0, 0.25, securities)
    volatility = np.concatenate(([0.16], rng.uniform(0.03, 0.08, factors - 1)))
    specific = rng.uniform(0.12, 0.40, securities)
    monthly = exposures @ (rng.normal(0.01, volatility / np.sqrt(12), (MONTHS, factors))).T
    returns = monthly.T + rng.normal(0.0, specific / np.sqrt(12), (MONTHS, securities))
    growth = np.exp(np.cumsum(returns, axis=0))
    history = rng.uniform(15, 400, securities) * growth / growth[-1]
    closes = [Decimal(f"{price:.2f}") for price in history[-1]]
    as_of = BUSINESS_DATE - timedelta(days=1)
    market = MarketSnapshot(
        as_of=as_of,
        securities={
            each: Security(each, f"{each} Inc.", SecurityKind.STOCK, f"CLASS{row % 8}", symbol=each)
            for row, each in enumerate(ids)
        },
        prices={each: Price(each, as_of, close) for each, close in zip(ids, closes, strict=True)},
        risk_model=RiskModel(
            id="simulated",
            as_of=as_of,
            factors=tuple(f"F{number}" for number in range(factors)),
            factor_covariance=tuple(tuple(row) for row in np.diag(volatility**2).tolist()),
            securities={
                each: RiskExposure(tuple(exposures[row].tolist()), float(specific[row])) for row, each in enumerate(ids)
            },
        ),
    )
    return Universe(market, history, ids)


def an_account(
    universe: Universe, names: int, lots_each: int, seed: int, *, drift: float = 0.15, value: float | None = None
) -> AnalysisInput:
    """An account of `names` securities with up to `lots_each` lots each; holdings off target by about `drift`.

    Worth `value` dollars, or between 150,000 and 5,000,000 by its seed.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(universe.ids), names, replace=False))
    weights = rng.dirichlet(np.full(names, 3.0))
    value = value or float(rng.choice([1.5e5, 4e5, 1.2e6, 5e6]))
    lots, quantities = [], {}
    for row, weight in zip(rows, weights, strict=True):
        own = _lots(universe, int(row), value * weight * np.exp(rng.normal(0, drift)), lots_each, rng)
        lots += own
        quantities[universe.ids[row]] = sum((lot.quantity for lot in own), Decimal(0))
    model = ModelPortfolio(
        ModelId("M"),
        1,
        BUSINESS_DATE,
        {universe.ids[row]: Decimal(f"{w:.6f}") for row, w in zip(rows, weights, strict=True)},
    )
    account = Account(
        AccountId(f"A{seed:05d}"),
        HouseholdId(f"H{seed:05d}"),
        PersonId("P1"),
        "core",
        Registration.TRADITIONAL_IRA if seed % 4 == 3 else Registration.INDIVIDUAL,
        ModelId("M"),
    )
    snapshot = AccountSnapshot(
        business_date=BUSINESS_DATE,
        as_of=universe.market.as_of,
        account=account,
        positions=tuple(
            Position(each, quantity, to_cents(quantity * universe.market.prices[each].close))
            for each, quantity in quantities.items()
            if quantity > 0
        ),
        lots=tuple(lots),
        cash=CashBalance(Decimal(f"{value * rng.uniform(0.002, 0.04):.2f}")),
        settings=AccountSettings(
            tracking=list(Tracking)[seed % 3], harvesting=list(Harvesting)[(seed // 3) % 3], minimum_trade=Decimal(250)
        ),
        wash_windows=_wash_windows(rng, [universe.ids[row] for row in rows], account.id),
        frozen={},
    )
    return AnalysisInput(snapshot, model, universe.market)


def a_household(universe: Universe, names: int, lots_each: int, seed: int) -> HouseholdInput:
    """A taxable account, a traditional and a Roth IRA that hold different names; the target is the first one's."""
    requests = [an_account(universe, names, lots_each, 10 * seed + number, drift=0.3) for number in range(3)]
    household_id, accounts = HouseholdId(f"H{seed:05d}"), []
    for number, (request, registration) in enumerate(zip(requests, _REGISTRATIONS, strict=True)):
        snapshot = request.snapshot
        account = replace(
            snapshot.account,
            id=AccountId(f"A{seed:05d}-{number}"),
            household_id=household_id,
            registration=registration,
        )
        lots = tuple(replace(lot, id=LotId(f"{number}-{lot.id}")) for lot in snapshot.lots)
        accounts.append(replace(snapshot, account=account, lots=lots))
    location = (LocationCost("CLASS1", TaxStatus.TAXABLE, Decimal(seed % 3 * 20)),)
    return HouseholdInput(household_id, tuple(accounts), requests[0].target, universe.market, location=location)


def a_book(accounts: int, names: int = 47, lots_each: int = 2) -> tuple[MarketSnapshot, Iterator[AnalysisInput]]:
    """The first `accounts` of the simulated book, by default with about 100 lots each, and the market they share."""
    universe = a_universe(200)
    return universe.market, (an_account(universe, names, lots_each, seed) for seed in range(accounts))


def a_reference_book(accounts: int, seed: int = 1) -> list[AnalysisInput]:
    """The book that calibrations are fitted to: 47 names and about 100 lots each, far enough off target to trade.

    Another `seed` gives another market and other accounts.
    """
    universe = a_universe(200, seed)
    return [an_account(universe, 47, 2, 10_000 * (seed - 1) + number, drift=0.4) for number in range(accounts)]


def _lots(universe: Universe, row: int, dollars: float, lots_each: int, rng: np.random.Generator) -> list[TaxLot]:
    """Purchases in distinct months at that month's price, whole shares."""
    months = np.sort(rng.choice(MONTHS, min(lots_each, MONTHS), replace=False))
    price = universe.history[-1, row]
    shares = np.floor(dollars / price * rng.dirichlet(np.ones(len(months)))).astype(int)
    security_id = universe.ids[row]
    return [
        TaxLot(
            id=LotId(f"{security_id}-{month:02d}"),
            account_id=AccountId("A"),
            security_id=security_id,
            quantity=Decimal(int(count)),
            acquired_on=BUSINESS_DATE - timedelta(days=int(31 * (MONTHS - month) + 5)),
            cost=to_cents(Decimal(int(count)) * Decimal(f"{universe.history[month, row]:.4f}")),
            purchase_id=f"P{security_id}-{month:02d}",
        )
        for month, count in zip(months, shares, strict=True)
        if count > 0
    ]


def _wash_windows(rng: np.random.Generator, ids: list[SecurityId], account_id: str) -> WashWindows:
    """A few names sold at a loss, and a few bought, in the last 30 days."""
    opened = BUSINESS_DATE - timedelta(days=10)
    picked = [ids[row] for row in rng.choice(len(ids), min(4, len(ids)), replace=False)]
    windows = [WashWindow(each, opened, opened + timedelta(days=30), Decimal(5), account_id) for each in picked]
    return WashWindows(loss_sales=tuple(windows[:2]), purchases=tuple(windows[2:]))
