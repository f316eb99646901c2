"""The stored life of corporate actions: states of events, and what each has done to each account.

Revision ID: 0002_corporate_action_lifecycle
Revises: 0002_corporate_action_terms
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002_corporate_action_lifecycle"
down_revision: str | None = "0002_ancillary"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FACT_TABLES = ("corporate_action_state", "corporate_action_application")
COLUMNS = (
    ("pay_on", sa.Date()),
    ("fraction_price", sa.Numeric(precision=20, scale=6)),
    ("source", sa.Text()),
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("corporate_action_fact", sa.Column(name, kind, nullable=True))
    create_tables()
    for table in FACT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"""CREATE POLICY own_firm ON {table} TO trimtab_app, trimtab_verifier, trimtab_owner
            USING (firm_id = (SELECT trimtab_firm())) WITH CHECK (firm_id = (SELECT trimtab_firm()))"""
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO trimtab_app")
        op.execute(f"GRANT SELECT ON {table} TO trimtab_verifier")


def create_tables() -> None:
    op.create_table(
        "corporate_action_state",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=False),
        sa.Column("ex_on", sa.Date(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint(
            "firm_id", "event_id", "version", "state", "terms_hash", name=op.f("pk_corporate_action_state")
        ),
        sa.CheckConstraint(
            "state IN ('ANNOUNCED', 'CONFIRMED', 'REVERSED')", name=op.f("ck_corporate_action_state_state")
        ),
    )
    op.create_table(
        "corporate_action_application",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("booked_by", sa.Text(), nullable=False),
        sa.Column("before_hash", sa.Text(), nullable=False),
        sa.Column("after_hash", sa.Text(), nullable=False),
        sa.Column("shares_before", postgresql.JSONB(), nullable=False),
        sa.Column("shares_after", postgresql.JSONB(), nullable=False),
        sa.Column("cash", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("income", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("gain", sa.Numeric(precision=20, scale=2), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint(
            "firm_id", "event_id", "account_id", "version", "state", name=op.f("pk_corporate_action_application")
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "account_id"],
            ["account.firm_id", "account.account_id"],
            name=op.f("fk_corporate_action_application_firm_id_account_id"),
        ),
        sa.CheckConstraint(
            "state IN ('APPLIED', 'RECONCILED', 'REVERSED')", name=op.f("ck_corporate_action_application_state")
        ),
    )
    op.create_index(
        "ix_corporate_action_application_account", "corporate_action_application", ["firm_id", "account_id"]
    )


def _recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
    )


def downgrade() -> None:
    for table in FACT_TABLES:
        op.drop_table(table)
    for name, _ in COLUMNS:
        op.drop_column("corporate_action_fact", name)
