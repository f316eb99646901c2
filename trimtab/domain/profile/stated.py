"""What an accounts file states of an account, as statements: the layer below everything that a person decides."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, RestrictionKind
from trimtab.domain.profile.registry import LANGUAGE
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
    return {LANGUAGE.place(statement): statement for statement in _statements(settings)}


def _statements(settings: AccountSettings) -> Iterator[Statement]:
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


def _said(key: str, **values: str | Decimal) -> Statement:
    written = {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in values.items()}
    return Statement(key, ON, written)
