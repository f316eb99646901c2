"""The prices of an answer, by name: from them and the input anybody can compute the bound again."""

from collections.abc import Sequence
from decimal import Decimal

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import Branches, lower_bound, raised, within_caps
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.side_proofs import proved_on_sides
from trimtab.domain.proposals import Certificate, RegimePrices, SideProof

_PLACES = 6

_CLOSE = 5e-5
"""A gap of half a basis point is told along the chords of lots washed in part, in half the time."""


def certificate(
    data: OptimizerData, prices: Sequence[Prices], objective: float, further: Sequence[Sequence[Prices]] = ()
) -> Certificate:
    """`prices` by regime, in the order of `data.regimes`; `objective` of the proposal, a fraction of account value.

    Its bound is the least of the regimes', each at its own prices and, where that proves more, at `further` ones.
    """
    every, inside = _inside(data, prices)
    chords = [lower_bound(one, at, along_chords=True) for one, at in zip(every, inside, strict=True)]
    cuts = _as_high_as_matters(data, every, inside, objective, chords)
    values = [cut.value for cut in cuts]
    if data.securities.has_sets:  # the sides of keys in one cell do not add up
        further = ()
    sides: dict[str, SideProof] = {}
    for place, others in enumerate(further):
        proved = proved_on_sides(every[place], (inside[place], cuts[place]), others)
        if proved is not None and proved.value > values[place]:
            values[place] = proved.value
            sides[data.regimes[place].name] = SideProof(
                keys=proved.members,
                prices=tuple(_prices(data, every[place], at) for at in proved.prices),
            )
    return _named(data, every, inside, values, objective, sides)


def certificate_at(
    data: OptimizerData, prices: Sequence[Prices], objective: float, cuts: Sequence[Branches]
) -> Certificate:
    """`certificate` where the bounds of the regimes at their prices, along the chords, are known: the `cuts`."""
    every, inside = _inside(data, prices)
    cuts = _as_high_as_matters(data, every, inside, objective, cuts)
    return _named(data, every, inside, [cut.value for cut in cuts], objective, {})


def _as_high_as_matters(
    data: OptimizerData,
    every: Sequence[OptimizerData],
    inside: Sequence[Prices],
    objective: float,
    along_chords: Sequence[Branches],
) -> Sequence[Branches]:
    """The bounds of the regimes, on the pieces of washed lots where those along the chords leave a gap to be told."""
    gap = objective - min(cut.value for cut in along_chords)
    if data.lots.replacements is None or gap <= _CLOSE:
        return along_chords
    return [raised(one, at, cut) for one, at, cut in zip(every, inside, along_chords, strict=True)]


def _inside(data: OptimizerData, prices: Sequence[Prices]) -> tuple[list[OptimizerData], list[Prices]]:
    """The problem of each regime, and its prices inside their caps."""
    every = [data.under(regime) for regime in data.regimes]
    return every, [within_caps(one, at) for one, at in zip(every, prices, strict=True)]


def _named(
    data: OptimizerData,
    every: Sequence[OptimizerData],
    inside: Sequence[Prices],
    values: Sequence[float],
    objective: float,
    sides: dict[str, SideProof],
) -> Certificate:
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
        sides=sides,
    )


def proved_bound(proof: Certificate) -> float:
    """What no allowed trade list's objective is below, a fraction of account value: gaps are told from it."""
    return float(proof.bound_bps) * 1e-4


def _prices(data: OptimizerData, problem: OptimizerData, prices: Prices) -> RegimePrices:
    rows = prices.rows.tolist()
    shared = len(data.rows)
    return RegimePrices(
        factor=tuple(prices.factor.tolist()),
        cash=float(prices.cash),
        rows=dict(zip(problem.rows.names[:shared], rows[:shared], strict=True)),
        own_rows=dict(zip(problem.rows.names[shared:], rows[shared:], strict=True)),
        cap=float(prices.cap),
        names=float(prices.names),
    )


def _bps(value: float) -> Decimal:
    return Decimal(f"{value * 1e4:.{_PLACES}f}") + 0
