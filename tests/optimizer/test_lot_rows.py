"""The lots of an account as arrays: which stand at a loss hangs on a cent."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_columns import columns_of
from trimtab.domain.optimizer.checked_facts import Reader
from trimtab.domain.optimizer.checked_market import checked_market
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput


def a_lot_that_cost(cost: str) -> AnalysisInput:
    """123,456.789 shares at $17.31: worth $2,137,037.01759."""
    lot = replace(a_lot("AAA", "123456.789", "1"), cost=Decimal(cost))
    market, model = a_market({"AAA": "17.31", "BBB": "50"}), a_model({"AAA": "0.5", "BBB": "0.49"})
    return an_input(market, model, lots=(lot,), cash="10000")


@pytest.mark.parametrize(
    ("cost", "at_loss"),
    [
        ("2137037.01759", False),
        ("2137037.02759", False),  # a cent: no more than rounding took
        ("2137037.0275900001", True),  # floats of this size are 5e-10 apart
        ("2137037.02760", True),
        ("1000000", False),
        ("3000000", True),
    ],
)
def test_a_lot_is_at_a_loss_when_it_loses_more_than_a_cent_however_little_more(cost: str, at_loss: bool):
    request = a_lot_that_cost(cost)
    value = account_value(request)
    market = MarketArrays.from_snapshot(request.market)
    data = build_data(request, prepare_target(request, value), market, value)

    assert data.lots.at_loss.tolist() == [at_loss]


@pytest.mark.parametrize(("cost", "at_loss"), [("2137037.02759", False), ("2137037.0275900001", True)])
def test_the_checker_draws_the_same_line_all_at_once(cost: str, at_loss: bool):
    request = a_lot_that_cost(cost)
    account, market = CheckedAccount(request, analyze(request)), checked_market(request.market)
    facts = Reader(market).facts(account)

    assert facts is not None
    assert columns_of([facts], market).lots.at_loss.tolist() == [at_loss]
    assert account.is_losing(request.snapshot.lots[0]) is at_loss
