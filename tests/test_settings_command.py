"""`trimtab settings`: an account's profile on the command line, over a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from tests.test_cli import trimtab
from trimtab.db.engine import sync_engine


@pytest.fixture
def book(database: FreshDatabase) -> Iterator[Book]:
    engine = sync_engine(database.app_url)
    book = Book(engine).found()
    book.add_securities()
    book.add_account("A1")
    yield book
    engine.dispose()


def test_settings_are_set_shown_compared_and_told(tmp_path, database: FreshDatabase, book: Book):
    def run(*arguments: str) -> list[str]:
        done = trimtab(tmp_path, "settings", *arguments, "--firm", "firm-a", TRIMTAB_DATABASE_URL=database.app_url)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

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
