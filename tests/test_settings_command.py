"""`trimtab settings`: an account's profile on the command line, over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from tests.test_cli import trimtab
from trimtab.cli import app
from trimtab.db.engine import sync_engine
from trimtab.domain.profile.errors import WrongValue


@pytest.fixture
def book(database: FreshDatabase) -> Iterator[Book]:
    engine = sync_engine(database.app_url)
    book = Book(engine).found()
    book.add_securities()
    book.add_account("A1")
    yield book
    engine.dispose()


def printed(tmp_path: Path, database: FreshDatabase, *arguments: str) -> list[str]:
    """The lines of the command, run in this process."""
    named = {"TRIMTAB_STATE_DIR": str(tmp_path), "TRIMTAB_DATABASE_URL": database.app_url}
    done = CliRunner().invoke(app, ["settings", *arguments, "--firm", "firm-a"], env=named, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_settings_are_set_shown_compared_and_told(tmp_path, database: FreshDatabase, book: Book):
    def run(*arguments: str) -> list[str]:
        return printed(tmp_path, database, *arguments)

    (said,) = run("set", "A1", "keep 2 % in cash", "Never sell vti", "--reason", "asked", "--from", "2026-04-01")

    assert said.endswith("from 2026-04-01: Keep 2 % in cash. Never sell VTI.")
    assert "  Keep 1 % in cash." in run("show", "A1")
    assert "  * Keep 2 % in cash. (account A1)" in run("show", "A1", "--date", "2026-04-01")
    assert run("diff", "A1", "2026-03-02", "2026-04-01") == [
        "Was: Keep 1 % in cash. Now: Keep 2 % in cash.",
        "Was: nothing Now: Never sell VTI.",
    ]
    (version,) = run("history", "A1")
    assert "2026-04-01 ACCOUNT:A1 by command line (asked): Keep 2 % in cash. Never sell VTI." in version


def test_a_sentence_that_nobody_understands_is_one_line(tmp_path, database: FreshDatabase, book: Book):
    arguments = ("settings", "set", "A1", "Keep plenty.", "--reason", "x", "--firm", "firm-a")
    done = trimtab(tmp_path, *arguments, TRIMTAB_DATABASE_URL=database.app_url)
    assert done.returncode == 1
    assert "no setting says 'Keep plenty.': the nearest is" in done.stderr
    assert done.stderr.rstrip().endswith("[SETTING_UNKNOWN]")


@pytest.mark.parametrize("command", [("set", "A1"), ("bulk", "propose")])
def test_of_two_sentences_about_one_setting_neither_is_taken(tmp_path, database: FreshDatabase, book: Book, command):
    """Cash of 1 % and of 2 %: nobody knows which is meant, and neither becomes a version."""
    said = ("Keep 1 % in cash.", "Keep 2 % in cash.")
    with pytest.raises(WrongValue, match="cash_target stands twice: say it once"):
        printed(tmp_path, database, *command, *said, "--reason", "asked")
    assert printed(tmp_path, database, "history", "A1") == []


def test_a_bulk_change_is_proposed_and_shown_and_never_approved_from_here(
    tmp_path, database: FreshDatabase, book: Book
):
    def run(*arguments: str) -> list[str]:
        return printed(tmp_path, database, "bulk", *arguments)

    proposed = run("propose", "Keep 2 % in cash.", "--reason", "the committee")
    change_id = proposed[0].split()[0]

    assert proposed == [
        f"{change_id} PROPOSED by command line, from 2026-03-02",
        "Keep 2 % in cash. (the committee)",
        "1 accounts, 1 change, 0 exempt",
        "  1 accounts: Keep 1 % in cash. (DEFAULT) -> Keep 2 % in cash.",
        "the newest run trades 0 of them: turnover $0, tax $0",
        "The firm has no analysed day yet: there is nothing to run the change on.",
    ]
    assert run("exempt", change_id, "A1", "--reason", "asked", "--until", "2026-06-30") == ["1 accounts are exempt"]
    assert run("show", change_id)[-1] == "  exempt A1 until 2026-06-30: asked"
    assert run("list") == [f"{change_id} PROPOSED             1 accounts from 2026-03-02: the committee"]
