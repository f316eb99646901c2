"""The demo firm's households and accounts, and which special case each account is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from math import exp
from typing import TYPE_CHECKING, TypeVar

from trimtab.demo.errors import TooFewAccounts
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    Harvesting,
    Restriction,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import (
    Account,
    AccountId,
    HouseholdId,
    ModelId,
    PersonId,
    Registration,
    Standing,
    TaxStatus,
)
from trimtab.domain.securities import SecurityId

if TYPE_CHECKING:
    import numpy as np

_Kind = TypeVar("_Kind", bound=StrEnum)

FEWEST_ACCOUNTS = 20
ADVISOR_COUNT = 6

BALANCED = ModelId("BALANCED_60_40")
GROWTH = ModelId("GROWTH_80_20")
DIRECT_INDEX = ModelId("DIRECT_INDEX")
OPEN_UMA = ModelId("OPEN_UMA")
_CORE_MODELS = frozenset({BALANCED, GROWTH})


class Case(StrEnum):
    """What is special about an account on the firm's first day."""

    NEVER_SELL = "NEVER_SELL"
    NEVER_BUY = "NEVER_BUY"
    NEVER_HOLD = "NEVER_HOLD"
    CASH_NEED = "CASH_NEED"
    SUSPENDED = "SUSPENDED"
    NON_DISCRETIONARY = "NON_DISCRETIONARY"
    CLOSED = "CLOSED"
    LOT_MISMATCH = "LOT_MISMATCH"
    UNKNOWN_SECURITY = "UNKNOWN_SECURITY"
    CONTRADICTORY_SETTINGS = "CONTRADICTORY_SETTINGS"
    LOSS_SALE = "LOSS_SALE"  # it sold at a loss in the last 30 days
    LOSS_TO_HARVEST = "LOSS_TO_HARVEST"  # it holds at a loss what the household's IRA has just bought
    SPOUSE_PURCHASE = "SPOUSE_PURCHASE"  # that IRA


class Style(StrEnum):
    """How far an account is from its target."""

    QUIET = "QUIET"  # within a few percent of each weight, losses already harvested
    DRIFTED = "DRIFTED"
    UNTENDED = "UNTENDED"  # not rebalanced since it was opened
    CASH_HEAVY = "CASH_HEAVY"  # a deposit waits to be invested
    LEGACY = "LEGACY"  # came with holdings that are in no model


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account with the settings that its advisor entered."""

    account: Account
    settings: AccountSettings
    cases: frozenset[Case] = frozenset()
    suspension: str = ""  # a reason of the accounts feed, or none
    suspension_reason: str = ""

    @property
    def id(self) -> AccountId:
        return self.account.id


@dataclass(frozen=True, slots=True)
class Plan:
    """What the custodian's holdings of an account are to look like."""

    number: int  # the account's, from 1
    entry: DemoAccount
    style: Style
    value: float  # dollars, about
    bought_lately: bool = False  # some lots of the last thirty days


@dataclass(frozen=True, slots=True)
class Choices:
    """What a roster may name: companies of the direct index, largest first, and securities that are in no model."""

    companies: tuple[SecurityId, ...]
    legacy: tuple[SecurityId, ...]


@dataclass(frozen=True, slots=True)
class _Slot:
    registration: Registration
    model: ModelId
    cases: frozenset[Case] = field(default=frozenset())
    style: Style | None = None
    value: float | None = None


def build_roster(accounts: int, seed: int, business_date: date, choices: Choices) -> list[Plan]:
    """`accounts` plans in households of one to four. The first twenty hold every special case, whatever `accounts`.

    Raises TooFewAccounts below twenty.
    """
    if accounts < FEWEST_ACCOUNTS:
        raise TooFewAccounts(f"the demo firm needs at least {FEWEST_ACCOUNTS} accounts, not {accounts}")
    plans: list[Plan] = []
    for household, slots in enumerate(_households(accounts, seed), start=1):
        for slot in slots:
            plans.append(_plan(len(plans) + 1, household, slot, seed, business_date, choices))
    return plans


def _households(accounts: int, seed: int) -> Iterator[list[_Slot]]:
    """Slots by household: sizes 1, 2, 3, 4 in turn, so that 200 accounts make 80 households."""
    import numpy as np

    left, household = accounts, 0
    while left > 0:
        size = min(household % 4 + 1, left)
        rng = np.random.default_rng([seed, household, 3])
        yield list(_SPECIAL[household]) if household < len(_SPECIAL) else _ordinary(size, rng)
        left -= size
        household += 1


def _ordinary(size: int, rng: "np.random.Generator") -> list[_Slot]:
    families = _FAMILIES[size]
    return [_ordinary_slot(kind, rng) for kind in families[int(rng.integers(len(families)))]]


def _ordinary_slot(registration: Registration, rng: "np.random.Generator") -> _Slot:
    retirement = registration in (Registration.TRADITIONAL_IRA, Registration.ROTH_IRA)
    chances = (0.4, 0.4, 0.0, 0.2) if retirement else (0.25, 0.2, 0.35, 0.2)
    models = (BALANCED, GROWTH, DIRECT_INDEX, OPEN_UMA)
    model = models[int(rng.choice(len(models), p=chances))]
    cases = {case for case, chance in _CASE_CHANCES.items() if rng.random() < chance}
    if retirement or model in _CORE_MODELS:
        cases.discard(Case.LOSS_SALE)
    if Case.CLOSED in cases:
        cases = {Case.CLOSED}
    return _Slot(registration, model, frozenset(cases))


def _plan(number: int, household: int, slot: _Slot, seed: int, business_date: date, choices: Choices) -> Plan:
    import numpy as np

    rng = np.random.default_rng([seed, number, 4])
    value = slot.value or _account_value(slot.model, rng)
    styles = tuple(Style)
    style = slot.style or styles[int(rng.choice(len(styles), p=(0.5, 0.2, 0.12, 0.09, 0.09)))]
    if Case.NEVER_SELL in slot.cases:
        style = Style.LEGACY  # the shares that must stay
    account = Account(
        id=AccountId(f"A{number:05d}"),
        household_id=HouseholdId(f"H{household:04d}"),
        advisor_id=PersonId(f"ADV-{household % ADVISOR_COUNT + 1}"),
        programme="CORE" if slot.model in _CORE_MODELS else "PREMIER",
        registration=slot.registration,
        model_id=slot.model,
        discretionary=Case.NON_DISCRETIONARY not in slot.cases,
        standing=Standing.CLOSED if Case.CLOSED in slot.cases else Standing.OPEN,
        tier="HIGH_NET_WORTH" if value >= 1_000_000 else "STANDARD",
    )
    settings = _settings(number, account, slot, value, rng, business_date, choices)
    suspended = Case.SUSPENDED in slot.cases
    entry = DemoAccount(
        account=account,
        settings=settings,
        cases=slot.cases,
        suspension="COMPLIANCE" if suspended else "",
        suspension_reason="Beneficiary dispute: no trading until counsel answers" if suspended else "",
    )
    return Plan(number, entry, style, value, bought_lately=bool(rng.random() < 0.15))


def _account_value(model: ModelId, rng: "np.random.Generator") -> float:
    """Dollars between 50,000 and 5,000,000; the direct index needs 400,000 to hold its smallest names."""
    median, least = {DIRECT_INDEX: (1.2e6, 4e5), OPEN_UMA: (8e5, 2.5e5)}.get(model, (2.2e5, 5e4))
    return float(min(max(median * exp(rng.normal(0.0, 0.75)), least), 5e6))


_RATES = ((Decimal("0.24"), Decimal("0.15")), (Decimal("0.358"), Decimal("0.188")),
          (Decimal("0.388"), Decimal("0.188")), (Decimal("0.408"), Decimal("0.238")))  # fmt: skip


def _settings(
    number: int,
    account: Account,
    slot: _Slot,
    value: float,
    rng: "np.random.Generator",
    business_date: date,
    choices: Choices,
) -> AccountSettings:
    taxable = account.tax_status is TaxStatus.TAXABLE
    short_rate, long_rate = _RATES[int(rng.integers(len(_RATES)))] if taxable else (Decimal(0), Decimal(0))
    restrictions, bands = _restrictions(number, slot.cases, rng, choices)
    return AccountSettings(
        tracking=_pick(rng, Tracking),
        tax_sensitivity=_pick(rng, TaxSensitivity),
        harvesting=_pick(rng, Harvesting) if taxable else Harvesting.OFF,
        short_term_rate=short_rate,
        long_term_rate=long_rate,
        cash_target=Decimal("0.005") if slot.model == DIRECT_INDEX else Decimal("0.01"),
        cash_reserve=Decimal(2500) if rng.random() < 0.1 else Decimal(0),
        cash_needs=_cash_needs(value, rng, business_date) if Case.CASH_NEED in slot.cases else (),
        minimum_trade=Decimal(250) if value < 1_000_000 else Decimal(500),
        commission=Decimal("4.95") if rng.random() < 0.05 else Decimal(0),
        restrictions=restrictions,
        weight_bands=bands,
    )


def _pick(rng: "np.random.Generator", kinds: type[_Kind]) -> _Kind:
    members = tuple(kinds)
    return members[int(rng.integers(len(members)))]


def _cash_needs(value: float, rng: "np.random.Generator", business_date: date) -> tuple[CashNeed, ...]:
    hundreds = max(int(value * rng.uniform(0.03, 0.08) / 100), 1)
    return (CashNeed(Decimal(hundreds * 100), business_date + timedelta(days=int(rng.integers(4, 25)))),)


def _restrictions(
    number: int, cases: frozenset[Case], rng: "np.random.Generator", choices: Choices
) -> tuple[tuple[Restriction, ...], dict[SecurityId, WeightBand]]:
    named = choices.companies[int(rng.integers(len(choices.companies)))]
    rules = []
    if Case.NEVER_SELL in cases:
        founder = choices.legacy[number % len(choices.legacy)]
        rules.append(Restriction(RestrictionKind.NEVER_SELL, founder, "Founder's shares, kept for the family"))
    if Case.NEVER_BUY in cases:
        rules.append(Restriction(RestrictionKind.NEVER_BUY, named, "The client's employer"))
    if Case.NEVER_HOLD in cases:
        rules.append(Restriction(RestrictionKind.NEVER_HOLD, named, "The client objects to the business"))
    if Case.CONTRADICTORY_SETTINGS in cases:
        return tuple(rules), {choices.companies[0]: WeightBand(minimum=Decimal("0.05"), maximum=Decimal("0.03"))}
    return tuple(rules), {}


_CASE_CHANCES = {
    Case.NEVER_SELL: 0.03,
    Case.NEVER_BUY: 0.06,
    Case.NEVER_HOLD: 0.04,
    Case.CASH_NEED: 0.06,
    Case.SUSPENDED: 0.01,
    Case.NON_DISCRETIONARY: 0.04,
    Case.CLOSED: 0.01,
    Case.LOSS_SALE: 0.08,
}

_INDIVIDUAL, _JOINT, _TRUST = Registration.INDIVIDUAL, Registration.JOINT, Registration.TRUST
_IRA, _ROTH = Registration.TRADITIONAL_IRA, Registration.ROTH_IRA

_FAMILIES: dict[int, tuple[tuple[Registration, ...], ...]] = {
    1: ((_INDIVIDUAL,), (_TRUST,), (_INDIVIDUAL,)),
    2: ((_JOINT, _IRA), (_INDIVIDUAL, _ROTH)),
    3: ((_JOINT, _IRA, _ROTH), (_INDIVIDUAL, _INDIVIDUAL, _IRA)),
    4: ((_JOINT, _TRUST, _IRA, _ROTH), (_JOINT, _INDIVIDUAL, _IRA, _IRA)),
}


def _special(registration: Registration, model: ModelId, style: Style, value: float, *cases: Case) -> _Slot:
    return _Slot(registration, model, frozenset(cases), style, value)


_SPECIAL: tuple[tuple[_Slot, ...], ...] = (
    (_special(_INDIVIDUAL, DIRECT_INDEX, Style.LEGACY, 1_200_000, Case.NEVER_SELL),),
    (
        _special(_JOINT, DIRECT_INDEX, Style.QUIET, 1_800_000, Case.LOSS_SALE),
        _special(_IRA, BALANCED, Style.QUIET, 310_000),
    ),
    (
        _special(_INDIVIDUAL, OPEN_UMA, Style.QUIET, 900_000, Case.LOSS_TO_HARVEST),
        _special(_INDIVIDUAL, GROWTH, Style.QUIET, 240_000),
        _special(_IRA, OPEN_UMA, Style.QUIET, 420_000, Case.SPOUSE_PURCHASE),
    ),
    (
        _special(_JOINT, GROWTH, Style.DRIFTED, 650_000, Case.CASH_NEED),
        _special(_TRUST, DIRECT_INDEX, Style.DRIFTED, 2_600_000, Case.NEVER_BUY),
        _special(_IRA, BALANCED, Style.DRIFTED, 180_000, Case.UNKNOWN_SECURITY),
        _special(_ROTH, GROWTH, Style.QUIET, 95_000),
    ),
    (_special(_TRUST, BALANCED, Style.DRIFTED, 520_000, Case.LOT_MISMATCH),),
    (
        _special(_JOINT, GROWTH, Style.UNTENDED, 380_000, Case.SUSPENDED),
        _special(_IRA, BALANCED, Style.QUIET, 60_000, Case.CLOSED),
    ),
    (
        _special(_JOINT, OPEN_UMA, Style.DRIFTED, 760_000, Case.NON_DISCRETIONARY),
        _special(_IRA, GROWTH, Style.QUIET, 140_000, Case.CONTRADICTORY_SETTINGS),
        _special(_ROTH, BALANCED, Style.UNTENDED, 70_000, Case.NON_DISCRETIONARY),
    ),
    (
        _special(_JOINT, DIRECT_INDEX, Style.QUIET, 4_200_000, Case.NEVER_HOLD),
        _special(_TRUST, BALANCED, Style.UNTENDED, 1_100_000),
        _special(_IRA, GROWTH, Style.CASH_HEAVY, 260_000),
        _special(_ROTH, BALANCED, Style.QUIET, 54_000),
    ),
)
