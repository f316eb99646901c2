"""What a firm decides about bad data: the choices that the catalogue of bad input leaves open."""

from dataclasses import dataclass
from datetime import date

from trimtab.domain.findings import PriceFaultPolicy
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """One firm's choices on one day."""

    price_fault: PriceFaultPolicy = PriceFaultPolicy.SUSPEND  # what a security's fault does to its holders (N13)
    raise_cash: bool = False  # an account with negative cash sells, and a person looks; else it is suspended (77)
    price_sources: tuple[str, ...] = ()  # the first that has a close decides between two (11)


@dataclass(frozen=True, slots=True)
class AcceptedException:
    """A person's word that a price or an identifier is right after all.

    Of a price it holds on the business date `on`; of an identifier while it is `name`.
    """

    on: date | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class MappedIdentifier:
    """Which security of the master an identifier means that only this firm and its custodian use."""

    security_id: SecurityId
