"""A solver that gives no answer is an outcome: the account holds, with a note, and the others go on."""

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer import clarabel_lane
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.proposals import AnalysisOutcome


@pytest.mark.parametrize("registration", [Registration.INDIVIDUAL, Registration.ROTH_IRA])
def test_a_stalled_solver_is_told_and_trades_nothing(registration: Registration, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(clarabel_lane._SETTINGS, "max_iter", 1)
    market = a_market({"AAA": "100", "BBB": "50"})
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70"))
    model = a_model({"AAA": "0.4", "BBB": "0.6"})
    request = an_input(market, model, lots=lots, cash="25000", registration=registration)

    proposal = analyze(request)

    assert proposal.outcome is AnalysisOutcome.SOLVER_FAILED
    assert proposal.is_empty
    assert "Clarabel" in proposal.note
    check(request, proposal)
