"""From what holds in the profile to the settings that the night's analysis reads.

The settings of the accounts file are the base; what a person has decided replaces its part of them. What hangs on the
day is worked out here: budgets of the year less what is used, payments that are near, a plan that waits.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Harvesting,
    HarvestSeason,
    Restriction,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.profile.distributions import required_distribution
from trimtab.domain.profile.levels import Held
from trimtab.domain.profile.registry import ANY, LANGUAGE
from trimtab.domain.profile.statements import Statement
from trimtab.domain.restriction_lists import ListRule, RestrictionList, obeyed, with_lists
from trimtab.domain.securities import SecurityId, SecurityKind


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """What settings hang on besides the profile. Dollars; gains of this year's own trades, negative for a loss."""

    on: date
    account_value: Decimal = ZERO
    settled_cash: Decimal = ZERO
    tier: str = ""
    short_term_realised: Decimal = ZERO
    long_term_realised: Decimal = ZERO
    last_traded_on: date | None = None
    prices: Mapping[SecurityId, Decimal] = field(default_factory=dict)
    lists: Mapping[str, RestrictionList] = field(default_factory=dict)  # in force, by id
    bound: Mapping[str, ListRule] = field(default_factory=dict)  # those that the account obeys whatever it has chosen

    @property
    def realised(self) -> Decimal:
        return self.short_term_realised + self.long_term_realised


def applied(base: AccountSettings, held: Mapping[str, Held], facts: ProfileFacts) -> AccountSettings:
    """The account's settings of the day: the base with everything that a person has decided (`Held.is_altered`).

    Restriction lists come after what is said of single names, which cannot undo a list of the firm.
    """
    decided = {place: each.statement for place, each in held.items() if each.is_altered}
    settings = base
    for key, change in _CHANGES.items():
        for statement in sorted((each for each in decided.values() if each.key == key), key=LANGUAGE.place):
            settings = change(settings, statement, facts)
    settings = with_lists(settings, facts.lists, obeyed(facts.bound, chosen_lists(held)))
    if not decided:
        return settings
    settings = replace(settings, cash_needs=(*settings.cash_needs, *_payments(held, facts)))
    settings = _with_commission(settings, decided, facts)
    return _still(settings, decided, facts)


Change = Callable[[AccountSettings, Statement, ProfileFacts], AccountSettings]


def _amount(name: str, gap: str = "amount") -> Change:
    """A field that takes the gap's number as it stands; None where the statement is lifted."""

    def change(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
        changed: dict[str, Any] = {name: said.decimal(gap) if said.is_on else None}
        return replace(settings, **changed)

    return change


def _whole(name: str, gap: str) -> Change:
    def change(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
        changed: dict[str, Any] = {name: said.whole(gap) if said.is_on else None}
        return replace(settings, **changed)

    return change


def _season(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
    season = HarvestSeason(said.decimal("january"), said.decimal("december")) if said.is_on else None
    return replace(settings, harvest_season=season)


def _tax_budget(settings: AccountSettings, said: Statement, facts: ProfileFacts) -> AccountSettings:
    """What is left today of the year's budget (X3): released so far, less the tax of what was realised this year."""
    if not said.is_on:
        return replace(settings, tax_budget=None)
    whole = said.decimal("amount") if "amount" in said.values else said.decimal("share") * facts.account_value
    left = whole * released(said.values["release"], facts.on) - _tax_caused(settings, facts)
    return replace(settings, tax_budget=to_cents(max(left, ZERO)))


def released(release: str, on: date) -> Decimal:
    """The part of a year's budget that may be used by a day: all, or whole quarters or months begun."""
    match release:
        case "QUARTERLY":
            return Decimal((on.month + 2) // 3) / 4
        case "MONTHLY":
            return Decimal(on.month) / 12
        case _:
            return Decimal(1)


def _tax_caused(settings: AccountSettings, facts: ProfileFacts) -> Decimal:
    """Tax on the year's realised gains, losses of one term taken off gains of the other (IRC 1222)."""
    short, long = facts.short_term_realised, facts.long_term_realised
    if (short < 0) != (long < 0):
        short, long = (ZERO, short + long) if short < 0 else (short + long, ZERO)
    return max(short, ZERO) * settings.short_term_rate + max(long, ZERO) * settings.long_term_rate


def _gain_budget(settings: AccountSettings, said: Statement, facts: ProfileFacts) -> AccountSettings:
    left = max(said.decimal("amount") - facts.realised, ZERO) if said.is_on else None
    return replace(settings, gain_budget=left)


def _short_term_budget(settings: AccountSettings, said: Statement, facts: ProfileFacts) -> AccountSettings:
    left = max(said.decimal("amount") - facts.short_term_realised, ZERO) if said.is_on else None
    return replace(settings, short_term_gain_budget=left)


def _forced_harvest(settings: AccountSettings, said: Statement, facts: ProfileFacts) -> AccountSettings:
    """What is still missing of the losses; until the date no net gain is realised either (X4)."""
    if not said.is_on or said.day("until") < facts.on:
        return replace(settings, forced_harvest=None)
    short_only = said.form == "short"
    missing = said.decimal("losses") + (facts.short_term_realised if short_only else facts.realised)
    harvest = ForcedHarvest(missing, said.day("until"), short_only) if missing > 0 else None
    # Once the losses are there, the zero budget alone preserves them.
    budget = settings.gain_budget if harvest is not None else ZERO
    return replace(settings, forced_harvest=harvest, gain_budget=budget)


def _restriction(kind: RestrictionKind) -> Change:
    def change(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
        security_id = SecurityId(said.values["security"])
        others = tuple(each for each in settings.restrictions if (each.kind, each.security_id) != (kind, security_id))
        return replace(settings, restrictions=(*others, Restriction(kind, security_id)) if said.is_on else others)

    return change


def chosen_lists(held: Mapping[str, Held]) -> dict[str, ListRule]:
    """The lists by which somebody has decided to screen, with what each is to do."""
    said = [each.statement for each in held.values() if each.is_altered and each.statement.key == "screen"]
    rules = {True: ListRule.NEVER_HOLD, False: ListRule.NEVER_BUY}
    return {each.values["list"]: rules[each.form == "sell"] for each in said if each.is_on}


def _bounds(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
    security_id = SecurityId(said.values["security"])
    bands = {name: band for name, band in settings.weight_bands.items() if name != security_id}
    if said.is_on:
        bands[security_id] = WeightBand(said.decimal("low"), said.decimal("high"))
    return replace(settings, weight_bands=bands)


def _own_shares(settings: AccountSettings, said: Statement, facts: ProfileFacts) -> AccountSettings:
    """At least so many shares: a smallest weight at the last close."""
    security_id = SecurityId(said.values["security"])
    price = facts.prices.get(security_id)
    if not said.is_on or price is None or facts.account_value <= 0:
        return settings
    least = min(said.decimal("count") * price / facts.account_value, Decimal(1))
    band = settings.weight_bands.get(security_id, WeightBand())
    raised = WeightBand(max(band.minimum, least), max(band.maximum, least))
    return replace(settings, weight_bands={**settings.weight_bands, security_id: raised})


def _tilt(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
    security_id = SecurityId(said.values["security"])
    tilts = {name: tilt for name, tilt in settings.tilts.items() if name != security_id}
    return replace(settings, tilts={**tilts, security_id: said.decimal("excess")} if said.is_on else tilts)


def _group_bounds(kind: GroupKind, gap: str) -> Change:
    def change(settings: AccountSettings, said: Statement, _: ProfileFacts) -> AccountSettings:
        name = said.values[gap]
        others = tuple(band for band in settings.group_bands if (band.kind, band.name) != (kind, name))
        own = (GroupBand(kind, name, said.decimal("low"), said.decimal("high")),) if said.is_on else ()
        return replace(settings, group_bands=(*others, *own))

    return change


_CHANGES: Final[Mapping[str, Change]] = {
    "tracking": lambda settings, said, _: replace(settings, tracking=Tracking(said.values["tightness"])),
    "tracking_error_limit": _amount("tracking_error_limit", "limit"),
    "maximum_names": _whole("maximum_names", "count"),
    "cash_target": _amount("cash_target", "weight"),
    "cash_reserve": _amount("cash_reserve"),
    "minimum_trade": _amount("minimum_trade"),
    "minimum_holding": _amount("minimum_holding"),
    "commission": lambda settings, said, _: replace(settings, commission=said.decimal("amount"), commission_by_kind={}),
    "short_term_rate": _amount("short_term_rate", "rate"),
    "long_term_rate": _amount("long_term_rate", "rate"),
    "tax_sensitivity": lambda settings, said, _: replace(
        settings, tax_sensitivity=TaxSensitivity(said.values["weight"])
    ),
    "harvesting": lambda settings, said, _: replace(settings, harvesting=Harvesting(said.values["eagerness"])),
    "harvest_season": _season,
    "tax_budget": _tax_budget,
    "gain_budget": _gain_budget,
    "short_term_gain_budget": _short_term_budget,
    "turnover_limit": _amount("turnover_limit", "share"),
    "never_buy": _restriction(RestrictionKind.NEVER_BUY),
    "never_sell": _restriction(RestrictionKind.NEVER_SELL),
    "never_hold": _restriction(RestrictionKind.NEVER_HOLD),
    "never_trade": _restriction(RestrictionKind.NEVER_TRADE),
    "security_bounds": _bounds,
    "own_shares": _own_shares,
    "tilt": _tilt,
    "sector_bounds": _group_bounds(GroupKind.SECTOR, "sector"),
    "class_bounds": _group_bounds(GroupKind.ASSET_CLASS, "asset_class"),
    "forced_harvest": _forced_harvest,
    "minimum_holding_days": _whole("minimum_holding_days", "days"),
}
"""By setting. They are applied in this order: rates stand before the budgets that count with them."""


# --- cash ----------------------------------------------------------------------------------------------------------


def _payments(held: Mapping[str, Held], facts: ProfileFacts) -> Iterator[CashNeed]:
    """Payments of the profile that are near, before tax withheld: gross = net / (1 - rate) (CS-6)."""
    until = facts.on + timedelta(days=_said(held, "notice").whole("days"))
    kept = 1 - _said(held, "withholding").decimal("rate")
    decided = [each.statement for each in held.values() if each.is_altered]
    due = sorted(payment for each in decided for payment in _paid(each, facts.on, until))
    for day, amount in due:
        if facts.on <= day <= until and amount > 0:
            yield CashNeed(to_cents(amount / kept), day)


def _said(held: Mapping[str, Held], key: str) -> Statement:
    """What holds of a setting that always has a value."""
    default = LANGUAGE.setting(key).default
    if key in held or default is None:
        return held[key].statement
    return default


def _paid(said: Statement, on: date, until: date) -> list[tuple[date, Decimal]]:
    if not said.is_on:
        return []
    match said.key:
        case "payment":
            return [(said.day("date"), said.decimal("amount"))]
        case "withdrawal":
            months = {(day.year, day.month) for day in (on + timedelta(days=n) for n in range((until - on).days + 1))}
            return [(date(year, month, said.whole("day")), said.decimal("amount")) for year, month in months]
        case "required_distribution":
            due = said.day("due")
            return [(due, required_distribution(said.day("born"), due.year, said.decimal("balance")))]
        case _:
            return []


# --- trading costs ---------------------------------------------------------------------------------------------------


def _with_commission(
    settings: AccountSettings, decided: Mapping[str, Statement], facts: ProfileFacts
) -> AccountSettings:
    """The schedule's price of each kind for this account's tier and custodian.

    A price that was decided for all orders goes before the schedule. Kinds that no row fits pay the file's price.
    """
    rows = [each for each in decided.values() if each.key == "ticket" and each.is_on]
    if not rows or "commission" in decided:
        return settings
    at = decided.get("custodian")
    place = (facts.tier, at.values["custodian"] if at is not None and at.is_on else "")
    other = _price(rows, ANY, place)
    otherwise = settings.commission if other is None else other
    stated = {kind: _price(rows, kind, place) for kind in SecurityKind}
    prices = {kind: settings.commission_of(kind) if price is None else price for kind, price in stated.items()}
    if len(set(prices.values())) == 1:
        return replace(settings, commission=prices[SecurityKind.STOCK], commission_by_kind={})
    by_kind = {kind: price for kind, price in prices.items() if price != otherwise}
    return replace(settings, commission=otherwise, commission_by_kind=by_kind)


def _price(rows: list[Statement], kind: str, place: tuple[str, str]) -> Decimal | None:
    """Of the rows that fit, the price of the one that names most: the kind before the tier before the custodian."""
    asked, fitting = (kind, *place), []
    for row in rows:
        named = (row.values["kind"], row.values["tier"], row.values["custodian"])
        if all(said in (ANY, own) for said, own in zip(named, asked, strict=True)):
            fitting.append((tuple(said != ANY for said in named), row.decimal("amount")))
    return max(fitting)[1] if fitting else None


# --- standing still --------------------------------------------------------------------------------------------------


def _still(settings: AccountSettings, decided: Mapping[str, Statement], facts: ProfileFacts) -> AccountSettings:
    """Settings under which nothing trades, when the account is paused or its transition plan waits (X6)."""
    pause, wait = decided.get("pause"), decided.get("days_between")
    if pause is not None and pause.is_on and facts.on < pause.day("date"):
        return standing_still(replace(settings, cash_needs=(), cash_reserve=ZERO))
    last = facts.last_traded_on
    if wait is None or last is None or (facts.on - last).days >= wait.whole("days"):
        return settings
    if settings.cash_needs or facts.settled_cash < settings.cash_reserve:
        return settings
    return standing_still(settings)


def standing_still(settings: AccountSettings) -> AccountSettings:
    """Nothing may be turned over, and nothing is asked that would need a trade."""
    held = tuple(
        replace(each, kind=RestrictionKind.NEVER_BUY) if each.kind is RestrictionKind.NEVER_HOLD else each
        for each in settings.restrictions
    )
    return replace(
        settings,
        turnover_limit=ZERO,
        restrictions=held,
        weight_bands={},
        group_bands=(),
        forced_harvest=None,
        tracking_error_limit=None,
        maximum_names=None,
    )
