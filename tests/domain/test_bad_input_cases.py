"""The catalogue of bad input by case number (docs/bad-input.md): what is planted, and the code that follows.

Here stand the cases that the checks of one account, of prices and of identifiers decide. Those of files are in
tests/feeds, those of whole nights in tests/activities.
"""

from collections.abc import Callable
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
from trimtab.domain.account_checks import value_jump
from trimtab.domain.account_settings import AccountSettings, CashNeed, Restriction, RestrictionKind, WeightBand
from trimtab.domain.accounts import Account, CashBalance, Registration, Standing
from trimtab.domain.data_codes import CATALOGUE, DataCode
from trimtab.domain.delivered import AccountHoldings, DeliveredPosition, MarketFacts
from trimtab.domain.findings import Outcome, PriceFaultPolicy, verdict
from trimtab.domain.identifier_checks import PastIdentifier, identifier_faults
from trimtab.domain.lots import LotId
from trimtab.domain.price_checks import JudgedPrice, PriceStatus, Quote, judge_nav, judge_price, price_file_findings
from trimtab.domain.price_moves import CustodianView, Evidence, PastDay, is_closed, suspicion
from trimtab.domain.securities import SecurityId, SecurityKind
from trimtab.domain.trade_checks import OwnFill, ReportedSale, trade_faults, unbooked
from trimtab.domain.validation import validate_account

VTI, BND = SecurityId("VTI"), SecurityId("BND")
FRIDAY = date(2026, 2, 27)

Planted = tuple[AccountHoldings, MarketFacts]


def found(planted: Planted, **firm: object) -> dict[str, Outcome]:
    return {str(each.code): each.outcome for each in validate_account(*planted, DAY, **firm)}  # type: ignore[arg-type]


# --- planting -----------------------------------------------------------------------------------------------------


def quoted(*quotes: Quote) -> Planted:
    """The sound account, and VTI with these quotes."""
    market = a_market()
    return sound_holdings(), replace(market, prices={**market.prices, VTI: judge_price(quotes, AS_OF)})


def judged(status: PriceStatus) -> Planted:
    market = a_market()
    price = JudgedPrice(status, Decimal(100), AS_OF)
    return sound_holdings(), replace(market, prices={**market.prices, VTI: price})


def priced(*closes: str, volume: str | None = "1000", dividend: str = "0") -> PriceStatus:
    """What the last close looks like after the ones before it."""
    traded = None if volume is None else Decimal(volume)
    *before, today = map(Decimal, closes)
    past = [PastDay(close, traded) for close in reversed(before)]
    return suspicion(today, traded, past, Decimal(dividend))


def moved(*closes: str) -> Planted:
    return judged(priced(*closes))


def mastered(**values: object) -> Planted:
    market = a_market()
    changed = replace(market.securities[VTI], **values)  # type: ignore[arg-type]
    return sound_holdings(), replace(market, securities={**market.securities, VTI: changed})


def held(position: DeliveredPosition, *lots: str) -> Planted:
    """The sound account with VTI as given; its lots hold these shares."""
    holdings = sound_holdings()
    new = tuple(a_delivered_lot(f"N{place}", "VTI", shares) for place, shares in enumerate(lots))
    return replace(holdings, positions=(position, holdings.positions[1]), lots=(*new, holdings.lots[1])), a_market()


def lotted(**values: object) -> Planted:
    holdings = sound_holdings()
    lot = replace(holdings.lots[0], **values)  # type: ignore[arg-type]
    return replace(holdings, lots=(lot, holdings.lots[1])), a_market()


def cash(settled: str, unsettled: str = "0", needed: str = "0") -> Planted:
    needs = () if needed == "0" else (CashNeed(Decimal(needed), DAY),)
    return replace(
        sound_holdings(),
        cash=CashBalance(Decimal(settled), Decimal(unsettled)),
        settings=AccountSettings(cash_needs=needs),
    ), a_market()


def followed(weights: dict[str, str], declared: str | None) -> Planted:
    return replace(sound_holdings(), model=a_model(weights, declared)), a_market()


def set_to(**values: object) -> Planted:
    return replace(sound_holdings(), settings=AccountSettings(**values)), a_market()  # type: ignore[arg-type]


def swept_twice() -> Planted:
    """500 dollars in the sweep fund, and the same 500 as cash."""
    market = a_market(SWEEP="1")
    fund = replace(security("SWEEP", "CASH"), kind=SecurityKind.FUND)
    holdings = sound_holdings()
    return replace(
        holdings,
        positions=(*holdings.positions, a_position("SWEEP", "500", "500.00")),
        lots=(*holdings.lots, a_delivered_lot("L3", "SWEEP", "500")),
    ), replace(market, securities={**market.securities, SecurityId("SWEEP"): fund})


def an_old_nav() -> Planted:
    market = a_market()
    fund = replace(market.securities[VTI], kind=SecurityKind.FUND)
    price = JudgedPrice(PriceStatus.GOOD, Decimal(100), date(2026, 2, 26))
    return sound_holdings(), replace(
        market,
        securities={**market.securities, VTI: fund},
        prices={**market.prices, VTI: price},
        oldest_nav=FRIDAY,
    )


def unknown(key: str) -> Planted:
    holdings = sound_holdings()
    stranger = DeliveredPosition(None, key, Decimal(1), Decimal(10))
    lot = replace(a_delivered_lot("L3", "?", "1"), security_id=None, security_key=key)
    return replace(holdings, positions=(*holdings.positions, stranger), lots=(*holdings.lots, lot)), a_market()


def without(**values: object) -> Planted:
    return replace(sound_holdings(), **values), a_market()  # type: ignore[arg-type]


def an_ira() -> Account:
    return an_account(registration=Registration.ROTH_IRA)


def of_market(**values: object) -> Planted:
    return sound_holdings(), replace(a_market(), **values)  # type: ignore[arg-type]


# --- the table ----------------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Callable[[], Planted], str]] = {
    "01 a price of zero": (lambda: quoted(Quote(Decimal(0), AS_OF)), "PRICE_ZERO"),
    "02 a negative price": (lambda: quoted(Quote(Decimal(-3), AS_OF)), "PRICE_NEG"),
    "03 no price": (lambda: quoted(), "PRICE_MISSING"),
    "04 a price of Friday on Tuesday": (lambda: quoted(Quote(Decimal(100), FRIDAY)), "PRICE_STALE"),
    "05 the same close for five traded sessions": (lambda: moved(*["100"] * 5), "PRICE_STALE"),
    "06 up by 41 %": (lambda: moved("100", "141.01"), "PRICE_SPIKE"),
    "06 down by 41 %": (lambda: moved("100", "58.9"), "PRICE_SPIKE"),
    "07 halved": (lambda: moved("100", "50"), "SPLIT_SUSPECTED"),
    "07 doubled": (lambda: moved("100", "200"), "SPLIT_SUSPECTED"),
    "07 three for two": (lambda: moved("100", "66.67"), "SPLIT_SUSPECTED"),
    "07 one for ten": (lambda: moved("1", "10"), "SPLIT_SUSPECTED"),
    "08 pence for pounds": (lambda: moved("1.20", "121"), "PRICE_UNIT"),
    "09 another currency": (lambda: quoted(Quote(Decimal(100), AS_OF, currency="GBP")), "PRICE_CCY"),
    "10 a price that cannot be read": (lambda: quoted(Quote(None, AS_OF)), "PRICE_PARSE"),
    "10 not a number": (lambda: quoted(Quote(Decimal("NaN"), AS_OF)), "PRICE_PARSE"),
    "11 two closes of one day": (
        lambda: quoted(Quote(Decimal(100), AS_OF, "A"), Quote(Decimal(101), AS_OF, "B")),
        "PRICE_CONFLICT",
    ),
    "13 per 1 of par for per 100": (lambda: moved("99.5", "0.995"), "PRICE_UNIT"),
    "16 a net asset value of two sessions before": (an_old_nav, "NAV_OLD"),
    "17 an unknown CUSIP": (lambda: unknown("037833100"), "UNKNOWN_SECURITY"),
    "18 an unknown name in the model": (
        lambda: followed({"VTI": "0.6", "NEW": "0.4"}, "0"),
        "MODEL_UNKNOWN_SECURITY",
    ),
    "24 no currency": (lambda: quoted(Quote(Decimal(100), AS_OF, currency="")), "PRICE_CCY"),
    "25 halted": (lambda: mastered(tradable=False), "NOT_TRADABLE"),
    "26 a CUSIP of the user's own": (lambda: unknown("037833990"), "UNKNOWN_SECURITY"),
    "27 no asset class": (lambda: mastered(asset_class=""), "UNCLASSIFIED"),
    "28 risk data for 75 % of the value": (lambda: of_market(risk_covered=frozenset({VTI})), "RISK_COVERAGE"),
    "57 vanished from the custodian's file": (lambda: without(cash=None), "ACCOUNT_MISSING"),
    "65 a short position": (
        lambda: (replace(held(a_position("VTI", "-10", "-1000"))[0], account=an_ira()), a_market()),
        "SHORT_POSITION",
    ),
    "66 lots that do not sum": (lambda: held(a_position("VTI", "10", "1000"), "9.9998"), "LOT_MISMATCH"),
    "67 no lots": (lambda: held(a_position("VTI", "10", "1000")), "LOTS_MISSING"),
    "68 no basis": (lambda: lotted(cost=None), "BASIS_UNKNOWN"),
    "68 a basis of zero": (lambda: lotted(cost=Decimal(0)), "BASIS_UNKNOWN"),
    "69 a lot of tomorrow": (lambda: lotted(acquired_on=date(2026, 3, 4)), "LOT_DATE"),
    "69 a lot of 1899": (lambda: lotted(acquired_on=date(1899, 12, 31)), "LOT_DATE"),
    "70 half a share to be sold in whole shares": (
        lambda: (
            replace(
                held(a_position("VTI", "10.5", "1050"), "10.5")[0],
                settings=AccountSettings(restrictions=(Restriction(RestrictionKind.NEVER_HOLD, VTI),)),
                model=a_model({"BND": "0.99"}, "0.01"),
            ),
            a_market(),
        ),
        "FRACTION_LEFT",
    ),
    "71 a trillion shares": (lambda: held(a_position("VTI", "1E12", "1E14"), "1E12"), "QTY_RANGE"),
    "72 a value 0.6 % off": (lambda: held(a_position("VTI", "10", "1006"), "10"), "VALUE_MISMATCH"),
    "73 a value that jumped": (
        lambda: of_market(value_jumps={"A1": value_jump(Decimal(1000), Decimal(2000))}),
        "VALUE_JUMP",
    ),
    "74 restricted shares, no restricted lot": (
        lambda: held(replace(a_position("VTI", "10", "1000"), restricted=True), "10"),
        "RESTRICTED_SHARES",
    ),
    "76 a lot of two accounts": (lambda: of_market(duplicate_lots=frozenset({LotId("L1")})), "LOT_DUP"),
    "77 negative cash": (lambda: cash("-1"), "CASH_NEGATIVE"),
    "80 a withdrawal above all that can be sold": (lambda: cash("500", needed="2000.01"), "WITHDRAWAL_SHORT"),
    "81 a deposit announced that has not come": (
        lambda: of_market(missing_deposits={"A1": "the deposit of 5000 announced for 2026-03-02 has not come"}),
        "DEPOSIT_MISSING",
    ),
    "84 a sweep counted twice": (swept_twice, "CASH_DUP"),
    "85 a holding in euros without a rate": (lambda: mastered(currency="EUR"), "FX_MISSING"),
    "92 at least 5 % and at most 3 %": (
        lambda: set_to(weight_bands={VTI: WeightBand(Decimal("0.05"), Decimal("0.03"))}),
        "SETTINGS_INVALID",
    ),
    "92 the whole class barred": (
        lambda: set_to(restrictions=tuple(Restriction(RestrictionKind.NEVER_BUY, name) for name in (VTI, BND))),
        "SETTINGS_INVALID",
    ),
    "93 no model": (lambda: without(model=None), "NO_MODEL"),
    "93 closed": (lambda: without(account=an_account(standing=Standing.CLOSED)), "ACCOUNT_CLOSED"),
    "93 without discretion": (lambda: without(account=an_account(discretionary=False)), "NON_DISCRETIONARY"),
    "94 weights of 0.97": (lambda: followed({"VTI": "0.6", "BND": "0.37"}, None), "MODEL_INVALID"),
    "94 a negative weight": (lambda: followed({"VTI": "1.1", "BND": "-0.1"}, "0"), "MODEL_INVALID"),
    "94 no number": (lambda: followed({"VTI": "NaN", "BND": "0.4"}, "0.6"), "MODEL_INVALID"),
    "94 half a percent undeclared": (lambda: followed({"VTI": "0.6", "BND": "0.395"}, None), "UNDECLARED_CASH"),
}

FLAGS = {"NAV_OLD", "FRACTION_LEFT", "WITHDRAWAL_SHORT", "DEPOSIT_MISSING", "NON_DISCRETIONARY"}
OTHER_OUTCOMES = {
    **dict.fromkeys(FLAGS, Outcome.FLAG),
    "NOT_TRADABLE": Outcome.FREEZE,
    "ACCOUNT_CLOSED": Outcome.NO_TRADE,
    "UNDECLARED_CASH": Outcome.TELL,
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_gives_its_code_and_outcome(case: str) -> None:
    planting, code = CASES[case]
    assert found(planting()) == {code: OTHER_OUTCOMES.get(code, Outcome.SUSPEND)}
    assert int(case[:2]) in CATALOGUE[DataCode(code)].cases


PRICE_FAULTS = [case for case in CASES if case[:2] <= "13" or case[:2] in ("24", "27", "85")]


@pytest.mark.covers("N13")
@pytest.mark.parametrize("case", PRICE_FAULTS)
def test_a_firm_may_freeze_the_security_and_let_the_rest_trade(case: str) -> None:
    planting, code = CASES[case]
    judgement = verdict(validate_account(*planting(), DAY, PriceFaultPolicy.FREEZE))
    assert (judgement.terminal, dict(judgement.frozen)) == (None, {VTI: code})


NORMAL: dict[str, Callable[[], Planted]] = {
    "05 the same close without volume": lambda: judged(priced(*["100"] * 5, volume=None)),
    "05 the same close for four sessions": lambda: moved(*["100"] * 4),
    "06 up by 40 %": lambda: moved("100", "140"),
    "11 two closes and an order of sources": lambda: (
        sound_holdings(),
        replace(
            a_market(),
            prices={
                BND: a_good_price("50"),
                VTI: judge_price(
                    [Quote(Decimal(100), AS_OF, "A"), Quote(Decimal(9), AS_OF, "B")], AS_OF, "USD", ("A",)
                ),
            },
        ),
    ),
    "16 a net asset value of the session before": lambda: (
        an_old_nav()[0],
        replace(an_old_nav()[1], oldest_nav=date(2026, 2, 26)),
    ),
    "24 another line in another currency": lambda: quoted(
        Quote(Decimal(100), AS_OF), Quote(Decimal(80), AS_OF, currency="GBP")
    ),
    "39 a special dividend of half the price": lambda: judged(priced("100", "50", dividend="50")),
    "68 an inherited lot without basis": lambda: lotted(cost=Decimal(0), gift_or_inheritance=True),
    "70 half a share of what is wanted": lambda: held(a_position("VTI", "10.5", "1050"), "10.5"),
    "71 dust": lambda: held(a_position("VTI", "10.000000000001", "1000"), "10"),
    "74 restricted shares in a restricted lot": lambda: (
        replace(
            sound_holdings(),
            positions=(replace(a_position("VTI", "10", "1000"), restricted=True), a_position("BND", "10", "500")),
            lots=(replace(a_delivered_lot("L1", "VTI", "10"), restricted=True), a_delivered_lot("L2", "BND", "10")),
        ),
        a_market(),
    ),
    "75 a third and a tenth": lambda: held(a_position("VTI", "0.3", "30.00"), "0.1", "0.2"),
    "78 unsettled proceeds": lambda: cash("500", "250"),
    "80 a withdrawal that sales can pay": lambda: cash("500", needed="2000"),
    "94 cash declared": lambda: followed({"VTI": "0.6", "BND": "0.3"}, "0.1"),
}


@pytest.mark.parametrize("case", NORMAL)
def test_what_only_looks_wrong_is_normal(case: str) -> None:
    assert found(NORMAL[case]()) == {}


# --- what stands beside the table ----------------------------------------------------------------------------------


def test_negative_cash_is_a_flag_where_the_firm_says_raise_cash() -> None:
    """Case 77."""
    assert found(cash("-1"), raise_cash=True) == {"CASH_NEGATIVE": Outcome.FLAG}


def test_the_custodian_closes_an_exception_when_value_and_shares_agree() -> None:
    """Cases 06 and 07: a close of 50 after 100."""
    agrees = Evidence(custodian=CustodianView(Decimal("50.4"), Decimal(1)))
    halved = Decimal("0.5")
    assert priced("100", "50") is PriceStatus.SPLIT_SUSPECTED
    assert is_closed(PriceStatus.SPLIT_SUSPECTED, Decimal(50), halved, agrees)
    assert is_closed(PriceStatus.SPIKE, Decimal(50), halved, agrees)
    split = Evidence(custodian=CustodianView(Decimal(50), Decimal(2)))  # twice the shares: it is a split
    other = Evidence(custodian=CustodianView(Decimal(100), Decimal(1)), volume=Decimal(9000), past_volumes=[Decimal(1)])
    new = Evidence(custodian=CustodianView(Decimal(50), None))
    for evidence in (split, other, new, Evidence()):
        assert not is_closed(PriceStatus.SPIKE, Decimal(50), halved, evidence)
    assert not is_closed(PriceStatus.UNIT, Decimal(50), halved, agrees)
    assert not is_closed(PriceStatus.STUCK, Decimal(50), Decimal(1), agrees)


def test_the_sector_closes_what_nobody_holds_and_volume_a_spike_alone() -> None:
    """Case 06: down 45 %; the sector's middle is down 20 %, or three times as many shares trade as usual."""
    down = Decimal("0.55")
    sector = Evidence(sector_moves=[Decimal(move) for move in ("0.7", "0.75", "0.8", "0.85", "0.9")])
    surge = Evidence(volume=Decimal(300), past_volumes=[Decimal(90), Decimal(100), Decimal(110)])
    for evidence in (sector, surge):
        assert is_closed(PriceStatus.SPIKE, Decimal(55), down, evidence)
    assert is_closed(PriceStatus.SPLIT_SUSPECTED, Decimal(50), Decimal("0.5"), sector)  # 20 % of 50 is above a third
    assert not is_closed(PriceStatus.SPLIT_SUSPECTED, Decimal(50), Decimal("0.5"), surge)
    up = replace(sector, sector_moves=[Decimal("1.2")] * 5)
    few = replace(sector, sector_moves=sector.sector_moves[:4])
    usual = replace(surge, volume=Decimal(299))
    for evidence in (up, few, usual):
        assert not is_closed(PriceStatus.SPIKE, Decimal(55), down, evidence)


def test_a_fund_without_todays_value_takes_the_last_one_up_to_a_limit() -> None:
    """Case 16: the last value is of Friday; what is older than Thursday is stale like any price."""
    none = JudgedPrice(PriceStatus.MISSING, None, None)
    friday = JudgedPrice(PriceStatus.STALE, Decimal(20), FRIDAY)
    thursday = date(2026, 2, 26)
    assert judge_nav(none, friday, thursday) == JudgedPrice(PriceStatus.GOOD, Decimal(20), FRIDAY)
    assert judge_nav(friday, None, thursday).is_good
    old = replace(friday, as_of=date(2026, 2, 25))
    assert judge_nav(none, old, thursday).status is PriceStatus.STALE
    assert judge_nav(none, None, thursday) == none
    zero = JudgedPrice(PriceStatus.ZERO, Decimal(0), AS_OF)
    assert judge_nav(zero, friday, thursday) == zero


def test_identifiers_that_changed_hands_bar_their_security() -> None:
    """Cases 21 and 22: AAPL's CUSIP changed; the ticker FB was another company's."""
    master = {
        SecurityId("S1"): replace(security("S1"), symbol="AAPL", cusip="037833100"),
        SecurityId("S2"): replace(security("S2"), symbol="FB", cusip="30303M102"),
    }
    same = PastIdentifier(SecurityId("S1"), "AAPL", "037833100")
    changed = PastIdentifier(SecurityId("S1"), "AAPL", "594918104")
    reused = PastIdentifier(SecurityId("S9"), "FB", "31620R105")
    assert identifier_faults(master, [same]) == {}
    assert identifier_faults(master, [changed, reused]) == {"S1": DataCode.ID_CHANGED, "S2": DataCode.TICKER_REUSED}
    assert identifier_faults(master, [changed], frozenset({SecurityId("S1")})) == {}
    assert identifier_faults(master, [reused], frozenset({SecurityId("S9")})) == {}


def test_an_american_isin_contains_the_cusip() -> None:
    """Case 23. A British ISIN says nothing about a CUSIP."""
    apple = replace(security("S1"), isin="US0378331005", cusip="037833100")
    wrong = replace(security("S2"), isin="US5949181045", cusip="037833100")
    british = replace(security("S3"), isin="GB0002374006", cusip="25243Q205")
    master = {each.id: each for each in (apple, wrong, british)}
    assert identifier_faults(master, []) == {"S2": DataCode.ID_CONFLICT}


def test_a_file_of_yesterdays_prices_and_one_of_wild_prices_stop_the_firm() -> None:
    """Cases 14 and 15: 31 of 100 closes repeat; 3 of 100 moved by more than 40 %."""
    before = {SecurityId(f"S{place}"): Decimal(10) for place in range(100)}
    repeats = {name: Decimal(10) if place < 31 else Decimal("10.1") for place, name in enumerate(before)}
    wild = {name: Decimal("5.9") if place < 3 else Decimal("10.1") for place, name in enumerate(before)}
    assert [each.code for each in price_file_findings("F", before, repeats)] == ["PRICE_FILE_STALE"]
    assert [each.code for each in price_file_findings("F", before, wild)] == ["PRICE_FILE_SUSPECT"]


def test_a_value_jumps_by_more_than_thirty_percent_without_a_flow() -> None:
    """Case 73: 1,000 dollars become 1,301, or 500 after a withdrawal of 500 that was announced."""
    assert value_jump(Decimal(1000), Decimal(1301))
    assert not value_jump(Decimal(1000), Decimal(1300))
    assert value_jump(Decimal(1000), Decimal(500))
    assert not value_jump(Decimal(1000), Decimal(500), Decimal(-500))
    assert not value_jump(Decimal(0), Decimal(500))


TUESDAY, MONDAY = AS_OF, date(2026, 3, 1)


@pytest.mark.parametrize(
    ("shares_now", "traded_on", "code"),
    [
        ("15", TUESDAY, None),  # booked
        ("10", MONDAY, "FILL_MISSING"),  # case 83: still not there a session later
        ("12", TUESDAY, "PENDING_MISMATCH"),  # case 79: neither the old shares nor the new ones
    ],
)
def test_our_own_fill_is_booked_missing_or_mismatched(shares_now: str, traded_on: date, code: str | None) -> None:
    """10 shares in the file before, and a purchase of 5."""
    fills = [OwnFill(VTI, traded_on, Decimal(5))]
    faults = trade_faults({VTI: Decimal(10)}, {VTI: Decimal(shares_now)}, fills, (), AS_OF)
    assert [fault.code for fault in faults] == ([code] if code else [])


def test_a_fill_of_the_last_session_that_is_not_booked_yet_is_pending() -> None:
    """Case 79: to be merged from our own executions."""
    fills = [OwnFill(VTI, AS_OF, Decimal(5))]
    assert unbooked({VTI: Decimal(10)}, {VTI: Decimal(10)}, fills, AS_OF) == {VTI}
    assert unbooked({VTI: Decimal(10)}, {VTI: Decimal(15)}, fills, AS_OF) == set()
    assert unbooked({VTI: Decimal(10)}, {VTI: Decimal(10)}, fills, AS_OF, frozenset({VTI})) == set()


def test_a_reported_sale_that_no_order_made_is_foreign() -> None:
    """Case 82."""
    sale = ReportedSale(VTI, AS_OF)
    assert [each.code for each in trade_faults({}, {}, (), [sale], AS_OF)] == [DataCode.FOREIGN_TRADE]
    own = [OwnFill(VTI, AS_OF, Decimal(-5))]
    assert list(trade_faults({VTI: Decimal(5)}, {}, own, [sale], AS_OF)) == []
