"""What filters can see of an account's day: one row of the wide table. `fact_fields` tells of each field."""

from collections.abc import Mapping
from dataclasses import dataclass

from trimtab.domain.fact_fields import FIELDS, OWN

FactValue = str | bool | int | float | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account's day for filters. None is unknown: not analysed yet, or the account has no such thing.

    Numbers are floats or whole numbers, as the wide table keeps them for its indexes; they decide lanes and
    are never booked.
    """

    account_id: str
    # --- ACCOUNT ---
    advisor_id: str | None = None
    household_id: str | None = None
    programme: str | None = None
    tier: str | None = None
    model_id: str | None = None
    registration: str | None = None
    tax_status: str | None = None
    standing: str | None = None
    discretionary: bool | None = None
    approved_for_trading: bool | None = None
    # --- SETTINGS ---
    tracking: str | None = None
    tax_sensitivity: str | None = None
    harvesting: str | None = None
    short_term_rate: float | None = None
    long_term_rate: float | None = None
    cash_target: float | None = None
    cash_reserve: float | None = None
    cash_need: float | None = None  # dollars of announced withdrawals
    days_to_cash_need: int | None = None
    minimum_trade: float | None = None
    commission: float | None = None
    minimum_holding: float | None = None
    minimum_holding_days: int | None = None
    maximum_names: int | None = None
    turnover_limit: float | None = None
    tracking_error_limit: float | None = None
    gain_budget: float | None = None
    short_term_gain_budget: float | None = None
    tax_budget: float | None = None
    forced_harvest_losses: float | None = None
    restriction_count: int | None = None
    never_buy_count: int | None = None
    never_sell_count: int | None = None
    weight_band_count: int | None = None
    group_band_count: int | None = None
    tilt_count: int | None = None
    restricted_securities: tuple[str, ...] | None = None
    # --- HOLDINGS ---
    settled_cash: float | None = None
    unsettled_cash: float | None = None
    cash_weight: float | None = None
    position_count: int | None = None
    short_position_count: int | None = None
    lot_count: int | None = None
    loss_lot_count: int | None = None
    uncovered_lot_count: int | None = None
    largest_position_weight: float | None = None
    held_away_value: float | None = None
    unrealized_gain: float | None = None
    unrealized_short_term_gain: float | None = None
    unrealized_long_term_gain: float | None = None
    unrealized_losses: float | None = None  # dollars, zero or more
    unrealized_gain_share: float | None = None  # of account value
    realized_this_year: float | None = None  # dollars, before today; negative is a net loss
    losses_carried: float | None = None
    frozen_count: int | None = None
    loss_sale_window_count: int | None = None
    purchase_window_count: int | None = None
    days_since_purchase: int | None = None
    days_since_oldest_purchase: int | None = None
    held_securities: tuple[str, ...] | None = None
    frozen_securities: tuple[str, ...] | None = None
    # --- ANALYSIS ---
    outcome: str | None = None
    rung: str | None = None
    solver_lane: str | None = None
    is_mandate: bool | None = None  # some trade is required: it raises cash that the client asked for
    has_harvest: bool | None = None
    account_value: float | None = None
    order_count: int | None = None  # proposed trades
    buy_count: int | None = None
    sell_count: int | None = None
    max_drift: float | None = None  # before the trades: largest |weight - target|
    max_drift_after: float | None = None
    active_share: float | None = None  # before the trades
    active_share_after: float | None = None
    tracking_error_before: float | None = None
    tracking_error: float | None = None  # left after the trades, annualised: what the account's rules cost
    turnover: float | None = None  # one-way
    traded_value: float | None = None  # dollars bought plus dollars sold
    largest_trade: float | None = None
    cash_after: float | None = None
    tax: float | None = None  # dollars; negative is tax saved
    tax_bps: float | None = None
    cost: float | None = None
    cost_bps: float | None = None
    realized_gain: float | None = None  # dollars, short- and long-term; negative is a net loss
    short_term_gain: float | None = None
    long_term_gain: float | None = None
    harvested_losses: float | None = None  # dollars, zero or more
    benefit_bps: float | None = None
    gap_bps: float | None = None
    score: float | None = None  # benefit over tax paid and cost
    why_not_count: int | None = None
    trade_reasons: tuple[str, ...] | None = None
    why_not_reasons: tuple[str, ...] | None = None
    # --- DATA ---
    has_data_error: bool | None = None
    finding_count: int | None = None
    flags: tuple[str, ...] | None = ()  # codes of findings that call for a person
    finding_codes: tuple[str, ...] | None = None  # codes of everything that validation found
    # --- SUSPENSIONS ---
    is_suspended: bool | None = None
    under_compliance_review: bool | None = None
    flow_expected: bool | None = None
    paperwork_incomplete: bool | None = None
    suspension_count: int | None = None
    days_suspended: int | None = None
    suspension_codes: tuple[str, ...] | None = None
    suspension_kinds: tuple[str, ...] | None = None
    # --- HISTORY ---
    previous_lane: str | None = None
    days_since_trade: int | None = None
    days_since_review: int | None = None
    days_followed: int | None = None
    traded_lots_this_year: int | None = None
    booked_gain_this_year: float | None = None
    # --- ANCILLARY ---
    ancillary: Mapping[str, FactValue] | None = None  # the firm's own fields, by name without the prefix


def fact(facts: AccountFacts, name: str) -> FactValue:
    """The value of one whitelisted field, or of one of the firm's own; KeyError for any other name."""
    if name.startswith(OWN):
        return (facts.ancillary or {}).get(name.removeprefix(OWN))
    value: FactValue = getattr(facts, FIELDS[name].name)
    return value
