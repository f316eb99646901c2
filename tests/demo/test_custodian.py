"""The files of a day, as the custodian delivers them."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from trimtab.broker.closes import closes_path, read_closes
from trimtab.demo.custodian import deliver
from trimtab.demo.drop import CONTROL_COLUMNS, FeedFile, csv_text, write_feed
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.feeds.layouts import KINDS
from trimtab.feeds.reader import FeedReader

DAY, EVE = date(2026, 11, 20), date(2026, 11, 19)


@pytest.fixture(scope="module")
def firm() -> DemoFirm:
    return build_firm(20)


@pytest.fixture(scope="module")
def drop(firm: DemoFirm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drop")
    deliver(firm, folder, folder / "closes")
    return folder


def lines(drop: Path, kind: str) -> list[list[str]]:
    return list(csv.reader((drop / "demo" / kind / f"{kind}-20261120.csv").read_text().splitlines()))


def rows(drop: Path, kind: str) -> list[dict[str, str]]:
    table = lines(drop, kind)
    return [dict(zip(table[1], row, strict=True)) for row in table[2:-1]]


def test_a_small_file_looks_like_this(tmp_path):
    feed = FeedFile("cash", "BANK", ("account_id", "settled", "unsettled"),
                    [("A1", Decimal("10.50"), Decimal(0)), ("A,2", Decimal("1E+2"), None)])  # fmt: skip
    path = write_feed(feed, tmp_path, "firm", DAY, EVE)
    assert path == tmp_path / "firm/cash/cash-20261120.csv"
    assert path.read_text() == (
        "#TRIMTAB,cash,firm,2026-11-20,2026-11-19,BANK\n"
        "account_id,settled,unsettled\n"
        "A1,10.50,0\n"
        '"A,2",100,\n'
        "#TRAILER,2,110.50\n"
    )
    assert (tmp_path / "firm/cash/cash-20261120.csv.done").read_bytes() == b""


def test_all_thirteen_kinds_come_with_a_done_marker_and_no_temporary_file_stays(drop):
    kinds = {folder.name for folder in (drop / "demo").iterdir()}
    assert kinds == {str(kind) for kind in KINDS}
    for kind in kinds:
        names = {path.name for path in (drop / "demo" / kind).iterdir()}
        assert names == {f"{kind}-20261120.csv", f"{kind}-20261120.csv.done"}


def test_the_trailer_counts_rows_and_sums_the_control_column(drop):
    for kind in KINDS:
        table = lines(drop, kind)
        mark, count, total = table[-1]
        assert (mark, int(count)) == ("#TRAILER", len(table) - 3)
        column = CONTROL_COLUMNS.get(kind)
        assert Decimal(total) == sum((Decimal(row[column]) for row in rows(drop, kind)) if column else (), Decimal(0))


def test_trimtabs_own_readers_take_every_file_without_a_complaint(drop):
    for kind in KINDS:
        with (drop / "demo" / kind / f"{kind}-20261120.csv").open("rb") as stream:
            reader = FeedReader(stream, kind, "demo", DAY)
            count = sum(len(batch) for batch in reader.batches())
        assert (count, reader.quarantined, reader.notes) == (len(rows(drop, kind)), [], [])


def test_custodian_and_vendors_know_no_ids_of_the_firm(drop):
    for kind in ("positions", "lots", "sales", "prices", "risk_exposures", "corporate_actions"):
        assert {row["security_id"] for row in rows(drop, kind)} == {""}
        assert all(row["symbol"] for row in rows(drop, kind))


def test_market_value_is_quantity_times_close(drop):
    closes = {row["symbol"]: Decimal(row["close"]) for row in rows(drop, "prices")} | {"WIS1": Decimal("42.17")}
    for row in rows(drop, "positions"):
        assert Decimal(row["market_value"]) == Decimal(row["quantity"]) * closes[row["symbol"]]


def test_a_models_cash_is_a_row_of_its_own(drop):
    cash = {row["model_id"]: row["weight"] for row in rows(drop, "models") if row["security_id"] == "CASH"}
    assert {model: Decimal(weight) for model, weight in cash.items()} == {
        "BALANCED_60_40": Decimal("0.01"),
        "GROWTH_80_20": Decimal("0.01"),
        "DIRECT_INDEX": Decimal("0.005"),
        "OPEN_UMA": Decimal("0.01"),
    }


def test_the_split_is_announced_for_the_business_date(drop):
    (row,) = rows(drop, "corporate_actions")
    assert (row["kind"], row["ex_on"], row["new_shares"], row["old_shares"]) == ("SPLF", "2026-11-20", "2", "1")


def test_suspension_standing_and_discretion_stand_in_the_accounts_file(drop):
    by_id = {row["account_id"]: row for row in rows(drop, "accounts")}
    assert by_id["A00012"]["suspension"] == "COMPLIANCE"
    assert by_id["A00013"]["standing"] == "CLOSED"
    assert by_id["A00014"]["discretionary"] == "false"
    assert sum(bool(row["suspension"]) for row in by_id.values()) == 1


def test_the_contradictory_band_is_delivered_as_it_was_entered(drop):
    (band,) = (row for row in rows(drop, "restrictions") if row["rule"] == "BAND")
    assert (band["account_id"], band["minimum"], band["maximum"]) == ("A00015", "0.05", "0.03")


def test_the_paper_broker_reads_the_markets_closes_of_the_business_date(drop, firm):
    closes = read_closes(closes_path(drop / "closes", DAY))
    assert closes == {str(security): close for security, close in firm.market_closes.items()}
    assert len(closes) == 180


def test_delivering_an_equal_firm_again_writes_the_same_bytes(drop, tmp_path):
    for path in deliver(build_firm(20), tmp_path, tmp_path / "closes"):
        assert path.read_bytes() == (drop / path.relative_to(tmp_path)).read_bytes()


def test_a_name_with_comma_or_quote_is_quoted():
    assert csv_text([("Teapots, Inc.", 'the "old" one', None)]) == '"Teapots, Inc.","the ""old"" one",\n'
