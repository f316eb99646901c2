"""An announced deposit has come when the custodian's cash rose by it (case 81)."""

from datetime import date
from decimal import Decimal

from trimtab.domain.deposits import CashEvening, Deposit, missing_deposits

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


def deposit(amount: str, due_on: date = TUESDAY, announced_on: date = TUESDAY) -> Deposit:
    return Deposit(Decimal(amount), due_on, announced_on)


def evening(day: date, total: str, traded: str = "0") -> CashEvening:
    return CashEvening(day, Decimal(total), Decimal(traded))


def missing(deposits: list[Deposit], *evenings: CashEvening, on: date = TUESDAY) -> list[Decimal]:
    return [each.amount for each in missing_deposits(deposits, evenings, on)]


def test_cash_that_rose_by_the_deposit_shows_it_less_a_fee_of_one_percent() -> None:
    assert missing([deposit("5000")], evening(MONDAY, "100"), evening(TUESDAY, "5050")) == []
    assert missing([deposit("5000")], evening(MONDAY, "100"), evening(TUESDAY, "5049")) == [5000]


def test_much_cash_of_before_is_no_deposit() -> None:
    assert missing([deposit("5000")], evening(MONDAY, "90000"), evening(TUESDAY, "90000")) == [5000]


def test_what_our_own_sale_brought_is_no_deposit_and_what_our_purchase_cost_hides_none() -> None:
    assert missing([deposit("5000")], evening(MONDAY, "100"), evening(TUESDAY, "5100", "5000")) == [5000]
    assert missing([deposit("5000")], evening(MONDAY, "6000"), evening(TUESDAY, "7000", "-4000")) == []


def test_a_deposit_is_not_missing_before_its_date() -> None:
    tomorrow = deposit("5000", WEDNESDAY)
    assert missing([tomorrow], evening(MONDAY, "100"), evening(TUESDAY, "100")) == []
    still = (evening(MONDAY, "100"), evening(TUESDAY, "100"), evening(WEDNESDAY, "100"))
    assert missing([tomorrow], *still, on=WEDNESDAY) == [5000]


def test_one_that_came_a_day_early_and_was_invested_since_has_come() -> None:
    cash = (evening(MONDAY, "100"), evening(TUESDAY, "5100"), evening(WEDNESDAY, "100", "-5000"))
    assert missing([deposit("5000", WEDNESDAY)], *cash, on=WEDNESDAY) == []


def test_one_rise_stands_for_one_of_two_equal_deposits() -> None:
    two = [deposit("5000", TUESDAY), deposit("5000", WEDNESDAY)]
    cash = (evening(MONDAY, "0"), evening(TUESDAY, "5000"), evening(WEDNESDAY, "5000"))
    assert missing(two, *cash, on=WEDNESDAY) == [5000]
    assert missing(two, evening(MONDAY, "0"), evening(TUESDAY, "10000"), on=WEDNESDAY) == []


def test_cash_that_rose_before_the_announcement_is_none_of_it() -> None:
    cash = (evening(MONDAY, "5000"), evening(TUESDAY, "5000"))
    assert missing([deposit("5000")], *cash) == [5000]


def test_all_cash_of_an_accounts_first_file_has_come_with_it_for_what_was_due_by_then() -> None:
    assert missing([deposit("5000")], evening(TUESDAY, "5000")) == []
    early = deposit("5000", TUESDAY, announced_on=MONDAY)
    assert missing([early], evening(MONDAY, "5000"), evening(TUESDAY, "5000")) == [5000]
    assert missing([deposit("5000")], evening(TUESDAY, "4000")) == [5000]
    assert missing([deposit("5000")]) == [5000]
