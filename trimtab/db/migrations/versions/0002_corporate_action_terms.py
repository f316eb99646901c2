"""Terms of corporate actions beyond splits: what is received, who chooses, tax treatment, basis allocation.

Revision ID: 0002_corporate_action_terms
Revises: 0002_filters
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_corporate_action_terms"
down_revision: str | None = "0002_filters"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = (
    ("new_cusip", sa.Text()),
    ("new_isin", sa.Text()),
    ("new_symbol", sa.Text()),
    ("mandatory", sa.Boolean()),
    ("treatment", sa.Text()),
    ("basis_percent", sa.Numeric(precision=18, scale=6)),
    ("basis_source", sa.Text()),
    ("fair_value", sa.Numeric(precision=20, scale=6)),
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("corporate_action_fact", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name, _ in COLUMNS:
        op.drop_column("corporate_action_fact", name)
