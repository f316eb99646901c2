"""Three nights about Friday's events: custodians that book them, late or not, and terms that change afterwards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

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
from tests.servers import SessionServer
from trimtab.db.corporate_actions import StoredApplication
from trimtab.db.data_changes import DataChangeKind
from trimtab.db.engine import sync_engine

D = Decimal
OLD = "2019-01-02"

CLOSES = {
    "AAPL": "400.00", "MMM": "106.00", "SOLV": "69.10", "GE": "12.95", "RES": "60.00", "DUE": "60.00", "NUM": "60.00",
    "DUP": "60.00", "TWICE": "60.00", "ROC": "30.00", "ODD": "8.00", "PXD": "269.00", "XOM": "116.00", "TND": "11.50",
    "DVS": "20.60",
}  # fmt: skip
LATER = {**CLOSES, "AAPL": "100.00", "MMM": "88.725", "RES": "20.00", "DUE": "20.00", "NUM": "30.00", "DUP": "30.00",
         "TWICE": "30.00", "ROC": "13.50", "ODD": "64.00", "DVS": "10.00"}  # fmt: skip
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

    @property
    def states(self) -> Mapping[str, str]:
        """By account "version STATE", in the order of recording."""
        return {name: ", ".join(f"{each.version} {each.state}" for each in rows) for name, rows in self.booked.items()}


def seen(nights: ActionNights, on: date) -> Seen:
    codes = nights.judge(on)
    goes_on = [name for name in HELD if name not in codes]
    weights = nights.frozen.models["M"].weights
    return Seen(
        codes,
        {name: nights.lots(name) for name in goes_on},
        {name: nights.applications(name) for name in HELD},
        {name: {each.security_id for each in nights.snapshot(name).settings.restrictions} for name in goes_on},
        (round(weights["MMM"], 6), round(weights["SOLV"], 6)),
    )


@pytest.fixture(scope="module")
def nights(
    postgres: SessionServer, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[date, Seen]]:
    """Friday, Monday and Tuesday of the firm, as they were seen."""
    database = postgres.create(template=migrated)
    engine = sync_engine(database.app_url, pool_size=1)
    models = {"M": {"MMM": "0.40", CORE: "0.58", "CASH": "0.02"}}
    firm = ActionNights(engine, tmp_path_factory.mktemp("nights") / "drop", (CORE, *CLOSES), models).founded()
    told_by_both = [{**event, "source": source} for event in OF_TWO_SOURCES for source in BOTH]
    firm.agreed(DataChangeKind.RESTRICTION_LIST, "PEACE", LIST)
    firm.deliver(Night(FRIDAY, EVE, HELD, CLOSES, [*EVENTS, *told_by_both]))
    firm.approved_by("dora")
    found = {FRIDAY: seen(firm, FRIDAY)}
    for account in ("SOLD", "SOLD-EARLY"):
        firm.fill(account, "AAPL", "-40", FRIDAY)
    firm.fill("TRADER", "RES", "-10", FRIDAY)
    firm.deliver(Night(MONDAY, FRIDAY, HELD_ON_MONDAY, LATER, ON_MONDAY))
    found[MONDAY] = seen(firm, MONDAY)
    firm.agreed(DataChangeKind.ELECTION, "EV-TND/UNDECIDED", {"choice": "DECLINE"}, MONDAY)
    firm.deliver(Night(TUESDAY, MONDAY, HELD_ON_TUESDAY, LATER, ON_TUESDAY))
    found[TUESDAY] = seen(firm, TUESDAY)
    yield found
    engine.dispose()
    postgres.drop(database.name)


Nights = Mapping[date, Seen]


def test_who_waits_on_each_night_and_nobody_else(nights: Nights) -> None:
    assert nights[FRIDAY].codes == {
        "CONFLICT": "CA_CONFLICT", "FRACTION": "CA_INCOMPLETE", "UNDECIDED": "CA_ELECTION",
    }  # fmt: skip
    assert nights[MONDAY].codes == {
        "LATE": "CA_UNSYNCED", "SOLD-EARLY": "CA_UNSYNCED", "TAKEN-BACK": "CA_UNSYNCED", "RESTATED": "CA_UNSYNCED",
        "TRADER": "CA_RESTATED", "NUMBERED": "CA_CONFLICT", "CONFLICT": "CA_UNSYNCED", "FRACTION": "CA_UNSYNCED",
        "UNDECIDED": "CA_ELECTION",
    }  # fmt: skip
    assert nights[TUESDAY].codes == {}


def test_a_split_is_reconciled_once_the_custodian_shows_it_with_what_was_sold_since(nights: Nights) -> None:
    assert {name: nights[FRIDAY].lots[name] for name in ("BOOKED", "LATE", "SOLD")} == dict.fromkeys(
        ("BOOKED", "LATE", "SOLD"), f"AAPL 100 5000.00 {OLD}"
    )
    assert nights[MONDAY].lots["BOOKED"] == f"AAPL 100 5000.00 {OLD}"
    assert nights[MONDAY].lots["SOLD"] == f"AAPL 60 3000.00 {OLD}"  # 25 x 4 - 40
    assert nights[MONDAY].states["BOOKED"] == nights[MONDAY].states["SOLD"] == "1 APPLIED, 1 RECONCILED"
    assert nights[TUESDAY].states["BOOKED"] == "1 APPLIED, 1 RECONCILED"


def test_a_late_custodian_suspends_its_accounts_until_it_shows_the_event(nights: Nights) -> None:
    """Case 29: both wait on Monday, the one that sold as well, and nothing is booked twice."""
    assert nights[MONDAY].states["LATE"] == nights[MONDAY].states["SOLD-EARLY"] == "1 APPLIED"
    assert nights[TUESDAY].states["LATE"] == nights[TUESDAY].states["SOLD-EARLY"] == "1 APPLIED, 1 RECONCILED"
    assert nights[TUESDAY].lots["SOLD-EARLY"] == f"AAPL 60 3000.00 {OLD}"


def test_between_ex_date_and_pay_date_the_account_has_its_entitlement_and_trades(nights: Nights) -> None:
    """Case 35: 15.5218 % of 30,000.00 goes to 50 shares that the custodian pays out on Monday."""
    entitled = f"MMM 200 25343.46 {OLD}\nSOLV 50 4656.54 {OLD}"
    assert [nights[on].lots["PAID"] for on in (FRIDAY, MONDAY, TUESDAY)] == [entitled] * 3
    assert nights[MONDAY].states["PAID"] == "1 APPLIED"
    assert nights[TUESDAY].states["PAID"] == "1 APPLIED, 1 RECONCILED"


def test_a_cancelled_event_gives_the_lots_back_as_they_were(nights: Nights) -> None:
    """Case 37: of 99 / 8 = 12.375 shares the fraction was paid from the lot acquired last; all of it comes back."""
    assert nights[FRIDAY].lots["CANCELLED"] == f"GE 10.375 830.00 {OLD}\nGE 1.625 81.25 2020-01-02"
    assert nights[MONDAY].lots["CANCELLED"] == f"GE 83 830.00 {OLD}\nGE 16 100.00 2020-01-02"
    assert nights[MONDAY].states["CANCELLED"] == "1 APPLIED, 1 REVERSED, 2 REVERSED"
    assert nights[TUESDAY].states["CANCELLED"] == nights[MONDAY].states["CANCELLED"]
    applied, taken_back, _ = nights[MONDAY].booked["CANCELLED"]
    assert (taken_back.before_hash, taken_back.after_hash) == (applied.after_hash, applied.before_hash)
    # 0.375 x 103.60, less its basis of 18.75
    assert (applied.cash, applied.gain) == (-taken_back.cash, -taken_back.gain) == (D("38.85"), D("20.10"))


def test_a_custodian_that_booked_a_cancelled_event_is_waited_for(nights: Nights) -> None:
    assert nights[MONDAY].states["TAKEN-BACK"] == "1 APPLIED, 1 REVERSED"
    assert nights[TUESDAY].lots["TAKEN-BACK"] == f"GE 80 800.00 {OLD}"
    assert nights[TUESDAY].states["TAKEN-BACK"] == "1 APPLIED, 1 REVERSED, 2 REVERSED"


def test_a_restated_split_is_taken_back_and_applied_anew_to_the_lots_before_both(nights: Nights) -> None:
    """2:1 on Friday, 3:1 since Monday: 30 shares are 60, then 90, never 180."""
    assert nights[FRIDAY].lots["FOLLOWED"] == f"RES 60 900.00 {OLD}"
    assert nights[MONDAY].lots["FOLLOWED"] == f"RES 90 900.00 {OLD}"
    assert nights[MONDAY].lots["NOT-DUE"] == f"DUE 90 900.00 {OLD}"  # its custodian books on Monday
    for name in ("RESTATED", "FOLLOWED", "TRADER", "NOT-DUE"):
        assert nights[MONDAY].states[name] == "1 APPLIED, 1 REVERSED, 2 APPLIED"
        assert nights[TUESDAY].states[name] == "1 APPLIED, 1 REVERSED, 2 APPLIED, 2 RECONCILED"
        first, taken_back, second = nights[MONDAY].booked[name]
        assert second.before_hash == taken_back.after_hash == first.before_hash


def test_an_account_that_traded_before_the_restatement_waits_for_its_custodian(nights: Nights) -> None:
    """Case 40: 30 x 2 - 10 = 50 on Monday is neither side of 3:1; 30 x 3 - 10 = 80 on Tuesday is."""
    assert nights[MONDAY].codes["TRADER"] == "CA_RESTATED"
    assert nights[TUESDAY].lots["TRADER"] == f"RES 80 800.00 {OLD}"


def test_other_terms_under_the_same_number_are_a_conflict_until_a_new_version_comes(nights: Nights) -> None:
    assert nights[MONDAY].states["NUMBERED"] == "1 APPLIED"
    assert nights[TUESDAY].lots["NUMBERED"] == f"NUM 60 900.00 {OLD}"


def test_two_vendors_that_disagree_are_not_believed_and_two_that_agree_are_one_event(nights: Nights) -> None:
    """Case 36: 2:1 and 3:1 of one day wait until B corrects itself; 2:1 and 4:2 are applied once."""
    assert nights[FRIDAY].states["CONFLICT"] == ""
    assert nights[TUESDAY].lots["CONFLICT"] == f"DUP 20 300.00 {OLD}"
    assert nights[FRIDAY].lots["TWICE"] == f"TWICE 20 300.00 {OLD}"
    assert nights[TUESDAY].states["TWICE"] == "1 APPLIED, 1 RECONCILED"


def test_of_one_day_a_return_of_capital_counts_the_shares_before_the_split(nights: Nights) -> None:
    """100 shares pay 3.00 each, out of a basis of 1,000.00; then there are 200."""
    assert nights[FRIDAY].lots["SAME-DAY"] == f"ROC 200 700.00 {OLD}"
    assert nights[FRIDAY].states["SAME-DAY"] == "1 APPLIED, 1 APPLIED"
    assert nights[MONDAY].states["SAME-DAY"] == "1 APPLIED, 1 APPLIED, 1 RECONCILED, 1 RECONCILED"


def test_a_stock_dividend_and_a_split_of_one_day_are_counted_once_each_and_reconciled_together(nights: Nights) -> None:
    """100 x 1.03 x 2, still entitled on Monday, in the custodian's file on Tuesday."""
    assert [nights[on].lots["GROWN"] for on in (FRIDAY, MONDAY, TUESDAY)] == [f"DVS 206 1000.00 {OLD}"] * 3
    assert nights[MONDAY].states["GROWN"] == "1 APPLIED, 1 APPLIED"
    assert nights[TUESDAY].states["GROWN"] == "1 APPLIED, 1 APPLIED, 1 RECONCILED, 1 RECONCILED"


def test_a_reverse_split_without_a_price_stops_only_who_would_have_a_fraction(nights: Nights) -> None:
    """Case 32: 104 / 8 is 13; 103 / 8 leaves 0.875, for which Monday's version pays 64.00 a share."""
    assert nights[FRIDAY].lots["WHOLE"] == f"ODD 13 104.00 {OLD}"
    assert (nights[FRIDAY].states["FRACTION"], nights[MONDAY].states["FRACTION"]) == ("", "2 APPLIED")
    assert nights[TUESDAY].lots["FRACTION"] == f"ODD 12 96.00 {OLD}"


def test_who_has_not_chosen_waits_until_the_choice_is_entered(nights: Nights) -> None:
    """Case 34."""
    assert nights[TUESDAY].lots["UNDECIDED"] == f"TND 100 1000.00 {OLD}"


def test_lists_and_models_from_before_an_event_are_read_as_after_it(nights: Nights) -> None:
    """The child inherits the list, the acquirer does not; 0.40 x 88.725 / (88.725 + 69.10 / 4) stays of the weight."""
    assert nights[FRIDAY].never_bought["PAID"] == {"MMM", "SOLV"} == nights[MONDAY].never_bought["PAID"]
    assert nights[FRIDAY].never_bought["BOOKED"] == set()
    assert nights[MONDAY].never_bought["MERGED"] == {"MMM", "SOLV"}
    for on in (FRIDAY, MONDAY, TUESDAY):
        assert nights[on].spun_off_weights == (D("0.334811"), D("0.065189"))
