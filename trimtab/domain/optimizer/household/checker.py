"""Verifies a household's proposal from its input alone: each leg, and what may not happen between accounts."""

from collections.abc import Iterator

from trimtab.domain.account_settings import GroupBand
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.households import HouseholdInput, HouseholdProposal
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_rows import is_member
from trimtab.domain.optimizer.checker import rule_violations
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.optimizer.household.checked_gap import joint_gap_violations
from trimtab.domain.optimizer.household.checked_whole import CheckedWhole
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.securities import SecurityId


def check_household(request: HouseholdInput, proposal: HouseholdProposal) -> None:
    """Raises ProposalRejected with every rule that a leg, or the legs together, break, or a false claim."""
    violations = tuple(_violations(request, proposal))
    if violations:
        raise ProposalRejected(request.household_id, violations)


def _violations(request: HouseholdInput, proposal: HouseholdProposal) -> Iterator[str]:
    if [leg.account_id for leg in proposal.legs] != [account.account.id for account in request.accounts]:
        yield "its legs are not those of the household's accounts"
        return
    if any(leg.trades for leg in proposal.legs) != (proposal.outcome is AnalysisOutcome.OPTIMAL):
        yield f"its outcome is {proposal.outcome}, which its trades contradict"
    accounts = [
        CheckedAccount(request.leg(account), leg) for account, leg in zip(request.accounts, proposal.legs, strict=True)
    ]
    whole = CheckedWhole(request, proposal, accounts)
    broken = [*_broken_rules(proposal, accounts, whole)]
    yield from broken
    if not broken and whole.value > 0:  # a list that breaks rules has no distance to the best one
        yield from joint_gap_violations(whole)


def _broken_rules(proposal: HouseholdProposal, accounts: list[CheckedAccount], whole: CheckedWhole) -> Iterator[str]:
    for each in accounts:
        yield from (f"account {each.proposal.account_id}: {violation}" for violation in rule_violations(each))
    yield from _wash_across(accounts)
    yield from _churn(accounts)
    cost = sum((leg.cost for leg in proposal.legs), ZERO)
    if cost != proposal.cost:
        yield f"the cost of {proposal.cost} is not the sum of its legs, {cost}"
    yield from whole.violations()


def _wash_across(accounts: list[CheckedAccount]) -> Iterator[str]:
    """A loss of any taxable account is washed by a purchase of any account of the household, IRAs included (WS-9)."""
    taxable = [each for each in accounts if each.snapshot.account.tax_status is TaxStatus.TAXABLE]
    lost = {each.wash_key(security_id) for each in taxable for security_id, _, _ in each.sales_at_a_loss}
    bought = {
        each.wash_key(trade.security_id)
        for each in accounts
        for trade in each.proposal.trades
        if trade.side is Side.BUY
    }
    for key in sorted(lost & bought):
        yield f"{key}: it is sold at a loss in one account and bought in another on one day"


def _churn(accounts: list[CheckedAccount]) -> Iterator[str]:
    """Nothing is sold in one account and bought in another, unless a rule of an account demands the trade (X8)."""
    sides: dict[SecurityId, set[Side]] = {}
    for each in accounts:
        for trade in each.proposal.trades:
            if not _demanded(each, trade.security_id, trade.side):
                sides.setdefault(trade.security_id, set()).add(trade.side)
    for security_id, both in sorted(sides.items()):
        if len(both) > 1:
            yield f"{security_id}: it is sold in one account and bought in another on one day"


def _demanded(account: CheckedAccount, security_id: SecurityId, side: Side) -> bool:
    """True when a rule on the name, cash owed, names too many, or a group outside its band may ask for the trade."""
    if side is Side.SELL and (account.cash_before < account.cash_required or _holds_too_many(account)):
        return True
    if security_id in account.settings.weight_bands or any(
        rule.security_id == security_id for rule in account.settings.restrictions
    ):
        return True
    return any(
        is_member(account, band, security_id) and _outside(account, band, side) for band in account.settings.group_bands
    )


def _outside(account: CheckedAccount, band: GroupBand, side: Side) -> bool:
    """True when the group is on the side of its band that such trades mend."""
    weight = (
        sum((account.worth(each) for each in account.names if is_member(account, band, each)), ZERO) / account.value
    )
    return weight > band.maximum if side is Side.SELL else weight < band.minimum


def _holds_too_many(account: CheckedAccount) -> bool:
    most = account.settings.maximum_names
    held = sum(quantity >= account.least(each) for each, quantity in account.quantity.items())
    return most is not None and held > most
