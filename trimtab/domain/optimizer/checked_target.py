"""What the account is to hold, as the checker derives it from the model: decimals, straight from the input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_sets import at_hand
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class CheckedTarget:
    """Fractions of account value; they sum to one, and what is held elsewhere, when a name of the model can be had."""

    weights: Mapping[SecurityId, Decimal]
    cash: Decimal  # reserve and withdrawals included


@dataclass(frozen=True, slots=True)
class Spread:
    """The model's weights that can be had, and what each is multiplied by to be one of the account's value."""

    weights: Mapping[SecurityId, Decimal]
    scale: Decimal
    cash: Decimal


def checked_target(account: CheckedAccount) -> CheckedTarget:
    """The model without names that cannot be had, scaled to what is left beside the wanted cash."""
    spread = spread_of(account)
    return CheckedTarget({each: weight * spread.scale for each, weight in spread.weights.items()}, spread.cash)


def spread_of(account: CheckedAccount) -> Spread:
    """The model without names that cannot be had.

    A name that is not held and may not trade today leaves its weight to the others of its asset class, pro rata, and
    where there are none to all others.
    """
    obtainable = {each: weight for each, weight in account.target.weights.items() if weight != 0}
    held = {each for each, shares in account.quantity.items() if shares > 0}
    missing = [each for each in obtainable.keys() - held if _is_missing(account, each)]
    if missing:
        _inherit(account, obtainable, missing)
    invested = sum(obtainable.values(), ZERO)
    if invested == 0 or account.value <= 0:
        return Spread({}, Decimal(1), Decimal(1))
    cash = min(_cash_wanted(account) / account.value, Decimal(1))
    spread = 1 - cash + sum(account.away.values(), ZERO) / account.value
    return Spread(obtainable, spread / invested, cash)


def _inherit(account: CheckedAccount, obtainable: dict[SecurityId, Decimal], missing: Sequence[SecurityId]) -> None:
    """Take the missing names out of `obtainable` and hand their weights on."""
    lost: dict[str, Decimal] = {}
    for each in sorted(missing):
        asset_class = _asset_class(account, each)
        lost[asset_class] = lost.get(asset_class, ZERO) + obtainable.pop(each)
    for asset_class, weight in lost.items():
        heirs = [each for each in obtainable if _asset_class(account, each) == asset_class] or list(obtainable)
        whole = sum((obtainable[each] for each in heirs), ZERO)
        for each in heirs:
            obtainable[each] *= 1 + weight / whole


def _is_missing(account: CheckedAccount, name: SecurityId) -> bool:
    """A name that the account does not hold may not trade today, is not held away, and nothing stands in for it."""
    if name in account.away or not account.untouchable(name):
        return False
    return not any(at_hand(account, each) for each in account.target.substitutes.get(name, ()))


def _cash_wanted(account: CheckedAccount) -> Decimal:
    """Dollars: what must be there, and of the rest the larger of the account's and the model's cash weight."""
    held_back = min(account.cash_required, account.value)
    return held_back + max(account.settings.cash_target, account.target.cash, ZERO) * (account.value - held_back)


def _asset_class(account: CheckedAccount, security_id: SecurityId) -> str:
    security = account.market.securities.get(security_id)
    return security.asset_class if security else ""
