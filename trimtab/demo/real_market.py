"""Real days: closes, actions, index weights and an estimated risk model from a directory of market data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.demo.errors import DataDirectoryUnusable
from trimtab.demo.market import CorporateAction
from trimtab.demo.real_actions import SortedActions, sort_actions
from trimtab.demo.real_data import RawAction, WideTable, read_actions, read_pairs, read_weights, read_wide
from trimtab.demo.roster import BALANCED, DIRECT_INDEX, GROWTH, OPEN_UMA
from trimtab.domain.accounts import ModelId
from trimtab.domain.market import RiskExposure, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import split_exactly
from trimtab.domain.securities import Security, SecurityId, SecurityKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

INDEX_DAY = date(2020, 12, 1)
RISK_YEARS = 2
CORE_COUNT, SLEEVE_COUNT = 10, 30  # companies of the open-architecture model

STOCK_SET = "us_{}_2010_2021_mit"
FUND_SET = "us_{}_2015_2024"
FUNDS = {
    "BBUS": "US_LARGE",
    "AVUV": "US_SMALL",
    "BBIN": "DEVELOPED",
    "AVEM": "EMERGING",
    "BBRE": "REAL_ESTATE",
    "BND": "US_BOND",
    "BNDX": "INTL_BOND",
    "ANGL": "HIGH_YIELD",
    "AAAU": "GOLD",
    "ACWX": "DEVELOPED",
}
"""The funds of the models and their asset classes: of those with prices on the day, one or two a class."""

SHARE_CLASSES = (("GOOG", "GOOGL"), ("FOX", "FOXA"), ("NWS", "NWSA"), ("UA", "UAA"), ("DISCA", "DISCK"))


@dataclass(frozen=True, eq=False)
class RealMarket:
    """Everything read. Closes are by session (row) and security (column), NaN where there is none."""

    data: Path
    securities: tuple[Security, ...]
    sessions: tuple[date, ...]
    close_table: "Floats"
    volume_table: "Floats"  # shares
    raw_actions: tuple[RawAction, ...]
    index_weights: Mapping[str, Decimal]

    def next_session(self, day: date) -> date:
        later = [session for session in self.sessions if session > day]
        if not later:
            raise DataDirectoryUnusable(f"{self.data} has no prices after {day}")
        return later[0]

    def previous_session(self, day: date) -> date:
        return self.sessions[self.row(day) - 1]

    def row(self, session: date) -> int:
        if session not in self.sessions:
            raise DataDirectoryUnusable(f"{self.data} has no prices of {session}")
        return self.sessions.index(session)

    def close(self, symbol: str, session: date) -> Decimal | None:
        value = float(self.close_table[self.row(session), self.columns[symbol]])
        return Decimal(repr(value)) if value == value else None  # NaN is the one number unequal to itself

    def closes(self, session: date) -> Mapping[SecurityId, Decimal]:
        found = {security.id: self.close(security.symbol or "", session) for security in self.securities}
        return {security_id: close for security_id, close in found.items() if close is not None}

    def volumes(self, session: date) -> Mapping[SecurityId, int]:
        traded = self.volume_table[self.row(session)]
        return {
            security.id: int(shares)
            for security, shares in zip(self.securities, traded, strict=True)
            if shares == shares
        }

    def actions(self, ex_on: date) -> tuple[CorporateAction, ...]:
        """What a custodian announces that morning: it has not seen the day's closes."""
        todays = [action for action in self.raw_actions if action.ex_on == ex_on]
        found = sort_actions(todays, self._close_before)
        ids = {security.symbol: security.id for security in self.securities}
        splits = [
            CorporateAction(
                event_id=f"{symbol}-SPLIT-{ex_on:%Y%m%d}",
                kind="SPLF" if ratio > 1 else "SPLR",
                security_id=ids[symbol],
                ex_on=ex_on,
                new_shares=ratio.numerator,
                old_shares=ratio.denominator,
            )
            for symbol, events in found.splits.items()
            for _, ratio in events
        ]
        dividends = [
            CorporateAction(f"{symbol}-DVCA-{ex_on:%Y%m%d}", "DVCA", ids[symbol], ex_on, cash_per_share=cash)
            for symbol, events in found.dividends.items()
            for _, cash in events
        ]
        return (*splits, *dividends)

    def models(self, business_date: date) -> tuple[ModelPortfolio, ...]:
        """The index of INDEX_DAY, whatever the date, with its remainder undeclared as in the file; three of our own."""
        ids = {security.symbol or "": security.id for security in self.securities}
        weights = {ids[symbol]: weight for symbol, weight in self.index_weights.items()}
        return (
            _declared(BALANCED, _BALANCED, ids),
            _declared(GROWTH, _GROWTH, ids),
            ModelPortfolio(DIRECT_INDEX, 1, INDEX_DAY, weights, cash_weight=None),
            _declared(OPEN_UMA, self._open_architecture(), ids),
        )

    def risk_model(self, as_of: date) -> RiskModel:
        """Ten statistical factors of the two years that end with `as_of`."""
        import numpy as np

        from trimtab.risk.statistical import estimate_risk

        last = self.row(as_of)
        first = self.row(next(day for day in self.sessions if day > as_of - timedelta(days=365 * RISK_YEARS)))
        estimate = estimate_risk(self.total_returns()[first : last + 1])
        known = np.asarray(np.isfinite(estimate.exposures).all(axis=1))
        exposures, specific = estimate.exposures.round(6), estimate.specific_risk.round(6)
        return RiskModel(
            id=f"STATISTICAL-{len(estimate.factors)}",
            as_of=as_of,
            factors=estimate.factors,
            factor_covariance=tuple(tuple(float(value) for value in row) for row in estimate.covariance.round(10)),
            securities={
                security.id: RiskExposure(tuple(float(value) for value in exposures[i]), float(specific[i]))
                for i, security in enumerate(self.securities)
                if known[i]
            },
        )

    def total_returns(self) -> "Floats":
        """Daily, as `close_table`: after splits and with dividends; NaN on the day of an action set aside."""
        import numpy as np

        close = self.close_table
        ratio, dividend = np.ones_like(close), np.zeros_like(close)
        for symbol, splits in self.booked.splits.items():
            for day, value in splits:
                ratio[self.row(day), self.columns[symbol]] = float(value)
        for symbol, dividends in self.booked.dividends.items():
            for day, cash in dividends:
                dividend[self.row(day), self.columns[symbol]] += float(cash)
        returns = np.full_like(close, np.nan)
        returns[1:] = (close[1:] * ratio[1:] + dividend[1:]) / close[:-1] - 1
        for symbol, faults in self.booked.set_aside.items():
            for day, _ in faults:
                returns[self.row(day), self.columns[symbol]] = np.nan
        return returns

    @cached_property
    def columns(self) -> dict[str, int]:
        return {security.symbol or "": column for column, security in enumerate(self.securities)}

    @cached_property
    def booked(self) -> SortedActions:
        """All actions, judged with the closes of their own days."""
        return sort_actions(self.raw_actions, self._close_before, self.close)

    def _close_before(self, symbol: str, session: date) -> Decimal | None:
        return self.close(symbol, self.previous_session(session))

    def _open_architecture(self) -> dict[str, Decimal]:
        """Four funds, the ten largest companies of the index, an income sleeve of the next thirty; 1 % cash."""
        largest = self.priced_index()
        core, sleeve = largest[:CORE_COUNT], largest[CORE_COUNT : CORE_COUNT + SLEEVE_COUNT]
        equal = split_exactly(Decimal("0.35"), [Decimal(1)] * len(sleeve), Decimal("0.0001"))
        return _FUNDS_OF_UMA | dict.fromkeys(core, Decimal("0.022")) | dict(zip(sleeve, equal, strict=True))

    def priced_index(self) -> list[str]:
        """Symbols of the index with a close on the eve of INDEX_DAY, heaviest first."""
        eve = self.previous_session(INDEX_DAY)
        priced = [symbol for symbol in self.index_weights if self.close(symbol, eve) is not None]
        return sorted(priced, key=lambda symbol: (-self.index_weights[symbol], symbol))


def read_market(data: Path) -> RealMarket:
    """Reads what the firm on real prices needs. Raises DataDirectoryUnusable naming what is missing."""
    import numpy as np

    stocks = read_wide(data, f"prices/{STOCK_SET.format('close_raw')}.csv.gz")
    funds = read_wide(data, f"prices/{FUND_SET.format('close_raw')}.csv.gz", frozenset(FUNDS))
    missing = sorted(set(FUNDS) - set(funds.symbols))
    if missing:
        raise DataDirectoryUnusable(f"{data} has no prices of {', '.join(missing)}")
    weights = read_weights(data, f"constituents/spy_weights_{INDEX_DAY:%Y%m%d}_apache.csv")
    securities = _securities(data, weights, stocks.symbols)
    symbols = {security.symbol for security in securities}
    stock_actions = read_actions(data, f"prices/{STOCK_SET.format('actions')}.csv")
    fund_actions = read_actions(data, f"prices/{FUND_SET.format('actions')}.csv")
    sessions = tuple(day for day in stocks.sessions if day in set(funds.sessions))
    volumes = [
        read_wide(data, f"prices/{STOCK_SET.format('volume_k')}.csv.gz"),
        read_wide(data, f"prices/{FUND_SET.format('volume_k')}.csv.gz", frozenset(FUNDS)),
    ]
    return RealMarket(
        data=data,
        securities=securities,
        sessions=sessions,
        close_table=_aligned([stocks, funds], sessions, securities),
        volume_table=np.rint(_aligned(volumes, sessions, securities) * 1000),
        raw_actions=(
            *(one for one in stock_actions if one.symbol in symbols and one.ex_on in sessions),
            *(one for one in fund_actions if one.symbol in FUNDS and one.ex_on in sessions),
        ),
        index_weights=weights,
    )


def _aligned(tables: list[WideTable], sessions: tuple[date, ...], securities: tuple[Security, ...]) -> "Floats":
    """The tables' columns in the order of `securities`; a later table fills in what earlier ones lack."""
    import numpy as np

    aligned = np.full((len(sessions), len(securities)), np.nan)
    columns = {security.symbol: column for column, security in enumerate(securities)}
    for table in tables:
        rows = {day: row for row, day in enumerate(table.sessions)}
        order = [rows[day] for day in sessions]
        for place, symbol in enumerate(table.symbols):
            if symbol in columns and np.isnan(aligned[:, columns[symbol]]).all():
                aligned[:, columns[symbol]] = table.values[order, place]
    return aligned


def _securities(data: Path, weights: Mapping[str, Decimal], priced: tuple[str, ...]) -> tuple[Security, ...]:
    """Funds, the index heaviest first, then companies with prices that are not in it. Ids do not depend on symbols."""
    sectors = read_pairs(data, f"constituents/sectors_{INDEX_DAY:%Y%m%d}.csv", "ticker", "gics_sector")
    later_sectors = read_pairs(data, "constituents/sp500_mit.csv", "Symbol", "GICS Sector")
    names = read_pairs(data, "constituents/sp500_mit.csv", "Symbol", "Security")
    index = sorted(weights, key=lambda symbol: (-weights[symbol], symbol))
    outside = [symbol for symbol in priced if symbol not in weights and symbol in later_sectors]
    wash_groups = {symbol: f"CLASSES-{pair[0]}" for pair in SHARE_CLASSES for symbol in pair}
    funds = [
        Security(SecurityId(f"F{number:04d}"), symbol, SecurityKind.ETF, asset_class, symbol=symbol,
                 half_spread_bps=Decimal("1.0"))
        for number, (symbol, asset_class) in enumerate(FUNDS.items(), start=1)
    ]  # fmt: skip
    companies = [
        Security(
            id=SecurityId(f"C{number:04d}"),
            name=names.get(symbol, symbol),
            kind=SecurityKind.STOCK,
            asset_class="US_LARGE",
            symbol=symbol,
            sector=sectors.get(symbol) or later_sectors.get(symbol),
            wash_group=wash_groups.get(symbol, ""),
        )
        for number, symbol in enumerate([*index, *outside], start=1)
    ]
    return (*funds, *companies)


def _declared(model_id: ModelId, weights: Mapping[str, Decimal], ids: Mapping[str, SecurityId]) -> ModelPortfolio:
    return ModelPortfolio(
        id=model_id,
        version=1,
        effective_on=INDEX_DAY,
        weights={ids[symbol]: weight for symbol, weight in weights.items()},
        cash_weight=Decimal(1) - sum(weights.values(), Decimal(0)),
    )


def _weights(text: str) -> dict[str, Decimal]:
    return {symbol: Decimal(weight) for symbol, weight in (item.split(":") for item in text.split())}


_BALANCED = _weights("BBUS:0.34 AVUV:0.06 BBIN:0.12 AVEM:0.04 BBRE:0.03 BND:0.28 BNDX:0.06 ANGL:0.04 AAAU:0.02")
_GROWTH = _weights("BBUS:0.45 AVUV:0.09 BBIN:0.16 AVEM:0.06 BBRE:0.03 BND:0.13 BNDX:0.03 ANGL:0.02 AAAU:0.02")
_FUNDS_OF_UMA = _weights("ACWX:0.12 AVEM:0.05 BND:0.20 ANGL:0.05")
