"""What must hold of a household's input before anything is computed."""

from collections.abc import Iterator

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.households import HouseholdInput
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.optimizer.input_rules import require_sound
from trimtab.domain.optimizer.targets import account_value
from trimtab.domain.rule_checks import tax_year_problems
from trimtab.domain.snapshots import AccountSnapshot

_HIGHEST_LOCATION_COST = 1000
"""Basis points: a tenth of what is held each year is no preference but an error."""


def require_sound_household(request: HouseholdInput) -> None:
    """Raises InvalidAnalysisInput with what is wrong of the household, or of the first account that is."""
    if not request.accounts:
        raise InvalidAnalysisInput(f"household {request.household_id} has no accounts")
    wrong = [*_accounts(request), *_of_the_whole(request), *_location(request)]
    if wrong:
        raise InvalidAnalysisInput(f"household {request.household_id}: " + "; ".join(wrong))
    for account in request.accounts:
        require_sound(request.leg(account))
    overdrawn = [each.account.id for each in request.accounts if account_value(request.leg(each)) < 0]
    if overdrawn:
        raise InvalidAnalysisInput(
            f"household {request.household_id}: account {overdrawn[0]} is worth less than nothing"
        )
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
        yield from _not_jointly(account)
        if account.account.household_id != request.household_id:
            yield f"account {account.account.id} belongs to household {account.account.household_id}"


def _not_jointly(account: AccountSnapshot) -> Iterator[str]:
    """Settings of one account that a joint target gives no meaning."""
    name, settings = account.account.id, account.settings
    if account.tax_year is not None:
        yield f"account {name} has a tax year of its own: in a household it is the taxpayer's, `tax_year`"
    if settings.tracking_error_limit is not None:
        yield f"account {name} has a tracking error limit of its own: state the household's, `tracking_error_limit`"


def _of_the_whole(request: HouseholdInput) -> Iterator[str]:
    limit = request.tracking_error_limit
    if limit is not None and not (limit.is_finite() and 0 < limit <= 1):
        yield f"the tracking error limit is {limit}, not a fraction above zero"
    if request.tax_year is None:
        return
    yield from tax_year_problems(request.tax_year)
    taxable = [each for each in request.accounts if each.account.tax_status is TaxStatus.TAXABLE]
    if len({(each.settings.short_term_rate, each.settings.long_term_rate) for each in taxable}) > 1:
        yield "its taxable accounts have different tax rates, so their gains cannot net in one tax year"


def _location(request: HouseholdInput) -> Iterator[str]:
    seen: set[tuple[str, TaxStatus]] = set()
    for cost in request.location:
        if not (cost.bps.is_finite() and 0 <= cost.bps <= _HIGHEST_LOCATION_COST):
            yield f"the location cost of {cost.asset_class} in {cost.tax_status} accounts is {cost.bps} bp"
        if (cost.asset_class, cost.tax_status) in seen:
            yield f"the location cost of {cost.asset_class} in {cost.tax_status} accounts stands twice"
        seen.add((cost.asset_class, cost.tax_status))
