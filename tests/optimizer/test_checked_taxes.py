"""Netting of a year's gains and losses in exact decimals: every case of TL-11, and what trades add to it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, an_input
from tests.optimizer.trade_lists import a_list, violations
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.checked_taxes import Netted, netted, year_tax
from trimtab.domain.snapshots import AnalysisInput, TaxYear

THE_LIMIT, SEPARATE = Decimal(3000), Decimal(1500)


def result(taxed_short: int = 0, taxed_long: int = 0, deducted: int = 0, short: int = 0, long: int = 0) -> Netted:
    return Netted(*map(Decimal, (taxed_short, taxed_long, deducted, short, long)))


@pytest.mark.parametrize(
    ("short", "long", "carried", "limit", "expected"),
    [
        (-3000, 8000, (0, 0), THE_LIMIT, result(taxed_long=5000)),
        (-10000, 2000, (0, 0), THE_LIMIT, result(deducted=3000, short=5000)),
        (-1000, -6000, (0, 0), THE_LIMIT, result(deducted=3000, long=4000)),
        (1000, 2500, (4000, 1000), THE_LIMIT, result(deducted=1500)),
        (5000, -2000, (0, 0), THE_LIMIT, result(taxed_short=3000)),
        (4000, -9000, (0, 0), THE_LIMIT, result(deducted=3000, long=2000)),
        (0, -9000, (0, 0), SEPARATE, result(deducted=1500, long=7500)),  # married filing separately
        (1000, 2000, (0, 0), THE_LIMIT, result(taxed_short=1000, taxed_long=2000)),
        (-5000, -6000, (0, 0), THE_LIMIT, result(deducted=3000, short=2000, long=6000)),
        (0, 0, (0, 0), THE_LIMIT, result()),
    ],
)
def test_a_year_nets_as_the_code_says(
    short: int, long: int, carried: tuple[int, int], limit: Decimal, expected: Netted
):
    assert netted(Decimal(short) - carried[0], Decimal(long) - carried[1], limit) == expected


def test_the_years_tax_is_the_sum_of_its_parts():
    """24 % short-term on 3,000; 32 % of 3,000 deducted and 10 % of the 5,000 carried on."""
    rates = AccountSettings(short_term_rate=Decimal("0.24"), long_term_rate=Decimal("0.15"))
    year = TaxYear(ordinary_rate=Decimal("0.32"), carried_loss_value=Decimal("0.10"))

    assert year_tax(Decimal(5000), Decimal(-2000), year, rates) == 720
    assert year_tax(Decimal(-10000), Decimal(2000), year, rates) == -960 - 500
    assert year_tax(Decimal(-3000), Decimal(8000), year, rates) == 750


CENTS = st.integers(min_value=-2_000_000, max_value=2_000_000).map(lambda cents: Decimal(cents) / 100)


@given(CENTS, CENTS)
def test_the_years_tax_is_the_cheaper_of_the_two_regimes(short: Decimal, long: Decimal):
    """The closed form that the arrays use (design page, 12.5): the least of two convex functions, everywhere."""
    rates = AccountSettings(short_term_rate=Decimal("0.35"), long_term_rate=Decimal("0.20"))
    year = TaxYear(ordinary_rate=Decimal("0.32"), carried_loss_value=Decimal("0.10"))
    net, limit = short + long, year.deduction_limit
    deep = year.carried_loss_value * (net + limit) - year.ordinary_rate * limit
    long_regime = max(Decimal("0.20") * net, deep) + Decimal("0.15") * max(short, Decimal(0))
    short_regime = max(deep, year.ordinary_rate * net, Decimal("0.35") * net)

    assert year_tax(short, long, year, rates) == min(long_regime, short_regime)


@given(CENTS, CENTS)
def test_nothing_is_lost_in_netting(short: Decimal, long: Decimal):
    net = netted(short, long, THE_LIMIT)

    assert net.taxed_short + net.taxed_long - net.deducted - net.carried_short - net.carried_long == short + long
    assert min(net.taxed_short, net.taxed_long, net.deducted, net.carried_short, net.carried_long) >= 0


def an_account(year: TaxYear | None, registration: Registration = Registration.INDIVIDUAL) -> AnalysisInput:
    """100 AAA bought at 90 and worth 100 a share, short-term; rates 35 % and 20 %."""
    market = a_market({"AAA": "100", "BBB": "50"})
    request = an_input(
        market,
        a_model({"AAA": "0.5", "BBB": "0.5"}),
        lots=(a_lot("AAA", "100", "90", LAST_YEAR, name="AAA-new"),),
        cash="1000",
        registration=registration,
    )
    return replace(request, snapshot=replace(request.snapshot, tax_year=year))


@pytest.mark.parametrize(
    ("year", "tax"),
    [
        (None, "350.00"),  # 35 % of 1,000
        (TaxYear(), "350.00"),
        (TaxYear(short_term_carried=Decimal(600)), "350.00"),  # 600 would have been deducted at 35 %: 140 + 210
        (TaxYear(long_term_realised=Decimal(-20000)), "100.00"),  # one dollar less is carried on, worth 10 cents
        (TaxYear(short_term_realised=Decimal(-2000), long_term_realised=Decimal(9000)), "200.00"),  # long-term gain
    ],
)
def test_trades_are_taxed_at_what_they_add_to_the_year(year: TaxYear | None, tax: str):
    request = an_account(year)
    proposal = a_list(request, sells={"AAA-new": "100"})

    assert proposal.tax == Decimal(tax)
    assert violations(request, proposal) == []
    cent_less = replace(proposal, tax=proposal.tax - Decimal("0.01"))
    assert violations(request, cent_less) == [f"the tax is {tax}, not {cent_less.tax}"]


def test_an_ira_has_no_tax_whatever_the_year_was():
    request = an_account(TaxYear(short_term_realised=Decimal(9000)), Registration.ROTH_IRA)

    assert a_list(request, sells={"AAA-new": "100"}).tax == 0
