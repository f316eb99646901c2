"""The firm on real prices, built from an invented directory of the same layout."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.demo.market_data import ACTIONS, write_market_data
from trimtab.demo.custodian import deliver, next_day, resume
from trimtab.demo.errors import DataDirectoryUnusable
from trimtab.demo.firm import DemoFirm
from trimtab.demo.real_firm import build_real_firm
from trimtab.feeds.layouts import KINDS
from trimtab.feeds.reader import FeedReader

DAY, EVE = date(2020, 12, 1), date(2020, 11, 30)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_market_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def firm(data: Path) -> DemoFirm:
    return build_real_firm(data, accounts=20, seed=20)


def lots(firm: DemoFirm, symbol: str):
    security_id = {security.symbol: security.id for security in firm.securities}[symbol]
    return [lot for lot in firm.book.lots if lot.security_id == security_id]


def price(firm: DemoFirm, symbol: str) -> Decimal:
    return firm.prices[{security.symbol: security.id for security in firm.securities}[symbol]]


def test_the_business_day_is_the_first_of_december_2020(firm):
    assert (firm.business_date, firm.as_of, firm.id) == (DAY, EVE, "demo-real")
    assert len(firm.accounts) == 20


def test_the_index_keeps_its_published_weights_and_declares_no_cash(firm):
    index = next(model for model in firm.models if model.id == "DIRECT_INDEX")
    assert index.invested_weight == Decimal("0.998436")
    assert index.cash_weight is None
    assert len(index.weights) == 23


def test_a_name_without_a_price_stays_in_master_and_model_and_is_held_by_nobody(firm):
    lost = next(security.id for security in firm.securities if security.symbol == "LOST")
    index = next(model for model in firm.models if model.id == "DIRECT_INDEX")
    assert index.weights[lost] == Decimal("0.008436")
    assert lost not in firm.prices
    assert lost not in firm.risk_model.securities
    assert lots(firm, "LOST") == []
    assert "no price: LOST, 0.8436% of the index; in the model, held by nobody" in firm.remarks


def test_the_split_of_that_morning_is_announced_and_not_yet_applied(firm):
    split, dividend = firm.actions
    assert (split.kind, split.new_shares, split.old_shares, split.ex_on) == ("SPLF", 2, 1, DAY)
    assert (dividend.kind, dividend.cash_per_share) == ("DVCA", Decimal("0.4"))
    assert price(firm, "SPLT") == Decimal("187.00")
    assert firm.market_closes[split.security_id] == Decimal("93.60")
    assert {lot.unit_cost for lot in lots(firm, "SPLT")} == {Decimal("187.00")}


def test_lots_of_before_an_old_split_have_three_times_the_shares_and_the_same_cost(firm):
    """Bought at about 90 before 2018-06-01; a lot's shares are now threes, its cost a third of that each."""
    old = [lot for lot in lots(firm, "TRPL") if lot.acquired_on < date(2018, 6, 1)]
    assert old
    for lot in old:
        assert lot.quantity % 3 == 0
        close = firm.market.close("TRPL", lot.acquired_on)
        assert lot.original_cost == (lot.quantity / 3 * close).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("symbol", "event"), [("ODD1", date(2020, 4, 3)), ("SPIN", date(2019, 6, 3)), ("BIGD", date(2020, 8, 3))]
)
def test_lots_begin_after_an_action_that_cannot_be_booked_and_it_is_listed(firm, symbol, event):
    assert lots(firm, symbol)
    assert min(lot.acquired_on for lot in lots(firm, symbol)) > event
    assert any(remark.startswith(f"{symbol} {event}: ") for remark in firm.remarks)


def test_ordinary_purchases_are_on_the_first_session_of_a_month(firm):
    days = {lot.acquired_on for symbol in ("N01", "N02", "BND") for lot in lots(firm, symbol)}
    ordinary = {day for day in days if day < date(2020, 10, 1)}
    assert len(ordinary) > 10
    assert all(day == firm.market.next_session(day.replace(day=1) - (DAY - EVE)) for day in ordinary)


def test_every_lot_costs_the_close_of_its_day(firm):
    for lot in lots(firm, "N05"):
        assert lot.original_cost == lot.quantity * firm.market.close("N05", lot.acquired_on)


def test_dividends_since_the_last_monthly_purchase_are_in_cash(firm, tmp_path):
    """PAYS went ex 0.50 on 2020-11-16, after the purchases of 2020-11-02: without it each holder has less cash."""
    without = tuple(action for action in ACTIONS if action[0] != "2020-11-16")
    poorer = build_real_firm(write_market_data(tmp_path, without), accounts=20, seed=20)
    assert poorer.book.lots == firm.book.lots
    pays = next(security.id for security in firm.securities if security.symbol == "PAYS")
    shares = {held.account_id: held.quantity for held in firm.book.holdings if held.security_id == pays}
    assert len(shares) >= 4
    for account, balance in firm.book.cash.items():
        received = balance.settled - poorer.book.cash[account].settled
        assert abs(received - shares.get(account, Decimal(0)) / 2) <= Decimal("0.01")


def test_lots_sum_to_positions_but_for_the_one_account_with_bad_data(firm):
    held = {(one.account_id, one.security_id): one.quantity for one in firm.book.holdings}
    for lot in firm.book.lots:
        held[lot.account_id, lot.security_id] -= lot.quantity
    assert [quantity for quantity in held.values() if quantity] == [Decimal(3)]


def test_securities_have_a_symbol_and_the_firms_id_and_no_cusip(firm):
    assert {security.cusip for security in firm.securities} == {None}
    assert not any(security.symbol in security.id for security in firm.securities)


def test_the_risk_model_has_ten_factors_over_everything_that_has_a_price(firm):
    assert len(firm.risk_model.factors) == 10
    assert set(firm.risk_model.securities) == set(firm.prices)


def test_trimtabs_readers_take_every_file(firm, tmp_path):
    deliver(firm, tmp_path, tmp_path / "closes")
    for kind in KINDS:
        with (tmp_path / "demo-real" / kind / f"{kind}-20201201.csv").open("rb") as stream:
            reader = FeedReader(stream, kind, "demo-real", DAY)
            assert sum(len(batch) for batch in reader.batches())
            assert reader.quarantined == []


def test_the_next_real_day_has_real_prices_and_applied_splits(firm):
    wednesday = next_day(firm, firm.book)
    assert wednesday.business_date == date(2020, 12, 2)
    assert price(wednesday, "SPLT") == Decimal("93.60")
    assert resume(firm, DAY, firm.book) == wednesday


def test_the_days_end_with_the_data(firm):
    thursday = next_day(next_day(firm, firm.book), firm.book)
    with pytest.raises(DataDirectoryUnusable, match="no prices after 2020-12-03"):
        next_day(thursday, firm.book)


def test_a_directory_without_prices_is_named(tmp_path):
    with pytest.raises(DataDirectoryUnusable, match=r"us_close_raw_2010_2021_mit\.csv\.gz is missing"):
        build_real_firm(tmp_path)


def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path):
    path = write_market_data(tmp_path) / "prices/us_actions_2010_2021_mit.csv"
    path.write_text("date,ticker,type,value\n2020-04-03,ODD1,SPLIT,one for two\n")
    with pytest.raises(DataDirectoryUnusable, match=r"us_actions_2010_2021_mit\.csv cannot be read near line 2"):
        build_real_firm(tmp_path)
    (tmp_path / "prices/us_close_raw_2010_2021_mit.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(DataDirectoryUnusable, match=r"us_close_raw_2010_2021_mit\.csv\.gz cannot be read"):
        build_real_firm(tmp_path)
