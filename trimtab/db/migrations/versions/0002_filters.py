"""The wide table that filters read gets the fields of settings, holdings, suspensions and history.

Revision ID: 0002_filters
Revises: 0002_right_data
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: str = "0002_filters"
down_revision: str | None = "0002_right_data"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TEXTS = """household_id model_id tax_status tracking tax_sensitivity harvesting rung solver_lane previous_lane"""
NUMBERS = """short_term_rate long_term_rate cash_target cash_reserve minimum_trade commission minimum_holding
    turnover_limit tracking_error_limit gain_budget short_term_gain_budget tax_budget forced_harvest_losses
    settled_cash unsettled_cash cash_weight largest_position_weight held_away_value unrealized_gain
    unrealized_short_term_gain unrealized_long_term_gain unrealized_losses unrealized_gain_share realized_this_year
    losses_carried max_drift_after active_share_after tracking_error_before largest_trade cash_after cost
    short_term_gain long_term_gain harvested_losses booked_gain_this_year"""
COUNTS = """days_to_cash_need minimum_holding_days maximum_names restriction_count never_buy_count never_sell_count
    weight_band_count group_band_count tilt_count position_count short_position_count lot_count loss_lot_count
    uncovered_lot_count frozen_count loss_sale_window_count purchase_window_count days_since_purchase
    days_since_oldest_purchase buy_count sell_count why_not_count finding_count suspension_count days_suspended
    days_since_trade days_since_review days_followed traded_lots_this_year"""
SETS = """restricted_securities held_securities frozen_securities trade_reasons why_not_reasons finding_codes
    suspension_codes suspension_kinds"""
FLAGS = "has_harvest flow_expected paperwork_incomplete"
INDEXED = """advisor_id programme tier standing outcome discretionary approved_for_trading is_suspended has_data_error
    is_mandate under_compliance_review account_value cash_need cash_weight order_count max_drift tracking_error turnover
    tax tax_bps cost_bps realized_gain unrealized_losses score days_since_trade"""


def upgrade() -> None:
    columns: tuple[tuple[str, TypeEngine[Any]], ...] = (
        (TEXTS, sa.Text()),
        (NUMBERS, sa.Double()),
        (COUNTS, sa.BigInteger()),
        (SETS, sa.ARRAY(sa.Text())),
        (FLAGS, sa.Boolean()),
    )
    for names, kind in columns:
        for name in names.split():
            op.add_column("account_facts", sa.Column(name, kind, nullable=True))
    create_index()


def create_index() -> None:
    """What firms filter by most, read from the index alone: a count need not touch the wide rows."""
    op.create_index(
        "ix_account_facts_filters",
        "account_facts",
        ["firm_id", "run_id", "account_id"],
        postgresql_include=INDEXED.split(),
    )
    # Sets of securities may go out of line where they are long; the short ones of the demo firm stay in the row.
    op.execute("ALTER TABLE account_facts SET (toast_tuple_target = 256)")
    # It reads a setting of the transaction, which workers of a parallel query share.
    op.execute("ALTER FUNCTION trimtab_firm() PARALLEL SAFE")
