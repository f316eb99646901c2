"""Bad input through the real path: files in a drop folder, loaded, ingested and validated on PostgreSQL."""

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay, everybody_but_closed
from trimtab.activities.inputs import Inputs, RunData
from trimtab.db.content import get_content
from trimtab.db.engine import firm_transaction
from trimtab.db.tables import account_day, intent, record, stage_result
from trimtab.db.tables import firm as firm_table
from trimtab.demo import faults
from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lifecycle import Stage, Standstill, TerminalState
from trimtab.domain.snapshots import AccountSnapshot

SOUND = "A00002"
"""A taxable account with nothing wrong about it."""


def load_and_judge(day: FeedDay) -> dict[str, str]:
    """The codes of the accounts that do not go on, when every file is taken."""
    assert {file.reason_codes for file in day.load().values()} == {()}
    day.judge()
    return day.codes()


def snapshot_of(day: FeedDay, account_id: str) -> AccountSnapshot:
    with firm_transaction(day.engine, FIRM) as connection:
        digest = connection.scalar(select(account_day.c.snapshot_hash).where(account_day.c.account_id == account_id))
        return get_content(connection, str(digest), AccountSnapshot)


def run_data(day: FeedDay) -> RunData:
    with firm_transaction(day.engine, FIRM) as connection:
        return Inputs().of_run(connection, day.ref)


def flags_of(day: FeedDay, account_id: str) -> list[str]:
    with firm_transaction(day.engine, FIRM) as connection:
        row = select(stage_result.c.result).where(
            stage_result.c.account_id == account_id, stage_result.c.stage == "validate"
        )
        result = connection.execute(row).scalar_one()
        return list(result["detail"]["flags"])


def a_position(day: FeedDay, account_id: str) -> dict[str, str]:
    """The first position of the account, as its row can be found in the positions file."""
    held = next(each for each in day.firm.book.holdings if each.account_id == account_id)
    return {"account_id": account_id, "symbol": day.symbol(held.security_id)}


@pytest.mark.covers("W-C1", "W-C5")
def test_the_firms_special_accounts_end_as_they_should_and_all_others_go_on(day):
    assert load_and_judge(day) == SPECIAL
    assert {day.outcomes[name].next for name in SPECIAL if name != "A00013"} == {Standstill.SUSPENDED}
    closed = day.outcomes["A00013"]
    assert (closed.next, closed.terminal) == (Stage.RECORD, TerminalState.NO_TRADE)
    assert day.alerts() == [
        ("LOT_MISMATCH", "account/A00011"),
        ("SETTINGS_INVALID", "account/A00015"),
        ("UNKNOWN_SECURITY", "account/A00009"),
    ]
    assert day.open_suspensions() == [
        ("A00009", "DATA", "UNKNOWN_SECURITY"),
        ("A00011", "DATA", "LOT_MISMATCH"),
        ("A00012", "COMPLIANCE", "COMPLIANCE"),
        ("A00015", "DATA", "SETTINGS_INVALID"),
    ]


# --- prices (cases 01, 02, 03, 10) ---------------------------------------------------------------------------------


def write_price(path: Path, symbol: str, close: str) -> None:
    """Put `close` into the price file by hand: the demo's faults write numbers only."""
    lines = path.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.split(",")[1] == symbol)
    cells = lines[place].split(",")
    mark, rows, total = lines[-1].split(",")
    lines[-1] = f"{mark},{rows},{Decimal(total) - Decimal(cells[3])}"
    lines[place] = ",".join([*cells[:3], close, *cells[4:]])
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("close", "code"),
    [("0", "PRICE_ZERO"), ("-3.50", "PRICE_NEG"), (None, "PRICE_MISSING"), ("12.34-", "PRICE_PARSE")],
)
def test_a_bad_price_suspends_its_holders_and_is_not_there_to_buy_at_for_others(day, close, code):
    security_id, holders, followers = day.wanted_security()
    symbol = day.symbol(security_id)
    if close is None:
        faults.remove_rows(day.path("prices"), {"symbol": symbol})
    elif code == "PRICE_PARSE":
        write_price(day.path("prices"), symbol, close)
    else:
        faults.set_field(day.path("prices"), {"symbol": symbol}, "close", close)
    assert load_and_judge(day) == SPECIAL | dict.fromkeys(holders, code)
    assert followers <= {name for name, outcome in day.outcomes.items() if outcome.next is Stage.ANALYZE}
    assert security_id not in run_data(day).market.prices
    assert day.alerts().count((code, f"security/{security_id}")) == 1


def test_a_firm_may_freeze_the_security_instead_and_trade_the_rest(day):
    security_id, holders, _ = day.wanted_security()
    faults.set_field(day.path("prices"), {"symbol": day.symbol(security_id)}, "close", "0")
    with firm_transaction(day.engine, FIRM) as connection:
        connection.execute(update(firm_table).values(price_fault_policy="FREEZE"))
    assert load_and_judge(day) == SPECIAL
    assert snapshot_of(day, min(holders)).frozen == {security_id: "PRICE_ZERO"}


# --- holdings (cases 17, 56, 65, 66, 67, 72) -----------------------------------------------------------------------


def test_a_holding_that_no_master_knows_suspends_its_account(day):
    faults.make_unknown(day.path("positions"), a_position(day, SOUND))
    assert load_and_judge(day) == SPECIAL | {SOUND: "UNKNOWN_SECURITY"}
    assert ("UNKNOWN_SECURITY", f"account/{SOUND}") in day.alerts()


def test_a_master_that_a_person_picks_later_makes_the_holding_known_and_lifts_our_suspension(day):
    whole = day.path("securities").read_bytes()
    security_id, holders, _ = day.wanted_security()
    faults.remove_rows(day.path("securities"), {"symbol": day.symbol(security_id)})
    day.load()
    day.judge()
    holder = min(holders)
    assert day.outcomes[holder].code == "UNKNOWN_SECURITY"
    day.path("securities").write_bytes(whole)
    assert day.load()["securities"].reason_codes == ("FEED_CHANGED",)
    day.release("securities")
    assert day.load()["securities"].status == "LOADED"
    first, again = day.freeze(), day.freeze(again=True)
    assert first != again
    day.next_attempt(holder)
    assert day.judge()[holder].next is Stage.ANALYZE
    assert (holder, "DATA", "UNKNOWN_SECURITY") not in day.open_suspensions()


def test_a_short_position_suspends_its_account(day):
    faults.set_field(day.path("positions"), a_position(day, SOUND), "quantity", "-7")
    assert load_and_judge(day) == SPECIAL | {SOUND: "SHORT_POSITION"}


def test_lots_that_do_not_sum_to_the_position_suspend_the_account(day):
    first = next(lot for lot in day.firm.book.lots if lot.account_id == SOUND)
    faults.set_field(day.path("lots"), {"lot_id": first.id}, "quantity", str(first.quantity + 3))
    assert load_and_judge(day) == SPECIAL | {SOUND: "LOT_MISMATCH"}


def test_a_taxable_account_without_lots_is_suspended_and_an_ira_is_not(day):
    """Case 67. A00003 is a traditional IRA."""
    faults.remove_rows(day.path("lots"), {"account_id": SOUND})
    faults.remove_rows(day.path("lots"), {"account_id": "A00003"})
    day.load()
    day.judge()
    assert day.codes()[SOUND] == "LOTS_MISSING"
    assert "A00003" not in day.codes()


def test_a_market_value_that_is_not_quantity_times_price_suspends_the_account(day):
    faults.set_field(day.path("positions"), a_position(day, SOUND), "market_value", "1000000.00")
    assert load_and_judge(day) == SPECIAL | {SOUND: "VALUE_MISMATCH"}


def test_an_account_whose_position_stands_twice_is_suspended(day):
    faults.repeat_rows(day.path("positions"), a_position(day, SOUND))
    assert load_and_judge(day) == SPECIAL | {SOUND: "DUP_ACCOUNT"}


def test_a_row_that_cannot_be_read_is_kept_aside_and_its_account_suspended(day):
    lot = next(each for each in day.firm.book.lots if each.account_id == SOUND)
    faults.set_field(day.path("lots"), {"lot_id": lot.id}, "acquired_on", "13.02.2024")
    assert load_and_judge(day) == SPECIAL | {SOUND: "ROW_UNREADABLE"}
    assert ("ROW_UNREADABLE", "feed/lots") in day.alerts()


def test_an_account_that_vanished_from_the_custodians_cash_is_missing_and_not_closed(day):
    """Case 57."""
    faults.remove_rows(day.path("cash"), {"account_id": SOUND})
    assert load_and_judge(day) == SPECIAL | {SOUND: "ACCOUNT_MISSING"}


def test_a_lot_id_in_two_accounts_suspends_both(day):
    """Case 76."""
    mine = next(lot for lot in day.firm.book.lots if lot.account_id == SOUND)
    yours = next(lot for lot in day.firm.book.lots if lot.account_id == "A00005")
    faults.set_field(day.path("lots"), {"lot_id": mine.id}, "lot_id", yours.id)
    assert load_and_judge(day) == SPECIAL | {SOUND: "LOT_DUP", "A00005": "LOT_DUP"}


# --- settings and models (cases 18, 92, 93, 94) --------------------------------------------------------------------


def test_contradictory_settings_suspend_the_account(day):
    """Case 92: at least 5 % and at most 3 % of one security."""
    band = {"account_id": SOUND, "rule": "BAND", "symbol": "GRY1", "minimum": "0.05", "maximum": "0.03"}
    faults.add_row(day.path("restrictions"), band)
    assert load_and_judge(day) == SPECIAL | {SOUND: "SETTINGS_INVALID"}


def test_a_file_may_say_that_an_account_never_trades_a_security(day):
    """Every rule of the domain can be delivered; GRY1 is neither bought nor sold for this account."""
    faults.add_row(day.path("restrictions"), {"account_id": SOUND, "rule": "NEVER_TRADE", "symbol": "GRY1"})
    assert load_and_judge(day) == SPECIAL
    gray = next(each.id for each in day.firm.securities if each.symbol == "GRY1")
    assert snapshot_of(day, SOUND).settings.restricted(RestrictionKind.NEVER_TRADE) == {gray}


def test_a_restriction_on_a_security_that_nobody_knows_suspends_the_account(day):
    faults.add_row(day.path("restrictions"), {"account_id": SOUND, "rule": "NEVER_BUY", "symbol": "WHO1"})
    assert load_and_judge(day) == SPECIAL | {SOUND: "SETTINGS_INVALID"}


@pytest.mark.covers("W-C3")
def test_without_a_model_an_account_is_suspended_and_closed_it_is_done(day):
    """Case 93."""
    faults.set_field(day.path("accounts"), {"account_id": SOUND}, "model_id", "")
    faults.set_field(day.path("accounts"), {"account_id": "A00003"}, "standing", "CLOSED")
    faults.set_field(day.path("accounts"), {"account_id": "A00005"}, "suspension", "FLOW_EXPECTED")
    assert load_and_judge(day) == SPECIAL | {SOUND: "NO_MODEL", "A00003": "ACCOUNT_CLOSED", "A00005": "FLOW_EXPECTED"}
    assert day.outcomes["A00003"].terminal is TerminalState.NO_TRADE
    assert ("A00005", "ADVISOR", "FLOW_EXPECTED") in day.open_suspensions()


@pytest.mark.covers("D15")
def test_an_account_without_discretion_goes_on_with_a_flag(day):
    faults.set_field(day.path("accounts"), {"account_id": SOUND}, "discretionary", "false")
    assert load_and_judge(day) == SPECIAL
    assert flags_of(day, SOUND) == ["NON_DISCRETIONARY"]


@pytest.mark.parametrize(
    ("weight", "code"), [("0.05", "MODEL_INVALID"), ("-0.34", "MODEL_INVALID"), ("NaN", "MODEL_INVALID")]
)
def test_a_model_that_does_not_add_up_suspends_the_accounts_on_it(day, weight, code):
    """Case 94: the balanced model's largest weight is 0.34."""
    where = {"model_id": "BALANCED_60_40", "symbol": day.symbol("S0001")}
    if weight == "NaN":
        lines = (
            day.path("models")
            .read_text()
            .replace("BALANCED_60_40,1,2026-11-20,S0001,LCX1,0.34", "BALANCED_60_40,1,2026-11-20,S0001,LCX1,NaN")
        )
        total = lines.splitlines()[-1].split(",")[2]
        changed = lines.replace(f",{total}\n", f",{Decimal(total) - Decimal('0.34')}\n")
        day.path("models").write_text(changed)
    else:
        faults.set_field(day.path("models"), where, "weight", weight)
    followers = day.followers("BALANCED_60_40") - SPECIAL.keys()
    codes = load_and_judge(day)
    assert {name for name in codes if name not in SPECIAL} == followers
    assert {codes[name] for name in followers} == {code}
    assert (code, "model/BALANCED_60_40") in day.alerts()


def test_a_model_that_declares_no_cash_goes_on_and_the_data_manager_is_told_once(day):
    """Case 94: weights of 0.995, and no row for the rest."""
    faults.remove_rows(day.path("models"), {"model_id": "DIRECT_INDEX", "security_id": "CASH"})
    assert load_and_judge(day) == SPECIAL
    assert day.alerts().count(("UNDECLARED_CASH", "model/DIRECT_INDEX")) == 1


def test_a_name_in_a_model_that_no_master_knows_suspends_the_accounts_on_it(day):
    """Case 18."""
    faults.make_unknown(day.path("models"), {"model_id": "OPEN_UMA", "symbol": "DVX2"})
    followers = day.followers("OPEN_UMA") - SPECIAL.keys()
    assert load_and_judge(day) == SPECIAL | dict.fromkeys(followers, "MODEL_UNKNOWN_SECURITY")


# --- files (cases 43, 45, 51 and what does not come) ---------------------------------------------------------------


def test_a_file_that_never_came_suspends_everybody_and_is_alerted_once(day):
    faults.withhold(day.path("prices"))
    day.load()
    day.judge()
    assert day.codes() == everybody_but_closed(day, "FEED_MISSING")
    assert day.alerts() == [("FEED_MISSING", "feed/prices")]


def test_a_refused_file_gives_its_code_to_everybody_who_needs_it(day):
    faults.truncate(day.path("positions"))
    assert day.load()["positions"].reason_codes == ("FEED_TRUNCATED",)
    day.judge()
    assert day.codes() == everybody_but_closed(day, "FEED_TRUNCATED")


def test_past_sales_are_needed_only_where_somebody_pays_tax(day):
    """A household of IRAs alone has no wash sales: it goes on without the sales file."""
    taxable = {e.account.household_id for e in day.firm.accounts if e.account.tax_status == "TAXABLE"}
    faults.withhold(day.path("sales"))
    day.load()
    day.judge()
    untaxed = {e.id for e in day.firm.accounts if e.account.household_id not in taxable}
    expected = everybody_but_closed(day, "FEED_MISSING")
    assert day.codes() == {name: code for name, code in expected.items() if name not in untaxed}


# --- the snapshot --------------------------------------------------------------------------------------------------


def test_a_split_of_the_day_is_in_positions_lots_and_prices_and_leaves_basis_and_dates(day):
    split = day.firm.actions[0]
    holder = min(day.holders(split.security_id) - SPECIAL.keys())
    load_and_judge(day)
    before = {lot.id: lot for lot in day.firm.book.lots if lot.account_id == holder}
    snapshot = snapshot_of(day, holder)
    assert split.kind == "SPLF"
    for lot in snapshot.lots:
        factor = 2 if lot.security_id == split.security_id else 1
        assert lot.quantity == before[lot.id].quantity * factor
        assert (lot.cost, lot.acquired_on) == (before[lot.id].cost, before[lot.id].acquired_on)
    close = day.firm.prices[split.security_id]
    assert run_data(day).market.prices[split.security_id].close == close / 2


def test_a_custodian_that_has_booked_the_split_already_is_not_split_again(day):
    """The trap of case 29: new shares in the file, at half the old close."""
    split = day.firm.actions[0]
    holder = min(day.holders(split.security_id) - SPECIAL.keys())
    where = {"account_id": holder, "symbol": day.symbol(split.security_id)}
    lots = [lot for lot in day.firm.book.lots if (lot.account_id, lot.security_id) == (holder, split.security_id)]
    shares = sum(lot.quantity for lot in lots)
    faults.set_field(day.path("positions"), where, "quantity", str(shares * 2))
    for lot in lots:
        faults.set_field(day.path("lots"), {"lot_id": lot.id}, "quantity", str(lot.quantity * 2))
    assert load_and_judge(day) == SPECIAL
    held = {each.security_id: each.quantity for each in snapshot_of(day, holder).positions}
    assert held[split.security_id] == shares * 2


def test_a_custodian_whose_shares_and_value_fit_neither_side_of_a_split_is_not_believed(day):
    split = day.firm.actions[0]
    holder = min(day.holders(split.security_id) - SPECIAL.keys())
    where = {"account_id": holder, "symbol": day.symbol(split.security_id)}
    faults.set_field(day.path("positions"), where, "market_value", "1.00")
    assert load_and_judge(day) == SPECIAL | {holder: "CA_UNSYNCED"}


def test_the_households_loss_sales_and_purchases_open_its_wash_sale_windows(day):
    """A00002 sold at a loss; A00006, an IRA, has just bought what A00004 of its household holds at a loss."""
    load_and_judge(day)
    sale = next(each for each in day.firm.book.sales if each.account_id == "A00002")
    for member in ("A00002", "A00003"):
        windows = snapshot_of(day, member).wash_windows
        assert sale.security_id in windows.buy_blocked()
    bought = {window.account_id for window in snapshot_of(day, "A00004").wash_windows.purchases}
    assert "A00006" in bought


def test_an_order_that_a_member_has_committed_today_opens_a_window_before_it_is_executed(day):
    """A00006 is about to buy 10 shares of a name of A00004, whose analysis of today is told of it."""
    name = next(each.security_id for each in day.firm.book.holdings if each.account_id == "A00004")
    row = {
        "firm_id": FIRM, "intent_id": "I1", "account_day_id": "D1", "account_id": "A00006", "household_id": "H",
        "business_date": day.date, "proposal_hash": "f" * 64, "leg": 0, "security_id": name, "wash_key": name,
        "side": "BUY", "quantity": Decimal(10), "reference_price": Decimal(1), "realizes_loss": False,
        "lot_sales": [], "programme": "core", "build": "test", "status": "PENDING",
    }  # fmt: skip
    with firm_transaction(day.engine, FIRM) as connection:
        connection.execute(insert(intent).values(row))
    load_and_judge(day)

    today = [each for each in snapshot_of(day, "A00004").wash_windows.purchases if each.opened_on == day.date]

    assert [(each.account_id, each.quantity) for each in today] == [("A00006", Decimal(10))]


def test_settings_restrictions_and_cash_needs_are_in_the_snapshot(day):
    load_and_judge(day)
    rules = snapshot_of(day, "A00001").settings.restricted(RestrictionKind.NEVER_SELL)
    assert rules == {"S0172"}
    needs = snapshot_of(day, "A00007").settings.cash_needs
    assert needs == next(entry for entry in day.firm.accounts if entry.id == "A00007").settings.cash_needs


def test_each_stage_leaves_one_record_and_repeating_it_changes_nothing(day):
    load_and_judge(day)
    first = dict(day.outcomes)
    assert day.judge() == first
    with firm_transaction(day.engine, FIRM) as connection:
        kinds = connection.scalars(
            select(record.c.kind).where(record.c.account_id == "A00011").order_by(record.c.seq)
        ).all()
    assert kinds == ["STAGE_INGEST", "SUSPENSION_OPENED", "STAGE_VALIDATE"]
    assert len(day.alerts()) == 3
