"""Events beyond splits as scenarios: lots before, the event, lots after, in numbers of real events (CA-5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.factories import a_lot
from trimtab.domain.corporate_actions import ActionKind, CorporateAction
from trimtab.domain.corporate_actions_events import (
    Allocation,
    AnyEvent,
    Distribution,
    ElectiveDividend,
    Merger,
    PendingAllocation,
    Received,
    ReturnOfCapital,
    RightsDistribution,
    RightsExercise,
    RightsLapse,
    StockDividend,
    Tender,
    TermsIncomplete,
    Treatment,
    Unchanged,
    Worthless,
)
from trimtab.domain.corporate_actions_exchanges import apply_event
from trimtab.domain.corporate_actions_outcomes import Outcome
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, first_long_term_sale_date
from trimtab.domain.securities import SecurityId

D = Decimal
BOUGHT = date(2018, 1, 2)
SPUN = date(2024, 4, 1)
MMM, SOLV = SecurityId("MMM"), SecurityId("SOLV")
X, Y = SecurityId("X"), SecurityId("Y")
SOLVENTUM = Distribution(
    "MMM-SOLV",
    1,
    MMM,
    SPUN,
    children=(Received(SOLV, Fraction(1, 4), D("69.10")),),
    allocation=Allocation({MMM: D("84.4782"), SOLV: D("15.5218")}, "Form 8937", "issuer"),
)


def lot(name: str, quantity: str, cost: str, lot_id: str = "L", **more: date) -> TaxLot:
    return a_lot(lot_id, quantity, cost, more.get("acquired_on", BOUGHT), security_id=name)


def after(event: AnyEvent, *lots: TaxLot) -> Outcome:
    """The outcome, with every cent of basis accounted for."""
    outcome = apply_event(lots, event)
    assert outcome.conserves(lots)
    return outcome


def rows(lots: Sequence[TaxLot]) -> list[tuple[str, Decimal, Decimal]]:
    return [(each.security_id, each.quantity, each.cost) for each in lots]


def test_three_m_spins_off_solventum_lot_by_lot_and_pays_for_the_half_share() -> None:
    outcome = after(SOLVENTUM, lot("MMM", "200", "30000", "1"), lot("MMM", "210", "25200", "2"))

    assert rows(outcome.lots) == [
        ("MMM", 200, D("25343.46")),
        ("MMM", 210, D("21288.51")),
        ("SOLV", 50, D("4656.54")),
        ("SOLV", 52, D("3874.24")),  # 3,911.49 less the half share's 37.25
    ]
    assert {each.acquired_on for each in outcome.lots} == {BOUGHT}
    (paid,) = outcome.realized
    assert (paid.quantity, paid.proceeds, paid.basis, paid.gain) == (D("0.5"), D("34.55"), D("37.25"), D("-2.70"))
    assert (paid.period, outcome.cash) == (HoldingPeriod.LONG_TERM, D("34.55"))


def test_united_technologies_gives_two_children_and_the_cent_goes_to_the_largest_remainder() -> None:
    rtx, carr, otis = SecurityId("RTX"), SecurityId("CARR"), SecurityId("OTIS")
    event = Distribution(
        "UTX",
        1,
        rtx,
        date(2020, 4, 3),
        children=(Received(carr, Fraction(1)), Received(otis, Fraction(1, 2))),
        allocation=Allocation({rtx: D("49.93"), carr: D("16.92"), otis: D("23.66")}, "closes", "Form 8937"),
    )

    assert rows(after(event, lot("RTX", "100", "8000")).lots) == [
        ("RTX", 100, D("4413.21")),
        ("CARR", 100, D("1495.53")),
        ("OTIS", 50, D("2091.26")),
    ]


def test_att_shareholders_get_warner_bros_discovery_at_the_companys_percentages() -> None:
    event = Distribution(
        "T-WBD",
        1,
        SecurityId("T"),
        date(2022, 4, 11),
        children=(Received(SecurityId("WBD"), Fraction(241917, 1_000_000), D("24.88")),),
        allocation=Allocation({SecurityId("T"): D("76.24"), SecurityId("WBD"): D("23.76")}, "high-low", "AT&T"),
    )

    outcome = after(event, lot("T", "1000", "32000"))

    assert rows(outcome.lots) == [("T", 1000, D("24396.80")), ("WBD", 241, D("7574.38"))]
    (paid,) = outcome.realized
    assert (paid.quantity, paid.basis, paid.proceeds, paid.gain) == (D("0.917"), D("28.82"), D("22.81"), D("-6.01"))


def test_a_spin_off_without_an_allocation_waits() -> None:
    with pytest.raises(PendingAllocation, match="waits for its basis allocation"):
        apply_event((lot("MMM", "200", "30000"),), replace(SOLVENTUM, allocation=None))


def test_an_allocation_that_names_other_shares_is_none() -> None:
    wrong = Allocation({MMM: D(80), X: D(20)}, "Form 8937", "issuer")
    with pytest.raises(PendingAllocation, match="does not cover MMM, SOLV"):
        apply_event((lot("MMM", "200", "30000"),), replace(SOLVENTUM, allocation=wrong))


def test_a_disallowed_loss_in_the_basis_is_divided_like_the_basis() -> None:
    washed = a_lot("L", "100", "1000", BOUGHT, security_id="MMM", wash_adjustment="100")

    parent, child = after(SOLVENTUM, washed).lots

    assert (parent.wash_adjustment, child.wash_adjustment) == (D("84.48"), D("15.52"))


def test_a_taxable_spin_off_is_income_up_to_earnings_and_lowers_basis_by_the_rest() -> None:
    event = Distribution(
        "E", 1, X, date(2024, 6, 3), (Received(Y, Fraction(1), fair_value=D(20)),), Treatment.TAXABLE, None, D("0.75")
    )

    outcome = after(event, lot("X", "100", "300"))

    # 2,000 received: 1,500 income; 500 returns the basis of 300 and the last 200 is gain.
    assert rows(outcome.lots) == [("X", 100, 0), ("Y", 100, 2000)]
    assert outcome.lots[1].acquired_on == date(2024, 6, 3)
    assert (outcome.income, outcome.realized[0].gain) == (1500, 200)


def test_a_three_percent_stock_dividend_spreads_the_basis_and_keeps_the_date() -> None:
    (one,) = after(StockDividend("E", 1, X, SPUN, Fraction(3, 100)), lot("X", "100", "1000")).lots

    assert (one.quantity, one.cost, one.acquired_on) == (103, 1000, BOUGHT)
    assert round(one.unit_cost, 4) == D("9.7087")


def test_additional_shares_are_not_new_for_old_ones() -> None:
    (one,) = after(StockDividend("E", 1, X, SPUN, Fraction(3)), lot("X", "100", "1000")).lots
    assert one.quantity == 400


def test_a_dividend_taken_in_stock_is_income_and_a_new_lot() -> None:
    event = ElectiveDividend("E", 1, X, SPUN, Received(X, Fraction(1, 50), fair_value=D(60)))

    outcome = after(event, lot("X", "100", "1000"))

    assert rows(outcome.lots) == [("X", 100, 1000), ("X", 2, 120)]
    assert (outcome.lots[1].acquired_on, outcome.income) == (SPUN, 120)


def test_a_reverse_split_pays_for_the_fraction_out_of_the_youngest_lot() -> None:
    event = CorporateAction("E", 1, ActionKind.SPLR, X, SPUN, Fraction(1, 8), D("100"))
    young = lot("X", "13", "260", "new", acquired_on=date(2024, 1, 2))

    outcome = after(event, lot("X", "80", "800", "old"), young)

    # 93 shares are 11.625: 10 of the old lot, 1.625 of the new one, of which 0.625 is paid for.
    assert rows(outcome.lots) == [("X", 10, 800), ("X", 1, 160)]
    (paid,) = outcome.realized
    assert (paid.lot_id, paid.proceeds, paid.basis, paid.gain) == ("new", D("62.50"), 100, D("-37.50"))
    assert paid.period is HoldingPeriod.SHORT_TERM


def test_a_cash_merger_sells_each_lot_by_its_own_term() -> None:
    event = Merger("TWTR", 1, X, date(2022, 10, 27), Treatment.TAXABLE, D("54.20"))
    young = lot("X", "10", "500", "new", acquired_on=date(2022, 3, 1))

    outcome = after(event, lot("X", "100", "4000", "old"), young)

    assert outcome.lots == ()
    assert [(each.gain, each.period) for each in outcome.realized] == [
        (D("1420.00"), HoldingPeriod.LONG_TERM),
        (D("42.00"), HoldingPeriod.SHORT_TERM),
    ]
    assert outcome.cash == D("5962.00")


def test_a_stock_merger_carries_basis_and_date_to_the_acquirer() -> None:
    stock = Received(SecurityId("XOM"), Fraction(23234, 10000), D("116.00"))

    outcome = after(Merger("PXD", 1, X, date(2024, 5, 3), Treatment.TAX_FREE, stock=stock), lot("X", "100", "15000"))

    assert rows(outcome.lots) == [("XOM", 232, D("14978.05"))]
    assert outcome.lots[0].acquired_on == BOUGHT
    (paid,) = outcome.realized
    assert (paid.quantity, paid.basis, paid.proceeds, paid.gain) == (D("0.34"), D("21.95"), D("39.44"), D("17.49"))


@pytest.mark.parametrize(
    ("basis", "recognized", "new_basis"),
    [("8000", "2051.00", "4676.00"), ("4000", "5375.00", "4000.00"), ("11000", "0", "5625.00")],
)
def test_time_warner_is_a_reorganisation_with_boot(basis: str, recognized: str, new_basis: str) -> None:
    stock = Received(SecurityId("T"), Fraction(1437, 1000), fair_value=D("32.54"))
    event = Merger("TWX", 1, X, date(2018, 6, 14), Treatment.TAX_FREE, D("53.75"), stock)

    outcome = after(event, lot("X", "100", basis))

    assert rows(outcome.lots) == [("T", D("143.7"), D(new_basis))]
    assert (outcome.realized[0].gain, outcome.cash) == (D(recognized), D("5375.00"))


def test_a_loss_in_one_lot_does_not_lower_the_gain_of_another() -> None:
    stock = Received(SecurityId("T"), Fraction(1437, 1000), fair_value=D("32.54"))
    event = Merger("TWX", 1, X, date(2018, 6, 14), Treatment.TAX_FREE, D("53.75"), stock)

    outcome = after(event, lot("X", "100", "8000", "a"), lot("X", "100", "11000", "b"))

    assert [each.gain for each in outcome.realized] == [D("2051.00"), 0]


def test_aetna_was_fully_taxable_although_it_paid_stock_and_cash() -> None:
    cvs = Received(SecurityId("CVS"), Fraction(8378, 10000), D("80.27"), D("80.27"))
    event = Merger("AET", 1, X, date(2018, 11, 28), Treatment.TAXABLE, D("145.00"), cvs)

    outcome = after(event, lot("X", "100", "402"))

    assert rows(outcome.lots) == [("CVS", 83, D("6662.41"))]
    assert outcome.lots[0].acquired_on == date(2018, 11, 28)
    assert (outcome.realized[0].gain, outcome.realized[1].gain) == (D("20823.02"), 0)
    assert outcome.cash == D("14562.61")


def test_vmware_pays_what_proration_left_of_the_choice_of_stock() -> None:
    avgo = Received(SecurityId("AVGO"), Fraction(131292, 1_000_000), fair_value=D("979.50"))
    elected = Merger("VMW", 1, X, date(2023, 11, 22), Treatment.TAX_FREE, D("68.2575"), avgo)

    outcome = after(elected, lot("X", "100", "10000"))

    assert rows(outcome.lots) == [("AVGO", D("13.1292"), D("10000.00"))]
    assert (outcome.cash, outcome.realized[0].gain) == (D("6825.75"), D("6825.75"))


def test_a_merger_that_pays_nothing_and_one_without_a_value_are_refused() -> None:
    with pytest.raises(TermsIncomplete, match="neither cash nor stock"):
        apply_event((lot("X", "100", "1"),), Merger("E", 1, X, SPUN, Treatment.TAXABLE))
    boot = Merger("E", 1, X, SPUN, Treatment.TAX_FREE, D(1), Received(Y, Fraction(1)))
    with pytest.raises(TermsIncomplete, match="no fair value of Y"):
        apply_event((lot("X", "100", "1"),), boot)


@pytest.mark.parametrize(("a_share", "basis", "gain"), [("3.00", 700, 0), ("11.00", 0, 100)])
def test_a_return_of_capital_lowers_basis_to_zero_and_then_is_gain(a_share: str, basis: int, gain: int) -> None:
    outcome = after(ReturnOfCapital("E", 1, X, SPUN, D(a_share)), lot("X", "100", "1000"))

    assert outcome.lots[0].cost == basis
    assert sum(each.gain for each in outcome.realized) == gain


def test_a_prorated_tender_sells_the_accepted_part_of_each_lot_offered() -> None:
    event = Tender("E", 1, X, SPUN, D(50), {LotId("a"): D(100)}, Fraction(2, 5))

    outcome = after(event, lot("X", "100", "3000", "a"), lot("X", "100", "1000", "b"))

    assert rows(outcome.lots) == [("X", 60, 1800), ("X", 100, 1000)]
    assert (outcome.cash, outcome.realized[0].gain) == (2000, 800)


@pytest.mark.parametrize(
    ("value", "elects", "stock_basis", "rights_basis"),
    [("1.40", False, "1000", "0"), ("1.40", True, "877.19", "122.81"), ("1.50", False, "869.57", "130.43")],
)
def test_rights_get_basis_from_fifteen_percent_on_or_by_election(
    value: str, elects: bool, stock_basis: str, rights_basis: str
) -> None:
    right = Received(Y, Fraction(1), fair_value=D(value))

    outcome = after(RightsDistribution("E", 1, X, SPUN, right, D(10), elects), lot("X", "100", "1000"))

    assert rows(outcome.lots) == [("X", 100, D(stock_basis)), ("Y", 100, D(rights_basis))]
    assert outcome.lots[1].acquired_on == BOUGHT


def test_exercised_rights_become_shares_whose_period_begins_on_the_day_itself() -> None:
    exercised = date(2024, 5, 10)
    event = RightsExercise("E", 1, Y, exercised, X, Fraction(1, 2), D(8))

    outcome = after(event, lot("Y", "100", "130.43"))

    assert rows(outcome.lots) == [("X", 50, D("530.43"))]
    assert outcome.cash == -400
    assert first_long_term_sale_date(outcome.lots[0].holding_from) == date(2025, 5, 10)


def test_rights_that_lapse_give_their_basis_back_and_no_loss() -> None:
    right = Received(Y, Fraction(1), fair_value=D("1.50"))
    given_out = after(RightsDistribution("E", 1, X, SPUN, right, D(10)), lot("X", "100", "1000"))

    outcome = after(RightsLapse("F", 1, Y, SPUN), *given_out.lots)

    assert rows(outcome.lots) == [("X", 100, 1000)]
    assert outcome.realized == ()


def test_worthless_shares_are_a_loss_on_the_last_day_of_the_year() -> None:
    (loss,) = after(Worthless("E", 1, X, date(2024, 3, 1)), lot("X", "100", "1000")).realized
    assert (loss.gain, loss.sold_on) == (-1000, date(2024, 12, 31))


@pytest.mark.parametrize("kind", [ActionKind.CHAN, ActionKind.DLST, ActionKind.BRUP])
def test_renames_delistings_and_bankruptcies_leave_lots_alone(kind: ActionKind) -> None:
    before = lot("X", "100", "1000")
    assert after(Unchanged("E", 1, X, SPUN, kind), before).lots == (before,)


def test_an_account_without_the_security_is_not_touched() -> None:
    other = lot("VTI", "10", "100")
    assert after(SOLVENTUM, other) == Outcome((other,))


_LOTS = st.lists(st.tuples(st.integers(1, 2_000_000), st.integers(0, 5_000_000)), min_size=1, max_size=4).map(
    lambda pairs: tuple(lot("X", str(D(q) / 1000), str(D(c) / 100), f"L{i}") for i, (q, c) in enumerate(pairs))
)


@given(_LOTS, st.integers(1, 3000), st.integers(1, 99), st.sampled_from(["0", "12.34"]))
def test_basis_is_conserved_to_the_cent_whatever_the_lots(
    lots: tuple[TaxLot, ...], ratio: int, percent: int, cash: str
) -> None:
    received = Received(Y, Fraction(ratio, 1000), D("31.07"), D("31.07"))
    allocation = Allocation({X: D(percent), Y: D(100 - percent)}, "Form 8937", "issuer")
    events: tuple[AnyEvent, ...] = (
        Distribution("E", 1, X, SPUN, (received,), allocation=allocation),
        Distribution("E", 1, X, SPUN, (received,), Treatment.TAXABLE, dividend_part=D("0.4")),
        Merger("E", 1, X, SPUN, Treatment.TAX_FREE, D(cash), received),
        Merger("E", 1, X, SPUN, Treatment.TAXABLE, D(cash), received),
        ReturnOfCapital("E", 1, X, SPUN, D("7.77")),
    )
    for event in events:
        outcome = apply_event(lots, event)
        assert outcome.conserves(lots)
        assert all(each.cost >= 0 and each.quantity > 0 for each in outcome.lots)
