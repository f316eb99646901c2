"""Firms apart: every table, every role, and a thousand requests of two firms on two connections."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from tests.db.conftest import FIRM, OTHER
from tests.servers import FreshDatabase, SessionServer
from trimtab.db.engine import OWNER_ROLE, RELAY_ROLE, VERIFIER_ROLE, firm_transaction, sync_engine
from trimtab.db.tables import RELAY_TABLES, household, metadata

NOT_OURS = {"alembic_version"}
TABLES = sorted(metadata.tables)


@pytest.fixture(scope="module")
def superuser(postgres: SessionServer, migrated: str) -> Iterator[Engine]:
    database = postgres.create(template=migrated)
    engine = sync_engine(database.superuser_url, role=None)
    yield engine
    engine.dispose()
    postgres.drop(database.name)


@pytest.fixture
def catalogue(superuser: Engine) -> Iterator[Connection]:
    """A look behind row-level security."""
    with superuser.connect() as connection:
        yield connection


def test_the_database_has_the_tables_of_the_schema_and_no_other(catalogue: Connection) -> None:
    found = catalogue.scalars(
        text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
    )
    assert set(found) - NOT_OURS == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_names_its_firm_first_in_its_key(table: str) -> None:
    key = [column.name for column in metadata.tables[table].primary_key]
    assert key[0] == "firm_id"
    assert not metadata.tables[table].c.firm_id.nullable


def test_every_table_is_secured_by_its_firm_also_against_its_owner(catalogue: Connection) -> None:
    rows = catalogue.execute(
        text(
            """SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polname, p.polcmd, p.polpermissive,
                pg_get_expr(p.polqual, p.polrelid) AS sees, pg_get_expr(p.polwithcheck, p.polrelid) AS writes,
                ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY(p.polroles) ORDER BY 1) AS roles
            FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"""
        )
    ).all()
    own_firm = "(firm_id = ( SELECT trimtab_firm() AS trimtab_firm))"
    for row in rows:
        if row.relname in NOT_OURS:
            continue
        assert (row.relrowsecurity, row.relforcerowsecurity) == (True, True), row.relname
        if row.polname == "relay":
            assert row.relname in RELAY_TABLES
            assert row.roles == ["trimtab_relay"]
        else:
            assert (row.polname, row.polcmd) == ("own_firm", "*"), row.relname
            assert (row.sees, row.writes) == (own_firm, own_firm), row.relname
            assert row.roles == ["trimtab_app", "trimtab_owner", "trimtab_verifier"]
    assert {row.relname for row in rows if row.polname == "own_firm"} == set(TABLES)
    assert {row.relname for row in rows if row.polname == "relay"} == set(RELAY_TABLES)


def test_no_role_of_ours_is_above_row_level_security(catalogue: Connection) -> None:
    rows = catalogue.execute(
        text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'trimtab%'")
    ).all()
    assert {row.rolname for row in rows} >= {"trimtab_app", "trimtab_owner", "trimtab_relay", "trimtab_verifier"}
    assert not any(row.rolsuper or row.rolbypassrls for row in rows)


@pytest.mark.parametrize("role", ["trimtab_app", OWNER_ROLE, VERIFIER_ROLE])
def test_a_transaction_without_a_firm_raises_on_every_table(superuser: Engine, role: str) -> None:
    with superuser.connect() as connection:
        if not connection.scalar(text(f"SELECT has_table_privilege('{role}', 'firm', 'SELECT')")):
            pytest.skip(f"{role} has no rights on this server: a superuser migrated it")
    for table in TABLES:
        with superuser.connect() as connection:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            with pytest.raises(DBAPIError, match="no firm is set"):
                connection.execute(text(f"SELECT count(*) FROM {table}"))


def test_the_relay_sees_its_three_tables_only(superuser: Engine) -> None:
    seen = set()
    for table in TABLES:
        with superuser.connect() as connection:
            connection.execute(text(f"SET LOCAL ROLE {RELAY_ROLE}"))
            try:
                connection.execute(text(f"SELECT count(*) FROM {table}"))
            except DBAPIError as refused:
                if not isinstance(refused.orig, psycopg.errors.InsufficientPrivilege):
                    raise
            else:
                seen.add(table)
    assert seen == set(RELAY_TABLES)


@pytest.mark.parametrize("role", [VERIFIER_ROLE, RELAY_ROLE])
def test_verifier_and_relay_insert_and_delete_nothing(superuser: Engine, role: str) -> None:
    with superuser.connect() as connection:
        for table in TABLES:
            for right in ("INSERT", "DELETE", "TRUNCATE"):
                may = connection.scalar(text(f"SELECT has_table_privilege('{role}', '{table}', '{right}')"))
                assert may is False, f"{role} may {right} {table}"


# --- two firms --------------------------------------------------------------------------------------------------


def test_a_thousand_requests_of_two_firms_on_two_connections_never_cross(
    database: FreshDatabase, engine: Engine
) -> None:
    for firm_id in (FIRM, OTHER):
        with firm_transaction(engine, firm_id) as connection:
            rows = [{"firm_id": firm_id, "household_id": f"{firm_id}-{number}"} for number in range(3)]
            connection.execute(insert(household), rows)
    shared = sync_engine(database.app_url, pool_size=2, max_overflow=0)

    def ask(number: int) -> bool:
        firm_id = (FIRM, OTHER)[number % 2]
        with firm_transaction(shared, firm_id) as connection:
            seen = connection.scalars(select(household.c.firm_id)).all()
        return list(seen) == [firm_id] * 3

    try:
        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(ask, range(1000)))
    finally:
        shared.dispose()


def test_a_row_of_another_firm_cannot_be_written(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as refused, firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(household).values(firm_id=OTHER, household_id="H1"))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_a_row_of_another_firm_cannot_be_changed_or_found_by_its_key(engine: Engine) -> None:
    with firm_transaction(engine, OTHER) as connection:
        connection.execute(text("UPDATE firm SET name = 'Beta Partners'"))
    with firm_transaction(engine, FIRM) as connection:
        changed = connection.execute(text("UPDATE firm SET name = 'taken' WHERE firm_id = 'beta'"))
        assert changed.rowcount == 0
        assert connection.execute(text("SELECT * FROM firm WHERE firm_id = 'beta'")).all() == []
    with firm_transaction(engine, OTHER) as connection:
        assert connection.scalar(text("SELECT name FROM firm")) == "Beta Partners"


def test_the_same_keys_in_two_firms_are_two_rows(engine: Engine) -> None:
    for firm_id in (FIRM, OTHER):
        with firm_transaction(engine, firm_id) as connection:
            connection.execute(insert(household).values(firm_id=firm_id, household_id="H1"))
            assert connection.scalars(select(household.c.firm_id)).all() == [firm_id]
