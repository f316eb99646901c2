"""The PostgreSQL of a test session, and databases in it that cost little."""

from dataclasses import dataclass
from itertools import count
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from trimtab.embedded.postgres import OWNER_ROLE, PostgresAddress

_numbers: Final = count(1)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """A database of one test: where each role finds it."""

    name: str
    app_url: str
    owner_url: str
    relay_url: str
    verifier_url: str
    superuser_url: str  # for set-up and for looking behind row-level security, never for the code under test


@dataclass(frozen=True, slots=True)
class SessionServer:
    """Our own embedded server, or the one that DATABASE_URL names (its login must be a superuser)."""

    admin_url: str
    embedded: PostgresAddress | None
    prefix: str  # of database names: servers may be shared

    def url(self, role: str, database: str) -> str:
        if self.embedded is not None:
            return self.embedded.url(role, database)
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    def create(self, template: str | None = None) -> FreshDatabase:
        """A new database, empty or a copy of `template`, owned by trimtab_owner."""
        name = f"{self.prefix}_{next(_numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template or "template0")
            )
        )
        return FreshDatabase(
            name=name,
            app_url=self.url("trimtab_app", name),
            owner_url=self.url("trimtab_owner", name),
            relay_url=self.url("trimtab_relay", name),
            verifier_url=self.url("trimtab_verifier", name),
            superuser_url=self.url("postgres", name),
        )

    def freeze(self, database: FreshDatabase) -> None:
        """Closes a template to everybody: copying one that is in use fails."""
        name = sql.Identifier(database.name)
        self._run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        kill = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        self._run(kill.format(sql.Literal(database.name)))

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)
