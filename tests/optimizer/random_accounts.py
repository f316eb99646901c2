"""Random small accounts with every kind of rule, from one seed: prices, lots, restrictions, windows, needs."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from tests.optimizer.accounts import (
    ACCOUNT,
    BUSINESS_DATE,
    a_lot,
    a_market,
    a_model,
    a_rule,
    a_security,
    a_window,
    an_input,
)
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Harvesting,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import Registration
from trimtab.domain.lots import TaxLot
from trimtab.domain.market import RiskExposure
from trimtab.domain.model_portfolios import ModelPortfolio, Substitute
from trimtab.domain.money import CENT
from trimtab.domain.optimizer.targets import account_value
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.snapshots import AnalysisInput, HeldAway, MarketSnapshot, TaxYear, WashWindow, WashWindows

NAMES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")


def a_random_account(seed: int) -> AnalysisInput:
    rng = random.Random(seed)
    market = _market(rng)
    return an_input(
        market,
        _model(rng),
        lots=_lots(rng, market),
        cash=str(rng.choice([0, 50, 3000, 40000])),
        settings=_settings(rng),
        registration=rng.choice(list(Registration)),
        wash_windows=WashWindows(_windows(rng, market), _windows(rng, market)),
        frozen={rng.choice(NAMES): "PRICE_STALE"} if rng.random() < 0.1 else {},
    )


def a_random_account_beside_a_buyer(seed: int) -> AnalysisInput:
    """A random account, half of them with rules on the whole of it; what A2 bought lately it buys today."""
    request = (a_random_ruled_account if seed % 2 else a_random_account)(seed)
    windows = request.snapshot.wash_windows
    today = [
        each if each.account_id == ACCOUNT else replace(each, opened_on=BUSINESS_DATE) for each in windows.purchases
    ]
    return replace(request, snapshot=replace(request.snapshot, wash_windows=replace(windows, purchases=tuple(today))))


def a_random_priced_account(seed: int) -> AnalysisInput:
    """A random account, half of them with rules on the whole of it, that pays by the kind of security."""
    kind = a_random_ruled_account if seed % 2 else a_random_account
    return with_random_prices(kind(seed), seed)


def with_random_prices(request: AnalysisInput, seed: int) -> AnalysisInput:
    """The account with securities of all kinds, some of which have a price of an order of their own."""
    rng = random.Random(f"prices {seed}")
    master = {
        each: replace(security, kind=rng.choice(list(SecurityKind)))
        for each, security in sorted(request.market.securities.items())
    }
    prices = {kind: Decimal(rng.choice(["0", "4.95", "49.95"])) for kind in SecurityKind if rng.random() < 0.7}
    settings = replace(request.snapshot.settings, commission_by_kind=prices)
    return replace(
        request,
        market=replace(request.market, securities=master),
        snapshot=replace(request.snapshot, settings=settings),
    )


def a_random_ruled_account(seed: int) -> AnalysisInput:
    """A random account with rules on the whole of it: bands of groups, turnover, budgets, a forced harvest, tilts."""
    request, rng = a_random_account(seed), random.Random(f"rules {seed}")
    master = {
        each: replace(security, sector=rng.choice(["TECH", "FOOD"]))
        for each, security in request.market.securities.items()
    }
    return replace(
        request,
        market=replace(request.market, securities=master),
        snapshot=replace(
            request.snapshot,
            settings=_with_rules(rng, request, master.values()),
            tax_year=_tax_year(rng, account_value(request)) if rng.random() < 0.6 else None,
            held_away=_held_away(rng, account_value(request)) if rng.random() < 0.2 else (),
        ),
    )


def _held_away(rng: random.Random, value: Decimal) -> tuple[HeldAway, ...]:
    """Up to a third of the account once more, in names that it may hold too."""
    return tuple(
        HeldAway(SecurityId(name), (value / rng.choice([3, 10])).quantize(CENT)) for name in rng.sample(NAMES, 2)
    )


def _tax_year(rng: random.Random, value: Decimal) -> TaxYear:
    """Amounts of a few percent of the account, near the kinks of the tax as often as far from them."""

    def some(*shares: float) -> Decimal:
        return Decimal(f"{value * Decimal(rng.choice(shares)):.2f}")

    return TaxYear(
        short_term_realised=some(0, 0.01, -0.01, 0.05, -0.05),
        long_term_realised=some(0, 0.01, -0.01, 0.05, -0.05),
        short_term_carried=some(0, 0, 0.02),
        long_term_carried=some(0, 0, 0.02),
        ordinary_rate=Decimal(rng.choice(["0.35", "0.28", "0.25"])),
        deduction_limit=Decimal(rng.choice([3000, 1500])),
        carried_loss_value=Decimal(rng.choice(["0.10", "0", "0.20", "0.25"])),
    )


def _groups(securities: Iterable[Security]) -> list[tuple[GroupKind, str]]:
    classes = {(GroupKind.ASSET_CLASS, each.asset_class) for each in securities}
    return sorted(classes | {(GroupKind.SECTOR, each.sector or "") for each in securities})


def _with_rules(rng: random.Random, request: AnalysisInput, securities: Iterable[Security]) -> AccountSettings:
    value = account_value(request)
    return replace(
        request.snapshot.settings,
        group_bands=tuple(
            _group_band(rng, kind, name) for kind, name in rng.sample(_groups(securities), rng.choice([0, 1, 1, 2]))
        ),
        turnover_limit=_sometimes(rng, 0.3, rng.choice(["0.02", "0.1", "0.4"])),
        gain_budget=_sometimes(rng, 0.3, f"{value * rng.choice([0, 1, 5]) / 100:.2f}"),
        short_term_gain_budget=_sometimes(rng, 0.2, f"{value * rng.choice([0, 2]) / 100:.2f}"),
        tax_budget=_sometimes(rng, 0.25, f"{value * rng.choice([0, 1, 4]) / 200:.2f}"),
        tracking_error_limit=_sometimes(rng, 0.25, rng.choice(["0.02", "0.05", "0.1", "0.2"])),
        maximum_names=rng.choice([1, 2, 3, 4]) if rng.random() < 0.25 else None,
        forced_harvest=_forced_harvest(rng, value) if rng.random() < 0.2 else None,
        tilts={SecurityId(rng.choice(NAMES)): Decimal(rng.choice(["0.02", "-0.03"]))} if rng.random() < 0.3 else {},
    )


def _sometimes(rng: random.Random, share: float, number: str) -> Decimal | None:
    return Decimal(number) if rng.random() < share else None


def _group_band(rng: random.Random, kind: GroupKind, name: str) -> GroupBand:
    low, high = rng.choice([("0", "0.3"), ("0.2", "0.6"), ("0.5", "1"), ("0", "0.05"), ("0.1", "0.15")])
    return GroupBand(kind, name, Decimal(low), Decimal(high))


def _forced_harvest(rng: random.Random, value: Decimal) -> ForcedHarvest:
    losses = Decimal(f"{value * rng.choice([1, 5]) / 100 + 1:.2f}")
    return ForcedHarvest(losses, BUSINESS_DATE + timedelta(days=rng.choice([-1, 0, 20])), rng.random() < 0.3)


def with_random_sets(request: AnalysisInput, seed: int) -> AnalysisInput:
    """The account with names outside its model as substitutes of names in it, some with hurdles, some only held."""
    rng = random.Random(seed)
    names, master = sorted(request.target.weights), dict(request.market.securities)
    sets: dict[SecurityId, tuple[Substitute, ...]] = {}
    for other in sorted(master.keys() - request.target.weights.keys()):
        name = rng.choice(names)
        hurdle = Decimal(rng.choice([0, 0, 5, 300]))
        sets[name] = (*sets.get(name, ()), Substitute(other, hurdle, rng.random() < 0.8))
        master[other] = replace(master[other], asset_class=master[name].asset_class)
    return replace(
        request,
        target=replace(request.target, substitutes=sets),
        market=replace(request.market, securities=master),
    )


def _market(rng: random.Random) -> MarketSnapshot:
    securities = {
        name: a_security(
            name,
            asset_class=rng.choice(["US", "BOND"]),
            wash_group=rng.choice(["", "", "TWINS"]),
            whole_shares=rng.random() < 0.8,
            tradable=rng.random() < 0.95,
        )
        for name in NAMES
    }
    prices = {name: f"{rng.choice([3, 20, 100, 450, 1800]) * rng.uniform(0.8, 1.2):.2f}" for name in NAMES}
    if rng.random() < 0.2:
        prices[rng.choice(NAMES)] = ""
    market = a_market(prices, securities=securities)
    exposures = {
        SecurityId(name): RiskExposure((rng.uniform(0.2, 1.6),), rng.uniform(0.02, 0.5))
        for name in NAMES
        if rng.random() < 0.97
    }
    return replace(market, risk_model=replace(market.risk_model, securities=exposures))


def _model(rng: random.Random) -> ModelPortfolio:
    names = [name for name in NAMES if rng.random() < 0.7] or ["AAA"]
    weights = [rng.random() + 0.01 for _ in names]
    share = rng.choice([1, 0.97])
    invested = share / sum(weights)
    cash = None if share == 1 else "0.03"
    return a_model({name: f"{weight * invested:.6f}" for name, weight in zip(names, weights, strict=True)}, cash)


def _lots(rng: random.Random, market: MarketSnapshot) -> tuple[TaxLot, ...]:
    lots = []
    for name in NAMES:
        known = market.prices.get(SecurityId(name))
        price = float(known.close) if known else 100.0
        for number in range(rng.choice([0, 0, 1, 2, 4])):
            quantity = rng.choice([str(max(1, int(rng.uniform(100, 30000) / price))), f"{rng.uniform(0.5, 200):.4f}"])
            bought = BUSINESS_DATE - timedelta(days=rng.choice([3, 10, 200, 365, 366, 900]))
            purchase = rng.choice(["", f"P{number}"])
            unit_cost = f"{price * rng.uniform(0.5, 1.8):.4f}"
            lots.append(a_lot(name, quantity, unit_cost, bought, purchase=purchase, name=f"{name}{number}"))
    return tuple(lots)


def _settings(rng: random.Random) -> AccountSettings:
    band = WeightBand(Decimal(rng.choice(["0", "0.05", "0.2"])), Decimal(rng.choice(["1", "0.3", "0.1"])))
    need = CashNeed(Decimal(rng.choice([500, 20000])), date(2026, 3, 6))
    return AccountSettings(
        tracking=rng.choice(list(Tracking)),
        tax_sensitivity=rng.choice(list(TaxSensitivity)),
        harvesting=rng.choice(list(Harvesting)),
        cash_target=Decimal(rng.choice(["0", "0.01", "0.05"])),
        cash_reserve=Decimal(rng.choice([0, 0, 1000])),
        cash_needs=(need,) if rng.random() < 0.25 else (),
        minimum_trade=Decimal(rng.choice([0, 250, 2000])),
        commission=Decimal(rng.choice(["0", "0", "4.95"])),
        restrictions=tuple(
            a_rule(rng.choice(list(RestrictionKind)), rng.choice(NAMES)) for _ in range(rng.choice([0, 0, 1, 2]))
        ),
        weight_bands={SecurityId(rng.choice(NAMES)): band} if rng.random() < 0.35 else {},
    )


def _windows(rng: random.Random, market: MarketSnapshot) -> tuple[WashWindow, ...]:
    keys = sorted({security.wash_key for security in market.securities.values()})
    return tuple(
        a_window(
            rng.choice(keys),
            BUSINESS_DATE - timedelta(days=rng.choice([3, 10])),
            account_id=rng.choice([ACCOUNT, "A2"]),
            purchase_id=rng.choice(["", "P0"]),
        )
        for _ in range(rng.choice([0, 1, 2]))
    )
