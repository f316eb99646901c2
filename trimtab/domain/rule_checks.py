"""Values that a rule cannot have: not finite, out of range, of a name that nobody knows. One sentence for each.

What contradicts another rule is no fault of one value: `settings_checks` says so before the account is analysed, and
an analysis answers it with the outcome CONFLICT.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind
from trimtab.domain.model_portfolios import ModelPortfolio, Substitute
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.snapshots import HeldAway, Incumbent, TaxYear, WashWindows

LARGEST_AMOUNT: Final = Decimal(10) ** 13
"""No account has as many dollars, and no security as many shares: beyond it a number is a fault of the data."""

LONGEST_WAIT: Final = 3660
"""Days: no rule keeps a lot for more than ten years."""

_EVERYTHING_TWICE: Final = 2
"""More than once the account, one-way, is never traded; a limit above that is none, one far above it a fault."""

LARGEST_ROUND_LOT: Final = 1_000_000

HIGHEST_HURDLE_BPS: Final = Decimal(999)


def is_amount(value: Decimal) -> bool:
    """A finite number of dollars or shares from zero to the largest that can be meant."""
    return value.is_finite() and 0 <= value <= LARGEST_AMOUNT


def is_fraction(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= 1


def rule_problems(settings: AccountSettings, securities: Mapping[SecurityId, Security] | None) -> Iterator[str]:
    """Faults of the account's further rules; classes and sectors are looked up where `securities` are given."""
    yield from _limits(settings)
    yield from _counts(settings)
    yield from _seasons(settings)
    for security_id, tilt in sorted(settings.tilts.items()):
        if not (tilt.is_finite() and abs(tilt) <= 1):
            yield f"the tilt of {security_id} is {tilt}"
    for band in settings.group_bands:
        yield from _group_band(band, securities)
    groups = [(band.kind, band.name) for band in settings.group_bands]
    yield from (
        f"{_group(kind, name)} has two bands" for kind, name in sorted({*groups}) if groups.count((kind, name)) > 1
    )


def _limits(settings: AccountSettings) -> Iterator[str]:
    amounts = {
        "gain budget": settings.gain_budget,
        "short-term gain budget": settings.short_term_gain_budget,
        "tax budget": settings.tax_budget,
        "minimum holding": settings.minimum_holding,
    }
    fractions = {"tracking error limit": settings.tracking_error_limit}
    yield from (
        f"the {name} is {value}" for name, value in amounts.items() if value is not None and not is_amount(value)
    )
    yield from (
        f"the {name} is {value}" for name, value in fractions.items() if value is not None and not is_fraction(value)
    )
    turnover = settings.turnover_limit
    if turnover is not None and not (turnover.is_finite() and 0 <= turnover <= _EVERYTHING_TWICE):
        yield f"the turnover limit is {turnover}"
    if settings.tracking_error_limit == 0:
        yield "the tracking error limit is 0, which no account with a position can keep"


def _counts(settings: AccountSettings) -> Iterator[str]:
    if settings.maximum_names is not None and settings.maximum_names < 1:
        yield f"the maximum of names is {settings.maximum_names}"
    if not 0 <= settings.minimum_holding_days <= LONGEST_WAIT:
        yield f"the minimum holding period is {settings.minimum_holding_days} days"


def _seasons(settings: AccountSettings) -> Iterator[str]:
    season, forced = settings.harvest_season, settings.forced_harvest
    if season is not None:
        january, december = season.in_january, season.in_december
        if not (is_fraction(january) and is_fraction(december) and 0 < december <= january):
            yield f"the harvest season falls from {january} in January to {december} in December"
    if forced is not None and not (is_amount(forced.losses) and forced.losses > 0):
        yield f"the forced harvest asks for losses of {forced.losses}"


def _group_band(band: GroupBand, securities: Mapping[SecurityId, Security] | None) -> Iterator[str]:
    group = _group(band.kind, band.name)
    if not (is_fraction(band.minimum) and is_fraction(band.maximum)):
        yield f"the band of {group} is {band.minimum} to {band.maximum}"
    elif band.minimum > band.maximum:
        yield f"the smallest weight of {group}, {band.minimum}, is above its largest, {band.maximum}"
    if securities is not None and band.name not in {_group_name(band.kind, each) for each in securities.values()}:
        yield f"no security is of {group}"


def _group_name(kind: GroupKind, security: Security) -> str | None:
    return security.asset_class if kind is GroupKind.ASSET_CLASS else security.sector


def _group(kind: GroupKind, name: str) -> str:
    return f"asset class {name}" if kind is GroupKind.ASSET_CLASS else f"sector {name}"


def substitute_problems(
    model: ModelPortfolio, securities: Mapping[SecurityId, Security] | None = None
) -> Iterator[str]:
    """Faults of a model's equivalence sets: a security belongs to one set, and all members to one class (MD-4, X7)."""
    listed = [each.security_id for members in model.substitutes.values() for each in members]
    for security_id in sorted({each for each in listed if listed.count(each) > 1}):
        yield f"{security_id} is a substitute twice in model {model.id}"
    for security_id in sorted(set(listed) & model.weights.keys()):
        yield f"{security_id} is a name of model {model.id} and a substitute in it"
    for name, members in sorted(model.substitutes.items()):
        if name not in model.weights:
            yield f"{name} has substitutes and is not in model {model.id}"
        for member in members:
            yield from _member_problems(name, member, securities or {})


def _member_problems(name: SecurityId, member: Substitute, securities: Mapping[SecurityId, Security]) -> Iterator[str]:
    hurdle = member.hurdle_bps
    if not (hurdle.is_finite() and 0 <= hurdle <= HIGHEST_HURDLE_BPS):
        yield f"the hurdle of {member.security_id} for {name} is {hurdle} bp"
    of_name, of_member = securities.get(name), securities.get(member.security_id)
    if of_name and of_member and of_name.asset_class != of_member.asset_class:
        yield f"{member.security_id} is of another asset class than {name}, for which it stands in"


def security_problems(security: Security) -> Iterator[str]:
    if not is_fraction(security.half_spread_bps / 10_000):
        yield f"half the spread of {security.id} is {security.half_spread_bps} bp"
    if not 1 <= security.round_lot <= LARGEST_ROUND_LOT:
        yield f"the round lot of {security.id} is {security.round_lot} shares"
    if not 0 <= security.redemption_days <= LONGEST_WAIT:
        yield f"the redemption window of {security.id} is {security.redemption_days} days"


def tax_year_problems(year: TaxYear) -> Iterator[str]:
    realised = {"short-term": year.short_term_realised, "long-term": year.long_term_realised}
    carried = {"short-term": year.short_term_carried, "long-term": year.long_term_carried}
    for term, value in realised.items():
        if not (value.is_finite() and abs(value) <= LARGEST_AMOUNT):
            yield f"the {term} gain realised this year is {value}"
    for term, value in carried.items():
        if not is_amount(value):
            yield f"the {term} loss carried in is {value}"
    if not is_amount(year.deduction_limit):
        yield f"the deduction limit is {year.deduction_limit}"
    if not is_fraction(year.ordinary_rate):
        yield f"the ordinary rate is {year.ordinary_rate}"
    if not is_fraction(year.carried_loss_value):
        yield f"the value of a carried loss is {year.carried_loss_value}"
    elif is_fraction(year.ordinary_rate) and year.carried_loss_value > year.ordinary_rate:
        value, rate = year.carried_loss_value, year.ordinary_rate
        yield f"the value of a carried loss, {value}, is above the ordinary rate, {rate}"


def held_away_problems(held_away: tuple[HeldAway, ...], securities: Mapping[SecurityId, Security]) -> Iterator[str]:
    for position in held_away:
        if not is_amount(position.market_value):
            yield f"the position held away in {position.security_id} is worth {position.market_value}"
        if position.security_id not in securities:
            yield f"the position held away in {position.security_id} is of no known security"


def window_problems(windows: WashWindows) -> Iterator[str]:
    for window in (*windows.loss_sales, *windows.purchases):
        if not is_amount(window.quantity):
            yield f"the wash sale window of {window.wash_key} of {window.opened_on} is of {window.quantity} shares"


def incumbent_problems(incumbent: Incumbent) -> Iterator[str]:
    for security_id, shares in sorted(incumbent.net_trades.items()):
        if not (shares.is_finite() and abs(shares) <= LARGEST_AMOUNT):
            yield f"the last trade in {security_id} is {shares} shares"
    if not all(abs(price) < float("inf") for price in (*incumbent.prices, *incumbent.row_prices.values())):
        yield "a price of the last analysis is not a number"
