"""The year's tax nets: TL-11's cases, the two convex regimes, and accounts that end at a kink of the tax.

Rates: 35 % short-term, 20 % long-term, 30 % ordinary income; a dollar of carried loss is worth 10 cents.
"""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, an_input
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.netting import Rates, added_tax, year_tax
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput, TaxYear

YEAR = TaxYear(ordinary_rate=Decimal("0.30"), carried_loss_value=Decimal("0.10"))
SETTINGS = AccountSettings()


def a_year(short: str = "0", long: str = "0", *, carried_short: str = "0", carried_long: str = "0") -> TaxYear:
    return replace(
        YEAR,
        short_term_realised=Decimal(short),
        long_term_realised=Decimal(long),
        short_term_carried=Decimal(carried_short),
        long_term_carried=Decimal(carried_long),
    )


@pytest.mark.parametrize(
    ("short", "long", "year", "tax"),
    [
        ("-3000", "8000", YEAR, "1000"),  # 5,000 taxed long-term
        ("-10000", "2000", YEAR, "-1400"),  # 3,000 deducted, 5,000 carried
        ("-1000", "-6000", YEAR, "-1300"),  # 3,000 deducted, 4,000 carried
        ("1000", "2500", a_year(carried_short="4000", carried_long="1000"), "-450"),  # 1,500 deducted, nothing carried
        ("5000", "-2000", YEAR, "1050"),  # 3,000 taxed short-term
        ("4000", "-9000", YEAR, "-1100"),  # 3,000 deducted, 2,000 carried
        ("0", "-9000", replace(YEAR, deduction_limit=Decimal(1500)), "-1200"),  # married filing separately
        ("2000", "3000", YEAR, "1300"),  # 700 and 600
    ],
)
def test_gains_and_losses_net_by_term_then_against_each_other_then_against_income(
    short: str, long: str, year: TaxYear, tax: str
):
    assert year_tax(Decimal(short), Decimal(long), year, SETTINGS) == Decimal(tax)


def test_a_sale_adds_what_the_year_costs_with_it_less_without_it():
    """A long-term loss of 5,000 after 4,000 of short-term gains: 1,400 of tax gone, 1,000 deducted."""
    assert added_tax(Decimal(0), Decimal(-5000), a_year("4000"), SETTINGS) == Decimal(-1700)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-20000, 20000),
    st.integers(-20000, 20000),
    st.sampled_from(["0", "0.10", "0.20", "0.25", "0.30"]),
    st.sampled_from(["0.20", "0.30", "0.35"]),
)
def test_the_tax_is_the_least_of_its_two_convex_regimes(short: int, long: int, carried: str, ordinary: str):
    if Decimal(carried) > Decimal(ordinary):
        return
    year = replace(YEAR, carried_loss_value=Decimal(carried), ordinary_rate=Decimal(ordinary))
    rates = Rates.of(year, SETTINGS, Decimal(100_000))
    net, net_short = (short + long) / 1e5, short / 1e5

    least = min(rates.long_tax(net, net_short), rates.short_tax(net))

    assert least == pytest.approx(float(year_tax(Decimal(short), Decimal(long), year, SETTINGS)) / 1e5, abs=1e-12)


def sold(proposal: RebalanceProposal, security_id: str) -> dict[str, int]:
    """Shares sold by lot."""
    trades = [each for each in proposal.trades if each.security_id == security_id and each.side is Side.SELL]
    return {sale.lot_id: int(sale.quantity) for trade in trades for sale in trade.lot_sales}


def two_names(
    first: tuple[TaxLot, ...],
    second: int,
    year: TaxYear | None,
    settings: AccountSettings | None = None,
    cash: str = "1000",
) -> AnalysisInput:
    """$100,000: AAA in the lots given and `second` shares of BBB, $100 each; wanted are half of each but for cash."""
    market = a_market({"AAA": "100", "BBB": "100"}, market_risk=0.0)
    model = a_model({"AAA": "0.5", "BBB": "0.5"})
    lots = (*first, a_lot("BBB", str(second), "100"))
    request = an_input(market, model, lots=lots, cash=cash, settings=settings)
    return replace(request, snapshot=replace(request.snapshot, tax_year=year))


def test_an_overweight_is_sold_until_carried_losses_are_worth_as_much_against_income():
    """5,000 of carried losses: of the first 2,000 of gain a dollar costs 10 cents later, of the next 30 cents now.

    AAA is 11.3 % over. At 100 shares sold its risk and BBB's are worth 1.6 x 0.013 = 0.0208 a unit: more than
    0.5 x 0.10 x 0.2 + 0.0014 = 0.0114, less than 0.5 x 0.30 x 0.2 + 0.0014 = 0.0314.
    """
    request = two_names((a_lot("AAA", "608", "80", name="gain"),), 382, a_year(carried_long="5000"))

    proposal = analyze(request)

    assert sold(proposal, "AAA") == {"gain": 100}
    assert proposal.long_term_gain == 2000
    assert proposal.tax == 200


def test_losses_are_harvested_until_three_thousand_dollars_are_deducted():
    """$1,000,000 in AAA and BBB on target. Of 20 dollars of loss a share, a dollar saves 30 cents up to 3,000, then 10.

    At 150 shares sold AAA's risk costs 0.8 x 0.015 and the cash at most 0.01: below 0.03, above 0.01.
    """
    market = a_market({"AAA": "100", "BBB": "100"}, market_risk=0.0)
    lots = (a_lot("AAA", "4950", "120", name="loss"), a_lot("BBB", "4950", "100"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="10000")

    proposal = analyze(replace(request, snapshot=replace(request.snapshot, tax_year=YEAR)))

    assert sold(proposal, "AAA") == {"loss": 150}
    assert proposal.tax == -900


def test_a_long_term_loss_saves_the_short_term_rate_while_there_are_short_term_gains():
    """10,000 of short-term gains were realised: each dollar of long-term loss is worth 35 cents, not 20."""
    lots = (a_lot("AAA", "495", "120", name="loss"),)

    alone = analyze(two_names(lots, 495, None))
    netted = analyze(two_names(lots, 495, a_year("10000")))

    assert netted.tax == netted.long_term_gain * Decimal("0.35")
    assert netted.long_term_gain < alone.long_term_gain


def test_the_second_account_of_a_taxpayer_must_not_deduct_the_same_three_thousand_again():
    """3,000 of net losses are realised already: what is harvested now is carried, at 10 cents a dollar."""
    lots = (a_lot("AAA", "495", "120", name="loss"),)

    proposal = analyze(two_names(lots, 495, a_year("-3000")))

    assert proposal.tax == proposal.long_term_gain * Decimal("0.10")


def test_a_tax_budget_counts_netted_tax():
    """4,000 of carried losses: gains of 4,000 use up 1,000 at 10 cents and 3,000 at 30, and 500 more are taxed at 20.

    AAA is 35 % over and gains 20 a share: 225 shares cost 100 + 900 + 100 of tax.
    """
    budget = AccountSettings(tax_budget=Decimal(1100))
    request = two_names((a_lot("AAA", "845", "80", name="gain"),), 145, a_year(carried_long="4000"), budget)

    proposal = analyze(request)

    assert sold(proposal, "AAA") == {"gain": 225}
    assert proposal.tax == 1100


def test_two_lots_that_a_budget_makes_equally_dear_are_each_sold_in_part():
    """Long-term lot: gain 30, tax 0.030 a unit; short-term lot: gain 20, tax 0.035. A price of gains of 0.05 makes both
    0.045, and 1.6 x 0.029 is worth that and 0.0014 of costs: 100 shares, of which a budget of 2,500 takes 50 of each.
    All but $20 is invested and stays so.
    """
    lots = (a_lot("AAA", "300", "70", name="long"), a_lot("AAA", "329", "80", LAST_YEAR, name="short"))
    rules = AccountSettings(gain_budget=Decimal(2500), cash_target=Decimal(0))

    proposal = analyze(two_names(lots, 371, None, rules, cash="20"))

    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert sold(proposal, "AAA") == {"long": 50, "short": 50}
    assert proposal.gap_bps < 1
