"""A solver that gives no answer is an outcome: the account holds, with a note, and the others go on."""

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer import clarabel_lane
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.fast import shapes
from trimtab.domain.proposals import AnalysisOutcome, Lane
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
def test_a_stalled_solver_is_told_and_trades_nothing(registration: Registration, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shapes, "MOST_ROWS", -1)
    monkeypatch.setitem(clarabel_lane._SETTINGS, "max_iter", 1)
    request = an_account(registration)

    proposal = analyze(request)

    assert proposal.outcome is AnalysisOutcome.SOLVER_FAILED
    assert proposal.is_empty
    assert "Clarabel" in proposal.note
    check(request, proposal)
