"""A day of real files through the real worker: pages and lifecycles agree, faults park, and the market clock ticks."""

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from tests.servers import FreshDatabase
from tests.workflows.conftest import Found
from tests.workflows.real_day import Day, start
from trimtab.day import promote
from trimtab.db import runs
from trimtab.db.engine import firm_transaction
from trimtab.db.records import verify_chains
from trimtab.db.tables import (
    account_facts,
    alert,
    blocked_step,
    decision,
    intent,
    outbox,
    record,
    run,
    stage_result,
)
from trimtab.domain.account_settings import RestrictionKind
from trimtab.embedded.temporal import find_program
from trimtab.temporal_client import connect

pytestmark = pytest.mark.timeout(600)
"""The solver's children take their share of a busy machine."""


async def _run(day: Day) -> Day:
    """Up to the open: nothing is sent to a broker before it, and these tests have none."""
    await start(day, hold_before="OPEN")
    async with day.worker():
        await day.until(lambda: day.is_held("OPEN") and not day.standing_at("suspended"))
    return day


@pytest.mark.covers("P5", "W-D4", "A1", "A2", "A3", "A4", "W-C1")
async def test_pages_and_lifecycles_come_to_equal_outcomes(found: Found) -> None:
    """The same files, once with a lifecycle for every account and once by pages of whole households."""
    by_lifecycles = await _run(await found(policy="never"))
    by_pages = await _run(await found(policy="always"))
    outcomes = by_pages.outcomes()
    assert by_lifecycles.outcomes() == outcomes
    assert len(outcomes) == 20
    assert {row[0] for row in outcomes.values()} == {"record", "review", "trade"}
    assert outcomes["A00009"] == ("record", None, "SUSPENDED", "UNKNOWN_SECURITY", None)
    assert outcomes["A00013"] == ("record", None, "NO_TRADE", "ACCOUNT_CLOSED", None)

    started = {row.workflow_id for row in by_pages.ask(select(outbox).where(outbox.c.kind == "start_lifecycle"))}
    waiting = {name for name, row in outcomes.items() if row[0] in ("review", "trade")}
    assert {workflow.split("/")[2] for workflow in started} == waiting
    _a_person_sees_the_exceptions_and_the_rest_trades_by_its_own_settings(by_pages)
    await _a_quiet_account_can_be_promoted(by_pages)
    for day in (by_lifecycles, by_pages):
        with firm_transaction(day.engine, day.firm.id) as connection:
            verified, broken = verify_chains(connection)
            assert not broken
            assert verified > 80


def _a_person_sees_the_exceptions_and_the_rest_trades_by_its_own_settings(day: Day) -> None:
    """Nobody touched the night: two clients must be asked, five accounts that trade are above the firm's $500,000."""
    outcomes, entries = day.outcomes(), {entry.id: entry for entry in day.firm.accounts}
    assert len({repr(entry.settings) for entry in entries.values()}) == 20
    facts = {row.account_id: row for row in day.ask(select(account_facts))}
    trading = {name for name, row in facts.items() if row.order_count}
    asked = {name for name in trading if not entries[name].account.discretionary}
    large = {name for name in trading if facts[name].account_value > 500_000}
    assert (asked, large - asked) == (
        {"A00014", "A00016"},
        {"A00001", "A00004", "A00007", "A00008", "A00017"},
    )
    assert {name for name, row in outcomes.items() if row[1] == "REVIEW"} == asked | large
    unseen = {name for name, row in outcomes.items() if row[1] == "AUTOMATED"}
    assert unseen == trading - asked - large == {"A00010", "A00019"}
    approvals = {(row.account_id, row.actor.split(":")[0], *row.actor_roles) for row in day.ask(select(decision))}
    assert approvals == {(name, "policy") for name in unseen}
    ordered = {(row.account_id, row.security_id, row.side) for row in day.ask(select(intent))}
    proposed = {
        (name, trade["security_id"], trade["side"]) for name in trading for trade in outcomes[name][4]["trades"]
    }
    assert ordered == {each for each in proposed if each[0] in unseen}

    barred = {
        (entry.id, rule.security_id, "SELL" if rule.kind is RestrictionKind.NEVER_SELL else "BUY")
        for entry in entries.values()
        for rule in entry.settings.restrictions
    }
    assert {name for name, *_ in barred} >= {"A00001", "A00008", "A00017"}
    assert not barred & proposed
    (objects_to,) = entries["A00017"].settings.restrictions
    assert ("A00017", objects_to.security_id, "SELL") in proposed  # never to be held, and it was
    for name in trading:
        settings, proposal = entries[name].settings, outcomes[name][4]
        assert Decimal(proposal["after"]["cash"]) >= settings.cash_reserve + settings.cash_needed
        small = {
            trade["security_id"]: Decimal(trade["quantity"])
            for trade in proposal["trades"]
            if Decimal(trade["notional"]) < settings.minimum_trade
        }
        held = {each.security_id: each.quantity for each in day.firm.book.holdings if each.account_id == name}
        assert all(held.get(security_id) == quantity for security_id, quantity in small.items()), "it closes a position"
    assert {entries[name].settings.minimum_trade for name in trading} == {Decimal(250), Decimal(500)}
    assert any(entries[name].settings.cash_reserve for name in trading)
    untaxed = {name for name in trading if not entries[name].settings.long_term_rate}
    assert {name for name in trading if facts[name].tax == 0} == untaxed
    assert sum(facts[name].tax for name in trading) < 0  # more is harvested than realized


async def _a_quiet_account_can_be_promoted(day: Day) -> None:
    """Its own workflow walks through what the page did, computes nothing and writes nothing."""
    quiet = next(name for name, row in day.outcomes().items() if row[2] == "NO_TRADE" and row[3] is None)
    before = [day.ask(select(func.count()).select_from(table)) for table in (stage_result, record)]
    with firm_transaction(day.engine, day.firm.id) as connection:
        said = promote(connection, day.firm.id, quiet)
    client = await connect(day.target, "default", None, allow_plain=True)
    async with day.worker():
        workflow_id = said.split()[2]
        for _ in range(600):
            if not day.ask(select(outbox).where(outbox.c.sent_at.is_(None))):
                break
            await asyncio.sleep(0.05)
        outcome = await client.get_workflow_handle(workflow_id).result()
    assert outcome["terminal"] == "NO_TRADE"
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    stages = [
        event.activity_task_scheduled_event_attributes.activity_id
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert stages == ["ingest", "validate", "analyze", "filter", "record"]
    assert [day.ask(select(func.count()).select_from(table)) for table in (stage_result, record)] == before


@pytest.mark.covers("H6", "H8")
async def test_ops_fix_a_cause_and_retry_every_blocked_account_at_once(
    found: Found, database: FreshDatabase, temporal_target: str
) -> None:
    """A right was revoked by mistake: each analysis parks, one alert tells, and one command retries them all."""
    day = await found()
    _as_superuser(database, "REVOKE INSERT ON proposal FROM trimtab_app")
    await start(day, hold_before="CUT_OFF")
    async with day.worker():
        await day.until(lambda: day.is_held("CUT_OFF"))
        blocked = day.standing_at("blocked")
        assert len(blocked) == 15  # the others are closed or suspended
        with firm_transaction(day.engine, day.firm.id) as connection:
            causes = list(connection.scalars(select(alert.c.cause).where(alert.c.cause.like("BLOCKED%"))))
            steps = connection.execute(select(blocked_step)).all()
        assert causes == ["BLOCKED_SQL_42501"]
        assert {(row.stage, row.error_class, row.resolved) for row in steps} == {("analyze", "deterministic", False)}

        _as_superuser(database, "GRANT INSERT ON proposal TO trimtab_app")
        query = f"Firm = '{day.firm.id}' AND BlockedReason = 'analyze:SQL_42501'"
        client = await connect(temporal_target, "default", None, allow_plain=True)
        await _until_found(client, query, len(blocked))
        await asyncio.to_thread(_signal_all, temporal_target, query)
        await day.until(lambda: not day.standing_at("blocked") and day.is_held("CUT_OFF"))
    assert {row[0] for row in day.outcomes().values()} == {"record", "review", "suspended", "trade"}
    with firm_transaction(day.engine, day.firm.id) as connection:
        assert all(row.resolved for row in connection.execute(select(blocked_step)))


async def _until_found(client: Client, query: str, count: int) -> None:
    """A search sees what workflows say of themselves a moment later, on a busy machine some seconds."""
    for _ in range(600):
        if (await client.count_workflows(query)).count >= count:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{query} does not find {count} workflows")


def _signal_all(target: str, query: str) -> None:
    """As the runbook says; the payload is plain, since people have no key."""
    command = [str(find_program()), "workflow", "signal", "--address", target, "--query", query]
    command += ["--name", "retry_step", "--input", '{"id": "by-hand-1"}', "--reason", "the right is back", "--yes"]
    subprocess.run(command, check=True, capture_output=True, env={"HOME": "/nonexistent"})


def _as_superuser(database: FreshDatabase, statement: str) -> None:
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        admin.execute(statement)


async def test_the_market_clock_ticks_by_timers(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day squeezed into seconds: the cut-off comes when its instant has come, drained or not."""
    monkeypatch.setattr("trimtab.activities.day.LEDGER_PATIENCE", 2.0)
    day = await found(clock="market")
    began = datetime.now(UTC)
    seconds = {"RUN_START": 0, "CUT_OFF": 25, "OPEN": 26, "REVIEW_EXPIRY": 27, "CLOSE": 28, "DAY_END": 29}
    with firm_transaction(day.engine, day.firm.id) as connection:
        events = [
            {
                "event_id": f"{day.ref.run_id}-{kind}",
                "kind": kind,
                "ordinal": place,
                "at": began + timedelta(seconds=at),
            }
            for place, (kind, at) in enumerate(seconds.items(), start=1)
        ]
        runs.insert_market_events(connection, day.ref, events)
    await start(day)
    async with day.worker():
        await day.until(lambda: day.ask(select(run.c.status))[0].status == "DONE")
        assert (datetime.now(UTC) - began).total_seconds() > 29
        await day.until(lambda: {"SUSPENDED", "NO_TRADE", "EXPIRED"} <= {row[2] for row in day.outcomes().values()})
        await day.until(lambda: {row[0] for row in day.outcomes().values()} <= {"record", "trade"})
    # Without a gateway its orders never end: they stay open, and the ledger names each of them once.
    open_days = day.standing_at("trade")
    with firm_transaction(day.engine, day.firm.id) as connection:
        named = connection.scalars(select(alert.c.scope).where(alert.c.cause == "INCOMPLETE_AT_DAY_END"))
        assert open_days <= set(named)
