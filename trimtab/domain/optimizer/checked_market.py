"""A market in columns, as the checker reads it: built once, for all accounts of a run.

From the snapshot itself: nothing of the optimizer's market arrays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
import orjson
from numpy.typing import NDArray

from trimtab.domain.money import BASIS_POINT
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


def as_floats(numbers: Iterable[Decimal]) -> list[float]:
    """The float nearest to each decimal; those that are finite are read in one go from their texts."""
    texts = list(map(str, numbers))
    try:
        return list(map(float, orjson.loads(f"[{','.join(texts)}]")))
    except orjson.JSONDecodeError:
        return list(map(float, texts))


@dataclass(frozen=True, slots=True, eq=False)
class CheckedMarket:
    """One row a security of the master that has a price above zero."""

    snapshot: MarketSnapshot
    risk: CheckedRisk
    row: Mapping[SecurityId, int]
    keys: tuple[str, ...]  # wash keys
    key: Ints  # their numbers
    close: Floats  # dollars a share
    half_spread: Floats  # of a unit traded
    whole: Flags  # trades in whole shares
    may_trade: Flags  # tradable, and covered by the risk model
    redeemed_late: Flags  # young lots are not redeemed
    loadings: Floats  # (n, factors), whitened
    specific_risk: Floats  # annualised, the risk model's own


def checked_market(market: MarketSnapshot) -> CheckedMarket:
    """The market's columns; those of the last two markets asked for are kept.

    A snapshot is known by its identity, which is its own for as long as it is kept here, and never changes.
    """
    global _recent
    for known in _recent:
        if known.snapshot is market:
            return known
    built = _built(market)
    _recent = (built, *_recent[:1])  # one assignment: another thread sees all of it or nothing, and builds its own
    return built


_recent: tuple[CheckedMarket, ...] = ()


def _built(market: MarketSnapshot) -> CheckedMarket:
    prices, covered = market.prices, market.risk_model.securities
    ids = [each for each in sorted(market.securities) if each in prices and prices[each].close > 0]
    master = [market.securities[each] for each in ids]
    risk, keys = CheckedRisk(market), tuple([each.wash_key for each in master])
    number = {each: at for at, each in enumerate(sorted(set(keys)))}
    columns = CheckedMarket(
        snapshot=market,
        risk=risk,
        row={each: row for row, each in enumerate(ids)},
        keys=keys,
        key=np.array([number[each] for each in keys], dtype=np.int64),
        close=np.array([float(prices[each].close) for each in ids], dtype=np.float64),
        half_spread=np.array([float(each.half_spread_bps * BASIS_POINT) for each in master], dtype=np.float64),
        whole=np.array([each.whole_shares for each in master], dtype=np.bool_),
        may_trade=np.array([each.tradable and each.id in covered for each in master], dtype=np.bool_),
        redeemed_late=np.array([each.redemption_days > 0 for each in master], dtype=np.bool_),
        loadings=risk.loadings(ids),
        specific_risk=risk.specific_risk(ids),
    )
    for column in (getattr(columns, each.name) for each in fields(columns)):
        if isinstance(column, np.ndarray):
            column.setflags(write=False)  # shared by all accounts of the run
    return columns
