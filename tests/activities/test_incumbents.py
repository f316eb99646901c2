"""Tonight's analysis starts from what was last proposed for the account, so that proposals stay calm."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, insert, select

from tests.activities.feed_day import FIRM as DEMO
from tests.activities.feed_day import FeedDay
from tests.activities.small_book import BEFORE, DAY, SmallBook, an_intent
from tests.optimizer.accounts import a_lot, a_market, a_model, a_security, an_input
from trimtab.activities.holdings import raw_holdings
from trimtab.activities.incumbents import incumbents
from trimtab.activities.inputs import Inputs
from trimtab.activities.splits import Split
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, account_day_id, run_id
from trimtab.db import runs
from trimtab.db.content import get_content
from trimtab.db.decisions import write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.tables import account, account_day, intent
from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind
from trimtab.domain.corporate_actions import ActionKind
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.lifecycle import Stage, TerminalState
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, Incumbent, TaxYear


def proposed() -> RebalanceProposal:
    """AAA is sold and BBB bought, with prices of a factor, of cash, of two bands and of the tax year's netting."""
    bands = (
        GroupBand(GroupKind.ASSET_CLASS, "US", Decimal(0), Decimal("0.99")),
        GroupBand(GroupKind.SECTOR, "TECH", Decimal(0), Decimal("0.98")),
    )
    tech = {SecurityId(each): a_security(each, sector="TECH") for each in ("AAA", "BBB")}
    request = an_input(
        a_market({"AAA": "100", "BBB": "50"}, securities=tech),
        a_model({"AAA": "0.4", "BBB": "0.6"}),
        lots=(a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70")),
        cash="25000",
        settings=AccountSettings(group_bands=bands),
    )
    year = TaxYear(Decimal(100), Decimal(200), Decimal(0), Decimal(0))
    return analyze(replace(request, snapshot=replace(request.snapshot, tax_year=year)))


def analysed(book: SmallBook, on: date = BEFORE, account: str = "A1") -> AccountDayRef:
    """The account's day with the proposal, at filter."""
    book.opened(on)
    ref = book.ref(account, on)
    book.analysed(ref, proposed())
    return ref


def ended(book: SmallBook, terminal: TerminalState, on: date = BEFORE, account: str = "A1") -> AccountDayRef:
    """The account's day with the proposal, come to its end."""
    ref = analysed(book, on, account)
    book.step(ref, StageOutcome(Stage.FILTER, Stage.RECORD, terminal=terminal, code="X"))
    book.step(ref, StageOutcome(Stage.RECORD, None, terminal=terminal, code="X"))
    return ref


def ordered(book: SmallBook, ref: AccountDayRef) -> None:
    with book.transaction() as connection:
        row = an_intent(ref, content_hash(proposed())) | {"intent_id": f"{ref.account_day_id}-1"}
        connection.execute(insert(intent).values(row))


def known(book: SmallBook, *accounts: str, splits: tuple[Split, ...] = ()) -> dict[str, Incumbent]:
    with book.transaction() as connection:
        return incumbents(connection, accounts, DAY, splits)


@pytest.mark.covers("C4")
@pytest.mark.parametrize("terminal", [TerminalState.EXPIRED, TerminalState.REJECTED, TerminalState.HELD])
def test_a_list_that_nobody_sent_is_the_next_days_incumbent(book: SmallBook, terminal: TerminalState) -> None:
    """To the share, with every price under its name: what is stored as JSON comes back as the proposal had it."""
    ended(book, terminal)

    assert known(book, "A1", "A2") == {"A1": incumbent_of(proposed())}
    assert {each: shares > 0 for each, shares in incumbent_of(proposed()).net_trades.items()} == {
        "AAA": False,
        "BBB": True,
    }
    assert incumbent_of(proposed()).row_prices.keys() >= {"ASSET_CLASS:US", "SECTOR:TECH"}


@pytest.mark.parametrize("terminal", [TerminalState.TRADED, TerminalState.HELD, TerminalState.SUSPENDED])
def test_of_a_list_with_orders_only_the_prices_are_left_however_it_ended(
    book: SmallBook, terminal: TerminalState
) -> None:
    ordered(book, ended(book, terminal))

    assert known(book, "A1") == {"A1": replace(incumbent_of(proposed()), net_trades={})}


def test_a_list_that_may_yet_be_sent_is_no_incumbent(book: SmallBook) -> None:
    """Its account-day has not ended."""
    analysed(book)

    assert known(book, "A1") == {"A1": replace(incumbent_of(proposed()), net_trades={})}


def test_the_newest_list_counts(book: SmallBook) -> None:
    """On the day before the last the list had orders; last night's, the same, had none. And the other way round."""
    earlier = BEFORE - timedelta(days=1)
    ordered(book, ended(book, TerminalState.TRADED, on=earlier))
    ended(book, TerminalState.EXPIRED)
    assert known(book, "A1") == {"A1": incumbent_of(proposed())}

    ended(book, TerminalState.EXPIRED, on=earlier, account="A2")
    ordered(book, ended(book, TerminalState.TRADED, account="A2"))
    assert known(book, "A2")["A2"].net_trades == {}


def test_what_was_proposed_today_or_long_ago_is_not_yesterdays(book: SmallBook) -> None:
    ended(book, TerminalState.EXPIRED, on=DAY)
    ended(book, TerminalState.EXPIRED, on=DAY - timedelta(days=8), account="A2")

    assert known(book, "A1", "A2") == {}


def test_shares_proposed_before_a_split_are_counted_after_it(book: SmallBook) -> None:
    """Two of BBB for one, on today's business date: twice the shares are to be bought; of AAA as many are sold."""
    ended(book, TerminalState.EXPIRED)
    split = Split("E1", 1, ActionKind.SPLF, SecurityId("BBB"), DAY, 2, 1, None)

    tonight, before = known(book, "A1", splits=(split,))["A1"].net_trades, incumbent_of(proposed()).net_trades

    assert tonight == {"AAA": before["AAA"], "BBB": 2 * before["BBB"]}


def test_the_snapshot_that_is_analysed_tonight_has_yesterdays_list_on_every_pass(day: FeedDay) -> None:
    """A00001 was proposed a list the day before, which expired; A00002 was proposed none."""
    _proposed_the_day_before(day, "A00001")
    day.judge()
    first = {name: _snapshot_hash(day, name) for name in ("A00001", "A00002")}

    assert _snapshot(day, first["A00001"]).incumbent == incumbent_of(proposed())
    assert _snapshot(day, first["A00002"]).incumbent is None

    for name in first:
        day.next_attempt(name)
    day.judge()
    assert {name: _snapshot_hash(day, name) for name in first} == first


def test_a_page_is_read_in_as_many_statements_as_one_account(day: FeedDay) -> None:
    """Eleven on the first day, when there is no earlier file of positions, and two for the events of this one."""
    _proposed_the_day_before(day, "A00001")
    day.freeze()
    with firm_transaction(day.engine, DEMO) as connection:
        run = Inputs().of_run(connection, day.ref)
        accounts = list(connection.scalars(select(account.c.account_id)))
        alone = _statements(day, lambda: raw_holdings(connection, run, ["A00001"]))
        page = _statements(day, lambda: raw_holdings(connection, run, accounts))

    assert len(accounts) == 20
    assert (alone, page) == (13, 13)


def _statements(day: FeedDay, read: Callable[[], object]) -> int:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(day.engine, "before_cursor_execute", note)
    read()
    event.remove(day.engine, "before_cursor_execute", note)
    return len(sent)


def _proposed_the_day_before(day: FeedDay, account: str) -> None:
    before = day.firm.as_of
    run = RunRef(DEMO, run_id(DEMO, before), before)
    ref = AccountDayRef(DEMO, run.run_id, account_day_id(account, before, 1), account, before)
    proposal = proposed()
    day.load()
    with firm_transaction(day.engine, DEMO) as connection:
        runs.insert_run(connection, run, as_of=before - timedelta(days=1), clock_mode="stepped", status=runs.OPEN)
        connection.execute(
            insert(account_day).values(
                firm_id=DEMO,
                account_day_id=ref.account_day_id,
                run_id=run.run_id,
                account_id=account,
                business_date=before,
                attempt=1,
                workflow_id=ref.account_day_id,
                stage="record",
                terminal_state="EXPIRED",
                proposal_id=f"{ref.account_day_id}-p1",
            )
        )
        write_proposal(connection, ref, content_hash(proposal), proposal.input_hash, plain(proposal), "trimtab")


def _snapshot_hash(day: FeedDay, name: str) -> str:
    with firm_transaction(day.engine, DEMO) as connection:
        rows = select(account_day.c.snapshot_hash).where(
            account_day.c.account_id == name, account_day.c.business_date == day.date, account_day.c.current
        )
        return str(connection.scalar(rows))


def _snapshot(day: FeedDay, digest: str) -> AccountSnapshot:
    with firm_transaction(day.engine, DEMO) as connection:
        return get_content(connection, digest, AccountSnapshot)
