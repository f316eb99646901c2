"""The calibration that a firm has adopted: none means the one that is shipped.

Revision ID: 0002_calibration
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_calibration"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("firm", sa.Column("calibration_hash", sa.Text(), server_default="", nullable=False))
