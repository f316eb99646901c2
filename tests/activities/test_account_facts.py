"""The night fills every field that filters may name, from real files, a real analysis and what stands open."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event

from tests.activities.feed_day import FIRM, FeedDay
from tests.activities.small_book import BEFORE, DAY, SmallBook
from tests.servers import FreshDatabase
from trimtab.activities.analyze import AnalysisJob, prepare_analysis, store_analysis
from trimtab.activities.inputs import Inputs
from trimtab.activities.solver import Solved, SolverPool
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.account_history import account_history, known_by_now
from trimtab.db.engine import firm_transaction
from trimtab.db.filters import matching_accounts, read_facts
from trimtab.domain.account_facts import AccountFacts, fact
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.filter_reading import read_sentence
from trimtab.domain.lifecycle import Lane, Stage, TerminalState

# What an account need not have: limits nobody set, windows, needs and trades that are not there, a first day.
MAY_BE_UNKNOWN = {
    "days_to_cash_need",
    "maximum_names",
    "turnover_limit",
    "tracking_error_limit",
    "gain_budget",
    "short_term_gain_budget",
    "tax_budget",
    "forced_harvest_losses",
    "realized_this_year",
    "losses_carried",
    "days_suspended",
    "previous_lane",
    "days_since_trade",
    "days_since_review",
}


@pytest.fixture
async def pool(database: FreshDatabase) -> AsyncIterator[SolverPool]:
    pool = SolverPool(database.app_url, 1)
    yield pool
    pool.close()


def wanted(day: FeedDay, condition: str) -> list[str]:
    tree = read_sentence(f"The account is wanted when {condition}.")
    with firm_transaction(day.engine, FIRM) as connection:
        return matching_accounts(connection, day.ref.run_id, tree)


@pytest.mark.covers("D18", "D19", "D20", "D21")
async def test_a_night_fills_every_field_and_filters_find_the_account_by_it(day: FeedDay, pool: SolverPool) -> None:
    day.load()
    outcomes = day.judge()
    ref = next(each for each in day.refs if outcomes[each.account_id].next is Stage.ANALYZE)
    await _analysed(day, ref, pool)

    with firm_transaction(day.engine, FIRM) as connection:
        facts = read_facts(connection, ref.run_id, ref.account_id)
    assert facts is not None
    unknown = {name for name in FIELDS if fact(facts, name) is None}
    assert unknown <= MAY_BE_UNKNOWN
    delivered = next(each for each in day.firm.accounts if each.account.id == ref.account_id).account
    assert (facts.tier, facts.household_id) == (delivered.tier, delivered.household_id)

    ancillary = f'the tier is "{facts.tier}" and the family is "{facts.household_id}" and the standing is OPEN'
    assert wanted(day, f"{ancillary} and the account is approved for trading") == [ref.account_id]
    assert wanted(day, "the account is not approved for trading and the number of trades is known") == []


@pytest.mark.covers("W-C1", "W-C5")
def test_an_account_that_is_not_analysed_is_found_by_what_keeps_it(day: FeedDay) -> None:
    """Twenty accounts: one whose lots and positions differ, one under compliance review, both never analysed."""
    day.load()
    day.judge()
    assert wanted(day, "the open suspensions hold LOT_MISMATCH") == ["A00011"]
    assert "A00011" in wanted(day, "the account is touched by a data error and the data findings hold LOT_MISMATCH")
    assert wanted(day, "the account is under compliance review") == ["A00012"]
    assert wanted(day, "the kinds of open suspensions hold COMPLIANCE and the analysis is known") == []


def test_what_happened_before_the_day_is_told_in_days(book: SmallBook) -> None:
    """The day before ended in review by a person's decision; an advisor's suspension is open since today."""
    book.opened(BEFORE)
    first = book.ref(on=BEFORE)
    digest = book.in_review(first)
    book.decide(first, "REJECT", digest)
    book.step(first, StageOutcome(Stage.REVIEW, Stage.RECORD, terminal=TerminalState.REJECTED, reason="no"))
    book.opened(DAY)
    book.suspend("A1", code="FLOW_EXPECTED")

    with book.transaction() as connection:
        history = account_history(connection, book.ref())
        row = known_by_now(connection, book.ref(), AccountFacts("A1"))
        other = account_history(connection, book.ref("A2"))
    assert (history.previous_lane, history.last_decision, history.first_day) == (Lane.REVIEW, BEFORE, BEFORE)
    assert (row.days_since_review, row.days_followed, row.days_since_trade) == (1, 1, None)
    assert (row.flow_expected, row.has_data_error, row.days_suspended) == (True, False, 0)
    assert (other.last_decision, other.previous_lane) == (None, None)


def test_a_firm_without_fields_of_its_own_is_not_asked_for_them_account_by_account(book: SmallBook) -> None:
    """Two statements an account: its open suspensions, and its history."""
    book.opened(DAY)
    asked: list[str] = []
    with book.transaction() as connection:
        event.listen(connection, "before_cursor_execute", lambda _one, _cursor, statement, *_: asked.append(statement))
        assert known_by_now(connection, book.ref(), AccountFacts("A1")).ancillary is None
    assert len(asked) == 2


async def _analysed(day: FeedDay, ref: AccountDayRef, pool: SolverPool) -> None:
    with firm_transaction(day.engine, FIRM) as connection:
        job = prepare_analysis(connection, ref, Inputs())
    assert isinstance(job, AnalysisJob)
    solved = await pool.solve(job.solve)
    assert isinstance(solved, Solved)
    with firm_transaction(day.engine, FIRM) as connection:
        store_analysis(connection, ref, job, solved, build="test")
