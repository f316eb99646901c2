"""The benchmarks on real data, on invented data of the same layout."""

from pathlib import Path

import pytest

from benchmarks.firm_requests import market_of, requests_of
from benchmarks.large_account import a_large_account
from benchmarks.large_account import measure as measure_large
from benchmarks.real_book import LARGEST_DISAGREEMENT_BP, measure
from tests.demo.market_data import write_market_data
from trimtab.demo.real_firm import build_real_firm
from trimtab.domain.optimizer.market_arrays import MarketArrays


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_market_data(tmp_path_factory.mktemp("data"))


def test_the_book_is_analysed_and_agrees_with_the_specification(data: Path):
    firm = build_real_firm(data, accounts=20, seed=20)
    market = market_of(firm)
    measured = measure(list(requests_of(firm, market)), MarketArrays.from_snapshot(market), agreement=4)
    assert measured.accounts == 16  # of twenty four are stopped before: closed, suspended, or with faulty data
    assert sum(measured.outcomes.values()) == 16
    assert set(measured.outcomes) <= {"OPTIMAL", "NO_TRADE", "CONFLICT"}  # no account ends in an error
    assert sum(measured.lanes.values()) == pytest.approx(1.0, abs=1e-3)
    assert measured.agreement is not None
    assert measured.agreement.one_answered_alone == 0
    assert measured.agreement.disagreement_bp_max <= LARGEST_DISAGREEMENT_BP


def test_a_split_of_the_morning_is_in_the_lots_and_in_the_price(data: Path):
    firm = build_real_firm(data, accounts=20, seed=20)
    market = market_of(firm)
    split = next(each.id for each in firm.securities if each.symbol == "SPLT")
    assert market.prices[split].close == 187 / 2
    before = sum(lot.quantity for lot in firm.book.lots if lot.security_id == split and lot.account_id == "A00001")
    request = next(iter(requests_of(firm, market)))
    assert sum(lot.quantity for lot in request.snapshot.lots if lot.security_id == split) == 2 * before > 0


def test_a_large_account_is_bought_month_by_month(data: Path):
    request = a_large_account(data, months=5)
    measured = measure_large(request, MarketArrays.from_snapshot(request.market), repeat=1)
    assert measured.lots == 5 * measured.names == 5 * 22
    assert measured.outcome == "OPTIMAL"
    assert measured.gap_bp < 1
