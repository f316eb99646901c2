"""The night's cascade: what each allocation and variant of the programme comes to, as models to follow (M4c)."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from trimtab.db.programme import Programme, exceptions_of, read_programme
from trimtab.domain.accounts import ModelId
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import DifferenceException


@dataclass(frozen=True, slots=True)
class Cascade:
    """Models by name; a name that cannot be followed today has a fault instead of weights."""

    models: dict[str, ModelPortfolio] = field(default_factory=dict)
    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: tuple[DifferenceException, ...] = ()


def cascade(connection: Connection, business_date: date, seq: int) -> Cascade:
    """The programme that holds on the day, worked out from its roots down."""
    return work_out(read_programme(connection, business_date, seq), business_date)


def work_out(programme: Programme, business_date: date) -> Cascade:
    """Each name once, whatever the number of accounts that follow it."""
    result = Cascade(exceptions=exceptions_of(programme))
    for name in programme.names():
        try:
            result.models[name] = programme.portfolio(name, business_date)
        except InvalidProgramme as fault:
            result.models[name] = ModelPortfolio(ModelId(name), 0, business_date, {})
            result.faults[name] = (str(fault),)
    return result
