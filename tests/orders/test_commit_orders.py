"""The trade transaction: what it commits, and everything that sends the account back or stops it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import Connection, Engine, func, insert, select, update

from tests.optimizer.accounts import a_market, a_model, an_input
from tests.orders.factories import (
    BUILD,
    DAY,
    FIRM,
    POLICY,
    Plan,
    a_buy,
    a_lot,
    a_proposal,
    a_sale,
    approve_as,
    approved_days,
    commit_all,
    day_row,
    insert_a_run,
    insert_person,
    open_approved,
)
from tests.servers import FreshDatabase
from trimtab.activities.commit_orders import (
    CashShort,
    LotOversold,
    ProposalChanged,
    RunSuperseded,
    WashSaleStands,
    commit_orders,
)
from trimtab.contracts import AccountDayRef, RunRef
from trimtab.db.account_days import lock_day, park
from trimtab.db.decisions import write_policy_approval, write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.inputs import read_holdings
from trimtab.db.suspensions import lift_suspension, open_suspension
from trimtab.db.tables import (
    account,
    account_day,
    cash_reservation,
    firm,
    intent,
    lot_reservation,
    person,
    record,
)
from trimtab.domain.account_settings import AccountSettings, CashNeed, Harvesting
from trimtab.domain.accounts import Registration
from trimtab.domain.lifecycle import HoldCode, Lane, Stage, Standstill, TerminalState
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityKind
from trimtab.domain.snapshots import WashWindows
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.domain.wash_sales import HouseholdPurchase, open_windows

LOT = a_lot("L1", "VTI", "100", "80")
SWITCH = Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,))


def intents(connection: Connection) -> list[tuple[str, str, Decimal, str]]:
    rows = connection.execute(select(intent).order_by(intent.c.account_id, intent.c.leg))
    return [(row.account_id, row.side, row.quantity, row.status) for row in rows]


def test_an_approved_proposal_becomes_intents_with_lots_and_cash_reserved(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [replace(SWITCH, settings=AccountSettings(commission=Decimal("4.95")))])

    outcome = commit_orders(connection, ref, build=BUILD)

    assert (outcome.stage, outcome.next) == (Stage.TRADE, Standstill.TRADE)
    assert intents(connection) == [("A1", "SELL", Decimal(60), "PENDING"), ("A1", "BUY", Decimal(50), "PENDING")]
    lots = connection.execute(select(lot_reservation.c.lot_id, lot_reservation.c.quantity)).all()
    assert [tuple(row) for row in lots] == [("L1", Decimal(60))]
    assert connection.scalars(select(cash_reservation.c.amount)).all() == [Decimal("5004.95")]
    row = connection.execute(select(intent).where(intent.c.leg == 0)).one()
    assert (row.proposal_hash, row.build) == (content_hash(a_proposal(SWITCH)), BUILD)
    assert row.lot_sales[0]["lot"]["cost"] == "8000"


def test_the_account_waits_in_trade_and_its_record_names_the_intents(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    commit_orders(connection, ref, build=BUILD)

    body = connection.scalar(
        select(record.c.body).where(record.c.kind == "STAGE_TRADE", record.c.account_day_id == ref.account_day_id)
    )

    assert day_row(connection, ref).stage == Standstill.TRADE
    assert body["intents"] == list(connection.scalars(select(intent.c.intent_id).order_by(intent.c.leg)))


def test_committing_again_changes_nothing(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])

    first, second = (commit_orders(connection, ref, build=BUILD) for _ in range(2))

    assert first == second
    assert len(intents(connection)) == 2
    assert connection.scalar(select(func.count()).where(record.c.kind == "STAGE_TRADE")) == 1


def test_committing_again_unblocks_a_day_that_was_parked_after_it_had_committed(
    connection: Connection, run: RunRef
) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    commit_orders(connection, ref, build=BUILD)
    lock_day(connection, ref)
    park(connection, ref, Stage.TRADE, "the answer was lost")

    commit_orders(connection, ref, build=BUILD)

    assert (day_row(connection, ref).stage, day_row(connection, ref).blocked_stage) == (Standstill.TRADE, None)


# --- approvals --------------------------------------------------------------------------------------------------


def refused(connection: Connection, ref: AccountDayRef) -> bool:
    """True when the commit sends the account back to ANALYZE for a stale approval and commits nothing."""
    outcome = commit_orders(connection, ref, build=BUILD)
    if outcome.next == Standstill.TRADE:
        return False
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "APPROVAL_STALE")
    assert intents(connection) == []
    assert day_row(connection, ref).stage == Stage.ANALYZE
    return True


def test_an_approval_by_a_person_holds(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("olga",))])
    assert not refused(connection, ref)


def test_an_approval_of_another_proposal_is_stale(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=())])
    approve_as(connection, ref, "0" * 64, "olga")
    assert refused(connection, ref)


def test_a_refused_approval_is_none(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=())])
    approve_as(connection, ref, content_hash(a_proposal(SWITCH)), "olga", status="REFUSED", refusal="EXPIRED")
    assert refused(connection, ref)


def test_an_approval_for_another_day_is_none(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=())])
    approve_as(connection, ref, content_hash(a_proposal(SWITCH)), "olga", account_day_id="A1-2026-03-02-1")
    assert refused(connection, ref)


@pytest.mark.covers("E2")
@pytest.mark.parametrize(
    "change", [{"active": False}, {"roles": ["advisor"]}, {"roles": []}], ids=["left", "other role", "no role"]
)
def test_the_approver_must_still_be_active_and_hold_the_role_when_the_orders_are_committed(
    connection: Connection, run: RunRef, change: dict[str, object]
) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("olga",))])
    connection.execute(update(person).where(person.c.person_id == "olga").values(**change))
    assert refused(connection, ref)


def test_who_proposed_the_trades_cannot_approve_them(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, proposed_by="olga", approved_by=("olga",))])
    assert refused(connection, ref)


@pytest.mark.covers("E9")
def test_an_approval_on_behalf_of_who_proposed_is_a_self_approval(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, proposed_by="paul", approved_by=())])
    approve_as(connection, ref, content_hash(a_proposal(SWITCH)), "olga", on_behalf_of="paul")
    assert refused(connection, ref)


def test_who_proposed_an_earlier_version_cannot_approve_a_later_one(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("olga",))])
    write_proposal(connection, ref, "0" * 64, "i", {}, "olga")
    assert refused(connection, ref)


def test_an_approval_on_behalf_stands_while_both_are_there_and_the_right_is(
    connection: Connection, run: RunRef
) -> None:
    insert_person(connection, "olga")
    insert_person(connection, "ada", ["administrator"])
    for account_id in ("A1", "A2"):
        plan = replace(SWITCH, account_id=account_id, approved_by=())
        [ref] = approved_days(connection, run, [plan])
        approve_as(connection, ref, content_hash(a_proposal(plan)), "ada", on_behalf_of="olga")
    first, second = (AccountDayRef(FIRM, run.run_id, f"{name}-2026-03-03-1", name, DAY) for name in ("A1", "A2"))
    assert commit_orders(connection, first, build=BUILD).next == Standstill.TRADE
    connection.execute(update(person).where(person.c.person_id == "ada").values(active=False))
    assert commit_orders(connection, second, build=BUILD).code == "APPROVAL_STALE"


@pytest.mark.covers("D15")
@pytest.mark.parametrize(
    ("roles", "book", "holds"),
    [
        (["advisor"], "adv-1", True),
        (["advisor"], "adv-2", False),
        (["advisor"], None, False),
        (["overlay_manager"], None, False),
    ],
    ids=["its own advisor", "another advisor", "an advisor without a book", "an overlay manager"],
)
def test_an_account_without_discretion_is_its_own_advisors_to_approve(
    connection: Connection, run: RunRef, roles: list[str], book: str | None, holds: bool
) -> None:
    insert_person(connection, "anna", roles, book)
    plan = replace(SWITCH, discretionary=False, approved_by=("anna",))
    [ref] = approved_days(connection, run, [plan])
    assert refused(connection, ref) is not holds


def test_an_advisor_cannot_approve_an_account_with_discretion(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "anna", ["advisor"], "adv-1")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("anna",))])
    assert refused(connection, ref)


def test_the_policy_approves_in_its_own_lane_only(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    connection.execute(update(account_day).values(lane=Lane.REVIEW.value))
    assert refused(connection, ref)


def test_above_the_limit_two_persons_must_still_stand(connection: Connection, run: RunRef) -> None:
    for name in ("olga", "paul"):
        insert_person(connection, name)
    plan = replace(SWITCH, approved_by=("olga", "paul"))
    [ref] = approved_days(connection, run, [plan])
    connection.execute(update(firm).values(approval_limit=Decimal("10999.99")))  # 6,000 sold and 5,000 bought
    connection.execute(update(person).where(person.c.person_id == "paul").values(active=False))
    assert refused(connection, ref)


def test_up_to_the_limit_one_person_is_enough(connection: Connection, run: RunRef) -> None:
    insert_person(connection, "olga")
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("olga",))])
    connection.execute(update(firm).values(approval_limit=Decimal("11000.00")))
    assert not refused(connection, ref)


def test_an_older_approval_that_no_longer_stands_does_not_void_a_newer_one(connection: Connection, run: RunRef) -> None:
    for name in ("gone", "olga"):
        insert_person(connection, name)
    [ref] = approved_days(connection, run, [replace(SWITCH, approved_by=("gone", "olga"))])
    connection.execute(update(person).where(person.c.person_id == "gone").values(active=False))
    assert not refused(connection, ref)


def test_a_proposal_that_was_changed_behind_the_approval_is_never_committed(
    database: FreshDatabase, engine: Engine
) -> None:
    with firm_transaction(engine, FIRM) as connection:
        [ref] = approved_days(connection, insert_a_run(connection), [SWITCH])
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:  # the application may not change it
        superuser.execute("UPDATE proposal SET body = jsonb_set(body, '{trades,1,quantity}', '\"5000\"')")
    with pytest.raises(ProposalChanged), firm_transaction(engine, FIRM) as connection:
        commit_orders(connection, ref, build=BUILD)


# --- suspensions, runs and earlier orders -----------------------------------------------------------------------


def a_suspension(scope: SuspensionScope, scope_id: str) -> Suspension:
    return Suspension(scope, scope_id, SuspensionKind.COMPLIANCE, "COMPLIANCE_HOLD", "a question is open", DAY, "carl")


@pytest.mark.covers("D17")
@pytest.mark.parametrize(("scope", "scope_id"), [(SuspensionScope.ACCOUNT, "A1"), (SuspensionScope.FIRM, FIRM)])
def test_a_suspended_account_waits_and_commits_nothing(
    connection: Connection, run: RunRef, scope: SuspensionScope, scope_id: str
) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    open_suspension(connection, FIRM, a_suspension(scope, scope_id))

    outcome = commit_orders(connection, ref, build=BUILD)

    assert (outcome.next, outcome.code) == (Standstill.SUSPENDED, "COMPLIANCE_HOLD")
    assert intents(connection) == []


def test_a_lifted_suspension_and_one_of_another_account_stop_nothing(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    lifted = open_suspension(connection, FIRM, a_suspension(SuspensionScope.ACCOUNT, "A1"))
    assert lifted is not None
    lift_suspension(connection, FIRM, lifted, lifted_on=DAY, lifted_by="carl", reason="settled")
    open_suspension(connection, FIRM, a_suspension(SuspensionScope.ACCOUNT, "A2"))
    assert commit_orders(connection, ref, build=BUILD).next == Standstill.TRADE


def test_a_run_that_was_superseded_trades_nothing(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    connection.execute(update(account).values(current_run="acme-2026-03-04"))
    with pytest.raises(RunSuperseded):
        commit_orders(connection, ref, build=BUILD)


def test_a_superseded_attempt_trades_nothing(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    connection.execute(update(account_day).values(current=False))
    assert commit_orders(connection, ref, build=BUILD).code == "SUPERSEDED"
    assert intents(connection) == []


@pytest.mark.parametrize("status", ["PENDING", "RELEASED", "IN_DOUBT"])
def test_an_order_of_yesterday_without_an_end_holds_the_account(
    connection: Connection, run: RunRef, status: str
) -> None:
    commit_all(connection, approved_days(connection, run, [SWITCH]))
    connection.execute(update(intent).where(intent.c.leg == 0).values(status=status))
    connection.execute(update(intent).where(intent.c.leg == 1).values(status="FILLED"))
    tomorrow = insert_a_run(connection, DAY + timedelta(days=1))
    [ref] = open_approved(connection, tomorrow, [SWITCH])

    outcome = commit_orders(connection, ref, build=BUILD)

    assert (outcome.next, outcome.terminal) == (Stage.RECORD, TerminalState.HELD)
    assert outcome.code == HoldCode.PRIOR_ORDER_OPEN


def test_orders_of_yesterday_that_have_ended_hold_nobody(connection: Connection, run: RunRef) -> None:
    plan = Plan("A1", (a_buy("BND", "50"),))
    commit_all(connection, approved_days(connection, run, [plan]))
    connection.execute(update(intent).values(status="UNFILLED"))
    tomorrow = insert_a_run(connection, DAY + timedelta(days=1))
    [ref] = open_approved(connection, tomorrow, [plan])
    assert commit_orders(connection, ref, build=BUILD).next == Standstill.TRADE


# --- the household ----------------------------------------------------------------------------------------------

DEAR = a_lot("D1", "VTI", "100", "120")
LOSS = Plan("A1", (a_sale(DEAR, "100"),), (DEAR,), household_id="H1")
PURCHASE = Plan("A2", (a_buy("VTI", "10"),), household_id="H1")


@pytest.mark.parametrize(("first", "second"), [(LOSS, PURCHASE), (PURCHASE, LOSS)], ids=["loss first", "buy first"])
def test_a_loss_sale_and_a_purchase_of_one_name_in_one_household_are_not_both_committed(
    connection: Connection, run: RunRef, first: Plan, second: Plan
) -> None:
    refs = approved_days(connection, run, [first, second])

    committed, sent_back = commit_all(connection, refs)

    assert committed.next == Standstill.TRADE
    assert (sent_back.next, sent_back.code) == (Stage.INGEST, "WASH_SALE_PEER")
    assert [row[0] for row in intents(connection)] == [first.account_id]


def test_a_lot_that_as_a_whole_is_no_more_than_a_cent_below_its_basis_is_no_loss(
    connection: Connection, run: RunRef
) -> None:
    """100 shares at 100 with a basis of 10,000.01, as the analysis has it: it may sell them beside the purchase."""
    even = a_lot("D1", "VTI", "100", "100.0001")
    refs = approved_days(connection, run, [replace(LOSS, trades=(a_sale(even, "100"),), lots=(even,)), PURCHASE])

    assert [each.next for each in commit_all(connection, refs)] == [Standstill.TRADE, Standstill.TRADE]


def windows_of(connection: Connection, account_id: str) -> WashWindows:
    """What the next snapshot of the account is told of its household's trades of the day."""
    rows = read_holdings(connection, {}, [account_id], DAY, timedelta(days=30)).own_trades
    bought = [HouseholdPurchase(row.account_id, row.security_id, row.traded_on, row.bought) for row in rows]
    return open_windows(DAY, (), (), {}, bought)


def test_after_a_peers_purchase_the_analysis_sells_a_gain_for_the_cash_and_goes_through(
    connection: Connection, run: RunRef
) -> None:
    """5,000 owed, 1,000 there: VTI (basis 120, price 100) is sold for it until A2 buys 10; then BND (basis 50)."""
    cheap, needed = a_lot("C1", "BND", "100", "50"), CashNeed(Decimal(5000), DAY + timedelta(days=3))
    settings = AccountSettings(cash_needs=(needed,), harvesting=Harvesting.OFF)
    market, model = a_market({"VTI": "100", "BND": "100"}), a_model({"VTI": "0.5", "BND": "0.5"})
    request = an_input(market, model, lots=(DEAR, cheap), cash="1000", settings=settings)
    first = Plan("A1", analyze(request).trades, (DEAR, cheap), household_id="H1", cash="1000", settings=settings)
    assert "D1" in [sale.lot_id for trade in first.trades for sale in trade.lot_sales]
    refs = approved_days(connection, run, [PURCHASE, first])
    assert [each.next for each in commit_all(connection, refs)] == [Standstill.TRADE, Stage.INGEST]

    told = replace(request, snapshot=replace(request.snapshot, wash_windows=windows_of(connection, "A1")))
    second = a_proposal(replace(first, trades=analyze(told).trades))

    assert [sale.lot_id for trade in second.trades for sale in trade.lot_sales] == ["C1"]
    propose_again(connection, refs[1], second)
    assert commit_orders(connection, refs[1], build=BUILD).next == Standstill.TRADE
    assert [row[:2] for row in intents(connection)] == [("A1", "SELL"), ("A2", "BUY")]


def propose_again(connection: Connection, ref: AccountDayRef, proposal: RebalanceProposal) -> None:
    """The account is back at TRADE with another proposal, approved by the policy."""
    hash_ = content_hash(proposal)
    proposal_id = write_proposal(connection, ref, hash_, proposal.input_hash, plain(proposal), "trimtab")
    connection.execute(
        update(account_day)
        .where(account_day.c.account_day_id == ref.account_day_id)
        .values(stage="trade", proposal_id=proposal_id, proposal_hash=hash_)
    )
    write_policy_approval(connection, ref, hash_, POLICY)


def test_an_account_that_wants_again_what_its_peers_trades_forbid_is_a_persons_at_once(
    connection: Connection, run: RunRef
) -> None:
    refs = approved_days(connection, run, [PURCHASE, LOSS])
    commit_orders(connection, refs[0], build=BUILD)
    assert commit_orders(connection, refs[1], build=BUILD).next == Stage.INGEST
    connection.execute(update(account_day).where(account_day.c.account_id == "A1").values(stage="trade"))
    with pytest.raises(WashSaleStands, match="on the day account A2 buys it") as caught:
        commit_orders(connection, refs[1], build=BUILD)
    assert not caught.value.transient


def test_the_peers_trades_count_no_more_once_they_ended_unfilled(connection: Connection, run: RunRef) -> None:
    refs = approved_days(connection, run, [LOSS, PURCHASE])
    commit_orders(connection, refs[0], build=BUILD)
    connection.execute(update(intent).values(status="UNFILLED"))
    assert commit_orders(connection, refs[1], build=BUILD).next == Standstill.TRADE


@pytest.mark.parametrize(
    "peer",
    [
        replace(PURCHASE, household_id="H2"),
        replace(PURCHASE, trades=(a_buy("BND", "10"),)),
        replace(LOSS, account_id="A2", trades=(a_sale(LOT, "10"),), lots=(LOT,)),
    ],
    ids=["another household", "another name", "a gain"],
)
def test_what_washes_nothing_is_committed(connection: Connection, run: RunRef, peer: Plan) -> None:
    outcomes = commit_all(connection, approved_days(connection, run, [LOSS, peer]))
    assert [outcome.next for outcome in outcomes] == [Standstill.TRADE, Standstill.TRADE]


def test_a_loss_in_an_ira_is_nobodys_but_its_purchase_washes_the_household(connection: Connection, run: RunRef) -> None:
    ira_loss = replace(LOSS, registration=Registration.TRADITIONAL_IRA)
    outcomes = commit_all(connection, approved_days(connection, run, [ira_loss, PURCHASE]))
    assert [outcome.next for outcome in outcomes] == [Standstill.TRADE, Standstill.TRADE]

    ira_buy = replace(PURCHASE, account_id="B2", household_id="H9", registration=Registration.ROTH_IRA)
    loss = replace(LOSS, account_id="B1", household_id="H9")
    outcomes = commit_all(connection, approved_days(connection, run, [loss, ira_buy]))
    assert [outcome.next for outcome in outcomes] == [Standstill.TRADE, Stage.INGEST]


def test_securities_of_one_wash_group_wash_each_other(connection: Connection, run: RunRef) -> None:
    load_securities(connection, VTI="total-us", ITOT="total-us")
    twin = replace(PURCHASE, trades=(a_buy("ITOT", "10"),))
    outcomes = commit_all(connection, approved_days(connection, run, [LOSS, twin]))
    assert [outcome.next for outcome in outcomes] == [Standstill.TRADE, Stage.INGEST]


def load_securities(connection: Connection, kinds: Mapping[str, str] | None = None, **wash_groups: str) -> None:
    """Securities are ETFs unless `kinds` says otherwise."""
    from trimtab.db.tables import delivery, security_fact

    connection.execute(
        insert(delivery).values(
            firm_id=FIRM,
            delivery_id="d1",
            kind="securities",
            business_date=DAY,
            file_name="securities.csv",
            content_hash="c",
            status="LOADED",
        )
    )
    rows = [
        {
            "firm_id": FIRM,
            "delivery_id": "d1",
            "line": line,
            "security_id": name,
            "name": name,
            "kind": (kinds or {}).get(name, "ETF"),
            "asset_class": "US",
            "currency": "USD",
            "tradable": True,
            "whole_shares": True,
            "wash_group": group,
            "half_spread_bps": Decimal(2),
        }
        for line, (name, group) in enumerate(wash_groups.items(), start=2)
    ]
    connection.execute(insert(security_fact), rows)


# --- lots and cash ----------------------------------------------------------------------------------------------


def test_a_lot_is_not_sold_beyond_its_shares(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [replace(SWITCH, trades=(a_sale(LOT, "100.000001"),))])
    with pytest.raises(LotOversold):
        commit_orders(connection, ref, build=BUILD)


def test_a_lot_that_the_account_does_not_hold_is_not_sold(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [replace(SWITCH, trades=(a_sale(LOT, "1"),), lots=())])
    with pytest.raises(LotOversold):
        commit_orders(connection, ref, build=BUILD)


def second_attempt(connection: Connection, run: RunRef, plan: Plan) -> AccountDayRef:
    """The same account's next attempt on the same day."""
    from trimtab.db.account_days import account_day_id, lifecycle_workflow_id

    connection.execute(update(account_day).values(current=False))
    ref = AccountDayRef(FIRM, run.run_id, account_day_id("A1", DAY, 2), "A1", DAY, 2)
    connection.execute(
        insert(account_day).values(
            firm_id=FIRM,
            account_day_id=ref.account_day_id,
            run_id=run.run_id,
            account_id="A1",
            business_date=DAY,
            attempt=2,
            workflow_id=lifecycle_workflow_id(FIRM, "A1", DAY, 2),
            stage="ingest",
        )
    )
    [again] = open_approved(connection, run, [plan])
    return again


def test_shares_that_another_order_has_reserved_are_not_sold_again(connection: Connection, run: RunRef) -> None:
    commit_all(connection, approved_days(connection, run, [SWITCH]))
    sixty = replace(SWITCH, trades=(a_sale(LOT, "41"),))
    with pytest.raises(LotOversold):
        commit_orders(connection, second_attempt(connection, run, sixty), build=BUILD)


def test_shares_that_no_order_has_reserved_can_be_sold(connection: Connection, run: RunRef) -> None:
    commit_all(connection, approved_days(connection, run, [SWITCH]))
    forty = replace(SWITCH, trades=(a_sale(LOT, "40"),))
    assert commit_orders(connection, second_attempt(connection, run, forty), build=BUILD).next == Standstill.TRADE


@pytest.mark.parametrize(
    ("cash", "settings", "is_enough"),
    [
        ("1004.95", AccountSettings(commission=Decimal("4.95")), True),
        ("1004.94", AccountSettings(commission=Decimal("4.95")), False),
        ("1500", AccountSettings(cash_reserve=Decimal(500)), True),
        ("1499.99", AccountSettings(cash_reserve=Decimal(500)), False),
        ("1250", AccountSettings(cash_needs=(CashNeed(Decimal(250), DAY),)), True),
        ("1249.99", AccountSettings(cash_needs=(CashNeed(Decimal(250), DAY),)), False),
    ],
)
def test_purchases_leave_the_reserve_and_announced_withdrawals_alone(
    connection: Connection, run: RunRef, cash: str, settings: AccountSettings, is_enough: bool
) -> None:
    [ref] = approved_days(connection, run, [Plan("A1", (a_buy("BND", "10"),), cash=cash, settings=settings)])
    if is_enough:
        assert commit_orders(connection, ref, build=BUILD).next == Standstill.TRADE
    else:
        with pytest.raises(CashShort):
            commit_orders(connection, ref, build=BUILD)


BY_KIND = AccountSettings(
    commission=Decimal("4.95"), commission_by_kind={SecurityKind.ETF: Decimal(0), SecurityKind.FUND: Decimal(20)}
)


def test_each_order_reserves_and_is_charged_the_price_of_its_kind(connection: Connection, run: RunRef) -> None:
    """A fund's order is $20, an ETF's free, and a stock's what other kinds pay."""
    load_securities(connection, {"BND": "FUND", "IBM": "STOCK"}, VTI="", BND="", IBM="")
    plan = replace(SWITCH, trades=(*SWITCH.trades, a_buy("IBM", "1")), settings=BY_KIND)
    [ref] = approved_days(connection, run, [plan])

    commit_orders(connection, ref, build=BUILD)

    rows = connection.execute(select(intent.c.security_id, intent.c.commission).order_by(intent.c.leg))
    assert {row.security_id: row.commission for row in rows} == {"VTI": 0, "BND": 20, "IBM": Decimal("4.95")}
    assert set(connection.scalars(select(cash_reservation.c.amount))) == {Decimal(5020), Decimal("104.95")}


@pytest.mark.parametrize(("cash", "is_enough"), [("1020", True), ("1019.99", False)])
def test_a_purchase_needs_the_cash_of_its_own_kinds_price(
    connection: Connection, run: RunRef, cash: str, is_enough: bool
) -> None:
    load_securities(connection, {"BND": "FUND"}, BND="")
    [ref] = approved_days(connection, run, [Plan("A1", (a_buy("BND", "10"),), cash=cash, settings=BY_KIND)])
    if is_enough:
        assert commit_orders(connection, ref, build=BUILD).next == Standstill.TRADE
    else:
        with pytest.raises(CashShort):
            commit_orders(connection, ref, build=BUILD)


def test_purchases_may_use_the_proceeds_of_the_same_day(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [replace(SWITCH, cash="0")])  # sells for 6,000, buys for 5,000
    assert commit_orders(connection, ref, build=BUILD).next == Standstill.TRADE


def test_cash_that_another_order_has_reserved_is_not_spent_again(connection: Connection, run: RunRef) -> None:
    plan = Plan("A1", (a_buy("BND", "10"),), cash="1999.99")
    commit_all(connection, approved_days(connection, run, [plan]))
    with pytest.raises(CashShort):
        commit_orders(connection, second_attempt(connection, run, plan), build=BUILD)


def test_a_failed_commit_leaves_no_intent_behind(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [Plan("A1", (a_buy("BND", "10"),), cash="1")])
    with pytest.raises(CashShort), connection.begin_nested():
        commit_orders(connection, ref, build=BUILD)
    assert intents(connection) == []
    assert day_row(connection, ref).stage == Stage.TRADE
