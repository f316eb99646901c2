"""Figures and names as they stand in sentences."""

from decimal import Decimal

from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


def name_of(request: AnalysisInput, security_id: SecurityId) -> str:
    """The symbol, or the id of a security that has none."""
    security = request.market.securities.get(security_id)
    return security.symbol if security and security.symbol else security_id


def dollars(amount: Decimal) -> str:
    """Decimal('-1234.5') gives '-$1,234.50'."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def percent(fraction: float | Decimal) -> str:
    """0.0512 gives '5.12 %'."""
    return f"{float(fraction) * 100:.2f} %"


def bps(fraction: float) -> str:
    """0.00012 gives '1.2 bp'."""
    return f"{fraction * 1e4:.1f} bp"


def shares(quantity: Decimal) -> str:
    """Decimal('1') gives '1 share', Decimal('12.5000') gives '12.5 shares'."""
    text = format(quantity.normalize(), ",f")
    return f"{text} share" if quantity == 1 else f"{text} shares"


def listing(names: list[str]) -> str:
    """['A', 'B', 'C'] gives 'A, B and C'; more than five are counted."""
    if len(names) > 5:
        return f"{', '.join(names[:4])} and {len(names) - 4} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
