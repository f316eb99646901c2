"""Small hand-made households."""

from dataclasses import replace

from tests.optimizer.accounts import an_input
from trimtab.domain.accounts import AccountId, HouseholdId, Registration
from trimtab.domain.households import HouseholdInput, LocationCost
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.snapshots import AccountSnapshot, MarketSnapshot

HOUSEHOLD = HouseholdId("H1")


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
