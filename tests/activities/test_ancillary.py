"""A firm's own fields from a real file: typed, versioned, suspending where a value cannot be read, seen by filters."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.activities.feed_day import FIRM, FeedDay
from tests.domain.filter_trees import OWN_FIELDS
from tests.servers import FreshDatabase
from trimtab.activities.ancillary import OPENED_BY
from trimtab.activities.deliveries import LoadedFile, load_deliveries
from trimtab.cli import app
from trimtab.db.account_history import known_by_now
from trimtab.db.ancillary import ANCILLARY_FIELD, catalogue, value_history, values_on
from trimtab.db.engine import firm_transaction
from trimtab.db.filters import matching_accounts, write_facts
from trimtab.db.settings_versions import write_version
from trimtab.db.tables import quarantined_row, suspension
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.filter_reading import read_sentence
from trimtab.domain.records import plain
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.writing import FeedFile, write_feed

A1, A2 = "A00001", "A00002"
KIND = FeedKind.ANCILLARY


def _define(day: FeedDay) -> None:
    with firm_transaction(day.engine, FIRM) as connection:
        for name, each in OWN_FIELDS.items():
            value: Any = plain(each)
            write_version(
                connection, FIRM, ANCILLARY_FIELD, name, value,
                effective_from=date.min, actor="olga", reason="new", supersedes=None,
            )  # fmt: skip


def _send(day: FeedDay, rows: list[tuple[str, str, str | None]], on: date, as_of: date) -> LoadedFile:
    write_feed(FeedFile("ancillary", "crm", ("account_id", "field", "value"), rows), day.drop, FIRM, on, as_of)
    (loaded,) = [file for file in load_deliveries(day.engine, FIRM, day.drop, on, as_of=as_of) if file.kind == KIND]
    return loaded


def _suspended(day: FeedDay) -> list[str]:
    rows = select(suspension.c.scope_id).where(suspension.c.opened_by == OPENED_BY, suspension.c.lifted_by.is_(None))
    with firm_transaction(day.engine, FIRM) as connection:
        return list(connection.scalars(rows))


@pytest.fixture
def known(day: FeedDay) -> FeedDay:
    """The fields are defined, and the first evening's file has come."""
    _define(day)
    rows = [(A1, "risk_score", "7.5"), (A1, "outside_assets", "1000000"), (A2, "risk_score", "3")]
    assert _send(day, rows, day.date, day.firm.as_of).rows == 3
    return day


def test_a_files_values_are_versioned_and_the_next_file_changes_what_it_names(known: FeedDay) -> None:
    """The second evening: a new score, an empty cell that clears, and a row that says what is known already."""
    following = known.firm.market.next_session(known.date)
    rows = [(A1, "risk_score", "8"), (A1, "outside_assets", None), (A2, "risk_score", "3.0")]
    assert _send(known, rows, following, known.date).status == "LOADED"
    with firm_transaction(known.engine, FIRM) as connection:
        assert values_on(connection, A1, following) == {"risk_score": "8"}
        assert values_on(connection, A1, known.date) == {"risk_score": "7.5", "outside_assets": "1000000"}
        assert len(value_history(connection, A1)) == 2
        (only,) = value_history(connection, A2)
        assert (only.actor, only.values) == ("feed:ancillary", {"risk_score": "3"})


@pytest.mark.covers("W-C1")
def test_a_value_that_cannot_be_read_keeps_its_account_from_trading_until_a_good_one_comes(known: FeedDay) -> None:
    """A1's score is a word: the rest of the file goes on, A1 is suspended, and released by the next file."""
    second = known.firm.market.next_session(known.date)
    assert _send(known, [(A1, "risk_score", "high"), (A2, "risk_score", "4")], second, known.date).status == "LOADED"
    assert _suspended(known) == [A1]
    with firm_transaction(known.engine, FIRM) as connection:
        assert values_on(connection, A2, second) == {"risk_score": "4"}
        row = connection.execute(select(quarantined_row)).one()
        assert (row.account_id, row.code, row.field, row.value) == (A1, "SETTINGS_INVALID", "value", "high")
    third = known.firm.market.next_session(second)
    _send(known, [(A1, "risk_score", "6")], third, second)
    assert _suspended(known) == []


def test_a_field_that_files_do_not_set_touches_no_account_and_is_told(known: FeedDay) -> None:
    """`region` is entered by people, `shoe_size` is nobody's: both rows are kept aside."""
    second = known.firm.market.next_session(known.date)
    _send(known, [(A1, "region", "North"), (A1, "shoe_size", "45"), (A2, "risk_score", "9")], second, known.date)
    assert _suspended(known) == []
    assert ("ANCILLARY_UNKNOWN_FIELD", "feed/ancillary") in known.alerts()
    with firm_transaction(known.engine, FIRM) as connection:
        assert values_on(connection, A1, second) == {"risk_score": "7.5", "outside_assets": "1000000"}
        assert values_on(connection, A2, second) == {"risk_score": "9"}


@pytest.mark.covers("D21")
def test_filters_find_accounts_by_what_the_file_said(known: FeedDay) -> None:
    """The row of an analysed account carries the firm's own fields; the lane policy of the run knows them."""
    known.load()
    known.judge()
    wanted = "The account is wanted when the risk score is above 5 and the outside assets is at least $1,000,000."
    with firm_transaction(known.engine, FIRM) as connection:
        for ref in known.refs[:2]:
            row = known_by_now(connection, ref, AccountFacts(ref.account_id))
            write_facts(connection, FIRM, ref.run_id, row)
        tree = read_sentence(wanted, catalogue(connection))
        assert matching_accounts(connection, known.ref.run_id, tree) == [A1]


def test_the_command_line_tells_fields_values_and_their_history(known: FeedDay, database: FreshDatabase) -> None:
    def run(*arguments: str) -> list[str]:
        environment = {"DATABASE_URL": database.app_url, "TRIMTAB_FIRM": FIRM}
        return CliRunner().invoke(app, ["ancillary", *arguments], env=environment).stdout.splitlines()

    assert "own.client_since: Client since: a date, entered by people." in run("fields")
    assert "risk score: 7.5" in run("show", A1)
    assert run("history", A2) == [
        f"from {known.date}, by feed:ancillary: the ancillary file of {known.date}",
        "  The risk score was unknown and is 3.",
    ]
