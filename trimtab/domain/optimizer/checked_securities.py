"""What the market says of a security, as the checker reads it: decimals, straight from the snapshot."""

from decimal import Decimal

from trimtab.domain.money import SHARE_STEP, ZERO
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot

LOT_TOLERANCE = Decimal("0.0001")
"""Shares by which lots and positions may differ (bad-input case 66)."""

_ONE_SHARE = Decimal(1)


class CheckedSecurities:
    """One market. A security that it does not know trades in fractions, has no price and is its own wash key."""

    def __init__(self, market: MarketSnapshot) -> None:
        self.market = market

    def whole_shares(self, security_id: SecurityId) -> bool:
        security = self.market.securities.get(security_id)
        return security is not None and security.whole_shares

    def close(self, security_id: SecurityId) -> Decimal:
        """Dollars a share, zero without a price."""
        price = self.market.prices.get(security_id)
        return price.close if price is not None else ZERO

    def least(self, security_id: SecurityId) -> Decimal:
        """A position below this is nothing: one share, or what lots and positions may differ by."""
        return _ONE_SHARE if self.whole_shares(security_id) else LOT_TOLERANCE

    def round_lot(self, security_id: SecurityId) -> Decimal:
        """Orders are multiples of so many shares; where fractions trade, of the smallest of them (TL-16)."""
        security = self.market.securities.get(security_id)
        return Decimal(security.round_lot) if security is not None and security.whole_shares else SHARE_STEP

    def unit_dollars(self, security_id: SecurityId) -> Decimal:
        """What the smallest step of a trade is worth."""
        return self.close(security_id) * self.round_lot(security_id)

    def wash_key(self, security_id: SecurityId) -> str:
        security = self.market.securities.get(security_id)
        return security.wash_key if security else security_id
