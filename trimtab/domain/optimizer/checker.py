"""Verifies any proposal from its input alone, in exact decimals. Shares no code with the solvers or the rounding."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE
from trimtab.domain.lots import HoldingPeriod, TaxLot, holding_period
from trimtab.domain.money import BASIS_POINT, CENT, ZERO, to_cents
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, LotSale, ProposedTrade, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_LOT_TOLERANCE = Decimal("0.0001")
_WEIGHT_STEP = Decimal("0.000001")
_MEASURED = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def check(request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """Raises ProposalRejected with every rule that the proposal breaks; returns when it breaks none."""
    violations = tuple(_Check(request, proposal).violations())
    if violations:
        raise ProposalRejected(request.snapshot.account.id, violations)


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The account as the checker sees it."""

    value: Decimal
    quantity: dict[SecurityId, Decimal]
    in_lots: dict[SecurityId, Decimal]
    lots: dict[str, TaxLot]


class _Check:
    def __init__(self, request: AnalysisInput, proposal: RebalanceProposal) -> None:
        self.snapshot, self.market, self.target = request.snapshot, request.market, request.target
        self.settings = request.snapshot.settings
        self.proposal = proposal
        self.taxable = self.snapshot.account.tax_status is TaxStatus.TAXABLE
        self.ledger = self._ledger()
        self.traded = {trade.security_id: self._signed(trade) for trade in proposal.trades}

    def violations(self) -> Iterator[str]:
        yield from self._identity()
        for trade in self.proposal.trades:
            yield from self._trade(trade)
            yield from self._permission(trade)
            yield from self._size(trade)
            yield from self._lots(trade)
        yield from self._wash_windows()
        yield from self._both_sides_of_a_key()
        yield from self._figures()
        if self.proposal.outcome in _MEASURED:
            yield from self._never_hold()
            yield from self._bands()
            yield from self._cash()

    def _ledger(self) -> _Ledger:
        quantity = {each.security_id: each.quantity for each in self.snapshot.positions}
        in_lots: dict[SecurityId, Decimal] = {}
        for lot in self.snapshot.lots:
            in_lots[lot.security_id] = in_lots.get(lot.security_id, ZERO) + lot.quantity
        value = self.snapshot.cash.trade_date_total
        for position in self.snapshot.positions:
            price = self.market.prices.get(position.security_id)
            value += position.quantity * price.close if price else position.market_value
        return _Ledger(value, quantity, in_lots, {lot.id: lot for lot in self.snapshot.lots})

    @staticmethod
    def _signed(trade: ProposedTrade) -> Decimal:
        return trade.quantity if trade.side is Side.BUY else -trade.quantity

    # Whose proposal it is, and of what kind.

    def _identity(self) -> Iterator[str]:
        proposal = self.proposal
        if proposal.account_id != self.snapshot.account.id:
            yield f"it is a proposal for account {proposal.account_id}"
        if proposal.business_date != self.snapshot.business_date:
            yield f"it is a proposal for {proposal.business_date}, not {self.snapshot.business_date}"
        if proposal.outcome is AnalysisOutcome.OPTIMAL and not proposal.trades:
            yield "its outcome is OPTIMAL, yet it has no trades"
        if proposal.outcome is not AnalysisOutcome.OPTIMAL and proposal.trades:
            yield f"its outcome is {proposal.outcome}, yet it has trades"
        if len(self.traded) != len(proposal.trades):
            yield "a security is traded twice"
        if proposal.gap_bps < Decimal("-0.001"):
            yield f"its gap of {proposal.gap_bps} bp is below zero"

    # One trade.

    def _trade(self, trade: ProposedTrade) -> Iterator[str]:
        security_id = trade.security_id
        security, price = self.market.securities.get(security_id), self.market.prices.get(security_id)
        if trade.quantity <= 0:
            yield f"{security_id}: the quantity {trade.quantity} is not above zero"
        if security is None or price is None:
            yield f"{security_id}: it has no price or is not in the security master"
            return
        if security.whole_shares and trade.quantity != trade.quantity.to_integral_value():
            yield f"{security_id}: {trade.quantity} is not a whole number of shares"
        if trade.price != price.close:
            yield f"{security_id}: the price {trade.price} is not the close {price.close}"
        if trade.notional != to_cents(trade.quantity * price.close):
            yield f"{security_id}: the notional {trade.notional} is not quantity times price"
        if not trade.reasons:
            yield f"{security_id}: the trade has no reason"

    def _permission(self, trade: ProposedTrade) -> Iterator[str]:
        security_id, settings = trade.security_id, self.settings
        security = self.market.securities.get(security_id)
        if security_id in self.snapshot.frozen:
            yield f"{security_id}: it is frozen ({self.snapshot.frozen[security_id]})"
        if security is not None and not security.tradable:
            yield f"{security_id}: it is not tradable"
        if trade.side is Side.SELL:
            if security_id in settings.restricted(RestrictionKind.NEVER_SELL):
                yield f"{security_id}: it must never be sold"
            return
        if security_id in settings.restricted(RestrictionKind.NEVER_BUY):
            yield f"{security_id}: it must never be bought"
        if security_id in settings.restricted(RestrictionKind.NEVER_HOLD):
            yield f"{security_id}: it must never be held"
        if self.target.weights.get(security_id, ZERO) <= 0 and self._band(security_id).minimum <= 0:
            yield f"{security_id}: it is bought without being in the model"

    def _size(self, trade: ProposedTrade) -> Iterator[str]:
        held = self.ledger.quantity.get(trade.security_id, ZERO)
        if trade.side is Side.SELL and trade.quantity > held + _LOT_TOLERANCE:
            yield f"{trade.security_id}: {trade.quantity} shares are sold, {held} are held"
        left = held - trade.quantity
        closes = trade.side is Side.SELL and left < (1 if self._whole(trade.security_id) else _LOT_TOLERANCE)
        if trade.notional < self.settings.minimum_trade - CENT and not closes:
            yield f"{trade.security_id}: {trade.notional} is below the minimum trade of {self.settings.minimum_trade}"

    def _whole(self, security_id: SecurityId) -> bool:
        security = self.market.securities.get(security_id)
        return security is not None and security.whole_shares

    def _band(self, security_id: SecurityId) -> WeightBand:
        return self.settings.weight_bands.get(security_id, WeightBand())

    # Lots and tax arithmetic.

    def _lots(self, trade: ProposedTrade) -> Iterator[str]:
        if trade.side is Side.BUY:
            if trade.lot_sales:
                yield f"{trade.security_id}: a purchase names lots to sell"
            return
        if sum((sale.quantity for sale in trade.lot_sales), ZERO) != trade.quantity:
            yield f"{trade.security_id}: the lots do not sum to {trade.quantity} shares"
        if sum((sale.proceeds for sale in trade.lot_sales), ZERO) != trade.notional:
            yield f"{trade.security_id}: the proceeds of the lots do not sum to {trade.notional}"
        if len({sale.lot_id for sale in trade.lot_sales}) != len(trade.lot_sales):
            yield f"{trade.security_id}: a lot is sold twice"
        for sale in trade.lot_sales:
            yield from self._lot_sale(trade, sale)

    def _lot_sale(self, trade: ProposedTrade, sale: LotSale) -> Iterator[str]:
        lot = self.ledger.lots.get(sale.lot_id)
        if lot is None or lot.security_id != trade.security_id:
            yield f"{trade.security_id}: lot {sale.lot_id} is not one of its lots"
            return
        if not 0 < sale.quantity <= lot.quantity:
            yield f"lot {sale.lot_id}: {sale.quantity} shares are sold of {lot.quantity}"
        if abs(sale.proceeds - sale.quantity * trade.price) > CENT:
            yield f"lot {sale.lot_id}: the proceeds {sale.proceeds} are not its share of the sale"
        basis = lot.cost if sale.quantity == lot.quantity else to_cents(lot.cost * sale.quantity / lot.quantity)
        if sale.basis != basis:
            yield f"lot {sale.lot_id}: the basis is {basis}, not {sale.basis}"
        if sale.gain != sale.proceeds - sale.basis:
            yield f"lot {sale.lot_id}: the gain {sale.gain} is not proceeds less basis"
        if sale.term is not holding_period(lot, self.snapshot.business_date):
            yield f"lot {sale.lot_id}: its term is not {sale.term}"

    # Wash sales.

    def _key(self, security_id: SecurityId) -> str:
        security = self.market.securities.get(security_id)
        return security.wash_key if security else security_id

    def _sales_at_a_loss(self) -> Iterator[tuple[ProposedTrade, LotSale, TaxLot]]:
        """Sales of lots that as a whole stand more than a cent below their basis."""
        for trade in self.proposal.trades:
            for sale in trade.lot_sales:
                lot = self.ledger.lots.get(sale.lot_id)
                if lot is not None and sale.gain < 0 and lot.quantity * trade.price < lot.cost - CENT:
                    yield trade, sale, lot

    def _washed(self, lot: TaxLot) -> bool:
        """A purchase of the last 30 days, other than the lot's own, is substantially identical (WS-1, WS-4)."""
        key = self._key(lot.security_id)
        others = [
            each
            for each in self.snapshot.lots
            if each.id != lot.id
            and each.acquired_on == lot.acquired_on
            and self._key(each.security_id) == key
            and (not lot.purchase_id or each.purchase_id != lot.purchase_id)
        ]
        for window in self.snapshot.wash_windows.purchases:
            own = window.account_id == self.snapshot.account.id and window.opened_on == lot.acquired_on and not others
            if window.wash_key == key and not own:
                return True
        return False

    def _wash_windows(self) -> Iterator[str]:
        for trade in self.proposal.trades:
            if trade.side is Side.BUY and self._key(trade.security_id) in self.snapshot.wash_windows.buy_blocked():
                yield f"{trade.security_id}: it is bought inside the wash sale window of a sale at a loss"
        needs_cash = self.snapshot.cash.trade_date_total < self._required()
        never_hold = self.settings.restricted(RestrictionKind.NEVER_HOLD)
        for trade, sale, lot in self._sales_at_a_loss():
            excused = needs_cash or trade.security_id in never_hold
            if self.taxable and not excused and self._washed(lot):
                yield f"lot {sale.lot_id}: a purchase of the last 30 days would wash its loss"

    def _both_sides_of_a_key(self) -> Iterator[str]:
        bought = {self._key(trade.security_id) for trade in self.proposal.trades if trade.side is Side.BUY}
        lost = {self._key(trade.security_id) for trade, _, _ in self._sales_at_a_loss()}
        for key in sorted(bought & lost) if self.taxable else ():
            yield f"{key}: it is sold at a loss and bought on one day"

    # Rules on the account as it ends.

    def _never_hold(self) -> Iterator[str]:
        for security_id in sorted(self.settings.restricted(RestrictionKind.NEVER_HOLD)):
            if self._untouchable(security_id):
                continue
            left = self.ledger.in_lots.get(security_id, ZERO) + self.traded.get(security_id, ZERO)
            if left >= (1 if self._whole(security_id) else _LOT_TOLERANCE):
                yield f"{security_id}: {left} shares stay of a security that must never be held"

    def _untouchable(self, security_id: SecurityId) -> bool:
        security = self.market.securities.get(security_id)
        covered = security_id in self.market.risk_model.securities and security_id in self.market.prices
        return security_id in self.snapshot.frozen or security is None or not security.tradable or not covered

    def _bands(self) -> Iterator[str]:
        """A band may be missed by its tolerance, the minimum trade and a share, or where nothing may cure it today."""
        for security_id, band in sorted(self.settings.weight_bands.items()):
            price = self.market.prices.get(security_id)
            if price is None or self._untouchable(security_id) or self.ledger.value <= 0:
                continue
            trade = self.traded.get(security_id, ZERO)
            weight = (self.ledger.quantity.get(security_id, ZERO) + trade) * price.close / self.ledger.value
            slack = max(BAND_TOLERANCE, self.settings.minimum_trade / self.ledger.value) + price.close / self.ledger.value
            if weight > band.maximum + slack and (trade > 0 or self._more_to_sell(security_id)):
                yield f"{security_id}: its weight of {weight:.4f} is above its largest of {band.maximum}"
            blocked = self._key(security_id) in self.snapshot.wash_windows.buy_blocked()
            if weight < band.minimum - slack and (trade < 0 or not blocked):
                yield f"{security_id}: its weight of {weight:.4f} is below its smallest of {band.minimum}"

    def _more_to_sell(self, security_id: SecurityId) -> bool:
        """True when a whole share is left in lots that no wash sale window locks."""
        price = self.market.prices[security_id].close
        sold = {sale.lot_id: sale.quantity for trade in self.proposal.trades for sale in trade.lot_sales}
        free = ZERO
        for lot in self.ledger.lots.values():
            if lot.security_id == security_id:
                locked = self.taxable and lot.quantity * price < lot.cost and self._washed(lot)
                free += ZERO if locked else lot.quantity - sold.get(lot.id, ZERO)
        return free >= 1

    def _required(self) -> Decimal:
        needs = sum((need.amount for need in self.settings.cash_needs), ZERO)
        return self.settings.cash_reserve + needs

    def _cash(self) -> Iterator[str]:
        before, required = self.snapshot.cash.trade_date_total, self._required()
        after = before + self._flows() - self._cost()
        if after < required:
            yield f"cash of {after} ends below the reserve and withdrawals of {required}"
        model_cash = self.target.cash_weight if self.target.cash_weight is not None else 1 - self.target.invested_weight
        wanted = max(self.settings.cash_target, model_cash, ZERO) * (self.ledger.value - required)
        floor = required + CASH_FLOOR_SHARE * wanted
        demanded = any(band.minimum > 0 for band in self.settings.weight_bands.values())
        if self.proposal.trades and after < min(floor, before) - CENT and not demanded:
            yield f"cash of {after} ends below its floor of {floor:.2f}"

    # Sums.

    def _flows(self) -> Decimal:
        return sum((each.notional if each.side is Side.SELL else -each.notional for each in self.proposal.trades), ZERO)

    def _cost(self) -> Decimal:
        total = ZERO
        for trade in self.proposal.trades:
            security = self.market.securities.get(trade.security_id)
            spread = security.half_spread_bps * BASIS_POINT if security else ZERO
            total += to_cents(trade.notional * spread) + self.settings.commission
        return total

    def _gain(self, term: HoldingPeriod, *, taxed: bool) -> Decimal:
        """Dollars of gain of one term; as taxed, washed losses count nothing."""
        if not self.taxable:
            return ZERO
        washed = {sale.lot_id for _, sale, lot in self._sales_at_a_loss() if self._washed(lot)} if taxed else set()
        sales = (sale for trade in self.proposal.trades for sale in trade.lot_sales)
        return sum((sale.gain for sale in sales if sale.term is term and sale.lot_id not in washed), ZERO)

    def _figures(self) -> Iterator[str]:
        proposal, settings = self.proposal, self.settings
        short, long = HoldingPeriod.SHORT_TERM, HoldingPeriod.LONG_TERM
        tax = to_cents(
            self._gain(short, taxed=True) * settings.short_term_rate + self._gain(long, taxed=True) * settings.long_term_rate
        )
        before, cost = self.snapshot.cash.trade_date_total, self._cost()
        expected = {
            "short-term gain": (proposal.short_term_gain, self._gain(short, taxed=False)),
            "long-term gain": (proposal.long_term_gain, self._gain(long, taxed=False)),
            "tax": (proposal.tax, tax),
            "cost": (proposal.cost, cost),
            "cash before": (proposal.before.cash, to_cents(before)),
            "cash after": (proposal.after.cash, to_cents(before + self._flows() - cost)),
            "account value before": (proposal.before.account_value, to_cents(self.ledger.value)),
            "account value after": (proposal.after.account_value, to_cents(self.ledger.value - cost)),
        }
        for name, (stated, right) in expected.items():
            if stated != right:
                yield f"the {name} is {right}, not {stated}"
        traded = sum((trade.notional for trade in proposal.trades), ZERO)
        turnover = traded / 2 / self.ledger.value if self.ledger.value > 0 else ZERO
        if abs(turnover - proposal.turnover) > _WEIGHT_STEP:
            yield f"the turnover is {turnover:.6f}, not {proposal.turnover}"
