"""The year's tax: short- and long-term results net against each other (IRC 1222), losses against ordinary income
(IRC 1211(b)), what is left is carried on (IRC 1212(b)).

With a the net short-term and c the net long-term result of the year, losses carried in included, and N = a + c, the
tax is the least of two convex functions (docs/formulation.md, section Netting):

    LONG   max(r_l N, q (N + L) - r_o L) + (r_s - r_l) max(a, 0)
    SHORT  max(q (N + L) - r_o L, r_o N, r_s N)

r_s, r_l, r_o are the rates of short-term gains, long-term gains and ordinary income, q what a dollar of carried loss
is worth, L the most that is deducted in a year. Each is a base rate on all gains and elastic rows on N and a.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.account_rows import Row, rows_of, short_term, taxed_gain
from trimtab.domain.optimizer.problem import FIXED, Lots, Regime, no_rows
from trimtab.domain.snapshots import AnalysisInput, TaxYear

LONG, SHORT = "LONG", "SHORT"

NET, NET_SHORT = "NET", "NET_SHORT"
"""Rows on the year's result, N, and on its short-term part, a."""

TAX, TAX_SHORT = "TAX", "TAX_SHORT"
"""Rows of a tax budget, several of each: one for each line of the regime's tax."""


def year_tax(short: Decimal, long: Decimal, year: TaxYear, settings: AccountSettings) -> Decimal:
    """Dollars of tax on a year's realised `short` and `long`, before what was carried in; negative when it saves."""
    net_short, net_long = short - year.short_term_carried, long - year.long_term_carried
    net = net_short + net_long
    if net < 0:
        deducted = min(-net, year.deduction_limit)
        return -year.ordinary_rate * deducted - year.carried_loss_value * (-net - deducted)
    if net_short < 0:
        return settings.long_term_rate * net
    if net_long < 0:
        return settings.short_term_rate * net
    return settings.short_term_rate * net_short + settings.long_term_rate * net_long


def added_tax(short: Decimal, long: Decimal, year: TaxYear, settings: AccountSettings) -> Decimal:
    """What realising `short` and `long` adds to the year's tax, to the cent."""
    before = year_tax(year.short_term_realised, year.long_term_realised, year, settings)
    after = year_tax(year.short_term_realised + short, year.long_term_realised + long, year, settings)
    return to_cents(after - before)


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates in the order that the two regimes need: q <= r_o, r_l <= r_o <= r_s; others are moved to the nearest."""

    short: float
    long: float
    ordinary: float
    carried: float  # q
    limit: float  # L, a fraction of account value

    @classmethod
    def of(cls, year: TaxYear, settings: AccountSettings, value: Decimal) -> "Rates":
        short = float(settings.short_term_rate)
        long = min(float(settings.long_term_rate), short)
        ordinary = min(max(float(year.ordinary_rate), long), short)
        carried = min(max(float(year.carried_loss_value), 0.0), ordinary)
        return cls(short, long, ordinary, carried, float(year.deduction_limit / value))

    def long_tax(self, net: float, net_short: float) -> float:
        base = self.long * net
        if self.carried < self.long:
            base = max(base, self.carried * (net + self.limit) - self.ordinary * self.limit)
        return base + (self.short - self.long) * max(net_short, 0.0)

    def short_tax(self, net: float) -> float:
        carried = self.carried * (net + self.limit) - self.ordinary * self.limit
        return max(carried, self.ordinary * net, self.short * net)


def tax_regimes(
    request: AnalysisInput, lots: Lots, value: Decimal, weight: float, *, securities: int, taxable: bool
) -> tuple[Regime, ...]:
    """FIXED alone without a tax year: each lot at the rate of its own term. Else LONG and SHORT.

    `weight` is what a dollar of tax counts for in the objective. What a lot costs beyond its share of the year's tax
    (a loss credited less or more than that, the wait for a lot to become long-term) stays with the lot.
    """
    year = request.snapshot.tax_year
    if year is None or not taxable:
        return (Regime(FIXED, lots.tax, no_rows(securities, len(lots.lots)), 0.0),)
    netting = _Netting(request, year, lots, value, weight, securities)
    return netting.long_regime(), netting.short_regime()


class _Netting:
    """One taxpayer's year, amounts as fractions of account value."""

    def __init__(
        self, request: AnalysisInput, year: TaxYear, lots: Lots, value: Decimal, weight: float, securities: int
    ) -> None:
        settings = request.snapshot.settings
        self._lots, self._weight, self._securities = lots, weight, securities
        self._rates = Rates.of(year, settings, value)
        self._gain = taxed_gain(lots, taxable=True)
        self._short_gain = self._gain * short_term(request, lots)
        self._own_cost = lots.tax - weight * lots.rate * self._gain
        self._net_short = float((year.short_term_realised - year.short_term_carried) / value)
        self._net = self._net_short + float((year.long_term_realised - year.long_term_carried) / value)
        self._start_tax = min(self._rates.long_tax(self._net, self._net_short), self._rates.short_tax(self._net))
        budget = settings.tax_budget
        self._most_tax = None if budget is None else self._start_tax + float(max(budget, ZERO) / value)

    def long_regime(self) -> Regime:
        rates = self._rates
        rows = [self._short_row(price=rates.short - rates.long)]
        if rates.carried < rates.long:
            kink = (rates.ordinary - rates.carried) * rates.limit / (rates.long - rates.carried)
            rows.append(self._net_row(low=-kink, below=rates.long - rates.carried))
        return self._regime(LONG, rates.long, [*rows, *self._long_budget()])

    def short_regime(self) -> Regime:
        rates = self._rates
        above, below = rates.short - rates.ordinary, rates.ordinary - rates.carried
        rows = [self._net_row(low=-rates.limit, below=below, high=0.0, above=above)]
        return self._regime(SHORT, rates.ordinary, [*rows, *self._short_budget()])

    def _regime(self, name: str, base: float, rows: list[Row]) -> Regime:
        return Regime(
            name=name,
            lot_tax=self._own_cost + self._weight * base * self._gain,
            rows=rows_of(rows, self._securities, len(self._lots.lots)),
            constant=self._weight * (base * self._net - self._start_tax),
            base=self._weight * base,
        )

    def _net_row(self, *, low: float, below: float, high: float = np.inf, above: float = np.inf) -> Row:
        price_above, price_below = self._weight * above, self._weight * below
        return Row(NET, self._net, on_sale=self._gain, low=low, high=high, price=price_above, price_below=price_below)

    def _short_row(self, *, price: float) -> Row:
        return Row(NET_SHORT, self._net_short, on_sale=self._short_gain, high=0.0, price=self._weight * price)

    # A tax budget: every piece of the regime's tax, each linear, is at most the tax at the start and the budget.

    def _long_budget(self) -> Iterator[Row]:
        """r_l N and the line of carried losses, each with and without (r_s - r_l) a."""
        if self._most_tax is None:
            return
        rates, on_short = self._rates, self._rates.short - self._rates.long
        lines = [(rates.long, 0.0)]
        if rates.carried < rates.long:
            lines.append((rates.carried, (rates.carried - rates.ordinary) * rates.limit))
        for number, (rate, constant) in enumerate(lines):
            yield from self._budget_row(f"{TAX}:{number}", rate, 0.0, constant, self._most_tax)
            yield from self._budget_row(f"{TAX_SHORT}:{number}", rate, on_short, constant, self._most_tax)

    def _short_budget(self) -> Iterator[Row]:
        if self._most_tax is None:
            return
        rates = self._rates
        lines = (
            (rates.carried, (rates.carried - rates.ordinary) * rates.limit),
            (rates.ordinary, 0.0),
            (rates.short, 0.0),
        )
        for number, (rate, constant) in enumerate(lines):
            yield from self._budget_row(f"{TAX}:{number}", rate, 0.0, constant, self._most_tax)

    def _budget_row(self, name: str, rate: float, on_short: float, constant: float, most: float) -> Iterator[Row]:
        """rate N + on_short a + constant <= most; nothing that does not depend on the trades (it is then kept)."""
        if rate or on_short:
            start = rate * self._net + on_short * self._net_short + constant
            yield Row(name, start, on_sale=rate * self._gain + on_short * self._short_gain, high=most)
