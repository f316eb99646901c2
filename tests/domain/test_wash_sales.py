"""Windows of a tax household, and conflicts between its accounts (WS-1, WS-9, case 87)."""

from datetime import date
from decimal import Decimal

import pytest

from tests.domain.factories import a_lot, security
from trimtab.domain.accounts import AccountId
from trimtab.domain.orders import Side
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import WashWindow, WashWindows
from trimtab.domain.wash_sales import (
    DateRange,
    HouseholdPurchase,
    HouseholdSale,
    HouseholdTrade,
    WashConflictCode,
    open_windows,
    wash_conflicts,
    wash_sale_window,
)

MASTER = {
    SecurityId("SPY"): security("SPY", wash_group="SP500"),
    SecurityId("VOO"): security("VOO", wash_group="SP500"),
    SecurityId("BND"): security("BND"),
}


def a_sale(
    name: str, sold_on: date, proceeds: str, basis: str, *, account: str = "A1", taxable: bool = True
) -> HouseholdSale:
    return HouseholdSale(
        AccountId(account), SecurityId(name), sold_on, Decimal(10), Decimal(proceeds), Decimal(basis), taxable
    )


def test_a_loss_sale_blocks_buys_thirty_days_either_side() -> None:
    window = wash_sale_window(date(2026, 3, 2))
    assert window == DateRange(date(2026, 1, 31), date(2026, 4, 1))
    assert window.days == 61
    assert date(2026, 1, 31) in window
    assert date(2026, 4, 1) in window
    assert date(2026, 1, 30) not in window
    assert date(2026, 4, 2) not in window


@pytest.mark.parametrize(
    ("business_date", "is_open"),
    [(date(2024, 3, 1), True), (date(2024, 3, 31), True), (date(2024, 4, 1), False), (date(2024, 2, 29), False)],
)
def test_a_loss_bars_buys_through_the_thirtieth_day_after(business_date: date, is_open: bool) -> None:
    windows = open_windows(business_date, [a_sale("BND", date(2024, 3, 1), "500", "1000")], [], MASTER)
    expected = (WashWindow("BND", date(2024, 3, 1), date(2024, 3, 31), Decimal(10), "A1"),)
    assert windows.loss_sales == (expected if is_open else ())
    assert windows.buy_blocked() == (frozenset({"BND"}) if is_open else frozenset())


@pytest.mark.parametrize(("acquired_on", "is_open"), [(date(2024, 1, 31), True), (date(2024, 1, 30), False)])
def test_a_purchase_of_the_last_thirty_days_voids_losses(acquired_on: date, is_open: bool) -> None:
    lots = [a_lot("L", "5", "500", acquired_on, security_id="BND", purchase_id="P")]
    windows = open_windows(date(2024, 3, 1), [], lots, MASTER)
    expected = (WashWindow("BND", date(2024, 1, 31), date(2024, 3, 1), Decimal(5), "A1", "P"),)
    assert windows.purchases == (expected if is_open else ())


def test_the_tax_date_of_a_lot_does_not_hide_its_purchase() -> None:
    lots = [
        a_lot("L", "5", "500", date(2024, 2, 20), security_id="BND", holding_start=date(2020, 1, 1)),
    ]
    assert len(open_windows(date(2024, 3, 1), [], lots, MASTER).purchases) == 1


def test_substantially_identical_securities_share_a_window() -> None:
    windows = open_windows(date(2024, 3, 5), [a_sale("SPY", date(2024, 3, 1), "500", "1000")], [], MASTER)
    assert windows.buy_blocked() == {"SP500"}


@pytest.mark.parametrize(
    "sale",
    [
        a_sale("BND", date(2024, 3, 1), "1000", "500"),
        a_sale("BND", date(2024, 3, 1), "1000", "1000"),
        a_sale("BND", date(2024, 3, 1), "500", "1000", taxable=False),
    ],
)
def test_gains_and_losses_inside_an_ira_open_no_window(sale: HouseholdSale) -> None:
    assert open_windows(date(2024, 3, 5), [sale], [], MASTER) == WashWindows()


def test_a_purchase_counts_in_an_ira_too() -> None:
    lots = [a_lot("L", "5", "500", date(2024, 3, 1), security_id="BND", account_id="ROTH")]
    assert [window.account_id for window in open_windows(date(2024, 3, 5), [], lots, MASTER).purchases] == ["ROTH"]


def test_lots_of_one_purchase_are_one_window() -> None:
    lots = [a_lot(name, "5", "500", date(2024, 3, 1), security_id="BND", purchase_id="P") for name in ("L1", "L2")]
    (window,) = open_windows(date(2024, 3, 5), [], lots, MASTER).purchases
    assert window.quantity == 10


def a_purchase(day: int, quantity: str = "5", purchase_id: str = "") -> HouseholdPurchase:
    return HouseholdPurchase(AccountId("A1"), SecurityId("BND"), date(2024, 3, day), Decimal(quantity), purchase_id)


@pytest.mark.parametrize(
    ("lot_purchase_id", "purchase", "quantities"),
    [
        ("P", a_purchase(1, "7", "P"), [5]),  # the same purchase; the lot shows what is left of it
        ("", a_purchase(1, "7", "P"), [5]),
        ("P", a_purchase(1, "7"), [5]),
        ("P", a_purchase(1, "7", "Q"), [5, 7]),
        ("P", a_purchase(4, "7"), [5, 7]),
    ],
)
def test_a_purchase_seen_twice_counts_once(
    lot_purchase_id: str, purchase: HouseholdPurchase, quantities: list[int]
) -> None:
    lots = [a_lot("L", "5", "500", date(2024, 3, 1), security_id="BND", purchase_id=lot_purchase_id)]
    windows = open_windows(date(2024, 3, 5), [], lots, MASTER, [purchase])
    assert [window.quantity for window in windows.purchases] == quantities


def test_shares_bought_and_sold_since_are_still_a_purchase() -> None:
    assert len(open_windows(date(2024, 3, 5), [], [], MASTER, [a_purchase(1)]).purchases) == 1
    assert open_windows(date(2024, 4, 5), [], [], MASTER, [a_purchase(1)]) == WashWindows()


def test_an_unknown_security_is_its_own_group() -> None:
    sale = a_sale("ODD", date(2024, 3, 1), "500", "1000")
    assert open_windows(date(2024, 3, 5), [sale], [], MASTER).buy_blocked() == {"ODD"}


def test_the_order_of_the_facts_does_not_matter() -> None:
    sales = [a_sale("SPY", date(2024, 3, day), "500", "1000") for day in (1, 4, 2)]
    lots = [a_lot(f"L{day}", "5", "500", date(2024, 3, day), security_id="BND") for day in (3, 1)]
    there = open_windows(date(2024, 3, 5), sales, lots, MASTER)
    assert open_windows(date(2024, 3, 5), sales[::-1], lots[::-1], MASTER) == there


# --- conflicts of one day -----------------------------------------------------------------------------------------


def buys(account: str, key: str = "SP500") -> HouseholdTrade:
    return HouseholdTrade(AccountId(account), key, Side.BUY, realizes_loss=False)


def sells(account: str, key: str = "SP500", *, loss: bool = True, taxable: bool = True) -> HouseholdTrade:
    return HouseholdTrade(AccountId(account), key, Side.SELL, loss, taxable)


@pytest.mark.parametrize(
    ("committed", "leg", "code"),
    [
        (sells("HER"), buys("HIS"), WashConflictCode.WASH_SALE_PEER),
        (buys("HER"), sells("HIS"), WashConflictCode.WASH_SALE_PEER),
        (sells("HER"), buys("ROTH"), WashConflictCode.WASH_SALE_PEER),  # WS-9: the loss would be lost for good
        (sells("HER"), buys("HER"), WashConflictCode.WASH_SALE),
        (sells("HER"), buys("HIS", "BND"), None),
        (sells("HER", loss=False), buys("HIS"), None),
        (sells("ROTH", taxable=False), buys("HIS"), None),
        (buys("HER"), sells("HIS", loss=False), None),
        (buys("HER"), buys("HIS"), None),
        (sells("HER"), sells("HIS"), None),
    ],
)
def test_the_later_of_two_household_trades_gives_way(
    committed: HouseholdTrade, leg: HouseholdTrade, code: WashConflictCode | None
) -> None:
    found = wash_conflicts([buys("HIS", "XYZ"), leg], [committed])
    assert [(conflict.code, conflict.leg, conflict.peer_account_id) for conflict in found] == (
        [(code, 1, committed.account_id)] if code else []
    )


def test_legs_of_one_proposal_must_not_wash_each_other() -> None:
    found = wash_conflicts([sells("HIS"), buys("HIS")], [])
    assert [(conflict.code, conflict.leg) for conflict in found] == [
        (WashConflictCode.WASH_SALE, 0),
        (WashConflictCode.WASH_SALE, 1),
    ]
    assert found[0].message == "account HIS would sell at a loss SP500 on the day account HIS buys it"


def test_a_buy_inside_a_window_that_opened_since_conflicts() -> None:
    windows = WashWindows(loss_sales=(WashWindow("SP500", date(2024, 3, 1), date(2024, 3, 31), Decimal(10), "HER"),))
    (conflict,) = wash_conflicts([buys("HIS"), sells("HIS", "BND"), buys("HIS", "XYZ")], [], windows)
    assert wash_conflicts([sells("HIS")], [], windows) == ()
    assert (conflict.code, conflict.leg) == (WashConflictCode.WASH_SALE_PEER, 0)
    assert "before 2024-03-31 has passed" in conflict.message
