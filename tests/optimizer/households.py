"""Small hand-made households, and random ones from a seed."""

from dataclasses import replace
from decimal import Decimal

from benchmarks.simulated_accounts import Universe, an_account
from tests.optimizer.accounts import an_input
from trimtab.domain.accounts import AccountId, HouseholdId, Registration
from trimtab.domain.households import HouseholdInput, LocationCost
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.snapshots import AccountSnapshot, MarketSnapshot

HOUSEHOLD = HouseholdId("H1")
_REGISTRATIONS = (Registration.INDIVIDUAL, Registration.TRADITIONAL_IRA, Registration.ROTH_IRA)


def a_member(
    name: str,
    market: MarketSnapshot,
    model: ModelPortfolio,
    *,
    lots: tuple[TaxLot, ...] = (),
    cash: str = "0",
    registration: Registration = Registration.INDIVIDUAL,
    **changes: object,
) -> AccountSnapshot:
    """An account of the household; its lots take its name."""
    own = tuple(replace(lot, id=LotId(f"{name}-{lot.id}"), account_id=AccountId(name)) for lot in lots)
    request = an_input(market, model, lots=own, cash=cash, registration=registration, **changes)  # type: ignore[arg-type]
    account = replace(request.snapshot.account, id=AccountId(name), household_id=HOUSEHOLD)
    return replace(request.snapshot, account=account)


def a_household(
    market: MarketSnapshot,
    model: ModelPortfolio,
    *accounts: AccountSnapshot,
    location: tuple[LocationCost, ...] = (),
) -> HouseholdInput:
    return HouseholdInput(HOUSEHOLD, accounts, model, market, location=location)


def a_random_household(universe: Universe, seed: int, names: int, lots_each: int = 2) -> HouseholdInput:
    """A taxable account, a traditional and a Roth IRA that hold different names; the target is the first one's."""
    requests = [an_account(universe, names, lots_each, 10 * seed + number, drift=0.3) for number in range(3)]
    accounts = []
    for number, (request, registration) in enumerate(zip(requests, _REGISTRATIONS, strict=True)):
        snapshot = request.snapshot
        account = replace(
            snapshot.account, id=AccountId(f"A{number}"), household_id=HOUSEHOLD, registration=registration
        )
        lots = tuple(replace(lot, id=LotId(f"{number}-{lot.id}")) for lot in snapshot.lots)
        accounts.append(replace(snapshot, account=account, lots=lots))
    location = (LocationCost("CLASS1", accounts[0].account.tax_status, Decimal(seed % 3 * 20)),)
    return HouseholdInput(HOUSEHOLD, tuple(accounts), requests[0].target, universe.market, location=location)
