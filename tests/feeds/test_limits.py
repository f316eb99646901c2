"""Files that are meant to hurt: refused within two seconds and 64 MiB, whatever they hold (case 58, 59)."""

import multiprocessing
import resource
import time
import zipfile
from datetime import date
from pathlib import Path

import pytest

from trimtab.feeds.drop import Part, parts, pending
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.probe import Looks, hash_of
from trimtab.feeds.sources import STANDARD, Form, Source

DAY = date(2026, 11, 20)
MOST_SECONDS, MOST_GROWTH = 2.0, 64 * 1024  # KiB


def measured(path: Path, form: Form, answer: "multiprocessing.connection.Connection") -> None:
    """In a process of its own: its peak of memory is the file's alone."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    code = ""
    try:
        hash_of([Part(path)], form)
    except FeedRefused as refusal:
        code = refusal.code
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    answer.send((code, time.process_time() - started, grown))


def look(path: Path, form: Form = Form.TRIMTAB) -> str:
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=measured, args=(path, form, theirs))
    child.start()
    code, seconds, grown = ours.recv()
    child.join()
    assert seconds < MOST_SECONDS
    assert grown < MOST_GROWTH
    return str(code)


def zipped(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_one_line_of_a_gigabyte(tmp_path):
    path = tmp_path / "line.csv"
    with path.open("wb") as file:
        file.write(b"x" * (1 << 20))
        file.truncate(1 << 30)  # the rest takes no room on the disk
    assert look(path) == "FEED_SIZE"


def test_ten_million_rows(tmp_path):
    path = tmp_path / "rows.csv"
    block = b"A00001,1.00,0.00\n" * 100_000
    with path.open("wb") as file:
        for _ in range(100):
            file.write(block)
    assert look(path) == "FEED_SIZE"


def test_a_bomb_in_an_archive_is_seen_by_its_directory(tmp_path):
    """64 MiB of one letter in 64 KiB: a thousand times as large."""
    path = tmp_path / "bomb.csv"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(64):
            member.write(b"a" * (1 << 20))
    assert path.stat().st_size < 1 << 17
    assert look(path) == "FEED_SIZE"


def test_ten_million_rows_in_an_archive(tmp_path):
    """Rows that compress like real ones: the directory alone does not give them away."""
    path = tmp_path / "rows.csv"
    block = b"".join(b"%d,1\n" % (number * 7919) for number in range(100_000))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.csv", block * 52)
    assert look(path) == "FEED_SIZE"


def test_parquet_of_ten_million_rows_is_seen_by_its_footer(tmp_path):
    import pyarrow as arrow
    from pyarrow import parquet

    from trimtab.feeds.content import Ask
    from trimtab.feeds.forms.parquet import open_parquet

    path = tmp_path / "prices.parquet"
    table = arrow.table({"close": arrow.repeat(1.0, 10_000_000)})
    parquet.write_table(table, path)
    with path.open("rb") as stream, pytest.raises(FeedRefused) as refusal:
        open_parquet(stream, Ask(FeedKind.PRICES, "f1", DAY))
    assert refusal.value.code == "FEED_SIZE"


def test_a_document_of_tags_is_bounded_by_its_bytes(tmp_path):
    path = tmp_path / "holdings.xml"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)
    assert look(path, Form.SEMT002) == "FEED_SIZE"


ARCHIVES = {
    "an archive in an archive": ([("inner.zip", b"PK\x03\x04")], "FEED_SIZE"),
    "a name that climbs": ([("../cash.csv", b"a\n")], "FEED_PATH"),
    "an absolute name": ([("/etc/cash.csv", b"a\n")], "FEED_PATH"),
    "a name of another system": ([("C:\\cash.csv", b"a\n")], "FEED_PATH"),
    "two files": ([("a.csv", b"a\n"), ("b.csv", b"b\n")], "FEED_SCHEMA"),
    "no file": ([], ""),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_of_anything_but_one_plain_file_is_refused(tmp_path, case):
    members, code = ARCHIVES[case]
    path = zipped(tmp_path / "cash.csv", *members)
    if not code:
        hash_of([Part(path)], Form.TRIMTAB, Looks())  # no archive by its first bytes: the reader refuses it as no text
        return
    with pytest.raises(FeedRefused) as refusal:
        hash_of([Part(path)], Form.TRIMTAB, Looks())
    assert refusal.value.code == code


def test_a_link_in_an_archive_is_refused(tmp_path):
    path = tmp_path / "cash.csv"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("cash.csv")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(FeedRefused, match="link"):
        hash_of([Part(path)], Form.TRIMTAB, Looks())


def test_an_archive_that_unpacks_to_more_than_it_says_is_cut_off(tmp_path):
    """A hundred bytes, of which the directory announces fifty."""
    path = zipped(tmp_path / "a.csv", ("a.csv", b"0123456789" * 10))
    path.write_bytes(path.read_bytes().replace((100).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(FeedRefused) as refusal:
        hash_of([Part(path)], Form.TRIMTAB, Looks())
    assert refusal.value.code == "FEED_TRUNCATED"


def marked(tmp_path: Path, marker: str) -> list[Part]:
    folder = tmp_path / "f1" / "cash"
    folder.mkdir(parents=True)
    (folder / "cash-20261120.csv").write_text("a\n")
    (folder / "cash-20261120.csv.done").write_text(marker)
    (file,) = pending(tmp_path, "f1", DAY, STANDARD)
    return parts(file, DAY)


def test_a_checksum_in_the_done_marker_is_held_against_the_file(tmp_path):
    """Case 64. The SHA-256 of "a" and a line feed begins with 87428fc5."""
    right = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert hash_of(marked(tmp_path, right + "\n"), Form.TRIMTAB, Looks()) == right
    for wrong in (right.replace("8", "9"), f"{right}  lots-20261120.csv", "OK"):
        (tmp_path / "f1" / "cash" / "cash-20261120.csv.done").write_text(wrong)
        (file,) = pending(tmp_path, "f1", DAY, STANDARD)
        with pytest.raises(FeedRefused) as refusal:
            hash_of(parts(file, DAY), Form.TRIMTAB, Looks())
        assert refusal.value.code == "FEED_SIGNATURE"


@pytest.mark.parametrize(("name", "code"), [("../x.xml", "FEED_PATH"), ("other-20261120.xml", "FEED_SCHEMA")])
def test_a_set_lists_plain_names_of_its_own_day(tmp_path, name, code):
    source = Source(name="S", kinds=(FeedKind.POSITIONS,), form=Form.SEMT002, file="p-{date}-*.xml")
    folder = tmp_path / "f1" / "positions"
    folder.mkdir(parents=True)
    (folder / "positions-20261120.done").write_text(f"{'0' * 64}  {name}\n")
    from dataclasses import replace
    from types import MappingProxyType

    sources = replace(STANDARD, by_kind=MappingProxyType({**STANDARD.by_kind, FeedKind.POSITIONS: source}))
    (file,) = pending(tmp_path, "f1", DAY, sources)
    with pytest.raises(FeedRefused) as refusal:
        parts(file, DAY)
    assert refusal.value.code == code


def test_what_was_seen_of_a_file_is_kept_while_it_stays_as_it_is(tmp_path, monkeypatch):
    looks, path = Looks(), tmp_path / "a.csv"
    path.write_text("a\n")
    first = looks.digest(path, Form.TRIMTAB)
    monkeypatch.setattr("trimtab.feeds.probe._look", lambda *_: "looked again")
    assert looks.digest(path, Form.TRIMTAB) == first
    path.write_text("another\n")
    assert looks.digest(path, Form.TRIMTAB) == "looked again"
