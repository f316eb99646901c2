"""A bulk change is written for all of its accounts or for none, whenever the process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from tests.db.conftest import FIRM
from tests.servers import FreshDatabase
from trimtab.db.bulk_changes import bulk_change_of, keep, keep_members, preview
from trimtab.db.bulk_decisions import approve, propose_undo
from trimtab.db.engine import firm_transaction
from trimtab.db.profiles import PROFILE
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, newest_seq
from trimtab.db.tables import account, household, setting_version
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.profile.bulk import ACCOUNTS, BulkChange, BulkStatus
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.records import plain
from trimtab.faults import VARIABLE

ON = date(2026, 3, 2)
MANY = 300
APPROVE = """
import sys
from trimtab.db.bulk_changes import bulk_change_of
from trimtab.db.bulk_decisions import approve
from trimtab.db.engine import firm_transaction, sync_engine
with firm_transaction(sync_engine(sys.argv[1]), sys.argv[2]) as connection:
    change, seq = bulk_change_of(connection, "c1")
    approve(connection, sys.argv[2], change, seq, "carl", "agreed")
"""


@pytest.fixture
def book(engine: Engine) -> Engine:
    """Accounts whose files state a cash target of 1 %, and a proposed change of it to 2 %."""
    names = [f"A{number:05d}" for number in range(MANY)]
    settings: Any = plain(AccountSettings())
    profile = {"programme": "CORE", "model_id": "balanced", "tier": "GOLD"}
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(household).values(firm_id=FIRM, household_id="H"))
        owned = {"firm_id": FIRM, "household_id": "H", "advisor_id": "adv", "profile": profile}
        connection.execute(insert(account), [{**owned, "account_id": name} for name in names])
        stated = {"firm_id": FIRM, "entity": ACCOUNT_SETTINGS, "effective_from": ON, "value": settings, "actor": "feed"}
        connection.execute(insert(setting_version), [{**stated, "key": name} for name in names])
    said = LANGUAGE.parse("Keep 2 % in cash.")
    with firm_transaction(engine, FIRM) as connection:
        changes = {"cash_target": said}
        change = BulkChange(
            change_id="c1",
            target=ACCOUNTS,
            filter=None,
            changes=changes,
            effective_from=ON,
            reason="a test",
            proposed_by=("olga",),
            members=keep_members(connection, FIRM, names),
            known_seq=newest_seq(connection),
            preview=preview(connection, names, ACCOUNTS, changes, ON, ()),
        )
        keep(connection, FIRM, change, "olga", None)
    return engine


def written(engine: Engine) -> int:
    with firm_transaction(engine, FIRM) as connection:
        rows = select(func.count()).select_from(setting_version).where(setting_version.c.entity == PROFILE)
        return int(connection.scalar(rows) or 0)


def status(engine: Engine) -> BulkStatus:
    with firm_transaction(engine, FIRM) as connection:
        found = bulk_change_of(connection, "c1")
    assert found is not None
    return found[0].status


def test_accounts_that_are_alike_are_one_case_in_the_preview(book: Engine):
    with firm_transaction(book, FIRM) as connection:
        found = bulk_change_of(connection, "c1")
    assert found is not None
    seen = found[0].preview
    assert (seen.accounts, seen.changing, seen.conflicting) == (MANY, MANY, 0)
    assert [(each.before, each.accounts) for each in seen.transitions] == [("Keep 1 % in cash.", MANY)]


@pytest.mark.covers("S3", "S4")
def test_a_process_killed_while_it_applies_leaves_all_accounts_as_they_were(book: Engine, database: FreshDatabase):
    """kill -9 after the last account was written and before the commit; then the approval is given again."""
    command = [sys.executable, "-c", APPROVE, database.app_url, FIRM]
    killed = subprocess.run(command, env={**os.environ, VARIABLE: "bulk_change.written=kill"}, timeout=60, check=False)

    assert killed.returncode == -signal.SIGKILL
    assert (written(book), status(book)) == (0, BulkStatus.PROPOSED)
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert (written(book), status(book)) == (MANY, BulkStatus.APPLIED)


def test_an_undo_writes_as_many_versions_and_names_what_it_undoes(book: Engine):
    with firm_transaction(book, FIRM) as connection:
        change, seq = bulk_change_of(connection, "c1") or pytest.fail("it was proposed")
        approve(connection, FIRM, change, seq, "carl", "agreed")
    with firm_transaction(book, FIRM) as connection:
        change, seq = bulk_change_of(connection, "c1") or pytest.fail("it was proposed")
        propose_undo(connection, FIRM, change, seq, ("olga",), "a mistake")
    with firm_transaction(book, FIRM) as connection:
        change, seq = bulk_change_of(connection, "c1") or pytest.fail("it was proposed")
        undone = approve(connection, FIRM, change, seq, "carl", "agreed")
        newest = connection.execute(
            select(setting_version).where(setting_version.c.entity == PROFILE).order_by(setting_version.c.seq.desc())
        ).first()
    assert (undone.status, undone.left_alone, written(book)) == (BulkStatus.UNDONE, 0, 2 * MANY)
    assert newest is not None
    assert newest.value == {"set": {"cash_target": None}, "undoes": "c1"}
    assert (newest.reason, newest.actor) == ("undoes: a mistake", "carl")


def test_two_who_approve_at_once_write_it_once(book: Engine, database: FreshDatabase):
    command = [sys.executable, "-c", APPROVE, database.app_url, FIRM]
    both = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(each.wait(60) for each in both) == [0, 1]
    assert written(book) == MANY
