"""Money, lots, accounts, models and settings: the values that everything stands on."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.factories import a_lot, a_model, an_account, security
from trimtab.domain.account_settings import AccountSettings, CashNeed, Restriction, RestrictionKind
from trimtab.domain.accounts import CashBalance, Registration, TaxStatus
from trimtab.domain.lots import HoldingPeriod, first_long_term_sale_date, holding_period
from trimtab.domain.money import CannotSplit, split_exactly, to_cents, to_shares
from trimtab.domain.securities import SecurityId


def test_amounts_round_half_even() -> None:
    assert (to_cents(Decimal("0.125")), to_cents(Decimal("0.135"))) == (Decimal("0.12"), Decimal("0.14"))
    assert to_shares(Decimal("1.0000005")) == Decimal("1.000000")


def test_odd_cents_go_to_the_largest_remainder() -> None:
    # UTX: 8,000 of basis over 4,993 : 1,692 : 2,366; the cent that is left goes to the second.
    weights = [Decimal("49.93"), Decimal("16.92"), Decimal("23.66")]
    assert split_exactly(Decimal("8000.00"), weights) == [
        Decimal("4413.21"),
        Decimal("1495.53"),
        Decimal("2091.26"),
    ]
    assert split_exactly(Decimal("0.01"), [Decimal(1), Decimal(1)]) == [Decimal("0.01"), 0]


def test_nothing_can_be_split_over_nothing() -> None:
    with pytest.raises(CannotSplit):
        split_exactly(Decimal(1), [Decimal(0)])


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_the_parts_sum_to_the_whole(cents: int, weights: list[int]) -> None:
    total = Decimal(cents) / 100
    parts = split_exactly(total, [Decimal(weight) for weight in weights])
    assert sum(parts) == total
    assert min(parts) >= 0


@pytest.mark.parametrize(
    ("held_from", "first_long_term"),
    [
        (date(2023, 2, 15), date(2024, 2, 16)),
        (date(2023, 2, 28), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2025, 3, 1)),
        (date(2023, 12, 31), date(2025, 1, 1)),
        (date(2023, 1, 30), date(2024, 1, 31)),
        (date(2024, 2, 28), date(2025, 3, 1)),
        (date(2023, 4, 30), date(2024, 5, 1)),
    ],
)
def test_a_lot_is_long_term_when_held_more_than_a_year(held_from: date, first_long_term: date) -> None:
    assert first_long_term_sale_date(held_from) == first_long_term


def test_sold_on_the_anniversary_is_short_term() -> None:
    lot = a_lot("L", "1", "10", date(2023, 2, 15))
    assert holding_period(lot, date(2024, 2, 15)) is HoldingPeriod.SHORT_TERM
    assert holding_period(lot, date(2024, 2, 16)) is HoldingPeriod.LONG_TERM


def test_a_tacked_date_counts_for_the_term_and_the_purchase_date_stays() -> None:
    lot = a_lot("L", "4", "9900", date(2023, 12, 29), holding_start=date(2023, 1, 24), wash_adjustment="2000")
    assert holding_period(lot, date(2024, 2, 28)) is HoldingPeriod.LONG_TERM
    assert (lot.acquired_on, lot.unit_cost, lot.original_cost) == (date(2023, 12, 29), 2475, 7900)


@pytest.mark.parametrize(
    ("registration", "status"),
    [
        (Registration.INDIVIDUAL, TaxStatus.TAXABLE),
        (Registration.JOINT, TaxStatus.TAXABLE),
        (Registration.TRUST, TaxStatus.TAXABLE),
        (Registration.TRADITIONAL_IRA, TaxStatus.TAX_DEFERRED),
        (Registration.ROTH_IRA, TaxStatus.TAX_FREE),
    ],
)
def test_the_registration_gives_the_tax_status(registration: Registration, status: TaxStatus) -> None:
    assert an_account(registration=registration).tax_status is status


def test_trade_date_cash_counts_what_has_not_settled() -> None:
    assert CashBalance(Decimal(100), Decimal(-30)).trade_date_total == 70


def test_a_models_remainder_is_its_cash_unless_it_declares_one() -> None:
    assert a_model({"VTI": "0.6", "BND": "0.395"}).cash == Decimal("0.005")
    assert a_model({"VTI": "0.6", "BND": "0.38"}, cash="0.02").cash == Decimal("0.02")


def test_a_security_without_a_wash_group_is_its_own() -> None:
    assert security("VTI").wash_key == "VTI"
    assert security("VOO", wash_group="SP500").wash_key == "SP500"


def test_settings_know_their_restrictions_and_cash_needs() -> None:
    settings = AccountSettings(
        restrictions=(
            Restriction(RestrictionKind.NEVER_BUY, SecurityId("A")),
            Restriction(RestrictionKind.NEVER_SELL, SecurityId("B")),
        ),
        cash_needs=(CashNeed(Decimal(100), date(2026, 3, 9)), CashNeed(Decimal(50), date(2026, 3, 10))),
    )
    assert settings.restricted(RestrictionKind.NEVER_BUY) == {"A"}
    assert settings.cash_needed == 150
