"""New tickers and CUSIPs of real events, from their dates on."""

from datetime import date

from trimtab.activities.event_effects import Renamed, with_new_names
from trimtab.db.inputs import DeliveredAction
from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import Security, SecurityId, SecurityKind

GOOG_ON = date(2014, 4, 3)
CLASS_A, CLASS_C, GE = SecurityId("CLASS-A"), SecurityId("CLASS-C"), SecurityId("GE-SHARES")


def a_stock(name: SecurityId, symbol: str, cusip: str | None = None) -> Security:
    return Security(name, name, SecurityKind.STOCK, "US_LARGE", symbol=symbol, cusip=cusip)


def a_rename(name: SecurityId, on: date, kind: str = "CHAN", status: str = "CONFIRMED", **new: str) -> DeliveredAction:
    return DeliveredAction(f"E-{name}", 1, kind, name, on, None, None, None, status, new_names=new)


MASTER = {CLASS_A: a_stock(CLASS_A, "GOOG"), CLASS_C: a_stock(CLASS_C, "GOOCV"), GE: a_stock(GE, "GE", "369604103")}
A_TO_GOOGL = a_rename(CLASS_A, GOOG_ON, symbol="GOOGL")
C_TO_GOOG = a_rename(CLASS_C, GOOG_ON, symbol="GOOG")


def renamed(*told: DeliveredAction, on: date = GOOG_ON, changed: tuple[SecurityId, ...] = ()) -> Renamed:
    return with_new_names(MASTER, told, on, changed)


def symbols(found: Renamed) -> dict[SecurityId, str | None]:
    return {name: each.symbol for name, each in found.securities.items()}


def test_a_ticker_that_class_a_gives_up_is_class_cs_only_once_the_master_says_so() -> None:
    """A custodian's file of the evening before still means class A by GOOG, whichever row comes first."""
    for told in ((A_TO_GOOGL, C_TO_GOOG), (C_TO_GOOG, A_TO_GOOGL)):
        found = renamed(*told)
        assert symbols(found) == {CLASS_A: "GOOGL", CLASS_C: "GOOCV", GE: "GE"}
        assert (found.former, found.barred) == ({"GOOG": CLASS_A}, {CLASS_C: DataCode.TICKER_REUSED})


def test_a_ticker_that_another_security_keeps_is_not_given_a_second_time() -> None:
    """Case 22."""
    found = renamed(C_TO_GOOG)
    assert symbols(found) == {CLASS_A: "GOOG", CLASS_C: "GOOCV", GE: "GE"}
    assert found.barred == {CLASS_C: DataCode.TICKER_REUSED}


def test_of_two_securities_that_want_one_name_only_the_first_gets_it() -> None:
    found = renamed(a_rename(CLASS_A, GOOG_ON, symbol="NEW"), a_rename(CLASS_C, GOOG_ON, symbol="NEW"))
    assert symbols(found) == {CLASS_A: "NEW", CLASS_C: "GOOCV", GE: "GE"}
    assert found.barred == {CLASS_C: DataCode.TICKER_REUSED}


def test_a_reverse_split_changes_the_cusip_from_its_ex_date_on_and_the_old_one_is_still_understood() -> None:
    split = a_rename(GE, date(2021, 8, 2), kind="SPLR", cusip="369604301")
    assert renamed(split, on=date(2021, 7, 30)).securities == MASTER
    found = renamed(split, on=date(2021, 8, 2))
    assert (found.securities[GE].cusip, found.securities[GE].symbol) == ("369604301", "GE")
    assert found.former == {"369604103": GE}


def test_a_rename_that_is_only_announced_or_that_the_master_has_had_changes_nothing() -> None:
    assert renamed(a_rename(GE, GOOG_ON, status="ANNOUNCED", symbol="GEX")).securities == MASTER
    assert renamed(a_rename(GE, GOOG_ON, symbol="GEX"), changed=(GE,)).securities == MASTER
