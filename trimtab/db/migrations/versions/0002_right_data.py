"""Columns that tell more about prices, positions, lots and cash: sources, restricted shares, gifts, currencies.

Revision ID: 0002_right_data
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_right_data"
down_revision: str | None = "0002_feed_sources"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = (
    ("price_fact", "source", sa.Text(), ""),
    ("position_fact", "restricted", sa.Boolean(), sa.text("false")),
    ("lot_fact", "gift_or_inheritance", sa.Boolean(), sa.text("false")),
    ("lot_fact", "restricted", sa.Boolean(), sa.text("false")),
    ("cash_fact", "currency", sa.Text(), "USD"),
)


def upgrade() -> None:
    for table, name, kind, default in COLUMNS:
        op.add_column(table, sa.Column(name, kind, server_default=default, nullable=False))


def downgrade() -> None:
    for table, name, _, _ in COLUMNS:
        op.drop_column(table, name)
