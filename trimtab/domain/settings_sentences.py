"""An account's settings in plain English, for whoever decides about its trades."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import (
    AccountSettings,
    Harvesting,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
)
from trimtab.domain.accounts import Account, TaxStatus
from trimtab.domain.securities import SecurityId

_TRACKING: Final = {
    Tracking.TIGHT: "Follows its model closely.",
    Tracking.MODERATE: "Follows its model at a moderate distance.",
    Tracking.LOOSE: "May stray far from its model.",
}
_TAX: Final = {
    TaxSensitivity.LOW: "Realises gains readily",
    TaxSensitivity.MEDIUM: "Weighs the tax on a gain against what the trade brings",
    TaxSensitivity.HIGH: "Avoids realising gains",
}
_HARVESTING: Final = {
    Harvesting.OFF: "Does not realise losses on purpose.",
    Harvesting.OPPORTUNISTIC: "Realises losses when it costs little.",
    Harvesting.AGGRESSIVE: "Realises losses eagerly.",
}
_UNTAXED: Final = {
    TaxStatus.TAX_DEFERRED: "Pays no tax on gains while the money stays in the account.",
    TaxStatus.TAX_FREE: "Pays no tax on gains.",
}
_RULES: Final = {
    RestrictionKind.NEVER_BUY: "Never buys",
    RestrictionKind.NEVER_SELL: "Never sells",
    RestrictionKind.NEVER_HOLD: "Never holds",
}


def settings_sentences(
    account: Account, settings: AccountSettings, symbols: Mapping[SecurityId, str] | None = None
) -> list[str]:
    """What the account wants, one sentence a setting. `symbols` names securities; without one its id stands."""
    names = symbols or {}
    return [
        _consent(account),
        _TRACKING[settings.tracking],
        *_taxes(account, settings),
        *_cash(settings),
        *_orders(settings),
        *_rules(settings, names),
    ]


def _consent(account: Account) -> str:
    return "Trades without asking the client." if account.discretionary else "Trades only with the client's consent."


def _taxes(account: Account, settings: AccountSettings) -> Iterator[str]:
    if account.tax_status in _UNTAXED:
        yield _UNTAXED[account.tax_status]
        return
    rates = (
        f"taxed at {_percent(settings.short_term_rate)} short-term and {_percent(settings.long_term_rate)} long-term"
    )
    yield f"{_TAX[settings.tax_sensitivity]}; {rates}."
    yield _HARVESTING[settings.harvesting]


def _cash(settings: AccountSettings) -> Iterator[str]:
    yield f"Keeps {_percent(settings.cash_target)} in cash."
    if settings.cash_reserve:
        yield f"Holds back {_dollars(settings.cash_reserve)} that must not be invested."
    for need in sorted(settings.cash_needs, key=lambda need: need.due_on):
        yield f"Needs {_dollars(need.amount)} in cash on {need.due_on.isoformat()}."


def _orders(settings: AccountSettings) -> Iterator[str]:
    if settings.minimum_trade:
        yield f"Makes no trade below {_dollars(settings.minimum_trade)}, unless it closes a position."
    if settings.commission:
        yield f"Pays {_dollars(settings.commission)} commission an order."


def _rules(settings: AccountSettings, names: Mapping[SecurityId, str]) -> Iterator[str]:
    for rule in settings.restrictions:
        because = f" ({rule.reason})" if rule.reason else ""
        yield f"{_RULES[rule.kind]} {names.get(rule.security_id, rule.security_id)}{because}."
    for security_id, band in sorted(settings.weight_bands.items()):
        name = names.get(security_id, security_id)
        yield f"Holds {_percent(band.minimum)} to {_percent(band.maximum)} of {name}."


def _percent(fraction: Decimal) -> str:
    return f"{_plain(fraction * 100)} %"


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}".removesuffix(".00")


def _plain(number: Decimal) -> str:
    """Without trailing zeros: 20, 0.5."""
    return f"{number.normalize():f}"
