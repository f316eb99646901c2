"""Fees of providers by hand: tiers, days, shares in cents. The same numbers stand in docs/model-hub.md."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.hub.billing import (
    AccountMonth,
    LineKind,
    Month,
    MonthOpen,
    asset_lines,
    minimum_line,
    total_of,
)
from trimtab.domain.hub.contracts import (
    DayCount,
    FeeSchedule,
    FeeTier,
    ProviderContract,
    TierMethod,
    require_sound_contract,
)
from trimtab.domain.hub.fees import ModelAssets, accruals, annual_fee, daily_fee
from trimtab.domain.hub.provider_models import UploadCode, rotated

TIERS = (FeeTier(Decimal(30), Decimal(1_000_000)), FeeTier(Decimal(20), Decimal(5_000_000)), FeeTier(Decimal(10)))
GRADUATED = FeeSchedule(TIERS)
WHOLE = FeeSchedule(TIERS, TierMethod.WHOLE)
DAY = date(2026, 3, 2)


CONTRACT = ProviderContract(
    id="ACME",
    name="Acme",
    start=date(2026, 3, 10),
    models={"GROWTH": "standard", "INCOME": "standard"},
    schedules={"standard": GRADUATED},
    signed_by_firm="I",
    signed_by_provider="A",
    signed_on=date(2026, 1, 1),
)


def a_contract(**changes: Any) -> ProviderContract:
    return replace(CONTRACT, **changes)


@pytest.mark.covers("M1c")
@pytest.mark.parametrize(
    ("assets", "graduated", "whole"),
    [
        ("0", "0", "0"),
        ("1000000", "3000", "3000"),
        ("1000000.01", "3000.000020", "2000.00002"),
        ("1500000", "4000", "3000"),  # 1,000,000 at 30 bp and 500,000 at 20 bp
        ("7000000", "13000", "7000"),  # 3,000 + 4,000,000 at 20 bp + 2,000,000 at 10 bp
    ],
)
def test_tiers_charge_each_dollar_at_its_own_rate_or_all_at_the_one_that_is_reached(
    assets: str, graduated: str, whole: str
) -> None:
    assert annual_fee(Decimal(assets), GRADUATED) == Decimal(graduated)
    assert annual_fee(Decimal(assets), WHOLE) == Decimal(whole)


@pytest.mark.covers("M1c")
def test_a_day_is_a_365th_also_in_a_leap_year_unless_days_are_counted_as_they_are() -> None:
    """4,000 dollars a year on 1,500,000: 10.958904 a day, or 10.928962 in 2028."""
    assets, leap = Decimal(1_500_000), date(2028, 2, 29)
    assert daily_fee(assets, GRADUATED, DAY, DayCount.ACT_365) == Decimal("10.958904")
    assert daily_fee(assets, GRADUATED, leap, DayCount.ACT_365) == Decimal("10.958904")
    assert daily_fee(assets, GRADUATED, leap, DayCount.ACT_ACT) == Decimal("10.928962")
    assert daily_fee(assets, GRADUATED, DAY, DayCount.ACT_ACT) == Decimal("10.958904")


@pytest.mark.covers("M1c")
def test_models_under_one_schedule_reach_its_breakpoints_together_and_share_the_fee_by_assets() -> None:
    """1,200,000 and 300,000 are 1,500,000 together: four fifths and one fifth of 10.958904."""
    assets = {"GROWTH": ModelAssets(3, Decimal(1_200_000)), "INCOME": ModelAssets(1, Decimal(300_000))}
    growth, income = accruals(a_contract(), date(2026, 3, 10), assets)
    assert (growth.fee, income.fee) == (Decimal("8.767123"), Decimal("2.191781"))
    assert (growth.accounts, growth.assets, growth.rate_bps) == (3, Decimal(1_200_000), Decimal("26.6667"))
    assert growth.fee + income.fee == Decimal("10.958904")


def test_a_contract_accrues_on_the_days_of_its_term_both_ends_included() -> None:
    contract = a_contract(end=date(2026, 3, 11))
    days = [day for day in range(8, 14) if accruals(contract, date(2026, 3, day), {})]
    assert days == [10, 11]
    assert [each.fee for each in accruals(contract, date(2026, 3, 10), {})] == [0, 0]


@pytest.mark.covers("M1d")
def test_lines_are_cents_and_sum_to_what_was_accrued() -> None:
    """289.315072 is 289.32: 139.0215 and 150.2935 are cut to 139.02 and 150.29, and the cent goes to the latter."""
    parts = [
        AccountMonth("GROWTH", "A1", 30, Decimal(600_000 * 30), Decimal("139.021528")),
        AccountMonth("GROWTH", "A2", 30, Decimal(900_000 * 14 + 450_000 * 16), Decimal("150.293544")),
    ]
    lines = asset_lines(parts, Decimal("289.315072"), 30)
    assert [(line.account_id, line.average_assets, line.amount) for line in lines] == [
        ("A1", Decimal("600000.00"), Decimal("139.02")),
        ("A2", Decimal("660000.00"), Decimal("150.30")),
    ]
    assert total_of(lines) == Decimal("289.32")


@pytest.mark.covers("M1d")
def test_three_equal_accounts_share_a_cent_that_does_not_divide() -> None:
    parts = [AccountMonth("GROWTH", name, 31, Decimal(1), Decimal("0.033333")) for name in ("A1", "A2", "A3")]
    assert [line.amount for line in asset_lines(parts, Decimal("0.1"), 31)] == [
        Decimal("0.04"),
        Decimal("0.03"),
        Decimal("0.03"),
    ]


@pytest.mark.covers("M1d")
def test_a_minimum_is_prorated_by_the_days_in_force() -> None:
    """400 dollars for 22 of 31 days are 283.87; 250 were accrued: 33.87 are missing."""
    contract, march = a_contract(minimum=Decimal(400)), Month.of("2026-03")
    line = minimum_line(contract, march, Decimal("250.004"), 22)
    assert line is not None
    assert (line.kind, line.amount) == (LineKind.MINIMUM, Decimal("33.87"))
    assert line.reason == "minimum of 283.87 for 22 of 31 days; 250.00 accrued"
    assert minimum_line(contract, march, Decimal("283.87"), 22) is None


def test_a_month_is_written_as_year_and_month() -> None:
    assert (Month.of("2028-02").last, str(Month.of("2028-02"))) == (date(2028, 2, 29), "2028-02")
    with pytest.raises(MonthOpen, match="write it as 2026-03"):
        Month.of("March")


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ((FeeTier(Decimal(30), Decimal(5)), FeeTier(Decimal(20), Decimal(5)), FeeTier(Decimal(10))), "not above 5"),
        ((FeeTier(Decimal(30)), FeeTier(Decimal(20))), "only the last tier may have no end"),
        ((FeeTier(Decimal(-1)),), "not between 0 and 500"),
        ((), "the last tier must have no end"),
    ],
)
def test_tiers_out_of_order_are_refused(tiers: tuple[FeeTier, ...], message: str) -> None:
    with pytest.raises(InvalidProgramme, match=message):
        require_sound_contract(a_contract(schedules={"standard": FeeSchedule(tiers)}))


def test_platforms_take_turns() -> None:
    assert [rotated(("N", "T", "S"), n)[0] for n in range(4)] == ["N", "T", "S", "N"]
    assert rotated((), 3) == ()


def test_the_page_names_every_code_that_keeps_a_model_aside() -> None:
    page = (Path(__file__).parents[2] / "docs" / "model-hub.md").read_text(encoding="utf-8")
    assert [code for code in UploadCode if code not in page] == []
