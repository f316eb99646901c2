"""The journal's reader and writer, without a process."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.broker.paper_process import MONDAY, an_order
from trimtab.broker.errors import JournalCorrupt, JournalInUse, JournalWriteFailed, SessionSuperseded
from trimtab.broker.journal import (
    Event,
    JournaledExecution,
    JournaledLogon,
    JournaledOrder,
    JournaledTear,
    executions,
    orders,
    read_journal,
    summarize,
)
from trimtab.broker.journal_writer import JournalWriter, open_journal
from trimtab.broker.paper_book import PaperBook, exec_id
from trimtab.broker.paper_market import PaperMarket
from trimtab.broker.paper_options import PaperOptions
from trimtab.broker.protocol import Execution
from trimtab.domain.orders import Side

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TAKEN: list[Event] = [
    JournaledLogon("firm-a", 1),
    JournaledOrder("firm-a", 1, "PB00000001", 1, an_order("A1")),
    JournaledOrder("firm-a", 1, "PB00000002", 2, an_order("A1")),
    JournaledOrder("firm-b", 7, "PB00000003", 1, an_order("A1")),
    JournaledExecution(
        "firm-a",
        Execution(
            cursor=1,
            exec_id="PX1",
            client_order_id="A1",
            broker_order_id="PB00000001",
            security_id="VTI",
            side=Side.BUY,
            quantity=Decimal(100),
            price=Decimal("250.51"),
            cum_qty=Decimal(100),
            leaves_qty=Decimal(0),
            business_date=MONDAY,
        ),
    ),
]


def written(path: Path) -> None:
    writer, _ = open_journal(path, now=lambda: NOON)
    writer.append(TAKEN)
    writer.close()


def test_what_is_written_is_read_back_with_line_numbers_and_times(tmp_path: Path):
    written(tmp_path / "j")
    reading = read_journal(tmp_path / "j")
    assert list(reading.events()) == TAKEN
    assert [(entry.n, entry.recorded_at) for entry in reading.entries] == [(n, NOON) for n in range(1, 6)]


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path):
    assert summarize(read_journal(tmp_path / "none")).orders == 0


def test_an_id_taken_twice_from_one_firm_is_a_duplicate_and_from_two_firms_is_not(tmp_path: Path):
    written(tmp_path / "j")
    reading = read_journal(tmp_path / "j")
    summary = summarize(reading)
    assert (summary.orders, summary.distinct_orders, summary.duplicates) == (3, 2, ("A1",))
    assert summarize(reading, "firm-b").duplicates == ()
    assert (len(orders(reading, "firm-a")), len(executions(reading, "firm-b"))) == (2, 0)
    assert (summary.executions, summary.executed_quantity) == (1, 100)


def test_a_reader_beside_the_writer_sees_a_half_written_line_as_torn(tmp_path: Path):
    written(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(b'{"n":6,"at"')
    reading = read_journal(tmp_path / "j")
    assert (len(reading.entries), reading.torn_bytes) == (5, 11)


def test_the_writer_cuts_the_torn_line_off_and_goes_on_below(tmp_path: Path):
    written(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(b"\0" * 4096)  # what a file system may leave after a power cut
    writer, reading = open_journal(tmp_path / "j", now=lambda: NOON)
    writer.append([JournaledLogon("firm-a", 2)])
    writer.close()
    assert reading.torn_bytes == 4096
    assert list(read_journal(tmp_path / "j").events()) == [*TAKEN, JournaledTear(4096), JournaledLogon("firm-a", 2)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'{"n":2', b'{"n":3', "line 2: line number 3 stands where 2 belongs"),
        (b'"kind":"logon"', b'"kind":"later"', "line 1: unknown kind 'later'"),
        (b'"quantity":"100"', b'"quantity":"1OO"', "line 2: .*quantity"),
        (b'"at":"2026-', b'"at":"June-', "line 1: unreadable time"),
    ],
)
def test_damage_above_the_last_line_is_an_error_that_names_the_line(
    tmp_path: Path, old: bytes, new: bytes, message: str
):
    written(tmp_path / "j")
    content = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(content.replace(old, new, 1))
    with pytest.raises(JournalCorrupt, match=message):
        read_journal(tmp_path / "j")


def test_a_whole_last_line_is_never_taken_for_a_torn_one(tmp_path: Path):
    written(tmp_path / "j")
    content = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(content.replace(b'"kind":"execution"', b'"kind":"explosion"'))
    with pytest.raises(JournalCorrupt, match="line 5"):
        open_journal(tmp_path / "j")


def test_a_journal_has_one_writer(tmp_path: Path):
    writer, _ = open_journal(tmp_path / "j")
    with pytest.raises(JournalInUse):
        open_journal(tmp_path / "j")
    writer.close()
    open_journal(tmp_path / "j")[0].close()


def test_a_full_disk_is_an_error_and_not_a_missing_line():
    with Path("/dev/full").open("wb") as full, pytest.raises(JournalWriteFailed, match="No space left"):
        JournalWriter(full.fileno(), 0, lambda: NOON).append(TAKEN)


def test_a_report_for_an_order_that_is_not_open_is_not_taken_in_silence():
    book = PaperBook()
    for event in TAKEN:
        book.apply(event)
    with pytest.raises(JournalCorrupt, match="no open order: PB00000001"):
        book.apply(TAKEN[-1])


def test_bytes_of_a_dropped_session_that_still_stand_in_a_buffer_are_refused(tmp_path: Path):
    book = PaperBook()
    market = PaperMarket(book, PaperOptions(), tmp_path)
    book.apply(JournaledLogon("firm-a", 4))
    market.require_current("firm-a", 4)
    book.apply(JournaledLogon("firm-a", 5))
    with pytest.raises(SessionSuperseded, match="generation 4 of firm-a gave way to 5"):
        market.require_current("firm-a", 4)


def test_exec_ids_differ_by_firm_order_copy_and_fill_and_are_the_same_each_time():
    made = {
        exec_id(firm, order, copy, fill)
        for firm in ("a", "b")
        for order in ("1", "11")
        for copy in (1, 11)
        for fill in (1, 2)
    }
    assert len(made) == 16
    assert exec_id("a", "1", 1, 1) == "PX2b4a8c8741b9bba3c12f454f"
