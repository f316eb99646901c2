"""One delivered file, from its bytes to rows, to rows kept aside, or to a refusal."""

import io
import resource
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import LAYOUTS, FeedKind
from trimtab.feeds.lines import LONGEST_LINE
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.risk import refuse_bad_covariance

DAY = date(2026, 11, 20)
CASH = """#TRIMTAB,cash,f1,2026-11-20,2026-11-19,BANK
account_id,settled,unsettled
A1,100.25,0
A2,-3.10,7
#TRAILER,2,97.15
"""
POSITIONS = """#TRIMTAB,positions,f1,2026-11-20,2026-11-19,BANK
market_value,account_id,quantity,cusip,symbol
10.00,A1,5,037833100,AAPL
20.00,A1,6,,ORCL
#TRAILER,2,11
"""


def reader_of(content: str | bytes, kind: FeedKind = FeedKind.CASH) -> FeedReader:
    data = content.encode() if isinstance(content, str) else content
    return FeedReader(io.BytesIO(data), kind, "f1", DAY)


def rows_of(content: str | bytes, kind: FeedKind = FeedKind.CASH) -> list[tuple[object, ...]]:
    return [row for batch in reader_of(content, kind).batches() for row in batch]


def refusal(content: str | bytes, kind: FeedKind = FeedKind.CASH) -> str:
    with pytest.raises(FeedRefused) as refused:
        rows_of(content, kind)
    return refused.value.code


def test_rows_come_with_their_line_number_in_the_order_of_the_layout():
    assert LAYOUTS[FeedKind.CASH].names == ("account_id", "settled", "unsettled", "currency")
    assert rows_of(CASH) == [
        (3, "A1", Decimal("100.25"), Decimal(0), "USD"),
        (4, "A2", Decimal("-3.10"), Decimal(7), "USD"),
    ]


def test_columns_are_found_by_their_header_and_the_first_identifier_present_decides():
    assert rows_of(POSITIONS, FeedKind.POSITIONS) == [
        (3, "A1", Decimal(5), Decimal("10.00"), False, "cusip", "037833100"),
        (4, "A1", Decimal(6), Decimal("20.00"), False, "symbol", "ORCL"),
    ]


def test_header_totals_and_hash_are_known_at_the_end():
    reader = reader_of(CASH)
    list(reader.batches())
    assert reader.header is not None
    assert (reader.header.as_of, reader.header.source) == (date(2026, 11, 19), "BANK")
    assert (reader.rows, reader.control_total) == (2, Decimal("97.15"))
    assert len(reader.content_hash) == 64


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("#TRAILER,2,97.15\n", "", "FEED_TRUNCATED"),
        ("#TRAILER,2,97.15", "#TRAILER,3,97.15", "FEED_TRUNCATED"),
        ("#TRAILER,2,97.15", "#TRAILER,2,97.16", "FEED_TOTAL"),
        ("#TRAILER,2,97.15", "#TRAILER,two,97.15", "FEED_TRUNCATED"),
        ("#TRAILER,2,97.15\n", "#TRAILER,2,97.15\n\n", "FEED_TRAILING"),
        ("cash,f1", "cash,f2", "FOREIGN_FIRM_DATA"),
        ("cash,f1", "lots,f1", "FEED_SCHEMA"),
        ("2026-11-20", "2026-11-19", "FEED_STALE_DATE"),
        ("2026-11-19", "2026-11-20", "FEED_STALE_DATE"),
        ("2026-11-19", "yesterday", "FEED_SCHEMA"),
        ("#TRIMTAB,cash", "#TRIMTAB;cash", "FEED_ENCODING"),
        ("#TRIMTAB,", "TRIMTAB,", "FEED_SCHEMA"),
        ("settled,unsettled", "settled,pending", "FEED_SCHEMA"),
        ("settled,unsettled", "settled,unsettled,settled", "FEED_SCHEMA"),
        ("account_id,settled,unsettled", "account_id;settled;unsettled", "FEED_ENCODING"),
        ("A1,100.25,0", 'A1,"100.25,0', "FEED_ENCODING"),
        ("A1,100.25,0", "\x00A1,100.25,0", "FEED_ENCODING"),
        ("A1,100.25,0\n", "A1,100.25,0\r", "FEED_ENCODING"),
        ("A1,100.25,0", ",100.25,0", "FEED_SCHEMA"),
        ("A1,100.25,0\n", "\n", "FEED_SCHEMA"),
    ],
)
def test_a_file_that_breaks_its_envelope_is_refused(old, new, code):
    assert old in CASH
    assert refusal(CASH.replace(old, new, 1)) == code


def test_nothing_and_next_to_nothing_are_empty():
    header, columns, *_ = CASH.splitlines()
    assert refusal(b"") == "FEED_EMPTY"
    assert refusal(f"{header}\n") == "FEED_EMPTY"
    assert refusal(f"{header}\n{columns}\n") == "FEED_EMPTY"
    assert refusal(f"{header}\n{columns}\n#TRAILER,0,0\n") == "FEED_EMPTY"


def test_a_day_without_sales_or_events_is_no_empty_file():
    header = "#TRIMTAB,cash_needs,f1,2026-11-20,2026-11-19,OFFICE"
    assert rows_of(f"{header}\naccount_id,amount,due_on\n#TRAILER,0,0\n", FeedKind.CASH_NEEDS) == []


def test_other_encodings_are_refused_and_a_byte_order_mark_is_dropped():
    assert refusal(CASH.encode("utf-16")) == "FEED_ENCODING"
    assert refusal(CASH.encode("utf-16-be")) == "FEED_ENCODING"
    assert refusal(CASH.replace("BANK", "ZÜRICH").encode("latin-1")) == "FEED_ENCODING"
    reader = reader_of(b"\xef\xbb\xbf" + CASH.replace("\n", "\r\n").encode())
    assert sum(len(batch) for batch in reader.batches()) == 2
    assert reader.notes == ["normalised BOM", "normalised CRLF"]


def test_a_line_feed_inside_quotes_is_part_of_the_text():
    content = CASH.replace("A1,100.25,0", '"A1","100.25","0"')
    assert rows_of(content)[0][1:] == ("A1", Decimal("100.25"), Decimal(0), "USD")


def test_an_unknown_column_is_ignored_and_noted():
    content = CASH.replace("unsettled", "unsettled,colour").replace("25,0", "25,0,red").replace("10,7", "10,7,blue")
    reader = reader_of(content)
    assert sum(len(batch) for batch in reader.batches()) == 2
    assert reader.notes == ["ignored the unknown columns colour"]


def test_an_unreadable_row_is_kept_aside_and_counts_in_the_trailer():
    reader = reader_of(CASH.replace("A2,-3.10,7", "A2,-3.10,seven"))
    assert [row[1] for batch in reader.batches() for row in batch] == ["A1"]
    kept = reader.quarantined[0]
    assert (kept.line, kept.field, kept.value, kept.code, kept.owner) == (
        4,
        "unsettled",
        "seven",
        "ROW_UNREADABLE",
        "A2",
    )


def test_an_unreadable_control_value_counts_as_nothing_in_the_total():
    reader = reader_of(CASH.replace("-3.10,7", "N/A,7").replace("97.15", "100.25"))
    assert sum(len(batch) for batch in reader.batches()) == 1
    assert reader.quarantined[0].value == "N/A"


def test_an_identifier_that_fails_its_check_digit_keeps_its_row_aside():
    reader = reader_of(POSITIONS.replace("037833100", "037833101"), FeedKind.POSITIONS)
    assert sum(len(batch) for batch in reader.batches()) == 1
    kept = reader.quarantined[0]
    assert (kept.code, kept.owner, kept.security_key) == ("ID_INVALID", "A1", "037833101")


def test_factors_come_by_name_whatever_the_order_of_the_columns():
    content = """#TRIMTAB,risk_exposures,f1,2026-11-20,2026-11-19,RISK
ZINC,symbol,specific_risk,ALPHA
0.5,AAPL,0.25,-1
#TRAILER,1,0
"""
    reader = reader_of(content, FeedKind.RISK_EXPOSURES)
    assert [row for batch in reader.batches() for row in batch] == [(3, 0.25, "symbol", "AAPL", (-1.0, 0.5))]
    assert reader.factors == ("ALPHA", "ZINC")


@pytest.mark.parametrize(
    "rows",
    [
        [("A", [1.0, 0.2]), ("B", [0.3, 1.0])],
        [("A", [1.0, 2.0]), ("B", [2.0, 1.0])],
        [("A", [1.0, 0.2])],
        [("A", [1.0, 0.2]), ("C", [0.2, 1.0])],
    ],
    ids=["not symmetric", "not positive", "a row missing", "another factor"],
)
def test_a_covariance_that_is_none_is_refused(rows):
    with pytest.raises(FeedRefused):
        refuse_bad_covariance(rows, ("A", "B"))
    refuse_bad_covariance([("A", [1.0, 0.2]), ("B", [0.2, 1.0])], ("A", "B"))


class OneLongLine(io.RawIOBase):
    """A gigabyte without a line feed, made as it is read."""

    left = 1 << 30

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        return b"x" * size if self.left > 0 else b""


def test_one_endless_line_is_refused_at_once_in_little_memory():
    """Case 58."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = OneLongLine()
    with pytest.raises(FeedRefused) as refused:
        list(FeedReader(stream, FeedKind.CASH, "f1", DAY).batches())  # type: ignore[arg-type]
    assert refused.value.code == "FEED_SIZE"
    assert stream.left > (1 << 30) - (1 << 22)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_line_longer_than_the_limit_is_refused_inside_a_file_too():
    assert refusal(CASH.replace("A1,", f"A1{'x' * LONGEST_LINE},", 1)) == "FEED_SIZE"


def many_rows(count: int) -> Iterator[str]:
    yield "#TRIMTAB,cash,f1,2026-11-20,2026-11-19,BANK\naccount_id,settled,unsettled\n"
    for number in range(count):
        yield f"A{number},1.01,0\n"
    yield f"#TRAILER,{count},{Decimal('1.01') * count}\n"


def test_a_large_file_comes_in_batches():
    batches = [len(batch) for batch in reader_of("".join(many_rows(12_000))).batches()]
    assert batches == [5_000, 5_000, 2_000]
