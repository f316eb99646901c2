"""The short way gives what the strict reader gives, or nothing at all."""

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader

DAY = date(2026, 11, 20)
COLUMNS = "account_id,symbol,cusip,lot_id,quantity,acquired_on,holding_start,cost,wash_adjustment,purchase_id,covered"
SOUND = "A1,AAPL,037833100,L1,10.5,2024-02-29,,100.25,0.00,P1,true"


def lots(rows: list[str], total: str) -> str:
    head = f"#TRIMTAB,lots,f1,2026-11-20,2026-11-19,BANK\n{COLUMNS}\n"
    return head + "".join(row + "\n" for row in rows) + f"#TRAILER,{len(rows)},{total}\n"


def reader_of(text: str) -> FeedReader:
    return FeedReader(io.BytesIO(text.encode()), FeedKind.LOTS, "f1", DAY)


def as_copied(text: str) -> tuple[list[tuple[str, ...]], FeedReader]:
    """What COPY is given, long way and short way alike."""
    reader, found = reader_of(text), []
    for batch in reader.copy_batches():
        if isinstance(batch, str):
            found += [tuple(line.split("\t")) for line in batch.splitlines()]
        else:
            found += [tuple(copied(value) for value in row) for row in batch]
    return found, reader


def copied(value: object) -> str:
    if value is None:
        return "\\N"
    return str(value).lower() if isinstance(value, bool) else str(value)


def same(first: str, second: str) -> bool:
    try:
        return Decimal(first) == Decimal(second)
    except ArithmeticError:
        return first == second


def the_long_way(text: str) -> tuple[list[tuple[str, ...]], FeedReader]:
    reader = reader_of(text)
    return [tuple(copied(value) for value in row) for batch in reader.batches() for row in batch], reader


def test_plain_lines_go_as_text_with_their_numbers_total_and_security():
    rows, reader = as_copied(lots([SOUND, SOUND.replace("037833100", "")], "200.50"))
    first = ("3", "A1", "L1", "10.5", "2024-02-29", "\\N", "100.25", "0.00", "P1", "true")
    assert [row[:10] for row in rows] == [first, ("4", *first[1:])]
    assert [row[-2:] for row in rows] == [("cusip", "037833100"), ("symbol", "AAPL")]
    assert (reader.rows, reader.control_total) == (2, Decimal("200.50"))


CELLS = st.tuples(
    st.sampled_from(["A1", "a/b", "A 1", "", "A\\1", "Ä1"]),
    st.sampled_from(["AAPL", "BRK.B", "BRK B", "", "\\N", "=1"]),
    st.sampled_from(["037833100", "037833109", "37833100", "", "88579y101"]),
    st.sampled_from(["L1", "L-1", "L\t1", '"L1"', '"L,1"']),
    st.sampled_from(["1", "-1.5", "1.1234567", "1e5", "+3", "9999999999999999999", "12,5", "", "0.0000005"]),
    st.sampled_from(["2024-02-29", "2023-02-29", "2024-04-31", "2024-12-31", "1899-01-01", "2024-1-1", ""]),
    st.sampled_from(["", "2020-01-30", "0000-00-00"]),
    st.sampled_from(["1.00", "", "N/A", "33.333333", "0.0000001"]),
    st.sampled_from(["0", "", "-1.25"]),
    st.sampled_from(["", "P1"]),
    st.sampled_from(["true", "false", "TRUE", ""]),
).map(",".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.just(SOUND), CELLS), min_size=1, max_size=4))
def test_whatever_the_cells_the_two_ways_agree(rows: list[str]) -> None:
    text = lots(rows, "0")
    outcomes = []
    for way in (as_copied, the_long_way):
        try:
            found, reader = way(text)
            outcomes.append((found, reader))
        except FeedRefused as refusal:
            outcomes.append((refusal.code, str(refusal)))
    short, long = outcomes
    if isinstance(long[0], str):
        assert short == long
        return
    assert len(short[0]) == len(long[0])
    for mine, theirs in zip(short[0], long[0], strict=True):
        assert all(same(a, b) for a, b in zip(mine, theirs, strict=True)), (mine, theirs)
    assert short[1].quarantined == long[1].quarantined


def test_a_column_that_the_file_leaves_out_has_its_default_and_nobody_elses_cells():
    """The last column says true: what is not there must not read it."""
    for way in (as_copied, the_long_way):
        rows, reader = way(lots([SOUND], "100.25"))
        named = dict(zip(("line", *reader.layout.names), rows[0], strict=True))
        assert named["covered"] == "true"
        omitted = [column for column in reader.layout.columns if column.omissible]
        assert omitted
        assert {named[column.name] for column in omitted} <= {copied(column.default) for column in omitted}


def test_a_quoted_cell_may_reach_into_later_lines():
    head = "#TRIMTAB,restrictions,f1,2026-11-20,2026-11-19,BANK\naccount_id,rule,symbol,minimum,maximum,reason\n"
    text = head + 'A1,NEVER_BUY,AAPL,,,"two\nlines"\nA2,NEVER_BUY,AAPL,,,one\n#TRAILER,2,0\n'
    reader = FeedReader(io.BytesIO(text.encode()), FeedKind.RESTRICTIONS, "f1", DAY)
    rows = [row for batch in reader.copy_batches() for row in batch]
    assert [row[0] for row in rows] == [4, 5]


def test_lines_after_the_trailer_are_refused_the_short_way_too():
    with pytest.raises(FeedRefused, match="after the trailer"):
        as_copied(lots([SOUND], "100.25") + SOUND + "\n")
