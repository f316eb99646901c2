"""Rules on the account as a whole, as elastic rows: bands of groups, turnover, budgets, a forced harvest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import GroupBand, GroupKind
from trimtab.domain.lots import first_long_term_sale_date
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.problem import Lots, Rows, Securities, no_rows
from trimtab.domain.optimizer.security_rows import band_tolerance
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, TaxYear

HARVEST_PRICE = 1.0
"""What a dollar missing from a forced harvest costs: more than the risk and the spread of any loss worth the name."""

HARVEST = "HARVEST"
TURNOVER = "TURNOVER"

PRESERVED = "PRESERVED"
"""Until a forced harvest's day this rebalance realises no net gain, but for what other rules demand."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row in the making; what it does not name is zero, and its ends are hard and open."""

    name: str
    start: float = 0.0
    on_active: Floats | float = 0.0
    on_sale: Floats | float = 0.0
    on_purchase: Floats | float = 0.0
    low: float = -np.inf
    high: float = np.inf
    price: float = np.inf  # of a unit above, and below unless that has its own
    price_below: float | None = None
    slack: float = 0.0


def account_rows(request: AnalysisInput, held: Securities, lots: Lots, value: Decimal, *, taxable: bool) -> Rows:
    """Rows of an account worth `value` > 0 dollars; the ones on gains only where gains are taxed."""
    settings = request.snapshot.settings
    every = [_group_row(request, held, band, value) for band in settings.group_bands]
    if settings.turnover_limit is not None:
        every.append(Row(TURNOVER, 0.0, 0.0, 0.5, 0.5, high=float(settings.turnover_limit)))
    if taxable:
        every.extend(_gain_rows(request, lots, value))
    return rows_of(every, len(held.ids), len(lots.lots))


def taxed_gain(lots: Lots, *, taxable: bool) -> Floats:
    """Gain that one unit of value sold of each lot adds to the year's, (m,): none of washed losses."""
    return lots.counted_gain * taxable


def short_term(request: AnalysisInput, lots: Lots) -> Flags:
    """Lots whose gain is short-term when sold on the business date, (m,)."""
    today = request.snapshot.business_date
    return np.array([today < first_long_term_sale_date(lot.holding_from) for lot in lots.lots], dtype=np.bool_)


def _group_row(request: AnalysisInput, held: Securities, band: GroupBand, value: Decimal) -> Row:
    """A band missed by no more than the tolerance must not be missed by more; beyond it, it is to be cured.

    What no trade of the group's own securities can cure is not asked for.
    """
    members = np.array([_group_of(request, each, band.kind) == band.name for each in held.ids], dtype=np.float64)
    weight = float(members @ held.holding)
    low, high = float(band.minimum), float(band.maximum)
    tolerance = band_tolerance(request.snapshot.settings, value)
    lowest = weight - float(members @ (held.sell_limit - held.buy_minimum))
    highest = weight + float(members @ (held.buy_limit - held.sell_minimum))
    high = max(high, lowest if weight > high + tolerance else min(weight, high + tolerance))
    low = min(low, highest if weight < low - tolerance else max(weight, low - tolerance))
    dearest = float((held.share * held.whole * members).max(initial=0.0))
    return Row(f"{band.kind}:{band.name}", weight, members, low=low, high=high, slack=tolerance + dearest)


def _group_of(request: AnalysisInput, security_id: SecurityId, kind: GroupKind) -> str | None:
    security = request.market.securities.get(security_id)
    if security is None:
        return None
    return security.asset_class if kind is GroupKind.ASSET_CLASS else security.sector


def _gain_rows(request: AnalysisInput, lots: Lots, value: Decimal) -> Iterator[Row]:
    """Budgets of what this rebalance realises, and the forced harvest of the year. Gains are fractions of value."""
    settings, year = request.snapshot.settings, request.snapshot.tax_year
    asked = (settings.gain_budget, settings.short_term_gain_budget, settings.tax_budget, settings.forced_harvest)
    if all(each is None for each in asked):
        return
    gain, short = taxed_gain(lots, taxable=True), short_term(request, lots)
    if settings.gain_budget is not None:
        yield Row("GAIN", on_sale=gain, high=_share(settings.gain_budget, value))
    if settings.short_term_gain_budget is not None:
        yield Row("SHORT_TERM_GAIN", on_sale=gain * short, high=_share(settings.short_term_gain_budget, value))
    if settings.tax_budget is not None and year is None:
        yield Row("TAX", on_sale=gain * lots.rate, high=_share(settings.tax_budget, value))
    harvest = settings.forced_harvest
    if harvest is not None and request.snapshot.business_date <= harvest.preserve_until:
        counted = gain * short if harvest.short_term_only else gain
        start = float(_realised(year, short_term_only=harvest.short_term_only) / value)
        yield Row(PRESERVED, on_sale=counted, high=0.0)
        yield Row(HARVEST, start, on_sale=counted, high=-float(harvest.losses / value), price=HARVEST_PRICE)


def _share(budget: Decimal, value: Decimal) -> float:
    """A budget as a weight; one that is used up is zero."""
    return float(max(budget, ZERO) / value)


def _realised(year: TaxYear | None, *, short_term_only: bool) -> Decimal:
    if year is None:
        return ZERO
    return year.short_term_realised + (ZERO if short_term_only else year.long_term_realised)


def rows_of(every: Sequence[Row], securities: int, lots: int) -> Rows:
    """The rows of an account of so many securities and lots."""
    if not every:
        return no_rows(securities, lots)
    return Rows(
        names=tuple(row.name for row in every),
        start=np.array([row.start for row in every]),
        on_active=np.array([np.broadcast_to(row.on_active, securities) for row in every]),
        on_sale=np.array([np.broadcast_to(row.on_sale, lots) for row in every]),
        on_purchase=np.array([np.broadcast_to(row.on_purchase, securities) for row in every]),
        low=np.array([row.low for row in every]),
        high=np.array([row.high for row in every]),
        price_below=np.array([row.price if row.price_below is None else row.price_below for row in every]),
        price_above=np.array([row.price for row in every]),
        slack=np.array([row.slack for row in every]),
    )
