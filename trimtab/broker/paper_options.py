"""How a paper broker behaves: what it fills, whether it knows a repeated order, where it fails."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trimtab.broker.errors import PaperBrokerMisconfigured


class Fault(StrEnum):
    """What the paper broker can be told to do wrong: `--fault NAME` or `--fault NAME=VALUE`.

    Those that die take the number of an order, counted over the life of the journal; each fires once
    in that life, so a supervisor may start the broker again with the same options.
    """

    DIE_BEFORE_JOURNAL = "die-before-journal"  # order N is received and lost
    DIE_BEFORE_ACK = "die-before-ack"  # order N is journaled, its acknowledgement never leaves
    ACK_THEN_DIE = "ack-then-die"  # order N is acknowledged, then the broker is gone
    DIE_BEFORE_REPORTS = "die-before-reports"  # the fills of a close are journaled and none is sent
    DELAYED_ACK = "delayed-ack"  # VALUE seconds; what comes after the order may overtake it
    DUPLICATE_ACK = "duplicate-ack"
    DUPLICATE_REPORTS = "duplicate-reports"  # each execution is sent twice, with the same exec id
    OUT_OF_ORDER_REPORTS = "out-of-order-reports"  # the reports of a close are sent last first


_NEEDS_ORDER_NUMBER = frozenset({Fault.DIE_BEFORE_JOURNAL, Fault.DIE_BEFORE_ACK, Fault.ACK_THEN_DIE})


@dataclass(frozen=True, slots=True)
class PaperOptions:
    dedup: bool = True  # False trades a repeated client order id again, for tests
    fill_ratio: Decimal = Decimal(1)  # share of each order that is filled, rounded down; the rest is done for day
    fills_per_order: int = 1
    refused_symbols: frozenset[str] = frozenset()  # symbols or security ids whose orders are rejected
    faults: tuple[tuple[Fault, Decimal], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.fill_ratio <= 1:
            raise PaperBrokerMisconfigured(f"the fill ratio {self.fill_ratio} is not between 0 and 1")
        if self.fills_per_order < 1:
            raise PaperBrokerMisconfigured("fills per order must be 1 or more")

    def fault_value(self, fault: Fault) -> Decimal | None:
        """The value of `fault` (1 for one without), or None when it is not asked for."""
        return dict(self.faults).get(fault)


def parse_fault(text: str) -> tuple[Fault, Decimal]:
    """`NAME` or `NAME=VALUE`; raises PaperBrokerMisconfigured."""
    name, has_value, value_text = text.partition("=")
    try:
        fault = Fault(name)
    except ValueError as error:
        known = ", ".join(Fault)
        raise PaperBrokerMisconfigured(f"no fault is called {name!r}; there are: {known}") from error
    value = parse_number(value_text, f"--fault {name}") if has_value else Decimal(1)
    if fault in _NEEDS_ORDER_NUMBER and (value < 1 or value != int(value)):
        raise PaperBrokerMisconfigured(f"--fault {name} takes the number of an order, from 1")
    if fault is Fault.DELAYED_ACK and not has_value:
        raise PaperBrokerMisconfigured(f"--fault {name} takes seconds: {name}=0.5")
    return fault, value


def parse_number(text: str, option: str) -> Decimal:
    """A plain non-negative decimal number; raises PaperBrokerMisconfigured."""
    if not text.replace(".", "", 1).isdecimal() or not text.isascii():
        raise PaperBrokerMisconfigured(f"{option}: {text!r} is not a number")
    return Decimal(text)
