"""The directory and the grants in PostgreSQL: one firm at a time, used once, revoked for good."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from trimtab.db.engine import RELAY_ROLE, async_engine, sync_engine
from trimtab.db.people import (
    ClientOnFile,
    Clients,
    Directory,
    Grants,
    KnownFirms,
    PersonOnFile,
    SignInPeople,
    put_client,
    put_person,
)

LATER = datetime.now(UTC) + timedelta(hours=6)
BOTH = ("firm-a", "firm-b")


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    engine = sync_engine(database.app_url, pool_size=8)
    for firm_id, person_id in (("firm-a", "olga"), ("firm-b", "bea")):
        book = Book(engine, firm_id).found()
        person = PersonOnFile(person_id, firm_id, f"{person_id}@x.example", person_id, "-", frozenset({"compliance"}))
        book.write(lambda one, person=person: put_person(one, person))
    yield engine
    engine.dispose()


def both() -> tuple[str, ...]:
    return BOTH


def test_of_twenty_who_take_a_code_at_once_one_is_the_first(engine: Engine):
    grants = Grants(engine, both)
    grants.save_code("c" * 64, "dashboard", "family", {"person_id": "bea"}, LATER)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: grants.take_code("c" * 64, "dashboard"), range(20)))
    assert [one.first_use for one in taken if one is not None].count(True) == 1
    assert all(one is not None and one.family_id == "family" for one in taken)


def test_a_grant_is_taken_by_its_own_client_and_kind_only(engine: Engine):
    grants = Grants(engine, both)
    grants.save_refresh("r" * 64, "dashboard", "family", {"person_id": "olga"}, LATER)
    assert grants.take_refresh("r" * 64, "another") is None
    assert grants.take_code("r" * 64, "dashboard") is None
    taken = grants.take_refresh("r" * 64, "dashboard")
    assert taken is not None
    assert (taken.first_use, taken.revoked, taken.payload["person_id"]) == (True, False, "olga")


def test_a_family_stays_revoked_also_for_what_is_saved_afterwards(engine: Engine):
    grants = Grants(engine, both)
    grants.revoke_family("family")
    grants.revoke_family("family")
    grants.save_refresh("r" * 64, "dashboard", "family", {"person_id": "olga"}, LATER)
    taken = grants.take_refresh("r" * 64, "dashboard")
    assert taken is not None
    assert taken.revoked
    assert grants.is_revoked("family")
    assert not grants.is_revoked("another")


def test_a_grant_of_somebody_who_is_gone_is_not_kept(engine: Engine):
    grants = Grants(engine, both)
    grants.save_code("c" * 64, "dashboard", "family", {"person_id": "nobody"}, LATER)
    assert grants.take_code("c" * 64, "dashboard") is None


def test_people_and_clients_are_found_in_whichever_firm_they_are(engine: Engine):
    people, clients = SignInPeople(engine, both), Clients(engine, both)
    found = people.by_username("bea@x.example")
    assert found is not None
    assert (found.firm_id, found.person_id) == ("firm-b", "bea")
    assert people.by_person_id("olga") is not None
    assert people.by_username("nobody") is None
    one = ClientOnFile("warehouse", "firm-b", "W", "sha256$x", (), frozenset({"client_credentials"}), frozenset({"s"}))
    Book(engine, "firm-b").write(lambda connection: put_client(connection, "firm-b", one))
    stored = clients.by_client_id("warehouse")
    assert stored is not None
    assert (stored.firm_id, stored.scopes) == ("firm-b", {"s"})


def test_passwords_and_secrets_stay_out_of_logs():
    person = PersonOnFile("olga", "firm-a", "olga", "Olga", "$argon2id$hash")
    client = ClientOnFile("c", "firm-a", "C", "sha256$secret")
    assert "argon2id" not in repr(person)
    assert "sha256" not in repr(client)


async def test_the_directory_looks_in_the_claimed_firm_only(engine: Engine, database: FreshDatabase):
    asynchronous = async_engine(database.app_url)
    directory = Directory(asynchronous, both)
    assert await directory.find_person("issuer", "bea", "firm-a") is None
    found = await directory.find_person("issuer", "bea", None)
    assert found is not None
    assert found.firm_id == "firm-b"
    assert await directory.find_client("issuer", "bea", None) is None
    await asynchronous.dispose()


def test_firms_are_known_by_the_relays_role(engine: Engine, database: FreshDatabase):
    relay = sync_engine(database.relay_url, role=RELAY_ROLE)
    now = [0.0]
    firms = KnownFirms(relay, lambda: now[0])
    assert tuple(firms()) == BOTH
    Book(engine, "firm-c").found()
    assert tuple(firms()) == BOTH
    now[0] = 6.0
    assert tuple(firms()) == (*BOTH, "firm-c")
    relay.dispose()
