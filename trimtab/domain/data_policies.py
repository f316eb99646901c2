"""What a firm decides about bad data: the choices that the catalogue of bad input leaves open."""

from dataclasses import dataclass

from trimtab.domain.findings import PriceFaultPolicy


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """One firm's choices on one day."""

    price_fault: PriceFaultPolicy = PriceFaultPolicy.SUSPEND  # what a security's fault does to its holders (N13)
    raise_cash: bool = False  # an account with negative cash sells, and a person looks; else it is suspended (77)
    price_sources: tuple[str, ...] = ()  # the first that has a close decides between two (11)
