"""The tax lots of one account as arrays: what each may sell, and what selling costs in tax."""

from datetime import date

import numpy as np

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import Parameters
from trimtab.domain.lots import TaxLot, first_long_term_sale_date
from trimtab.domain.money import CENT
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.problem import Lots, Securities
from trimtab.domain.optimizer.security_rows import listed
from trimtab.domain.optimizer.wash import losses_void
from trimtab.domain.snapshots import AnalysisInput


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
    lots = sorted(request.snapshot.lots, key=lambda lot: lot.id)
    settings = request.snapshot.settings
    taxable = request.snapshot.account.tax_status is TaxStatus.TAXABLE
    security = np.array([rows[lot.security_id] for lot in lots], dtype=np.int64)
    proceeds = np.array([float(lot.quantity) for lot in lots]) * held.price[security]
    cost = np.array([float(lot.cost) for lot in lots])
    gain = np.divide(proceeds - cost, proceeds, out=np.zeros(len(lots)), where=proceeds > 0)
    at_loss = np.array([_at_loss(request, lot) for lot in lots], dtype=np.bool_)
    void = losses_void(request, lots) & at_loss & taxable
    never_hold = listed(held.ids, settings.restricted(RestrictionKind.NEVER_HOLD))
    fixed = listed(held.ids, settings.restricted(RestrictionKind.NEVER_SELL) | held.untouchable.keys())
    washed = void & ~never_hold[security] & (not sell_washed_losses)
    long_term = _long_term([lot.holding_from for lot in lots], request.snapshot.business_date)
    rate = np.where(long_term, float(settings.long_term_rate), float(settings.short_term_rate)) * taxable
    counts = np.where(at_loss, _loss_credit(gain, parameters), parameters.gain_tax_weight)
    # A washed loss saves no tax and uses up what it could save later: it costs what a gain of its size would.
    tax = np.where(void, -rate * gain * parameters.gain_tax_weight, rate * gain * counts)
    order = np.lexsort((tax, security))  # stable: equal costs stay in the order of their ids
    return Lots(
        lots=tuple(lots[index] for index in order),
        security=security[order],
        value=(proceeds / dollars)[order],
        limit=np.where(fixed[security] | washed, 0.0, proceeds / dollars)[order],
        gain=gain[order],
        rate=rate[order],
        tax=tax[order],
        at_loss=at_loss[order],
        void=void[order],
    )


def _at_loss(request: AnalysisInput, lot: TaxLot) -> bool:
    """True when the whole lot would lose more than a cent; exact, because wash sale rules hang on it."""
    price = request.market.prices.get(lot.security_id)
    return price is not None and lot.quantity * price.close < lot.cost - CENT


def _long_term(held_from: list[date], today: date) -> Flags:
    first_day = {day: first_long_term_sale_date(day) for day in set(held_from)}
    return np.array([today >= first_day[day] for day in held_from], dtype=np.bool_)


def _loss_credit(gain: Floats, parameters: Parameters) -> Floats:
    """Share of a loss's tax saving that counts: a ramp, no cliff, from half the full-credit loss to the whole of it.

    The loss is measured as a fraction of basis: a gain of g on one unit of proceeds has basis 1 - g.
    """
    loss = -gain / np.maximum(1 - gain, 1e-12)
    ramp = (loss / parameters.full_credit_loss - 0.5) * 2
    credit: Floats = parameters.loss_credit * np.clip(ramp, 0.0, 1.0)
    return credit
