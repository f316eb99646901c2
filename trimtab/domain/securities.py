"""Securities and their identifiers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NewType

SecurityId = NewType("SecurityId", str)
"""trimtab's own id of a security. It survives changes of ticker and CUSIP (CA-6)."""


class SecurityKind(StrEnum):
    STOCK = "STOCK"
    ETF = "ETF"
    FUND = "FUND"


@dataclass(frozen=True, slots=True)
class Security:
    """One security of the master. At least one of `symbol`, `cusip`, `isin`, `figi` is present."""

    id: SecurityId
    name: str
    kind: SecurityKind
    asset_class: str  # the class of the asset allocation it belongs to, e.g. "US_LARGE"
    symbol: str | None = None
    cusip: str | None = None
    isin: str | None = None
    figi: str | None = None
    sector: str | None = None
    currency: str = "USD"
    tradable: bool = True
    whole_shares: bool = True  # orders are in whole shares
    wash_group: str = ""  # substantially identical securities share one (WS-10); '' means only itself
    half_spread_bps: Decimal = field(default=Decimal(2))  # half the bid-ask spread, in basis points of price
    round_lot: int = 1  # orders are in multiples of so many shares (where it trades in whole shares)
    redemption_days: int = 0  # lots younger than this are not redeemed (funds with redemption fees)

    @property
    def wash_key(self) -> str:
        """What wash sale windows are kept by: the wash group, or the security itself when it has none."""
        return self.wash_group or self.id


def names_of(securities: Mapping[SecurityId, Security]) -> dict[str, SecurityId]:
    """Identifier of any scheme to security. One that two securities share names neither."""
    owners: dict[str, set[SecurityId]] = {}
    for security in securities.values():
        for name in (security.id, security.symbol, security.cusip, security.isin, security.figi):
            if name:
                owners.setdefault(name, set()).add(security.id)
    return {name: next(iter(found)) for name, found in owners.items() if len(found) == 1}
