"""Variants against the customisation limits, when one is proposed and every night (M5b)."""

from collections.abc import Collection
from contextlib import suppress
from datetime import date

from sqlalchemy import Connection, select

from trimtab.db.content import get_content
from trimtab.db.programme import ChangeStatus, Programme, changes
from trimtab.db.tables import run, run_input
from trimtab.domain.asset_allocations import AllocationId, InvalidProgramme
from trimtab.domain.market import RiskModel
from trimtab.domain.model_variants import VariantId
from trimtab.domain.profile.limits import limits_of, targets_beyond, variant_beyond
from trimtab.domain.snapshots import MarketSnapshot


def beyond_limits(programme: Programme, names: Collection[str], risk_model: RiskModel | None) -> tuple[str, ...]:
    """What of these variants goes beyond the limits of the allocation that they descend from, one sentence each.

    Limits are looked up by the allocation's name, else those of all. What cannot be followed at all is told elsewhere.
    """
    found: list[str] = []
    for name in sorted(set(names) & programme.variants.keys()):
        with suppress(InvalidProgramme):
            found += (f"{name}: {said}" for said in _of_variant(programme, name, risk_model))
    return tuple(found)


def _of_variant(programme: Programme, name: str, risk_model: RiskModel | None) -> tuple[str, ...]:
    root = _root(programme, name)
    limits = limits_of(root, programme.limits)
    if limits is None:
        return ()
    family = programme.family
    base, own = (family.effective(AllocationId(each)) for each in (root, name))
    risk = targets_beyond(limits, programme.target(base).weights, programme.target(own).weights, risk_model)
    return (*variant_beyond(limits, own.weights, base.weights, base.groups), *risk)


def _root(programme: Programme, name: str) -> str:
    """The allocation that a variant descends from; `Family` has refused circles before."""
    programme.family.effective(AllocationId(name))
    while name in programme.variants:
        name = programme.variants[VariantId(name)].parent
    return name


def approved_beyond(connection: Connection, known_seq: int) -> frozenset[str]:
    """What somebody has approved beyond the limits, as `beyond_limits` says it."""
    found = changes(connection, date.max, known_seq).values()
    return frozenset(said for each in found if each.status is ChangeStatus.APPROVED for said in each.beyond)


def newest_risk_model(connection: Connection) -> RiskModel | None:
    """The risk model of the newest run that has frozen its market."""
    rows = (
        select(run_input.c.content_hash)
        .join(run, (run.c.firm_id == run_input.c.firm_id) & (run.c.run_id == run_input.c.run_id))
        .where(run_input.c.kind == "market")
        .order_by(run.c.business_date.desc())
        .limit(1)
    )
    digest = connection.scalar(rows)
    return None if digest is None else get_content(connection, digest, MarketSnapshot).risk_model
