"""A file that comes after the run has frozen its inputs: whoever waits for it is judged again the same day."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.activities.test_profiles import decide
from tests.servers import FreshDatabase
from trimtab import feed_desk
from trimtab.activities.beginning_again import begin_again, freeze_again, waiting_days
from trimtab.activities.ingest import ingest
from trimtab.activities.inputs import Inputs
from trimtab.activities.second_look import PastCutOff, SecondLook, look_again
from trimtab.activities.suspended import suspended
from trimtab.activities.validate import validate
from trimtab.db import runs
from trimtab.db.engine import firm_transaction
from trimtab.db.tables import account_day, decision, outbox
from trimtab.domain.lifecycle import Stage
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.statements import Level
from trimtab.settings import load_settings


def looked(day: FeedDay) -> SecondLook:
    with firm_transaction(day.engine, FIRM) as connection:
        return look_again(connection, day.ref, "cli")


def go_on(day: FeedDay) -> dict[str, str]:
    """What the lifecycles of the suspended accounts do then; account to its new code, '' when it is analysed."""
    inputs, found = Inputs(), {}
    with firm_transaction(day.engine, FIRM) as connection:
        for ref in day.refs:
            row = connection.execute(select(account_day).where(account_day.c.account_id == ref.account_id)).one()
            if row.stage == "suspended" and suspended(connection, ref, build="test").next is Stage.INGEST:
                ingest(connection, ref, inputs, build="test")
                outcome = validate(connection, ref, inputs, build="test")
                found[ref.account_id] = "" if outcome.next is Stage.ANALYZE else outcome.code
    return found


@pytest.fixture
def without_prices(day: FeedDay) -> FeedDay:
    """The night has gone on without the price file, which comes afterwards: everybody is suspended."""
    path, marker = day.path("prices"), day.path("prices").with_name(day.path("prices").name + ".done")
    late = [(each, each.read_bytes()) for each in (path, marker)]
    for each, _ in late:
        each.unlink()
    day.load()
    day.judge()
    assert set(day.codes()) == {entry.id for entry in day.firm.accounts}
    for each, content in late:
        each.write_bytes(content)
    return day


def test_a_late_file_gives_every_account_that_waited_for_it_its_day(without_prices: FeedDay, database: FreshDatabase):
    """As an operator asks for it: `trimtab run look-again`."""
    day, settings = without_prices, load_settings(database_url=database.app_url, drop_folder=without_prices.drop)
    assert looked(day) == SecondLook(is_changed=False)  # not loaded yet
    waiting = {entry.id for entry in day.firm.accounts} - {"A00013"}  # the closed one is done
    said = f"the run of {day.date} reads its inputs anew: 19 suspended accounts are judged again, 0 had ended suspended"
    assert feed_desk.look_again(settings, FIRM, day.date) == said
    with firm_transaction(day.engine, FIRM) as connection:
        told = connection.execute(select(decision.c.kind, decision.c.actor, decision.c.status).distinct()).all()
        signals = set(connection.scalars(select(outbox.c.workflow_id).where(outbox.c.kind == "signal")))
    assert told == [("REFRESH", "cli", "ACCEPTED")]
    assert signals == {ref.workflow_id for ref in day.refs if ref.account_id in waiting}
    assert feed_desk.look_again(settings, FIRM, None) == f"nothing new has come for {day.date}"

    codes = go_on(day)

    assert codes.keys() == waiting
    assert {name: code for name, code in codes.items() if code} == {
        name: code for name, code in SPECIAL.items() if name != "A00013"
    }


def test_who_is_analysed_already_keeps_the_inputs_that_it_was_judged_by(day: FeedDay):
    day.load()
    day.judge()
    with firm_transaction(day.engine, FIRM) as connection:
        before = dict(connection.execute(select(account_day.c.account_id, account_day.c.snapshot_hash)).all())
    decide(day, LayerKey(Level.FIRM), "Keep 3 % in cash.")
    assert looked(day) == SecondLook(is_changed=True, asked=3)
    assert go_on(day) == {name: SPECIAL[name] for name in ("A00009", "A00011", "A00015")}  # not A00012: COMPLIANCE
    with firm_transaction(day.engine, FIRM) as connection:
        assert dict(connection.execute(select(account_day.c.account_id, account_day.c.snapshot_hash)).all()) == before


def heal(day: FeedDay, at_most: int) -> tuple[int, int]:
    """How many account-days wait for newer inputs, and how many of the first `at_most` of them begin again."""
    with firm_transaction(day.engine, FIRM) as connection:
        digest = freeze_again(connection, day.ref)
        waiting = waiting_days(connection, day.ref, digest)
        return len(waiting), begin_again(connection, day.ref, Inputs(), waiting[:at_most], digest)


@pytest.mark.covers("W-F2")
def test_a_pass_of_the_run_that_was_cut_short_asks_each_waiting_account_once(without_prices: FeedDay):
    """As DailyRun does it: of 19 that wait, 5 are asked when its worker is killed; the next one asks the other 14."""
    day = without_prices
    day.load()
    assert heal(day, 5) == (19, 5)
    assert heal(day, 99) == (14, 14)
    assert heal(day, 99) == (0, 0)
    with firm_transaction(day.engine, FIRM) as connection:
        told = connection.execute(select(decision.c.actor, decision.c.reason).distinct()).all()
        assert connection.scalar(select(func.count()).select_from(decision)) == 19
    assert told == [("trimtab", "prices: new since the run froze its inputs")]
    assert {name: code for name, code in go_on(day).items() if code} == {
        name: code for name, code in SPECIAL.items() if name != "A00013"
    }
    assert heal(day, 99) == (0, 0)  # the four stand suspended, and have been judged by the newest inputs


def test_an_account_whose_fault_is_still_there_is_left_alone_by_the_run(day: FeedDay):
    """Three stand suspended for their own data, and a setting of the firm changes: nothing of theirs is new."""
    day.load()
    day.judge()
    decide(day, LayerKey(Level.FIRM), "Keep 3 % in cash.")
    assert heal(day, 99) == (3, 0)


def test_after_the_cut_off_the_run_takes_nothing_new(without_prices: FeedDay):
    day = without_prices
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        digest = freeze_again(connection, day.ref)
        waiting = waiting_days(connection, day.ref, digest)
        event = {"event_id": "cut", "kind": "CUT_OFF", "ordinal": 2, "at": datetime.now(UTC)}
        runs.insert_market_events(connection, day.ref, [event])
        runs.mark_published(connection, day.ref, "cut")
    with pytest.raises(PastCutOff, match="past its cut-off"):
        looked(day)
    with firm_transaction(day.engine, FIRM) as connection:
        assert len(waiting) == 19
        assert begin_again(connection, day.ref, Inputs(), waiting, digest) == 0
        assert connection.execute(select(decision)).all() == []
