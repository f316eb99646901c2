"""Ordinary accounts in columns: what `checked_problem` derives leg by leg of one account, of many in one pass.

For accounts whose securities have no limits but the account's own and the market's permissions; for all others there
are the legs. Floats, because a bound is no money; which lots stand at a loss hangs on cents and is decided exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from trimtab.domain.calibration import CASH_FLOOR_SHARE, WAIT_DAYS, wait_ramp
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_facts import Facts
from trimtab.domain.optimizer.checked_market import CheckedMarket, Flags, Floats, Ints
from trimtab.domain.optimizer.checked_round_off import apart
from trimtab.domain.optimizer.checked_target import Spread

_ROUND_OFF: Final = 1e-9

_MOST_LOTS: Final = 2.0
"""Of account value that the lots of one security may come to: far more than a position that is part of it."""

_DOUBT: Final = 1e-12
"""Relative to proceeds and cost: three roundings of floats move their difference by less than a thousandth of it."""


@dataclass(frozen=True, slots=True, eq=False)
class LotColumns:
    """One row a lot that may be sold, by account and security, then the cheapest tax first; as in `LotLeg`."""

    source: Ints  # among all lots of the accounts
    place: Ints  # of its security
    most: Floats
    tax: Floats
    gain: Floats
    short_term: Flags
    at_loss: Flags
    washed: Floats
    wash_cost: Floats


@dataclass(frozen=True, slots=True, eq=False)
class AccountColumns:
    """One row an account; as in `CheckedProblem` and `Parameters`."""

    value: Floats  # dollars
    cash: Floats
    cash_least: Floats
    cash_wanted: Floats
    commission: Floats
    tracking_limit: Floats  # infinite: none
    risk_aversion: Floats
    churn: Floats
    drag: Floats
    shortfall: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One row a security of an account, the accounts one after the other; as in `Leg`."""

    facts: Sequence[Facts]
    accounts: AccountColumns
    account: Ints
    begin: Ints  # (accounts,) the first security of each
    first_lot: Ints  # (accounts,) the first of all its lots
    key: Ints  # number of the wash key within the account, all accounts counted on
    holding: Floats
    active: Floats
    tilt: Floats
    half_spread: Floats
    share: Floats
    whole: Flags
    most_bought: Floats
    most_sold: Floats
    loadings: Floats
    specific_risk: Floats
    variance: Floats
    contested: Flags
    lots: LotColumns
    sound: Flags  # (accounts,) false where the numbers are none, or the account is lent money

    @property
    def sizes(self) -> Ints:
        """(accounts,) how many securities each has."""
        return np.diff(self.begin, append=len(self.account))

    @property
    def at_most(self) -> Floats:
        """What the active weight is the difference of, added."""
        return self.holding + np.abs(self.holding - self.active)

    def by_security(self, amount: Floats) -> Floats:
        """Sums of an amount of each lot, by security."""
        return np.asarray(np.bincount(self.lots.place, amount, len(self.account)), dtype=np.float64)

    def by_account(self, amount: Floats) -> Floats:
        """Sums of an amount of each security, by account."""
        return np.add.reduceat(amount, self.begin)

    def whole_shares(self, weight: Floats) -> Floats:
        """`weight` less what is no whole share of it."""
        return _whole_shares(weight, self.share, self.whole)


def columns_of(every: Sequence[Facts], market: CheckedMarket) -> Columns:
    """Of at least one account of the market."""
    return _Derivation(every, market).columns()


class _Derivation:
    """From the accounts' facts to columns."""

    def __init__(self, every: Sequence[Facts], market: CheckedMarket) -> None:
        self._every, self._market = every, market
        sizes, lots = [len(each.ids) for each in every], [len(each.lots) for each in every]
        self._begin, self._first_lot = (np.cumsum([0, *counts[:-1]]) for counts in (sizes, lots))
        self._account = np.repeat(np.arange(len(every)), sizes)
        self._of_lot = np.repeat(np.arange(len(every)), lots)
        self._rows = _joined([each.rows for each in every], np.int64)
        self._place = _joined([each.lot_place for each in every], np.int64) + self._begin[self._of_lot]
        self._parameters = [each.account.parameters for each in every]
        self._value = np.array([float(each.account.value) for each in every])
        self._close = market.close[self._rows]

    def columns(self) -> Columns:
        market, rows, account = self._market, self._rows, self._account
        share = self._close / self._value[account]
        holding = _joined([each.shares for each in self._every], np.float64) * share
        wanted = _joined([each.weights for each in self._every], np.float64)
        scale = np.array([float(each.spread.scale) for each in self._every])
        lots, sound = self._lots()
        buyable = self._open([each.never_bought for each in self._every]) & (wanted > 0)
        specific, whole = market.specific_risk[rows], market.whole[rows]
        of_lots, sellable, gaining = (
            np.asarray(np.bincount(lots.place, amount, len(rows)), dtype=np.float64)
            for amount in (np.ones(len(lots.most)), lots.most, np.where(lots.at_loss, 0.0, lots.most))
        )
        most_bought = np.where(buyable, 1 - holding, 0.0)
        key = np.unique(account * len(market.keys) + market.key[rows], return_inverse=True)[1]
        fit = (holding >= 0) & (holding <= 1) & (wanted >= 0) & (sellable <= _MOST_LOTS) & ~market.redeemed_late[rows]
        for weight in (sellable, gaining):
            fit &= ~(whole & _hangs_on_round_off(weight / share, of_lots))
        sound &= np.logical_and.reduceat(fit, self._begin)
        floor = np.array([each.specific_risk_floor for each in self._parameters])
        return Columns(
            facts=self._every,
            accounts=self._accounts(),
            account=account,
            begin=self._begin,
            first_lot=self._first_lot,
            key=key,
            holding=holding,
            active=holding - wanted * scale[account],
            tilt=self._tilts(),
            half_spread=market.half_spread[rows],
            share=share,
            whole=whole,
            most_bought=most_bought,
            most_sold=np.minimum(_whole_shares(sellable, share, whole), holding),
            loadings=market.loadings[rows],
            specific_risk=specific,
            variance=np.maximum(specific, floor[account]) ** 2,
            contested=self._contested(lots, most_bought, key),
            lots=lots,
            sound=sound,
        )

    def _accounts(self) -> AccountColumns:
        every, parameters = [each.account for each in self._every], self._parameters
        required = [float(each.cash_required / each.value) for each in every]
        limits = [each.settings.tracking_error_limit for each in every]
        return AccountColumns(
            value=self._value,
            cash=np.array([float(each.cash_before / each.value) for each in every]),
            cash_least=np.maximum(required, [_stop(each.account, each.spread) for each in self._every]),
            cash_wanted=np.maximum(required, [float(each.spread.cash) for each in self._every]),
            commission=np.array([float(each.settings.commission / each.value) for each in every]),
            tracking_limit=np.array([np.inf if limit is None else float(limit) for limit in limits]),
            risk_aversion=np.array([each.risk_aversion for each in parameters]),
            churn=np.array([each.churn for each in parameters]),
            drag=np.array([each.cash_drag for each in parameters]),
            shortfall=np.array([each.cash_shortfall for each in parameters]),
        )

    def _tilts(self) -> Floats:
        tilt = np.zeros(len(self._account))
        for begin, each in zip(self._begin.tolist(), self._every, strict=True):
            for name, expected in each.account.settings.tilts.items():
                if name in each.place:
                    tilt[begin + each.place[name]] = float(expected)
        return tilt

    def _open(self, closed: Sequence[Sequence[int]]) -> Flags:
        """Securities that trade and are not among the `closed` places of their account."""
        may: Flags = self._market.may_trade[self._rows]
        shut = [begin + at for begin, places in zip(self._begin.tolist(), closed, strict=True) for at in places]
        may[shut] = False
        return may

    def _contested(self, lots: LotColumns, most_bought: Floats, key: Ints) -> Flags:
        """Securities of wash keys that could be sold at a loss and bought on one day."""
        keys = int(key.max()) + 1
        losing = np.bincount(key[lots.place], lots.at_loss & (lots.most > 0), keys) > 0
        taxable = np.array([each.account.taxable for each in self._every], dtype=np.bool_)
        both = losing & (np.bincount(key, most_bought > 0, keys) > 0)
        contested: Flags = both[key] & taxable[self._account]
        return contested

    def _lots(self) -> tuple[LotColumns, Flags]:
        """The open lots, and accounts whose lots are sound."""
        quantity = _joined([each.quantity for each in self._every], np.float64)
        cost = _joined([each.cost for each in self._every], np.float64)
        proceeds = quantity * self._close[self._place]
        wrong = ~((proceeds > 0) & np.isfinite(proceeds) & np.isfinite(cost))
        sound = np.bincount(self._of_lot, wrong, len(self._every)) == 0
        proceeds[wrong], cost[wrong] = 1.0, 0.0
        at_loss = self._at_loss(proceeds, cost, wrong)
        open_ = self._open([each.never_sold for each in self._every])[self._place]
        washed = self._washed(at_loss, open_)
        return self._taxed(proceeds, cost, at_loss, washed, np.flatnonzero(open_)), sound

    def _at_loss(self, proceeds: Floats, cost: Floats, wrong: Flags) -> Flags:
        """Lots that as a whole would lose more than a cent: in decimals where floats leave a doubt, or are `wrong`."""
        lost = cost - 0.01 - proceeds
        at_loss: Flags = lost > 0
        for lot in np.flatnonzero(wrong | (np.abs(lost) <= _DOUBT * (proceeds + cost))).tolist():
            each = self._every[self._of_lot[lot]]
            at_loss[lot] = each.account.loses(each.lots[lot - self._first_lot[self._of_lot[lot]]])
        return at_loss

    def _washed(self, at_loss: Flags, open_: Flags) -> Floats:
        """Share of each lot whose loss is washed when all of it is sold; closes those that would be washed whole."""
        washed = np.zeros(len(at_loss))
        for first, each in zip(self._first_lot.tolist(), self._every, strict=True):
            if not (each.account.taxable and each.account.snapshot.wash_windows.purchases):
                continue
            losing = np.flatnonzero(at_loss[first : first + len(each.lots)]).tolist()
            each.account.know_losing([each.lots[row] for row in losing])
            washes = each.account.washes(unlocked=False)
            for row in losing if washes.if_sold else ():
                lot = each.lots[row]
                if lot.id in washes.locked:
                    open_[first + row] = False
                elif lot.id in washes.if_sold:
                    washed[first + row] = float(washes.if_sold[lot.id] / lot.quantity)
        return washed

    def _taxed(self, proceeds: Floats, cost: Floats, at_loss: Flags, washed: Floats, rows: Ints) -> LotColumns:
        """The open lots, in order. A washed loss saves no tax and costs what a gain of its size would."""
        proceeds, cost, at_loss, washed = proceeds[rows], cost[rows], at_loss[rows], washed[rows]
        wait = _joined([each.wait for each in self._every], np.int64)[rows]
        of, place, short_term = self._of_lot[rows], self._place[rows], wait > 0
        weight, credit, full, patience, short, long = self._rates()
        gain = (proceeds - cost) / proceeds
        due = np.where(short_term, short[of], long[of]) * gain
        ramp = np.clip((-gain / np.maximum(1 - gain, 1e-12) / full[of] - 0.5) * 2, 0.0, 1.0)
        wash_cost = np.where(at_loss, -due * (weight[of] + credit[of] * ramp), 0.0)
        waiting = patience[of] * np.maximum(gain, 0.0) * _waits(wait)
        tax = np.where(at_loss, due * credit[of] * ramp + washed * wash_cost, due * weight[of] + waiting)
        taxable = np.array([each.account.taxable for each in self._every], dtype=np.bool_)[of]
        tax, gain = np.where(taxable, tax, 0.0), np.where(taxable, gain * (1 - washed), 0.0)
        order = np.lexsort((tax, place))
        return LotColumns(
            source=rows[order],
            place=place[order],
            most=(proceeds / self._value[of])[order],
            tax=tax[order],
            gain=gain[order],
            short_term=short_term[order],
            at_loss=at_loss[order],
            washed=washed[order],
            wash_cost=np.where(taxable, wash_cost, 0.0)[order],
        )

    def _rates(self) -> tuple[Floats, ...]:
        """By account: weight of a gain's tax, credit of a loss, where it is whole, price of waiting, the two rates."""
        settings = [each.account.settings for each in self._every]
        short = np.array([float(each.short_term_rate) for each in settings])
        long = np.array([float(each.long_term_rate) for each in settings])
        weight, credit, full, wait = (
            np.array([getattr(each, name) for each in self._parameters])
            for name in ("gain_tax_weight", "loss_credit", "full_credit_loss", "wait_weight")
        )
        return weight, credit, full, wait * np.maximum(short - long, 0.0), short, long


def _joined(lists: Sequence[Sequence[float]], kind: type[np.generic]) -> np.ndarray:
    return np.array(list(chain.from_iterable(lists)), dtype=kind)


def _whole_shares(weight: Floats, share: Floats, whole: Flags) -> Floats:
    return np.where(whole, np.minimum(np.floor(weight / share + _ROUND_OFF) * share, weight), weight)


def _hangs_on_round_off(shares: Floats, terms: Floats) -> Flags:
    """Where another order of as many terms could make one whole share more, or one less."""
    shares = shares + _ROUND_OFF
    unsure: Flags = np.abs(shares - np.rint(shares)) <= apart(terms, shares, operations=8)
    return unsure


def _waits(days: Ints) -> Floats:
    """How much of the wait for long-term counts for each lot."""
    counts = np.zeros(len(days))
    soon = np.flatnonzero((days > 0) & (days <= WAIT_DAYS))
    counts[soon] = [wait_ramp(each) for each in days[soon].tolist()]
    return counts


def _stop(account: CheckedAccount, spread: Spread) -> float:
    """Where purchases stop: half way to the wanted cash, and no higher than today's."""
    required = account.cash_required
    half_way = required + CASH_FLOOR_SHARE * max(spread.cash * account.value - required, ZERO)
    return float(min(half_way, account.cash_before) / account.value)
