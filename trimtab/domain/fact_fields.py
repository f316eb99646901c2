"""The fields that filters may name: type, unit, English label, and which step of the night fills them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from trimtab.domain.account_settings import Harvesting, TaxSensitivity, Tracking
from trimtab.domain.accounts import Registration, Standing, TaxStatus
from trimtab.domain.lifecycle import Lane
from trimtab.domain.proposals import AnalysisOutcome, ReasonCode, Rung, WhyNotCode
from trimtab.domain.proposals import Lane as SolverLane
from trimtab.domain.suspensions import SuspensionKind


class FieldKind(StrEnum):
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    TEXT_SET = "TEXT_SET"
    DATE = "DATE"  # as text, YYYY-MM-DD: it sorts as dates do


OWN: Final = "own."
"""Names of a firm's own fields begin so: no field of a later version of trimtab can take them."""


class Unit(StrEnum):
    """What a number of the row counts, and what a filter's value is read in."""

    NONE = ""
    DOLLARS = "dollars"
    FRACTION = "fraction"  # of account value where nothing else is said: 0.05 is 5 %
    BASIS_POINTS = "bp"  # of account value
    COUNT = "count"
    DAYS = "days"


class Source(StrEnum):
    """What a field is read from, when the account's row is written."""

    ACCOUNT = "ACCOUNT"  # the accounts feed: the ancillary fields (D15 to D20)
    SETTINGS = "SETTINGS"  # the settings in force on the business date
    HOLDINGS = "HOLDINGS"  # positions, lots, cash and tax year of the snapshot, at its closes
    ANALYSIS = "ANALYSIS"  # the proposal
    DATA = "DATA"  # what validation found
    SUSPENSIONS = "SUSPENSIONS"  # those that stand open
    ANCILLARY = "ANCILLARY"  # the firm's own fields (D21)
    HISTORY = "HISTORY"  # account-days, decisions and postings before the business date


@dataclass(frozen=True, slots=True)
class Field:
    """A field that filters may name. `label` reads well after "the account's"."""

    name: str
    kind: FieldKind
    label: str
    unit: Unit = Unit.NONE
    choices: tuple[str, ...] = ()  # the words a TEXT or TEXT_SET field can have; () is any
    source: Source = Source.ANALYSIS

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole."""
        return self.unit in (Unit.COUNT, Unit.DAYS)


def _text(name: str, label: str, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, FieldKind.TEXT, label, choices=choices)


def _set(name: str, label: str, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, FieldKind.TEXT_SET, label, choices=choices)


def _is(name: str, label: str) -> Field:
    return Field(name, FieldKind.BOOLEAN, label)


def _usd(name: str, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, Unit.DOLLARS)


def _share(name: str, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, Unit.FRACTION)


def _bps(name: str, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, Unit.BASIS_POINTS)


def _count(name: str, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, Unit.COUNT)


def _days(name: str, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, Unit.DAYS)


_BY_SOURCE: Final[Mapping[Source, tuple[Field, ...]]] = {
    Source.ACCOUNT: (
        _text("advisor_id", "advisor"),
        _text("household_id", "family"),
        _text("programme", "programme"),
        _text("tier", "tier"),
        _text("model_id", "model"),
        _text("registration", "registration", tuple(Registration)),
        _text("tax_status", "tax status", tuple(TaxStatus)),
        _text("standing", "standing", tuple(Standing)),
        _is("discretionary", "discretionary"),
        _is("approved_for_trading", "approved for trading"),
    ),
    Source.SETTINGS: (
        _text("tracking", "tracking", tuple(Tracking)),
        _text("tax_sensitivity", "tax sensitivity", tuple(TaxSensitivity)),
        _text("harvesting", "harvesting", tuple(Harvesting)),
        _share("short_term_rate", "short-term tax rate"),
        _share("long_term_rate", "long-term tax rate"),
        _share("cash_target", "cash target"),
        _usd("cash_reserve", "cash reserve"),
        _usd("cash_need", "cash need"),
        _days("days_to_cash_need", "time until the next cash need"),
        _usd("minimum_trade", "smallest trade allowed"),
        _usd("commission", "commission"),
        _usd("minimum_holding", "smallest holding allowed"),
        _days("minimum_holding_days", "shortest holding time"),
        _count("maximum_names", "largest number of names allowed"),
        _share("turnover_limit", "turnover limit"),
        _share("tracking_error_limit", "tracking error limit"),
        _usd("gain_budget", "gain budget"),
        _usd("short_term_gain_budget", "short-term gain budget"),
        _usd("tax_budget", "tax budget"),
        _usd("forced_harvest_losses", "losses to be realised on purpose"),
        _count("restriction_count", "number of restrictions"),
        _count("never_buy_count", "number of names never bought"),
        _count("never_sell_count", "number of names never sold"),
        _count("weight_band_count", "number of weight bands"),
        _count("group_band_count", "number of class and sector bands"),
        _count("tilt_count", "number of tilts"),
        _set("restricted_securities", "restricted securities"),
    ),
    Source.HOLDINGS: (
        _usd("settled_cash", "settled cash"),
        _usd("unsettled_cash", "unsettled cash"),
        _share("cash_weight", "cash weight"),
        _count("position_count", "number of positions"),
        _count("short_position_count", "number of short positions"),
        _count("lot_count", "number of tax lots"),
        _count("loss_lot_count", "number of tax lots at a loss"),
        _count("uncovered_lot_count", "number of lots whose basis the broker does not report"),
        _share("largest_position_weight", "weight of the largest position"),
        _usd("held_away_value", "value held away"),
        _usd("unrealized_gain", "unrealised gain"),
        _usd("unrealized_short_term_gain", "unrealised short-term gain"),
        _usd("unrealized_long_term_gain", "unrealised long-term gain"),
        _usd("unrealized_losses", "sum of unrealised losses"),
        _share("unrealized_gain_share", "unrealised gain as a part of its value"),
        _usd("realized_this_year", "gain realised this year"),
        _usd("losses_carried", "losses carried in"),
        _count("frozen_count", "number of frozen securities"),
        _count("loss_sale_window_count", "number of wash sale windows of sales"),
        _count("purchase_window_count", "number of wash sale windows of purchases"),
        _days("days_since_purchase", "time since the newest purchase"),
        _days("days_since_oldest_purchase", "time since the oldest purchase"),
        _set("held_securities", "held securities"),
        _set("frozen_securities", "frozen securities"),
    ),
    Source.ANALYSIS: (
        _text("outcome", "analysis", tuple(AnalysisOutcome)),
        _text("rung", "extent of the analysis", tuple(Rung)),
        _text("solver_lane", "method of the analysis", tuple(SolverLane)),
        _is("is_mandate", "required to trade by a mandate"),
        _is("has_harvest", "about to realise losses on purpose"),
        _usd("account_value", "value"),
        _count("order_count", "number of trades"),
        _count("buy_count", "number of buys"),
        _count("sell_count", "number of sells"),
        _share("max_drift", "largest drift"),
        _share("max_drift_after", "largest drift after the trades"),
        _share("active_share", "active share"),
        _share("active_share_after", "active share after the trades"),
        _share("tracking_error_before", "tracking error before the trades"),
        _share("tracking_error", "tracking error after the trades"),
        _share("turnover", "turnover"),
        _usd("traded_value", "traded value"),
        _usd("largest_trade", "largest trade"),
        _usd("cash_after", "cash after the trades"),
        _usd("tax", "tax in dollars"),
        _bps("tax_bps", "tax"),
        _usd("cost", "trading cost in dollars"),
        _bps("cost_bps", "trading cost"),
        _usd("realized_gain", "realised gain"),
        _usd("short_term_gain", "realised short-term gain"),
        _usd("long_term_gain", "realised long-term gain"),
        _usd("harvested_losses", "sum of realised losses"),
        _bps("benefit_bps", "benefit"),
        _bps("gap_bps", "distance to the best trades"),
        Field("score", FieldKind.NUMBER, "score"),
        _count("why_not_count", "number of trades that were not proposed"),
        _set("trade_reasons", "reasons for trades", tuple(ReasonCode)),
        _set("why_not_reasons", "reasons against trades", tuple(WhyNotCode)),
    ),
    Source.DATA: (
        _is("has_data_error", "touched by a data error"),
        _count("finding_count", "number of data findings"),
        _set("flags", "flags"),
        _set("finding_codes", "data findings"),
    ),
    Source.SUSPENSIONS: (
        _is("is_suspended", "suspended"),
        _is("under_compliance_review", "under compliance review"),
        _is("flow_expected", "waiting for a large deposit or withdrawal"),
        _is("paperwork_incomplete", "waiting for paperwork"),
        _count("suspension_count", "number of open suspensions"),
        _days("days_suspended", "time since the oldest open suspension"),
        _set("suspension_codes", "open suspensions"),
        _set("suspension_kinds", "kinds of open suspensions", tuple(SuspensionKind)),
    ),
    Source.HISTORY: (
        _text("previous_lane", "lane of its last day", tuple(Lane)),
        _days("days_since_trade", "time since the last trade"),
        _days("days_since_review", "time since a person's last decision"),
        _days("days_followed", "time since its first day here"),
        _count("traded_lots_this_year", "number of lots traded this year"),
        _usd("booked_gain_this_year", "gain booked here this year"),
    ),
}

FIELDS: Final[Mapping[str, Field]] = {
    field.name: replace(field, source=source) for source, several in _BY_SOURCE.items() for field in several
}
