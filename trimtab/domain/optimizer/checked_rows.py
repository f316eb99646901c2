"""Rules that couple the whole account, as the checker derives them: bands of groups, turnover, budgets, a harvest.

A row is an amount that should stay inside an interval (docs/formulation.md, section Rows). Where whole shares, or a
band that was broken before, keep a published list outside a band, the bound is one over lists that keep it as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf, isfinite
from typing import Final

from trimtab.domain.account_settings import GroupBand, GroupKind
from trimtab.domain.calibration import BAND_TOLERANCE
from trimtab.domain.lots import LotId
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_legs import Leg
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.securities import SecurityId

HARVEST_PRICE: Final = 1.0
"""What a dollar missing from a forced harvest costs (docs/formulation.md, section Rows)."""


@dataclass(frozen=True, slots=True)
class TradeList:
    """Trades in shares."""

    sold: Mapping[LotId, Decimal]
    bought: Mapping[SecurityId, float]
    commissions: float  # of its orders, a fraction of account value


NOTHING: Final = TradeList({}, {}, 0.0)


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One rule: `start`, and what a unit of weight bought or sold adds to it."""

    name: str
    start: float
    low: float = -inf
    high: float = inf
    price: float = inf  # of a unit above the interval, and below it unless that has its own; infinite: it is not left
    price_below: float | None = None
    members: frozenset[SecurityId] = frozenset()  # securities whose weight counts
    traded: float = 0.0  # of each unit traded
    short_gain: float = 0.0  # of each unit of taxed short-term gain
    long_gain: float = 0.0

    def amount(self, problem: CheckedProblem, trades: TradeList) -> float:
        """After the trades."""
        total = self.start
        for leg in problem.legs:
            bought = trades.bought.get(leg.security_id, 0.0) * leg.share
            sold = 0.0
            for lot in leg.lots:
                weight = float(trades.sold.get(lot.id, 0)) * leg.share
                sold += weight
                total += weight * lot.gain * (self.short_gain if lot.short_term else self.long_gain)
            total += self.traded * (bought + sold)
            if leg.security_id in self.members:
                total += bought - sold
        return total

    def within_caps(self, price: float) -> float:
        """The nearest price at which the bound is finite: none at an open end, no more than a unit outside costs."""
        highest = self.price if isfinite(self.high) else 0.0
        below = self.price if self.price_below is None else self.price_below
        lowest = -below if isfinite(self.low) else 0.0
        return min(max(price, lowest), highest)

    def kept_as_well_as(self, amount: float) -> "CheckedRow":
        """The row when a list that ends at `amount` counts as keeping it."""
        return replace(self, low=min(self.low, amount), high=max(self.high, amount))


def checked_rows(account: CheckedAccount, problem: CheckedProblem, published: TradeList) -> tuple[CheckedRow, ...]:
    """Every row of the account. Bands, and that no net gain is realised, yield as far as the `published` list does."""
    bands = group_rows(account, problem)
    every = [*bands, *rows_without_bands(account)]
    yielding = {row.name for row in bands} | {"PRESERVED"}
    return tuple(row.kept_as_well_as(row.amount(problem, published)) if row.name in yielding else row for row in every)


def kept_as_well_as(problem: CheckedProblem, published: TradeList) -> CheckedProblem:
    """The problem when no more is demanded of a security than the `published` list trades of it.

    Within its slack a band may be missed in whole shares (`checked_rules.py`); the bound is one over lists that may
    miss it as well.
    """
    return replace(problem, legs=tuple(_kept_as_well(leg, published) for leg in problem.legs))


def _kept_as_well(leg: Leg, published: TradeList) -> Leg:
    if leg.least_bought <= 0 and leg.least_sold <= 0:
        return leg
    bought = published.bought.get(leg.security_id, 0.0) * leg.share
    sold = sum([float(published.sold.get(lot.id, 0)) for lot in leg.lots]) * leg.share
    return leg._replace(least_bought=min(leg.least_bought, bought), least_sold=min(leg.least_sold, sold))


def group_rows(account: CheckedAccount, problem: CheckedProblem) -> tuple[CheckedRow, ...]:
    """The bands of classes and sectors, asked for as far as their own securities can keep them."""
    return tuple(_group_row(account, problem, band) for band in account.settings.group_bands)


def rows_without_bands(account: CheckedAccount) -> tuple[CheckedRow, ...]:
    """Turnover, budgets, a harvest: rows that ask nothing of the account's securities."""
    return (*_turnover(account), *(_gains(account) if account.taxable else ()))


def _group_row(account: CheckedAccount, problem: CheckedProblem, band: GroupBand) -> CheckedRow:
    """A band missed by no more than its tolerance must not be missed by more; beyond it, it must be mended.

    Not further than the group's own securities can mend it.
    """
    legs = [leg for leg in problem.legs if is_member(account, band, leg.security_id)]
    tolerance = float(max(BAND_TOLERANCE, account.settings.minimum_trade / account.value))
    weight = sum([leg.holding for leg in legs])
    low, high = float(band.minimum), float(band.maximum)
    if weight > high + tolerance:
        high = max(high, weight - sum([leg.most_sold - leg.least_bought for leg in legs]))
    else:
        high = max(high, min(weight, high + tolerance))
    if weight < low - tolerance:
        low = min(low, weight + sum([leg.most_bought - leg.least_sold for leg in legs]))
    else:
        low = min(low, max(weight, low - tolerance))
    return CheckedRow(f"{band.kind}:{band.name}", weight, low, high, members=frozenset(leg.security_id for leg in legs))


def is_member(account: CheckedAccount, band: GroupBand, security_id: SecurityId) -> bool:
    security = account.market.securities.get(security_id)
    if security is None:
        return False
    return (security.asset_class if band.kind is GroupKind.ASSET_CLASS else security.sector) == band.name


def _turnover(account: CheckedAccount) -> Iterator[CheckedRow]:
    limit = account.settings.turnover_limit
    if limit is not None:
        yield CheckedRow("TURNOVER", 0.0, high=float(limit), traded=0.5)


def _gains(account: CheckedAccount) -> Iterator[CheckedRow]:
    """Budgets of what the trades realise, and the year's forced harvest."""
    settings, value, year = account.settings, account.value, account.snapshot.tax_year
    if settings.gain_budget is not None:
        yield CheckedRow("GAIN", 0.0, high=float(settings.gain_budget / value), short_gain=1.0, long_gain=1.0)
    if settings.short_term_gain_budget is not None:
        yield CheckedRow("SHORT_TERM_GAIN", 0.0, high=float(settings.short_term_gain_budget / value), short_gain=1.0)
    if settings.tax_budget is not None and year is None:
        rates = float(settings.short_term_rate), float(settings.long_term_rate)
        yield CheckedRow("TAX", 0.0, high=float(settings.tax_budget / value), short_gain=rates[0], long_gain=rates[1])
    harvest = settings.forced_harvest
    if harvest is not None and account.snapshot.business_date <= harvest.preserve_until:
        realised = ZERO if year is None else year.short_term_realised
        if year is not None and not harvest.short_term_only:
            realised += year.long_term_realised
        long = 0.0 if harvest.short_term_only else 1.0
        high = -float(harvest.losses / value)
        yield CheckedRow("PRESERVED", 0.0, high=0.0, short_gain=1.0, long_gain=long)
        yield CheckedRow(
            "HARVEST", float(realised / value), high=high, price=HARVEST_PRICE, short_gain=1.0, long_gain=long
        )


def penalty(problem: CheckedProblem, rows: Sequence[CheckedRow], trades: TradeList) -> float:
    """What a list pays for leaving the intervals of rows that have a price."""
    total = 0.0
    for row in rows:
        if isfinite(row.price):
            amount = row.amount(problem, trades)
            total += row.price * (max(amount - row.high, 0.0) + max(row.low - amount, 0.0))
    return total
