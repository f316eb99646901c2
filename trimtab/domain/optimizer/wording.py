"""Figures and names as they stand in sentences."""

from decimal import Decimal

from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_SURE_CENTS = 1e9
"""Below this many cents the product of two floats is off by less than a millionth of a cent."""

_NO_HALF_CENT = 0.4999

_NAMED = 5
"""A longer list of names is counted instead."""


def name_of(request: AnalysisInput, security_id: SecurityId) -> str:
    """The symbol, or the id of a security that has none."""
    security = request.market.securities.get(security_id)
    return security.symbol if security and security.symbol else security_id


def dollars(amount: Decimal) -> str:
    """Decimal('-1234.5') gives '-$1,234.50'."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def of_account(data: OptimizerData, fraction: float) -> str:
    """A fraction of account value in dollars, rounded as in decimals; floats do where no half cent is near."""
    cents = fraction * float(data.account_value) * 100
    nearest = round(cents) if abs(cents) < _SURE_CENTS else 0
    if abs(cents - nearest) < _NO_HALF_CENT:
        return f"{'-' if nearest < 0 else ''}${abs(nearest) / 100:,.2f}"
    return dollars(to_cents(Decimal(repr(float(fraction))) * data.account_value))


def percent(fraction: float | Decimal) -> str:
    """0.0512 gives '5.12 %'."""
    return f"{float(fraction) * 100:.2f} %"


def bps(fraction: float) -> str:
    """0.00012 gives '1.2 bp', and what rounds to nothing has no sign."""
    said = f"{fraction * 1e4:.1f}"
    return "0.0 bp" if said == "-0.0" else f"{said} bp"


def listing(names: list[str]) -> str:
    """['A', 'B', 'C'] gives 'A, B and C'; of more than five the first four are named."""
    if len(names) > _NAMED:
        return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
