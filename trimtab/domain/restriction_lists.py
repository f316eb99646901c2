"""Restriction lists of the firm: social criteria and others, with versions and the day that they are of (D4, MD-9).

A list binds an account by itself, or because somebody has said so in the account's profile ("Buy nothing on list X").
Either way it is the same list, obeyed by the same rules.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.securities import SecurityId


class ListRule(StrEnum):
    """What a list does to a name that an account holds; none of them is ever bought."""

    NEVER_BUY = "NEVER_BUY"  # what is held stays
    NEVER_HOLD = "NEVER_HOLD"  # what is held is sold


@dataclass(frozen=True, slots=True)
class RestrictionList:
    """One version of a list. Without accounts and programmes it binds every account of the firm, or who chooses it."""

    id: str
    version: int
    as_of: date  # the day that its source describes
    securities: tuple[SecurityId, ...]
    rule: ListRule = ListRule.NEVER_BUY
    reason: str = ""
    accounts: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    by_choice: bool = False  # nobody but those named, and those whose profile screens by it
    faults: tuple[str, ...] = ()  # of its delivery, in words: whoever obeys it does not trade until they are gone

    @property
    def binds_everybody(self) -> bool:
        return not (self.accounts or self.programmes or self.by_choice)

    def binds(self, account_id: str, programme: str) -> bool:
        return self.binds_everybody or account_id in self.accounts or programme in self.programmes

    @property
    def told(self) -> str:
        """The reason of the rules that it makes: which list, which version, of which day."""
        why = f": {self.reason}" if self.reason else ""
        return f"list {self.id}, version {self.version} of {self.as_of.isoformat()}{why}"


def binding(lists: Mapping[str, RestrictionList], account_id: str, programme: str) -> dict[str, ListRule]:
    """The lists that bind an account whatever its profile says, with what each does."""
    return {name: each.rule for name, each in lists.items() if each.binds(account_id, programme)}


def obeyed(bound: Mapping[str, ListRule], chosen: Mapping[str, ListRule]) -> dict[str, ListRule]:
    """Every list that an account obeys. Of the list's own rule and the one chosen the stricter holds."""
    rules = {**bound, **chosen}
    return {
        name: ListRule.NEVER_HOLD if ListRule.NEVER_HOLD in (bound.get(name), chosen.get(name)) else rule
        for name, rule in sorted(rules.items())
    }


def with_lists(
    settings: AccountSettings, lists: Mapping[str, RestrictionList], rules: Mapping[str, ListRule]
) -> AccountSettings:
    """The account's settings with the rules of the lists that it obeys, in the order of the lists' ids.

    A name that the account itself must not sell is not to be sold by a list either: it is no longer bought. What is
    said of a name already is not said again.
    """
    kept = settings.never_sold
    said = {(each.kind, each.security_id) for each in settings.restrictions}
    new = []
    for list_id, rule in sorted(rules.items()):
        if list_id not in lists:
            continue
        for name in lists[list_id].securities:
            sells = rule is ListRule.NEVER_HOLD and name not in kept
            kind = RestrictionKind.NEVER_HOLD if sells else RestrictionKind.NEVER_BUY
            if (kind, name) not in said:
                said.add((kind, name))
                new.append(Restriction(kind, name, lists[list_id].told))
    return replace(settings, restrictions=(*settings.restrictions, *new)) if new else settings


def list_problems(lists: Mapping[str, RestrictionList], names: Collection[str]) -> Iterator[str]:
    """Why the lists of these ids cannot be obeyed: one does not exist, or was delivered with faults."""
    for name in sorted(names):
        if name not in lists:
            yield f"list {name} does not exist"
        elif lists[name].faults:
            yield f"list {name}, version {lists[name].version}: {lists[name].faults[0]}"


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
