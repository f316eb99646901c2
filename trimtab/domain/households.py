"""A household managed as one: several accounts, one target, one proposal with a leg for each account (X8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import Tracking
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import SHIPPED, Calibration
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.proposals import AnalysisOutcome, Measures, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot, TaxYear, WashWindows


@dataclass(frozen=True, slots=True)
class LocationCost:
    """What holding an asset class in accounts of one tax status costs: tax drag on its income, a preference.

    It steers the trades that a rebalance makes anyway; nothing is sold in one account to be bought in another.
    """

    asset_class: str
    tax_status: TaxStatus
    bps: Decimal  # of the amount held, a year; zero or more


@dataclass(frozen=True, slots=True)
class HouseholdInput:
    """Everything that the joint analysis reads. The accounts' own settings hold for each account alone."""

    household_id: str
    accounts: tuple[AccountSnapshot, ...]  # of one taxpayer (a couple that files jointly is one), the IRAs included
    target: ModelPortfolio  # of the household as a whole
    market: MarketSnapshot
    tracking: Tracking = Tracking.MODERATE
    location: tuple[LocationCost, ...] = ()
    tax_year: TaxYear | None = None  # of the taxpayer, over all accounts; None: nothing nets
    tracking_error_limit: Decimal | None = None  # of the household, annualised, a fraction; never exceeded
    calibration: Calibration = SHIPPED

    @property
    def business_date(self) -> date:
        return self.accounts[0].business_date

    @property
    def wash_windows(self) -> WashWindows:
        """The windows of all accounts: what one has opened holds for each of them (WS-12)."""
        every = [account.wash_windows for account in self.accounts]
        return WashWindows(
            tuple(dict.fromkeys(each for windows in every for each in windows.loss_sales)),
            tuple(dict.fromkeys(each for windows in every for each in windows.purchases)),
        )

    def leg(self, account: AccountSnapshot) -> AnalysisInput:
        """One account of the household with the household's target and open windows."""
        snapshot = replace(account, wash_windows=self.wash_windows)
        return AnalysisInput(snapshot, self.target, self.market, self.calibration)


@dataclass(frozen=True, slots=True)
class HouseholdPrices:
    """The prices of one tax regime: no list of the household that is taxed in it is worth less than its bound there.

    Pure numbers per unit of the household's value, so floats.
    """

    factor: tuple[float, ...]  # (k,) of active factor exposure
    cash: Mapping[str, float]  # of one unit of cash, by account
    rows: Mapping[str, Mapping[str, float]]  # by account, then by the row's name
    own_rows: Mapping[str, float]  # of the taxpayer's netting rows, by name
    cap: float  # of squared tracking error above its limit
    names: Mapping[str, float] = field(default_factory=dict)  # of one name above the most of an account, by account


@dataclass(frozen=True, slots=True)
class HouseholdSideProof:
    """Further prices of one regime, each of use on some patterns of sides of some wash keys (`SideProof`)."""

    keys: tuple[SecurityId, ...]  # one security of each wash key whose sides are told apart
    prices: tuple[HouseholdPrices, ...]


@dataclass(frozen=True, slots=True)
class HouseholdCertificate:
    """Prices at which anybody can compute the bound that the household's gap is measured against (weak duality).

    The bound is the least of those of all tax regimes. `bound_bps` is the lower bound on the objective of every allowed
    list of trades that the prices prove, `objective_bps` the objective of this proposal; the gap is their difference.
    """

    by_regime: Mapping[str, HouseholdPrices]
    sides: Mapping[str, HouseholdSideProof]  # by regime, where there are any
    bound_bps: Decimal
    objective_bps: Decimal


@dataclass(frozen=True, slots=True)
class HouseholdProposal:
    """The legs in the order of the accounts, and what they come to together. Figures are of the household's value."""

    household_id: str
    business_date: date
    input_hash: str
    outcome: AnalysisOutcome
    legs: tuple[RebalanceProposal, ...]
    before: Measures
    after: Measures
    tax: Decimal  # dollars
    cost: Decimal
    turnover: Decimal
    benefit_bps: Decimal
    gap_bps: Decimal  # certified: the objective of the legs in whole shares less the dual bound
    note: str = ""
    certificate: HouseholdCertificate | None = None  # None for CONFLICT and SOLVER_FAILED
