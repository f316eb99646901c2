"""Verifies any proposal from its input alone, in exact decimals. Shares no code with the solvers or the rounding.

Rules, cents and shares are always checked one by one. The measures and the gap of an ordinary account are looked at all
securities at once first; only what does not hold there with room to spare is derived security by security.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_at_once import hold_at_once
from trimtab.domain.optimizer.checked_gap import gap_violations
from trimtab.domain.optimizer.checked_market import checked_market
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
    (rejected,) = check_batch([(request, proposal)])
    if rejected is not None:
        raise rejected


def check_batch(pairs: Sequence[tuple[AnalysisInput, RebalanceProposal]]) -> list[ProposalRejected | None]:
    """For each proposal what `check` raises of it, or None; those of one market are looked at together."""
    accounts = [CheckedAccount(*pair) for pair in pairs]
    broken = [tuple(rule_violations(each)) for each in accounts]
    markets: dict[int, list[int]] = {}
    for place, account in enumerate(accounts):
        if not broken[place]:
            markets.setdefault(id(account.market), []).append(place)
    hold: set[int] = set()
    for places in markets.values():
        several = [accounts[place] for place in places]
        at_once = hold_at_once(several, checked_market(several[0].market))
        hold.update([place for place, holds in zip(places, at_once, strict=True) if holds])
    return [None if place in hold else _rejected(account, broken[place]) for place, account in enumerate(accounts)]


def _rejected(account: CheckedAccount, broken: tuple[str, ...]) -> ProposalRejected | None:
    risk = checked_market(account.market).risk
    violations = broken + violations_of_claims(account, risk, broken=bool(broken))
    return ProposalRejected(account.snapshot.account.id, violations) if violations else None


def violations_of_claims(account: CheckedAccount, risk: CheckedRisk, *, broken: bool) -> tuple[str, ...]:
    """One sentence for each measure that is not what it is said to be, and each claim of optimality that does not hold.

    A list that has `broken` rules has no distance to the best one.
    """
    if account.value <= 0:
        return ()
    problem = checked_problem(account, risk)
    wrong = tuple(measure_violations(account, problem))
    return wrong if wrong or broken else tuple(gap_violations(account, problem))


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
    """No purchase inside an open window; no loss that a purchase would wash, unless the sale cannot be avoided.

    A loss in what another account of the household has bought today is never sold: its order would be refused.
    """
    for trade in account.proposal.trades:
        if (
            account.barred_keys
            and trade.side is Side.BUY
            and account.wash_key(trade.security_id) in account.barred_keys
        ):
            yield f"{trade.security_id}: it is bought inside the wash sale window of a sale at a loss"
    needs_cash = account.cash_before < account.cash_required
    for security_id, sale, lot in account.sales_at_a_loss:
        allowed = not account.taxable or needs_cash or account.washed_shares.get(lot.id, ZERO) < sale.quantity
        if account.taxable and account.wash_key(security_id) in account.keys_of_peers:
            yield f"lot {sale.lot_id}: another account of the household has bought its wash key today"
        elif not allowed and not must_be_sold(account, security_id):
            yield f"lot {sale.lot_id}: a purchase of the last 30 days would wash its loss"


def _both_sides_of_a_key(account: CheckedAccount) -> Iterator[str]:
    if not account.taxable:
        return
    lost = {account.wash_key(security_id) for security_id, _, _ in account.sales_at_a_loss}
    bought = {account.wash_key(each.security_id) for each in account.proposal.trades if each.side is Side.BUY}
    for key in sorted(bought & lost):
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
