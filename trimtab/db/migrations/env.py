"""Alembic's entry point. The connection is handed in by `trimtab.db.migrate`; there is no offline mode."""

from alembic import context

from trimtab.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transaction_per_migration=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
