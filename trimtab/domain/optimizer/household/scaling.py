"""From fractions of an account's value to fractions of its household's, and from accounts' rows to the household's."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.problem import Lots, OptimizerData, Rows, Securities


def scaled(data: OptimizerData, share: Decimal, value: Decimal, location: Floats) -> OptimizerData:
    """The account's arrays when it is `share` of a household worth `value` dollars.

    Amounts shrink, what a unit costs stays. `location` (n,), the cost of a unit held, comes off its tilt. The target
    is the household's already.
    """
    by = float(share)
    regime = replace(data.regimes[0], constant=data.regimes[0].constant * by)
    return replace(
        data,
        securities=_securities(data.securities, by, location),
        lots=_lots(data.lots, by),
        cash=data.cash * by,
        cash_minimum=data.cash_minimum * by,
        cash_required=data.cash_required * by,
        cash_target=data.cash_target * by,
        account_value=value,
        rows=_rows(data.rows, by),
        regimes=(regime,),
    )


def _securities(held: Securities, by: float, location: Floats) -> Securities:
    amounts = (
        "holding",
        "away",
        "share",
        "minimum_holding",
        "commission",
        "buy_limit",
        "buy_minimum",
        "sell_limit",
        "sell_minimum",
        "minimum_trade",
    )
    less: dict[str, Floats] = {name: getattr(held, name) * by for name in amounts}
    return replace(held, tilt=held.tilt - location, **less)  # type: ignore[arg-type]  # every one of them is (n,)


def _lots(lots: Lots, by: float) -> Lots:
    return replace(lots, value=lots.value * by, limit=lots.limit * by, washed=lots.washed * by)


def _rows(rows: Rows, by: float) -> Rows:
    return replace(rows, start=rows.start * by, low=rows.low * by, high=rows.high * by, slack=rows.slack * by)


def joined_rows(parts: Sequence[OptimizerData]) -> Rows:
    """The rows of all accounts over the pairs and lots of the household, (r, P) and (r, m)."""
    pairs = [len(part.securities.ids) for part in parts]
    lots = [len(part.lots.lots) for part in parts]
    rows = [part.rows for part in parts]

    def spread(matrices: Sequence[Floats], widths: Sequence[int]) -> Floats:
        height, at, row = sum(map(len, matrices)), 0, 0
        wide = np.zeros((height, sum(widths)))
        for matrix, width in zip(matrices, widths, strict=True):
            wide[row : row + len(matrix), at : at + width] = matrix
            row, at = row + len(matrix), at + width
        return wide

    def all_of(name: str) -> Floats:
        return np.concatenate([getattr(each, name) for each in rows])

    return Rows(
        names=tuple(name for each in rows for name in each.names),
        start=all_of("start"),
        on_active=spread([each.on_active for each in rows], pairs),
        on_sale=spread([each.on_sale for each in rows], lots),
        on_purchase=spread([each.on_purchase for each in rows], pairs),
        low=all_of("low"),
        high=all_of("high"),
        price_below=all_of("price_below"),
        price_above=all_of("price_above"),
        slack=all_of("slack"),
    )
