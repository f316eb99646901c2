"""Solving in processes of their own: what dies there is replaced, and never the worker's trouble."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from tests.activities.feed_day import FIRM, FeedDay
from tests.servers import FreshDatabase
from trimtab.activities.analyze import AnalysisJob, prepare_analysis, store_analysis
from trimtab.activities.inputs import Inputs
from trimtab.activities.solver import Solved, SolveFault, SolveJob, SolverHung, SolverPool
from trimtab.calibrate import write_calibration
from trimtab.cli import app
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.account_days import open_refs
from trimtab.db.engine import firm_transaction
from trimtab.db.filters import read_facts
from trimtab.db.tables import account_day, proposal, stage_result
from trimtab.domain.account_settings import Tracking
from trimtab.domain.calibration import CALIBRATION_MAP, SHIPPED, numbered
from trimtab.domain.lifecycle import Stage
from trimtab.domain.records import content_hash


@pytest.fixture
async def pool(database: FreshDatabase) -> AsyncIterator[SolverPool]:
    pool = SolverPool(database.app_url, 1)
    yield pool
    pool.close()


def _first_valid(day: FeedDay) -> AccountDayRef:
    day.load()
    day.judge()
    with firm_transaction(day.engine, FIRM) as connection:
        refs = open_refs(connection, FIRM, run=day.ref.run_id)
        valid = set(connection.scalars(select(account_day.c.account_id).where(account_day.c.stage == "analyze")))
    return next(ref for ref in refs if ref.account_id in valid)


def _prepared(day: FeedDay, ref: AccountDayRef) -> AnalysisJob:
    with firm_transaction(day.engine, FIRM) as connection:
        job = prepare_analysis(connection, ref, Inputs())
    assert isinstance(job, AnalysisJob)
    return job


async def test_an_account_of_real_files_is_solved_checked_and_stored_once(day: FeedDay, pool: SolverPool) -> None:
    ref = _first_valid(day)
    job = _prepared(day, ref)
    solved = await pool.solve(job.solve)
    assert isinstance(solved, Solved)
    assert solved.proposal_hash == content_hash(solved.proposal)
    with firm_transaction(day.engine, FIRM) as connection:
        outcome = store_analysis(connection, ref, job, solved, build="test")
    assert outcome.next is Stage.FILTER
    with firm_transaction(day.engine, FIRM) as connection:
        again = prepare_analysis(connection, ref, Inputs())
        assert isinstance(again, StageOutcome)
        stored = connection.execute(select(proposal)).one()
        assert content_hash(stored.body) == stored.content_hash == solved.proposal_hash
        facts = read_facts(connection, ref.run_id, ref.account_id)
        assert facts is not None
        assert facts.order_count == len(solved.proposal.trades)
        row = connection.execute(select(stage_result).where(stage_result.c.stage == "analyze")).one()
        assert row.result["seconds"] >= solved.seconds - 0.001


async def test_the_same_input_gives_the_same_proposal_in_another_process(day: FeedDay, database: FreshDatabase) -> None:
    """Same inputs and same build: same hash (I18)."""
    job = _prepared(day, _first_valid(day))
    hashes = set()
    for _ in range(2):
        pool = SolverPool(database.app_url, 1)
        solved = await pool.solve(job.solve)
        assert isinstance(solved, Solved)
        hashes.add(solved.proposal_hash)
        pool.close()
    assert len(hashes) == 1


async def test_an_error_in_the_child_comes_back_as_a_value(pool: SolverPool, day: FeedDay) -> None:
    fault = await pool.solve(SolveJob(FIRM, "0" * 64, "0" * 64, {}))
    assert isinstance(fault, SolveFault)
    assert (fault.error_class, fault.code) == ("deterministic", "CONTENT_MISSING")


async def test_a_killed_child_is_replaced(pool: SolverPool, day: FeedDay) -> None:
    job = SolveJob(FIRM, "0" * 64, "0" * 64, {})
    await pool.solve(job)
    for child in pool._pool._processes.values():
        os.kill(child.pid or 0, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        await pool.solve(job)
    assert isinstance(await pool.solve(job), SolveFault)


async def test_a_hung_child_is_killed_and_replaced(database: FreshDatabase, day: FeedDay) -> None:
    pool = SolverPool(database.app_url, 1, longest_solve=0.001)
    try:
        with pytest.raises(SolverHung):
            await pool.solve(SolveJob(FIRM, "0" * 64, "0" * 64, {}))
        pool._longest = 60.0
        assert isinstance(await pool.solve(SolveJob(FIRM, "0" * 64, "0" * 64, {})), SolveFault)
    finally:
        pool.close()


async def test_children_do_not_outlive_a_closed_pool(pool: SolverPool, day: FeedDay) -> None:
    await pool.warm()
    children = list(pool._pool._processes.values())
    pool.close()
    for _ in range(600):
        if not any(child.is_alive() for child in children):
            return
        await asyncio.sleep(0.05)
    pytest.fail("a child lives on")


async def test_a_firms_own_calibration_is_frozen_with_its_run_and_named_by_the_record(
    day: FeedDay, pool: SolverPool, database: FreshDatabase, tmp_path: Path
) -> None:
    """Adopted before the run: it is what the analysis reads. Taken back later: what was frozen stays."""
    own = numbered(replace(SHIPPED, risk_aversion={**SHIPPED.risk_aversion, Tracking.MODERATE: 40.0}), 3)
    file = tmp_path / "map.json"
    write_calibration(own, file)

    def calibration(*arguments: str) -> str:
        environment = {"DATABASE_URL": database.app_url, "TRIMTAB_FIRM": FIRM}
        result = CliRunner().invoke(app, ["ops", "calibration", *arguments], env=environment)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert calibration().startswith("calibration 2\n")
    assert calibration(str(file)).startswith(f"calibration {own.version}\n")
    ref = _first_valid(day)
    assert "tracking moderate         20" in calibration("--shipped")

    job = _prepared(day, ref)
    assert job.inputs["calibration"] == own.version
    assert job.inputs[CALIBRATION_MAP] == job.solve.calibration_hash == content_hash(own)
    solved = await pool.solve(job.solve)
    shipped = await pool.solve(replace(job.solve, calibration_hash=""))
    assert isinstance(solved, Solved)
    assert isinstance(shipped, Solved)
    assert solved.proposal.input_hash != shipped.proposal.input_hash
