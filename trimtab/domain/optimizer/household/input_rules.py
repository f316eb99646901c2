"""What must hold of a household's input before anything is computed."""

from collections.abc import Iterator

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.households import HouseholdInput
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.optimizer.input_rules import require_sound
from trimtab.domain.optimizer.targets import account_value

_HIGHEST_LOCATION_COST = 1000
"""Basis points: a tenth of what is held each year is no preference but an error."""


def require_sound_household(request: HouseholdInput) -> None:
    """Raises InvalidAnalysisInput with what is wrong of the household, or of the first account that is."""
    if not request.accounts:
        raise InvalidAnalysisInput(f"household {request.household_id} has no accounts")
    wrong = [*_accounts(request), *_location(request)]
    if wrong:
        raise InvalidAnalysisInput(f"household {request.household_id}: " + "; ".join(wrong))
    for account in request.accounts:
        require_sound(request.leg(account))
    if sum((account_value(request.leg(account)) for account in request.accounts), ZERO) <= 0:
        raise InvalidAnalysisInput(f"household {request.household_id} is worth nothing")


def _accounts(request: HouseholdInput) -> Iterator[str]:
    if request.target.substitutes:
        yield f"model {request.target.id} has substitutes, which accounts can follow one by one only"
    ids = [account.account.id for account in request.accounts]
    if len(set(ids)) != len(ids):
        yield "an account stands twice"
    lots = [lot.id for account in request.accounts for lot in account.lots]
    if len(set(lots)) != len(lots):
        yield "a lot id appears in two accounts"
    if len({(account.business_date, account.as_of) for account in request.accounts}) > 1:
        yield "its accounts are of different dates"
    for account in request.accounts:
        if account.account.household_id != request.household_id:
            yield f"account {account.account.id} belongs to household {account.account.household_id}"


def _location(request: HouseholdInput) -> Iterator[str]:
    seen: set[tuple[str, TaxStatus]] = set()
    for cost in request.location:
        if not (cost.bps.is_finite() and 0 <= cost.bps <= _HIGHEST_LOCATION_COST):
            yield f"the location cost of {cost.asset_class} in {cost.tax_status} accounts is {cost.bps} bp"
        if (cost.asset_class, cost.tax_status) in seen:
            yield f"the location cost of {cost.asset_class} in {cost.tax_status} accounts stands twice"
        seen.add((cost.asset_class, cost.tax_status))
