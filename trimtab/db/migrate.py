"""Schema migrations: expand and contract, run by the owner role, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from trimtab.db.engine import sync_engine
from trimtab.db.tables import metadata

_ONE_AT_A_TIME = 7_264_613  # advisory lock: two migrators never run side by side


def upgrade(url: str | URL) -> str:
    """Bring the schema up to date and return its revision. `url` is the owner's (MIGRATION_DATABASE_URL)."""
    with _migrator(url) as (connection, config):
        command.upgrade(config, "head")
        connection.commit()
        return current_revision(connection) or ""


def difference(url: str | URL) -> list[object]:
    """What the tables in code have that the migrated schema has not, or the other way; empty when they agree."""
    with _migrator(url) as (connection, _):
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def current_revision(connection: Connection) -> str | None:
    """The revision that the database stands at."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The revision that this build needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _migrator(url: str | URL) -> Iterator[tuple[Connection, Config]]:
    engine = sync_engine(url, role=None, pool_size=1, statement_seconds=0, application_name="trimtab-migrate")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ONE_AT_A_TIME})
            connection.commit()
            config = _config()
            config.attributes["connection"] = connection
            yield connection, config
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ONE_AT_A_TIME})
            connection.commit()
    finally:
        engine.dispose()
