"""Facts of accounts are keyed by account and line: one index where there were two.

Revision ID: 0002_facts_by_account
Revises: 0002_corporate_action_terms
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002_facts_by_account"
down_revision: str | None = "0002_corporate_action_lifecycle"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("account_fact", "position_fact", "lot_fact", "cash_fact", "sale_fact", "transaction_fact")


def upgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_account", table_name=table)
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, ["firm_id", "delivery_id", "account_id", "line"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_constraint(f"pk_{table}", table)
        op.create_primary_key(f"pk_{table}", table, ["firm_id", "delivery_id", "line"])
        op.create_index(f"ix_{table}_account", table, ["firm_id", "delivery_id", "account_id"], unique=False)
