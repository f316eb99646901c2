"""An input that cannot be is refused with a typed error that says what is wrong; nothing fails inside a solver."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from trimtab.domain.account_settings import AccountSettings, CashNeed, WeightBand
from trimtab.domain.accounts import CashBalance, Position
from trimtab.domain.market import Price
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.securities import SecurityId, SecurityKind
from trimtab.domain.snapshots import AnalysisInput

NAN, AAA = Decimal("NaN"), SecurityId("AAA")


def an_account(**changes: object) -> AnalysisInput:
    lots = (a_lot("AAA", "100", "80", name="L1"),)
    request = an_input(a_market({"AAA": "100"}), a_model({"AAA": "1"}), lots=lots, cash="1000")
    return replace(request, snapshot=replace(request.snapshot, **changes))  # type: ignore[arg-type]


def a_position(quantity: str) -> Position:
    return Position(AAA, Decimal(quantity), Decimal(10000))


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (an_account(positions=(a_position("-100"),)), "the position in AAA is -100 shares"),
        (an_account(positions=(a_position("NaN"),)), "the position in AAA is NaN shares"),
        (an_account(positions=(a_position("100"), a_position("100"))), "AAA has two positions"),
        (an_account(positions=(a_position("99"),)), "the lots of AAA sum to 100 shares, its position to 99"),
        (an_account(positions=()), "the lots of AAA sum to 100 shares, its position to 0"),
        (an_account(lots=(a_lot("AAA", "0", "80", name="L1"),)), "lot L1 has quantity 0"),
        (an_account(lots=(a_lot("AAA", "10", "-8", name="L1"),)), "cost -80"),
        (an_account(lots=(a_lot("AAA", "10", "8", name="L1"),) * 2), "a lot id appears twice"),
        (an_account(cash=CashBalance(NAN)), "cash is not a number"),
        (an_account(cash=CashBalance(Decimal(-50000))), "is worth -\\$40,000.00"),
        (an_account(settings=AccountSettings(short_term_rate=Decimal("1.5"))), "the short-term rate is 1.5"),
        (an_account(settings=AccountSettings(cash_target=NAN)), "the cash target is NaN"),
        (an_account(settings=AccountSettings(commission=Decimal(-1))), "the commission is -1"),
        (
            an_account(settings=AccountSettings(commission_by_kind={SecurityKind.FUND: NAN})),
            "the commission of FUND is NaN",
        ),
        (an_account(settings=AccountSettings(minimum_trade=Decimal("Infinity"))), "the minimum trade is Infinity"),
        (
            an_account(settings=AccountSettings(cash_needs=(CashNeed(Decimal(-5), date(2026, 3, 6)),))),
            "the cash need of 2026-03-06 is -5",
        ),
        (
            an_account(settings=AccountSettings(weight_bands={AAA: WeightBand(Decimal(2))})),
            "the smallest weight of AAA is 2",
        ),
        (an_account(cash=CashBalance(Decimal("1e30"))), "cash is 1.0+E\\+30"),
        (an_account(positions=(a_position("1e30"),)), "the position in AAA is 1E\\+30 shares"),
        (an_account(settings=AccountSettings(minimum_trade=Decimal("1e30"))), "the minimum trade is 1E\\+30"),
        (an_account(lots=(a_lot("AAA", "10", "2e9", name="L1"),)), "lot L1 has quantity 10 and cost 2.0?E\\+10"),
        (
            an_account(lots=(a_lot("AAA", "10", "8", date(9999, 12, 31), name="L1"),)),
            "lot L1 was acquired on 9999-12-31",
        ),
        (replace(an_account(), target=a_model({"AAA": "-0.1"})), "the model's weight of AAA is -0.1"),
        (an_account(as_of=date(2026, 3, 4)), "its holdings are of 2026-03-04, after the business date 2026-03-03"),
        (
            an_account(settings=AccountSettings(weight_bands={SecurityId("QQQ"): WeightBand(Decimal("0.5"))})),
            "QQQ, of which at least 0.5 is to be held, is no known security",
        ),
    ],
)
def test_what_is_wrong_is_said(request_: AnalysisInput, complaint: str):
    with pytest.raises(InvalidAnalysisInput, match=complaint):
        analyze(request_)


@pytest.mark.parametrize("close", ["NaN", "-1", "1E-30", "1E+30"])
def test_a_price_that_cannot_be_is_refused(close: str):
    request = an_account()
    market = replace(request.market, prices={AAA: Price(AAA, request.market.as_of, Decimal(close))})

    with pytest.raises(InvalidAnalysisInput, match=f"the price of AAA is {re.escape(close)}"):
        analyze(replace(request, market=market))


def test_a_spread_wider_than_the_price_is_refused():
    request = an_account()
    wide = replace(request.market.securities[AAA], half_spread_bps=Decimal(10001))

    with pytest.raises(InvalidAnalysisInput, match="half the spread of AAA is 10001 bp"):
        analyze(replace(request, market=replace(request.market, securities={AAA: wide})))


def test_a_price_of_zero_counts_as_none_and_the_custodians_value_stands():
    request = an_account()
    market = replace(request.market, prices={AAA: Price(AAA, request.market.as_of, Decimal(0))})

    proposal = analyze(replace(request, market=market))

    assert proposal.is_empty
    assert proposal.before.account_value == Decimal("11000.00")


def test_everything_that_is_wrong_is_listed_at_once():
    request = an_account(
        settings=AccountSettings(commission=Decimal(-1), cash_reserve=Decimal(-2)), cash=CashBalance(NAN)
    )

    with pytest.raises(InvalidAnalysisInput) as caught:
        analyze(request)

    assert str(caught.value).count(";") == 2
    assert caught.value.code == "INVALID_ANALYSIS_INPUT"
