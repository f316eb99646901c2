"""The prices of an answer, by name: from them and the input anybody can compute the bound again."""

from collections.abc import Sequence
from decimal import Decimal

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, within_caps
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.proposals import Certificate, RegimePrices

_PLACES = 6


def certificate(data: OptimizerData, prices: Sequence[Prices], objective: float) -> Certificate:
    """`prices` by regime, in the order of `data.regimes`; `objective` of the proposal, a fraction of account value.

    Its bound is the least of the regimes', each at its own prices.
    """
    every = [data.under(regime) for regime in data.regimes]
    inside = [within_caps(one, at) for one, at in zip(every, prices, strict=True)]
    values = [lower_bound(one, at).value for one, at in zip(every, inside, strict=True)]
    by_name = {regime.name: _prices(data, one, at) for regime, one, at in zip(data.regimes, every, inside, strict=True)}
    lowest = min(range(len(values)), key=values.__getitem__)
    first = by_name[data.regimes[lowest].name]
    return Certificate(
        factor=first.factor,
        cash=first.cash,
        rows=first.rows,
        regime={name: each.own_rows for name, each in by_name.items()},
        cap=first.cap,
        bound_bps=_bps(values[lowest]),
        objective_bps=_bps(objective),
        by_regime=by_name,
    )


def _prices(data: OptimizerData, problem: OptimizerData, prices: Prices) -> RegimePrices:
    rows = [float(each) for each in prices.rows]
    shared = len(data.rows)
    return RegimePrices(
        factor=tuple(float(each) for each in prices.factor),
        cash=float(prices.cash),
        rows=dict(zip(problem.rows.names[:shared], rows[:shared], strict=True)),
        own_rows=dict(zip(problem.rows.names[shared:], rows[shared:], strict=True)),
        cap=float(prices.cap),
        names=float(prices.names),
    )


def _bps(value: float) -> Decimal:
    return Decimal(f"{value * 1e4:.{_PLACES}f}") + 0
