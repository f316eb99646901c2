"""Sides of a household's wash keys that a rule of one account leaves no way to keep are out of the gap, too."""

from decimal import Decimal

import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_security
from tests.optimizer.households import a_household, a_member
from tests.optimizer.random_households import a_random_household
from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.household.analysis import analyze_household
from trimtab.domain.optimizer.household.checker import check_household
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome


def test_where_a_band_demands_a_loss_nobody_buys_its_twin_and_the_gap_knows_it():
    """T must bring AAA, which stands at a loss, from all of the account to 30 %: so the IRA cannot buy its twin BBB.

    The household is $100,000, and BBB all that it wants: were both allowed, its $50,000 of cash would be worth it.
    """
    tech = a_security("AAA", wash_group="TWINS", sector="TECH")
    twins = {"AAA": tech, "BBB": a_security("BBB", wash_group="TWINS")}
    market, model = a_market({"AAA": "100", "BBB": "100"}, securities=twins), a_model({"BBB": "1"})
    rules = AccountSettings(group_bands=(GroupBand(GroupKind.SECTOR, "TECH", maximum=Decimal("0.3")),))
    taxable = a_member("T", market, model, lots=(a_lot("AAA", "500", "150", LAST_YEAR),), settings=rules)
    ira = a_member("I", market, model, cash="50000", registration=Registration.TRADITIONAL_IRA)

    proposal = analyze_household(a_household(market, model, taxable, ira))

    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert [(trade.security_id, trade.side) for trade in proposal.legs[0].trades] == [("AAA", Side.SELL)]
    assert proposal.legs[1].trades == ()
    assert proposal.gap_bps < 2


@pytest.mark.parametrize(
    ("seed", "name", "due", "bought", "sold"), [(2548, "FFF", 4.6, 5, 12), (5598, "EEE", 1.2, 2, 35)]
)
def test_what_a_demand_comes_to_in_whole_shares_is_in_the_bound(
    seed: int, name: str, due: float, bought: int, sold: int
):
    """One account must buy 4.6 (1.2) shares for its band, and buys 5 (2), beside another that sells the same name."""
    household = a_random_household(seed)

    proposal = analyze_household(household)

    check_household(household, proposal)
    sides = {
        trade.side: (leg.before.account_value, trade)
        for leg in proposal.legs
        for trade in leg.trades
        if trade.security_id == name
    }
    value, purchase = sides[Side.BUY]
    assert float(value) * 0.05 / float(purchase.price) == pytest.approx(due, abs=0.05)
    assert (purchase.quantity, sides[Side.SELL][1].quantity) == (bought, sold)
    assert 0 <= proposal.gap_bps < 1


@pytest.mark.parametrize("seed", [5047, 7291, 8455])
def test_a_group_outside_its_band_may_be_sold_beside_a_purchase_although_it_cannot_be_cured(seed: int):
    """Other rules of the account keep its group outside the band; the bound still allows every step towards it."""
    household = a_random_household(seed)

    check_household(household, analyze_household(household))


def test_a_share_that_an_account_never_trades_is_no_slack_of_its_bands():
    """A1 may hold 5 % of TECH, of which it holds CCC at $107.39; FFF at $364.18, of the sector too, is another's."""
    household = a_random_household(8028)

    proposal = analyze_household(household)

    check_household(household, proposal)
    assert proposal.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.CONFLICT)
