"""A firm's three nights about Friday's events: what was delivered on each, and what each left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from tests.activities.action_nights import (
    BOTH,
    CORE,
    EVE,
    FRIDAY,
    MONDAY,
    TUESDAY,
    ActionNights,
    Lots,
    Night,
    an_event,
)
from trimtab.db.corporate_actions import StoredApplication
from trimtab.db.data_changes import DataChangeKind
from trimtab.demo.universe import invented_cusip

OLD = "2019-01-02"
NEW_CUSIP = invented_cusip(400)

CLOSES = {
    "AAPL": "400.00", "MMM": "106.00", "SOLV": "69.10", "GE": "12.95", "RES": "60.00", "DUE": "60.00", "NUM": "60.00",
    "DUP": "60.00", "TWICE": "60.00", "ROC": "30.00", "ODD": "8.00", "PXD": "269.00", "XOM": "116.00", "TND": "11.50",
    "DVS": "20.60", "FB": "200.00", "PRE": "80.00",
}  # fmt: skip
LATER = {**CLOSES, "AAPL": "100.00", "MMM": "88.725", "RES": "20.00", "DUE": "20.00", "NUM": "30.00", "DUP": "30.00",
         "TWICE": "30.00", "ROC": "13.50", "ODD": "64.00", "DVS": "10.00", "PRE": "20.00"}  # fmt: skip
HELD: dict[str, Lots] = {
    "BOOKED": {"AAPL": [("25", "5000.00", OLD)]},
    "LATE": {"AAPL": [("25", "5000.00", OLD)]},
    "SOLD": {"AAPL": [("25", "5000.00", OLD)]},
    "SOLD-EARLY": {"AAPL": [("25", "5000.00", OLD)]},
    "PAID": {"MMM": [("200", "30000.00", OLD)]},
    "CANCELLED": {"GE": [("83", "830.00", OLD), ("16", "100.00", "2020-01-02")]},
    "TAKEN-BACK": {"GE": [("80", "800.00", OLD)]},
    "RESTATED": {"RES": [("30", "900.00", OLD)]},
    "FOLLOWED": {"RES": [("30", "900.00", OLD)]},
    "TRADER": {"RES": [("30", "900.00", OLD)]},
    "NOT-DUE": {"DUE": [("30", "900.00", OLD)]},
    "NUMBERED": {"NUM": [("30", "900.00", OLD)]},
    "CONFLICT": {"DUP": [("10", "300.00", OLD)]},
    "TWICE": {"TWICE": [("10", "300.00", OLD)]},
    "SAME-DAY": {"ROC": [("100", "1000.00", OLD)]},
    "GROWN": {"DVS": [("100", "1000.00", OLD)]},
    "FRACTION": {"ODD": [("103", "103.00", OLD)]},
    "WHOLE": {"ODD": [("104", "104.00", OLD)]},
    "MERGED": {"PXD": [("100", "15000.00", OLD)]},
    "RENAMED": {"FB": [("10", "1000.00", OLD)]},
    "PRICES-FIRST": {"PRE": [("25", "500.00", OLD)]},
    "UNDECIDED": {"TND": [("100", "1000.00", OLD)]},
}
EVENTS = [
    an_event("SPLF", "AAPL", new_shares="4", old_shares="1"),
    an_event("SPLR", "GE", new_shares="1", old_shares="8", cash_per_share="103.60"),
    an_event("SPLF", "RES", new_shares="2", old_shares="1"),
    an_event("SPLF", "DUE", new_shares="2", old_shares="1", pay_on=MONDAY.isoformat()),
    an_event("SPLF", "NUM", new_shares="2", old_shares="1"),
    an_event("SPLF", "DUP", event_id="DUP-OF-A", source="VENDOR-A", new_shares="2", old_shares="1"),
    an_event("SPLF", "DUP", event_id="DUP-OF-B", source="VENDOR-B", new_shares="3", old_shares="1"),
    an_event("SPLF", "TWICE", event_id="TWICE-OF-A", source="VENDOR-A", new_shares="2", old_shares="1"),
    an_event("SPLF", "TWICE", event_id="TWICE-OF-B", source="VENDOR-B", new_shares="4", old_shares="2"),
    an_event("SPLF", "ROC", event_id="EV-ROC-SPLIT", new_shares="2", old_shares="1"),
    an_event("SPLF", "DVS", event_id="EV-DVS-SPLIT", new_shares="2", old_shares="1", pay_on=MONDAY.isoformat()),
    an_event("SPLR", "ODD", new_shares="1", old_shares="8"),
    an_event("CHAN", "FB", new_symbol="META", new_cusip=NEW_CUSIP),
]
OF_TWO_SOURCES = [
    an_event("SOFF", "MMM", new_shares="1", old_shares="4", new_symbol="SOLV", treatment="TAX_FREE",
             basis_percent="15.5218", basis_source="Form 8937", pay_on=MONDAY.isoformat()),
    an_event("DVSE", "DVS", new_shares="103", old_shares="100", pay_on=MONDAY.isoformat()),
    an_event("CAPD", "ROC", cash_per_share="3.00"),
    an_event("MRGR", "PXD", new_shares="2.5", old_shares="1", new_symbol="XOM", treatment="TAX_FREE"),
    an_event("TEND", "TND", cash_per_share="12.00", mandatory="false"),
]  # fmt: skip
ON_MONDAY = [
    an_event("SPLR", "GE", new_shares="1", old_shares="8", cash_per_share="103.60", version="2", status="REVERSED"),
    an_event("SPLF", "RES", new_shares="3", old_shares="1", version="2"),
    an_event("SPLF", "DUE", new_shares="3", old_shares="1", version="2", pay_on=MONDAY.isoformat()),
    an_event("SPLF", "NUM", new_shares="3", old_shares="1"),
    an_event("SPLF", "PRE", new_shares="4", old_shares="1", ex_on=MONDAY.isoformat()),
    an_event("SPLF", "DUP", event_id="DUP-OF-B", source="VENDOR-B", new_shares="2", old_shares="1", version="2"),
    an_event("SPLR", "ODD", new_shares="1", old_shares="8", cash_per_share="64.00", version="2"),
]
ON_TUESDAY = [an_event("SPLF", "NUM", new_shares="2", old_shares="1", version="2")]
HELD_ON_MONDAY: dict[str, Lots] = {
    **HELD,
    "BOOKED": {"AAPL": [("100", "5000.00", OLD)]},
    "SOLD": {"AAPL": [("60", "3000.00", OLD)]},
    "TAKEN-BACK": {"GE": [("10", "800.00", OLD)]},
    "FOLLOWED": {"RES": [("90", "900.00", OLD)]},
    "TRADER": {"RES": [("50", "750.00", OLD)]},
    "NUMBERED": {"NUM": [("60", "900.00", OLD)]},
    "TWICE": {"TWICE": [("20", "300.00", OLD)]},
    "SAME-DAY": {"ROC": [("200", "700.00", OLD)]},
    "WHOLE": {"ODD": [("13", "104.00", OLD)]},
    "MERGED": {"XOM": [("250", "15000.00", OLD)]},
}
HELD_ON_TUESDAY: dict[str, Lots] = {
    **HELD_ON_MONDAY,
    "LATE": {"AAPL": [("100", "5000.00", OLD)]},
    "SOLD-EARLY": {"AAPL": [("60", "3000.00", OLD)]},
    "PAID": {"MMM": [("200", "25343.46", OLD)], "SOLV": [("50", "4656.54", OLD)]},
    "TAKEN-BACK": {"GE": [("80", "800.00", OLD)]},
    "RESTATED": {"RES": [("90", "900.00", OLD)]},
    "TRADER": {"RES": [("80", "800.00", OLD)]},
    "NOT-DUE": {"DUE": [("90", "900.00", OLD)]},
    "PRICES-FIRST": {"PRE": [("100", "500.00", OLD)]},
    "GROWN": {"DVS": [("206", "1000.00", OLD)]},
    "CONFLICT": {"DUP": [("20", "300.00", OLD)]},
    "FRACTION": {"ODD": [("12", "96.00", OLD)]},
}
LIST = {
    "id": "PEACE",
    "version": 1,
    "as_of": "2026-11-02",
    "securities": ["MMM", "PXD"],
    "accounts": ["PAID", "MERGED"],
}


@dataclass(frozen=True)
class Seen:
    """What one night left: codes of accounts that wait, lots of those that go on, what was written so far."""

    codes: Mapping[str, str]
    lots: Mapping[str, str]
    booked: Mapping[str, list[StoredApplication]]
    never_bought: Mapping[str, set[str | None]]
    spun_off_weights: tuple[Decimal, Decimal]  # of the parent and the child, in the model stated before the event

    renamed: tuple[str | None, str | None]  # ticker and CUSIP of FB

    @property
    def states(self) -> Mapping[str, str]:
        """By account "version STATE", in the order of recording."""
        return {name: ", ".join(f"{each.version} {each.state}" for each in rows) for name, rows in self.booked.items()}


def seen(nights: ActionNights, on: date) -> Seen:
    codes = nights.judge(on)
    goes_on = [name for name in HELD if name not in codes]
    weights, renamed = nights.frozen.models["M"].weights, nights.frozen.market.securities["FB"]
    return Seen(
        codes,
        {name: nights.lots(name) for name in goes_on},
        {name: nights.applications(name) for name in HELD},
        {name: {each.security_id for each in nights.snapshot(name).settings.restrictions} for name in goes_on},
        (round(weights["MMM"], 6), round(weights["SOLV"], 6)),
        (renamed.symbol, renamed.cusip),
    )


def three_nights(engine: Engine, drop: Path) -> Mapping[date, Seen]:
    """Friday, Monday and Tuesday of the firm, as they were seen."""
    models = {"M": {"MMM": "0.40", CORE: "0.58", "CASH": "0.02"}}
    firm = ActionNights(engine, drop, (CORE, *CLOSES), models).founded()
    told_by_both = [{**event, "source": source} for event in OF_TWO_SOURCES for source in BOTH]
    firm.agreed(DataChangeKind.RESTRICTION_LIST, "PEACE", LIST)
    firm.deliver(Night(FRIDAY, EVE, HELD, CLOSES, [*EVENTS, *told_by_both]))
    firm.approved_by("dora")
    found = {FRIDAY: seen(firm, FRIDAY)}
    for account in ("SOLD", "SOLD-EARLY"):
        firm.fill(account, "AAPL", "-40", FRIDAY)
    firm.fill("TRADER", "RES", "-10", FRIDAY)
    firm.deliver(Night(MONDAY, FRIDAY, HELD_ON_MONDAY, LATER, ON_MONDAY, cusips={"FB": NEW_CUSIP}))
    found[MONDAY] = seen(firm, MONDAY)
    firm.agreed(DataChangeKind.ELECTION, "EV-TND/UNDECIDED", {"choice": "DECLINE"}, MONDAY)
    firm.deliver(Night(TUESDAY, MONDAY, HELD_ON_TUESDAY, LATER, ON_TUESDAY, {"FB": "META"}))
    found[TUESDAY] = seen(firm, TUESDAY)
    return found
