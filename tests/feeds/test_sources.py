"""The file of sources: who delivers what, in which form, and until when."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import Form, SourceBook, SourcesInvalid, load_sources

DAY, BEFORE = date(2026, 11, 20), date(2026, 11, 19)
NEW_YORK = ZoneInfo("America/New_York")


def new_york(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=NEW_YORK)


def written(tmp_path, text):
    path = tmp_path / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_firm_that_nobody_names_gets_trimtabs_own_files():
    source = SourceBook().of("f1").of(FeedKind.LOTS)
    assert (source.form, source.file_name(FeedKind.LOTS, DAY)) == (Form.TRIMTAB, "lots-20261120.csv")


def test_a_source_says_form_folder_name_and_due_time(tmp_path):
    path = written(
        tmp_path,
        """
f1:
  - name: IBKR
    kinds: [positions, lots, cash]
    form: ibkr-flex
    folder: ibkr
    file: "flex-{date}.xml"
    due: "21:30 before"
    grace_minutes: 45
    accounts: {U1: A1}
""",
    )
    sources = load_sources(path).of("f1")
    flex = sources.of(FeedKind.LOTS)
    assert (flex.folder_of(FeedKind.LOTS), flex.file_name(FeedKind.LOTS, DAY)) == ("ibkr", "flex-20261120.xml")
    times = flex.deadlines(DAY, BEFORE, new_york(20, 9))
    assert times.due_at == new_york(19, 21, 30)
    assert times.late_at == new_york(19, 22, 15)
    assert times.urgent_at == new_york(20, 8)
    assert sources.of(FeedKind.PRICES).name == "drop-folder"


def test_no_deadline_is_after_the_cut_off(tmp_path):
    path = written(tmp_path, "f1: [{name: S, kinds: [cash], due: '08:50', grace_minutes: 60}]")
    times = load_sources(path).of("f1").of(FeedKind.CASH).deadlines(DAY, BEFORE, new_york(20, 9))
    assert (times.late_at, times.urgent_at, times.missing_at) == (new_york(20, 9),) * 3


WRONG = {
    "a form that does not hold the kind": "f1: [{name: S, kinds: [lots], form: ofx}]",
    "two sources of a kind": "f1: [{name: S, kinds: [lots]}, {name: T, kinds: [lots]}]",
    "a misspelt setting": "f1: [{name: S, kinds: [lots], forms: ofx}]",
    "no kind": "f1: [{name: S, kinds: [lot]}]",
    "a layout without its name": "f1: [{name: S, kinds: [lots], form: layout}]",
    "a name that leaves its folder": "f1: [{name: S, kinds: [lots], file: '../{date}.csv'}]",
    "a name without a date": "f1: [{name: S, kinds: [lots], file: 'lots.csv'}]",
    "a time that is none": "f1: [{name: S, kinds: [lots], due: '25:00'}]",
    "no YAML": "f1: [",
    "a host that is not pinned": "f1: [{name: S, kinds: [lots], sftp: {host: h, username: u, password_file: p}}]",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_meant_is_refused_by_its_place(tmp_path, case):
    with pytest.raises(SourcesInvalid):
        load_sources(written(tmp_path, WRONG[case]))
