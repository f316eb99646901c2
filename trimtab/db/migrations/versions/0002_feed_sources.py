"""What is expected of each source on a day, how far it is escalated, and alerts on their way out.

Revision ID: 0002_feed_sources
Revises: 0002_calibration
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002_feed_sources"
down_revision: str | None = "0002_calibration"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORK_TABLES = ("alert_notice", "delivery_expectation")
FACT_TABLES = ("transaction_fact",)


def upgrade() -> None:
    create_tables()
    for table in (*WORK_TABLES, *FACT_TABLES):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"""CREATE POLICY own_firm ON {table} TO trimtab_app, trimtab_verifier, trimtab_owner
            USING (firm_id = (SELECT trimtab_firm())) WITH CHECK (firm_id = (SELECT trimtab_firm()))"""
        )
        rights = "SELECT, INSERT" if table in FACT_TABLES else "SELECT, INSERT, UPDATE"
        op.execute(f"GRANT {rights} ON {table} TO trimtab_app")
        op.execute(f"GRANT SELECT ON {table} TO trimtab_verifier")


def create_tables() -> None:
    op.create_table(
        "delivery_expectation",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("urgent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing", sa.Text(), server_default="EXPECTED", nullable=False),
        sa.Column("arriving", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "business_date", "kind", name=op.f("pk_delivery_expectation")),
    )
    op.create_table(
        "alert_notice",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "alert_id", "channel", name=op.f("pk_alert_notice")),
        sa.ForeignKeyConstraint(
            ["firm_id", "alert_id"],
            ["alert.firm_id", "alert.alert_id"],
            name=op.f("fk_alert_notice_firm_id_alert_id"),
        ),
    )
    op.create_table(
        "transaction_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=True),
        sa.Column("traded_on", sa.Date(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=True),
        sa.Column("price", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("fees", sa.Numeric(precision=20, scale=2), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=2), nullable=True),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_transaction_fact")),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_transaction_fact_firm_id_delivery_id"),
        ),
    )
    op.create_index(
        "ix_transaction_fact_account", "transaction_fact", ["firm_id", "delivery_id", "account_id"], unique=False
    )


def downgrade() -> None:
    for table in (*WORK_TABLES, *FACT_TABLES):
        op.drop_table(table)
