"""Could one more trade bring a broken band nearer? The checker tries the smallest ones against every other rule.

A band of a group that was broken before the trades is mended as far as the account's other rules let, so one that is
still broken is a fault only when some further sale, or purchase, of a member would have kept all of them. Limits on
the whole account (tracking error, turnover, names, small positions, budgets) share out what can be mended and are not
tried: where one is set, it may be in the way.
"""

from collections.abc import Collection, Iterator
from decimal import ROUND_CEILING, Decimal

from trimtab.domain.account_settings import GroupBand
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_rows import is_member
from trimtab.domain.securities import SecurityId


class Cures:
    """What may still be traded in an account after a proposal."""

    def __init__(self, account: CheckedAccount, floor: Decimal, tolerance: Decimal, slack: Decimal) -> None:
        """Cash may fall to `floor` dollars; less than these fractions of account value are no cure.

        `tolerance` counts for a trade that could be smaller, `slack`, a share more, for one that is new.
        """
        self._account, self._floor = account, floor
        self._tolerance, self._slack = tolerance * account.value, slack * account.value
        settings = account.settings
        # What is left of a limit in whole shares is less than the dearest of those traded.
        self._dearest = max((account.unit_dollars(each) for each in account.traded), default=ZERO)
        limits = (
            settings.tracking_error_limit,
            settings.maximum_names,
            settings.turnover_limit,
            settings.tax_budget,
            settings.gain_budget,
            settings.short_term_gain_budget,
            settings.forced_harvest,
        )
        self._others = any(limit is not None for limit in limits) or settings.minimum_holding > 0
        self._sold = {sale.lot_id: sale.quantity for trade in account.proposal.trades for sale in trade.lot_sales}

    def can_fall(self, members: Collection[SecurityId], band: GroupBand) -> bool:
        """True when less of some member could be held."""
        return not self._others and any(
            self._can_buy_less(each, band) or self._can_sell(each, self._step(each, self._slack), band)
            for each in members
        )

    def can_rise(self, members: Collection[SecurityId], band: GroupBand) -> bool:
        """True when more of some member could be held, from cash or from the sale of another name."""
        return not self._others and any(
            self._can_sell_less(each, band) or self._can_buy(each, band, members) for each in members
        )

    def _step(self, security_id: SecurityId, worth: Decimal) -> Decimal:
        """Shares of the smallest trade of so many dollars."""
        unit, dollars = self._account.round_lot(security_id), self._account.unit_dollars(security_id)
        units = (worth / dollars).to_integral_value(ROUND_CEILING) if dollars > 0 else ZERO
        return unit * max(units, Decimal(1))

    def _can_sell(self, security_id: SecurityId, shares: Decimal, band: GroupBand) -> bool:
        """True when so many more shares may be sold."""
        account = self._account
        never_sold = security_id in account.never_sell or account.closed(security_id)
        if never_sold or account.traded.get(security_id, ZERO) > 0 or not self._weight_may(security_id, -shares, band):
            return False
        return sum(self._free_lots(security_id), ZERO) >= shares

    def _can_buy(self, security_id: SecurityId, band: GroupBand, members: Collection[SecurityId]) -> bool:
        account, shares = self._account, self._step(security_id, self._slack)
        bought_before = account.traded.get(security_id, ZERO) >= 0 and not self._is_sold_at_a_loss(security_id)
        allowed = account.wanted(security_id) and account.open_to_purchases(security_id)
        if not (allowed and bought_before and self._weight_may(security_id, shares, band)):
            return False
        dollars = shares * account.close(security_id)
        missing = dollars * (1 + self._half_spread(security_id)) + account.commission(security_id)
        missing -= account.cash_after - self._floor - self._dearest
        others = (each for each in account.names if each not in members)
        return missing <= 0 or any(self._can_raise(each, missing, band) for each in others)

    def _can_raise(self, security_id: SecurityId, missing: Decimal, band: GroupBand) -> bool:
        """True when the sale of one name may bring the cash that a purchase misses."""
        account, unit = self._account, self._account.round_lot(security_id)
        dollars = account.unit_dollars(security_id) * (1 - self._half_spread(security_id))
        if dollars <= 0:
            return False
        units = ((missing + account.commission(security_id)) / dollars).to_integral_value(ROUND_CEILING)
        return self._can_sell(security_id, max(unit * units, self._step(security_id, self._slack)), band)

    def _can_buy_less(self, security_id: SecurityId, band: GroupBand) -> bool:
        """True when a purchase could be smaller: what is left of it is a trade, and no rule asks for it."""
        account, step = self._account, self._step(security_id, self._tolerance)
        left = account.traded.get(security_id, ZERO) - step
        return left >= 0 and self._is_trade(security_id, left) and self._weight_may(security_id, -step, band)

    def _can_sell_less(self, security_id: SecurityId, band: GroupBand) -> bool:
        """True when a sale could be smaller: what is left of it is a trade, and the cash is not needed."""
        account, step = self._account, self._step(security_id, self._tolerance)
        left = -account.traded.get(security_id, ZERO) - step
        worth = step * account.close(security_id)
        if left < 0 or not self._is_trade(security_id, left):
            return False
        has_cash = account.cash_after - worth >= self._floor
        return has_cash and security_id not in account.never_hold and self._weight_may(security_id, step, band)

    def _is_trade(self, security_id: SecurityId, shares: Decimal) -> bool:
        """True for nothing, and for what is worth the minimum trade."""
        return shares == 0 or shares * self._account.close(security_id) >= self._account.settings.minimum_trade

    # The rules that a further trade must keep.

    def _weight_may(self, security_id: SecurityId, shares: Decimal, mended: GroupBand) -> bool:
        """True when its own band and every other group's hold after `shares` more (or less, below zero) of it."""
        account = self._account
        change = shares * account.close(security_id) / account.value
        own = account.band(security_id)
        weights = [(account.weight_after(security_id) + change, own.minimum, own.maximum)]
        for other in account.settings.group_bands:
            if other is not mended and is_member(account, other, security_id):
                weights.append((self._weight_of(other) + change, other.minimum, other.maximum))
        return all(weight <= most if change > 0 else weight >= least for weight, least, most in weights)

    def _weight_of(self, band: GroupBand) -> Decimal:
        account = self._account
        return sum((account.weight_after(each) for each in account.names if is_member(account, band, each)), ZERO)

    def _free_lots(self, security_id: SecurityId) -> Iterator[Decimal]:
        """Shares, by lot, of what no rule on lots locks and the proposal leaves."""
        account = self._account
        for lot in account.lots_of(security_id):
            free = lot.quantity - self._sold.get(lot.id, ZERO)
            barred = account.taxable and self._is_bought(security_id) and account.is_losing(lot)
            if free > 0 and not barred and not account.locked(lot):
                yield free

    def _is_bought(self, security_id: SecurityId) -> bool:
        account, key = self._account, self._account.wash_key(security_id)
        return any(account.wash_key(each) == key for each, traded in account.traded.items() if traded > 0)

    def _is_sold_at_a_loss(self, security_id: SecurityId) -> bool:
        account, key = self._account, self._account.wash_key(security_id)
        return account.taxable and any(account.wash_key(each) == key for each, _, _ in account.sales_at_a_loss)

    def _half_spread(self, security_id: SecurityId) -> Decimal:
        security = self._account.market.securities.get(security_id)
        return security.half_spread_bps * BASIS_POINT if security else ZERO
