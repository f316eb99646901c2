"""The calm score: how far trades move when every price is shaken by ten basis points."""

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_security, an_input
from trimtab.domain.account_settings import AccountSettings, CashNeed, Harvesting
from trimtab.domain.accounts import Registration
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.calm import Calmness, CalmScore, book_calm, calm_score
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Rung
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, Incumbent
from trimtab.simulated_accounts import BUSINESS_DATE, a_book

DATA = Path(__file__).parent / "data"


def drifted() -> AnalysisInput:
    """An IRA of $10,000,000 that is to sell a tenth of it from AAA to BBB; a share is a tenth of a basis point."""
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "59500", "100"), a_lot("BBB", "39500", "100"))
    model = a_model({"AAA": "0.5", "BBB": "0.5"})
    return an_input(market, model, lots=lots, cash="100000", registration=Registration.ROTH_IRA)


@pytest.mark.covers("N20", "C4")
def test_the_same_seed_gives_the_same_score_whatever_the_batch():
    """The sixth account of the book, scored in the book with the book's arrays and by itself."""
    market, accounts = a_book(6)
    arrays = MarketArrays.from_snapshot(market)
    in_the_book = [calm_score(each, arrays, draws=3) for each in accounts][5]

    alone = calm_score(list(a_book(6)[1])[5], draws=3)

    assert alone == in_the_book
    assert calm_score(list(a_book(6)[1])[5], draws=3, seed=1) != alone


def test_trades_of_a_drifted_account_move_as_far_as_its_holdings():
    """AAA is 10 % off: after a price change of e it is sold by 0.6 e (1 - 0.6) more and what is bought follows."""
    score = calm_score(drifted())

    assert score.calmness is Calmness.CALM
    assert score.score is not None
    assert 0.1 < score.score <= 2
    assert len(score.moved_bps) == 20


def test_twice_the_noise_moves_trades_about_twice_as_far():
    calm, shaken = calm_score(drifted()), calm_score(drifted(), noise_bps=Decimal(20))

    ratio = np.median(shaken.moved_bps) / np.median(calm.moved_bps)
    assert 1.8 < ratio < 2.2


def test_no_trade_stays_no_trade_under_noise():
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "495", "100"), a_lot("BBB", "495", "100"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000")

    score = calm_score(request)

    assert (score.outcome, score.score, score.side_flips) == (AnalysisOutcome.NO_TRADE, 0.0, 0)


def test_an_account_in_conflict_is_not_scored():
    market = a_market({"AAA": "100"})
    settings = AccountSettings(cash_needs=(CashNeed(Decimal(20000), BUSINESS_DATE),))
    request = an_input(market, a_model({"AAA": "1"}), lots=(a_lot("AAA", "100", "100"),), settings=settings)

    score = calm_score(request)

    assert (score.outcome, score.score, score.calmness) == (AnalysisOutcome.CONFLICT, None, None)


def test_the_list_at_the_true_prices_is_yesterdays_list():
    proposal = analyze(drifted())

    assert incumbent_of(proposal).net_trades == {
        "AAA": -proposal.trades[0].quantity,
        "BBB": proposal.trades[1].quantity,
    }


@pytest.mark.parametrize(
    ("score", "word"), [(2.0, Calmness.CALM), (2.01, Calmness.FAIR), (4.0, Calmness.FAIR), (4.01, Calmness.RESTLESS)]
)
def test_scores_have_words(score: float, word: Calmness):
    assert CalmScore("A1", AnalysisOutcome.OPTIMAL, score, (), 0, 0).calmness is word


def test_the_books_figures_are_over_all_accounts_and_draws():
    one = CalmScore("A1", AnalysisOutcome.OPTIMAL, 1.0, (1.0, 2.0), 0, 0)
    other = CalmScore("A2", AnalysisOutcome.NO_TRADE, 1.0, (3.0, 30.0, 4.0), 0, 0)
    unscored = CalmScore("A3", AnalysisOutcome.CONFLICT, None, (), 0, 0)

    book = book_calm([one, other, unscored])

    assert (book.accounts, book.median_bps, book.max_bps) == (2, 3.0, 30.0)


def calm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trimtab.cli", "calm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_says_a_word_for_each_account_and_sums_up():
    answer = calm(DATA / "drifted.json", DATA / "conflict.json", "--draws", "2")

    lines = answer.stdout.splitlines()
    assert (answer.returncode, answer.stderr, len(lines)) == (0, "", 3)
    assert lines[0].startswith("account A1: ")
    assert lines[1] == "account A1: CONFLICT, not scored"
    assert lines[2].startswith("1 accounts, 2 draws of 10.0 bp: trades move ")


def test_the_command_scores_simulated_accounts_as_json():
    document = json.loads(calm("--simulated", "2", "--draws", "2", "--json").stdout)

    assert [each["account_id"] for each in document["accounts"]] == ["A00000", "A00001"]
    assert document["book"]["accounts"] == 2


def test_the_command_without_accounts_says_what_to_name():
    answer = calm()

    assert (answer.returncode, answer.stderr) == (2, "name an account file, or --simulated N\n")


def at_a_loss(unit_cost: str, yesterday: str | None = None) -> AnalysisInput:
    """$1,000,000: 30 % in AAA bought at `unit_cost`, 3 % below its target, at $100: buy it, or sell it at a loss?"""
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "3000", unit_cost, LAST_YEAR), a_lot("BBB", "6900", "100"))
    settings = AccountSettings(harvesting=Harvesting.AGGRESSIVE)
    request = an_input(market, a_model({"AAA": "0.33", "BBB": "0.67"}), lots=lots, cash="10000", settings=settings)
    if yesterday is None:
        return request
    incumbent = Incumbent({SecurityId("AAA"): Decimal(yesterday)})
    return replace(request, snapshot=replace(request.snapshot, incumbent=incumbent))


def side_of_aaa(request: AnalysisInput) -> tuple[Side, Decimal]:
    proposal = analyze(request)
    return next(each.side for each in proposal.trades if each.security_id == "AAA"), proposal.benefit_bps


@pytest.mark.covers("C4")
def test_yesterdays_side_is_kept_while_the_other_gains_less_than_half_a_basis_point():
    """Bought at $120 a share a sale is better, by a fifth of a basis point: who bought yesterday buys again."""
    fresh, best = side_of_aaa(at_a_loss("120"))
    kept, benefit = side_of_aaa(at_a_loss("120", yesterday="258"))

    assert (fresh, kept) == (Side.SELL, Side.BUY)
    assert 0 < best - benefit <= Decimal("0.5")


def test_yesterdays_side_is_left_when_the_other_gains_more():
    """Bought at $125 a share a sale gains seven basis points more than a purchase."""
    assert side_of_aaa(at_a_loss("125", yesterday="258"))[0] is Side.SELL


@pytest.mark.covers("C4")
@pytest.mark.parametrize("limit", [None, Decimal("0.5")], ids=["the first lane", "the other lane"])
def test_an_account_whose_list_was_sent_is_free_to_take_the_better_side(limit: Decimal | None):
    """Of yesterday no trade is left to be kept: the sale that is better by a fifth of a basis point is made."""
    request = at_a_loss("120")
    settings = replace(request.snapshot.settings, tracking_error_limit=limit)
    fresh = replace(request, snapshot=replace(request.snapshot, settings=settings))
    sent = replace(fresh, snapshot=replace(fresh.snapshot, incumbent=Incumbent({})))

    assert side_of_aaa(sent) == side_of_aaa(fresh)
    assert side_of_aaa(sent)[0] is Side.SELL


def short_of_the_best(shares: int) -> Incumbent:
    """A list of yesterday that trades so many shares less of each name than the best list of `drifted` does today."""
    best = incumbent_of(analyze(drifted())).net_trades
    return Incumbent({each: traded - shares if traded > 0 else traded + shares for each, traded in best.items()})


def on_the_day_after(yesterday: Incumbent) -> AnalysisInput:
    return replace(drifted(), snapshot=replace(drifted().snapshot, incumbent=yesterday))


@pytest.mark.covers("C4")
def test_a_list_is_kept_to_the_share_while_the_best_gains_less_than_a_fifth_of_a_basis_point():
    """490 shares short are 49 bp of weight: 20 / 2 x 2 x (20 % x 0.0049)^2 is 0.192 bp; 510 shares short 0.208 bp."""
    near, far = short_of_the_best(490), short_of_the_best(510)

    kept, left = analyze(on_the_day_after(near)), analyze(on_the_day_after(far))

    assert incumbent_of(kept).net_trades == near.net_trades
    assert Decimal("0.18") < kept.gap_bps < Decimal("0.2")
    assert incumbent_of(left).net_trades == incumbent_of(analyze(drifted())).net_trades


def test_a_list_that_would_leave_too_little_cash_is_cured_by_single_shares():
    """It sells 300 shares more than the best list, and buys 340: $4,000 of the reserve would be gone, 40 shares."""
    settings = replace(drifted().snapshot.settings, cash_reserve=Decimal(100000), cash_target=Decimal(0))
    request = replace(drifted(), snapshot=replace(drifted().snapshot, settings=settings))
    best = incumbent_of(analyze(request)).net_trades
    aaa, bbb = best[SecurityId("AAA")], best[SecurityId("BBB")]
    yesterday = Incumbent({SecurityId("AAA"): aaa - 300, SecurityId("BBB"): bbb + 340})

    proposal = analyze(replace(request, snapshot=replace(request.snapshot, incumbent=yesterday)))

    assert incumbent_of(proposal).net_trades == {"AAA": aaa - 300, "BBB": bbb + 299}
    assert proposal.after.cash >= 100000
    assert 0 < proposal.gap_bps < Decimal("0.2")


def test_a_list_that_would_leave_more_tracking_error_than_is_allowed_is_not_kept():
    """AAA, at a gain, is sold for the limit alone: 100 shares fewer of each cost less, and leave 0.83 % of 0.8 %."""
    lots = (a_lot("AAA", "59500", "50"), a_lot("BBB", "39500", "100"))
    settings = replace(drifted().snapshot.settings, tracking_error_limit=Decimal("0.008"))
    request = an_input(drifted().market, drifted().target, lots=lots, cash="100000", settings=settings)
    best = analyze(request)
    assert Decimal("0.0079") < best.after.tracking_error <= Decimal("0.008")
    fewer = {
        each: traded - 100 if traded > 0 else traded + 100 for each, traded in incumbent_of(best).net_trades.items()
    }

    proposal = analyze(replace(request, snapshot=replace(request.snapshot, incumbent=Incumbent(fewer))))

    assert proposal.rung is Rung.FULL
    assert incumbent_of(proposal).net_trades == incumbent_of(best).net_trades


@pytest.mark.covers("C4")
def test_a_better_list_keeps_to_yesterdays_names_while_another_name_gains_less_than_a_fifth_of_a_basis_point():
    """CCC is 0.3 % short of its target: 20 / 2 x (20 % x 0.003)^2 is 0.036 bp, less than half of it after costs."""
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"})
    lots = (a_lot("AAA", "59500", "100"), a_lot("BBB", "36500", "100"), a_lot("CCC", "2700", "100"))
    model = a_model({"AAA": "0.5", "BBB": "0.47", "CCC": "0.03"})
    request = an_input(market, model, lots=lots, cash="130000", registration=Registration.ROTH_IRA)
    fresh = analyze(request)
    half = {SecurityId("AAA"): Decimal(-4000), SecurityId("BBB"): Decimal(4000)}

    kept = analyze(replace(request, snapshot=replace(request.snapshot, incumbent=Incumbent(half))))

    assert incumbent_of(fresh).net_trades.keys() == {"AAA", "BBB", "CCC"}
    assert incumbent_of(kept).net_trades.keys() == {"AAA", "BBB"}
    assert incumbent_of(kept).net_trades[SecurityId("BBB")] > 8000
    assert 0 < fresh.benefit_bps - kept.benefit_bps < Decimal("0.2")


def test_a_list_in_fractions_of_shares_is_kept_to_the_fraction():
    fractions = {SecurityId(each): a_security(each, whole_shares=False) for each in ("AAA", "BBB")}
    request = replace(drifted(), market=a_market({"AAA": "100", "BBB": "100"}, securities=fractions))
    best = incumbent_of(analyze(request)).net_trades
    yesterday = Incumbent({each: shares * Decimal("0.96") for each, shares in best.items()})

    kept = analyze(replace(request, snapshot=replace(request.snapshot, incumbent=yesterday)))

    assert {each: round(shares, 3) for each, shares in incumbent_of(kept).net_trades.items()} == {
        each: round(shares, 3) for each, shares in yesterday.net_trades.items()
    }


@pytest.mark.covers("C4", "N20")
def test_dear_shares_do_not_make_an_account_restless():
    """A share of this account is up to 25 bp of it: lists as good as each other differ by 40 bp of trades."""
    market, accounts = a_book(18)
    score = calm_score(list(accounts)[17], MarketArrays.from_snapshot(market))

    assert score.calmness is Calmness.CALM
    assert max(score.moved_bps) <= 25


def test_what_keeps_a_proposal_calm_costs_at_most_half_a_basis_point_and_is_in_the_gap():
    market, accounts = a_book(8)
    arrays = MarketArrays.from_snapshot(market)
    for request in accounts:
        fresh = analyze(request, arrays)
        reversed_ = {each: -shares for each, shares in incumbent_of(fresh).net_trades.items()}
        kept = analyze(replace(request, snapshot=replace(request.snapshot, incumbent=Incumbent(reversed_))), arrays)

        assert kept.benefit_bps >= fresh.benefit_bps - Decimal("0.6")
        assert kept.benefit_bps + kept.gap_bps >= fresh.benefit_bps - Decimal("0.001")
