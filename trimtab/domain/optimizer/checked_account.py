"""The account as the checker sees it: decimals, straight from the input, nothing from the optimizer's arrays."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from itertools import product

from trimtab.domain.account_settings import RestrictionKind, WeightBand
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import Parameters, parameters_for
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, first_long_term_sale_date
from trimtab.domain.money import BASIS_POINT, CENT, ZERO, to_cents
from trimtab.domain.optimizer.checked_securities import CheckedSecurities
from trimtab.domain.optimizer.checked_washes import CheckedWashes, Losing
from trimtab.domain.orders import Side
from trimtab.domain.proposals import LotSale, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


class CheckedAccount(CheckedSecurities):
    """One input and one proposal, with what both the rules on trades and those on the account need."""

    def __init__(self, request: AnalysisInput, proposal: RebalanceProposal) -> None:
        super().__init__(request.market)
        self.snapshot, self.target = request.snapshot, request.target
        self.settings = request.snapshot.settings
        self.calibration = request.calibration
        self.proposal = proposal
        self.taxable = self.snapshot.account.tax_status is TaxStatus.TAXABLE
        never = self.settings.restricted
        self.never_buy, self.never_sell = never(RestrictionKind.NEVER_BUY), never(RestrictionKind.NEVER_SELL)
        self.never_hold, self.never_trade = never(RestrictionKind.NEVER_HOLD), never(RestrictionKind.NEVER_TRADE)
        self.barred_keys = self.snapshot.wash_windows.buy_blocked()
        self.keys_of_peers = {
            bought.wash_key
            for bought in self.snapshot.wash_windows.purchases
            if bought.account_id != self.snapshot.account.id and bought.opened_on == self.snapshot.business_date
        }
        self._untouchable: dict[SecurityId, bool] = {}
        self._losing: Sequence[TaxLot] | None = None
        self.quantity = {each.security_id: each.quantity for each in self.snapshot.positions}
        self.traded = {
            trade.security_id: trade.quantity if trade.side is Side.BUY else -trade.quantity
            for trade in proposal.trades
        }

    @cached_property
    def parameters(self) -> Parameters:
        """The prices of the account's objective."""
        return parameters_for(self.settings, self.snapshot.business_date, self.calibration)

    @cached_property
    def lots(self) -> dict[LotId, TaxLot]:
        return {lot.id: lot for lot in self.snapshot.lots}

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

    @cached_property
    def away(self) -> dict[SecurityId, Decimal]:
        """Dollars held at other custodians: they count towards the target and shape risk, and cannot be traded."""
        dollars: dict[SecurityId, Decimal] = {}
        for each in self.snapshot.held_away:
            dollars[each.security_id] = dollars.get(each.security_id, ZERO) + each.market_value
        return dollars

    @property
    def losing(self) -> Sequence[TaxLot]:
        """Lots that as a whole would lose more than a cent at today's close."""
        if self._losing is None:
            self._losing = [lot for lot in self.snapshot.lots if self.loses(lot)]
        return self._losing

    def told_losing(self, lots: Sequence[TaxLot]) -> None:
        """Takes them from who has looked at many accounts at once, in decimals where floats are in doubt."""
        if self._losing is None:
            self._losing = lots

    @cached_property
    def _losing_ids(self) -> frozenset[LotId]:
        return frozenset([lot.id for lot in self.losing])

    def loses(self, lot: TaxLot) -> bool:
        """The same of one lot, in decimals."""
        price = self.market.prices.get(lot.security_id)
        return price is not None and lot.quantity * price.close < lot.cost - CENT

    def is_losing(self, lot: TaxLot) -> bool:
        """True for a lot that as a whole would lose more than a cent at today's close."""
        return lot.id in self._losing_ids

    def term(self, lot: TaxLot) -> HoldingPeriod:
        """Of a sale on the business date."""
        return HoldingPeriod.SHORT_TERM if self.days_to_long_term(lot) > 0 else HoldingPeriod.LONG_TERM

    def days_to_long_term(self, lot: TaxLot) -> int:
        """Days until a sale of the lot is long-term; zero or less when it is (TL-3)."""
        return (first_long_term_sale_date(lot.holding_from) - self.snapshot.business_date).days

    @property
    def cash_before(self) -> Decimal:
        return self.snapshot.cash.trade_date_total

    @property
    def cash_required(self) -> Decimal:
        """Reserve and announced withdrawals."""
        return self.settings.cash_reserve + sum((need.amount for need in self.settings.cash_needs), ZERO)

    def band(self, security_id: SecurityId) -> WeightBand:
        return self.settings.weight_bands.get(security_id, WeightBand())

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

    def closed(self, security_id: SecurityId) -> bool:
        """True when it may neither be bought nor sold today."""
        return security_id in self.never_trade or self.untouchable(security_id)

    @property
    def names(self) -> tuple[SecurityId, ...]:
        """Everything that is held, wanted by the model, or demanded by a band, by id."""
        banded = {each for each, band in self.settings.weight_bands.items() if band.minimum > 0}
        return tuple(sorted(self.quantity.keys() | self.target.weights.keys() | self.substitutes.keys() | banded))

    @cached_property
    def substitutes(self) -> dict[SecurityId, bool]:
        """Substitutes of names that the model holds, and whether they may be bought."""
        return {
            each.security_id: each.buyable
            for name, substitutes in self.target.substitutes.items()
            if self.target.weights.get(name, ZERO) > 0
            for each in substitutes
        }

    def wanted(self, security_id: SecurityId) -> bool:
        """True when the model, a substitution or a band lets it be bought."""
        in_model = self.target.weights.get(security_id, ZERO) > 0
        return in_model or self.substitutes.get(security_id, False) or self.band(security_id).minimum > 0

    def open_to_purchases(self, security_id: SecurityId) -> bool:
        """True when no restriction, freeze or open wash sale window bars a purchase."""
        barred = security_id in self.never_buy or security_id in self.never_hold or self.closed(security_id)
        return not barred and self.wash_key(security_id) not in self.barred_keys

    def too_young(self, lot: TaxLot) -> str | None:
        """Why the lot may not be sold yet, or None: days since it was bought (TL-1), whatever its tax date is."""
        security, least = self.market.securities.get(lot.security_id), self.settings.minimum_holding_days
        redemption = security.redemption_days if security is not None else 0
        if not redemption and not least:
            return None
        age = (self.snapshot.business_date - lot.acquired_on).days
        if age < least:
            return f"it is {age} days old, and lots are held {least} days"
        if age < redemption:
            return f"it is {age} days old, and redeemed only after {redemption} days"
        return None

    def locked(self, lot: TaxLot) -> bool:
        """True for a lot that is too young to be sold, or whose whole loss purchases of the last 30 days would wash."""
        return self.washed(lot) or self.too_young(lot) is not None

    def lots_of(self, security_id: SecurityId) -> Sequence[TaxLot]:
        """Its lots, by id."""
        return self._by_security.get(security_id, ())

    @cached_property
    def _by_security(self) -> dict[SecurityId, list[TaxLot]]:
        lots: dict[SecurityId, list[TaxLot]] = {}
        for lot in sorted(self.lots.values(), key=lambda each: each.id):
            lots.setdefault(lot.security_id, []).append(lot)
        return lots

    def weight_after(self, security_id: SecurityId) -> Decimal:
        """Fraction of account value after the trades."""
        traded = self.traded.get(security_id, ZERO) * self.close(security_id)
        return (self.worth(security_id) + traded) / self.value

    @cached_property
    def cash_after(self) -> Decimal:
        flows = [each.notional if each.side is Side.SELL else -each.notional for each in self.proposal.trades]
        return self.cash_before + sum(flows, ZERO) - self.cost

    @cached_property
    def cost(self) -> Decimal:
        """Dollars of half spreads, to the cent for each order, and of commissions."""
        total = self.commissions
        for trade in self.proposal.trades:
            security = self.market.securities.get(trade.security_id)
            total += to_cents(trade.notional * security.half_spread_bps * BASIS_POINT) if security else ZERO
        return total

    def commission(self, security_id: SecurityId) -> Decimal:
        """Dollars of one order of it: the price of its kind, where that has one."""
        security, prices = self.market.securities.get(security_id), self.settings.commission_by_kind
        return prices[security.kind] if security and security.kind in prices else self.settings.commission

    @cached_property
    def commissions(self) -> Decimal:
        """Dollars of all orders of the proposal."""
        return sum([self.commission(trade.security_id) for trade in self.proposal.trades], ZERO)

    @cached_property
    def sales_at_a_loss(self) -> Sequence[tuple[SecurityId, LotSale, TaxLot]]:
        """Sales of lots that as a whole stand more than a cent below their basis."""
        lots = self.lots
        return [
            (trade.security_id, sale, lot)
            for trade in self.proposal.trades
            for sale in trade.lot_sales
            if sale.gain < 0
            and (lot := lots.get(sale.lot_id)) is not None
            and lot.quantity * trade.price < lot.cost - CENT
        ]

    def washes(self, *, unlocked: bool) -> CheckedWashes:
        """The wash sale rule on this account; `unlocked` when cash is owed that only washed losses can raise."""
        return self._washes_of(unlocked=True) if unlocked else self._washes

    def _washes_of(self, *, unlocked: bool) -> CheckedWashes:
        windows = self.snapshot.wash_windows.purchases
        losing: list[Losing] = []
        if self.taxable and windows:
            bought = {each.wash_key for each in windows}
            lots = {lot.id: lot for lot in self.losing}.values()
            keys = {each: self.wash_key(each) for each in {lot.security_id for lot in lots}}
            barred = {each: self._never_sold(each) for each, key in keys.items() if key in bought}
            losing = [
                Losing(
                    lot,
                    keys[lot.security_id],
                    barred[lot.security_id] or self.too_young(lot) is not None,
                    unlocked or lot.security_id in self.never_hold,
                    keys[lot.security_id] in self.keys_of_peers,
                )
                for lot in lots
                if lot.security_id in barred
            ]
        return CheckedWashes(self.snapshot.account.id, windows, losing)

    @cached_property
    def _washes(self) -> CheckedWashes:
        return self._washes_of(unlocked=False)

    def _never_sold(self, security_id: SecurityId) -> bool:
        return security_id in self.never_sell or self.closed(security_id)

    def washed(self, lot: TaxLot) -> bool:
        """Purchases of the last 30 days would wash every share of it (WS-1, WS-3, WS-4): it stays."""
        return lot.id in self._washes.locked

    @cached_property
    def washed_shares(self) -> dict[LotId, Decimal]:
        """Shares washed of each lot that the proposal sells at a loss."""
        return self._washes.matched({sale.lot_id: sale.quantity for _, sale, _ in self.sales_at_a_loss})

    def gain(self, term: HoldingPeriod, *, taxed: bool) -> Decimal:
        """Dollars of gain of one term; as taxed, washed losses count nothing. Nothing is taxable in an IRA."""
        return self._gains[term, taxed] if self.taxable else ZERO

    @cached_property
    def _gains(self) -> dict[tuple[HoldingPeriod, bool], Decimal]:
        gains = dict.fromkeys(product(HoldingPeriod, (False, True)), ZERO)
        for sale in [sale for trade in self.proposal.trades for sale in trade.lot_sales]:
            gains[sale.term, False] += sale.gain
            gains[sale.term, True] += sale.gain + self._disallowed(sale)
        return gains

    def _disallowed(self, sale: LotSale) -> Decimal:
        """Dollars of its loss that are washed: in the proportion of the shares, to the cent (WS-5)."""
        washed = self.washed_shares.get(sale.lot_id, ZERO)
        return to_cents(-sale.gain * washed / sale.quantity) if washed else ZERO
