"""Small hand-made households."""

from dataclasses import replace
from decimal import Decimal

from tests.optimizer.accounts import a_lot, a_market, a_model, a_security, an_input
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import AccountId, HouseholdId, Registration, TaxStatus
from trimtab.domain.households import HouseholdInput, LocationCost
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.snapshots import AccountSnapshot, MarketSnapshot, TaxYear

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


def the_documented_household() -> HouseholdInput:
    """What docs/household.json holds: a taxable account, an IRA and a Roth IRA with new money, worth $283,000."""
    securities = {
        "BOND": a_security("BOND", asset_class="BONDS"),
        "INTL": a_security("INTL", asset_class="INTERNATIONAL"),
        "USA": a_security("USA", asset_class="US EQUITY"),
    }
    market = a_market({"BOND": "25", "INTL": "50", "USA": "100"}, securities=securities, market_risk=0.10)
    model = a_model({"BOND": "0.30", "INTL": "0.20", "USA": "0.50"})
    taxable = a_member(
        "T", market, model, lots=(a_lot("USA", "1200", "60"), a_lot("INTL", "400", "62.5")), cash="2000",
        settings=AccountSettings(gain_budget=Decimal(10_000)),
    )  # fmt: skip
    ira = a_member(
        "I", market, model, lots=(a_lot("USA", "600", "60"), a_lot("BOND", "800", "24")), cash="1000",
        registration=Registration.TRADITIONAL_IRA,
    )  # fmt: skip
    roth = a_member("R", market, model, cash="60000", registration=Registration.ROTH_IRA)
    return replace(
        a_household(market, model, taxable, ira, roth),
        location=(LocationCost("BONDS", TaxStatus.TAXABLE, Decimal(60)),),
        tax_year=TaxYear(short_term_realised=Decimal(4000)),
        tracking_error_limit=Decimal("0.03"),
    )
