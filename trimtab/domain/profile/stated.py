"""An account's settings as statements: those that its file states, and all of them for whoever reads them."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, GroupKind, RestrictionKind
from trimtab.domain.profile.registry import ANY, LANGUAGE
from trimtab.domain.profile.statements import ON, Statement
from trimtab.domain.records import decimal_text

_RULES = {
    RestrictionKind.NEVER_BUY: "never_buy",
    RestrictionKind.NEVER_SELL: "never_sell",
    RestrictionKind.NEVER_HOLD: "never_hold",
    RestrictionKind.NEVER_TRADE: "never_trade",
}


def stated_by_file(settings: AccountSettings | None) -> dict[str, Statement]:
    """By place. None, of an account that no file has stated settings of, says nothing."""
    if settings is None:
        return {}
    return {LANGUAGE.place(statement): statement for statement in _of_the_file(settings)}


def statements_of(settings: AccountSettings) -> list[Statement]:
    """Everything that the settings of a day say, in the order of the settings.

    Without the budgets: what is left of a year's budget is no setting.
    """
    order = {setting.key: number for number, setting in enumerate(LANGUAGE)}
    by_kind = settings.commission_by_kind  # a price of every order would go before it
    filed = (each for each in _of_the_file(settings) if each.key != "commission" or not by_kind)
    every = (*filed, *_schedule(settings), *_limits(settings), *_rules(settings))
    return sorted(every, key=lambda each: (order[each.key], LANGUAGE.place(each)))


def _of_the_file(settings: AccountSettings) -> Iterator[Statement]:
    yield _said("tracking", tightness=settings.tracking.value)
    yield _said("tax_sensitivity", weight=settings.tax_sensitivity.value)
    yield _said("harvesting", eagerness=settings.harvesting.value)
    yield _said("short_term_rate", rate=settings.short_term_rate)
    yield _said("long_term_rate", rate=settings.long_term_rate)
    yield _said("cash_target", weight=settings.cash_target)
    yield _said("cash_reserve", amount=settings.cash_reserve)
    yield _said("minimum_trade", amount=settings.minimum_trade)
    yield _said("commission", amount=settings.commission)
    for need in settings.cash_needs:
        yield _said("payment", amount=need.amount, date=need.due_on.isoformat())
    for rule in settings.restrictions:
        yield _said(_RULES[rule.kind], security=rule.security_id)
    for security_id, band in settings.weight_bands.items():
        yield _said("security_bounds", security=security_id, low=band.minimum, high=band.maximum)


def _schedule(settings: AccountSettings) -> Iterator[Statement]:
    """The prices of orders where they differ by kind; tier and custodian are the account's own by then."""
    if settings.commission_by_kind:
        prices = [
            (ANY, settings.commission),
            *((str(kind), price) for kind, price in settings.commission_by_kind.items()),
        ]
        for kind, price in prices:
            yield _said("ticket", kind=kind, tier=ANY, custodian=ANY, amount=price)


def _limits(settings: AccountSettings) -> Iterator[Statement]:
    if settings.tracking_error_limit is not None:
        yield _said("tracking_error_limit", limit=settings.tracking_error_limit)
    if settings.maximum_names is not None:
        yield _said("maximum_names", count=Decimal(settings.maximum_names))
    if settings.minimum_holding:
        yield _said("minimum_holding", amount=settings.minimum_holding)
    if settings.turnover_limit is not None:
        yield _said("turnover_limit", share=settings.turnover_limit)
    if settings.minimum_holding_days:
        yield _said("minimum_holding_days", days=Decimal(settings.minimum_holding_days))
    if settings.harvest_season is not None:
        season = settings.harvest_season
        yield _said("harvest_season", january=season.in_january, december=season.in_december)
    if settings.forced_harvest is not None:
        forced = settings.forced_harvest
        values = {"losses": decimal_text(forced.losses), "until": forced.preserve_until.isoformat()}
        yield Statement("forced_harvest", "short" if forced.short_term_only else ON, values)


def _rules(settings: AccountSettings) -> Iterator[Statement]:
    for band in settings.group_bands:
        if band.kind is GroupKind.SECTOR:
            yield _said("sector_bounds", sector=band.name, low=band.minimum, high=band.maximum)
        else:
            yield _said("class_bounds", asset_class=band.name, low=band.minimum, high=band.maximum)
    for security_id, excess in settings.tilts.items():
        yield _said("tilt", security=security_id, excess=excess)


def _said(key: str, **values: str | Decimal) -> Statement:
    written = {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in values.items()}
    return Statement(key, ON, written)
