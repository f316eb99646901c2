"""Every setting of the client profile: its sentence, unit, range, default, and where it may be made.

docs/settings.md is generated from this table (`python -m trimtab.profile_page`).
"""

from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import Harvesting, TaxSensitivity, Tracking
from trimtab.domain.profile.slots import Slot, SlotKind
from trimtab.domain.profile.statements import OFF, ON, Group, Language, Level, Setting, Statement
from trimtab.domain.rule_checks import LARGEST_AMOUNT

_ONE_CLIENT: Final = (Level.HOUSEHOLD, Level.ACCOUNT)
_SCHEDULE: Final = (Level.FIRM, Level.PROGRAMME)


def _percent(name: str, low: str = "0", high: str = "1") -> Slot:
    return Slot(name, SlotKind.PERCENT, Decimal(low), Decimal(high))


def _dollars(name: str, low: str = "0", high: Decimal = LARGEST_AMOUNT) -> Slot:
    return Slot(name, SlotKind.DOLLARS, Decimal(low), high)


def _count(name: str, low: int, high: int) -> Slot:
    return Slot(name, SlotKind.COUNT, Decimal(low), Decimal(high))


def _choice(name: str, words: dict[str, str]) -> Slot:
    return Slot(name, SlotKind.CHOICE, words=words)


def _off(key: str) -> Statement:
    return Statement(key, OFF)


_DATE: Final = Slot("date", SlotKind.DATE)
_SECURITY: Final = Slot("security", SlotKind.SECURITY)

_TARGET: Final = (
    Setting(
        "tracking",
        Group.TARGET,
        {ON: "Follow the target {tightness}."},
        (
            _choice(
                "tightness",
                {Tracking.TIGHT: "closely", Tracking.MODERATE: "moderately", Tracking.LOOSE: "loosely"},
            ),
        ),
        "prices tracking error",
        Statement("tracking", ON, {"tightness": Tracking.MODERATE}),
    ),
    Setting(
        "tracking_error_limit",
        Group.TARGET,
        {ON: "Keep tracking error at or below {limit} a year.", OFF: "Set no limit on tracking error."},
        (_percent("limit", "0.001", "0.5"),),
        "hard limit",
        _off("tracking_error_limit"),
    ),
    Setting(
        "dispersion",
        Group.TARGET,
        {
            ON: "Ask a person when tracking error stays above {limit} a year.",
            OFF: "Ask nobody about tracking error.",
        },
        (_percent("limit", "0.001", "0.5"),),
        "flags the account after its analysis",
        _off("dispersion"),
    ),
    Setting(
        "maximum_names",
        Group.TARGET,
        {ON: "Hold at most {count} securities.", OFF: "Set no limit on the number of securities."},
        (_count("count", 1, 5000),),
        "hard limit after a rebalance",
        _off("maximum_names"),
    ),
    Setting(
        "glide_path",
        Group.TARGET,
        {ON: "Glide from the account's model to {model} between {start} and {end}.", OFF: "Follow no glide path."},
        (Slot("model", SlotKind.NAME), Slot("start", SlotKind.DATE), Slot("end", SlotKind.DATE)),
        "mixes the two targets, evenly by day",
        _off("glide_path"),
    ),
)

_CASH: Final = (
    Setting(
        "cash_target",
        Group.CASH,
        {ON: "Keep {weight} in cash."},
        (_percent("weight", "0", "0.5"),),
        "priced on both sides",
        Statement("cash_target", ON, {"weight": "0.01"}),
    ),
    Setting(
        "cash_reserve",
        Group.CASH,
        {ON: "Hold back {amount} that must not be invested."},
        (_dollars("amount"),),
        "hard limit",
        Statement("cash_reserve", ON, {"amount": "0"}),
    ),
    Setting(
        "payment",
        Group.CASH,
        {ON: "Pay out {amount} on {date}.", OFF: "Pay nothing out on {date}."},
        (_dollars("amount", "0.01"), _DATE),
        "cash is raised in time",
        subject=("date",),
        levels=(Level.ACCOUNT,),
    ),
    Setting(
        "withdrawal",
        Group.CASH,
        {ON: "Pay out {amount} on day {day} of every month.", OFF: "Pay nothing out every month."},
        (_dollars("amount", "0.01"), _count("day", 1, 28)),
        "cash is raised in time",
        _off("withdrawal"),
        levels=(Level.ACCOUNT,),
    ),
    Setting(
        "required_distribution",
        Group.CASH,
        {
            ON: "Pay out by {due} the required minimum distribution of an owner born on {born}"
            " who had {balance} at the end of the year before.",
            OFF: "Pay out no required minimum distribution.",
        },
        (Slot("due", SlotKind.DATE), Slot("born", SlotKind.DATE), _dollars("balance")),
        "cash is raised in time (IRC 401(a)(9), Uniform Lifetime Table)",
        _off("required_distribution"),
        levels=(Level.ACCOUNT,),
    ),
    Setting(
        "deposit",
        Group.CASH,
        {ON: "Expect a deposit of {amount} on {date}.", OFF: "Expect no deposit on {date}."},
        (_dollars("amount", "0.01"), _DATE),
        "never spent before it is there; from its date on, at most 30 days, the account is flagged until it is",
        subject=("date",),
        levels=(Level.ACCOUNT,),
    ),
    Setting(
        "withholding",
        Group.CASH,
        {ON: "Withhold {rate} of every payment for tax."},
        (_percent("rate", "0", "0.9"),),
        "raises the cash for a payment: net / (1 - rate)",
        Statement("withholding", ON, {"rate": "0"}),
    ),
    Setting(
        "notice",
        Group.CASH,
        {ON: "Raise cash {days} days before a payment."},
        (_count("days", 1, 365),),
        "how early payments count",
        Statement("notice", ON, {"days": "10"}),
    ),
)

KINDS: Final = {"ANY": "any security", "STOCK": "a stock", "ETF": "an ETF", "FUND": "a fund"}
ANY: Final = "ANY"
"""In a commission schedule: whatever the tier, the custodian or the kind."""

_TRADES: Final = (
    Setting(
        "minimum_trade",
        Group.TRADE_SIZE_AND_COST,
        {ON: "Make no trade below {amount}, unless it closes a position."},
        (_dollars("amount"),),
        "hard limit",
        Statement("minimum_trade", ON, {"amount": "250"}),
    ),
    Setting(
        "minimum_holding",
        Group.TRADE_SIZE_AND_COST,
        {ON: "Leave no position smaller than {amount}."},
        (_dollars("amount"),),
        "hard limit on what a trade leaves",
        Statement("minimum_holding", ON, {"amount": "0"}),
    ),
    Setting(
        "commission",
        Group.TRADE_SIZE_AND_COST,
        {ON: "Pay {amount} for each order."},
        (_dollars("amount", "0", Decimal(10_000)),),
        "cost of each order; goes before the schedule",
        Statement("commission", ON, {"amount": "0"}),
    ),
    Setting(
        "ticket",
        Group.TRADE_SIZE_AND_COST,
        {
            ON: "Pay {amount} for each order of {kind} in tier {tier} at custodian {custodian}.",
            OFF: "Set no price for each order of {kind} in tier {tier} at custodian {custodian}.",
        },
        (
            _dollars("amount", "0", Decimal(10_000)),
            _choice("kind", KINDS),
            Slot("tier", SlotKind.NAME),
            Slot("custodian", SlotKind.NAME),
        ),
        "cost of each order: the row that fits closest; ANY fits all",
        subject=("kind", "tier", "custodian"),
        levels=_SCHEDULE,
    ),
)

RELEASES: Final = {"AT_ONCE": "all at once", "QUARTERLY": "quarter by quarter", "MONTHLY": "month by month"}

_TAXES: Final = (
    Setting(
        "short_term_rate",
        Group.TAXES,
        {ON: "Tax short-term gains at {rate}."},
        (_percent("rate"),),
        "tax of a sale",
        Statement("short_term_rate", ON, {"rate": "0.35"}),
    ),
    Setting(
        "long_term_rate",
        Group.TAXES,
        {ON: "Tax long-term gains at {rate}."},
        (_percent("rate"),),
        "tax of a sale",
        Statement("long_term_rate", ON, {"rate": "0.2"}),
    ),
    Setting(
        "tax_sensitivity",
        Group.TAXES,
        {ON: "Weigh the tax on gains {weight}."},
        (
            _choice(
                "weight",
                {TaxSensitivity.LOW: "lightly", TaxSensitivity.MEDIUM: "by half", TaxSensitivity.HIGH: "in full"},
            ),
        ),
        "share of a gain's tax that counts",
        Statement("tax_sensitivity", ON, {"weight": TaxSensitivity.MEDIUM}),
    ),
    Setting(
        "harvesting",
        Group.TAXES,
        {ON: "Harvest losses {eagerness}."},
        (
            _choice(
                "eagerness",
                {
                    Harvesting.OFF: "never",
                    Harvesting.OPPORTUNISTIC: "when it costs little",
                    Harvesting.AGGRESSIVE: "eagerly",
                },
            ),
        ),
        "credit for a loss",
        Statement("harvesting", ON, {"eagerness": Harvesting.OPPORTUNISTIC}),
    ),
    Setting(
        "harvest_season",
        Group.TAXES,
        {
            ON: "Harvest losses of {january} of basis in January, falling to {december} by December.",
            OFF: "Harvest losses of the same size all year.",
        },
        (_percent("january", "0.001"), _percent("december", "0.001")),
        "threshold of a harvest by the date (X5)",
        _off("harvest_season"),
    ),
    Setting(
        "tax_budget",
        Group.TAXES,
        {
            ON: "Cause at most {amount} of tax a year, released {release}.",
            "share": "Cause tax of at most {share} of the account's value a year, released {release}.",
            OFF: "Set no limit on tax.",
        },
        (_dollars("amount"), _percent("share"), _choice("release", RELEASES)),
        "hard limit, less the tax already caused this year (X3)",
        _off("tax_budget"),
    ),
    Setting(
        "gain_budget",
        Group.TAXES,
        {ON: "Realise at most {amount} of net gains a year.", OFF: "Set no limit on net gains."},
        (_dollars("amount"),),
        "hard limit, less the gains already realised this year",
        _off("gain_budget"),
    ),
    Setting(
        "short_term_gain_budget",
        Group.TAXES,
        {ON: "Realise at most {amount} of net short-term gains a year.", OFF: "Set no limit on short-term gains."},
        (_dollars("amount"),),
        "hard limit, less the short-term gains already realised this year",
        _off("short_term_gain_budget"),
    ),
)

_TRANSITION: Final = (
    Setting(
        "turnover_limit",
        Group.TRANSITION_PLAN,
        {ON: "Turn over at most {share} in one rebalance.", OFF: "Set no limit on turnover."},
        (_percent("share"),),
        "hard limit, one-way (X6)",
        _off("turnover_limit"),
    ),
    Setting(
        "days_between",
        Group.TRANSITION_PLAN,
        {ON: "Wait {days} days between rebalances."},
        (_count("days", 0, 366),),
        "nothing trades while it waits, unless a payment needs cash (X6)",
        Statement("days_between", ON, {"days": "0"}),
    ),
)

_NOTE: Final = (
    Setting(
        "note",
        Group.NOTE,
        {ON: "Note: {text}", OFF: "Keep no note."},
        (Slot("text", SlotKind.TEXT),),
        "for people only",
        _off("note"),
    ),
)


def _rule(key: str, sentence: str, lifted: str, effect: str) -> Setting:
    return Setting(
        key,
        Group.SECURITY_CONSTRAINTS,
        {ON: sentence, OFF: lifted},
        (_SECURITY,),
        effect,
        subject=("security",),
        locked_by_firm=True,
    )


_SECURITIES: Final = (
    _rule("never_buy", "Never buy {security}.", "Allow buying {security}.", "no buys"),
    _rule("never_sell", "Never sell {security}.", "Allow selling {security}.", "no sales"),
    _rule("never_hold", "Never hold {security}.", "Allow holding {security}.", "no buys, and what is held is sold"),
    _rule("never_trade", "Never trade {security}.", "Allow trading {security}.", "no buys and no sales"),
    Setting(
        "security_bounds",
        Group.SECURITY_CONSTRAINTS,
        {ON: "Hold {low} to {high} of {security}.", OFF: "Set no bounds on {security}."},
        (_percent("low"), _percent("high"), _SECURITY),
        "hard limits",
        subject=("security",),
    ),
    Setting(
        "own_shares",
        Group.SECURITY_CONSTRAINTS,
        {ON: "Own at least {count} shares of {security}.", OFF: "Ask for no shares of {security}."},
        (_count("count", 1, 10**9), _SECURITY),
        "hard limit, as a weight at the last close",
        subject=("security",),
        levels=(Level.ACCOUNT,),
    ),
    Setting(
        "tilt",
        Group.SECURITY_CONSTRAINTS,
        {
            ON: "Expect {security} to return {excess} a year beyond its risk.",
            OFF: "Expect nothing special of {security}.",
        },
        (_SECURITY, _percent("excess", "-0.2", "0.2")),
        "priced in the objective",
        subject=("security",),
    ),
)

_SECTORS: Final = (
    Setting(
        "sector_bounds",
        Group.SECTOR_CONSTRAINTS,
        {ON: "Hold {low} to {high} in sector {sector}.", OFF: "Set no bounds on sector {sector}."},
        (_percent("low"), _percent("high"), Slot("sector", SlotKind.NAME)),
        "hard limits",
        subject=("sector",),
    ),
    Setting(
        "class_bounds",
        Group.SECTOR_CONSTRAINTS,
        {ON: "Hold {low} to {high} in asset class {asset_class}.", OFF: "Set no bounds on asset class {asset_class}."},
        (_percent("low"), _percent("high"), Slot("asset_class", SlotKind.NAME)),
        "hard limits",
        subject=("asset_class",),
    ),
)

_SCREENS: Final = (
    Setting(
        "screen",
        Group.SOCIAL_SCREENS,
        {
            ON: "Buy nothing on list {list}.",
            "sell": "Buy nothing on list {list}, and sell what is held.",
            OFF: "Do not screen by list {list}.",
        },
        (Slot("list", SlotKind.NAME),),
        "no buys (and sales) of what is on the list on the day",
        subject=("list",),
        locked_by_firm=True,
    ),
)

_ATTRIBUTES: Final = (
    Setting(
        "custodian",
        Group.ATTRIBUTES,
        {ON: "The account is held at custodian {custodian}.", OFF: "The custodian is not stated."},
        (Slot("custodian", SlotKind.NAME),),
        "chooses the row of the commission schedule",
        _off("custodian"),
    ),
    Setting(
        "reviewed",
        Group.ATTRIBUTES,
        {ON: "The profile was last reviewed on {date}.", OFF: "The profile has not been reviewed."},
        (_DATE,),
        "for people only",
        _off("reviewed"),
        levels=_ONE_CLIENT,
    ),
)

_SPECIAL: Final = (
    Setting(
        "forced_harvest",
        Group.SPECIAL_PURPOSE,
        {
            ON: "Realise {losses} of net losses and preserve them until {until}.",
            "short": "Realise {losses} of short-term losses and preserve them until {until}.",
            OFF: "Force no losses.",
        },
        (_dollars("losses", "0.01"), Slot("until", SlotKind.DATE)),
        "losses are sought until the year shows them, then no net gain is realised until the date (X4)",
        _off("forced_harvest"),
    ),
    Setting(
        "pause",
        Group.SPECIAL_PURPOSE,
        {ON: "Do not trade before {date}.", OFF: "Trade on every business day."},
        (_DATE,),
        "nothing trades",
        _off("pause"),
    ),
)

_OTHER: Final = (
    Setting(
        "minimum_holding_days",
        Group.OTHER,
        {ON: "Sell no lot younger than {days} days."},
        (_count("days", 0, 3660),),
        "younger lots are locked",
        Statement("minimum_holding_days", ON, {"days": "0"}),
    ),
)

LANGUAGE: Final = Language(
    (
        *_TARGET,
        *_CASH,
        *_TRADES,
        *_TAXES,
        *_TRANSITION,
        *_NOTE,
        *_SECURITIES,
        *_SECTORS,
        *_SCREENS,
        *_ATTRIBUTES,
        *_SPECIAL,
        *_OTHER,
    )
)
"""The settings, in the order of their groups."""
