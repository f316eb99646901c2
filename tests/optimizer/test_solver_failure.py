"""A solver gives no answer, or none in time: less of the problem is answered, and the ladder says how much."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.optimizer.accounts import BUSINESS_DATE, a_lot, a_market, a_model, an_input
from tests.optimizer.random_accounts import a_random_ruled_account
from trimtab.domain.account_settings import CashNeed
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer import clarabel_lane
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.fast import shapes
from trimtab.domain.optimizer.time_budget import TimeBudget
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Lane, Rung
from trimtab.domain.snapshots import AnalysisInput


def an_account(registration: Registration) -> AnalysisInput:
    """600 AAA at $100 and 300 BBB at $50 against a target of 40/60: there is something to trade."""
    market = a_market({"AAA": "100", "BBB": "50"})
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70"))
    model = a_model({"AAA": "0.4", "BBB": "0.6"})
    return an_input(market, model, lots=lots, cash="25000", registration=registration)


def test_an_account_that_the_first_lane_does_not_know_goes_to_the_other(monkeypatch: pytest.MonkeyPatch):
    request = an_account(Registration.INDIVIDUAL)
    fast = analyze(request)
    monkeypatch.setattr(shapes, "MOST_ROWS", -1)

    slow = analyze(request)

    assert (fast.lane, slow.lane) == (Lane.FAST, Lane.CLARABEL)
    assert [(each.security_id, each.side, each.quantity) for each in slow.trades] == [
        (each.security_id, each.side, each.quantity) for each in fast.trades
    ]


@pytest.mark.parametrize("registration", [Registration.INDIVIDUAL, Registration.ROTH_IRA])
def test_with_a_stalled_solver_an_account_that_may_hold_still_does(
    registration: Registration, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shapes, "MOST_ROWS", -1)
    monkeypatch.setitem(clarabel_lane._SETTINGS, "max_iter", 1)
    request = an_account(registration)

    proposal = analyze(request)

    assert (proposal.outcome, proposal.rung) == (AnalysisOutcome.NO_TRADE, Rung.HOLD)
    assert proposal.is_empty
    assert proposal.note == "No trades were found in time that pass the checker, so nothing is traded today."
    assert proposal.gap_bps > 0
    check(request, proposal)


class Ticking:
    """A clock on which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> float:
        self.now += 1
        return float(self.now)


def capped(**settings: object) -> AnalysisInput:
    """The account with a limit of tracking error, which only the interior-point solver knows."""
    request = an_account(Registration.INDIVIDUAL)
    rules = replace(request.snapshot.settings, tracking_error_limit=Decimal("0.5"), **settings)  # type: ignore[arg-type]
    return replace(request, snapshot=replace(request.snapshot, settings=rules))


@pytest.mark.covers("N12")
def test_in_time_the_whole_problem_is_answered():
    proposal = analyze(capped())

    assert (proposal.rung, proposal.lane) == (Rung.FULL, Lane.CLARABEL)
    assert proposal.trades


@pytest.mark.covers("N12")
def test_without_time_an_account_that_may_hold_still_does_and_its_gap_says_what_that_may_cost():
    whole, held = analyze(capped()), analyze(capped(), budget=TimeBudget(0.0))

    assert (held.rung, held.outcome, held.is_empty) == (Rung.HOLD, AnalysisOutcome.NO_TRADE, True)
    assert held.gap_bps >= whole.benefit_bps > 0


@pytest.mark.covers("N12")
def test_with_time_for_a_few_solves_less_of_the_problem_is_answered():
    """An account that takes more than two solves: of 4 seconds 2.8 are for all of it, each solve takes one."""
    request = a_random_ruled_account(125)
    whole, less = analyze(request), analyze(request, budget=TimeBudget(4.0, Ticking()))

    assert (whole.rung, less.rung) == (Rung.FULL, Rung.REDUCED)
    assert less.trades
    assert less.benefit_bps <= whole.benefit_bps + Decimal("0.001")
    assert less.benefit_bps + less.gap_bps >= whole.benefit_bps - Decimal("0.001")
    check(request, less)


@pytest.mark.covers("N12")
def test_without_time_cash_that_is_owed_is_raised_and_nothing_else_is_traded():
    """$25,000 of cash and $30,000 to be paid: $5,000 are missing, which is 50 shares of AAA or 100 of BBB."""
    owing = capped(cash_needs=(CashNeed(Decimal(30000), BUSINESS_DATE),))
    proposal = analyze(owing, budget=TimeBudget(0.0))

    assert proposal.rung is Rung.MINIMUM
    assert {each.side for each in proposal.trades} == {Side.SELL}
    assert 5000 <= sum(each.notional for each in proposal.trades) <= 5200
    check(owing, proposal)
