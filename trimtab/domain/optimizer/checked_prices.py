"""What shared things cost at the certificates' prices, for many accounts at once: factors, cash, rows, risk, gains."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from trimtab.domain.optimizer.checked_bound import NOT_NETTED
from trimtab.domain.optimizer.checked_columns import Columns
from trimtab.domain.optimizer.checked_gap import own_prices
from trimtab.domain.optimizer.checked_market import Flags, Floats
from trimtab.domain.optimizer.checked_netting import CheckedRegime, NettedYear
from trimtab.domain.optimizer.checked_rows import CheckedRow
from trimtab.domain.proposals import Certificate, RegimePrices


@dataclass(frozen=True, slots=True)
class Ruled:
    """What of one account couples its securities: its rows, and the taxpayer's year where gains net."""

    rows: tuple[CheckedRow, ...]
    year: NettedYear | None

    @property
    def regimes(self) -> tuple[CheckedRegime, ...]:
        return self.year.regimes() if self.year is not None else (NOT_NETTED,)


@dataclass(frozen=True, slots=True, eq=False)
class PricesAtOnce:
    """By account, what shared things cost in one of its tax regimes."""

    factor: Floats  # (accounts, factors)
    cash: Floats
    cap: Floats
    traded: Floats  # of a unit traded
    short: Floats  # of a unit of gain
    long: Floats
    constant: Floats  # what rows and the regime add
    magnitude: Floats  # of the same and of what rows add to the prices: the absolute values of all that was summed
    proved: Flags  # false where prices are no numbers, or not those of the market's factors


def prices_at_once(
    columns: Columns,
    rows: Sequence[Sequence[CheckedRow]],
    regimes: Sequence[CheckedRegime],
    certificates: Sequence[Certificate],
) -> PricesAtOnce:
    """Of one regime of each account, as its certificate tells them, moved to where the bound is finite."""
    factors = columns.loadings.shape[1]
    told = [
        certificate.by_regime.get(regime.name) or own_prices(certificate, regime.name)
        for regime, certificate in zip(regimes, certificates, strict=True)
    ]
    proved = [_are_numbers(each, factors) for each in told]
    none = RegimePrices((0.0,) * factors, 0.0, {}, {}, 0.0, 0.0)
    told = [each if is_proved else none for each, is_proved in zip(told, proved, strict=True)]
    of_each = zip(rows, regimes, told, strict=True)
    coupled = np.array([_coupled((*own, *regime.rows), regime, each) for own, regime, each in of_each])
    limited = np.isfinite(columns.accounts.tracking_limit)
    return PricesAtOnce(
        factor=np.array([each.factor for each in told]).reshape(len(told), factors),
        cash=np.maximum([each.cash for each in told], -columns.accounts.drag),
        cap=np.where(limited, np.maximum([each.cap for each in told], 0.0), 0.0),
        traded=coupled[:, 0],
        short=coupled[:, 1],
        long=coupled[:, 2],
        constant=coupled[:, 3],
        magnitude=coupled[:, 4],
        proved=np.array(proved, dtype=np.bool_),
    )


def _are_numbers(prices: RegimePrices, factors: int) -> bool:
    numbers = (prices.cash, prices.cap, prices.names, *prices.rows.values(), *prices.own_rows.values())
    return len(prices.factor) == factors and all(map(isfinite, prices.factor)) and all(map(isfinite, numbers))


def _coupled(
    rows: Sequence[CheckedRow], regime: CheckedRegime, prices: RegimePrices
) -> tuple[float, float, float, float, float]:
    """What a unit traded and a unit of each term's gain cost at the prices of rows, and what the rows add.

    Last the magnitude of all of it.
    """
    traded, short, long, constant = 0.0, regime.on_short, regime.on_long, regime.constant
    magnitude = abs(short) + abs(long) + abs(constant)
    for row in rows:
        price = row.within_caps(prices.rows.get(row.name, prices.own_rows.get(row.name, 0.0)))
        if price != 0:
            traded, short = traded + row.traded * price, short + row.short_gain * price
            long = long + row.long_gain * price
            limit = row.high if price > 0 else row.low
            constant += price * (row.start - limit)
            parts = row.traded, row.short_gain, row.long_gain, row.start, limit
            magnitude += abs(price) * sum(map(abs, parts))
    return traded, short, long, constant, magnitude
