"""The account as the checker sees it: decimals, straight from the input, nothing from the optimizer's arrays."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot
from trimtab.domain.money import CENT, ZERO
from trimtab.domain.orders import Side
from trimtab.domain.proposals import LotSale, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, WashWindow

LOT_TOLERANCE = Decimal("0.0001")
"""Shares by which lots and positions may differ (bad-input case 66)."""


class CheckedAccount:
    """One input and one proposal, with what both the rules on trades and those on the account need."""

    def __init__(self, request: AnalysisInput, proposal: RebalanceProposal) -> None:
        self.snapshot, self.market, self.target = request.snapshot, request.market, request.target
        self.settings = request.snapshot.settings
        self.proposal = proposal
        self.taxable = self.snapshot.account.tax_status is TaxStatus.TAXABLE
        self.never_buy, self.never_sell, self.never_hold, self.never_trade = (
            self.settings.restricted(kind)
            for kind in (
                RestrictionKind.NEVER_BUY,
                RestrictionKind.NEVER_SELL,
                RestrictionKind.NEVER_HOLD,
                RestrictionKind.NEVER_TRADE,
            )
        )
        self.barred_keys = self.snapshot.wash_windows.buy_blocked()
        self._untouchable: dict[SecurityId, bool] = {}
        self.quantity = {each.security_id: each.quantity for each in self.snapshot.positions}
        self.lots: dict[LotId, TaxLot] = {lot.id: lot for lot in self.snapshot.lots}
        self.in_lots: dict[SecurityId, Decimal] = {}
        for lot in self.snapshot.lots:
            self.in_lots[lot.security_id] = self.in_lots.get(lot.security_id, ZERO) + lot.quantity
        self.traded = {
            trade.security_id: trade.quantity if trade.side is Side.BUY else -trade.quantity
            for trade in proposal.trades
        }

    @cached_property
    def value(self) -> Decimal:
        """Dollars, at the closes of the run; the custodian's value where there is none."""
        return self.cash_before + sum(self._worth.values(), ZERO)

    @cached_property
    def _worth(self) -> dict[SecurityId, Decimal]:
        worth = {}
        for position in self.snapshot.positions:
            price = self.market.prices.get(position.security_id)
            known = price is not None and price.close > 0
            worth[position.security_id] = position.quantity * price.close if price and known else position.market_value
        return worth

    def worth(self, security_id: SecurityId) -> Decimal:
        """Dollars of one position before the trades."""
        return self._worth.get(security_id, ZERO)

    def stands_at_loss(self, lot: TaxLot) -> bool:
        """True when the whole lot would lose more than a cent at today's close."""
        price = self.market.prices.get(lot.security_id)
        return price is not None and lot.quantity * price.close < lot.cost - CENT

    @property
    def cash_before(self) -> Decimal:
        return self.snapshot.cash.trade_date_total

    @property
    def cash_required(self) -> Decimal:
        """Reserve and announced withdrawals."""
        return self.settings.cash_reserve + sum((need.amount for need in self.settings.cash_needs), ZERO)

    def band(self, security_id: SecurityId) -> WeightBand:
        return self.settings.weight_bands.get(security_id, WeightBand())

    def whole_shares(self, security_id: SecurityId) -> bool:
        security = self.market.securities.get(security_id)
        return security is not None and security.whole_shares

    def untouchable(self, security_id: SecurityId) -> bool:
        """True when nothing may trade in it today: frozen, unknown, not tradable, without price or risk."""
        known = self._untouchable.get(security_id)
        if known is None:
            known = self._untouchable[security_id] = self._cannot_trade(security_id)
        return known

    def _cannot_trade(self, security_id: SecurityId) -> bool:
        security, price = self.market.securities.get(security_id), self.market.prices.get(security_id)
        if security is None or price is None or price.close <= 0:
            return True
        covered = security_id in self.market.risk_model.securities
        return security_id in self.snapshot.frozen or not security.tradable or not covered

    def wash_key(self, security_id: SecurityId) -> str:
        security = self.market.securities.get(security_id)
        return security.wash_key if security else security_id

    def sales_at_a_loss(self) -> Iterator[tuple[SecurityId, LotSale, TaxLot]]:
        """Sales of lots that as a whole stand more than a cent below their basis."""
        for trade in self.proposal.trades:
            for sale in trade.lot_sales:
                lot = self.lots.get(sale.lot_id)
                if lot is not None and sale.gain < 0 and lot.quantity * trade.price < lot.cost - CENT:
                    yield trade.security_id, sale, lot

    @cached_property
    def _purchases(self) -> dict[str, list[WashWindow]]:
        by_key: dict[str, list[WashWindow]] = {}
        for window in self.snapshot.wash_windows.purchases:
            by_key.setdefault(window.wash_key, []).append(window)
        return by_key

    def washed(self, lot: TaxLot) -> bool:
        """A purchase of the last 30 days, other than the lot's own, is substantially identical (WS-1, WS-4)."""
        windows = self._purchases.get(self.wash_key(lot.security_id), [])
        account_id = self.snapshot.account.id
        for window in windows:
            if (window.account_id, window.opened_on) != (account_id, lot.acquired_on):
                return True
            if window.purchase_id and lot.purchase_id and window.purchase_id != lot.purchase_id:
                return True
        return False

    def gain(self, term: HoldingPeriod, *, taxed: bool) -> Decimal:
        """Dollars of gain of one term; as taxed, washed losses count nothing. Nothing is taxable in an IRA."""
        if not self.taxable:
            return ZERO
        washed = {sale.lot_id for _, sale, lot in self.sales_at_a_loss() if self.washed(lot)} if taxed else set()
        sales = (sale for trade in self.proposal.trades for sale in trade.lot_sales)
        return sum((sale.gain for sale in sales if sale.term is term and sale.lot_id not in washed), ZERO)
