"""The nights after an event: custodians that book it, late or not, and terms that change afterwards."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import pytest

from tests.activities.action_nights import FRIDAY, MONDAY, TUESDAY
from tests.activities.three_nights import NEW_CUSIP, OLD, Seen, three_nights
from tests.servers import SessionServer
from trimtab.db.engine import sync_engine

pytestmark = pytest.mark.xdist_group("three nights")  # they share what takes seconds to build

D = Decimal
Nights = Mapping[date, Seen]


@pytest.fixture(scope="module")
def nights(postgres: SessionServer, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    database = postgres.create(template=migrated)
    engine = sync_engine(database.app_url, pool_size=1)
    yield three_nights(engine, tmp_path_factory.mktemp("nights") / "drop")
    engine.dispose()
    postgres.drop(database.name)


def test_who_waits_on_each_night_and_nobody_else(nights: Nights) -> None:
    assert nights[FRIDAY].codes == {
        "CONFLICT": "CA_CONFLICT", "FRACTION": "CA_INCOMPLETE", "UNDECIDED": "CA_ELECTION",
    }  # fmt: skip
    assert nights[MONDAY].codes == {
        "LATE": "CA_UNSYNCED", "SOLD-EARLY": "CA_UNSYNCED", "TAKEN-BACK": "CA_UNSYNCED", "RESTATED": "CA_UNSYNCED",
        "TRADER": "CA_RESTATED", "NUMBERED": "CA_CONFLICT", "CONFLICT": "CA_UNSYNCED", "FRACTION": "CA_UNSYNCED",
        "UNDECIDED": "CA_ELECTION", "PRICES-FIRST": "CA_UNSYNCED",
    }  # fmt: skip
    assert nights[TUESDAY].codes == {"PRICES-FIRST": "SPLIT_SUSPECTED"}


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


def test_closes_that_were_divided_before_the_split_stop_who_holds_it(nights: Nights) -> None:
    """Case 30: the split is Monday's, and Friday's close is 20.00 after 80.00. Its past is in doubt one night more."""
    assert nights[MONDAY].codes["PRICES-FIRST"] == "CA_UNSYNCED"
    assert nights[TUESDAY].states["PRICES-FIRST"] == "1 APPLIED, 1 RECONCILED"


@pytest.mark.covers("D6", "D7")
def test_a_renamed_security_is_known_by_the_old_and_the_new_names(nights: Nights) -> None:
    """Case 38: the custodian says FB on Friday, the new CUSIP on Monday and META on Tuesday; the master is behind."""
    for on in (FRIDAY, MONDAY, TUESDAY):
        assert nights[on].renamed == ("META", NEW_CUSIP)
        assert nights[on].lots["RENAMED"] == f"FB 10 1000.00 {OLD}"


@pytest.mark.covers("D8", "D9")
def test_lists_and_models_from_before_an_event_are_read_as_after_it(nights: Nights) -> None:
    """The child inherits the list, the acquirer does not; 0.40 x 88.725 / (88.725 + 69.10 / 4) stays of the weight."""
    assert nights[FRIDAY].never_bought["PAID"] == {"MMM", "SOLV"} == nights[MONDAY].never_bought["PAID"]
    assert nights[FRIDAY].never_bought["BOOKED"] == set()
    assert nights[MONDAY].never_bought["MERGED"] == {"MMM", "SOLV"}
    for on in (FRIDAY, MONDAY, TUESDAY):
        assert nights[on].spun_off_weights == (D("0.334811"), D("0.065189"))
