"""Filling an account's row for filters from its snapshot, its proposal, and what else is known of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account
from trimtab.domain.lots import HoldingPeriod, TaxLot, holding_period
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ReasonCode, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.domain.suspensions import SuspensionCode, SuspensionKind


@dataclass(frozen=True, slots=True)
class OpenSuspension:
    """What filters see of a suspension that stands open."""

    kind: str
    code: str
    since: date


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """What happened before the business date; None where nothing has."""

    previous_lane: str | None = None
    last_trade: date | None = None
    last_decision: date | None = None  # by a person
    first_day: date | None = None
    traded_lots_this_year: int = 0
    booked_gain_this_year: Decimal = ZERO  # dollars


def facts_of(
    account: Account,
    settings: AccountSettings,
    proposal: RebalanceProposal | None,
    *,
    flags: Iterable[str] = (),
) -> AccountFacts:
    """The row without holdings, suspensions and history; what an analysis measures is None while there is none."""
    row = AccountFacts(
        account_id=account.id,
        advisor_id=account.advisor_id,
        household_id=account.household_id,
        programme=account.programme,
        tier=account.tier,
        model_id=account.model_id,
        registration=account.registration.value,
        tax_status=account.tax_status.value,
        standing=account.standing.value,
        discretionary=account.discretionary,
        approved_for_trading=account.approved_for_trading,
        is_suspended=False,
        has_data_error=False,
        under_compliance_review=False,
        flags=tuple(sorted(set(flags))),
    )
    row = _with_settings(row, settings)
    return row if proposal is None else _with_measures(row, proposal)


def snapshot_facts(
    snapshot: AccountSnapshot, proposal: RebalanceProposal | None, prices: Mapping[SecurityId, Price]
) -> AccountFacts:
    """`facts_of` with what the account holds; securities without a price count at the custodian's own value."""
    row = facts_of(snapshot.account, snapshot.settings, proposal)
    today = snapshot.business_date
    due = [need.due_on for need in snapshot.settings.cash_needs if need.due_on >= today]
    row = replace(row, days_to_cash_need=(min(due) - today).days if due else None)
    return _with_gains(_with_holdings(row, snapshot, prices), snapshot, prices)


def with_findings(row: AccountFacts, codes: Sequence[str], flags: Iterable[str]) -> AccountFacts:
    """The row with what validation found: the code of each finding, and those that call for a person."""
    return replace(
        row, flags=tuple(sorted(set(flags))), finding_count=len(codes), finding_codes=tuple(sorted(set(codes)))
    )


def with_standing(
    row: AccountFacts, opened: Sequence[OpenSuspension], history: AccountHistory, today: date
) -> AccountFacts:
    """The row with the suspensions that stand open on the business date, and what happened before it."""
    codes, kinds = {each.code for each in opened}, {each.kind for each in opened}
    return replace(
        row,
        is_suspended=bool(opened),
        has_data_error=SuspensionKind.DATA in kinds,
        under_compliance_review=SuspensionCode.COMPLIANCE in codes,
        flow_expected=SuspensionCode.FLOW_EXPECTED in codes,
        paperwork_incomplete=SuspensionCode.PAPERWORK in codes,
        suspension_count=len(opened),
        days_suspended=_days(min((each.since for each in opened), default=None), today),
        suspension_codes=tuple(sorted(codes)),
        suspension_kinds=tuple(sorted(kinds)),
        previous_lane=history.previous_lane,
        days_since_trade=_days(history.last_trade, today),
        days_since_review=_days(history.last_decision, today),
        days_followed=_days(history.first_day, today),
        traded_lots_this_year=history.traded_lots_this_year,
        booked_gain_this_year=float(history.booked_gain_this_year),
    )


def _with_settings(row: AccountFacts, settings: AccountSettings) -> AccountFacts:
    forced = settings.forced_harvest
    return replace(
        row,
        tracking=settings.tracking.value,
        tax_sensitivity=settings.tax_sensitivity.value,
        harvesting=settings.harvesting.value,
        short_term_rate=float(settings.short_term_rate),
        long_term_rate=float(settings.long_term_rate),
        cash_target=float(settings.cash_target),
        cash_reserve=float(settings.cash_reserve),
        cash_need=float(settings.cash_needed),
        minimum_trade=float(settings.minimum_trade),
        commission=float(settings.dearest_commission),
        minimum_holding=float(settings.minimum_holding),
        minimum_holding_days=settings.minimum_holding_days,
        maximum_names=settings.maximum_names,
        turnover_limit=_number(settings.turnover_limit),
        tracking_error_limit=_number(settings.tracking_error_limit),
        gain_budget=_number(settings.gain_budget),
        short_term_gain_budget=_number(settings.short_term_gain_budget),
        tax_budget=_number(settings.tax_budget),
        forced_harvest_losses=None if forced is None else float(forced.losses),
        restriction_count=len(settings.restrictions),
        never_buy_count=len(settings.never_bought),
        never_sell_count=len(settings.never_sold),
        weight_band_count=len(settings.weight_bands),
        group_band_count=len(settings.group_bands),
        tilt_count=len(settings.tilts),
        restricted_securities=tuple(sorted({rule.security_id for rule in settings.restrictions})),
    )


def _with_holdings(row: AccountFacts, snapshot: AccountSnapshot, prices: Mapping[SecurityId, Price]) -> AccountFacts:
    values = [
        each.quantity * prices[each.security_id].close if each.security_id in prices else each.market_value
        for each in snapshot.positions
    ]
    away = sum((each.market_value for each in snapshot.held_away), ZERO)
    cash = snapshot.cash.trade_date_total
    total = sum(values, cash)
    return replace(
        row,
        account_value=float(total) if row.account_value is None else row.account_value,
        settled_cash=float(snapshot.cash.settled),
        unsettled_cash=float(snapshot.cash.unsettled),
        cash_weight=_share(cash, total),
        position_count=len(snapshot.positions),
        short_position_count=sum(each.quantity < 0 for each in snapshot.positions),
        largest_position_weight=_share(max(values, default=ZERO), total),
        held_away_value=float(away),
        held_securities=tuple(sorted({each.security_id for each in snapshot.positions})),
        frozen_count=len(snapshot.frozen),
        frozen_securities=tuple(sorted(snapshot.frozen)),
        loss_sale_window_count=len(snapshot.wash_windows.loss_sales),
        purchase_window_count=len(snapshot.wash_windows.purchases),
    )


def _with_gains(row: AccountFacts, snapshot: AccountSnapshot, prices: Mapping[SecurityId, Price]) -> AccountFacts:
    """Unrealised gains of the lots that have a price, and the tax year's."""
    today, year = snapshot.business_date, snapshot.tax_year
    gains = [(lot, _gain(lot, prices)) for lot in snapshot.lots if lot.security_id in prices]
    short = sum((gain for lot, gain in gains if holding_period(lot, today) is HoldingPeriod.SHORT_TERM), ZERO)
    whole = sum((gain for _, gain in gains), ZERO)
    bought = [lot.acquired_on for lot in snapshot.lots]
    return replace(
        row,
        lot_count=len(snapshot.lots),
        loss_lot_count=sum(gain < 0 for _, gain in gains),
        uncovered_lot_count=sum(not lot.covered for lot in snapshot.lots),
        unrealized_gain=float(whole),
        unrealized_short_term_gain=float(short),
        unrealized_long_term_gain=float(whole - short),
        unrealized_losses=float(-sum((gain for _, gain in gains if gain < 0), ZERO)),
        unrealized_gain_share=None if not row.account_value else float(whole) / row.account_value,
        realized_this_year=None if year is None else float(year.short_term_realised + year.long_term_realised),
        losses_carried=None if year is None else float(year.short_term_carried + year.long_term_carried),
        days_since_purchase=_days(max(bought, default=None), today),
        days_since_oldest_purchase=_days(min(bought, default=None), today),
    )


def _gain(lot: TaxLot, prices: Mapping[SecurityId, Price]) -> Decimal:
    return lot.quantity * prices[lot.security_id].close - lot.cost


def _with_measures(row: AccountFacts, proposal: RebalanceProposal) -> AccountFacts:
    before, after, value = proposal.before, proposal.after, proposal.before.account_value
    trades = proposal.trades
    reasons = {reason.code for trade in trades for reason in trade.reasons}
    sold = [sale.gain for trade in trades for sale in trade.lot_sales]
    buys = sum(trade.side is Side.BUY for trade in trades)
    return replace(
        row,
        outcome=proposal.outcome.value,
        rung=proposal.rung.value,
        solver_lane=proposal.lane.value,
        is_mandate=ReasonCode.CASH_NEED in reasons,
        has_harvest=ReasonCode.LOSS_HARVEST in reasons,
        account_value=float(value),
        order_count=len(trades),
        buy_count=buys,
        sell_count=len(trades) - buys,
        max_drift=float(before.max_drift),
        max_drift_after=float(after.max_drift),
        active_share=float(before.active_share),
        active_share_after=float(after.active_share),
        tracking_error_before=float(before.tracking_error),
        tracking_error=float(after.tracking_error),
        turnover=float(proposal.turnover),
        traded_value=float(sum((trade.notional for trade in trades), ZERO)),
        largest_trade=float(max((trade.notional for trade in trades), default=ZERO)),
        cash_after=float(after.cash),
        tax=float(proposal.tax),
        tax_bps=_in_bps(proposal.tax, value),
        cost=float(proposal.cost),
        cost_bps=_in_bps(proposal.cost, value),
        realized_gain=float(proposal.short_term_gain + proposal.long_term_gain),
        short_term_gain=float(proposal.short_term_gain),
        long_term_gain=float(proposal.long_term_gain),
        harvested_losses=float(-sum((gain for gain in sold if gain < 0), ZERO)),
        benefit_bps=float(proposal.benefit_bps),
        gap_bps=float(proposal.gap_bps),
        score=float(proposal.score),
        why_not_count=len(proposal.why_nots),
        trade_reasons=tuple(sorted(str(code) for code in reasons)),
        why_not_reasons=tuple(sorted({str(each.code) for each in proposal.why_nots})),
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _share(dollars: Decimal, account_value: Decimal) -> float | None:
    return float(dollars / account_value) if account_value > 0 else None


def _in_bps(dollars: Decimal, account_value: Decimal) -> float | None:
    return float(dollars / account_value * 10_000) if account_value > 0 else None


def _days(then: date | None, today: date) -> int | None:
    return None if then is None else (today - then).days
