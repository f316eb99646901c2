"""Breaking delivered files: what each fault changes, and what it leaves alone."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from stdnum import cusip

from trimtab.demo import faults
from trimtab.demo.drop import FeedFile, done_marker, write_feed
from trimtab.demo.errors import NothingToBreak

COLUMNS = ("account_id", "security_id", "symbol", "cusip", "isin", "quantity", "market_value")


@pytest.fixture
def positions(tmp_path) -> Path:
    """Two positions: 10 shares for 1,000.00 and 2.5 for 30.00."""
    rows = [
        ("A1", None, "GRY1", "200XZX105", None, Decimal(10), Decimal("1000.00")),
        ("A2", None, "BAS2", "201XZX104", None, Decimal("2.5"), Decimal("30.00")),
    ]
    return write_feed(
        FeedFile("positions", "BANK", COLUMNS, rows), tmp_path, "firm", date(2026, 11, 20), date(2026, 11, 19)
    )


def content(path: Path) -> list[str]:
    return path.read_text().splitlines()[2:]


def test_a_changed_field_changes_the_control_total_with_it(positions):
    assert faults.set_field(positions, {"account_id": "A1", "symbol": "GRY1"}, "quantity", "-7") == 1
    assert content(positions) == [
        "A1,,GRY1,200XZX105,,-7,1000.00",
        "A2,,BAS2,201XZX104,,2.5,30.00",
        "#TRAILER,2,-4.5",
    ]
    assert done_marker(positions).exists()


def test_a_field_outside_the_control_column_leaves_the_trailer(positions):
    faults.set_field(positions, {"account_id": "A2"}, "market_value", "99.00")
    assert content(positions)[1:] == ["A2,,BAS2,201XZX104,,2.5,99.00", "#TRAILER,2,12.5"]


def test_rows_are_removed_added_and_repeated_with_a_trailer_that_counts_them(positions):
    faults.remove_rows(positions, {"account_id": "A1"})
    assert content(positions)[-1] == "#TRAILER,1,2.5"
    faults.add_row(positions, {"account_id": "A3", "symbol": "KRA3", "quantity": "4"})
    assert content(positions)[1:] == ["A3,,KRA3,,,4,", "#TRAILER,2,6.5"]
    faults.repeat_rows(positions, {"account_id": "A3"})
    assert content(positions)[-1] == "#TRAILER,3,10.5"


def test_an_unknown_security_has_a_well_formed_cusip(positions):
    faults.make_unknown(positions, {"account_id": "A1"})
    account, security_id, symbol, code, *_ = content(positions)[0].split(",")
    assert (account, security_id, symbol) == ("A1", "", "NIX1")
    assert cusip.is_valid(code)


def test_a_fault_that_finds_no_row_or_column_says_so(positions):
    with pytest.raises(NothingToBreak, match="no row with"):
        faults.set_field(positions, {"account_id": "A9"}, "quantity", "1")
    with pytest.raises(NothingToBreak, match="no column shares"):
        faults.rename_column(positions, "shares", "units")


def test_columns_are_renamed_removed_added_and_reversed_under_the_old_trailer(positions):
    faults.rename_column(positions, "quantity", "units")
    assert positions.read_text().splitlines()[1] == "account_id,security_id,symbol,cusip,isin,units,market_value"
    assert content(positions)[-1] == "#TRAILER,2,12.5"
    faults.remove_column(positions, "units")
    assert content(positions) == ["A1,,GRY1,200XZX105,,1000.00", "A2,,BAS2,201XZX104,,30.00", "#TRAILER,2,12.5"]
    faults.add_column(positions, "colour", "blue")
    assert content(positions)[0] == "A1,,GRY1,200XZX105,,1000.00,blue"
    faults.reverse_columns(positions)
    assert content(positions)[0] == "blue,1000.00,,200XZX105,GRY1,,A1"


def test_truncated_files_have_no_trailer_and_keep_their_done_marker(positions):
    size = positions.stat().st_size
    faults.truncate(positions, keep=0.5)
    assert positions.stat().st_size == size // 2
    assert b"#TRAILER" not in positions.read_bytes()
    assert done_marker(positions).exists()


def test_the_trailer_goes_missing_or_tells_a_wrong_count_or_total(positions):
    whole = positions.read_bytes()
    faults.remove_trailer(positions)
    assert whole == positions.read_bytes() + b"#TRAILER,2,12.5\n"
    positions.write_bytes(whole)
    faults.miscount(positions)
    assert content(positions)[-1] == "#TRAILER,3,12.5"
    positions.write_bytes(whole)
    faults.falsify_total(positions)
    assert content(positions)[-1] == "#TRAILER,2,13.5"


def test_an_empty_file_and_one_with_a_header_only(positions):
    faults.leave_header_only(positions)
    assert content(positions) == ["#TRAILER,0,0"]
    faults.empty(positions)
    assert positions.read_bytes() == b""


def test_a_file_comes_twice_or_under_another_day_or_not_at_all(positions):
    before = positions.read_bytes()
    faults.deliver_again(positions)
    assert positions.read_bytes() == before
    tomorrow = positions.with_name("positions-20261123.csv")
    faults.put_under(positions, tomorrow)
    assert tomorrow.read_bytes() == before
    assert done_marker(tomorrow).exists()
    faults.unmark(tomorrow)
    assert not done_marker(tomorrow).exists()
    faults.withhold(positions)
    assert not positions.exists()
    assert not done_marker(positions).exists()


def test_encodings_and_line_ends(positions):
    plain = positions.read_bytes()
    faults.use_carriage_returns(positions, every=2)
    assert positions.read_bytes().count(b"\r\n") == 3  # of five lines the first, third and fifth
    positions.write_bytes(plain)
    faults.add_byte_order_mark(positions)
    assert positions.read_bytes() == b"\xef\xbb\xbf" + plain
    positions.write_bytes(plain)
    faults.encode_as(positions, "utf-16")
    assert positions.read_bytes().decode("utf-16").encode() == plain
    positions.write_bytes(plain)
    faults.encode_as(positions, "latin-1")
    assert b"BANK-Z\xdcRICH\n" in positions.read_bytes()
    positions.write_bytes(plain)
    faults.use_semicolons(positions)
    assert b"A1;;GRY1;" in positions.read_bytes()
    positions.write_bytes(plain)
    faults.insert_bytes(positions, 1, b"\x00")
    assert b"\n\x00A2," in positions.read_bytes()
    positions.write_bytes(plain)
    faults.append_after_trailer(positions)
    assert positions.read_bytes() == plain + b"A00001,left over\n"
