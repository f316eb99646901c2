"""Other ends of a household's rows: closer where whole shares missed them, as wide as a list leaves them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.household.legs import Leg, all_trades, net_trades
from trimtab.domain.optimizer.household.problem import HouseholdData

_CENTS_A_LOT = 0.02
"""Dollars by which what is booked of a lot may differ from what floats say."""


_OF_SLACK = 0.9
"""How much of its slack a row is widened by."""


def tightened(data: HouseholdData, legs: Sequence[Leg], *, times: float, use_slack: bool) -> HouseholdData:
    """What the legs missed, and what cents may make, so many `times` comes off each row that they missed.

    With `use_slack` the others are widened by what whole shares may miss them by: they may be in the way. `data` may
    have been tightened before.
    """
    rows, of_slack = data.rows, _OF_SLACK if use_slack else 0.0
    lot_sells, _, _ = all_trades(data, tuple(legs))
    named = zip(rows.names, data.row_account.tolist(), strict=True)
    missed = np.array([name in legs[account].missed for name, account in named], dtype=np.bool_)
    cents = _CENTS_A_LOT * (np.count_nonzero(lot_sells) + 1) / float(data.parts[0].account_value)
    closer = np.where(missed, times * (np.concatenate([leg.excess for leg in legs]) + cents), -of_slack * rows.slack)
    high = rows.high - closer
    limit = data.tracking_limit
    if limit is not None:
        limit /= max(risk_overshoot(data, legs), 1.0) ** 2
    return replace(
        data,
        rows=replace(rows, high=high, low=np.minimum(rows.low + closer, high), slack=(1 - of_slack) * rows.slack),
        tracking_limit=limit,
    )


def risk_overshoot(data: HouseholdData, legs: Sequence[Leg]) -> float:
    """The household's tracking error after the legs over its limit, as a ratio; zero without one."""
    if not data.tracking_limit:
        return 0.0
    lot_sells, buys, _ = all_trades(data, tuple(legs))
    squared = data.squared_tracking_error(data.active + net_trades(data, lot_sells, buys))
    return float(squared**0.5) / data.tracking_limit


def kept_as_well_as(data: HouseholdData, lot_sells: Floats, buys: Floats) -> HouseholdData:
    """`data` as a list (m,), (P,) keeps it: rows as wide, and of each pair no more demanded than it trades.

    Where whole shares miss an end within its slack, the bound must be one of lists that may do the same.
    """
    rows, pairs = data.rows, data.pairs
    excess = rows.excess(data.amounts(lot_sells, buys))
    return replace(
        data,
        rows=replace(rows, low=rows.low - excess, high=rows.high + excess),
        pairs=replace(
            pairs,
            sell_minimum=np.minimum(pairs.sell_minimum, data.pair_sells(lot_sells)),
            buy_minimum=np.minimum(pairs.buy_minimum, buys),
        ),
    )
