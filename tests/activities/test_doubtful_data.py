"""Faults that only two consecutive days show, through the real path: prices, identifiers, values, our own fills."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from trimtab.activities.inputs import Inputs
from trimtab.db.content import get_content
from trimtab.db.data_policy import POLICY, POLICY_KEY, policy_value
from trimtab.db.engine import firm_transaction
from trimtab.db.profiles import change_layer
from trimtab.db.settings_versions import write_version
from trimtab.db.stages import newest_result
from trimtab.db.tables import intent, posting
from trimtab.demo import faults
from trimtab.demo.custodian import deliver, next_day, with_splits
from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.data_policies import DataPolicy
from trimtab.domain.findings import PriceFaultPolicy
from trimtab.domain.lifecycle import Stage
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput

SOUND = "A00002"


@pytest.fixture
def tuesday(day: FeedDay) -> FeedDay:
    """The second session's files lie ready, splits booked by the custodian; the first one's are loaded."""
    day.load()
    evening = with_splits(day.firm.book, day.firm.actions)
    later = FeedDay(day.engine, day.drop, next_day(day.firm, evening))
    deliver(later.firm, later.drop, later.drop.parent / "closes")
    return later


def judged(day: FeedDay) -> dict[str, str]:
    assert {file.reason_codes for file in day.load().values()} == {()}
    day.judge()
    return {name: code for name, code in day.codes().items() if name not in SPECIAL}


def snapshot_of(day: FeedDay, account_id: str) -> AccountSnapshot:
    with firm_transaction(day.engine, FIRM) as connection:
        ref = next(ref for ref in day.refs if ref.account_id == account_id)
        result = newest_result(connection, ref, Stage.VALIDATE)
        assert result is not None
        return get_content(connection, str(result.detail["snapshot"]), AccountSnapshot)


def close_of(day: FeedDay, security_id: str) -> Decimal:
    return day.firm.prices[security_id]


def reprice(day: FeedDay, security_id: str, times: str, *, by_custodian: bool) -> None:
    """The security closes at `times` what it did, in the price file and, when told, in the custodian's values."""
    close, symbol = close_of(day, security_id) * Decimal(times), day.symbol(security_id)
    faults.set_field(day.path("prices"), {"symbol": symbol}, "close", f"{close:.6f}")
    for held in day.firm.book.holdings:
        if by_custodian and held.security_id == security_id:
            where = {"account_id": held.account_id, "symbol": symbol}
            faults.set_field(day.path("positions"), where, "market_value", f"{held.quantity * close:.2f}")


@pytest.mark.covers("D2")
def test_a_price_that_nothing_confirms_and_identifiers_that_changed_hands_suspend_who_holds_them(tuesday: FeedDay):
    """Cases 06, 21, 73 and 85 in one night; everybody else goes on."""
    spiked, holders, _ = tuesday.wanted_security()
    reprice(tuesday, spiked, "1.45", by_custodian=False)
    renamed = next(
        one.id for one in tuesday.firm.securities if one.cusip and one.id != spiked and tuesday.holders(one.id)
    )
    faults.set_field(tuesday.path("securities"), {"security_id": renamed}, "cusip", "594918104")
    faults.set_field(tuesday.path("securities"), {"security_id": renamed}, "isin", "")
    faults.set_field(tuesday.path("cash"), {"account_id": SOUND}, "settled", "9000000.00")
    faults.add_column(tuesday.path("cash"), "currency", "USD")
    faults.set_field(tuesday.path("cash"), {"account_id": "A00005"}, "currency", "EUR")
    codes = judged(tuesday)
    expected = dict.fromkeys(tuesday.holders(renamed) - SPECIAL.keys(), "ID_CHANGED")
    expected |= dict.fromkeys(holders, "PRICE_SPIKE")
    for account_id in (SOUND, "A00005"):
        assert codes.pop(account_id) in ({"VALUE_JUMP", "FX_MISSING", expected.pop(account_id, "")})
    assert codes.keys() == expected.keys()
    assert all(codes[name] in ("ID_CHANGED", "PRICE_SPIKE") for name in codes)
    told = set(tuesday.alerts())
    assert {("PRICE_SPIKE", f"security/{spiked}"), ("ID_CHANGED", f"security/{renamed}")} <= told
    assert ("VALUE_JUMP", f"account/{SOUND}") in told


def test_a_true_move_is_confirmed_by_the_custodian_and_trades(tuesday: FeedDay):
    """Case 06: the custodian values the same shares at the new price."""
    spiked, _, _ = tuesday.wanted_security()
    reprice(tuesday, spiked, "1.45", by_custodian=True)
    assert judged(tuesday) == {}


@pytest.mark.covers("N13")
def test_a_frozen_security_is_neither_bought_nor_sold_and_the_rest_of_the_account_trades(tuesday: FeedDay):
    """The firm's policy is FREEZE from Tuesday on; the holder's model has dropped all else it holds."""
    frozen, holders, _ = tuesday.wanted_security()
    reprice(tuesday, frozen, "0.5", by_custodian=False)
    with firm_transaction(tuesday.engine, FIRM) as connection:
        value = policy_value(DataPolicy(PriceFaultPolicy.FREEZE))
        write_version(
            connection, FIRM, POLICY, POLICY_KEY, value,
            effective_from=tuesday.date, actor="mark", reason="trade the rest", supersedes=None,
        )  # fmt: skip
    assert judged(tuesday) == {}
    traded = 0
    for holder in sorted(holders):
        snapshot = snapshot_of(tuesday, holder)
        assert snapshot.frozen == {frozen: "SPLIT_SUSPECTED"}
        with firm_transaction(tuesday.engine, FIRM) as connection:
            run = Inputs().of_run(connection, tuesday.ref)
        model = run.models[snapshot.account.model_id]
        proposal = analyze(AnalysisInput(snapshot, model, run.market))
        assert frozen not in {trade.security_id for trade in proposal.trades}
        traded += len(proposal.trades)
    assert traded > 0


def bought(day: FeedDay, account_id: str, security_id: str, shares: str) -> None:
    """One of our orders of the session before filled; the custodian's file does not show it."""
    with firm_transaction(day.engine, FIRM) as connection:
        common = {"firm_id": FIRM, "intent_id": "I1", "account_id": account_id, "security_id": security_id}
        order = {
            "account_day_id": "D1", "household_id": "H", "business_date": day.firm.as_of, "proposal_hash": "f" * 64,
            "leg": 0, "wash_key": security_id, "side": "BUY", "quantity": Decimal(shares),
            "reference_price": Decimal(1),
            "realizes_loss": False, "lot_sales": [], "programme": "core", "build": "test", "status": "FILLED",
        }  # fmt: skip
        connection.execute(insert(intent).values(**common, **order))
        fill = {
            "posting_id": "P1", "trade_date": day.firm.as_of, "lot_id": "NEW1", "quantity": Decimal(shares),
            "basis": Decimal(700), "cash": Decimal(-700), "gain": Decimal(0),
        }  # fmt: skip
        connection.execute(insert(posting).values(**common, **fill))


def test_a_fill_that_the_custodian_has_not_booked_is_merged_from_our_own_executions(tuesday: FeedDay):
    """Case 79: 7 shares for 700 dollars are in positions, lots and unsettled cash; and case 74 for another lot."""
    held = next(each for each in tuesday.firm.book.holdings if each.account_id == SOUND)
    bought(tuesday, SOUND, held.security_id, "7")
    other = next(
        lot for lot in tuesday.firm.book.lots if lot.account_id == SOUND and lot.security_id != held.security_id
    )
    faults.add_column(tuesday.path("lots"), "restricted", "false")
    faults.set_field(tuesday.path("lots"), {"lot_id": other.id}, "restricted", "true")
    assert judged(tuesday) == {}
    snapshot = snapshot_of(tuesday, SOUND)
    shares = {each.security_id: each.quantity for each in snapshot.positions}
    assert shares[held.security_id] == held.quantity + 7
    (lot,) = (lot for lot in snapshot.lots if lot.id == "NEW1")
    assert (lot.quantity, lot.cost, lot.acquired_on) == (7, 700, tuesday.firm.as_of)
    assert snapshot.cash.trade_date_total == tuesday.firm.book.cash[SOUND].trade_date_total - 700
    assert snapshot.settings.restricted(RestrictionKind.NEVER_SELL) == {other.security_id}


# --- announced deposits (case 81) ---------------------------------------------------------------------------------


def expect_deposits(tuesday: FeedDay, *sentences: str) -> None:
    """What the advisor of the sound account says on Monday."""
    monday, said = FeedDay(tuesday.engine, tuesday.drop), [LANGUAGE.parse(sentence) for sentence in sentences]
    with firm_transaction(tuesday.engine, FIRM) as connection:
        change_layer(
            connection,
            FIRM,
            LayerKey(Level.ACCOUNT, SOUND),
            {LANGUAGE.place(each): each for each in said},
            effective_from=monday.date,
            actor="anna",
            reason="the client called",
        )


def cash_of(day: FeedDay, account_id: str) -> Decimal:
    return day.firm.book.cash[account_id].trade_date_total


def flags_of(day: FeedDay, account_id: str) -> list[str]:
    with firm_transaction(day.engine, FIRM) as connection:
        result = newest_result(
            connection, next(ref for ref in day.refs if ref.account_id == account_id), Stage.VALIDATE
        )
    assert result is not None
    return list(result.detail["flags"])


@pytest.mark.covers("D2")
def test_a_deposit_that_has_not_come_on_its_day_is_flagged_and_never_spent(tuesday: FeedDay):
    """The one of next week is not missing yet, and neither is part of the cash that is analysed."""
    later = tuesday.date + timedelta(days=7)
    expect_deposits(
        tuesday, f"Expect a deposit of $9,000 on {tuesday.date}.", f"Expect a deposit of $7,000 on {later}."
    )
    assert judged(tuesday) == {}
    assert flags_of(tuesday, SOUND) == ["DEPOSIT_MISSING"]
    assert snapshot_of(tuesday, SOUND).cash.trade_date_total == cash_of(tuesday, SOUND)
    with firm_transaction(tuesday.engine, FIRM) as connection:
        told = Inputs().of_run(connection, tuesday.ref).findings.missing_deposits
    assert told == {SOUND: f"the deposit of 9000 announced for {tuesday.date} has not come"}


def test_a_deposit_that_has_come_is_not_flagged_and_explains_a_value_that_doubled(tuesday: FeedDay):
    expect_deposits(tuesday, f"Expect a deposit of $9,000,000 on {tuesday.date}.")
    faults.set_field(tuesday.path("cash"), {"account_id": SOUND}, "settled", f"{cash_of(tuesday, SOUND) + 9_000_000}")
    assert judged(tuesday) == {}
    assert flags_of(tuesday, SOUND) == []
    assert snapshot_of(tuesday, SOUND).cash.trade_date_total > 9_000_000


def test_a_deposit_that_was_taken_back_or_is_a_month_old_is_no_longer_waited_for(tuesday: FeedDay):
    old = tuesday.date - timedelta(days=31)
    expect_deposits(
        tuesday, f"Expect a deposit of $9,000 on {tuesday.date}.", f"Expect a deposit of $5,000,000 on {old}."
    )
    expect_deposits(tuesday, f"Expect no deposit on {tuesday.date}.")
    assert judged(tuesday) == {}
    assert flags_of(tuesday, SOUND) == []
