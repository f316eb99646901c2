"""An account's settings of one day in plain English, for whoever decides about its trades.

The sentences are the settings' own (`domain.profile`): what is read here can be written back. What the account itself
is, and what is left of a year's budgets, is said in further sentences.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, TaxStatus
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.stated import statements_of
from trimtab.domain.profile.statements import Group
from trimtab.domain.securities import SecurityId

_UNTAXED: Final = {
    TaxStatus.TAX_DEFERRED: "Pays no tax on gains while the money stays in the account.",
    TaxStatus.TAX_FREE: "Pays no tax on gains.",
}


def settings_sentences(
    account: Account, settings: AccountSettings, symbols: Mapping[SecurityId, str] | None = None
) -> list[str]:
    """What the account wants, one sentence a setting. `symbols` names securities; without one its id stands.

    A rule that somebody gave a reason for, or that a list brought, says so in brackets.
    """
    untaxed = _UNTAXED.get(account.tax_status)
    statements = [
        each
        for each in statements_of(settings)
        if untaxed is None or LANGUAGE.setting(each.key).group is not Group.TAXES
    ]
    names = {str(key): symbol for key, symbol in (symbols or {}).items()}
    consent = "without asking the client" if account.discretionary else "only with the client's consent"
    return [
        f"Trades {consent}.",
        *([untaxed] if untaxed is not None else _left(settings)),
        *(LANGUAGE.render(each, names) for each in statements),
        *_reasons(settings, names),
    ]


def _left(settings: AccountSettings) -> Iterator[str]:
    """What may still be realised today."""
    budgets = {
        "of tax": settings.tax_budget,
        "of net gains": settings.gain_budget,
        "of net short-term gains": settings.short_term_gain_budget,
    }
    yield from (f"{_dollars(left)} {what} are left today." for what, left in budgets.items() if left is not None)


def _reasons(settings: AccountSettings, names: Mapping[str, str]) -> Iterator[str]:
    for rule in settings.restrictions:
        if rule.reason:
            name = names.get(rule.security_id, rule.security_id)
            yield f"The rule about {name} has a reason: {rule.reason}."


def _dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}".removesuffix(".00")
