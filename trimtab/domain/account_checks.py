"""Checks of an account as a whole: its cash, its flows, its value, shares that must not be sold (cases 70 to 85)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.data_codes import DataCode
from trimtab.domain.delivered import AccountHoldings, DeliveredPosition, MarketFacts, of_account, suspend
from trimtab.domain.findings import Finding, Outcome

SWEEP_CLASS: Final = "CASH"
"""The asset class of money market funds: what a custodian sweeps cash into."""
LEAST_SWEPT: Final = Decimal(1)  # dollars: smaller amounts are equal by chance
LARGEST_JUMP: Final = Decimal("0.30")


def cash_findings(holdings: AccountHoldings, market: MarketFacts, *, raise_cash: bool) -> Iterator[Finding]:
    """Negative cash (77), a sweep counted twice (84), a withdrawal that cannot be paid (80), a deposit not come (81).

    With `raise_cash` an overdraft is no fault: the account sells, and a person looks at it.
    """
    account, cash = holdings.account, holdings.cash
    if account.id in market.missing_accounts or cash is None:
        yield suspend(account, DataCode.ACCOUNT_MISSING, "the custodian's files do not hold the account")
        return
    if cash.settled < 0 or cash.trade_date_total < 0:
        message = f"cash is negative: {cash.settled} settled, {cash.trade_date_total} in all"
        outcome = Outcome.FLAG if raise_cash else Outcome.SUSPEND
        yield of_account(account, DataCode.CASH_NEGATIVE, message, outcome)
    swept = _swept_twice(holdings, market)
    if swept is not None:
        message = f"{swept.security_id} and the cash are both {swept.market_value}: the sweep counts twice"
        yield suspend(account, DataCode.CASH_DUP, message)
    needed = holdings.settings.cash_needed
    if needed > cash.trade_date_total:
        can_be_raised = cash.trade_date_total + _sellable(holdings, market)
        if needed > can_be_raised:
            message = f"withdrawals of {needed} are due, and only {can_be_raised} can be raised"
            yield of_account(account, DataCode.WITHDRAWAL_SHORT, message, Outcome.FLAG)
    if account.id in market.missing_deposits:
        yield of_account(account, DataCode.DEPOSIT_MISSING, market.missing_deposits[account.id], Outcome.FLAG)


def _swept_twice(holdings: AccountHoldings, market: MarketFacts) -> DeliveredPosition | None:
    """A position in the sweep fund that is worth the settled cash to the cent."""
    settled = holdings.cash.settled if holdings.cash is not None else Decimal(0)
    if settled < LEAST_SWEPT:
        return None
    for position in holdings.positions:
        security = market.securities.get(position.security_id) if position.security_id is not None else None
        if security is not None and security.asset_class == SWEEP_CLASS and position.market_value == settled:
            return position
    return None


def _sellable(holdings: AccountHoldings, market: MarketFacts) -> Decimal:
    """Dollars of all positions that may be sold today."""
    kept = holdings.settings.never_sold | {lot.security_id for lot in holdings.lots if lot.restricted}
    return sum(
        (
            max(position.market_value, Decimal(0))
            for position in holdings.positions
            if position.security_id not in kept and _is_tradable(position, market)
        ),
        Decimal(0),
    )


def _is_tradable(position: DeliveredPosition, market: MarketFacts) -> bool:
    security = market.securities.get(position.security_id) if position.security_id is not None else None
    return security is not None and security.tradable and market.price(security.id).is_good


def value_findings(holdings: AccountHoldings, market: MarketFacts) -> Iterator[Finding]:
    """A value that jumped without a flow (73); what was compared was found for the whole firm at once."""
    message = market.value_jumps.get(holdings.account.id)
    if message is not None:
        yield suspend(holdings.account, DataCode.VALUE_JUMP, message)


def value_jump(before: Decimal, today: Decimal, flows: Decimal = Decimal(0)) -> str:
    """How the account's value jumped, in words; '' when it did not.

    Dollars. `flows`: what was announced to come in (positive) or leave (negative) since the day before.
    """
    expected = before + flows
    if before <= 0 or expected <= 0 or abs(today / expected - 1) <= LARGEST_JUMP:
        return ""
    return f"the account is worth {today} after {before} the day before, and no flow explains it"


def share_findings(holdings: AccountHoldings, market: MarketFacts) -> Iterator[Finding]:
    """Shares marked by the custodian and not in the lots (74), and a fraction that no order can sell (70)."""
    unwanted = holdings.settings.restricted(RestrictionKind.NEVER_HOLD)
    for position in holdings.positions:
        if not position.restricted and position.security_id not in unwanted:
            continue
        security = market.securities.get(position.security_id) if position.security_id is not None else None
        if security is None:
            continue
        if position.restricted and not any(lot.restricted for lot in holdings.lots if lot.security_id == security.id):
            message = f"the custodian marks shares of {security.id} as restricted, and none of its lots"
            yield suspend(holdings.account, DataCode.RESTRICTED_SHARES, message)
        fraction = position.quantity % 1
        if security.whole_shares and fraction and security.id in unwanted:
            message = f"{security.id} is to be sold, and trades in whole shares: {fraction} of a share will stay"
            yield of_account(holdings.account, DataCode.FRACTION_LEFT, message, Outcome.FLAG)
