"""Equivalence sets: a model name and the substitutes that count towards its target (MD-4, X7, M2).

Members of a set share the model name's exposures, specific risk and tilt, so that holding one is holding another. The
model name is bought first; a substitute costs its hurdle, and a trifle for its rank, on top of what its purchase costs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trimtab.domain.calibration import INCUMBENT_PREFERENCE, RANK_PREFERENCE
from trimtab.domain.model_portfolios import Substitute
from trimtab.domain.money import BASIS_POINT
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.problem import Securities
from trimtab.domain.optimizer.targets import held_away, untouchable
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """How the securities of an account stand in for each other; (n,) each."""

    block: Ints  # row of the first member of each security's set; its own without a set
    source: Ints  # row of the security whose risk it is given: the model name, or the first member with a known risk
    preference: Floats  # cost of one unit bought beside the real ones


def substitutes(request: AnalysisInput, names: Mapping[SecurityId, object]) -> dict[SecurityId, tuple[Substitute, ...]]:
    """Those of the model's sets whose model name is among `names`, each with members that are held or may be bought."""
    held = {each.security_id for each in request.snapshot.positions if each.quantity > 0} | held_away(request).keys()
    return {
        name: tuple(each for each in members if each.security_id in held or _can_be_had(request, each))
        for name, members in request.target.substitutes.items()
        if name in names
    }


def buyable_substitutes(request: AnalysisInput, names: Mapping[SecurityId, object]) -> frozenset[SecurityId]:
    """Substitutes that may be bought, but for the account's own rules."""
    every = (each for members in substitutes(request, names).values() for each in members)
    return frozenset(each.security_id for each in every if _can_be_had(request, each))


def _can_be_had(request: AnalysisInput, substitute: Substitute) -> bool:
    return substitute.buyable and untouchable(request, substitute.security_id) is None


def sets_of(request: AnalysisInput, ids: tuple[SecurityId, ...], names: Mapping[SecurityId, object]) -> Sets:
    """The sets among `ids` (n,), of the target's `names`."""
    rows = {security_id: row for row, security_id in enumerate(ids)}
    block, source, preference = np.arange(len(ids)), np.arange(len(ids)), np.zeros(len(ids))
    covered = request.market.risk_model.securities
    for name, members in substitutes(request, names).items():
        of_set = [name, *(each.security_id for each in members if each.security_id in rows)]
        places = [rows[each] for each in of_set]
        block[places] = min(places)
        source[places] = rows[next((each for each in of_set if each in covered), name)]
        for member, cost in _preferences(request, name, members):
            preference[rows[member]] = cost
    return Sets(block, source, preference)


def substitute_of(held: Securities, row: int) -> int | None:
    """The row of the model name for which a security stands in; None for all others."""
    if held.target[row] > 0 or not held.has_sets:
        return None
    (wanted,) = np.nonzero((held.block == held.block[row]) & (held.target > 0))
    return int(wanted[0]) if len(wanted) else None


def members_named(held: Securities, row: int) -> list[SecurityId]:
    """A security, then the others of its set that are held or in the model: who is meant when the set is spoken of."""
    others = (held.block == held.block[row]) & ((held.holding > 0) | (held.target > 0))
    return [held.ids[row], *(held.ids[each] for each in np.flatnonzero(others) if each != row)]


def speakers(held: Securities, drift: Floats) -> Flags:
    """Which securities speak of their set's drift, (n,): of one above its target the largest, else the model name."""
    speaks = np.ones(len(held.ids), dtype=np.bool_)
    if held.has_sets:
        for first in np.flatnonzero(np.bincount(held.block, minlength=len(held.ids)) > 1):
            members = np.flatnonzero(held.block == first)
            rank = held.holding[members] if drift[first] > 0 else held.target[members]
            speaks[members] = members == members[int(np.argmax(rank))]
    return speaks


def _preferences(
    request: AnalysisInput, name: SecurityId, members: tuple[Substitute, ...]
) -> Iterator[tuple[SecurityId, float]]:
    """What buying each member costs beside its price: its hurdle and rank, and not being what was bought last time."""
    incumbent = request.snapshot.incumbent
    last = {each for each, shares in incumbent.net_trades.items() if shares > 0} if incumbent else set()
    bought_last = last & {name, *(each.security_id for each in members)}
    ranks = [(name, 0.0), *((each.security_id, float(each.hurdle_bps * BASIS_POINT)) for each in members)]
    for rank, (member, hurdle) in enumerate(ranks):
        other = INCUMBENT_PREFERENCE if bought_last and member not in bought_last else 0.0
        yield member, hurdle + rank * RANK_PREFERENCE + other
