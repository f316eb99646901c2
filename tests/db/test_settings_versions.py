"""What holds on a day as known at a sequence number: the SQL function against a list in Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from tests.db.conftest import FIRM
from tests.servers import SessionServer
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.settings_versions import held_settings
from trimtab.db.tables import setting_version

pytestmark = pytest.mark.covers("R1")

FIRST = date(2026, 3, 2)
ENTITY = "account_settings"


@dataclass(frozen=True)
class Version:
    """A version as it was written; None is a tombstone."""

    key: str
    effective_from: date
    value: int | None


VERSIONS = st.lists(
    st.builds(
        Version,
        st.sampled_from(["A1", "A2"]),
        st.integers(0, 5).map(lambda days: FIRST + timedelta(days)),
        st.none() | st.integers(0, 99),
    ),
    max_size=10,
)


def expected(versions: list[Version], on: date, known: int) -> dict[str, int]:
    """The greatest seq among those with the greatest effective date on or before the day that is not a tombstone."""
    held: dict[str, int] = {}
    for key in {version.key for version in versions}:
        latest: dict[date, int | None] = {}
        for version in versions[:known]:
            if version.key == key and version.effective_from <= on:
                latest[version.effective_from] = version.value
        standing = {effective: value for effective, value in latest.items() if value is not None}
        if standing:
            held[key] = standing[max(standing)]
    return held


@pytest.fixture(scope="module")
def engine(postgres: SessionServer, migrated: str) -> Iterator[Engine]:
    database = postgres.create(template=migrated)
    engine = sync_engine(database.app_url)
    yield engine
    engine.dispose()
    postgres.drop(database.name)


def write(connection: Connection, versions: list[Version]) -> list[int]:
    """Write them in order; their sequence numbers."""
    seqs: list[int] = []
    newest: dict[str, int] = {}
    for version in versions:
        seq = connection.scalar(
            insert(setting_version)
            .values(
                firm_id=FIRM,
                entity=ENTITY,
                key=version.key,
                effective_from=version.effective_from,
                value=None if version.value is None else {"n": version.value},
                actor="olga",
                supersedes=newest.get(version.key),
            )
            .returning(setting_version.c.seq)
        )
        assert seq is not None
        newest[version.key] = seq
        seqs.append(seq)
    return seqs


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(VERSIONS, st.integers(-1, 6), st.integers(0, 10))
def test_what_holds_is_what_a_list_says(engine: Engine, versions: list[Version], days: int, known: int) -> None:
    on = FIRST + timedelta(days)
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(text("SELECT set_config('trimtab.firm', :firm, true)"), {"firm": FIRM})
        seqs = write(connection, versions)
        known_seq = 0 if not seqs or known == 0 else seqs[min(known, len(seqs)) - 1]
        held = held_settings(connection, ENTITY, on, known_seq)
        outer.rollback()
    assert {key: value["n"] for key, value in held.items()} == expected(versions, on, known)


def test_two_writers_that_read_the_same_version_do_not_both_write(engine: Engine) -> None:
    again = Version("A1", FIRST, 2)
    with firm_transaction(engine, FIRM) as connection:
        write(connection, [Version("A1", FIRST, 1)])
    with pytest.raises(DBAPIError, match="uq_setting_version"), firm_transaction(engine, FIRM) as connection:
        write(connection, [again])  # supersedes nothing, as the first did
