"""What an account leaves undone is told with the rule that truly stops it, in plain English."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.optimizer.accounts import (
    BUSINESS_DATE,
    LAST_YEAR,
    LONG_AGO,
    a_lot,
    a_market,
    a_model,
    a_security,
    a_window,
    an_input,
)
from trimtab.domain.account_settings import AccountSettings, ForcedHarvest, Harvesting
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.snapshots import AnalysisInput, TaxYear, WashWindows

HALF_YEAR = ForcedHarvest(Decimal(2000), date(2026, 6, 30))


def an_account(lots: tuple[TaxLot, ...], *, windows: WashWindows | None = None, **rules: object) -> AnalysisInput:
    """AAA at $100 is to be 40 % of what is invested, BBB at $50 and CCC at $25 are to be 30 % each."""
    market, model = (
        a_market({"AAA": "100", "BBB": "50", "CCC": "25"}),
        a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}),
    )
    settings = AccountSettings(**rules)  # type: ignore[arg-type]
    return an_input(market, model, lots=lots, cash="1010", settings=settings, wash_windows=windows)


def told(request: AnalysisInput, security_id: str = "AAA") -> tuple[WhyNotCode, str]:
    (found,) = (each for each in analyze(request).why_nots if each.security_id == security_id)
    return found.code, found.sentence


ALL_IN_AAA = (a_lot("AAA", "800", "50"),)
ON_TARGET = (a_lot("AAA", "400", "110", LAST_YEAR), a_lot("BBB", "600", "50"), a_lot("CCC", "1200", "20"))


def test_a_gain_is_not_taken_while_a_forced_harvest_preserves_losses():
    code, sentence = told(an_account(ALL_IN_AAA, forced_harvest=HALF_YEAR))

    assert code is WhyNotCode.GAIN_BUDGET
    assert sentence.endswith("because that would break the forced harvest, which allows no net gain until its day.")


def test_of_two_limits_the_one_that_is_reached_first_is_named():
    """Of $100 sold $50 are gain and $10 tax: $1,500 of tax are reached at $7,500 of gain, before its $10,000."""
    request = an_account(ALL_IN_AAA, gain_budget=Decimal(10_000), tax_budget=Decimal(1500))

    code, sentence = told(request)

    assert analyze(request).tax == 1500
    assert code is WhyNotCode.TAX_BUDGET
    assert sentence.endswith("because that would break the tax budget of $1,500.00.")


@pytest.mark.parametrize("bought", [LAST_YEAR, LONG_AGO])
def test_a_tax_budget_of_a_tax_year_is_called_by_its_name(bought: date):
    request = an_account((a_lot("AAA", "800", "50", bought),), tax_budget=Decimal(1000))

    code, sentence = told(replace(request, snapshot=replace(request.snapshot, tax_year=TaxYear())))

    assert code is WhyNotCode.TAX_BUDGET
    assert sentence.endswith("because that would break the tax budget.")


def test_a_trade_that_lowers_tracking_error_does_not_break_its_limit():
    """A turnover of 1 % leaves tracking error far above its limit: what stops the sale of AAA is the turnover."""
    code, _ = told(an_account(ALL_IN_AAA, turnover_limit=Decimal("0.01"), tracking_error_limit=Decimal("0.01")))

    assert code is WhyNotCode.TURNOVER_LIMIT


def test_losses_that_a_forced_harvest_still_misses_are_told():
    """Nobody harvests for tax; of 400 AAA with $10 of loss each some are sold, and less than $2,000 is realised."""
    request = an_account(ON_TARGET, harvesting=Harvesting.OFF, forced_harvest=HALF_YEAR)
    proposal = analyze(request)
    left = 4000 + proposal.short_term_gain

    code, sentence = told(request)

    assert -2000 < proposal.short_term_gain < 0
    assert code is WhyNotCode.WITHIN_TOLERANCE
    assert sentence == (
        f"A loss of ${left:,.2f} in AAA is not realised because what it adds to the losses that are to be realised "
        "counts less than what the sale costs in risk and trading."
    )
    assert "AAA" not in {
        each.security_id for each in analyze(an_account(ON_TARGET, harvesting=Harvesting.OFF)).why_nots
    }


def test_a_loss_beside_a_drift_is_told_in_the_same_line():
    """100 AAA at a loss of $100 each, below their target; an IRA has bought 50 of them ten days ago."""
    windows = WashWindows(purchases=(a_window("AAA", BUSINESS_DATE - timedelta(days=10), "50", account_id="IRA"),))
    lots = (a_lot("AAA", "100", "200", LAST_YEAR), *ON_TARGET[1:])

    _, sentence = told(an_account(lots, windows=windows))

    assert sentence.startswith("AAA stays 1.01 % below its target because ")
    assert sentence.endswith(
        "; the loss of $10,000.00 in AAA is not realised because it is bought today, which would wash the loss."
    )


def test_a_loss_that_would_be_washed_in_part_says_so():
    """The IRA has bought 390 shares: of 400 sold at a loss of $10 each, 390 would be washed."""
    windows = WashWindows(purchases=(a_window("AAA", BUSINESS_DATE - timedelta(days=10), "390", account_id="IRA"),))

    code, sentence = told(an_account(ON_TARGET, windows=windows))

    assert code is WhyNotCode.WASH_SALE_WINDOW
    assert sentence == (
        "A loss of $4,000.00 in AAA is not realised because shares bought in the last 30 days would wash a part of it, "
        "and the rest counts less than what the sale costs."
    )


@pytest.mark.parametrize(
    ("asset_class", "heirs"), [("US", "its asset class"), ("BOND", "the other names of the model")]
)
def test_a_name_that_cannot_be_had_says_where_its_weight_goes(asset_class: str, heirs: str):
    """DDD, 30 % of the model, has no price; AAA and BBB, the others, are of class US."""
    known = {"DDD": a_security("DDD", asset_class=asset_class)}
    market = a_market({"AAA": "100", "BBB": "50", "DDD": ""}, securities=known)
    request = an_input(market, a_model({"AAA": "0.4", "BBB": "0.3", "DDD": "0.3"}), cash="100000")

    assert told(request, "DDD")[1] == (
        f"DDD is 30.00 % of the model and is not bought because it has no price; its weight goes to {heirs}."
    )


def test_a_name_that_one_too_many_would_be_says_how_many_may_be_held():
    request = an_account((a_lot("AAA", "400", "90"), a_lot("BBB", "600", "45")), maximum_names=2)

    code, sentence = told(request, "CCC")

    assert code is WhyNotCode.MAXIMUM_NAMES
    assert sentence.endswith("because that would break the limit of names held, which is 2.")


def test_more_of_what_is_traded_is_not_called_too_small_a_trade():
    """10 AAA of $1,000, of which 6 are sold: what is left over is $4, of a share at $100."""
    market, model = (
        a_market({"AAA": "100", "BBB": "50", "CCC": "25"}),
        a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}),
    )

    code, sentence = told(an_input(market, model, lots=(a_lot("AAA", "10", "50"),)))

    assert code is WhyNotCode.ROUND_LOT
    assert sentence == "AAA stays 0.40 % above its target because it trades in whole shares, and this is less than one."


def test_more_of_a_large_position_is_not_called_too_small_a_position():
    """BBB is bought for $48,000; the $1,000 that it lacks went to CCC, of which no less than $2,000 may be held."""
    market, model = (
        a_market({"AAA": "100", "BBB": "50", "CCC": "25"}),
        a_model({"AAA": "0.5", "BBB": "0.49", "CCC": "0.01"}),
    )
    settings = AccountSettings(minimum_holding=Decimal(2000))

    code, _ = told(an_input(market, model, lots=(a_lot("AAA", "500", "80"),), cash="51000", settings=settings), "BBB")

    assert code is WhyNotCode.CASH_MINIMUM


def test_where_no_name_of_the_model_can_be_had_the_weight_goes_to_cash_and_that_is_said():
    request = an_input(a_market({"AAA": "100", "DDD": ""}), a_model({"DDD": "1"}), lots=(a_lot("AAA", "10", "100"),))

    assert told(request, "DDD")[1] == (
        "DDD is 100.00 % of the model and is not bought because it has no price; its weight goes to cash, for no other "
        "name of the model can be had."
    )
