"""Every kind of corporate action through the night on PostgreSQL: before, event, after, in numbers done by hand."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.activities.action_nights import BOTH, CORE, EVE, FRIDAY, ActionNights, Lots, Night, an_event
from tests.servers import FreshDatabase
from trimtab.db.data_changes import DataChangeKind
from trimtab.db.engine import sync_engine

D = Decimal

HELD: dict[str, Lots] = {
    "SPLIT": {"AAPL": [("25", "4374.25", "2019-03-01")]},
    "TRADED": {"AAPL": [("25", "4374.25", "2019-03-01")]},
    "REVERSE": {"GE": [("1003", "10030.00", "2019-05-01")]},
    "SPIN": {"MMM": [("200", "30000.00", "2018-01-02"), ("210", "25200.00", "2019-01-02")]},
    "LATE": {"MMM": [("200", "30000.00", "2018-01-02"), ("210", "25200.00", "2019-01-02")]},
    "DIVIDEND": {"DIV": [("100", "1000.00", "2019-01-02")]},
    "CASH": {"TWTR": [("100", "4000.00", "2019-01-02")]},
    "STOCK": {"PXD": [("100", "15000.00", "2019-01-02")]},
    "BOOT": {"TWX": [("100", "8000.00", "2015-01-02")]},
    "TAXED": {"AET": [("100", "402.00", "2001-01-02")]},
    "ELECTED": {"VMW": [("100", "10000.00", "2019-01-02")]},
    "CAPITAL": {"ROC": [("100", "1000.00", "2019-01-02")]},
    "TENDER": {"TND": [("100", "1000.00", "2019-01-02")]},
    "RIGHTS": {"RHS": [("100", "1000.00", "2019-01-02")]},
    "EXERCISE": {"RTE": [("100", "20.00", "2019-01-02")]},
    "CHOICE": {"DVO": [("100", "1000.00", "2019-01-02")]},
    "INCOME": {"TSP": [("100", "1000.00", "2019-01-02")]},
    "REDEEM": {"BND": [("10", "950.00", "2019-01-02")]},
    "RENAME": {"FB": [("10", "1000.00", "2019-01-02")]},
    "DELIST": {"DEAD": [("10", "1000.00", "2019-01-02")]},
    "WORTHLESS": {"ENR": [("100", "1000.00", "2019-01-02")]},
    "QUIET": {"FOX": [("10", "1000.00", "2019-01-02")]},
}
CLOSES = {
    "AAPL": "499.23", "GE": "12.95", "MMM": "106.00", "SOLV": "69.10", "DIV": "20.60", "TWTR": "54.00",
    "PXD": "269.00", "XOM": "116.00", "TWX": "98.00", "T": "32.54", "AET": "212.00", "CVS": "80.27", "VMW": "142.00",
    "AVGO": "979.50", "ROC": "30.00", "TND": "11.50", "RHS": "10.00", "RGT": "0.50", "RTE": "0.50", "STE": "12.00",
    "DVO": "20.40", "TSP": "50.00", "CHI": "50.00", "BND": "99.00", "FB": "200.00",
    "DEAD": "1.00", "ENR": "0.02", "FOX": "100.00",
}  # fmt: skip
MODELS = {"M": {CORE: "0.98", "CASH": "0.02"}, "OWNERS": {"MMM": "0.40", "TWTR": "0.08", CORE: "0.50", "CASH": "0.02"}}


OF_ONE_SOURCE = [
    an_event("SPLF", "AAPL", new_shares="4", old_shares="1"),
    an_event("SPLR", "GE", new_shares="1", old_shares="8", cash_per_share="103.60", new_symbol="GEN"),
    an_event("CHAN", "FB", new_symbol="META"),
]
OF_TWO_SOURCES = [
    an_event("SOFF", "MMM", new_shares="1", old_shares="4", new_symbol="SOLV", treatment="TAX_FREE",
             basis_percent="15.5218", basis_source="Form 8937", fraction_price="69.10"),
    an_event("DVSE", "DIV", new_shares="103", old_shares="100"),
    an_event("MRGR", "TWTR", cash_per_share="54.20", treatment="TAXABLE"),
    an_event("MRGR", "PXD", new_shares="2.3234", old_shares="1", new_symbol="XOM", treatment="TAX_FREE",
             fraction_price="116.00"),
    an_event("MRGR", "TWX", new_shares="1.437", old_shares="1", new_symbol="T", treatment="TAX_FREE",
             cash_per_share="53.75", fair_value="32.54"),
    an_event("MRGR", "AET", new_shares="0.8378", old_shares="1", new_symbol="CVS", treatment="TAXABLE",
             cash_per_share="145.00", fair_value="80.27", fraction_price="80.27"),
    an_event("MRGR", "VMW", new_shares="0.252", old_shares="1", new_symbol="AVGO", treatment="TAX_FREE",
             cash_per_share="142.50", fair_value="979.50", mandatory="false"),
    an_event("CAPD", "ROC", cash_per_share="3.00"),
    an_event("TEND", "TND", cash_per_share="12.00", mandatory="false"),
    an_event("RHDI", "RHS", new_shares="1", old_shares="1", new_symbol="RGT", fair_value="0.50"),
    an_event("EXRI", "RTE", new_shares="1", old_shares="4", new_symbol="STE", cash_per_share="8.00"),
    an_event("DVOP", "DVO", new_shares="1", old_shares="50", new_symbol="DVO", fair_value="20.00"),
    an_event("SOFF", "TSP", new_shares="1", old_shares="10", new_symbol="CHI", treatment="TAXABLE", fair_value="50.00"),
    an_event("REDM", "BND", cash_per_share="100.00", treatment="TAXABLE"),
    an_event("DLST", "DEAD"),
    an_event("WRTH", "ENR"),
]  # fmt: skip
ELECTIONS = {
    "EV-VMW/ELECTED": {"choice": "STOCK", "cash_per_share": "68.2575", "new_shares": "0.131292", "old_shares": "1"},
    "EV-TND/TENDER": {"choice": "TENDER", "accepted": "0.5"},
    "EV-RTE/EXERCISE": {"choice": "EXERCISE"},
    "EV-DVO/CHOICE": {"choice": "STOCK"},
}


def told(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "source": source} for row in rows for source in BOTH]


@pytest.fixture
def nights(database: FreshDatabase, tmp_path: Path) -> Iterator[ActionNights]:
    engine = sync_engine(database.app_url, pool_size=1)
    yield ActionNights(
        engine,
        tmp_path / "drop",
        (CORE, *CLOSES),
        MODELS,
        follows={"SPIN": "OWNERS"},
        restrictions=[("SPIN", "NEVER_SELL", "MMM")],
    ).founded()
    engine.dispose()


AFTER = {
    "SPLIT": "AAPL 100 4374.25 2019-03-01",
    "REVERSE": "GE 125 10000.00 2019-05-01",
    "SPIN": """MMM 200 25343.46 2018-01-02
MMM 210 21288.51 2019-01-02
SOLV 50 4656.54 2018-01-02
SOLV 52 3874.24 2019-01-02""",
    "DIVIDEND": "DIV 103 1000.00 2019-01-02",
    "CASH": "",
    "STOCK": "XOM 232 14978.05 2019-01-02",
    "BOOT": "T 143.7 4676.00 2015-01-02",
    "TAXED": "CVS 83 6662.41 2026-11-20",
    "ELECTED": "AVGO 13.1292 10000.00 2019-01-02",
    "CAPITAL": "ROC 100 700.00 2019-01-02",
    "TENDER": "TND 50 500.00 2019-01-02",
    "RIGHTS": "RGT 100 0.00 2019-01-02\nRHS 100 1000.00 2019-01-02",
    "EXERCISE": "STE 25 220.00 2026-11-20",
    "CHOICE": "DVO 100 1000.00 2019-01-02\nDVO 2 40.00 2026-11-20",
    "INCOME": "CHI 10 500.00 2026-11-20\nTSP 100 1000.00 2019-01-02",
    "REDEEM": "",
    "RENAME": "FB 10 1000.00 2019-01-02",
    "DELIST": "DEAD 10 1000.00 2019-01-02",
    "WORTHLESS": "",
    "QUIET": "FOX 10 1000.00 2019-01-02",
}
"""Shares, basis and dates after each account's event: the worked examples of IRC 305 to 1223, to the cent."""

PAID = {"REVERSE": ("38.85", "8.85"), "SPIN": ("34.55", "-2.70"), "CASH": ("5420.00", "1420.00"),
        "STOCK": ("39.44", "17.49"), "BOOT": ("5375.00", "2051.00"), "TAXED": ("14562.61", "20823.02"),
        "ELECTED": ("6825.75", "6825.75"), "CAPITAL": ("300.00", "0"), "TENDER": ("600.00", "100.00"),
        "EXERCISE": ("-200.00", "0"), "REDEEM": ("1000.00", "50.00"), "WORTHLESS": ("0", "-1000.00")}  # fmt: skip
"""Cash and recognised gain, dollars."""


@pytest.mark.covers("D10")
def test_the_night_applies_every_kind_and_applies_it_once(nights: ActionNights) -> None:
    nights.deliver(Night(FRIDAY, EVE, HELD, CLOSES, [*OF_ONE_SOURCE, *told(OF_TWO_SOURCES)]))
    for key, value in ELECTIONS.items():
        nights.agreed(DataChangeKind.ELECTION, key, value)
    nights.approved_by("dora")

    assert nights.judge(FRIDAY) == {}
    assert {name: nights.lots(name) for name in AFTER} == AFTER
    booked = {name: nights.applications(name)[0] for name in PAID}
    assert {name: (each.cash, each.gain) for name, each in booked.items()} == {
        name: (D(cash), D(gain)) for name, (cash, gain) in PAID.items()
    }
    assert nights.snapshot("CASH").cash.unsettled == D("5420.00")
    closes = {name: price.close for name, price in nights.frozen.market.prices.items()}
    # 106.00 - 69.10 / 4; 499.23 / 4; 12.95 x 8; 30.00 - 3.00
    assert [closes[name] for name in ("MMM", "AAPL", "GE", "ROC")] == [
        D("88.725"), D("124.8075"), D("103.6"), D("27")
    ]  # fmt: skip
    owners = nights.frozen.models["OWNERS"]
    # 0.40 x 88.725 / 106.00 stays; the rest is the child's; the merger's 0.08 is cash
    assert round(owners.weights["MMM"], 6) == D("0.334811")
    assert owners.weights["MMM"] + owners.weights["SOLV"] == D("0.40")
    assert ("TWTR" in owners.weights, owners.cash_weight) == (False, D("0.10"))
    rules = {(str(each.kind), each.security_id) for each in nights.snapshot("SPIN").settings.restrictions}
    assert {("NEVER_SELL", "MMM"), ("NEVER_SELL", "SOLV")} <= rules
    assert nights.frozen.market.securities["FB"].symbol == "META"
    assert not nights.frozen.market.securities["DEAD"].tradable
    once = nights.applications()

    nights.judge(FRIDAY, attempt=2)
    assert nights.applications() == once


def test_a_feed_of_one_source_waits_for_two_different_persons(nights: ActionNights) -> None:
    spin = OF_TWO_SOURCES[0]
    nights.deliver(Night(FRIDAY, EVE, {"SPIN": HELD["SPIN"], "QUIET": HELD["QUIET"]}, CLOSES, [spin]))
    nights.approved_by("dora")
    nights.approved_by("dora")
    assert nights.judge(FRIDAY) == {"SPIN": "CA_UNSYNCED"}
    assert nights.applications() == []

    nights.approved_by("dave")
    assert nights.judge(FRIDAY, attempt=2) == {}
    assert nights.states("SPIN") == ["EV-MMM 1 APPLIED"]
