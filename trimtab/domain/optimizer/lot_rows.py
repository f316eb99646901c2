"""The tax lots of one account as arrays: what each may sell, and what selling costs in tax."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Final

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import Parameters, wait_ramp
from trimtab.domain.lots import TaxLot, first_long_term_sale_date
from trimtab.domain.money import CENT
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, floats_of
from trimtab.domain.optimizer.problem import Lots, Securities
from trimtab.domain.optimizer.sale_locks import too_young
from trimtab.domain.optimizer.security_rows import listed, wash_key
from trimtab.domain.optimizer.wash import bought_today_by_others, in_rows, washed_lots
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_DOUBT: Final = 1e-12
"""Relative to proceeds and cost: six roundings of floats move their difference by less than a thousandth of it."""


def lot_rows(
    request: AnalysisInput,
    held: Securities,
    dollars: float,
    parameters: Parameters,
    *,
    sell_washed_losses: bool,
) -> Lots:
    """Rows in the order in which lots are sold."""
    rows = {security_id: row for row, security_id in enumerate(held.ids)}
    lots = sorted(request.snapshot.lots, key=attrgetter("id"))
    settings = request.snapshot.settings
    taxable = request.snapshot.account.tax_status is TaxStatus.TAXABLE
    security = np.array([rows[lot.security_id] for lot in lots], dtype=np.int64)
    quantity = floats_of([lot.quantity for lot in lots])
    proceeds = quantity * held.price[security]
    cost = floats_of([lot.cost for lot in lots])
    gain = np.divide(proceeds - cost, proceeds, out=np.zeros(len(lots)), where=proceeds > 0)
    at_loss = _at_loss(request, lots, proceeds, cost)
    never_hold = listed(held.ids, settings.restricted(RestrictionKind.NEVER_HOLD))
    fixed = listed(held.ids, settings.never_sold | held.untouchable.keys())
    young = too_young(request, lots)
    barred = at_loss & taxable & _in_keys(request, held.ids, bought_today_by_others(request))[security]
    forced = (never_hold[security] | sell_washed_losses) & ~barred
    closed = fixed[security] | young | barred
    losses = washed_lots(request, lots, losing=at_loss & taxable, closed=closed, forced=forced)
    void = losses.void | barred
    locked = closed | (void & ~forced)
    long_term_in = _days_to_long_term([lot.holding_from for lot in lots], request.snapshot.business_date)
    short, long = float(settings.short_term_rate), float(settings.long_term_rate)
    rate = np.where(long_term_in <= 0, long, short) * taxable
    counts = np.where(at_loss, _loss_credit(gain, parameters), parameters.gain_tax_weight)
    # A washed loss saves no tax and uses up what it could save later: it costs what a gain of its size would.
    washed = np.where(void, 1.0, losses.shares / quantity)
    wash_cost = np.where(at_loss, -rate * gain * (parameters.gain_tax_weight + counts), 0.0)
    tax = rate * gain * counts + wash_cost * washed
    tax += _wait(gain, long_term_in, max(short - long, 0.0) * taxable, parameters)
    order = np.lexsort((tax, security))  # stable: equal costs stay in the order of their ids
    return Lots(
        lots=tuple(lots[index] for index in order),
        security=security[order],
        value=(proceeds / dollars)[order],
        limit=np.where(locked, 0.0, proceeds / dollars)[order],
        gain=gain[order],
        rate=rate[order],
        tax=tax[order],
        at_loss=at_loss[order],
        void=void[order],
        washed=(washed * proceeds / dollars)[order],
        wash_cost=wash_cost[order],
        replacements=in_rows(losses.replacements, order),
    )


def _at_loss(request: AnalysisInput, lots: Sequence[TaxLot], proceeds: Floats, cost: Floats) -> Flags:
    """Lots that as a whole would lose more than a cent, (m,); exact, because wash sale rules hang on it.

    In decimals where there is no price, or where the round-off of floats could decide.
    """
    lost = cost - float(CENT) - proceeds
    at_loss: Flags = lost > 0
    for index in np.flatnonzero((proceeds <= 0) | (np.abs(lost) <= _DOUBT * (proceeds + cost))).tolist():
        lot = lots[index]
        price = request.market.prices.get(lot.security_id)
        at_loss[index] = price is not None and lot.quantity * price.close < lot.cost - CENT
    return at_loss


def _in_keys(request: AnalysisInput, ids: Sequence[SecurityId], keys: frozenset[str]) -> Flags:
    """Which securities are of these wash keys, (n,)."""
    if not keys:
        return np.zeros(len(ids), dtype=np.bool_)
    return np.array([wash_key(request, each) in keys for each in ids], dtype=np.bool_)


def _days_to_long_term(held_from: list[date], today: date) -> Ints:
    """Days until the first long-term sale; 0 or less where the lot is long-term."""
    days = {day: (first_long_term_sale_date(day) - today).days for day in set(held_from)}
    return np.array([days[day] for day in held_from], dtype=np.int64)


def _wait(gain: Floats, long_term_in: Ints, saved_rate: float, parameters: Parameters) -> Floats:
    """What selling a gain shortly before it turns long-term costs beyond its tax's weight, a unit sold, (m,)."""
    ramps = {days: wait_ramp(days) for days in set(long_term_in.tolist())}
    ramp = np.array([ramps[days] for days in long_term_in.tolist()], dtype=np.float64)
    wait: Floats = parameters.wait_weight * saved_rate * np.maximum(gain, 0.0) * ramp
    return wait


def _loss_credit(gain: Floats, parameters: Parameters) -> Floats:
    """Share of a loss's tax saving that counts: a ramp, no cliff, from half the full-credit loss to the whole of it.

    The loss is measured as a fraction of basis: a gain of g on one unit of proceeds has basis 1 - g.
    """
    loss = -gain / np.maximum(1 - gain, 1e-12)
    ramp = (loss / parameters.full_credit_loss - 0.5) * 2
    credit: Floats = parameters.loss_credit * np.clip(ramp, 0.0, 1.0)
    return credit
