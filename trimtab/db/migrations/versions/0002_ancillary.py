"""The wide table that filters read gets the firm's own fields.

Revision ID: 0002_ancillary
Revises: 0002_corporate_action_terms
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0002_ancillary"
down_revision: str | None = "0002_corporate_action_terms"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("account_facts", sa.Column("ancillary", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("account_facts", "ancillary")
