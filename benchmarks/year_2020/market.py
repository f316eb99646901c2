"""The days of 2020 as they were known: prices, actions, the index and a risk model of the years before each day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from trimtab.demo.history import Split, prices_in_last_shares
from trimtab.demo.real_data import read_pairs
from trimtab.demo.real_market import FUNDS, INDEX_DAY, RealMarket, read_market
from trimtab.domain.accounts import ModelId
from trimtab.domain.corporate_actions import split_price
from trimtab.domain.market import Price, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.snapshots import MarketSnapshot

YEAR = 2020
MEMBERSHIP = "constituents/sp500_ticker_start_end_mit.csv"
RENAMED = frozenset({"HWM", "LUMN", "TT"})
"""Companies whose symbol, not membership, began in 2020: they were in the index as ARNC, CTL and IR."""

KEPT_UP_TO = 1.2
"""At a quarter's end a name of an index of N stays while it is among the largest 1.2 N."""

WEIGHT_PLACES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What is known in the morning, and the closes at which the day's orders are filled. Columns are `Year.ids`."""

    session: date
    eve: date
    market: MarketSnapshot  # closes of the eve, in the day's shares
    arrays: MarketArrays
    models: Mapping[int, ModelPortfolio]  # by number of names
    targets: Mapping[int, Floats]  # the same weights, (n,)
    price: Floats  # (n,) closes of the eve in the day's shares, NaN without one
    close: Floats  # (n,) closes of the day
    splits: Mapping[SecurityId, Fraction]
    dividends: Mapping[SecurityId, Decimal]  # dollars a share, in the shares of the day before a split of that day
    target_return: Mapping[int, float]  # total return of each target over the day
    starts_month: bool


class Year:
    """Everything read once. A day's view holds nothing that was known later, but the index's share counts (see docs).

    The universe is the index of 2020-12-01 without names whose data of 2020 have an action that cannot be booked.
    """

    def __init__(self, data: Path, sizes: tuple[int, ...]) -> None:
        self.real: RealMarket = read_market(data)
        self.sizes = sizes
        self._since = read_pairs(data, MEMBERSHIP, "ticker", "start_date")
        faulty = {
            symbol
            for symbol, faults in self.real.booked.set_aside.items()
            if any(day.year == YEAR for day, _ in faults)
        }
        self.left_out = tuple(sorted(faulty & set(self.real.index_weights)))
        self.securities: tuple[Security, ...] = tuple(
            security
            for security in self.real.securities
            if security.symbol in self.real.index_weights
            and security.symbol not in FUNDS
            and security.symbol not in faulty
            and self.real.close(security.symbol or "", self._index_eve) is not None
        )
        self.columns: Ints = np.array([self.real.columns[each.symbol or ""] for each in self.securities])
        self.ids = tuple(security.id for security in self.securities)
        self.row = {security_id: row for row, security_id in enumerate(self.ids)}
        self.sectors = np.array([security.sector or "" for security in self.securities])
        self.wash_keys = np.array([security.wash_key for security in self.securities])
        self.half_spread = np.array([float(security.half_spread_bps) for security in self.securities]) * 1e-4
        self._members: dict[tuple[int, date], Flags] = {}

    @property
    def _index_eve(self) -> date:
        return self.real.previous_session(INDEX_DAY)

    @cached_property
    def sessions(self) -> tuple[date, ...]:
        return tuple(day for day in self.real.sessions if day.year == YEAR)

    @cached_property
    def closes(self) -> Floats:
        """(all sessions, n), as traded."""
        return np.asarray(self.real.close_table[:, self.columns], dtype=np.float64)

    @cached_property
    def returns(self) -> Floats:
        """(all sessions, n), daily total returns."""
        return np.asarray(self.real.total_returns()[:, self.columns], dtype=np.float64)

    @cached_property
    def clean_from(self) -> Ints:
        """(n,) the first row with a close after which no action had to be set aside: lots begin there."""
        there = ~np.isnan(self.closes)
        first = there.argmax(axis=0)
        for column, security in enumerate(self.securities):
            faults = self.real.booked.set_aside.get(security.symbol or "", [])
            rows = [self.real.row(day) + 1 for day, _ in faults if day.year < YEAR]
            first[column] = max([int(first[column]), *rows])
        return np.asarray(first, dtype=np.int64)

    @cached_property
    def capitalisation(self) -> Floats:
        """(all sessions, n): proportional to close times shares outstanding; shares are those of 2020-11-30."""
        splits = {
            column: tuple(
                Split(self.real.row(day), ratio)
                for day, ratio in self.real.booked.splits.get(security.symbol or "", ())
            )
            for column, security in enumerate(self.securities)
        }
        in_last_shares = prices_in_last_shares(self.closes, splits, np.zeros(len(self.ids), dtype=np.int64))
        weights = np.array([float(self.real.index_weights[each.symbol or ""]) for each in self.securities])
        return np.asarray(weights * in_last_shares / in_last_shares[self.real.row(self._index_eve)])

    def members(self, size: int, eve: date) -> Flags:
        """(n,): the index of `size` names on the evening of `eve`; the largest, looked at again each quarter's end."""
        quarters = [day for day in self._quarter_ends if day <= eve]
        return self._index_of(size, quarters[-1])

    @cached_property
    def _quarter_ends(self) -> tuple[date, ...]:
        ends = []
        for day, following in zip(self.real.sessions, self.real.sessions[1:], strict=False):
            if (following.year, (following.month - 1) // 3) != (day.year, (day.month - 1) // 3):
                ends.append(day)
        return tuple(day for day in ends if date(YEAR - 1, 12, 1) <= day < date(YEAR, 12, 31))

    def _index_of(self, size: int, quarter_end: date) -> Flags:
        if (size, quarter_end) not in self._members:
            capitalisation = np.where(self._eligible(quarter_end), self.capitalisation[self.real.row(quarter_end)], 0.0)
            capitalisation = np.nan_to_num(capitalisation)
            rank = np.argsort(np.argsort(-capitalisation, kind="stable"), kind="stable")
            place = self._quarter_ends.index(quarter_end)
            stays = self._index_of(size, self._quarter_ends[place - 1]) if place else rank < 0
            stays = stays & (rank < KEPT_UP_TO * size) & (capitalisation > 0)
            joins = np.flatnonzero(~stays & (capitalisation > 0))
            joins = joins[np.argsort(rank[joins], kind="stable")][: max(size - int(stays.sum()), 0)]
            chosen = stays.copy()
            chosen[joins] = True
            self._members[size, quarter_end] = chosen
        return self._members[size, quarter_end]

    def _eligible(self, day: date) -> Flags:
        """In the S&P 500 on that day, by the membership file; without a start date in it, all the while."""
        return np.array(
            [
                each.symbol in RENAMED or self._since.get(each.symbol or "", "") <= day.isoformat()
                for each in self.securities
            ],
            dtype=np.bool_,
        )

    def weights(self, size: int, eve: date) -> Floats:
        """(n,) capitalisation weights of the index of `size` names at the closes of `eve`."""
        capitalisation = np.where(self.members(size, eve), self.capitalisation[self.real.row(eve)], 0.0)
        capitalisation = np.nan_to_num(capitalisation)
        return np.asarray(capitalisation / capitalisation.sum(), dtype=np.float64)

    def risk_model(self, eve: date) -> RiskModel:
        """Ten statistical factors of the two years up to `eve`: nothing later is read."""
        return self.real.risk_model(eve)

    def day(self, session: date, risk: RiskModel) -> Day:
        real = self.real
        eve = real.previous_session(session)
        splits, dividends = self._actions(session)
        prices = self._prices(eve, splits)
        market = MarketSnapshot(eve, {each.id: each for each in self.securities}, prices, risk)
        targets = {size: self.weights(size, eve).round(WEIGHT_PLACES) for size in self.sizes}
        returns = np.nan_to_num(self.returns[real.row(session)])
        return Day(
            session=session,
            eve=eve,
            market=market,
            arrays=MarketArrays.from_snapshot(market),
            models={size: self._model(size, eve, targets[size]) for size in self.sizes},
            targets=targets,
            price=np.array([float(prices[each].close) if each in prices else np.nan for each in self.ids]),
            close=self.closes[real.row(session)],
            splits=splits,
            dividends=dividends,
            target_return={size: float(self.weights(size, eve) @ returns) for size in self.sizes},
            starts_month=eve.month != session.month,
        )

    def _actions(self, session: date) -> tuple[dict[SecurityId, Fraction], dict[SecurityId, Decimal]]:
        booked = self.real.booked
        splits, dividends = {}, {}
        for security in self.securities:
            for day, ratio in booked.splits.get(security.symbol or "", ()):
                if day == session:
                    splits[security.id] = ratio
            for day, cash in booked.dividends.get(security.symbol or "", ()):
                if day == session:
                    dividends[security.id] = dividends.get(security.id, Decimal(0)) + cash
        return splits, dividends

    def _prices(self, eve: date, splits: Mapping[SecurityId, Fraction]) -> dict[SecurityId, Price]:
        closes = self.closes[self.real.row(eve)]
        prices = {}
        for security_id, close in zip(self.ids, closes.tolist(), strict=True):
            if close == close:  # not NaN
                exact = Decimal(repr(close))
                ratio = splits.get(security_id)
                prices[security_id] = Price(security_id, eve, split_price(exact, ratio) if ratio else exact)
        return prices

    def _model(self, size: int, eve: date, weights: Floats) -> ModelPortfolio:
        return ModelPortfolio(
            ModelId(f"INDEX-{size}"),
            1,
            eve,
            {self.ids[row]: Decimal(f"{weights[row]:.{WEIGHT_PLACES}f}") for row in np.flatnonzero(weights)},
            Decimal(0),
        )
