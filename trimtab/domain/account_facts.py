"""What filters can see of an account's day: one row of the wide table, and the fields with types and units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, Registration, Standing
from trimtab.domain.proposals import AnalysisOutcome, ReasonCode, RebalanceProposal

FactValue = str | bool | int | float | tuple[str, ...] | None


class FieldKind(StrEnum):
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    TEXT_SET = "TEXT_SET"


class Unit(StrEnum):
    """What a number of the row counts, and what a filter's value is read in."""

    NONE = ""
    DOLLARS = "dollars"
    FRACTION = "fraction"  # of account value: 0.05 is 5 %
    BASIS_POINTS = "bp"  # of account value
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """One account's day for filters. None is unknown: not analysed yet, or the account has no such thing.

    Numbers are floats or whole numbers, as the wide table keeps them for its indexes; they decide lanes and
    are never booked.
    """

    account_id: str
    advisor_id: str | None = None
    programme: str | None = None
    tier: str | None = None
    registration: str | None = None
    standing: str | None = None
    discretionary: bool | None = None
    approved_for_trading: bool | None = None
    is_suspended: bool | None = None
    has_data_error: bool | None = None
    is_mandate: bool | None = None  # some trade is required: it raises cash that the client asked for
    under_compliance_review: bool | None = None
    account_value: float | None = None  # dollars
    cash_need: float | None = None  # dollars of announced withdrawals
    order_count: int | None = None  # proposed trades
    max_drift: float | None = None  # before the trades: largest |weight - target|
    active_share: float | None = None  # before the trades
    tracking_error: float | None = None  # left after the trades, annualised: what the account's rules cost
    turnover: float | None = None  # one-way
    traded_value: float | None = None  # dollars bought plus dollars sold
    tax: float | None = None  # dollars; negative is tax saved
    tax_bps: float | None = None
    cost_bps: float | None = None
    realized_gain: float | None = None  # dollars, short- and long-term; negative is a net loss
    benefit_bps: float | None = None
    gap_bps: float | None = None
    score: float | None = None  # benefit over tax paid and cost
    flags: tuple[str, ...] | None = ()  # codes of findings that call for a person
    outcome: str | None = None  # of the analysis


@dataclass(frozen=True, slots=True)
class Field:
    """A field that filters may name. `label` reads well after "the account's"."""

    name: str
    kind: FieldKind
    label: str
    unit: Unit = Unit.NONE
    choices: tuple[str, ...] = ()  # the words a TEXT field can have; () is any


def _number(name: str, unit: Unit, label: str) -> Field:
    return Field(name, FieldKind.NUMBER, label, unit)


FIELDS: Final[Mapping[str, Field]] = {
    field.name: field
    for field in (
        Field("advisor_id", FieldKind.TEXT, "advisor"),
        Field("programme", FieldKind.TEXT, "programme"),
        Field("tier", FieldKind.TEXT, "tier"),
        Field("registration", FieldKind.TEXT, "registration", choices=tuple(Registration)),
        Field("standing", FieldKind.TEXT, "standing", choices=tuple(Standing)),
        Field("outcome", FieldKind.TEXT, "analysis", choices=tuple(AnalysisOutcome)),
        Field("discretionary", FieldKind.BOOLEAN, "discretionary"),
        Field("approved_for_trading", FieldKind.BOOLEAN, "approved for trading"),
        Field("is_suspended", FieldKind.BOOLEAN, "suspended"),
        Field("has_data_error", FieldKind.BOOLEAN, "touched by a data error"),
        Field("is_mandate", FieldKind.BOOLEAN, "required to trade by a mandate"),
        Field("under_compliance_review", FieldKind.BOOLEAN, "under compliance review"),
        Field("flags", FieldKind.TEXT_SET, "flags"),
        _number("account_value", Unit.DOLLARS, "value"),
        _number("cash_need", Unit.DOLLARS, "cash need"),
        _number("order_count", Unit.COUNT, "number of trades"),
        _number("max_drift", Unit.FRACTION, "largest drift"),
        _number("active_share", Unit.FRACTION, "active share"),
        _number("tracking_error", Unit.FRACTION, "tracking error after the trades"),
        _number("turnover", Unit.FRACTION, "turnover"),
        _number("traded_value", Unit.DOLLARS, "traded value"),
        _number("tax", Unit.DOLLARS, "tax"),
        _number("tax_bps", Unit.BASIS_POINTS, "tax"),
        _number("cost_bps", Unit.BASIS_POINTS, "trading cost"),
        _number("realized_gain", Unit.DOLLARS, "realised gain"),
        _number("benefit_bps", Unit.BASIS_POINTS, "benefit"),
        _number("gap_bps", Unit.BASIS_POINTS, "distance to the best trades"),
        _number("score", Unit.NONE, "score"),
    )
}


def fact(facts: AccountFacts, name: str) -> FactValue:
    """The value of one whitelisted field; KeyError for any other name."""
    value: FactValue = getattr(facts, FIELDS[name].name)
    return value


def facts_of(
    account: Account,
    settings: AccountSettings,
    proposal: RebalanceProposal | None,
    *,
    is_suspended: bool = False,
    has_data_error: bool = False,
    under_compliance_review: bool = False,
    flags: Iterable[str] = (),
) -> AccountFacts:
    """The wide row of an account's day; everything that an analysis measures is None while there is none."""
    row = AccountFacts(
        account_id=account.id,
        advisor_id=account.advisor_id,
        programme=account.programme,
        tier=account.tier,
        registration=account.registration.value,
        standing=account.standing.value,
        discretionary=account.discretionary,
        approved_for_trading=account.approved_for_trading,
        is_suspended=is_suspended,
        has_data_error=has_data_error,
        under_compliance_review=under_compliance_review,
        cash_need=float(settings.cash_needed),
        flags=tuple(sorted(set(flags))),
    )
    return row if proposal is None else _with_measures(row, proposal)


def _with_measures(row: AccountFacts, proposal: RebalanceProposal) -> AccountFacts:
    value = proposal.before.account_value
    reasons = {reason.code for trade in proposal.trades for reason in trade.reasons}
    return replace(
        row,
        is_mandate=ReasonCode.CASH_NEED in reasons,
        account_value=float(value),
        order_count=len(proposal.trades),
        max_drift=float(proposal.before.max_drift),
        active_share=float(proposal.before.active_share),
        tracking_error=float(proposal.after.tracking_error),
        turnover=float(proposal.turnover),
        traded_value=float(sum((trade.notional for trade in proposal.trades), Decimal(0))),
        tax=float(proposal.tax),
        tax_bps=_in_bps(proposal.tax, value),
        cost_bps=_in_bps(proposal.cost, value),
        realized_gain=float(proposal.short_term_gain + proposal.long_term_gain),
        benefit_bps=float(proposal.benefit_bps),
        gap_bps=float(proposal.gap_bps),
        score=float(proposal.score),
        outcome=proposal.outcome.value,
    )


def _in_bps(dollars: Decimal, account_value: Decimal) -> float | None:
    return float(dollars / account_value * 10_000) if account_value > 0 else None
