"""Filters that want few accounts find them by an index of the field, an advisor's page by one of the book.

Revision ID: 0002_rare_filters
Revises: 0002_model_hub
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0002_rare_filters"
down_revision: str | None = "0002_model_hub"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FIELDS = """advisor_id account_value cash_need cash_weight max_drift tracking_error turnover tax realized_gain
    unrealized_losses score"""


def upgrade() -> None:
    for name in FIELDS.split():
        op.create_index(f"ix_account_facts_{name}", "account_facts", ["firm_id", "run_id", name])


def downgrade() -> None:
    for name in FIELDS.split():
        op.drop_index(f"ix_account_facts_{name}", table_name="account_facts")
