"""Verifies any proposal from its input alone, in exact decimals. Shares no code with the solvers or the rounding."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_gap import gap_violations
from trimtab.domain.optimizer.checked_measures import measure_violations
from trimtab.domain.optimizer.checked_problem import checked_problem
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_rules import ending_violations, must_be_sold
from trimtab.domain.optimizer.checked_taxes import tax_of_trades, tax_violations
from trimtab.domain.optimizer.checked_trades import trade_violations
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

_WEIGHT_STEP = Decimal("0.000001")
_LOWEST_GAP_BPS = Decimal("-0.001")
_ENDS_INSIDE_THE_RULES = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def check(request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """Raises ProposalRejected with every rule that the proposal breaks; returns when it breaks none."""
    account = CheckedAccount(request, proposal)
    violations = tuple(rule_violations(account))
    if account.value > 0:
        problem = checked_problem(account, CheckedRisk(request.market))
        violations += tuple(measure_violations(account, problem))
        if not violations:  # a list that breaks rules has no distance to the best one
            violations = tuple(gap_violations(account, problem))
    if violations:
        raise ProposalRejected(request.snapshot.account.id, violations)


def rule_violations(account: CheckedAccount) -> Iterator[str]:
    """One sentence for each rule that the proposal breaks, whatever it claims of its worth and its distance."""
    yield from _identity(account)
    for trade in account.proposal.trades:
        yield from trade_violations(account, trade)
    yield from _wash_windows(account)
    yield from _both_sides_of_a_key(account)
    yield from _figures(account)
    if account.proposal.outcome in _ENDS_INSIDE_THE_RULES:
        yield from ending_violations(account)
        yield from tax_violations(account)


def _identity(account: CheckedAccount) -> Iterator[str]:
    proposal, snapshot = account.proposal, account.snapshot
    if proposal.account_id != snapshot.account.id:
        yield f"it is a proposal for account {proposal.account_id}"
    if proposal.business_date != snapshot.business_date:
        yield f"it is a proposal for {proposal.business_date}, not {snapshot.business_date}"
    if proposal.outcome is AnalysisOutcome.OPTIMAL and not proposal.trades:
        yield "its outcome is OPTIMAL, yet it has no trades"
    if proposal.outcome is not AnalysisOutcome.OPTIMAL and proposal.trades:
        yield f"its outcome is {proposal.outcome}, yet it has trades"
    if len(account.traded) != len(proposal.trades):
        yield "a security is traded twice"
    if proposal.gap_bps < _LOWEST_GAP_BPS:
        yield f"its gap of {proposal.gap_bps} bp is below zero"


# Wash sales.


def _wash_windows(account: CheckedAccount) -> Iterator[str]:
    """No purchase inside an open window; no loss that a purchase would wash, unless the sale cannot be avoided."""
    for trade in account.proposal.trades:
        if trade.side is Side.BUY and account.wash_key(trade.security_id) in account.barred_keys:
            yield f"{trade.security_id}: it is bought inside the wash sale window of a sale at a loss"
    needs_cash = account.cash_before < account.cash_required
    for security_id, sale, lot in account.sales_at_a_loss():
        allowed = not account.taxable or needs_cash or must_be_sold(account, security_id)
        if not allowed and account.washed_shares.get(lot.id, ZERO) >= sale.quantity:
            yield f"lot {sale.lot_id}: a purchase of the last 30 days would wash its loss"


def _both_sides_of_a_key(account: CheckedAccount) -> Iterator[str]:
    trades = account.proposal.trades
    bought = {account.wash_key(trade.security_id) for trade in trades if trade.side is Side.BUY}
    lost = {account.wash_key(security_id) for security_id, _, _ in account.sales_at_a_loss()}
    for key in sorted(bought & lost) if account.taxable else ():
        yield f"{key}: it is sold at a loss and bought on one day"


# Sums.


def _figures(account: CheckedAccount) -> Iterator[str]:
    proposal, cost = account.proposal, account.cost
    short, long = HoldingPeriod.SHORT_TERM, HoldingPeriod.LONG_TERM
    expected = {
        "short-term gain": (proposal.short_term_gain, account.gain(short, taxed=False)),
        "long-term gain": (proposal.long_term_gain, account.gain(long, taxed=False)),
        "tax": (proposal.tax, tax_of_trades(account)),
        "cost": (proposal.cost, cost),
        "cash before": (proposal.before.cash, to_cents(account.cash_before)),
        "cash after": (proposal.after.cash, to_cents(account.cash_after)),
        "account value before": (proposal.before.account_value, to_cents(account.value)),
        "account value after": (proposal.after.account_value, to_cents(account.value - cost)),
    }
    for name, (stated, right) in expected.items():
        if stated != right:
            yield f"the {name} is {right}, not {stated}"
    traded = sum((trade.notional for trade in proposal.trades), ZERO)
    turnover = traded / 2 / account.value if account.value > 0 else ZERO
    if abs(turnover - proposal.turnover) > _WEIGHT_STEP:
        yield f"the turnover is {turnover:.6f}, not {proposal.turnover}"
