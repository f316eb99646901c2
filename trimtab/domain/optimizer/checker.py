"""Verifies any proposal from its input alone, in exact decimals. Shares no code with the solvers or the rounding."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE
from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import BASIS_POINT, CENT, ZERO, to_cents
from trimtab.domain.optimizer.checked_account import LOT_TOLERANCE, CheckedAccount
from trimtab.domain.optimizer.checked_gap import gap_violations
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_trades import trade_violations
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_WEIGHT_STEP = Decimal("0.000001")
_LOWEST_GAP_BPS = Decimal("-0.001")
_ENDS_INSIDE_THE_RULES = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def check(request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """Raises ProposalRejected with every rule that the proposal breaks; returns when it breaks none."""
    account = CheckedAccount(request, proposal)
    violations = tuple(_violations(account))
    if not violations:  # of a list that breaks rules there is no distance to the best one
        violations = tuple(gap_violations(account, CheckedRisk(request.market)))
    if violations:
        raise ProposalRejected(request.snapshot.account.id, violations)


def _violations(account: CheckedAccount) -> Iterator[str]:
    yield from _identity(account)
    for trade in account.proposal.trades:
        yield from trade_violations(account, trade)
    yield from _wash_windows(account)
    yield from _both_sides_of_a_key(account)
    yield from _figures(account)
    if account.proposal.outcome in _ENDS_INSIDE_THE_RULES:
        yield from _never_hold(account)
        yield from _bands(account)
        yield from _cash(account)


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
    barred = account.snapshot.wash_windows.buy_blocked()
    for trade in account.proposal.trades:
        if trade.side is Side.BUY and account.wash_key(trade.security_id) in barred:
            yield f"{trade.security_id}: it is bought inside the wash sale window of a sale at a loss"
    needs_cash = account.cash_before < account.cash_required
    never_hold = account.settings.restricted(RestrictionKind.NEVER_HOLD)
    for security_id, sale, lot in account.sales_at_a_loss():
        if account.taxable and not needs_cash and security_id not in never_hold and account.washed(lot):
            yield f"lot {sale.lot_id}: a purchase of the last 30 days would wash its loss"


def _both_sides_of_a_key(account: CheckedAccount) -> Iterator[str]:
    trades = account.proposal.trades
    bought = {account.wash_key(trade.security_id) for trade in trades if trade.side is Side.BUY}
    lost = {account.wash_key(security_id) for security_id, _, _ in account.sales_at_a_loss()}
    for key in sorted(bought & lost) if account.taxable else ():
        yield f"{key}: it is sold at a loss and bought on one day"


# Rules on the account as it ends.


def _never_hold(account: CheckedAccount) -> Iterator[str]:
    for security_id in sorted(account.settings.restricted(RestrictionKind.NEVER_HOLD)):
        left = account.in_lots.get(security_id, ZERO) + account.traded.get(security_id, ZERO)
        least = 1 if account.whole_shares(security_id) else LOT_TOLERANCE
        if left >= least and not account.untouchable(security_id):
            yield f"{security_id}: {left} shares stay of a security that must never be held"


def _bands(account: CheckedAccount) -> Iterator[str]:
    """A band may be missed by its tolerance, the minimum trade and a share, or where nothing may cure it today."""
    barred = account.snapshot.wash_windows.buy_blocked()
    for security_id, band in sorted(account.settings.weight_bands.items()):
        if account.untouchable(security_id) or account.value <= 0:
            continue
        price, trade = account.market.prices[security_id].close, account.traded.get(security_id, ZERO)
        weight = (account.quantity.get(security_id, ZERO) + trade) * price / account.value
        slack = max(BAND_TOLERANCE, account.settings.minimum_trade / account.value) + price / account.value
        if weight > band.maximum + slack and (trade > 0 or _more_to_sell(account, security_id)):
            yield f"{security_id}: its weight of {weight:.4f} is above its largest of {band.maximum}"
        if weight < band.minimum - slack and (trade < 0 or account.wash_key(security_id) not in barred):
            yield f"{security_id}: its weight of {weight:.4f} is below its smallest of {band.minimum}"


def _more_to_sell(account: CheckedAccount, security_id: SecurityId) -> bool:
    """True when a whole share and a minimum trade are left in lots that no wash sale window locks."""
    price = account.market.prices[security_id].close
    sold = {sale.lot_id: sale.quantity for trade in account.proposal.trades for sale in trade.lot_sales}
    free = ZERO
    for lot in account.lots.values():
        if lot.security_id == security_id:
            locked = account.taxable and lot.quantity * price < lot.cost and account.washed(lot)
            free += ZERO if locked else lot.quantity - sold.get(lot.id, ZERO)
    return free >= 1 and free * price >= account.settings.minimum_trade


def _cash(account: CheckedAccount) -> Iterator[str]:
    before, required = account.cash_before, account.cash_required
    after = before + _flows(account) - _cost(account)
    if after < required:
        yield f"cash of {after} ends below the reserve and withdrawals of {required}"
    model = account.target
    model_cash = model.cash_weight if model.cash_weight is not None else 1 - model.invested_weight
    wanted = max(account.settings.cash_target, model_cash, ZERO) * (account.value - required)
    floor = required + CASH_FLOOR_SHARE * max(wanted, ZERO)
    # Purchases that a band demands may go below the floor, never below what is required.
    demanded = any(band.minimum > 0 for band in account.settings.weight_bands.values())
    if account.proposal.trades and after < min(floor, before) - CENT and not demanded:
        yield f"cash of {after} ends below its floor of {floor:.2f}"


# Sums.


def _flows(account: CheckedAccount) -> Decimal:
    trades = account.proposal.trades
    return sum((each.notional if each.side is Side.SELL else -each.notional for each in trades), ZERO)


def _cost(account: CheckedAccount) -> Decimal:
    total = ZERO
    for trade in account.proposal.trades:
        security = account.market.securities.get(trade.security_id)
        half_spread = security.half_spread_bps * BASIS_POINT if security else ZERO
        total += to_cents(trade.notional * half_spread) + account.settings.commission
    return total


def _figures(account: CheckedAccount) -> Iterator[str]:
    proposal, settings = account.proposal, account.settings
    short, long = HoldingPeriod.SHORT_TERM, HoldingPeriod.LONG_TERM
    taxed = account.gain(short, taxed=True) * settings.short_term_rate
    taxed += account.gain(long, taxed=True) * settings.long_term_rate
    before, cost = account.cash_before, _cost(account)
    expected = {
        "short-term gain": (proposal.short_term_gain, account.gain(short, taxed=False)),
        "long-term gain": (proposal.long_term_gain, account.gain(long, taxed=False)),
        "tax": (proposal.tax, to_cents(taxed)),
        "cost": (proposal.cost, cost),
        "cash before": (proposal.before.cash, to_cents(before)),
        "cash after": (proposal.after.cash, to_cents(before + _flows(account) - cost)),
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
