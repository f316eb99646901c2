"""What is killed in the middle of the day costs time and nothing else."""

import logging
import re
from collections import Counter

import pytest
from sqlalchemy import func, select

from tests.e2e.demo_process import ACCOUNTS, FIRM, Demo, demo, outcome_rows
from trimtab.broker.journal import duplicates, executions, orders
from trimtab.contracts import RunRef, run_id
from trimtab.db.engine import VERIFIER_ROLE, sync_engine
from trimtab.db.tables import account_day, run
from trimtab.demo.summary import summarize_day
from trimtab.invariants import check_invariants
from trimtab.verify import verify

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def undisturbed():
    """The same firm's day when nothing happens to it."""
    with demo() as calm:
        calm.answer()
        return calm.ask(outcome_rows)


def half_analysed(running: Demo) -> bool:
    """Some account-days have been analysed and some have not."""
    stage, waiting = account_day.c.stage, ("ingest", "validate", "analyze")
    rows = select(func.count(), func.count().filter(stage.not_in(waiting))).select_from(account_day)
    known, analysed = running.ask(lambda connection: connection.execute(rows).one())
    return known == ACCOUNTS and ACCOUNTS / 4 <= analysed < ACCOUNTS


def assert_whole(running: Demo, undisturbed) -> None:
    answer = running.answer()
    assert sum(answer["outcomes"].values()) == answer["roster"] == ACCOUNTS
    assert "OPEN" not in answer["outcomes"]
    assert answer["records_verified"] == answer["records"] > ACCOUNTS
    verifier = running.connect(sync_engine(running.url("verifier_database"), role=VERIFIER_ROLE, pool_size=1))
    verified = verify(verifier, FIRM)
    assert (verified.records, verified.broken) == (answer["records"], [])
    taken = orders(running.journal)
    assert duplicates(taken) == ()
    assert len(taken) == answer["broker_orders"] == answer["orders"] > 0
    assert len(executions(running.journal)) == answer["executions"] > 0
    assert running.ask(lambda connection: check_invariants(connection, running.journal.entries)) == []
    assert running.ask(ended_more_than_once) == []
    assert running.ask(outcome_rows) == undisturbed


def ended_more_than_once(connection) -> list[str]:
    rows = connection.scalars(select(account_day.c.account_id).where(account_day.c.terminal_state.is_not(None)))
    return [account for account, endings in Counter(rows).items() if endings != 1]


def assert_explained(running: Demo) -> None:
    """Three trades say why, by symbol, and one is found again from what was stored."""
    on = running.ask(lambda connection: connection.scalar(select(run.c.business_date)))
    ref = RunRef(FIRM, run_id(FIRM, on), on)
    explained = running.ask(lambda connection: summarize_day(connection, ref, running.journal_file)).explained
    assert len(explained) == 3
    for trade in explained:
        assert re.fullmatch(r"(Buy|Sell) [\d,.]+ [A-Z]{2,4}\d{1,2} at about \$[\d,]+\.\d\d", trade.sentence)
        assert trade.reasons
    assert "the same proposal hash" in running.cli("reproduce", explained[0].record_hash[:12])


@pytest.mark.covers("A2", "A4", "H4", "H6", "R4", "V3")
def test_a_worker_killed_while_it_analyses_and_while_orders_are_at_the_broker_changes_no_outcome(undisturbed):
    with demo() as running:
        running.until_run_exists()
        running.until(lambda: half_analysed(running), "half of the analyses", every=0.01)
        first = running.kill("worker-1")
        running.until(lambda: orders(running.journal), "an order at the broker", every=0.01)
        assert executions(running.journal) == ()
        second = running.kill("worker-1")
        assert first != second
        assert_whole(running, undisturbed)
        assert_explained(running)
        told, journal = running.answer(), running.journal.entries
        running.stop()

        stored, seconds = running.again()
        log.info("a second run took %.1f s: the day is shown, not run again", seconds)
        assert stored == told
        assert running.journal.entries == journal


@pytest.mark.covers("P3", "A1", "A3", "H4", "H6")
def test_a_temporal_server_killed_in_the_middle_of_the_day_changes_no_outcome_and_the_next_day_goes_on(undisturbed):
    with demo() as running:
        running.until_run_exists()
        running.until(lambda: half_analysed(running), "half of the analyses", every=0.01)
        killed = running.kill("temporal")
        assert_whole(running, undisturbed)
        assert running.child("temporal") != killed
        today = running.answer()
        running.stop()

        tomorrow, _ = running.again("--new-day")
        assert (today["business_date"], tomorrow["business_date"]) == ("2026-11-20", "2026-11-23")
        assert sum(tomorrow["outcomes"].values()) == tomorrow["roster"] == ACCOUNTS
        # The custodian's files agree with what was posted: nobody is suspended for data who was not before.
        assert suspended_for_data(tomorrow) == suspended_for_data(today)
        assert tomorrow["broker_orders"] == tomorrow["orders"] > 0
        assert duplicates(orders(running.journal)) == ()
        assert tomorrow["records_verified"] == tomorrow["records"] > today["records"]


def suspended_for_data(answer: dict) -> dict[str, int]:
    """By code; what the demo's reviewers suspend themselves is another matter."""
    return {
        code: count
        for code, count in answer["codes"].items()
        if code.startswith("SUSPENDED") and code != "SUSPENDED(ADVISOR)"
    }
