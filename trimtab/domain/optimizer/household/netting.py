"""The taxpayer's year over all accounts: gains and losses net whatever account they are realised in (IRC 1222)."""

from dataclasses import fields, replace

import numpy as np

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.households import HouseholdInput
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.netting import tax_regimes
from trimtab.domain.optimizer.problem import FIXED, Lots, Regime, no_rows
from trimtab.domain.snapshots import AnalysisInput


def joint_regimes(request: HouseholdInput, data: HouseholdData) -> tuple[Regime, ...]:
    """FIXED alone without a tax year: each lot at the rate of its own term. Else LONG and SHORT of the taxpayer."""
    pairs = len(data.pairs.account)
    payer = taxpayer(request)
    if payer is None:
        return (Regime(FIXED, data.lots.tax, no_rows(pairs, len(data.lots.pair)), 0.0),)
    weight = data.parameters.gain_tax_weight
    return tax_regimes(payer, _all_lots(data), data.parts[0].account_value, weight, securities=pairs, taxable=True)


def taxpayer(request: HouseholdInput) -> AnalysisInput | None:
    """The first taxable account with the household's year: its rates are those of all; None when nothing nets."""
    taxable = [each for each in request.accounts if each.account.tax_status is TaxStatus.TAXABLE]
    if request.tax_year is None or not taxable:
        return None
    first = taxable[0]
    settings = replace(first.settings, tax_budget=None)  # budgets are the accounts' own
    return request.leg(replace(first, tax_year=request.tax_year, settings=settings))


def _all_lots(data: HouseholdData) -> Lots:
    """The lots of all accounts in the order of the household's; those of accounts without tax gain nothing."""
    parts = [replace(part.lots, gain=part.lots.gain * part.taxable, replacements=None) for part in data.parts]
    arrays = {
        field.name: np.concatenate([getattr(each, field.name) for each in parts])
        for field in fields(Lots)
        if field.name not in ("lots", "replacements")
    }
    return Lots(lots=tuple(lot for each in parts for lot in each.lots), replacements=None, **arrays)


def own_regimes(data: HouseholdData, pairs: slice, lots: slice, done: Floats) -> tuple[Regime, ...]:
    """The regimes as one account sees them once sales `done` (m,), none of its own, are made; of its lots (m_a,)."""
    spent = min(regime.tax(done) for regime in data.regimes)
    return tuple(_own(regime, pairs, lots, done, spent) for regime in data.regimes)


def _own(regime: Regime, pairs: slice, lots: slice, done: Floats, spent: float) -> Regime:
    rows = replace(
        regime.rows,
        start=regime.rows.start + regime.rows.on_sale @ done,
        on_active=regime.rows.on_active[:, pairs],
        on_sale=regime.rows.on_sale[:, lots],
        on_purchase=regime.rows.on_purchase[:, pairs],
    )
    constant = regime.constant + float(regime.lot_tax @ done) - spent
    return replace(regime, lot_tax=regime.lot_tax[lots], rows=rows, constant=constant)
