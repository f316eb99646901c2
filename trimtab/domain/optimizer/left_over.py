"""What the trades of an account leave undone, by security: what the why-nots are told from.

Everything that a sentence may need of a security is one pass over the account's arrays; a why-not then reads numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.account_rows import HARVEST
from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.equivalence import speakers
from trimtab.domain.optimizer.objective import cash_after
from trimtab.domain.optimizer.problem import Lots, OptimizerData, Rows, fill

_ROUND_OFF = 1e-12

LOSS_TOLD = 0.0010
"""An unrealised loss left above this fraction of account value, in lots worth harvesting, is explained."""


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """Plain numbers by security, (n,) lists; weights, unless said."""

    drift: Sequence[float]  # left, with its sign, that no trade made
    loss: Sequence[float]  # unrealised and worth harvesting
    free: Sequence[float]  # what rules on lots leave to be sold
    sale_tax: Sequence[float]  # of selling what is above the target, from the lots that are left; of account value
    washed: Sequence[bool]  # a lot's whole loss would be washed, and it is not to be sold
    voided: Sequence[bool]  # a lot's whole loss would be washed
    smallest: Sequence[float]  # trade
    round_lot: Sequence[float]  # 0 where fractions trade
    smallest_position: Sequence[float]
    holding: Sequence[float]  # before the trades
    after: Sequence[float]
    bought: Sequence[float]
    share: Sequence[float]
    no_cash: Sequence[bool]  # to buy what is missing would improve the account but for the cash that it takes
    key: Sequence[int]  # wash key
    lost_keys: frozenset[int]  # wash keys sold at a loss today
    bought_keys: frozenset[int]
    harvest_misses: bool  # of the losses that are to be realised more than `LOSS_TOLD` is missing
    lots_from: Sequence[int]  # (n + 1,) where the lots of each security begin


def left_over(data: OptimizerData, lot_sells: Floats, buys: Floats) -> Left:
    """After selling `lot_sells` (m,) and buying `buys` (n,), weights."""
    held, lots, n = data.securities, data.lots, len(buys)
    sells = sum_by(lots.security, lot_sells, n)
    drift, open_lots = _drift_left(data, sells, buys), np.maximum(lots.limit - lot_sells, 0.0)
    asked = _asked_for(data, lot_sells)
    voided = sum_by(lots.security, lots.void, n) > 0 if lots.void.any() else np.zeros(n, dtype=np.bool_)
    return Left(
        drift=drift.tolist(),
        loss=_loss_left(lots, lot_sells, asked, n).tolist(),
        free=sum_by(lots.security, open_lots, n).tolist(),
        sale_tax=_sale_taxes(lots, open_lots, np.maximum(drift, 0.0)).tolist(),
        washed=(sum_by(lots.security, lots.void & (lots.limit == 0), n) > 0 if voided.any() else voided).tolist(),
        voided=voided.tolist(),
        smallest=held.minimum_trade.tolist(),
        round_lot=(held.round_lot * held.share * held.whole).tolist(),
        smallest_position=held.minimum_holding.tolist(),
        holding=held.holding.tolist(),
        after=(held.holding + buys - sells).tolist(),
        bought=buys.tolist(),
        share=held.share.tolist(),
        no_cash=_short_of_cash(data, drift, sells, buys).tolist(),
        key=held.wash_key.tolist(),
        lost_keys=frozenset(held.wash_key[lots.security[lots.at_loss & (lot_sells > 0)]].tolist()),
        bought_keys=frozenset(held.wash_key[buys > 0].tolist()),
        harvest_misses=bool(asked.any()),
        lots_from=np.searchsorted(lots.security, np.arange(n + 1)).tolist(),
    )


def _drift_left(data: OptimizerData, sells: Floats, buys: Floats) -> Floats:
    """Active weights that no trade made, (n,); those of a set at the member that speaks of it."""
    held, trade = data.securities, buys - sells
    every = data.active + trade
    if held.has_sets:
        every, trade = held.pooled(every), held.pooled(trade)
        every = np.where(speakers(held, every), every, 0.0)
    by_choice = every * trade > 0  # the trade itself leads away from the target: its reason says why
    return np.where(by_choice, 0.0, every)


def _sale_taxes(lots: Lots, open_lots: Floats, drift: Floats) -> Floats:
    """Of selling what is above the target, (n,)."""
    n = len(drift)
    return sum_by(lots.security, fill(lots.security, open_lots, drift) * lots.gain * lots.rate, n)


def has_shared_rules(data: OptimizerData) -> bool:
    """True when a rule on the whole account may stand in the way of a trade: a hard row, or a limit."""
    limited = data.tracking_limit is not None or data.most_names is not None
    return limited or any(_is_hard(rows) for rows in (data.rows, *(regime.rows for regime in data.regimes)))


def _is_hard(rows: Rows) -> bool:
    return bool(len(rows)) and bool(np.isinf(rows.price_above).any() or np.isinf(rows.price_below).any())


def _asked_for(data: OptimizerData, lot_sells: Floats) -> Flags:
    """Lots of which a forced harvest that misses more than `LOSS_TOLD` would take the losses, (m,)."""
    lots, rows = data.lots, data.rows
    if HARVEST not in rows.names:
        return np.zeros(len(lots.lots), dtype=np.bool_)
    row = rows.names.index(HARVEST)
    missing = rows.start[row] + rows.on_sale[row] @ lot_sells - rows.high[row]
    asked: Flags = lots.at_loss & (rows.on_sale[row] < 0) & bool(missing > LOSS_TOLD)
    return asked


def _loss_left(lots: Lots, lot_sells: Floats, asked: Flags, size: int) -> Floats:
    """Losses worth harvesting (they have a credit, or would without the wash sale rule) that stay, (n,)."""
    unwashed = lots.tax - lots.wash_cost * lots.washed_share
    wanted = lots.at_loss & ((unwashed < -_ROUND_OFF) | lots.void | asked)
    return sum_by(lots.security, np.maximum(lots.value - lot_sells, 0.0) * -lots.gain * wanted, size)


def _short_of_cash(data: OptimizerData, drift: Floats, sells: Floats, buys: Floats) -> Flags:
    """Where the purchase that is missing would improve the account but for the cash that it takes, (n,)."""
    held = data.securities
    after = cash_after(data, sells, buys) - (1 + held.half_spread) * np.maximum(-drift, 0.0)
    cash_is_short = after < data.cash_minimum
    if not cash_is_short.any():
        return np.zeros(len(drift), dtype=np.bool_)
    active = data.active + buys - sells
    slope = held.loadings @ (held.loadings.T @ active) + held.variance * held.pooled(active)
    gain = -data.parameters.risk_aversion * slope + held.tilt - held.half_spread - data.parameters.churn
    short: Flags = cash_is_short & (gain > 0)
    return short
