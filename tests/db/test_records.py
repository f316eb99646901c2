"""Records: one unforked chain an account, and every change behind the application's back is found and named."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.servers import FreshDatabase, SessionServer
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.records import BrokenChain, NewRecord, append_record, append_records, verify_chains
from trimtab.db.tables import FACTS, account_chain, record
from trimtab.domain.records import GENESIS

pytestmark = pytest.mark.covers("R4", "R5")

FIRM = "acme"
DAY = date(2026, 3, 3)


def append(connection: Connection, account_id: str, kind: str = "NOTED", **body: Any) -> str:
    return append_record(connection, FIRM, account_id, kind, body, business_date=DAY, actor="olga")


def chain(connection: Connection, account_id: str) -> list[tuple[int, str, str]]:
    rows = connection.execute(select(record).where(record.c.account_id == account_id).order_by(record.c.seq))
    return [(row.seq, row.prev, row.hash) for row in rows]


def test_each_record_names_its_predecessor_and_the_head_names_the_last(connection: Connection) -> None:
    first, second = append(connection, "A1"), append(connection, "A1")
    assert chain(connection, "A1") == [(1, GENESIS, first), (2, first, second)]
    assert connection.execute(select(account_chain.c.seq, account_chain.c.head)).one() == (2, second)
    assert verify_chains(connection) == (2, [])


def test_records_of_several_accounts_are_appended_at_once(connection: Connection) -> None:
    new = [NewRecord(account, "NOTED", {"n": n}, DAY, "olga") for n, account in enumerate(["B", "A", "B", "C"])]
    assert len(set(append_records(connection, FIRM, new))) == 4
    bodies = connection.scalars(select(record.c.body["n"]).where(record.c.account_id == "B").order_by(record.c.seq))
    assert bodies.all() == [0, 2]
    assert verify_chains(connection) == (4, [])
    assert append_records(connection, FIRM, []) == []


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.decimals(allow_nan=False, allow_infinity=False)
            | st.dates()
            | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_whatever_a_body_holds_it_verifies_after_the_database_gave_it_back(
    connection: Connection, body: dict[str, Any]
) -> None:
    append(connection, "A1", body=body)
    assert verify_chains(connection)[1] == []


# --- two writers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False], ids=["a new chain", "a chain that goes on"])
def test_a_second_writer_waits_for_the_first_and_goes_on_from_its_record(engine: Engine, is_first: bool) -> None:
    if not is_first:
        with firm_transaction(engine, FIRM) as connection:
            append(connection, "A1")
    finished = Event()

    def write() -> None:
        with firm_transaction(engine, FIRM) as connection:
            append(connection, "A1", who="second")
        finished.set()

    with firm_transaction(engine, FIRM) as connection:
        append(connection, "A1", who="first")
        second = Thread(target=write)
        second.start()
        assert not finished.wait(0.3), "it read the same head and forked the chain"
    second.join(10)

    with firm_transaction(engine, FIRM) as connection:
        assert [seq for seq, _, _ in chain(connection, "A1")] == list(range(1, 3 if is_first else 4))
        assert verify_chains(connection)[1] == []


def test_many_writers_over_the_same_accounts_in_any_order_neither_fork_nor_deadlock(engine: Engine) -> None:
    accounts = ["A1", "A2", "A3", "A4"]

    def write(turn: int) -> None:
        mine = accounts[turn % 4 :] + accounts[: turn % 4]
        with firm_transaction(engine, FIRM) as connection:
            append_records(connection, FIRM, [NewRecord(each, "NOTED", {"n": turn}, DAY, "olga") for each in mine])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(60)))

    with firm_transaction(engine, FIRM) as connection:
        assert verify_chains(connection) == (240, [])


def test_a_record_of_a_transaction_that_failed_leaves_no_gap(engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        append(connection, "A1")
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(text("SELECT set_config('trimtab.firm', 'acme', true)"))
        append(connection, "A1")
        outer.rollback()
    with firm_transaction(engine, FIRM) as connection:
        append(connection, "A1")
        assert verify_chains(connection) == (2, [])


# --- attacks ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """Two accounts of five records each, and a superuser to attack them."""

    superuser: Engine

    def verify_after(self, *attack: str) -> list[BrokenChain]:
        """What verification finds after the attack, which is undone."""
        with self.superuser.connect() as connection, connection.begin() as outer:
            for statement in attack:
                connection.execute(text(statement.replace(":", "\\:")))
            broken = verify_chains(connection)[1]
            outer.rollback()
        return broken


@pytest.fixture(scope="module")
def kept(postgres: SessionServer, migrated: str) -> Iterator[Kept]:
    database = postgres.create(template=migrated)
    engine, superuser = sync_engine(database.app_url), sync_engine(database.superuser_url, role=None)
    with firm_transaction(engine, FIRM) as connection:
        for number in range(5):
            for account_id in ("A1", "A2"):
                append(connection, account_id, amount=f"{number}00", of=account_id)
    yield Kept(superuser)
    engine.dispose()
    superuser.dispose()
    postgres.drop(database.name)


THIRD = "WHERE account_id = 'A1' AND seq = 3"


def test_what_nobody_touched_verifies(kept: Kept) -> None:
    assert kept.verify_after() == []


@pytest.mark.parametrize(
    ("attack", "seq", "reason"),
    [
        (f'UPDATE record SET body = body || \'{{"amount": "201"}}\' {THIRD}', 3, "its body was changed"),
        (f"UPDATE record SET body = body - 'amount' {THIRD}", 3, "its body was changed"),
        (f"UPDATE record SET actor = 'carl' {THIRD}", 3, "its hash does not fit"),
        (f"UPDATE record SET kind = 'OTHER' {THIRD}", 3, "its hash does not fit"),
        (f"UPDATE record SET business_date = '2026-03-02' {THIRD}", 3, "its hash does not fit"),
        (f"UPDATE record SET account_day_id = 'A1-2026-03-03-1' {THIRD}", 3, "its hash does not fit"),
        (f"UPDATE record SET hash = repeat('0', 64) {THIRD}", 3, "its hash does not fit"),
        (f"UPDATE record SET prev = repeat('1', 64) {THIRD}", 3, "it does not name its predecessor"),
        (f"DELETE FROM record {THIRD}", 3, "it is missing"),
        ("DELETE FROM record WHERE account_id = 'A1' AND seq = 1", 1, "it is missing"),
        ("DELETE FROM record WHERE account_id = 'A1' AND seq = 5", 5, "it is missing: the chain's head is further on"),
        ("DELETE FROM record WHERE account_id = 'A1'", 1, "it is missing: the chain's head is further on"),
        ("DELETE FROM account_chain WHERE account_id = 'A1'", 1, "the chain has no head"),
        ("UPDATE account_chain SET seq = 4 WHERE account_id = 'A1'", 5, "it stands beyond the chain's head"),
        (
            "UPDATE account_chain SET head = repeat('2', 64) WHERE account_id = 'A1'",
            5,
            "it is not the one that the chain's head names",
        ),
    ],
)
def test_an_attack_on_one_row_is_found_and_names_the_first_bad_record(
    kept: Kept, attack: str, seq: int, reason: str
) -> None:
    assert kept.verify_after(attack) == [BrokenChain("A1", seq, reason)]


def test_two_records_that_changed_places_are_found(kept: Kept) -> None:
    swap = [
        f"UPDATE record SET seq = {to} WHERE account_id = 'A1' AND seq = {of}" for of, to in ((2, 99), (4, 2), (99, 4))
    ]
    assert kept.verify_after(*swap) == [BrokenChain("A1", 2, "it does not name its predecessor")]


def test_two_bodies_that_changed_places_are_found(kept: Kept) -> None:
    swap = """UPDATE record SET body = other.body, body_hash = other.body_hash
        FROM (SELECT seq, body, body_hash FROM record WHERE account_id = 'A1') other
        WHERE record.account_id = 'A1' AND record.seq IN (2, 4) AND other.seq = 6 - record.seq"""
    assert kept.verify_after(swap) == [BrokenChain("A1", 2, "its hash does not fit")]


COPY = """INSERT INTO record (firm_id, account_id, seq, prev, hash, kind, business_date, actor, body, body_hash)
    SELECT firm_id, {account}, {seq}, {prev}, repeat('3', 64), kind, business_date, actor, body, body_hash
    FROM record WHERE account_id = 'A1' AND seq = 3"""
HEAD = "(SELECT head FROM account_chain WHERE account_id = '{account}')"


def test_a_record_that_is_repeated_at_the_end_is_found(kept: Kept) -> None:
    twice = COPY.format(account="'A1'", seq=6, prev=HEAD.format(account="A1"))
    assert kept.verify_after(twice) == [BrokenChain("A1", 6, "its hash does not fit")]


def test_a_record_that_is_copied_into_another_account_is_found(kept: Kept) -> None:
    copied = COPY.format(account="'A2'", seq=6, prev=HEAD.format(account="A2"))
    assert kept.verify_after(copied) == [BrokenChain("A2", 6, "its hash does not fit")]


def test_a_back_dated_record_between_two_others_is_found(kept: Kept) -> None:
    make_room = "UPDATE record SET seq = seq + 100 WHERE account_id = 'A1' AND seq >= 3"
    close_up = "UPDATE record SET seq = seq - 99 WHERE account_id = 'A1' AND seq >= 100"
    inserted = COPY.replace("seq = 3", "seq = 4").format(account="'A1'", seq=3, prev="repeat('4', 64)")
    assert kept.verify_after(make_room, close_up, inserted) == [
        BrokenChain("A1", 3, "it does not name its predecessor")
    ]


def test_attacks_on_two_accounts_are_both_named(kept: Kept) -> None:
    both = "UPDATE record SET actor = 'carl' WHERE (account_id, seq) IN (('A1', 2), ('A2', 4))"
    assert [(each.account_id, each.seq) for each in kept.verify_after(both)] == [("A1", 2), ("A2", 4)]


# --- what the application may do --------------------------------------------------------------------------------


@pytest.mark.parametrize("table", sorted(FACTS))
@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
def test_no_role_of_ours_may_change_a_fact(kept: Kept, table: str, right: str) -> None:
    roles = ("trimtab_app", "trimtab_relay", "trimtab_verifier")
    with kept.superuser.connect() as connection:
        for role in roles:
            may = connection.scalar(select(func.has_table_privilege(role, table, right)))
            assert may is False, f"{role} may {right} {table}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET actor = 'carl'",
        "DELETE FROM record",
        "TRUNCATE record",
        "ALTER TABLE record DISABLE ROW LEVEL SECURITY",
    ],
)
def test_the_application_cannot_change_a_record(engine: Engine, statement: str) -> None:
    with firm_transaction(engine, FIRM) as connection:
        append(connection, "A1")
    with pytest.raises(DBAPIError) as refused, firm_transaction(engine, FIRM) as connection:
        connection.execute(text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_the_application_cannot_put_a_head_back_unnoticed(engine: Engine, database: FreshDatabase) -> None:
    """It may move a head, since appending does; the record that then stands beyond it tells."""
    with firm_transaction(engine, FIRM) as connection:
        first = append(connection, "A1")
        append(connection, "A1")
        connection.execute(update(account_chain).values(seq=1, head=first))
        assert verify_chains(connection)[1] == [BrokenChain("A1", 2, "it stands beyond the chain's head")]
