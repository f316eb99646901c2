"""The lots of ordinary accounts in columns: what a sale of each would bring and be taxed, of all in one pass.

Floats, because a bound is no money; which lots stand at a loss hangs on cents and is decided exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from trimtab.domain.calibration import WAIT_DAYS, wait_ramp
from trimtab.domain.optimizer.checked_facts import Facts
from trimtab.domain.optimizer.checked_market import Flags, Floats, Ints

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


class LotReader:
    """Reads the lots of accounts whose securities `begin` at these places of a column, with the `close` of each."""

    def __init__(self, every: Sequence[Facts], begin: Ints, close: Floats) -> None:
        lots = [len(each.lots) for each in every]
        self._every, self._close = every, close
        self.first_lot: Ints = np.cumsum([0, *lots[:-1]])
        self._of_lot = np.repeat(np.arange(len(every)), lots)
        self._place = joined([each.lot_place for each in every], np.int64) + begin[self._of_lot]
        self._value = np.array([float(each.account.value) for each in every])

    def columns(self, may_sell: Flags) -> tuple[LotColumns, Flags]:
        """The open lots of the securities that `may_sell`, and the accounts whose lots are sound."""
        quantity = joined([each.quantity for each in self._every], np.float64)
        cost = joined([each.cost for each in self._every], np.float64)
        proceeds = quantity * self._close[self._place]
        wrong = ~((proceeds > 0) & np.isfinite(proceeds) & np.isfinite(cost))
        sound = np.bincount(self._of_lot, wrong, len(self._every)) == 0
        proceeds[wrong], cost[wrong] = 1.0, 0.0
        at_loss = self._at_loss(proceeds, cost)
        self._tell_losing(at_loss)
        open_ = may_sell[self._place]
        washed = self._washed(at_loss, open_)
        return self._taxed(proceeds, cost, at_loss, washed, np.flatnonzero(open_)), sound

    def _at_loss(self, proceeds: Floats, cost: Floats) -> Flags:
        """Lots that as a whole would lose more than a cent: in decimals where floats leave a doubt."""
        lost = cost - 0.01 - proceeds
        at_loss: Flags = lost > 0
        for lot in np.flatnonzero(np.abs(lost) <= _DOUBT * (proceeds + cost)).tolist():
            each = self._every[self._of_lot[lot]]
            at_loss[lot] = each.account.loses(each.lots[lot - self.first_lot[self._of_lot[lot]]])
        return at_loss

    def _tell_losing(self, at_loss: Flags) -> None:
        """The accounts need not look at each lot again."""
        for first, each in zip(self.first_lot.tolist(), self._every, strict=True):
            losing = np.flatnonzero(at_loss[first : first + len(each.lots)]).tolist()
            each.account.told_losing([each.lots[row] for row in losing])

    def _washed(self, at_loss: Flags, open_: Flags) -> Floats:
        """Share of each lot whose loss is washed when all of it is sold; closes those that would be washed whole."""
        washed = np.zeros(len(at_loss))
        for first, each in zip(self.first_lot.tolist(), self._every, strict=True):
            if not (each.account.taxable and each.account.snapshot.wash_windows.purchases):
                continue
            washes = each.account.washes(unlocked=False)
            if not washes.if_sold:
                continue
            for row in np.flatnonzero(at_loss[first : first + len(each.lots)]).tolist():
                lot = each.lots[row]
                shares = washes.if_sold.get(lot.id)
                if lot.id in washes.locked:
                    open_[first + row] = False
                elif shares is not None:
                    washed[first + row] = float(shares / lot.quantity)
        return washed

    def _taxed(self, proceeds: Floats, cost: Floats, at_loss: Flags, washed: Floats, rows: Ints) -> LotColumns:
        """The open lots, in order. A washed loss saves no tax and costs what a gain of its size would."""
        proceeds, cost, at_loss, washed = proceeds[rows], cost[rows], at_loss[rows], washed[rows]
        wait = joined([each.wait for each in self._every], np.int64)[rows]
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
            np.array([getattr(each, name) for each in [each.account.parameters for each in self._every]])
            for name in ("gain_tax_weight", "loss_credit", "full_credit_loss", "wait_weight")
        )
        return weight, credit, full, wait * np.maximum(short - long, 0.0), short, long


def joined(lists: Sequence[Sequence[float]], kind: type[np.generic]) -> np.ndarray:
    """The lists of all accounts in one column."""
    return np.array(list(chain.from_iterable(lists)), dtype=kind)


def _waits(days: Ints) -> Floats:
    """How much of the wait for long-term counts for each lot."""
    counts = np.zeros(len(days))
    soon = np.flatnonzero((days > 0) & (days <= WAIT_DAYS))
    counts[soon] = [wait_ramp(each) for each in days[soon].tolist()]
    return counts
