"""The whole way from an input to a checked proposal."""

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, an_input
from trimtab.domain.optimizer.analysis import analyze, proposal_hash
from trimtab.domain.proposals import AnalysisOutcome


def test_an_account_that_drifted_is_traded_towards_its_model():
    market = a_market({"AAA": "100", "BBB": "50", "CCC": "25"})
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70", LAST_YEAR))
    request = an_input(market, a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}), lots=lots, cash="25000")

    proposal = analyze(request)

    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert proposal.after.max_drift < proposal.before.max_drift
    assert proposal_hash(proposal) == proposal_hash(analyze(request))
