"""Tonight's analysis starts from what was last proposed for the account, so that proposals stay calm."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select

from tests.activities.feed_day import FIRM as DEMO
from tests.activities.feed_day import FeedDay
from tests.activities.small_book import BEFORE, DAY, SmallBook
from tests.optimizer.accounts import a_lot, a_market, a_model, a_security, an_input
from trimtab.activities.incumbents import incumbents
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, account_day_id, run_id
from trimtab.db import runs
from trimtab.db.content import get_content
from trimtab.db.decisions import write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.tables import account_day
from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.lifecycle import Stage, TerminalState
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.snapshots import AccountSnapshot, Incumbent, TaxYear


def proposed() -> RebalanceProposal:
    """AAA is sold and BBB bought, with prices of a factor, of cash, of two bands and of the tax year's netting."""
    bands = (
        GroupBand(GroupKind.ASSET_CLASS, "US", Decimal(0), Decimal("0.99")),
        GroupBand(GroupKind.SECTOR, "TECH", Decimal(0), Decimal("0.98")),
    )
    tech = {each: a_security(each, sector="TECH") for each in ("AAA", "BBB")}
    request = an_input(
        a_market({"AAA": "100", "BBB": "50"}, securities=tech),  # type: ignore[arg-type]
        a_model({"AAA": "0.4", "BBB": "0.6"}),
        lots=(a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70")),
        cash="25000",
        settings=AccountSettings(group_bands=bands),
    )
    year = TaxYear(Decimal(100), Decimal(200), Decimal(0), Decimal(0))
    return analyze(replace(request, snapshot=replace(request.snapshot, tax_year=year)))


def ended(book: SmallBook, terminal: TerminalState, on: date = BEFORE, account: str = "A1") -> None:
    """The account's day with the proposal, come to its end."""
    book.opened(on)
    ref = book.ref(account, on)
    book.analysed(ref, proposed())
    book.step(ref, StageOutcome(Stage.FILTER, Stage.RECORD, terminal=terminal, code="X"))
    book.step(ref, StageOutcome(Stage.RECORD, None, terminal=terminal, code="X"))


def known(book: SmallBook, *accounts: str) -> dict[str, Incumbent]:
    with book.transaction() as connection:
        return incumbents(connection, accounts, DAY)


@pytest.mark.covers("C4")
@pytest.mark.parametrize("terminal", [TerminalState.EXPIRED, TerminalState.REJECTED, TerminalState.NO_TRADE])
def test_a_list_that_nobody_sent_is_the_next_days_incumbent(book: SmallBook, terminal: TerminalState) -> None:
    """To the share, with every price under its name: what is stored as JSON comes back as the proposal had it."""
    ended(book, terminal)

    assert known(book, "A1", "A2") == {"A1": incumbent_of(proposed())}
    assert incumbent_of(proposed()).net_trades.keys() == {"AAA", "BBB"}
    assert len(incumbent_of(proposed()).row_prices) >= 3


@pytest.mark.parametrize("terminal", [TerminalState.TRADED, TerminalState.HELD])
def test_of_a_list_that_was_sent_only_the_prices_are_left(book: SmallBook, terminal: TerminalState) -> None:
    ended(book, terminal)

    assert known(book, "A1") == {"A1": replace(incumbent_of(proposed()), net_trades={})}


def test_what_was_proposed_today_or_long_ago_is_not_yesterdays(book: SmallBook) -> None:
    ended(book, TerminalState.EXPIRED, on=DAY)
    ended(book, TerminalState.EXPIRED, on=DAY - timedelta(days=8), account="A2")

    assert known(book, "A1", "A2") == {}


def test_the_snapshot_that_is_analysed_tonight_has_yesterdays_list(day: FeedDay) -> None:
    """A00001 was proposed a list the day before, which expired; A00002 was proposed none."""
    _proposed_the_day_before(day, "A00001")
    day.judge()

    snapshots = {name: _snapshot(day, name) for name in ("A00001", "A00002")}

    assert snapshots["A00001"].incumbent == incumbent_of(proposed())
    assert snapshots["A00002"].incumbent is None


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


def _snapshot(day: FeedDay, account: str) -> AccountSnapshot:
    with firm_transaction(day.engine, DEMO) as connection:
        rows = select(account_day.c.snapshot_hash).where(
            account_day.c.account_id == account, account_day.c.business_date == day.date
        )
        return get_content(connection, str(connection.scalar(rows)), AccountSnapshot)
