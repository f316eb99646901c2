"""A loss is washed only as far as shares were bought in the last 30 days (IRC 1091; Reg. 1.1091-1(c); WS-3, WS-4)."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import (
    BUSINESS_DATE,
    LAST_YEAR,
    a_lot,
    a_market,
    a_model,
    a_security,
    a_window,
    an_input,
)
from tests.optimizer.random_accounts import a_random_account
from trimtab.domain.account_settings import AccountSettings, Harvesting, Tracking
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.checked_bound import Priced
from trimtab.domain.optimizer.checked_legs import Leg
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.optimizer.fast.lane import solve_batch
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wash import washed_excess, washed_weight
from trimtab.domain.optimizer.washed_pieces import PricedSale
from trimtab.domain.orders import Side
from trimtab.domain.proposals import Lane, ProposedTrade, RebalanceProposal, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, WashWindow, WashWindows

TEN_DAYS_AGO = date(2026, 2, 21)
EARLIER = date(2025, 6, 1)
EAGER = AccountSettings(tracking=Tracking.LOOSE, harvesting=Harvesting.AGGRESSIVE)


def harvesting(*lots: TaxLot, bought: tuple[WashWindow, ...], group: str = "") -> AnalysisInput:
    """AAA stands at 100, half of what most of its lots cost; BBB, on its basis, takes what is sold of it."""
    securities = {each: a_security(each, wash_group=group) for each in ("AAA", "CCC")}
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, securities=securities)
    held = (*lots, a_lot("BBB", "495", "100"))
    model = a_model({"AAA": "0.5", "BBB": "0.5"})
    return an_input(market, model, lots=held, cash="1000", settings=EAGER, wash_windows=WashWindows(purchases=bought))


def test_a_lot_of_which_nothing_is_left_does_not_hide_a_dearer_one():
    """Active 1, curvature 1: at 0.2 a unit 0.8 are worth selling, for 0.8 x 0.2 + 0.2^2 / 2 = 0.18; holding is 0.5."""
    sale = PricedSale(active=1.0, curvature=1.0, slope=0.0, most=1.0)
    leg = Leg(
        SecurityId("AAA"), "AAA", SecurityId("AAA"), preference=0.0, holding=1.0, active=1.0, tilt=0.0, half_spread=0.0,
        share=0.001, whole=False, least_bought=0.0, most_bought=0.0, least_sold=0.0, most_sold=1.0, lots=(),
    )  # fmt: skip
    checked = Priced(leg, curvature=1.0, slope=0.0, purchase=0.0, lots=())

    assert sale.least([(0.1, 0.0), (0.2, 1.0)]) == pytest.approx(0.18)
    assert checked.by_selling([(0.1, 0.0, False), (0.2, 1.0, False)], most=1.0) == pytest.approx(0.18)
    assert sale.least([(0.1, 0.0)]) == checked.by_selling([(0.1, 0.0, False)], most=1.0) == 0.5


def sold(proposal: RebalanceProposal, security_id: str = "AAA") -> ProposedTrade:
    (trade,) = [each for each in proposal.trades if each.security_id == security_id and each.side is Side.SELL]
    return trade


def data_of(request: AnalysisInput) -> OptimizerData:
    value = account_value(request) or Decimal(1)
    market = MarketArrays.from_snapshot(request.market)
    return build_data(request, prepare_target(request, value), market, value)


def test_of_495_shares_sold_the_10_that_were_bought_again_are_washed():
    """495 shares lose $100 each; 10 of them are replaced: 485 * 100 * 35 % of tax are saved."""
    request = harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=(a_window("AAA", TEN_DAYS_AGO, "10"),))
    proposal = analyze(request)

    assert sold(proposal).quantity == 495
    assert proposal.short_term_gain == -49500
    assert proposal.tax == Decimal("-16975.00")
    assert (
        sold(proposal)
        .reasons[0]
        .sentence.startswith(
            "Selling AAA realises a short-term loss of $49,500.00, of which $1,000.00 are washed by shares bought"
        )
    )


def test_the_washed_shares_count_what_a_gain_of_their_size_would():
    """Each washed share gives up its credit of $35, and costs half of $35 on top: 10 of 495 weigh 10 / 495."""
    request = harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=(a_window("AAA", TEN_DAYS_AGO, "10"),))
    data = data_of(request)

    (row,) = np.flatnonzero(data.lots.at_loss)
    assert data.lots.wash_cost[row] == pytest.approx(0.35 + 0.175)
    assert data.lots.tax[row] == pytest.approx((-485 * 0.35 + 10 * 0.175) / 495)


def test_a_lot_of_which_every_share_was_bought_again_stays():
    request = harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=(a_window("AAA", TEN_DAYS_AGO, "495"),))
    proposal = analyze(request)

    assert proposal.is_empty
    assert [each.code for each in proposal.why_nots if each.security_id == "AAA"] == [WhyNotCode.WASH_SALE_WINDOW]


def test_small_lots_that_would_be_washed_whole_stay_and_use_up_no_purchase():
    """30 shares were bought; the lots of 20 and 30 would be washed whole. Of the 445, 30 are."""
    lots = (
        a_lot("AAA", "20", "200", EARLIER, name="20"),
        a_lot("AAA", "30", "200", EARLIER, name="30"),
        a_lot("AAA", "445", "200", LAST_YEAR, name="445"),
    )
    proposal = analyze(harvesting(*lots, bought=(a_window("AAA", TEN_DAYS_AGO, "30"),)))

    assert [sale.lot_id for sale in sold(proposal).lot_sales] == ["445"]
    assert proposal.tax == Decimal(-415 * 35)


def test_the_longest_held_lot_is_matched_first_and_a_purchase_washes_once():
    """Both lots are sold; the 40 shares bought replace 40 of the older one, of which a share loses $50, not $100."""
    lots = (a_lot("AAA", "300", "150", EARLIER, name="older"), a_lot("AAA", "195", "200", LAST_YEAR, name="younger"))
    proposal = analyze(harvesting(*lots, bought=(a_window("AAA", TEN_DAYS_AGO, "40"),)))

    taken = {sale.lot_id: sale.quantity for sale in sold(proposal).lot_sales}
    assert (taken["younger"], taken["older"] > 200) == (195, True)
    assert proposal.tax == -((taken["older"] - 40) * 50 + 195 * 100) * Decimal("0.35")


def test_an_older_lot_is_sold_to_use_up_the_purchase_that_would_wash_a_dearer_loss():
    """200 shares were bought. The younger 195 lose $100 each, and alone would all be washed; the older 300 lose $10.

    The first 200 of those use up the purchase, one more is not washed, and the younger save 195 * 100 * 35 %.
    """
    lots = (a_lot("AAA", "300", "110", EARLIER, name="older"), a_lot("AAA", "195", "200", LAST_YEAR, name="younger"))
    proposal = analyze(harvesting(*lots, bought=(a_window("AAA", TEN_DAYS_AGO, "200"),)))

    taken = {sale.lot_id: sale.quantity for sale in sold(proposal).lot_sales}
    assert taken == {"younger": 195, "older": 201}
    assert proposal.tax == -(195 * 100 + 1 * 10) * Decimal("0.35")
    assert proposal.gap_bps < 220  # of 617 along the chord: one block of half the account has no better bound


def test_purchases_of_a_group_and_of_the_household_add_up():
    """4 shares of the twin CCC and 6 that the spouse bought."""
    bought = (a_window("TWINS", TEN_DAYS_AGO, "4"), a_window("TWINS", TEN_DAYS_AGO, "6", account_id="SPOUSE"))
    proposal = analyze(harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=bought, group="TWINS"))

    assert proposal.tax == Decimal("-16975.00")


def test_a_reinvested_dividend_does_not_lock_a_position():
    """0.3 shares were bought with a dividend: their own lot is no replacement of itself, but of the old lot it is."""
    lots = (a_lot("AAA", "495", "200", LAST_YEAR, name="old"), a_lot("AAA", "0.3", "110", TEN_DAYS_AGO, purchase="D"))
    request = harvesting(*lots, bought=(a_window("AAA", TEN_DAYS_AGO, "0.3", purchase_id="D"),))
    proposal = analyze(request)

    taken = {sale.lot_id: sale for sale in sold(proposal).lot_sales}
    assert taken["old"].quantity >= Decimal("494.7")
    assert proposal.tax < Decimal(-17300)


def test_no_sale_stops_where_all_of_it_is_washed():
    """480 of 495 shares were bought again: selling all of them gives up too much, and selling few gives nothing."""
    request = harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=(a_window("AAA", TEN_DAYS_AGO, "480"),))

    assert analyze(request).is_empty


def test_the_checker_refuses_a_tax_that_forgets_the_washed_shares():
    request = harvesting(a_lot("AAA", "495", "200", LAST_YEAR), bought=(a_window("AAA", TEN_DAYS_AGO, "10"),))
    proposal = analyze(request)

    with pytest.raises(ProposalRejected, match=r"the tax is -16975.00, not -17325.00"):
        check(request, replace(proposal, tax=Decimal("-17325.00")))


def a_washed_account(seed: int) -> AnalysisInput:
    """A random account with purchases of odd sizes in several keys."""
    rng = random.Random(seed)
    request = a_random_account(seed)
    keys = sorted({each.wash_key for each in request.market.securities.values()})
    windows = tuple(
        a_window(
            rng.choice(keys),
            BUSINESS_DATE - timedelta(days=rng.choice([0, 3, 10])),
            str(rng.choice([0.3, 2, 15, 120, 900])),
            account_id=rng.choice([request.snapshot.account.id, "A2"]),
            purchase_id=rng.choice(["", "P0", "P1"]),
        )
        for _ in range(rng.choice([1, 2, 3, 4]))
    )
    return replace(request, snapshot=replace(request.snapshot, wash_windows=WashWindows(purchases=windows)))


def some_sales(data: OptimizerData, seed: int) -> Floats:
    """A random part of each lot: nothing, everything, or in between."""
    rng = np.random.default_rng(seed)
    part = np.clip(rng.uniform(-0.5, 1.5, len(data.lots.lots)), 0.0, 1.0)
    return np.asarray(part * data.lots.limit, dtype=np.float64)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_the_true_tax_of_any_sale_is_never_below_what_the_problem_has(seed: int):
    """So that the lower bound, taken of the problem, is one of the truth."""
    data = data_of(a_washed_account(seed))
    sells = some_sales(data, seed)
    lots, share = data.lots, data.securities.share
    chord = np.divide(lots.washed, lots.value, out=np.zeros(len(sells)), where=lots.value > 0) * sells

    assert (washed_weight(lots, share, sells) >= chord - 1e-12).all()
    assert (washed_excess(lots, share, lots.limit) <= 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_accounts_with_washed_parts_pass_the_checker_and_stay_above_their_bound(seed: int):
    request = a_washed_account(seed)

    proposal = analyze(request)

    check(request, proposal)
    assert proposal.gap_bps >= Decimal("-0.001")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_the_bound_holds_for_any_lawful_sale(seed: int):
    data = data_of(a_washed_account(seed))
    held = data.securities
    sells = some_sales(data, seed)
    total = np.bincount(data.lots.security, sells, len(held.ids))
    if (total > held.sell_limit + 1e-12).any() or (total < held.sell_minimum).any() or held.buy_minimum.any():
        return
    value = evaluate(data, sells, np.zeros(len(held.ids)))

    if data.cash + ((1 - held.half_spread) * total).sum() >= data.cash_minimum:
        assert lower_bound(data, standing_prices(data)).value <= value.total + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_no_lawful_sale_is_better_than_what_the_account_is_proved_to_be_worth_at_most(seed: int):
    """Lots sold whole or not at all, where the pieces of their concave tax have their corners."""
    data = data_of(a_washed_account(seed))
    (outcome,) = solve_batch([data])
    if not outcome.bounds:
        return
    held, rng = data.securities, np.random.default_rng(seed)
    for _ in range(30):
        sells = np.where(rng.random(len(data.lots.lots)) < 0.5, data.lots.limit, 0.0)
        total = np.bincount(data.lots.security, sells, len(held.ids))
        if (total > held.sell_limit + 1e-12).any() or (total < held.sell_minimum).any() or held.buy_minimum.any():
            continue
        if data.cash + ((1 - held.half_spread) * total).sum() >= data.cash_minimum:
            value = evaluate(data, sells, np.zeros(len(held.ids))).total
            assert min(outcome.bounds) <= value + 1e-9


@pytest.mark.parametrize("cap", [None, Decimal("0.9")])
@pytest.mark.parametrize(
    ("shares", "cost", "bought", "gap"),
    [("495", "130", "250", 1), ("495", "120", "300", 1), ("600", "115", "100", 0.1)],
)
def test_what_is_certified_of_lots_washed_in_part_is_their_true_tax_in_both_lanes(
    shares: str, cost: str, bought: str, gap: float, cap: Decimal | None
):
    """Along the chords of the tax the bound is 50 to 140 bp too low. A cap that binds nothing: the slow lane."""
    request = harvesting(
        a_lot("AAA", shares, cost, LAST_YEAR),
        a_lot("AAA", "100", "105", EARLIER),
        bought=(a_window("AAA", TEN_DAYS_AGO, bought),),
    )
    rules = replace(request.snapshot.settings, tracking=Tracking.TIGHT, tracking_error_limit=cap)

    proposal = analyze(replace(request, snapshot=replace(request.snapshot, settings=rules)))

    assert proposal.lane is (Lane.FAST if cap is None else Lane.CLARABEL)
    assert 0 <= proposal.gap_bps < gap
