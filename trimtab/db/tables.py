"""The schema. Every table of a firm carries `firm_id`, and row-level security keeps firms apart.

Three kinds of table, told apart by what the application role may do with them:
facts and records are inserted once and never changed (INSERT, SELECT); versions are facts that people or feeds
edit by adding a newer one; work rows (runs, account-days, blocks, suspensions) move through states (UPDATE).
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from trimtab.domain.fact_fields import FIELDS, Field, FieldKind

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MONEY = Numeric(20, 2)
PRICE = Numeric(20, 6)
QUANTITY = Numeric(24, 6)
BASIS = Numeric(24, 6)

FACTS: set[str] = set()
"""Tables that the application role may only read and insert into."""


def _firm() -> Column[str]:
    return Column("firm_id", Text, nullable=False)


def _needed(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _recorded_at() -> Column[Any]:
    """When the database learned it: the only wall-clock column."""
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp())


def _fact(table: Table) -> Table:
    FACTS.add(table.name)
    return table


MOST_FILTERED = [
    "advisor_id",
    "programme",
    "tier",
    "standing",
    "outcome",
    "discretionary",
    "approved_for_trading",
    "is_suspended",
    "has_data_error",
    "is_mandate",
    "under_compliance_review",
    "account_value",
    "cash_need",
    "cash_weight",
    "order_count",
    "max_drift",
    "tracking_error",
    "turnover",
    "tax",
    "tax_bps",
    "cost_bps",
    "realized_gain",
    "unrealized_losses",
    "score",
    "days_since_trade",
]
"""Fields that the index of filters holds: PostgreSQL takes 32 columns at most."""
SELECTIVE = [
    "advisor_id",
    "account_value",
    "cash_need",
    "cash_weight",
    "max_drift",
    "tracking_error",
    "turnover",
    "tax",
    "realized_gain",
    "unrealized_losses",
    "score",
]
"""Fields with an index of their own: those whose far ends filters look for, where few accounts are."""


def _column_type(field: Field) -> TypeEngine[Any]:
    """Never NUMERIC or JSONB: their operators are not leakproof, so row-level security keeps filters from indexes."""
    match field.kind:
        case FieldKind.NUMBER:
            return BigInteger() if field.is_whole else Double()
        case FieldKind.BOOLEAN:
            return Boolean()
        case FieldKind.TEXT | FieldKind.DATE:
            return Text()
        case FieldKind.TEXT_SET:
            return ARRAY(Text)


# --- firms and people ---

firm = Table(
    "firm",
    metadata,
    Column("firm_id", Text, primary_key=True),
    _needed("name", Text),
    Column("clock_mode", Text, nullable=False, server_default="market"),
    Column("lifecycle_pages", Text, nullable=False, server_default="auto"),
    Column("price_fault_policy", Text, nullable=False, server_default="SUSPEND"),
    Column("calibration_hash", Text, nullable=False, server_default=""),  # content; none: the shipped calibration
    Column("approval_limit", MONEY, nullable=False, server_default="250000"),  # dollars traded, row 16
    Column("event_head", BigInteger, nullable=False, server_default="0"),  # last event_seq given out
    _recorded_at(),
    CheckConstraint("clock_mode IN ('market', 'stepped')", name="clock_mode"),
    CheckConstraint("lifecycle_pages IN ('auto', 'always', 'never')", name="lifecycle_pages"),
)

person = Table(
    "person",
    metadata,
    _firm(),
    _needed("person_id", Text),
    _needed("username", Text),
    _needed("display_name", Text),
    _needed("password_hash", Text),
    Column("roles", ARRAY(Text), nullable=False),
    Column("advisor_id", Text),  # whose book is "own"
    Column("active", Boolean, nullable=False, server_default=text("true")),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "person_id"),
    UniqueConstraint("firm_id", "username"),
)

oauth_client = Table(
    "oauth_client",
    metadata,
    _firm(),
    _needed("client_id", Text),
    _needed("name", Text),
    Column("secret_hash", Text),  # absent for a public client
    Column("redirect_uris", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("grant_types", ARRAY(Text), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "client_id"),
)

oauth_grant = Table(
    "oauth_grant",
    metadata,
    _firm(),
    _needed("token_hash", Text),  # SHA-256 of a code or a refresh token: never the token
    _needed("kind", Text),
    _needed("family", Text),
    _needed("client_id", Text),
    Column("person_id", Text),
    Column("body", JSONB, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "token_hash"),
    Index("ix_oauth_grant_family", "firm_id", "family"),
)

# --- deliveries and the facts that they carry ---

delivery = Table(
    "delivery",
    metadata,
    _firm(),
    _needed("delivery_id", Text),
    _needed("kind", Text),
    _needed("business_date", Date),
    Column("as_of", Date),
    Column("source", Text),
    _needed("file_name", Text),
    _needed("content_hash", Text),
    Column("row_count", Integer),
    Column("control_total", Numeric),
    _needed("status", Text),  # RECEIVED, LOADED, QUARANTINED, WAIVED
    Column("reason_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("message", Text, nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),  # notes, factor names, rows quarantined
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "delivery_id"),
    UniqueConstraint("firm_id", "kind", "business_date", "content_hash"),
    Index("ix_delivery_day", "firm_id", "business_date", "kind", "status"),
)

delivery_expectation = Table(
    "delivery_expectation",
    metadata,
    _firm(),
    _needed("business_date", Date),
    _needed("kind", Text),
    _needed("source", Text),
    _needed("form", Text),
    _needed("due_at", DateTime(timezone=True)),
    _needed("late_at", DateTime(timezone=True)),
    _needed("urgent_at", DateTime(timezone=True)),
    _needed("missing_at", DateTime(timezone=True)),
    Column("standing", Text, nullable=False, server_default="EXPECTED"),  # while nothing usable has come
    Column("arriving", Boolean, nullable=False, server_default=text("false")),  # without its done-marker
    Column("tries", Integer, nullable=False, server_default="0"),  # of fetching
    Column("last_error", Text),
    Column("next_try_at", DateTime(timezone=True)),
    Column("resolved_at", DateTime(timezone=True)),  # of what was escalated
    Column("resolution", Text),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "business_date", "kind"),
)

_DELIVERED = ("firm_id", "delivery_id")


def _of_delivery(
    name: str, *columns: Column[Any] | Column[str] | UniqueConstraint | Index, by_account: bool = False
) -> Table:
    """A fact table: rows of one delivery, by line.

    `by_account`: the key begins with the account, so that a million lots need no second index to be found by it.
    """
    key = ("account_id", "line") if by_account else ("line",)
    return _fact(
        Table(
            name,
            metadata,
            _firm(),
            _needed("delivery_id", Text),
            _needed("line", Integer),
            *columns,
            PrimaryKeyConstraint(*_DELIVERED, *key),
            ForeignKeyConstraint(_DELIVERED, ["delivery.firm_id", "delivery.delivery_id"]),
        )
    )


quarantined_row = _of_delivery(
    "quarantined_row",
    Column("field", Text),
    Column("value", Text),
    _needed("code", Text),
    _needed("message", Text),
    Column("account_id", Text),
    Column("security_key", Text),
)

security_fact = _of_delivery(
    "security_fact",
    _needed("security_id", Text),
    Column("symbol", Text),
    Column("cusip", Text),
    Column("isin", Text),
    Column("figi", Text),
    _needed("name", Text),
    _needed("kind", Text),
    _needed("asset_class", Text),
    Column("sector", Text),
    _needed("currency", Text),
    _needed("tradable", Boolean),
    _needed("whole_shares", Boolean),
    _needed("wash_group", Text),
    _needed("half_spread_bps", Numeric(10, 4)),
)

account_fact = _of_delivery(
    "account_fact",
    _needed("account_id", Text),
    _needed("household_id", Text),
    _needed("advisor_id", Text),
    _needed("programme", Text),
    _needed("registration", Text),
    Column("model_id", Text),
    _needed("discretionary", Boolean),
    _needed("standing", Text),
    _needed("approved_for_trading", Boolean),
    _needed("tier", Text),
    Column("suspension", Text),
    Column("suspension_reason", Text),
    by_account=True,
)

position_fact = _of_delivery(
    "position_fact",
    _needed("account_id", Text),
    Column("security_id", Text),  # absent while the identifier is unknown
    _needed("security_key", Text),  # the identifier as delivered
    _needed("quantity", QUANTITY),
    _needed("market_value", MONEY),
    Column("restricted", Boolean, nullable=False, server_default=text("false")),
    by_account=True,
)

lot_fact = _of_delivery(
    "lot_fact",
    _needed("account_id", Text),
    Column("security_id", Text),
    _needed("security_key", Text),
    _needed("lot_id", Text),
    _needed("quantity", QUANTITY),
    _needed("acquired_on", Date),
    Column("holding_start", Date),
    Column("cost", BASIS),  # absent when the custodian does not know the basis
    _needed("wash_adjustment", BASIS),
    _needed("purchase_id", Text),
    _needed("covered", Boolean),
    Column("gift_or_inheritance", Boolean, nullable=False, server_default=text("false")),
    Column("restricted", Boolean, nullable=False, server_default=text("false")),  # pledged or legended
    by_account=True,
)

cash_fact = _of_delivery(
    "cash_fact",
    _needed("account_id", Text),
    _needed("settled", MONEY),
    _needed("unsettled", MONEY),
    Column("currency", Text, nullable=False, server_default="USD"),
    by_account=True,
)

sale_fact = _of_delivery(
    "sale_fact",
    _needed("account_id", Text),
    Column("security_id", Text),
    _needed("security_key", Text),
    _needed("sold_on", Date),
    _needed("quantity", QUANTITY),
    _needed("proceeds", MONEY),
    _needed("basis", BASIS),
    by_account=True,
)

transaction_fact = _of_delivery(
    "transaction_fact",
    _needed("account_id", Text),
    Column("security_id", Text),
    Column("security_key", Text),  # absent for cash alone
    _needed("traded_on", Date),
    _needed("action", Text),
    Column("quantity", QUANTITY),
    Column("price", PRICE),
    Column("fees", MONEY),
    Column("amount", MONEY),
    by_account=True,
)

price_fact = _of_delivery(
    "price_fact",
    Column("security_id", Text),
    _needed("security_key", Text),
    _needed("as_of", Date),
    _needed("close", PRICE),
    _needed("currency", Text),
    Column("volume", Numeric(24, 2)),
    Column("source", Text, nullable=False, server_default=""),
)

corporate_action_fact = _of_delivery(
    "corporate_action_fact",
    _needed("event_id", Text),
    _needed("version", Integer),
    _needed("kind", Text),
    Column("security_id", Text),
    _needed("security_key", Text),
    _needed("ex_on", Date),
    Column("new_shares", Numeric(18, 6)),
    Column("old_shares", Numeric(18, 6)),
    Column("cash_per_share", PRICE),
    _needed("status", Text),
    Column("new_cusip", Text),
    Column("new_isin", Text),
    Column("new_symbol", Text),
    Column("mandatory", Boolean),
    Column("treatment", Text),
    Column("basis_percent", Numeric(18, 6)),
    Column("basis_source", Text),
    Column("fair_value", PRICE),
    Column("pay_on", Date),
    Column("fraction_price", PRICE),
    Column("source", Text),
)

risk_exposure_fact = _of_delivery(
    "risk_exposure_fact",
    Column("security_id", Text),
    _needed("security_key", Text),
    Column("exposures", ARRAY(Double), nullable=False),
    _needed("specific_risk", Double),
)

risk_covariance_fact = _of_delivery(
    "risk_covariance_fact",
    _needed("factor", Text),
    Column("row", ARRAY(Double), nullable=False),
)

# --- corporate actions: states of events, and what each did to each account ----------------------------------------

corporate_action_state = _fact(
    Table(
        "corporate_action_state",
        metadata,
        _firm(),
        _needed("event_id", Text),
        _needed("version", Integer),
        _needed("state", Text),
        _needed("terms_hash", Text),
        _needed("kind", Text),
        _needed("security_id", Text),
        _needed("ex_on", Date),
        _needed("business_date", Date),  # of the run that saw the event in this state first
        Column("terms", JSONB, nullable=False),  # the rows that tell of it
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "event_id", "version", "state", "terms_hash"),
        CheckConstraint("state IN ('ANNOUNCED', 'CONFIRMED', 'REVERSED')", name="state"),
    )
)

corporate_action_application = _fact(
    Table(
        "corporate_action_application",
        metadata,
        _firm(),
        _needed("event_id", Text),
        _needed("account_id", Text),
        _needed("version", Integer),
        _needed("state", Text),
        _needed("terms_hash", Text),
        _needed("business_date", Date),
        _needed("booked_by", Text),  # TRIMTAB or CUSTODIAN
        _needed("before_hash", Text),  # content: the account's lots and shares of the securities concerned
        _needed("after_hash", Text),
        Column("shares_before", JSONB, nullable=False),
        Column("shares_after", JSONB, nullable=False),
        _needed("cash", MONEY),
        _needed("income", MONEY),
        _needed("gain", MONEY),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "event_id", "account_id", "version", "state"),
        ForeignKeyConstraint(["firm_id", "account_id"], ["account.firm_id", "account.account_id"]),
        CheckConstraint("state IN ('APPLIED', 'RECONCILED', 'REVERSED')", name="state"),
        Index("ix_corporate_action_application_account", "firm_id", "account_id"),
    )
)

# --- what people and feeds edit: append-only versions ---------------------------------------------------------------

setting_version = _fact(
    Table(
        "setting_version",
        metadata,
        _firm(),
        Column("seq", BigInteger, Identity(always=True)),
        _needed("entity", Text),  # account_settings, model, firm_filter
        _needed("key", Text),
        _needed("effective_from", Date),
        Column("value", JSONB(none_as_null=True), nullable=True),  # SQL NULL is a tombstone
        _needed("actor", Text),
        Column("reason", Text, nullable=False, server_default=""),
        Column("supersedes", BigInteger),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "seq"),
        UniqueConstraint("firm_id", "entity", "key", "supersedes", postgresql_nulls_not_distinct=True),
        Index("ix_setting_version_holds", "firm_id", "entity", "key", "effective_from", "seq"),
    )
)

# --- the model hub ---

hub_upload = _fact(
    Table(
        "hub_upload",
        metadata,
        _firm(),
        _needed("upload_id", Text),
        _needed("provider_id", Text),
        _needed("model_id", Text),
        _needed("version", Integer),
        _needed("business_date", Date),
        _needed("content_hash", Text),  # of the model, whatever way it came
        _needed("sender", Text),  # a person, client:<id>, or feed:<delivery>
        _needed("status", Text),  # ACCEPTED, QUARANTINED
        Column("reason_codes", ARRAY(Text), nullable=False),
        _needed("message", Text),
        Column("body", JSONB, nullable=False),  # the ProviderModel
        Column("rotation", ARRAY(Text), nullable=False),  # platforms in the order of this release
        Column("turnover", Numeric(20, 12)),  # one-way, from the accepted version before
        Column("change_id", Text),  # what proposes it; absent when it is kept aside
        Column("seq", BigInteger, Identity(always=True)),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "upload_id"),
        Index("ix_hub_upload_model", "firm_id", "provider_id", "model_id", "seq"),
    )
)

hub_assets = _fact(
    Table(
        "hub_assets",
        metadata,
        _firm(),
        _needed("business_date", Date),
        _needed("model_id", Text),
        _needed("account_id", Text),
        _needed("assets", MONEY),  # account value times the weight of the sleeve
        PrimaryKeyConstraint("firm_id", "business_date", "model_id", "account_id"),
    )
)

hub_accrual = _fact(
    Table(
        "hub_accrual",
        metadata,
        _firm(),
        _needed("day", Date),  # of the calendar
        _needed("model_id", Text),
        _needed("provider_id", Text),
        _needed("business_date", Date),  # whose assets stand for the day
        _needed("schedule", Text),
        _needed("accounts", Integer),
        _needed("assets", MONEY),
        _needed("rate_bps", Numeric(10, 4)),
        _needed("fee", Numeric(20, 6)),
        _needed("settings_seq", BigInteger),  # the contract as known at this version
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "day", "model_id"),
        Index("ix_hub_accrual_provider", "firm_id", "provider_id", "day"),
    )
)

hub_statement_line = _fact(
    Table(
        "hub_statement_line",
        metadata,
        _firm(),
        _needed("statement_id", Text),
        _needed("line", Integer),
        _needed("kind", Text),  # ASSETS, MINIMUM, ADJUSTMENT
        _needed("amount", MONEY),
        Column("model_id", Text),
        Column("account_id", Text),
        Column("days", Integer),
        Column("average_assets", MONEY),
        _needed("reason", Text),
        _needed("entered_by", Text),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "statement_id", "line"),
    )
)

hub_note = _fact(
    Table(
        "hub_note",
        metadata,
        _firm(),
        _needed("note_id", Text),
        _needed("provider_id", Text),
        Column("model_id", Text),  # absent: about the provider
        Column("version", Integer),
        _needed("author", Text),
        _needed("title", Text),
        _needed("body", Text),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "note_id"),
        Index("ix_hub_note_provider", "firm_id", "provider_id", "model_id"),
    )
)

# --- the day ---

run = Table(
    "run",
    metadata,
    _firm(),
    _needed("run_id", Text),
    _needed("business_date", Date),
    Column("as_of", Date),  # the session before; absent when there is no session
    _needed("clock_mode", Text),
    _needed("status", Text),  # OPEN, DONE, NO_SESSION
    Column("phase", Text, nullable=False, server_default=""),
    Column("hold_before", Text),  # stepped clock: the market event that is not published until a person steps on
    Column("seconds", JSONB, nullable=False, server_default=text("'{}'")),  # by phase
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "run_id"),
    UniqueConstraint("firm_id", "business_date"),
)

run_input = _fact(
    Table(
        "run_input",
        metadata,
        _firm(),
        _needed("run_id", Text),
        _needed("kind", Text),  # a feed's kind, model, settings, market, filters
        _needed("key", Text),
        _needed("content_hash", Text),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "run_id", "kind", "key"),
    )
)

content = _fact(
    Table(
        "content",
        metadata,
        _firm(),
        _needed("content_hash", Text),
        _needed("kind", Text),
        Column("body", LargeBinary, nullable=False),  # zlib over canonical JSON
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "content_hash"),
    )
)

market_event = Table(
    "market_event",
    metadata,
    _firm(),
    _needed("event_id", Text),
    _needed("run_id", Text),
    _needed("kind", Text),
    _needed("ordinal", Integer),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("firm_id", "event_id"),
    UniqueConstraint("firm_id", "run_id", "ordinal"),
)

household = Table(
    "household",
    metadata,
    _firm(),
    _needed("household_id", Text),
    PrimaryKeyConstraint("firm_id", "household_id"),
)

account = Table(
    "account",
    metadata,
    _firm(),
    _needed("account_id", Text),
    _needed("household_id", Text),
    _needed("advisor_id", Text),
    Column("current_run", Text),
    Column("profile", JSONB, nullable=False),  # the Account value as last delivered
    PrimaryKeyConstraint("firm_id", "account_id"),
    ForeignKeyConstraint(["firm_id", "household_id"], ["household.firm_id", "household.household_id"]),
    Index("ix_account_household", "firm_id", "household_id"),
    Index("ix_account_advisor", "firm_id", "advisor_id"),
)

account_day = Table(
    "account_day",
    metadata,
    _firm(),
    _needed("account_day_id", Text),
    _needed("run_id", Text),
    _needed("account_id", Text),
    _needed("business_date", Date),
    _needed("attempt", Integer),
    _needed("workflow_id", Text),
    Column("current", Boolean, nullable=False, server_default=text("true")),  # false: superseded by a later attempt
    _needed("stage", Text),  # a Stage, or the Standstill in which it waits
    Column("lane", Text),
    Column("snapshot_hash", Text),
    Column("proposal_id", Text),
    Column("proposal_hash", Text),
    Column("terminal_state", Text),
    Column("terminal_code", Text),
    Column("terminal_reason", Text),
    Column("blocked_stage", Text),
    Column("waiting_reason", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    _recorded_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("firm_id", "account_day_id"),
    UniqueConstraint("firm_id", "account_id", "business_date", "attempt"),
    ForeignKeyConstraint(["firm_id", "account_id"], ["account.firm_id", "account.account_id"]),
    ForeignKeyConstraint(["firm_id", "run_id"], ["run.firm_id", "run.run_id"]),
    Index(
        "uq_account_day_current",
        "firm_id",
        "account_id",
        "business_date",
        unique=True,
        postgresql_where=text("current"),
    ),
    Index("ix_account_day_stage", "firm_id", "run_id", "stage"),
)

stage_result = _fact(
    Table(
        "stage_result",
        metadata,
        _firm(),
        _needed("run_id", Text),
        _needed("account_id", Text),
        _needed("attempt", Integer),
        _needed("stage", Text),
        _needed("input_hash", Text),
        Column("result", JSONB, nullable=False),
        _needed("build", Text),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "run_id", "account_id", "attempt", "stage", "input_hash"),
    )
)

account_facts = Table(
    "account_facts",
    metadata,
    _firm(),
    _needed("run_id", Text),
    _needed("account_id", Text),
    *(Column(field.name, _column_type(field)) for field in FIELDS.values()),
    Column("ancillary", JSONB(none_as_null=True)),  # the firm's own fields: name to value
    PrimaryKeyConstraint("firm_id", "run_id", "account_id"),
    Index(
        "ix_account_facts_filters",
        "firm_id",
        "run_id",
        "account_id",
        postgresql_include=MOST_FILTERED,  # a count of them reads the index alone
    ),
    *(Index(f"ix_account_facts_{name}", "firm_id", "run_id", name) for name in SELECTIVE),
)

proposal = _fact(
    Table(
        "proposal",
        metadata,
        _firm(),
        _needed("proposal_id", Text),
        _needed("account_day_id", Text),
        _needed("account_id", Text),
        _needed("version", Integer),
        _needed("content_hash", Text),
        _needed("input_hash", Text),
        Column("body", JSONB, nullable=False),
        _needed("proposed_by", Text),  # a person's id, or "trimtab"
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "proposal_id"),
        UniqueConstraint("firm_id", "account_day_id", "version"),
    )
)

decision = _fact(
    Table(
        "decision",
        metadata,
        _firm(),
        _needed("decision_id", Text),
        _needed("account_day_id", Text),
        _needed("account_id", Text),
        _needed("kind", Text),  # APPROVE, REJECT, REFRESH, CLEAR
        Column("proposal_hash", Text),
        _needed("actor", Text),
        Column("actor_roles", ARRAY(Text), nullable=False),
        Column("on_behalf_of", Text),
        _needed("status", Text),  # ACCEPTED, REFUSED
        Column("refusal", Text),
        Column("reason", Text, nullable=False, server_default=""),
        Column("envelope", JSONB),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "decision_id"),
        Index("ix_decision_account_day", "firm_id", "account_day_id"),
    )
)

suspension = Table(
    "suspension",
    metadata,
    _firm(),
    _needed("suspension_id", Text),
    _needed("scope", Text),  # ACCOUNT, FIRM
    _needed("scope_id", Text),
    _needed("kind", Text),  # DATA, COMPLIANCE, ADVISOR, STANDING
    _needed("code", Text),
    _needed("reason", Text),
    _needed("since", Date),
    _needed("opened_by", Text),
    Column("lifted_on", Date),
    Column("lifted_by", Text),
    Column("lift_reason", Text),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "suspension_id"),
    Index(
        "uq_suspension_open",
        "firm_id",
        "scope",
        "scope_id",
        "kind",
        "code",
        unique=True,
        postgresql_where=text("lifted_by IS NULL"),
    ),
)

# --- orders ---

intent = Table(
    "intent",
    metadata,
    _firm(),
    _needed("intent_id", Text),
    _needed("account_day_id", Text),
    _needed("account_id", Text),
    _needed("household_id", Text),
    _needed("business_date", Date),
    _needed("proposal_hash", Text),
    _needed("leg", Integer),
    _needed("security_id", Text),
    _needed("wash_key", Text),
    _needed("side", Text),
    _needed("quantity", QUANTITY),
    _needed("reference_price", PRICE),
    Column("realizes_loss", Boolean, nullable=False),
    Column("lot_sales", JSONB, nullable=False),
    _needed("programme", Text),
    Column("commission", MONEY, nullable=False, server_default="0"),  # dollars, when any of it fills
    _needed("build", Text),
    _needed("status", Text),  # PENDING, RELEASED, FILLED, PARTIAL, UNFILLED, REJECTED, IN_DOUBT
    Column("filled_quantity", QUANTITY, nullable=False, server_default="0"),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "intent_id"),
    UniqueConstraint("firm_id", "account_day_id", "leg"),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("filled_quantity >= 0 AND filled_quantity <= quantity", name="filled"),
    Index("ix_intent_pending", "firm_id", "business_date", "status"),
    Index("ix_intent_household", "firm_id", "household_id", "business_date"),
    Index("ix_intent_account_day", "firm_id", "account_day_id"),
)

lot_reservation = Table(
    "lot_reservation",
    metadata,
    _firm(),
    _needed("intent_id", Text),
    _needed("account_id", Text),
    _needed("lot_id", Text),
    _needed("quantity", QUANTITY),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("firm_id", "intent_id", "lot_id"),
    ForeignKeyConstraint(["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"]),
    Index("ix_lot_reservation_lot", "firm_id", "account_id", "lot_id"),
)

cash_reservation = Table(
    "cash_reservation",
    metadata,
    _firm(),
    _needed("intent_id", Text),
    _needed("account_id", Text),
    _needed("amount", MONEY),
    Column("released", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("firm_id", "intent_id"),
    ForeignKeyConstraint(["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"]),
    Index("ix_cash_reservation_account", "firm_id", "account_id"),
)

block = Table(
    "block",
    metadata,
    _firm(),
    _needed("client_order_id", Text),
    _needed("run_id", Text),
    _needed("business_date", Date),
    _needed("release", Integer),
    _needed("broker", Text),
    _needed("programme", Text),
    _needed("security_id", Text),
    _needed("side", Text),
    _needed("quantity", QUANTITY),
    _needed("status", Text),  # READY, SENDING, SENT, ACKED, PARTIAL, FILLED, DONE, REJECTED, IN_DOUBT
    Column("generation", BigInteger),
    Column("filled_quantity", QUANTITY, nullable=False, server_default="0"),
    Column("average_price", PRICE),
    Column("broker_text", Text),
    Column("allocated", Boolean, nullable=False, server_default=text("false")),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "client_order_id"),
    CheckConstraint("filled_quantity >= 0 AND filled_quantity <= quantity", name="filled"),
    Index("ix_block_status", "firm_id", "status"),
)

block_member = _fact(
    Table(
        "block_member",
        metadata,
        _firm(),
        _needed("client_order_id", Text),
        _needed("intent_id", Text),
        _needed("quantity", QUANTITY),
        PrimaryKeyConstraint("firm_id", "client_order_id", "intent_id"),
        UniqueConstraint("firm_id", "intent_id"),
        ForeignKeyConstraint(["firm_id", "client_order_id"], ["block.firm_id", "block.client_order_id"]),
        ForeignKeyConstraint(["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"]),
    )
)

execution = _fact(
    Table(
        "execution",
        metadata,
        _firm(),
        _needed("broker", Text),
        _needed("exec_id", Text),
        _needed("client_order_id", Text),
        _needed("quantity", QUANTITY),
        _needed("price", PRICE),
        _needed("business_date", Date),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "broker", "exec_id"),
        ForeignKeyConstraint(["firm_id", "client_order_id"], ["block.firm_id", "block.client_order_id"]),
        Index("ix_execution_block", "firm_id", "client_order_id"),
    )
)

allocation = _fact(
    Table(
        "allocation",
        metadata,
        _firm(),
        _needed("client_order_id", Text),
        _needed("intent_id", Text),
        _needed("account_id", Text),
        _needed("quantity", QUANTITY),
        _needed("price", PRICE),
        _needed("notional", MONEY),
        _needed("commission", MONEY),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "client_order_id", "intent_id"),
        ForeignKeyConstraint(["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"]),
        Index("ix_allocation_account", "firm_id", "account_id"),
    )
)

posting = _fact(
    Table(
        "posting",
        metadata,
        _firm(),
        _needed("posting_id", Text),
        _needed("intent_id", Text),
        _needed("account_id", Text),
        _needed("security_id", Text),
        _needed("trade_date", Date),
        Column("lot_id", Text),  # the lot sold from, or the lot that a purchase opens
        _needed("quantity", QUANTITY),  # change of the lot: negative on a sale
        _needed("basis", BASIS),  # change of the lot's cost
        Column("wash_adjustment", BASIS, nullable=False, server_default="0"),  # change of the loss in that cost
        Column("term", Text),  # of the gain
        _needed("cash", MONEY),  # change of the account's cash: positive on a sale
        _needed("gain", MONEY),  # realised, zero on a purchase
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "posting_id"),
        ForeignKeyConstraint(["firm_id", "intent_id"], ["intent.firm_id", "intent.intent_id"]),
        Index("ix_posting_account", "firm_id", "account_id", "trade_date"),
    )
)

gateway_lease = Table(
    "gateway_lease",
    metadata,
    _firm(),
    _needed("broker", Text),
    _needed("owner", Text),
    _needed("generation", BigInteger),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("execution_cursor", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("firm_id", "broker"),
)

# --- running the night ---

blocked_step = Table(
    "blocked_step",
    metadata,
    _firm(),
    _needed("account_day_id", Text),
    _needed("stage", Text),
    _needed("error_type", Text),
    _needed("error_class", Text),
    _needed("message", Text),
    _needed("runbook", Text),
    Column("tries", Integer, nullable=False, server_default="1"),
    Column("resolved", Boolean, nullable=False, server_default=text("false")),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "account_day_id", "stage"),
)

alert = Table(
    "alert",
    metadata,
    _firm(),
    _needed("alert_id", Text),
    _needed("cause", Text),
    _needed("scope", Text),
    _needed("business_date", Date),
    _needed("severity", Text),
    _needed("message", Text),
    Column("acknowledged_by", Text),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "alert_id"),
    UniqueConstraint("firm_id", "cause", "scope", "business_date"),
)

alert_notice = Table(
    "alert_notice",
    metadata,
    _firm(),
    _needed("alert_id", Text),
    _needed("channel", Text),  # smtp, or webhook and the place in the settings
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", DateTime(timezone=True)),
    Column("last_error", Text),
    Column("sent_at", DateTime(timezone=True)),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "alert_id", "channel"),
    ForeignKeyConstraint(["firm_id", "alert_id"], ["alert.firm_id", "alert.alert_id"]),
)

process_heartbeat = Table(
    "process_heartbeat",
    metadata,
    _firm(),
    _needed("process_id", Text),
    _needed("kind", Text),
    _needed("build", Text),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("firm_id", "process_id"),
)

event = Table(
    "event",
    metadata,
    _firm(),
    Column("event_id", BigInteger, Identity(always=True)),
    _needed("kind", Text),
    Column("business_date", Date),
    Column("account_id", Text),
    Column("account_day_id", Text),
    Column("advisor_id", Text),
    Column("body", JSONB, nullable=False, server_default=text("'{}'")),
    _recorded_at(),
    Column("event_seq", BigInteger),  # given by the firm's sequencer after commit: the only cursor
    Column("published_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("firm_id", "event_id"),
    UniqueConstraint("firm_id", "event_seq"),
    Index("ix_event_unpublished", "firm_id", "event_id", postgresql_where=text("event_seq IS NULL")),
)

outbox = Table(
    "outbox",
    metadata,
    _firm(),
    Column("outbox_id", BigInteger, Identity(always=True)),
    _needed("kind", Text),  # start_lifecycle, signal
    _needed("workflow_id", Text),
    Column("signal", Text),
    Column("body", JSONB, nullable=False, server_default=text("'{}'")),
    Column("sent_at", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    _recorded_at(),
    PrimaryKeyConstraint("firm_id", "outbox_id"),
    Index("ix_outbox_unsent", "outbox_id", postgresql_where=text("sent_at IS NULL")),
)

account_chain = Table(
    "account_chain",
    metadata,
    _firm(),
    _needed("account_id", Text),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    _needed("head", Text),
    PrimaryKeyConstraint("firm_id", "account_id"),
)

record = _fact(
    Table(
        "record",
        metadata,
        _firm(),
        _needed("account_id", Text),
        _needed("seq", BigInteger),
        _needed("prev", Text),
        _needed("hash", Text),
        _needed("kind", Text),
        _needed("business_date", Date),
        Column("account_day_id", Text),
        _needed("actor", Text),
        Column("body", JSONB, nullable=False),
        _needed("body_hash", Text),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "account_id", "seq"),
        UniqueConstraint("firm_id", "account_id", "prev"),
        UniqueConstraint("firm_id", "hash"),
        Index("ix_record_day", "firm_id", "business_date", "account_id"),
    )
)

idempotency = _fact(
    Table(
        "idempotency",
        metadata,
        _firm(),
        _needed("key", Text),
        _needed("request_hash", Text),
        Column("response", JSONB, nullable=False),
        _recorded_at(),
        PrimaryKeyConstraint("firm_id", "key"),
    )
)

RELAY_TABLES = ("firm", "event", "outbox")
"""What the relay's role may see, of every firm."""
