"""The netted tax in the objective and in the bound, as the checker derives it from the taxpayer's year.

The tax is the least of two convex functions, the regimes LONG and SHORT (docs/formulation.md, section Netting), so the
least of their bounds is one for the account. The checker takes the tax itself from the netting of TL-11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from trimtab.domain.calibration import Parameters
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.optimizer.checked_rows import CheckedRow, TradeList
from trimtab.domain.snapshots import TaxYear

FIXED: Final = "FIXED"


@dataclass(frozen=True, slots=True)
class CheckedRegime:
    """One convex piece of the tax: what gains cost beyond the rates of their terms, and its rows."""

    name: str
    on_short: float = 0.0  # of a unit of short-term gain, in the objective
    on_long: float = 0.0
    rows: tuple[CheckedRow, ...] = ()
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class NettedYear:
    """One taxpayer's year before the trades, amounts as fractions of account value.

    Rates are moved to where the two regimes hold: q <= r_o and r_l <= r_o <= r_s.
    """

    short: float  # net, losses carried in included
    long: float
    limit: float  # most that is deducted from ordinary income
    short_rate: float
    long_rate: float
    ordinary_rate: float
    carried_value: float  # of a unit of loss carried to later years
    weight: float  # what a dollar of tax counts for in the objective
    own_short_rate: float  # the account's, at which lots are priced
    own_long_rate: float
    most_tax: float  # a budget; infinite without one

    @classmethod
    def of(cls, account: CheckedAccount, parameters: Parameters, year: TaxYear) -> "NettedYear":
        settings, value = account.settings, account.value
        own_short, own_long = float(settings.short_term_rate), float(settings.long_term_rate)
        long = min(own_long, own_short)
        ordinary = min(max(float(year.ordinary_rate), long), own_short)
        budget = settings.tax_budget
        return cls(
            short=float((year.short_term_realised - year.short_term_carried) / value),
            long=float((year.long_term_realised - year.long_term_carried) / value),
            limit=float(year.deduction_limit / value),
            short_rate=own_short,
            long_rate=long,
            ordinary_rate=ordinary,
            carried_value=min(max(float(year.carried_loss_value), 0.0), ordinary),
            weight=parameters.gain_tax_weight,
            own_short_rate=own_short,
            own_long_rate=own_long,
            most_tax=inf if budget is None else float(max(budget, ZERO) / value),
        )

    def tax(self, short: float, long: float) -> float:
        """Of net results of the year, case by case (TL-11)."""
        net = short + long
        if net < 0:
            deducted = min(-net, self.limit)
            return -self.ordinary_rate * deducted - self.carried_value * (-net - deducted)
        if short < 0:
            return self.long_rate * net
        if long < 0:
            return self.short_rate * net
        return self.short_rate * short + self.long_rate * long

    @property
    def start(self) -> float:
        """Tax before the trades."""
        return self.tax(self.short, self.long)

    def added(self, problem: CheckedProblem, trades: TradeList) -> float:
        """What netting adds to the objective, beyond each gain at the rate of its own term."""
        return self.added_by(*gains(problem, trades))

    def added_by(self, short: float, long: float) -> float:
        """The same of gains of each term, fractions of account value."""
        taxed = self.tax(self.short + short, self.long + long) - self.start
        return self.weight * (taxed - self.own_short_rate * short - self.own_long_rate * long)

    def magnitude(self, gains: float) -> float:
        """No less than the absolute values of all that `added_by` sums, for so much of gains and losses."""
        rate = max(self.own_short_rate, self.own_long_rate, self.ordinary_rate)
        return 4 * self.weight * rate * (abs(self.short) + abs(self.long) + self.limit + gains)

    def regimes(self) -> tuple[CheckedRegime, ...]:
        return self._long_regime(), self._short_regime()

    def _long_regime(self) -> CheckedRegime:
        """max(r_l N, line of carried losses) + (r_s - r_l) max(a, 0)."""
        extra = self.short_rate - self.long_rate
        rows = [CheckedRow("NET_SHORT", self.short, high=0.0, price=self.weight * extra, short_gain=1.0)]
        lines = [(self.long_rate, 0.0)]
        if self.carried_value < self.long_rate:
            steps = (self.ordinary_rate - self.carried_value, self.long_rate - self.carried_value)
            rows.append(self._net(low=-steps[0] * self.limit / steps[1], below=steps[1], high=inf, above=inf))
            lines.append(self._carried_line)
        rows.extend(self._budget(lines, extra))
        return self._regime("LONG", self.long_rate, rows)

    def _short_regime(self) -> CheckedRegime:
        """max(line of carried losses, r_o N, r_s N)."""
        below, above = self.ordinary_rate - self.carried_value, self.short_rate - self.ordinary_rate
        lines = [self._carried_line, (self.ordinary_rate, 0.0), (self.short_rate, 0.0)]
        net = self._net(low=-self.limit, below=below, high=0.0, above=above)
        return self._regime("SHORT", self.ordinary_rate, [net, *self._budget(lines, None)])

    @property
    def _carried_line(self) -> tuple[float, float]:
        return self.carried_value, (self.carried_value - self.ordinary_rate) * self.limit

    def _regime(self, name: str, base: float, rows: Sequence[CheckedRow]) -> CheckedRegime:
        return CheckedRegime(
            name=name,
            on_short=self.weight * (base - self.own_short_rate),
            on_long=self.weight * (base - self.own_long_rate),
            rows=tuple(rows),
            constant=self.weight * (base * (self.short + self.long) - self.start),
        )

    def _net(self, *, low: float, below: float, high: float, above: float) -> CheckedRow:
        return CheckedRow(
            name="NET",
            start=self.short + self.long,
            low=low,
            high=high,
            price=self.weight * above,
            price_below=self.weight * below,
            short_gain=1.0,
            long_gain=1.0,
        )

    def _budget(self, lines: Sequence[tuple[float, float]], extra: float | None) -> Iterator[CheckedRow]:
        """Every line of the regime's tax is at most the tax before the trades and the budget."""
        if self.most_tax == inf:
            return
        for number, (rate, constant) in enumerate(lines):
            for name, on_short in (("TAX", 0.0), ("TAX_SHORT", extra)):
                if on_short is not None and (rate or on_short):
                    yield CheckedRow(
                        name=f"{name}:{number}",
                        start=rate * (self.short + self.long) + on_short * self.short + constant,
                        high=self.start + self.most_tax,
                        short_gain=rate + on_short,
                        long_gain=rate,
                    )


def netted_year(account: CheckedAccount, problem: CheckedProblem) -> NettedYear | None:
    """None where each gain is taxed at the rate of its own term, or nothing is."""
    year = account.snapshot.tax_year
    return NettedYear.of(account, problem.parameters, year) if year is not None and account.taxable else None


def gains(problem: CheckedProblem, trades: TradeList) -> tuple[float, float]:
    """Short- and long-term gains that a list adds to the year's, fractions of account value."""
    short = long = 0.0
    for leg in problem.legs:
        for lot in leg.lots:
            gain = float(trades.sold.get(lot.id, 0)) * leg.share * lot.gain
            if lot.short_term:
                short += gain
            else:
                long += gain
    return short, long
