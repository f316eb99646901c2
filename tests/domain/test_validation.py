"""Each case of the bad-input catalogue: a sound account, one fault, the code and outcome that follow."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.domain.factories import (
    AS_OF,
    DAY,
    a_delivered_lot,
    a_good_price,
    a_market,
    a_model,
    a_position,
    an_account,
    security,
    sound_holdings,
)
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import CashBalance, Registration, Standing
from trimtab.domain.data_codes import CATALOGUE, DataCode
from trimtab.domain.findings import FindingScope, Outcome, PriceFaultPolicy, verdict
from trimtab.domain.lifecycle import TerminalState
from trimtab.domain.lots import LotId
from trimtab.domain.price_checks import (
    JudgedPrice,
    PriceStatus,
    Quote,
    judge_price,
    price_file_findings,
    row_count_findings,
)
from trimtab.domain.securities import SecurityId
from trimtab.domain.suspensions import LiftingRole
from trimtab.domain.validation import (
    AccountHoldings,
    DeliveredPosition,
    MarketFacts,
    model_findings,
    unbuyable,
    validate_account,
)

VTI = SecurityId("VTI")
BND = SecurityId("BND")


def codes(
    holdings: AccountHoldings, market: MarketFacts | None = None, policy: PriceFaultPolicy = PriceFaultPolicy.SUSPEND
) -> dict[DataCode, Outcome]:
    found = validate_account(holdings, market or a_market(), DAY, policy)
    return {finding.code: finding.outcome for finding in found}


def with_price(price: JudgedPrice, name: SecurityId = VTI) -> MarketFacts:
    market = a_market()
    return replace(market, prices={**market.prices, name: price})


def test_a_sound_account_has_no_findings() -> None:
    assert validate_account(sound_holdings(), a_market(), DAY) == ()


# --- prices -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("close", "as_of", "code"),
    [
        ("0", AS_OF, DataCode.PRICE_ZERO),
        ("-3", AS_OF, DataCode.PRICE_NEG),
        ("100", date(2026, 2, 27), DataCode.PRICE_STALE),
        ("NaN", AS_OF, DataCode.PRICE_PARSE),
    ],
)
def test_a_bad_price_suspends_who_holds_the_security(close: str, as_of: date, code: DataCode) -> None:
    market = with_price(judge_price([Quote(Decimal(close), as_of)], AS_OF))
    assert codes(sound_holdings(), market) == {code: Outcome.SUSPEND}


@pytest.mark.covers("D5")
def test_a_price_that_never_came_suspends_who_holds_the_security() -> None:
    market = replace(a_market(), prices={BND: a_good_price("50")})
    assert codes(sound_holdings(), market) == {DataCode.PRICE_MISSING: Outcome.SUSPEND}


def test_a_firm_may_freeze_the_security_instead() -> None:
    market = with_price(judge_price([], AS_OF))
    found = validate_account(sound_holdings(), market, DAY, PriceFaultPolicy.FREEZE)
    outcome = verdict(found)
    assert outcome.frozen == {VTI: "PRICE_MISSING"}
    assert outcome.terminal is None


def test_two_prices_of_one_day_conflict_unless_the_sources_have_an_order() -> None:
    quotes = [Quote(Decimal(100), AS_OF, "b"), Quote(Decimal(101), AS_OF, "a")]
    assert judge_price(quotes, AS_OF).status is PriceStatus.CONFLICT
    assert judge_price(quotes, AS_OF, source_precedence=("a", "b")).close == Decimal(101)
    same_source = [Quote(Decimal(100), AS_OF, "a"), Quote(Decimal(101), AS_OF, "a")]
    assert judge_price(same_source, AS_OF, source_precedence=("a",)).status is PriceStatus.CONFLICT
    assert codes(sound_holdings(), with_price(judge_price(quotes, AS_OF))) == {DataCode.PRICE_CONFLICT: Outcome.SUSPEND}


def test_the_same_price_twice_is_one_price() -> None:
    assert judge_price([Quote(Decimal(100), AS_OF), Quote(Decimal("100.00"), AS_OF)], AS_OF).is_good


def test_an_unreadable_price_and_one_in_another_currency_are_told_apart() -> None:
    assert judge_price([Quote(None, AS_OF)], AS_OF).status is PriceStatus.UNREADABLE
    assert judge_price([Quote(Decimal(9), AS_OF, currency="GBX")], AS_OF).status is PriceStatus.OTHER_CURRENCY


def test_the_newest_of_several_days_counts() -> None:
    quotes = [Quote(Decimal(99), date(2026, 2, 27)), Quote(Decimal(100), AS_OF)]
    assert judge_price(quotes, AS_OF) == JudgedPrice(PriceStatus.GOOD, Decimal(100), AS_OF)


def test_a_price_file_that_repeats_a_third_of_yesterday_stops_the_firm() -> None:
    before = {SecurityId(f"S{place}"): Decimal(10) for place in range(100)}
    today = {name: Decimal(10) if place < 31 else Decimal(11) for place, name in enumerate(before)}
    (finding,) = price_file_findings("F", before, today)
    assert (finding.code, finding.outcome, finding.scope) == (
        DataCode.PRICE_FILE_STALE,
        Outcome.STOP,
        FindingScope.FIRM,
    )
    today[SecurityId("S0")] = Decimal("10.1")
    assert price_file_findings("F", before, today) == ()


def test_a_price_file_in_which_three_of_a_hundred_halve_stops_the_firm() -> None:
    before = {SecurityId(f"S{place}"): Decimal(10) for place in range(100)}
    today = {name: Decimal(5) if place < 3 else Decimal("10.1") for place, name in enumerate(before)}
    assert [finding.code for finding in price_file_findings("F", before, today)] == [DataCode.PRICE_FILE_SUSPECT]


def test_a_small_price_file_says_nothing_about_itself() -> None:
    before = {SecurityId(f"S{place}"): Decimal(10) for place in range(20)}
    assert len(price_file_findings("F", before, before)) == 1
    del before[SecurityId("S0")]
    assert price_file_findings("F", before, before) == ()


@pytest.mark.parametrize(
    ("previous", "today", "code"),
    [
        (100, 89, DataCode.FEED_SHRUNK),
        (100, 90, None),
        (100, 150, None),
        (100, 151, DataCode.FEED_GREW),
        (0, 20, None),
    ],
)
def test_a_file_that_shrinks_by_a_tenth_or_grows_by_half_stops_the_firm(
    previous: int, today: int, code: DataCode | None
) -> None:
    assert [finding.code for finding in row_count_findings("F", "lots", previous, today)] == ([code] if code else [])


# --- securities ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known_id", [None, SecurityId("GONE")])
def test_a_security_that_nobody_knows_suspends_its_holder(known_id: SecurityId | None) -> None:
    stranger = DeliveredPosition(known_id, "939EXC988", Decimal(1), Decimal(10))
    lots = replace(a_delivered_lot("L3", "?", "1"), security_id=known_id, security_key="939EXC988")
    holdings = sound_holdings()
    holdings = replace(holdings, positions=(*holdings.positions, stranger), lots=(*holdings.lots, lots))
    found = validate_account(holdings, a_market(), DAY)
    assert [(finding.code, finding.outcome) for finding in found] == [(DataCode.UNKNOWN_SECURITY, Outcome.SUSPEND)]
    assert "939EXC988" in found[0].message


def test_a_name_of_the_model_that_nobody_knows_suspends_who_follows_it() -> None:
    holdings = replace(sound_holdings(), model=a_model({"VTI": "0.6", "NEW": "0.4"}, cash="0"))
    assert codes(holdings) == {DataCode.MODEL_UNKNOWN_SECURITY: Outcome.SUSPEND}


def test_a_halted_holding_is_frozen_and_the_rest_trades() -> None:
    market = a_market()
    halted = replace(market, securities={**market.securities, VTI: security("VTI", tradable=False)})
    found = validate_account(sound_holdings(), halted, DAY)
    assert verdict(found).frozen == {VTI: "NOT_TRADABLE"}
    assert verdict(found).terminal is None


def test_a_held_security_without_an_asset_class_is_a_fault_of_the_security() -> None:
    market = a_market()
    unclassed = replace(market, securities={**market.securities, VTI: security("VTI", asset_class="")})
    assert codes(sound_holdings(), unclassed) == {DataCode.UNCLASSIFIED: Outcome.SUSPEND}
    assert unbuyable(a_model({"VTI": "1"}, cash="0"), unclassed) == {VTI: DataCode.UNCLASSIFIED}


def test_a_risk_model_that_covers_less_than_95_percent_suspends() -> None:
    # 1,500 of 2,000 dollars are covered without BND, 2,000 of 2,000 with it.
    market = replace(a_market(), risk_covered=frozenset({VTI}))
    assert codes(sound_holdings(), market)[DataCode.RISK_COVERAGE] is Outcome.SUSPEND
    small = replace(
        sound_holdings(),
        positions=(a_position("VTI", "10", "1000.00"), a_position("BND", "1", "50.00")),
        lots=(a_delivered_lot("L1", "VTI", "10"), a_delivered_lot("L2", "BND", "1")),
    )
    assert DataCode.RISK_COVERAGE not in codes(small, market)  # 1,500 of 1,550 is 96.8 %


# --- models and settings ------------------------------------------------------------------------------------------


def a_wide_market(**closes: str) -> MarketFacts:
    return a_market(**{"SMALL": "10", "LARGE": "10", **closes})


@pytest.mark.parametrize(("weight", "suspended"), [("0.05", False), ("0.0501", True)])
def test_names_that_cannot_be_bought_are_replaced_up_to_five_percent(weight: str, suspended: bool) -> None:
    market = with_price(judge_price([], AS_OF), SecurityId("SMALL"))
    market = replace(market, securities=a_wide_market().securities, risk_covered=a_wide_market().risk_covered)
    rest = str(Decimal("0.99") - Decimal(weight))
    holdings = replace(sound_holdings(), model=a_model({"VTI": rest, "SMALL": weight}, cash="0.01"))
    assert codes(holdings, market) == ({DataCode.MODEL_COVERAGE: Outcome.SUSPEND} if suspended else {})


def test_a_target_without_risk_data_or_halted_is_not_bought() -> None:
    market = a_wide_market()
    market = replace(
        market,
        risk_covered=market.risk_covered - {SecurityId("SMALL")},
        securities={**market.securities, SecurityId("LARGE"): security("LARGE", tradable=False)},
    )
    model = a_model({"SMALL": "0.5", "LARGE": "0.3", "NEW": "0.2", "VTI": "0"}, cash="0")
    assert unbuyable(model, market) == {
        SecurityId("SMALL"): DataCode.RISK_COVERAGE,
        SecurityId("LARGE"): DataCode.NOT_TRADABLE,
        SecurityId("NEW"): DataCode.MODEL_UNKNOWN_SECURITY,
    }


@pytest.mark.parametrize(
    ("weights", "cash", "outcome"),
    [
        ({"VTI": "0.6", "BND": "0.4"}, "0", None),
        ({"VTI": "0.6", "BND": "0.4000009"}, "0", None),
        ({"VTI": "0.6", "BND": "0.39"}, None, Outcome.TELL),  # a remainder of exactly 1 % counts as cash
        ({"VTI": "0.6", "BND": "0.37"}, None, Outcome.SUSPEND),  # 0.97
        ({"VTI": "0.6", "BND": "0.39"}, "0", Outcome.SUSPEND),  # declared, and does not add up
        ({"VTI": "1.1", "BND": "-0.1"}, "0", Outcome.SUSPEND),
        ({"VTI": "NaN", "BND": "0.4"}, "0", Outcome.SUSPEND),
        ({"VTI": "0.6", "BND": "0.41"}, None, Outcome.SUSPEND),
        ({}, "1", Outcome.SUSPEND),
    ],
)
def test_a_model_that_does_not_add_up(weights: dict[str, str], cash: str | None, outcome: Outcome | None) -> None:
    found = model_findings(a_model(weights, cash), a_market())
    assert [finding.outcome for finding in found] == ([outcome] if outcome else [])
    assert {finding.scope for finding in found} <= {FindingScope.MODEL}


def test_contradictory_settings_suspend() -> None:
    holdings = replace(sound_holdings(), settings=AccountSettings(cash_target=Decimal("1.2")))
    assert codes(holdings) == {DataCode.SETTINGS_INVALID: Outcome.SUSPEND}


@pytest.mark.parametrize("model_id", [None, "M"])
def test_an_account_without_a_published_model_is_suspended(model_id: str | None) -> None:
    holdings = replace(sound_holdings(an_account(model=model_id)), model=None)
    assert codes(holdings) == {DataCode.NO_MODEL: Outcome.SUSPEND}


@pytest.mark.covers("D16")
def test_a_closed_account_ends_as_no_trade_whatever_else_is_wrong() -> None:
    holdings = replace(sound_holdings(an_account(standing=Standing.CLOSED)), cash=None, model=None)
    assert codes(holdings) == {DataCode.ACCOUNT_CLOSED: Outcome.NO_TRADE}
    assert verdict(validate_account(holdings, a_market(), DAY)).terminal == (TerminalState.NO_TRADE, "ACCOUNT_CLOSED")


@pytest.mark.covers("D15")
def test_a_non_discretionary_account_is_flagged_for_a_person() -> None:
    found = validate_account(sound_holdings(an_account(discretionary=False)), a_market(), DAY)
    assert verdict(found).flags == ("NON_DISCRETIONARY",)
    assert verdict(found).terminal is None


# --- holdings, lots, cash -----------------------------------------------------------------------------------------


def vti(quantity: str, value: str, *lots: tuple[str, str]) -> AccountHoldings:
    return replace(
        sound_holdings(),
        positions=(a_position("VTI", quantity, value),),
        lots=tuple(a_delivered_lot(name, "VTI", shares) for name, shares in lots),
    )


def test_a_short_position_suspends_a_long_only_account() -> None:
    found = codes(replace(vti("-10", "-1000.00"), account=an_account(registration=Registration.ROTH_IRA)))
    assert found == {DataCode.SHORT_POSITION: Outcome.SUSPEND}


@pytest.mark.parametrize(("in_lots", "wrong"), [("10.0001", False), ("10.00011", True), ("9.5", True)])
def test_lots_sum_to_the_position_within_a_ten_thousandth_of_a_share(in_lots: str, wrong: bool) -> None:
    found = codes(vti("10", "1000.00", ("L1", in_lots)))
    assert found == ({DataCode.LOT_MISMATCH: Outcome.SUSPEND} if wrong else {})


def test_lots_of_a_security_that_is_not_held_do_not_match() -> None:
    holdings = replace(sound_holdings(), positions=(a_position("VTI", "10", "1000.00"),))
    assert codes(holdings) == {DataCode.LOT_MISMATCH: Outcome.SUSPEND}


def test_missing_lots_matter_in_a_taxable_account_only() -> None:
    assert codes(vti("10", "1000.00")) == {DataCode.LOTS_MISSING: Outcome.SUSPEND}
    ira = replace(vti("10", "1000.00"), account=an_account(registration=Registration.TRADITIONAL_IRA))
    assert codes(ira) == {}


@pytest.mark.parametrize("cost", [None, "-1", "0"])
def test_a_lot_without_a_positive_cost_suspends(cost: str | None) -> None:
    lots = (a_delivered_lot("L1", "VTI", "10", cost), a_delivered_lot("L2", "BND", "10"))
    assert codes(replace(sound_holdings(), lots=lots)) == {DataCode.BASIS_UNKNOWN: Outcome.SUSPEND}


def test_an_inherited_lot_may_have_cost_nothing() -> None:
    lots = (a_delivered_lot("L1", "VTI", "10", "0", inherited=True), a_delivered_lot("L2", "BND", "10"))
    assert codes(replace(sound_holdings(), lots=lots)) == {}


@pytest.mark.parametrize("acquired_on", [DAY, date(2027, 1, 4), date(1899, 12, 31)])
def test_a_lot_from_the_future_or_the_19th_century_suspends(acquired_on: date) -> None:
    lots = (a_delivered_lot("L1", "VTI", "10", acquired_on=acquired_on), a_delivered_lot("L2", "BND", "10"))
    assert codes(replace(sound_holdings(), lots=lots)) == {DataCode.LOT_DATE: Outcome.SUSPEND}


def test_dust_is_no_holding_and_a_trillion_shares_are_an_error() -> None:
    dust = replace(sound_holdings(), positions=(*sound_holdings().positions, a_position("???", "1E-12", "0")))
    assert codes(dust) == {}
    huge = codes(vti("1E+12", "1E+14", ("L1", "1E+12")))
    assert huge == {DataCode.QTY_RANGE: Outcome.SUSPEND}


@pytest.mark.parametrize(("value", "wrong"), [("1005.00", False), ("1005.01", True), ("994.99", True), ("0", True)])
def test_the_custodians_value_is_quantity_times_price_within_half_a_percent(value: str, wrong: bool) -> None:
    found = codes(vti("10", value, ("L1", "10")))
    assert found == ({DataCode.VALUE_MISMATCH: Outcome.SUSPEND} if wrong else {})


def test_a_value_rounded_to_the_cent_is_right_however_small() -> None:
    assert codes(vti("0.0001", "0.01", ("L1", "0.0001"))) == {}  # worth 0.01; 0.02 would be off by a cent
    assert codes(vti("0.00012", "0.02", ("L1", "0.00012"))) == {}  # worth 0.012


def test_a_lot_id_of_two_accounts_suspends_both() -> None:
    market = replace(a_market(), duplicate_lots=frozenset({LotId("L2")}))
    assert codes(sound_holdings(), market) == {DataCode.LOT_DUP: Outcome.SUSPEND}


@pytest.mark.parametrize(("settled", "unsettled"), [("-0.01", "0"), ("10", "-10.01"), ("-5", "10")])
def test_negative_cash_suspends(settled: str, unsettled: str) -> None:
    holdings = replace(sound_holdings(), cash=CashBalance(Decimal(settled), Decimal(unsettled)))
    assert codes(holdings) == {DataCode.CASH_NEGATIVE: Outcome.SUSPEND}


def test_an_account_that_vanished_from_the_files_is_suspended_not_closed() -> None:
    assert codes(replace(sound_holdings(), cash=None)) == {DataCode.ACCOUNT_MISSING: Outcome.SUSPEND}
    market = replace(a_market(), missing_accounts=frozenset({"A1"}))
    assert codes(sound_holdings(), market) == {DataCode.ACCOUNT_MISSING: Outcome.SUSPEND}


def test_each_fault_of_an_account_is_told() -> None:
    holdings = replace(sound_holdings(an_account(discretionary=False)), cash=CashBalance(Decimal(-1)))
    found = verdict(validate_account(holdings, with_price(judge_price([], AS_OF)), DAY))
    assert [finding.code for finding in found.suspended_by] == [DataCode.CASH_NEGATIVE, DataCode.PRICE_MISSING]
    assert found.flags == ("NON_DISCRETIONARY",)
    assert found.terminal == (TerminalState.SUSPENDED, "CASH_NEGATIVE")


# --- the catalogue ------------------------------------------------------------------------------------------------


def test_every_code_says_what_clears_it_and_who_may_lift_it() -> None:
    assert set(CATALOGUE) == set(DataCode)
    assert all(rule.cleared_by for rule in CATALOGUE.values())
    others = {code for code, rule in CATALOGUE.items() if rule.lifted_by is not LiftingRole.DATA_MANAGER}
    assert others == {
        DataCode.NON_DISCRETIONARY,
        DataCode.FRACTION_LEFT,
        DataCode.NAV_OLD,
        DataCode.WITHDRAWAL_SHORT,
        DataCode.DEPOSIT_MISSING,
    }  # flags: the account's advisor deals with them


def test_a_case_number_stands_in_few_codes() -> None:
    cases = [case for rule in CATALOGUE.values() for case in rule.cases]
    twice = {case for case in cases if cases.count(case) > 1}
    # 3 and 25 also lead to MODEL_COVERAGE; 93 and 94 have an outcome for each of their parts.
    assert twice == {3, 25, 93, 94}
