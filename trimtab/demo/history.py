"""The price history that a firm's lots were bought through, simulated or real."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from trimtab.domain.accounts import ModelId
from trimtab.domain.money import to_cents
from trimtab.domain.securities import Security

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """`ratio` new shares per old from the session of `row` on."""

    row: int
    ratio: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Rows are sessions, up to the evening before the business date; columns are `securities`, funds first."""

    sessions: tuple[date, ...]
    securities: tuple[Security, ...]
    closes: "Floats"  # dollars as traded
    prices: "Floats"  # dollars a share as shares are counted in the last row; NaN where no lot may begin
    splits: Mapping[int, tuple[Split, ...]]  # by column
    first_rows: "Integers"  # per column: the first row in which a lot may begin
    purchase_rows: "Integers"  # the sessions on which accounts buy
    dividends_due: "Floats"  # per column: dollars a share received since the last purchases
    fund_count: int
    legacy: tuple[int, ...]  # columns that are in no model
    targets: Mapping[ModelId, "Floats"]  # weights by column; zero where there is no price
    unlisted: Security
    business_date: date
    seed: int

    def first_since(self, days_ago: int) -> int:
        """Row of the first session within `days_ago` calendar days of the business date."""
        return bisect_left(self.sessions, self.business_date - timedelta(days=days_ago))

    def ratio_since(self, row: int, column: int) -> Fraction:
        """Shares of the last row per share of `row`."""
        ratio = Fraction(1)
        for split in self.splits.get(column, ()):
            if split.row > row:
                ratio *= split.ratio
        return ratio

    def amount(self, row: int, column: int, shares: int) -> Decimal:
        """What `shares`, counted as in the last row, came to at the close of `row`: dollars, to the cent."""
        ratio = self.ratio_since(row, column)
        then = Decimal(shares * ratio.denominator) / Decimal(ratio.numerator)
        return to_cents(then * Decimal(repr(float(self.closes[row, column]))))

    def purchasable(self, row: int, column: int, shares: int) -> int:
        """The most of `shares` that were whole shares in `row`, and are whole now."""
        step = self.ratio_since(row, column).numerator
        return shares // step * step


def prices_in_last_shares(
    closes: "Floats", splits: Mapping[int, tuple[Split, ...]], first_rows: "Integers"
) -> "Floats":
    """`History.prices` for a history's closes, splits and first rows."""
    import numpy as np

    prices = closes.copy()
    for column, events in splits.items():
        for split in events:
            prices[: split.row, column] /= float(split.ratio)
    rows = np.arange(len(prices))[:, None]
    return np.where(rows < first_rows, np.nan, prices)
