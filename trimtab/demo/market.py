"""The simulated market: ten factors, one day at a time.

Each session's shocks come from a generator seeded by (seed, date), so a path does not change when it is
made longer: the close of a day is a function of seed, first day and day alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol

from trimtab.demo.sessions import session_after, session_before, sessions_between
from trimtab.demo.universe import FACTORS, FUND_COUNT, INDEX_COUNT, Universe, build_universe
from trimtab.domain.accounts import ModelId
from trimtab.domain.market import RiskExposure, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import split_exactly
from trimtab.domain.securities import SecurityId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

HISTORY_YEARS = 3
SESSIONS_A_YEAR = 252
WEIGHT_STEP = Decimal("0.00000001")

_FACTOR_RISK = (0.16, 0.06, 0.07, 0.08, 0.05, 0.09, 0.16, 0.055, 0.04, 0.13)  # annualised
_FACTOR_PREMIUM = (0.075, 0.0, 0.01, 0.01, 0.01, 0.01, 0.0, 0.015, 0.015, 0.03)  # a year
_FACTOR_CORRELATIONS = (("MARKET", "CREDIT", 0.5), ("MARKET", "GROWTH", 0.2), ("MARKET", "RATES", -0.2),
                        ("VALUE", "ENERGY", 0.3), ("RATES", "GOLD", 0.2), ("SIZE", "CREDIT", 0.2))  # fmt: skip
SPLIT_SYMBOL = "UNI3"  # splits two for one on the firm's first business day


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """A confirmed event. `new_shares` are given for `old_shares` (NEWO, never ADEX: CA-1)."""

    event_id: str
    kind: str  # SPLF, SPLR or DVCA
    security_id: SecurityId
    ex_on: date
    new_shares: int | None = None
    old_shares: int | None = None
    cash_per_share: Decimal | None = None
    version: int = 1
    status: str = "CONFIRMED"


class Market(Protocol):
    """Where a firm's days come from: prices, events, models and a risk model for any of its sessions."""

    def next_session(self, day: date) -> date: ...
    def previous_session(self, day: date) -> date: ...
    def closes(self, session: date) -> Mapping[SecurityId, Decimal]: ...
    def volumes(self, session: date) -> Mapping[SecurityId, int]: ...
    def actions(self, ex_on: date) -> tuple[CorporateAction, ...]: ...
    def models(self, business_date: date) -> tuple[ModelPortfolio, ...]: ...
    def risk_model(self, as_of: date) -> RiskModel: ...


@dataclass(frozen=True)
class SimulatedMarket:
    """Three years of history before `founded_on`, and every session after it."""

    seed: int
    founded_on: date  # the first business date
    universe: Universe = field(repr=False, compare=False)

    @cached_property
    def history_start(self) -> date:
        return self.founded_on.replace(year=self.founded_on.year - HISTORY_YEARS, day=1)

    def next_session(self, day: date) -> date:
        return session_after(day)

    def previous_session(self, day: date) -> date:
        return session_before(day)

    def sessions(self, last: date) -> tuple[date, ...]:
        return sessions_between(self.history_start, last)

    def history(self, last: date) -> "Integers":
        """Closes in cents as traded, (sessions, securities), up to and including `last`."""
        import numpy as np

        sessions = self.sessions(last)
        path = self._path(last)
        cents = np.maximum(np.rint(path * 100), 1).astype(np.int64)
        first_split_day = sum(session < self.founded_on for session in sessions)
        split = self.universe.index(SPLIT_SYMBOL)
        cents[first_split_day:, split] = np.rint(path[first_split_day:, split] * 50).astype(np.int64)
        return cents

    def _path(self, last: date) -> "Floats":
        """Unsplit prices up to `last`; those of the three years are simulated once, whatever is asked of them."""
        whole = _simulated_path(self.universe, self.seed, self.sessions(max(last, self.founded_on)))
        return whole[: len(self.sessions(last))]

    def closes(self, session: date) -> Mapping[SecurityId, Decimal]:
        last = self.history(session)[-1]
        return {
            security.id: Decimal(int(cents)).scaleb(-2)
            for security, cents in zip(self.universe.securities, last, strict=True)
        }

    def volumes(self, session: date) -> Mapping[SecurityId, int]:
        """Shares traded: about half a percent of those outstanding."""
        import numpy as np

        rng = np.random.default_rng([self.seed, session.toordinal(), 2])
        traded = self.universe.shares_out * 0.005 * np.exp(rng.normal(0.0, 0.35, len(self.universe.securities)))
        return {
            security.id: max(int(shares), 100)
            for security, shares in zip(self.universe.securities, traded, strict=True)
        }

    def actions(self, ex_on: date) -> tuple[CorporateAction, ...]:
        if ex_on != self.founded_on:
            return ()
        security = self.universe.securities[self.universe.index(SPLIT_SYMBOL)]
        event_id = f"EV-{ex_on:%Y%m%d}-{security.symbol}"
        return (CorporateAction(event_id, "SPLF", security.id, ex_on, new_shares=2, old_shares=1),)

    def models(self, business_date: date) -> tuple[ModelPortfolio, ...]:
        """Three models that stay, and the direct index, published anew each day at the closes before it."""
        as_of = self.previous_session(business_date)
        days_since = len(sessions_between(self.founded_on, business_date)) - 1
        return (
            self._fixed("BALANCED_60_40", _BALANCED),
            self._fixed("GROWTH_80_20", _GROWTH),
            self._direct_index(as_of, version=days_since + 1, effective_on=business_date),
            self._fixed("OPEN_UMA", _open_architecture(self.universe)),
        )

    def risk_model(self, as_of: date) -> RiskModel:
        """The model that the prices are drawn from: exact, as no vendor's is."""
        covariance = factor_covariance()
        return RiskModel(
            id="DEMO-10",
            as_of=as_of,
            factors=FACTORS,
            factor_covariance=tuple(tuple(float(value) for value in row) for row in covariance),
            securities={
                security.id: RiskExposure(tuple(float(value) for value in row), float(specific))
                for security, row, specific in zip(
                    self.universe.securities, self.universe.exposures, self.universe.specific_risk, strict=True
                )
            },
        )

    def _fixed(self, name: str, weights: Mapping[str, Decimal]) -> ModelPortfolio:
        by_symbol = {security.symbol: security.id for security in self.universe.securities}
        return ModelPortfolio(
            id=ModelId(name),
            version=1,
            effective_on=self.founded_on,
            weights={by_symbol[symbol]: weight for symbol, weight in weights.items()},
            cash_weight=Decimal(1) - sum(weights.values(), Decimal(0)),
        )

    def _direct_index(self, as_of: date, version: int, effective_on: date) -> ModelPortfolio:
        """The first 120 companies by capitalisation, less half a percent of cash."""
        rows = slice(FUND_COUNT, FUND_COUNT + INDEX_COUNT)
        path = self._path(as_of)  # a split changes no capitalisation
        capitalisations = [Decimal(int(value)) for value in path[-1, rows] * self.universe.shares_out[rows]]
        weights = split_exactly(Decimal("0.995"), capitalisations, WEIGHT_STEP)
        return ModelPortfolio(
            id=ModelId("DIRECT_INDEX"),
            version=version,
            effective_on=effective_on,
            weights={
                security.id: weight for security, weight in zip(self.universe.securities[rows], weights, strict=True)
            },
            cash_weight=Decimal("0.005"),
        )


def simulated_market(seed: int, founded_on: date) -> SimulatedMarket:
    return SimulatedMarket(seed, founded_on, build_universe(seed))


def factor_covariance() -> "Floats":
    """(n_factors, n_factors), annualised, positive definite."""
    import numpy as np

    correlation = np.eye(len(FACTORS))
    for first, second, value in _FACTOR_CORRELATIONS:
        i, j = FACTORS.index(first), FACTORS.index(second)
        correlation[i, j] = correlation[j, i] = value
    risk = np.array(_FACTOR_RISK)
    return np.asarray((correlation * np.outer(risk, risk)).round(8), dtype=np.float64)


@lru_cache(maxsize=4)
def _simulated_path(universe: Universe, seed: int, sessions: tuple[date, ...]) -> "Floats":
    """Prices in dollars before any split, (sessions, securities). Read-only for its callers."""
    import numpy as np

    root = np.linalg.cholesky(factor_covariance() / SESSIONS_A_YEAR)
    daily_specific = universe.specific_risk / np.sqrt(SESSIONS_A_YEAR)
    drift = universe.exposures @ np.array(_FACTOR_PREMIUM) / SESSIONS_A_YEAR
    n_securities = len(universe.securities)
    shocks = np.empty((len(sessions), len(FACTORS) + n_securities))
    for row, session in enumerate(sessions):
        shocks[row] = np.random.default_rng([seed, session.toordinal()]).standard_normal(shocks.shape[1])
    factor_returns = shocks[:, : len(FACTORS)] @ root.T
    returns = factor_returns @ universe.exposures.T + shocks[:, len(FACTORS) :] * daily_specific + drift
    variance = ((universe.exposures @ root) ** 2).sum(axis=1) + daily_specific**2
    path = universe.first_prices * np.exp(np.cumsum(returns - variance / 2, axis=0))
    path.setflags(write=False)
    return np.asarray(path, dtype=np.float64)


def _dollars_of(weights: str) -> dict[str, Decimal]:
    pairs = (item.split(":") for item in weights.split())
    return {symbol: Decimal(weight) for symbol, weight in pairs}


_BALANCED = _dollars_of("LCX1:0.34 SCX1:0.06 DVX1:0.12 EMX1:0.04 REX1:0.03 AGX1:0.28 IBX1:0.06 HYX1:0.04 GLX1:0.02")
_GROWTH = _dollars_of("LCX1:0.45 SCX1:0.09 DVX1:0.16 EMX1:0.06 REX1:0.03 AGX1:0.13 IBX1:0.03 HYX1:0.02 GLX1:0.02")


def _open_architecture(universe: Universe) -> dict[str, Decimal]:
    """Four funds, ten companies of the index, and an income sleeve of thirty others; 1 % cash."""
    symbols = [security.symbol or "" for security in universe.securities[FUND_COUNT:]]
    core = dict.fromkeys(symbols[:10], Decimal("0.022"))
    income = split_exactly(Decimal("0.35"), [Decimal(1)] * 30, Decimal("0.0001"))
    sleeve = dict(zip(symbols[INDEX_COUNT : INDEX_COUNT + 30], income, strict=True))
    return _dollars_of("DVX2:0.12 EMX2:0.05 AGX2:0.20 HYX2:0.05") | core | sleeve
