"""The model hub: what providers send, the assets that follow it, fees by day, lines of bills, research notes.

Revision ID: 0002_model_hub
Revises: 0002_corporate_action_terms
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002_model_hub"
down_revision: str | None = "0002_facts_by_account"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MONEY = sa.Numeric(precision=20, scale=2)
FACT_TABLES = ("hub_upload", "hub_assets", "hub_accrual", "hub_statement_line", "hub_note")


def upgrade() -> None:
    create_uploads_and_notes()
    create_fees()
    for table in FACT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"""CREATE POLICY own_firm ON {table} TO trimtab_app, trimtab_verifier, trimtab_owner
            USING (firm_id = (SELECT trimtab_firm())) WITH CHECK (firm_id = (SELECT trimtab_firm()))"""
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO trimtab_app")
        op.execute(f"GRANT SELECT ON {table} TO trimtab_verifier")


def create_uploads_and_notes() -> None:
    op.create_table(
        "hub_upload",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rotation", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("turnover", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("change_id", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint("firm_id", "upload_id", name=op.f("pk_hub_upload")),
    )
    op.create_index("ix_hub_upload_model", "hub_upload", ["firm_id", "provider_id", "model_id", "seq"])
    op.create_table(
        "hub_note",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("note_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint("firm_id", "note_id", name=op.f("pk_hub_note")),
    )
    op.create_index("ix_hub_note_provider", "hub_note", ["firm_id", "provider_id", "model_id"])


def create_fees() -> None:
    op.create_table(
        "hub_assets",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("assets", MONEY, nullable=False),
        sa.PrimaryKeyConstraint("firm_id", "business_date", "model_id", "account_id", name=op.f("pk_hub_assets")),
    )
    op.create_table(
        "hub_accrual",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("assets", MONEY, nullable=False),
        sa.Column("rate_bps", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.Column("fee", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("settings_seq", sa.BigInteger(), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint("firm_id", "day", "model_id", name=op.f("pk_hub_accrual")),
    )
    op.create_index("ix_hub_accrual_provider", "hub_accrual", ["firm_id", "provider_id", "day"])
    op.create_table(
        "hub_statement_line",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("model_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("average_assets", MONEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        _recorded_at(),
        sa.PrimaryKeyConstraint("firm_id", "statement_id", "line", name=op.f("pk_hub_statement_line")),
    )


def _recorded_at() -> sa.Column[object]:
    return sa.Column(
        "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
    )


def downgrade() -> None:
    for table in FACT_TABLES:
        op.drop_table(table)
