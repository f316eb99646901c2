"""Ordinary accounts in columns: what `checked_problem` derives leg by leg of one account, of many in one pass.

For accounts whose securities have no limits but the account's own and the market's permissions; for all others there
are the legs. Floats, because a bound is no money; which lots stand at a loss hangs on cents and is decided exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trimtab.domain.calibration import CASH_FLOOR_SHARE
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_facts import Facts
from trimtab.domain.optimizer.checked_lot_columns import LotColumns, LotReader, joined
from trimtab.domain.optimizer.checked_market import CheckedMarket, Flags, Floats, Ints
from trimtab.domain.optimizer.checked_round_off import apart
from trimtab.domain.optimizer.checked_target import Spread

_ROUND_OFF: Final = 1e-9

_MOST_LOTS: Final = 2.0
"""Of account value that the lots of one security may come to: far more than a position that is part of it."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountColumns:
    """One row an account; as in `CheckedProblem` and `Parameters`."""

    value: Floats  # dollars
    cash: Floats
    cash_least: Floats
    cash_wanted: Floats
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
        sizes = [len(each.ids) for each in every]
        self._begin = np.cumsum([0, *sizes[:-1]])
        self._account = np.repeat(np.arange(len(every)), sizes)
        self._rows = joined([each.rows for each in every], np.int64)
        self._parameters = [each.account.parameters for each in every]
        self._value = np.array([float(each.account.value) for each in every])
        self._close = market.close[self._rows]

    def columns(self) -> Columns:
        market, rows, account = self._market, self._rows, self._account
        share = self._close / self._value[account]
        holding = joined([each.shares for each in self._every], np.float64) * share
        wanted = joined([each.weights for each in self._every], np.float64)
        scale = np.array([float(each.spread.scale) for each in self._every])
        reader = LotReader(self._every, self._begin, self._close)
        lots, sound = reader.columns(self._open([each.never_sold for each in self._every]))
        buyable = self._open([each.never_bought for each in self._every]) & (wanted > 0)
        specific, whole = market.specific_risk[rows], market.whole[rows]
        sellable = np.asarray(np.bincount(lots.place, lots.most, len(rows)), dtype=np.float64)
        most_bought = np.where(buyable, 1 - holding, 0.0)
        key = np.unique(account * len(market.keys) + market.key[rows], return_inverse=True)[1]
        fit = (wanted >= 0) & (holding >= 0) & (holding <= 1) & (sellable <= _MOST_LOTS) & ~market.redeemed_late[rows]
        fit &= ~(whole & self._hangs_on_round_off(lots, share))
        sound &= np.logical_and.reduceat(fit, self._begin)
        floor = np.array([each.specific_risk_floor for each in self._parameters])
        return Columns(
            facts=self._every,
            accounts=self._accounts(),
            account=account,
            begin=self._begin,
            first_lot=reader.first_lot,
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

    def _hangs_on_round_off(self, lots: LotColumns, share: Floats) -> Flags:
        """Where another order of the sum of lots, of all or of those not at a loss, could make a whole share of it."""
        unsure, n = np.zeros(len(share), dtype=np.bool_), len(share)
        count = np.bincount(lots.place, minlength=n)
        for most in (lots.most, np.where(lots.at_loss, 0.0, lots.most)):
            shares = np.bincount(lots.place, most, n) / share + _ROUND_OFF
            unsure |= np.abs(shares - np.rint(shares)) <= apart(count, shares, operations=8)
        return unsure

    def _accounts(self) -> AccountColumns:
        every, parameters = [each.account for each in self._every], self._parameters
        required = [float(each.cash_required / each.value) for each in every]
        limits = [each.settings.tracking_error_limit for each in every]
        return AccountColumns(
            value=self._value,
            cash=np.array([float(each.cash_before / each.value) for each in every]),
            cash_least=np.maximum(required, [_stop(each.account, each.spread) for each in self._every]),
            cash_wanted=np.maximum(required, [float(each.spread.cash) for each in self._every]),
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


def _whole_shares(weight: Floats, share: Floats, whole: Flags) -> Floats:
    return np.where(whole, np.minimum(np.floor(weight / share + _ROUND_OFF) * share, weight), weight)


def _stop(account: CheckedAccount, spread: Spread) -> float:
    """Where purchases stop: half way to the wanted cash, and no higher than today's."""
    required = account.cash_required
    half_way = required + CASH_FLOOR_SHARE * max(spread.cash * account.value - required, ZERO)
    return float(min(half_way, account.cash_before) / account.value)
