"""Random households: the lots of a random account with every kind of rule, dealt out to two or three accounts."""

import random
from dataclasses import replace
from decimal import Decimal

from tests.optimizer.random_accounts import a_random_ruled_account
from trimtab.domain.account_settings import AccountSettings, Tracking
from trimtab.domain.accounts import AccountId, HouseholdId, Position, Registration, TaxStatus
from trimtab.domain.households import HouseholdInput, LocationCost
from trimtab.domain.lots import TaxLot
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput

HOUSEHOLD = HouseholdId("H1")


def a_random_household(seed: int) -> HouseholdInput:
    """Two or three accounts, the first taxable, each with settings of another random account where these may be."""
    rng, whole = random.Random(f"household {seed}"), a_random_ruled_account(seed)
    registrations = [Registration.INDIVIDUAL, rng.choice(list(Registration)), Registration.ROTH_IRA]
    number = rng.choice([2, 2, 3])
    dealt: list[list[TaxLot]] = [[] for _ in range(number)]
    for lot in whole.snapshot.lots:
        rng.choice(dealt).append(lot)
    cash = whole.snapshot.cash.trade_date_total / number
    accounts = tuple(
        _member(whole, place, dealt[place], cash, registrations[place], rng.randrange(10**6)) for place in range(number)
    )
    rates = accounts[0].settings.short_term_rate, accounts[0].settings.long_term_rate
    location = LocationCost("US", rng.choice(list(TaxStatus)), Decimal(rng.choice([0, 20, 80])))
    return HouseholdInput(
        HOUSEHOLD,
        tuple(
            replace(each, settings=replace(each.settings, short_term_rate=rates[0], long_term_rate=rates[1]))
            for each in accounts
        ),
        replace(whole.target, substitutes={}),
        whole.market,
        tracking=rng.choice(list(Tracking)),
        location=(location,),
        tax_year=whole.snapshot.tax_year,
        tracking_error_limit=Decimal("0.08") if rng.random() < 0.3 else None,
    )


def _member(
    whole: AnalysisInput, place: int, lots: list[TaxLot], cash: Decimal, registration: Registration, seed: int
) -> AccountSnapshot:
    """Windows and what is held elsewhere stay with the first account; restrictions and bands are its own."""
    own = whole if place == 0 else a_random_ruled_account(seed)
    account = replace(
        whole.snapshot.account, id=AccountId(f"A{place}"), household_id=HOUSEHOLD, registration=registration
    )
    quantity: dict[SecurityId, Decimal] = {}
    for lot in lots:
        quantity[lot.security_id] = quantity.get(lot.security_id, Decimal(0)) + lot.quantity
    prices = whole.market.prices
    settings = replace(own.snapshot.settings, tracking_error_limit=None)
    if place and seed % 3:  # rules of every account seldom go together
        settings = AccountSettings(maximum_names=2 + seed % 4 if seed % 2 else None)
    known = {each.asset_class for each in whole.market.securities.values()}
    known |= {each.sector for each in whole.market.securities.values()}
    settings = replace(settings, group_bands=tuple(each for each in settings.group_bands if each.name in known))
    return replace(
        whole.snapshot,
        account=account,
        lots=tuple(replace(lot, account_id=account.id) for lot in lots),
        positions=tuple(
            Position(each, shares, (shares * (prices[each].close if each in prices else 100)).quantize(Decimal("0.01")))
            for each, shares in quantity.items()
        ),
        cash=replace(whole.snapshot.cash, settled=cash.quantize(Decimal("0.01"))),
        settings=settings,
        tax_year=None,
        held_away=whole.snapshot.held_away if place == 0 else (),
    )
