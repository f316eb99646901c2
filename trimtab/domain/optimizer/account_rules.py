"""The rules of one account in the user's words, each of which can be taken out or loosened by itself.

A rule bars lists that the account's preferences (tracking, taxes, harvesting, tilts, the cash target) might choose;
preferences have no price of their own, they are what prices are paid in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind, RestrictionKind, WeightBand
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.wording import dollars, name_of, percent
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_ONE = Decimal(1)

_WEIGHT_STEP, _DOLLAR_STEP, _DAY_STEP = Decimal("0.0001"), Decimal(1), Decimal(1)
_MOST_NAMES = Decimal(1024)
"""A limit of names is not loosened by more before it is taken out."""

_RESTRICTION_WORDS = {
    RestrictionKind.NEVER_BUY: "never buy",
    RestrictionKind.NEVER_SELL: "never sell",
    RestrictionKind.NEVER_HOLD: "never hold",
    RestrictionKind.NEVER_TRADE: "never trade",
}
_GROUP_WORDS = {GroupKind.ASSET_CLASS: "the class", GroupKind.SECTOR: "the sector"}


@dataclass(frozen=True, slots=True)
class Level:
    """The number in a rule, and how the rule is loosened: towards `loosest`, at which it asks for nothing."""

    value: Decimal
    loosest: Decimal
    step: Decimal  # the finest change that is worth telling
    words: Callable[[Decimal], str]  # the number as it stands in a sentence
    settings_at: Callable[[Decimal], AccountSettings]  # the account's settings with another number in this rule


@dataclass(frozen=True, slots=True)
class AccountRule:
    """One rule of the settings."""

    key: str  # "NEVER_SELL:IBM": stable, for programs
    words: str  # "never sell IBM": what the account's owner asked for
    without: AccountSettings  # the settings without this rule
    level: Level | None = None  # None: the rule is on or off


def rules_of(request: AnalysisInput) -> tuple[AccountRule, ...]:
    """Every rule of the account's settings, in a fixed order."""
    settings = request.snapshot.settings
    return (
        *_restrictions(request, settings),
        *_weight_bands(request, settings),
        *_group_bands(settings),
        *_cash_rules(settings),
        *_limits(request, settings),
        *_trade_rules(settings),
    )


def with_settings(request: AnalysisInput, settings: AccountSettings) -> AnalysisInput:
    """The same account on the same day under other settings."""
    return replace(request, snapshot=replace(request.snapshot, settings=settings))


def _restrictions(request: AnalysisInput, settings: AccountSettings) -> Iterator[AccountRule]:
    for number, rule in enumerate(settings.restrictions):
        others = settings.restrictions[:number] + settings.restrictions[number + 1 :]
        yield AccountRule(
            key=f"{rule.kind}:{rule.security_id}",
            words=f"{_RESTRICTION_WORDS[rule.kind]} {name_of(request, rule.security_id)}",
            without=replace(settings, restrictions=others),
        )


def _weight_bands(request: AnalysisInput, settings: AccountSettings) -> Iterator[AccountRule]:
    for security_id, band in sorted(settings.weight_bands.items()):
        name = name_of(request, security_id)
        if band.minimum > 0:

            def lowered(value: Decimal, each: SecurityId = security_id, old: WeightBand = band) -> AccountSettings:
                return _with_band(settings, each, replace(old, minimum=value))

            level = Level(band.minimum, ZERO, _WEIGHT_STEP, percent, lowered)
            words = f"hold at least {percent(band.minimum)} of {name}"
            yield AccountRule(f"SMALLEST_WEIGHT:{security_id}", words, lowered(ZERO), level)
        if band.maximum < 1:

            def raised(value: Decimal, each: SecurityId = security_id, old: WeightBand = band) -> AccountSettings:
                return _with_band(settings, each, replace(old, maximum=value))

            level = Level(band.maximum, _ONE, _WEIGHT_STEP, percent, raised)
            words = f"hold at most {percent(band.maximum)} of {name}"
            yield AccountRule(f"LARGEST_WEIGHT:{security_id}", words, raised(_ONE), level)


def _with_band(settings: AccountSettings, security_id: SecurityId, band: WeightBand) -> AccountSettings:
    return replace(settings, weight_bands={**settings.weight_bands, security_id: band})


def _group_bands(settings: AccountSettings) -> Iterator[AccountRule]:
    for number, band in enumerate(settings.group_bands):
        group, key = f"{_GROUP_WORDS[band.kind]} {band.name}", f"{band.kind}:{band.name}"
        if band.minimum > 0:

            def lowered(value: Decimal, at: int = number, old: GroupBand = band) -> AccountSettings:
                return _with_group(settings, at, replace(old, minimum=value))

            level = Level(band.minimum, ZERO, _WEIGHT_STEP, percent, lowered)
            words = f"hold at least {percent(band.minimum)} in {group}"
            yield AccountRule(f"SMALLEST_WEIGHT:{key}", words, lowered(ZERO), level)
        if band.maximum < 1:

            def raised(value: Decimal, at: int = number, old: GroupBand = band) -> AccountSettings:
                return _with_group(settings, at, replace(old, maximum=value))

            level = Level(band.maximum, _ONE, _WEIGHT_STEP, percent, raised)
            words = f"hold at most {percent(band.maximum)} in {group}"
            yield AccountRule(f"LARGEST_WEIGHT:{key}", words, raised(_ONE), level)


def _with_group(settings: AccountSettings, number: int, band: GroupBand) -> AccountSettings:
    bands = settings.group_bands
    return replace(settings, group_bands=(*bands[:number], band, *bands[number + 1 :]))


def _cash_rules(settings: AccountSettings) -> Iterator[AccountRule]:
    if settings.cash_reserve > 0:

        def with_reserve(value: Decimal) -> AccountSettings:
            return replace(settings, cash_reserve=value)

        level = Level(settings.cash_reserve, ZERO, _DOLLAR_STEP, dollars, with_reserve)
        words = f"keep a cash reserve of {dollars(settings.cash_reserve)}"
        yield AccountRule("CASH_RESERVE", words, with_reserve(ZERO), level)
    for number, need in enumerate(settings.cash_needs):
        others = settings.cash_needs[:number], settings.cash_needs[number + 1 :]

        def paying(value: Decimal, at: int = number) -> AccountSettings:
            needs = settings.cash_needs
            return replace(settings, cash_needs=(*needs[:at], replace(needs[at], amount=value), *needs[at + 1 :]))

        level = Level(need.amount, ZERO, _DOLLAR_STEP, dollars, paying)
        words = f"pay out {dollars(need.amount)} on {need.due_on.isoformat()}"
        without = replace(settings, cash_needs=(*others[0], *others[1]))
        yield AccountRule(f"CASH_NEED:{need.due_on.isoformat()}", words, without, level)


def _limits(request: AnalysisInput, settings: AccountSettings) -> Iterator[AccountRule]:
    """Limits and budgets of one rebalance; None in the settings is no limit."""
    held = sum((each.market_value for each in request.snapshot.positions), ZERO) or _ONE
    for name, key, words, loosest in (
        ("turnover_limit", "TURNOVER", "turn over at most {}", _ONE),
        ("tracking_error_limit", "TRACKING_ERROR", "have a tracking error of at most {}", _ONE),
        ("gain_budget", "GAIN_BUDGET", "realise net gains of at most {}", held),
        ("short_term_gain_budget", "SHORT_TERM_GAIN_BUDGET", "realise net short-term gains of at most {}", held),
        ("tax_budget", "TAX_BUDGET", "cause tax of at most {}", held),
    ):
        value: Decimal | None = getattr(settings, name)
        if value is None:
            continue

        def at_limit(limit: Decimal, field: str = name) -> AccountSettings:
            return _with_field(settings, field, limit)

        said, step = (dollars, _DOLLAR_STEP) if name.endswith("budget") else (percent, _WEIGHT_STEP)
        level = Level(value, max(loosest, value), step, said, at_limit)
        yield AccountRule(key, words.format(said(value)), _with_field(settings, name, None), level)


def _trade_rules(settings: AccountSettings) -> Iterator[AccountRule]:
    """Rules on the size, number and age of what is traded."""
    for name, key, words, said in (
        ("minimum_trade", "MINIMUM_TRADE", "make no trade below {}", dollars),
        ("minimum_holding", "MINIMUM_HOLDING", "leave no position below {}", dollars),
        ("minimum_holding_days", "MINIMUM_HOLDING_DAYS", "sell no lot younger than {} days", str),
    ):
        value: Decimal = Decimal(getattr(settings, name))
        if value <= 0:
            continue

        def at_size(size: Decimal, field: str = name) -> AccountSettings:
            return _with_field(settings, field, int(size) if field == "minimum_holding_days" else size)

        level = Level(value, ZERO, _DAY_STEP if said is str else _DOLLAR_STEP, said, at_size)
        yield AccountRule(key, words.format(said(value)), at_size(ZERO), level)
    if settings.maximum_names is not None:
        most = Decimal(settings.maximum_names)
        level = Level(most, most + _MOST_NAMES, Decimal(1), str, lambda names: _with_names(settings, names))
        words = f"hold at most {settings.maximum_names} securities"
        yield AccountRule("MAXIMUM_NAMES", words, _with_names(settings, None), level)
    if settings.forced_harvest is not None:
        words = f"realise losses of {dollars(settings.forced_harvest.losses)}"
        yield AccountRule("FORCED_HARVEST", words, replace(settings, forced_harvest=None))


def _with_names(settings: AccountSettings, most: Decimal | None) -> AccountSettings:
    return replace(settings, maximum_names=None if most is None else int(most))


def _with_field(settings: AccountSettings, name: str, value: Decimal | int | None) -> AccountSettings:
    changed: dict[str, object] = {name: value}
    return replace(settings, **changed)  # type: ignore[arg-type]
