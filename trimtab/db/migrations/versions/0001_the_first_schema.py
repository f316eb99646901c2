"""The first schema: roles, tables, row-level security, and what each role may do.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORK_TABLES = (
    "account",
    "account_chain",
    "account_day",
    "account_facts",
    "alert",
    "block",
    "blocked_step",
    "cash_reservation",
    "delivery",
    "event",
    "firm",
    "gateway_lease",
    "household",
    "intent",
    "lot_reservation",
    "market_event",
    "oauth_client",
    "oauth_grant",
    "outbox",
    "person",
    "process_heartbeat",
    "run",
    "suspension",
)
FACT_TABLES = (
    "account_fact",
    "allocation",
    "block_member",
    "cash_fact",
    "content",
    "corporate_action_fact",
    "decision",
    "execution",
    "idempotency",
    "lot_fact",
    "position_fact",
    "posting",
    "price_fact",
    "proposal",
    "quarantined_row",
    "record",
    "risk_covariance_fact",
    "risk_exposure_fact",
    "run_input",
    "sale_fact",
    "security_fact",
    "setting_version",
    "stage_result",
)


def upgrade() -> None:
    create_roles()
    create_tables()
    keep_firms_apart()
    grant_rights()
    create_functions()


def create_tables() -> None:
    op.create_table(
        "account_chain",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("firm_id", "account_id", name=op.f("pk_account_chain")),
    )
    op.create_table(
        "account_facts",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("advisor_id", sa.Text(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("registration", sa.Text(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=True),
        sa.Column("discretionary", sa.Boolean(), nullable=True),
        sa.Column("approved_for_trading", sa.Boolean(), nullable=True),
        sa.Column("is_suspended", sa.Boolean(), nullable=True),
        sa.Column("has_data_error", sa.Boolean(), nullable=True),
        sa.Column("is_mandate", sa.Boolean(), nullable=True),
        sa.Column("under_compliance_review", sa.Boolean(), nullable=True),
        sa.Column("account_value", sa.Double(), nullable=True),
        sa.Column("cash_need", sa.Double(), nullable=True),
        sa.Column("order_count", sa.BigInteger(), nullable=True),
        sa.Column("max_drift", sa.Double(), nullable=True),
        sa.Column("active_share", sa.Double(), nullable=True),
        sa.Column("tracking_error", sa.Double(), nullable=True),
        sa.Column("turnover", sa.Double(), nullable=True),
        sa.Column("traded_value", sa.Double(), nullable=True),
        sa.Column("tax", sa.Double(), nullable=True),
        sa.Column("tax_bps", sa.Double(), nullable=True),
        sa.Column("cost_bps", sa.Double(), nullable=True),
        sa.Column("realized_gain", sa.Double(), nullable=True),
        sa.Column("benefit_bps", sa.Double(), nullable=True),
        sa.Column("gap_bps", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("flags", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("firm_id", "run_id", "account_id", name=op.f("pk_account_facts")),
    )
    op.create_table(
        "alert",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "alert_id", name=op.f("pk_alert")),
        sa.UniqueConstraint(
            "firm_id", "cause", "scope", "business_date", name=op.f("uq_alert_firm_id_cause_scope_business_date")
        ),
    )
    op.create_table(
        "block",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("filled_quantity", sa.Numeric(precision=24, scale=6), server_default="0", nullable=False),
        sa.Column("average_price", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("broker_text", sa.Text(), nullable=True),
        sa.Column("allocated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("filled_quantity >= 0 AND filled_quantity <= quantity", name=op.f("ck_block_filled")),
        sa.PrimaryKeyConstraint("firm_id", "client_order_id", name=op.f("pk_block")),
    )
    op.create_index("ix_block_status", "block", ["firm_id", "status"], unique=False)
    op.create_table(
        "blocked_step",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("error_type", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("runbook", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="1", nullable=False),
        sa.Column("resolved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "account_day_id", "stage", name=op.f("pk_blocked_step")),
    )
    op.create_table(
        "content",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "content_hash", name=op.f("pk_content")),
    )
    op.create_table(
        "decision",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("proposal_hash", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("on_behalf_of", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("envelope", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "decision_id", name=op.f("pk_decision")),
    )
    op.create_index("ix_decision_account_day", "decision", ["firm_id", "account_day_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("control_total", sa.Numeric(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_codes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "firm_id",
            "kind",
            "business_date",
            "content_hash",
            name=op.f("uq_delivery_firm_id_kind_business_date_content_hash"),
        ),
    )
    op.create_index("ix_delivery_day", "delivery", ["firm_id", "business_date", "kind", "status"], unique=False)
    op.create_table(
        "event",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("account_day_id", sa.Text(), nullable=True),
        sa.Column("advisor_id", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("firm_id", "event_id", name=op.f("pk_event")),
        sa.UniqueConstraint("firm_id", "event_seq", name=op.f("uq_event_firm_id_event_seq")),
    )
    op.create_index(
        "ix_event_unpublished",
        "event",
        ["firm_id", "event_id"],
        unique=False,
        postgresql_where=sa.text("event_seq IS NULL"),
    )
    op.create_table(
        "firm",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("clock_mode", sa.Text(), server_default="market", nullable=False),
        sa.Column("lifecycle_pages", sa.Text(), server_default="auto", nullable=False),
        sa.Column("price_fault_policy", sa.Text(), server_default="SUSPEND", nullable=False),
        sa.Column("approval_limit", sa.Numeric(precision=20, scale=2), server_default="250000", nullable=False),
        sa.Column("event_head", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("clock_mode IN ('market', 'stepped')", name=op.f("ck_firm_clock_mode")),
        sa.CheckConstraint("lifecycle_pages IN ('auto', 'always', 'never')", name=op.f("ck_firm_lifecycle_pages")),
        sa.PrimaryKeyConstraint("firm_id", name=op.f("pk_firm")),
    )
    op.create_table(
        "gateway_lease",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("execution_cursor", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("firm_id", "broker", name=op.f("pk_gateway_lease")),
    )
    op.create_table(
        "household",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("firm_id", "household_id", name=op.f("pk_household")),
    )
    op.create_table(
        "idempotency",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("response", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "intent",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("proposal_hash", sa.Text(), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=False),
        sa.Column("wash_key", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("reference_price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("realizes_loss", sa.Boolean(), nullable=False),
        sa.Column("lot_sales", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("commission", sa.Numeric(precision=20, scale=2), server_default="0", nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filled_quantity", sa.Numeric(precision=24, scale=6), server_default="0", nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("filled_quantity >= 0 AND filled_quantity <= quantity", name=op.f("ck_intent_filled")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_intent_quantity")),
        sa.PrimaryKeyConstraint("firm_id", "intent_id", name=op.f("pk_intent")),
        sa.UniqueConstraint("firm_id", "account_day_id", "leg", name=op.f("uq_intent_firm_id_account_day_id_leg")),
    )
    op.create_index("ix_intent_account_day", "intent", ["firm_id", "account_day_id"], unique=False)
    op.create_index("ix_intent_household", "intent", ["firm_id", "household_id", "business_date"], unique=False)
    op.create_index("ix_intent_pending", "intent", ["firm_id", "business_date", "status"], unique=False)
    op.create_table(
        "market_event",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("firm_id", "event_id", name=op.f("pk_market_event")),
        sa.UniqueConstraint("firm_id", "run_id", "ordinal", name=op.f("uq_market_event_firm_id_run_id_ordinal")),
    )
    op.create_table(
        "oauth_client",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=True),
        sa.Column("redirect_uris", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("grant_types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "client_id", name=op.f("pk_oauth_client")),
    )
    op.create_table(
        "oauth_grant",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "token_hash", name=op.f("pk_oauth_grant")),
    )
    op.create_index("ix_oauth_grant_family", "oauth_grant", ["firm_id", "family"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "outbox_id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_unsent", "outbox", ["outbox_id"], unique=False, postgresql_where=sa.text("sent_at IS NULL")
    )
    op.create_table(
        "person",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("advisor_id", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "person_id", name=op.f("pk_person")),
        sa.UniqueConstraint("firm_id", "username", name=op.f("uq_person_firm_id_username")),
    )
    op.create_table(
        "process_heartbeat",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("firm_id", "process_id", name=op.f("pk_process_heartbeat")),
    )
    op.create_table(
        "proposal",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "proposal_id", name=op.f("pk_proposal")),
        sa.UniqueConstraint(
            "firm_id", "account_day_id", "version", name=op.f("uq_proposal_firm_id_account_day_id_version")
        ),
    )
    op.create_table(
        "record",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "account_id", "seq", name=op.f("pk_record")),
        sa.UniqueConstraint("firm_id", "account_id", "prev", name=op.f("uq_record_firm_id_account_id_prev")),
        sa.UniqueConstraint("firm_id", "hash", name=op.f("uq_record_firm_id_hash")),
    )
    op.create_index("ix_record_day", "record", ["firm_id", "business_date", "account_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("clock_mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), server_default="", nullable=False),
        sa.Column("hold_before", sa.Text(), nullable=True),
        sa.Column("seconds", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "run_id", name=op.f("pk_run")),
        sa.UniqueConstraint("firm_id", "business_date", name=op.f("uq_run_firm_id_business_date")),
    )
    op.create_table(
        "run_input",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "run_id", "kind", "key", name=op.f("pk_run_input")),
    )
    op.create_table(
        "setting_version",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "seq", name=op.f("pk_setting_version")),
        sa.UniqueConstraint(
            "firm_id",
            "entity",
            "key",
            "supersedes",
            name=op.f("uq_setting_version_firm_id_entity_key_supersedes"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_setting_version_holds",
        "setting_version",
        ["firm_id", "entity", "key", "effective_from", "seq"],
        unique=False,
    )
    op.create_table(
        "stage_result",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("build", sa.Text(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint(
            "firm_id", "run_id", "account_id", "attempt", "stage", "input_hash", name=op.f("pk_stage_result")
        ),
    )
    op.create_table(
        "suspension",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("suspension_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("lifted_on", sa.Date(), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("firm_id", "suspension_id", name=op.f("pk_suspension")),
    )
    op.create_index(
        "uq_suspension_open",
        "suspension",
        ["firm_id", "scope", "scope_id", "kind", "code"],
        unique=True,
        postgresql_where=sa.text("lifted_by IS NULL"),
    )
    op.create_table(
        "account",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("advisor_id", sa.Text(), nullable=False),
        sa.Column("current_run", sa.Text(), nullable=True),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "household_id"],
            ["household.firm_id", "household.household_id"],
            name=op.f("fk_account_firm_id_household_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "account_id", name=op.f("pk_account")),
    )
    op.create_index("ix_account_advisor", "account", ["firm_id", "advisor_id"], unique=False)
    op.create_index("ix_account_household", "account", ["firm_id", "household_id"], unique=False)
    op.create_table(
        "account_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("advisor_id", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=True),
        sa.Column("discretionary", sa.Boolean(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("approved_for_trading", sa.Boolean(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("suspension", sa.Text(), nullable=True),
        sa.Column("suspension_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_account_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_account_fact")),
    )
    op.create_index("ix_account_fact_account", "account_fact", ["firm_id", "delivery_id", "account_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("notional", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("commission", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "intent_id"],
            ["intent.firm_id", "intent.intent_id"],
            name=op.f("fk_allocation_firm_id_intent_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "client_order_id", "intent_id", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_account", "allocation", ["firm_id", "account_id"], unique=False)
    op.create_table(
        "block_member",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "client_order_id"],
            ["block.firm_id", "block.client_order_id"],
            name=op.f("fk_block_member_firm_id_client_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "intent_id"],
            ["intent.firm_id", "intent.intent_id"],
            name=op.f("fk_block_member_firm_id_intent_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "client_order_id", "intent_id", name=op.f("pk_block_member")),
        sa.UniqueConstraint("firm_id", "intent_id", name=op.f("uq_block_member_firm_id_intent_id")),
    )
    op.create_table(
        "cash_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("settled", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("unsettled", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_cash_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_cash_fact")),
    )
    op.create_index("ix_cash_fact_account", "cash_fact", ["firm_id", "delivery_id", "account_id"], unique=False)
    op.create_table(
        "cash_reservation",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "intent_id"],
            ["intent.firm_id", "intent.intent_id"],
            name=op.f("fk_cash_reservation_firm_id_intent_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "intent_id", name=op.f("pk_cash_reservation")),
    )
    op.create_index("ix_cash_reservation_account", "cash_reservation", ["firm_id", "account_id"], unique=False)
    op.create_table(
        "corporate_action_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("ex_on", sa.Date(), nullable=False),
        sa.Column("new_shares", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("old_shares", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("cash_per_share", sa.Numeric(precision=20, scale=6), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_corporate_action_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_corporate_action_fact")),
    )
    op.create_table(
        "execution",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("broker", sa.Text(), nullable=False),
        sa.Column("exec_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "client_order_id"],
            ["block.firm_id", "block.client_order_id"],
            name=op.f("fk_execution_firm_id_client_order_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "broker", "exec_id", name=op.f("pk_execution")),
    )
    op.create_index("ix_execution_block", "execution", ["firm_id", "client_order_id"], unique=False)
    op.create_table(
        "lot_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("acquired_on", sa.Date(), nullable=False),
        sa.Column("holding_start", sa.Date(), nullable=True),
        sa.Column("cost", sa.Numeric(precision=24, scale=6), nullable=True),
        sa.Column("wash_adjustment", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("purchase_id", sa.Text(), nullable=False),
        sa.Column("covered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_lot_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_lot_fact")),
    )
    op.create_index("ix_lot_fact_account", "lot_fact", ["firm_id", "delivery_id", "account_id"], unique=False)
    op.create_table(
        "lot_reservation",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "intent_id"],
            ["intent.firm_id", "intent.intent_id"],
            name=op.f("fk_lot_reservation_firm_id_intent_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "intent_id", "lot_id", name=op.f("pk_lot_reservation")),
    )
    op.create_index("ix_lot_reservation_lot", "lot_reservation", ["firm_id", "account_id", "lot_id"], unique=False)
    op.create_table(
        "position_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("market_value", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_position_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_position_fact")),
    )
    op.create_index("ix_position_fact_account", "position_fact", ["firm_id", "delivery_id", "account_id"], unique=False)
    op.create_table(
        "posting",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("posting_id", sa.Text(), nullable=False),
        sa.Column("intent_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=False),
        sa.Column("trade_date", sa.Date(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("basis", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("wash_adjustment", sa.Numeric(precision=24, scale=6), server_default="0", nullable=False),
        sa.Column("term", sa.Text(), nullable=True),
        sa.Column("cash", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("gain", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"], name=op.f("fk_posting_firm_id_intent_id")
        ),
        sa.PrimaryKeyConstraint("firm_id", "posting_id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_account", "posting", ["firm_id", "account_id", "trade_date"], unique=False)
    op.create_table(
        "price_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("close", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("volume", sa.Numeric(precision=24, scale=2), nullable=True),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_price_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_price_fact")),
    )
    op.create_table(
        "quarantined_row",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_quarantined_row_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_quarantined_row")),
    )
    op.create_table(
        "risk_covariance_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("row", sa.ARRAY(sa.Double()), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_risk_covariance_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_risk_covariance_fact")),
    )
    op.create_table(
        "risk_exposure_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("exposures", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("specific_risk", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_risk_exposure_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_risk_exposure_fact")),
    )
    op.create_table(
        "sale_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=True),
        sa.Column("security_key", sa.Text(), nullable=False),
        sa.Column("sold_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.Column("proceeds", sa.Numeric(precision=20, scale=2), nullable=False),
        sa.Column("basis", sa.Numeric(precision=24, scale=6), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_sale_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_sale_fact")),
    )
    op.create_index("ix_sale_fact_account", "sale_fact", ["firm_id", "delivery_id", "account_id"], unique=False)
    op.create_table(
        "security_fact",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("security_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("cusip", sa.Text(), nullable=True),
        sa.Column("isin", sa.Text(), nullable=True),
        sa.Column("figi", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_class", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tradable", sa.Boolean(), nullable=False),
        sa.Column("whole_shares", sa.Boolean(), nullable=False),
        sa.Column("wash_group", sa.Text(), nullable=False),
        sa.Column("half_spread_bps", sa.Numeric(precision=10, scale=4), nullable=False),
        sa.ForeignKeyConstraint(
            ["firm_id", "delivery_id"],
            ["delivery.firm_id", "delivery.delivery_id"],
            name=op.f("fk_security_fact_firm_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("firm_id", "delivery_id", "line", name=op.f("pk_security_fact")),
    )
    op.create_table(
        "account_day",
        sa.Column("firm_id", sa.Text(), nullable=False),
        sa.Column("account_day_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("current", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("snapshot_hash", sa.Text(), nullable=True),
        sa.Column("proposal_id", sa.Text(), nullable=True),
        sa.Column("proposal_hash", sa.Text(), nullable=True),
        sa.Column("terminal_state", sa.Text(), nullable=True),
        sa.Column("terminal_code", sa.Text(), nullable=True),
        sa.Column("terminal_reason", sa.Text(), nullable=True),
        sa.Column("blocked_stage", sa.Text(), nullable=True),
        sa.Column("waiting_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "account_id"],
            ["account.firm_id", "account.account_id"],
            name=op.f("fk_account_day_firm_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["firm_id", "run_id"], ["run.firm_id", "run.run_id"], name=op.f("fk_account_day_firm_id_run_id")
        ),
        sa.PrimaryKeyConstraint("firm_id", "account_day_id", name=op.f("pk_account_day")),
        sa.UniqueConstraint(
            "firm_id",
            "account_id",
            "business_date",
            "attempt",
            name=op.f("uq_account_day_firm_id_account_id_business_date_attempt"),
        ),
    )
    op.create_index("ix_account_day_stage", "account_day", ["firm_id", "run_id", "stage"], unique=False)
    op.create_index(
        "uq_account_day_current",
        "account_day",
        ["firm_id", "account_id", "business_date"],
        unique=True,
        postgresql_where=sa.text("current"),
    )


def create_roles() -> None:
    """The four roles, unless whoever runs the server has made them already. They cannot log in by themselves."""
    for role in ("trimtab_owner", "trimtab_app", "trimtab_relay", "trimtab_verifier"):
        op.execute(
            f"""DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
                END IF;
            END $$"""
        )


def keep_firms_apart() -> None:
    """Row-level security on every table; a transaction that names no firm raises instead of seeing nothing."""
    op.execute(
        """CREATE FUNCTION trimtab_firm() RETURNS text LANGUAGE plpgsql STABLE AS $$
        DECLARE firm text := current_setting('trimtab.firm', true);
        BEGIN
            IF firm IS NULL OR firm = '' THEN
                RAISE EXCEPTION 'no firm is set for this transaction' USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN firm;
        END $$"""
    )
    for table in (*WORK_TABLES, *FACT_TABLES):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # The subquery makes it one call a statement and not one a row.
        op.execute(
            f"""CREATE POLICY own_firm ON {table} TO trimtab_app, trimtab_verifier, trimtab_owner
            USING (firm_id = (SELECT trimtab_firm())) WITH CHECK (firm_id = (SELECT trimtab_firm()))"""
        )
    for table in ("firm", "event", "outbox"):
        op.execute(f"CREATE POLICY relay ON {table} TO trimtab_relay USING (true) WITH CHECK (true)")


def grant_rights() -> None:
    """The application inserts facts and never changes them; the relay and the verifier see what they need."""
    op.execute("GRANT USAGE ON SCHEMA public TO trimtab_app, trimtab_relay, trimtab_verifier")
    for table in FACT_TABLES:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO trimtab_app")
    for table in WORK_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO trimtab_app")
    op.execute("GRANT SELECT, UPDATE (event_head) ON firm TO trimtab_relay")
    op.execute("GRANT SELECT, UPDATE (event_seq, published_at) ON event TO trimtab_relay")
    op.execute("GRANT SELECT, UPDATE (sent_at, tries, last_error) ON outbox TO trimtab_relay")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO trimtab_verifier")
    op.execute("GRANT SELECT ON alembic_version TO trimtab_app")


def create_functions() -> None:
    """What holds on a day as known at a sequence number, of everything that people and feeds edit."""
    op.execute(
        """CREATE FUNCTION settings_as_of(of_entity text, on_date date, known_seq bigint)
        RETURNS TABLE (key text, value jsonb, seq bigint, effective_from date) LANGUAGE sql STABLE AS $$
            SELECT DISTINCT ON (latest.key) latest.key, latest.value, latest.seq, latest.effective_from
            FROM (
                SELECT DISTINCT ON (v.key, v.effective_from) v.key, v.effective_from, v.value, v.seq
                FROM setting_version v
                WHERE v.entity = of_entity AND v.effective_from <= on_date AND v.seq <= known_seq
                ORDER BY v.key, v.effective_from, v.seq DESC
            ) latest
            WHERE latest.value IS NOT NULL
            ORDER BY latest.key, latest.effective_from DESC
        $$"""
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION settings_as_of(text, date, bigint)")
    op.drop_index("uq_account_day_current", table_name="account_day", postgresql_where=sa.text("current"))
    op.drop_index("ix_account_day_stage", table_name="account_day")
    op.drop_table("account_day")
    op.drop_table("security_fact")
    op.drop_index("ix_sale_fact_account", table_name="sale_fact")
    op.drop_table("sale_fact")
    op.drop_table("risk_exposure_fact")
    op.drop_table("risk_covariance_fact")
    op.drop_table("quarantined_row")
    op.drop_table("price_fact")
    op.drop_index("ix_posting_account", table_name="posting")
    op.drop_table("posting")
    op.drop_index("ix_position_fact_account", table_name="position_fact")
    op.drop_table("position_fact")
    op.drop_index("ix_lot_reservation_lot", table_name="lot_reservation")
    op.drop_table("lot_reservation")
    op.drop_index("ix_lot_fact_account", table_name="lot_fact")
    op.drop_table("lot_fact")
    op.drop_index("ix_execution_block", table_name="execution")
    op.drop_table("execution")
    op.drop_table("corporate_action_fact")
    op.drop_index("ix_cash_reservation_account", table_name="cash_reservation")
    op.drop_table("cash_reservation")
    op.drop_index("ix_cash_fact_account", table_name="cash_fact")
    op.drop_table("cash_fact")
    op.drop_table("block_member")
    op.drop_index("ix_allocation_account", table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_account_fact_account", table_name="account_fact")
    op.drop_table("account_fact")
    op.drop_index("ix_account_household", table_name="account")
    op.drop_index("ix_account_advisor", table_name="account")
    op.drop_table("account")
    op.drop_index("uq_suspension_open", table_name="suspension", postgresql_where=sa.text("lifted_by IS NULL"))
    op.drop_table("suspension")
    op.drop_table("stage_result")
    op.drop_index("ix_setting_version_holds", table_name="setting_version")
    op.drop_table("setting_version")
    op.drop_table("run_input")
    op.drop_table("run")
    op.drop_index("ix_record_day", table_name="record")
    op.drop_table("record")
    op.drop_table("proposal")
    op.drop_table("process_heartbeat")
    op.drop_table("person")
    op.drop_index("ix_outbox_unsent", table_name="outbox", postgresql_where=sa.text("sent_at IS NULL"))
    op.drop_table("outbox")
    op.drop_index("ix_oauth_grant_family", table_name="oauth_grant")
    op.drop_table("oauth_grant")
    op.drop_table("oauth_client")
    op.drop_table("market_event")
    op.drop_index("ix_intent_pending", table_name="intent")
    op.drop_index("ix_intent_household", table_name="intent")
    op.drop_index("ix_intent_account_day", table_name="intent")
    op.drop_table("intent")
    op.drop_table("idempotency")
    op.drop_table("household")
    op.drop_table("gateway_lease")
    op.drop_table("firm")
    op.drop_index("ix_event_unpublished", table_name="event", postgresql_where=sa.text("event_seq IS NULL"))
    op.drop_table("event")
    op.drop_index("ix_delivery_day", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_decision_account_day", table_name="decision")
    op.drop_table("decision")
    op.drop_table("content")
    op.drop_table("blocked_step")
    op.drop_index("ix_block_status", table_name="block")
    op.drop_table("block")
    op.drop_table("alert")
    op.drop_table("account_facts")
    op.drop_table("account_chain")
    op.execute("DROP FUNCTION trimtab_firm()")
