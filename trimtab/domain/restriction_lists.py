"""Restriction lists of the firm: social criteria and others, with versions and the day that they are of (D4, MD-9)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.accounts import Account
from trimtab.domain.securities import SecurityId


class ListRule(StrEnum):
    """What a list does to a name that an account holds; none of them is ever bought."""

    NEVER_BUY = "NEVER_BUY"  # what is held stays
    NEVER_HOLD = "NEVER_HOLD"  # what is held is sold


@dataclass(frozen=True, slots=True)
class RestrictionList:
    """One version of a list. Without accounts and programmes it binds every account of the firm."""

    id: str
    version: int
    as_of: date  # the day that its source describes
    securities: tuple[SecurityId, ...]
    rule: ListRule = ListRule.NEVER_BUY
    reason: str = ""
    accounts: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()

    def binds(self, account: Account) -> bool:
        if not self.accounts and not self.programmes:
            return True
        return account.id in self.accounts or account.programme in self.programmes

    @property
    def told(self) -> str:
        """The reason of the rules that it makes: which list, which version, of which day."""
        why = f": {self.reason}" if self.reason else ""
        return f"list {self.id}, version {self.version} of {self.as_of.isoformat()}{why}"


def with_lists(settings: AccountSettings, account: Account, lists: Iterable[RestrictionList]) -> AccountSettings:
    """The account's settings with the rules of every list that binds it, in the order of the lists' ids.

    A name that the account itself must not sell is not to be sold by a list either: it is no longer bought.
    """
    kept = settings.never_sold
    rules = []
    for each in sorted((one for one in lists if one.binds(account)), key=lambda one: one.id):
        for name in each.securities:
            sells = each.rule is ListRule.NEVER_HOLD and name not in kept
            kind = RestrictionKind.NEVER_HOLD if sells else RestrictionKind.NEVER_BUY
            rules.append(Restriction(kind, name, each.told))
    return replace(settings, restrictions=(*settings.restrictions, *rules)) if rules else settings


@dataclass(frozen=True, slots=True)
class ScreenHit:
    """A name of a list that somebody holds, or that a model wants."""

    list_id: str
    version: int
    security_id: SecurityId
    accounts: int = 0
    market_value: Decimal = Decimal(0)  # dollars, of all holders that the list binds
    models: Mapping[str, Decimal] | None = None  # model to the weight that it gives the name


def screen(
    each: RestrictionList,
    holdings: Mapping[SecurityId, tuple[int, Decimal]],
    models: Mapping[str, Mapping[SecurityId, Decimal]],
) -> Iterator[ScreenHit]:
    """The list against what is held and wanted; names that nobody holds or wants are left out.

    `holdings`: by security how many accounts that the list binds hold it, and their dollars.
    """
    for name in sorted(set(each.securities)):
        accounts, value = holdings.get(name, (0, Decimal(0)))
        wanting = {
            model: weights[name] for model, weights in sorted(models.items()) if weights.get(name, Decimal(0)) > 0
        }
        if accounts or wanting:
            yield ScreenHit(each.id, each.version, name, accounts, value, wanting)
