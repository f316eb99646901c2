"""Solving in processes of their own, so that a solver's crash, leak or hang is never the worker's.

A child loads what the hashes name, keeps the run's market arrays for all its accounts, and returns values. Its
faults come back as values too: an exception that cannot be unpickled would break the whole pool.

Accounts that wait while every child is busy go to the next free one together: side by side they cost a fraction. A
batch that dies or hangs is solved again one account at a time, so that only the guilty one fails.
"""

import asyncio
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import structlog

from trimtab.db.content import get_content
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.account_measures import snapshot_facts
from trimtab.domain.calibration import SHIPPED, Calibration
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot
from trimtab.logs import configure_logs

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from trimtab.domain.optimizer.market_arrays import MarketArrays

log = structlog.get_logger(__name__)

_THREAD_VARIABLES: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)
ONE_THREAD: Final = dict.fromkeys(_THREAD_VARIABLES, "1")
"""As many children as cores, each on one thread: threads inside would fight for the same cores."""

LONGEST_SOLVE: Final = 120.0
"""Seconds after which a child counts as hung and is killed."""

MOST_TOGETHER: Final = 64
"""Accounts that one child solves side by side."""


@dataclass(frozen=True, slots=True)
class SolveJob:
    """One account's analysis by content hashes."""

    firm_id: str
    snapshot_hash: str
    market_hash: str
    model_hashes: Mapping[str, str]  # model id to content hash
    calibration_hash: str = ""  # none: the shipped one


@dataclass(frozen=True, slots=True)
class Solved:
    """A checked proposal with its hashes, and what filters see of it. `seconds` is its share of the child's time."""

    proposal: RebalanceProposal
    proposal_hash: str
    target_hash: str
    facts: AccountFacts
    seconds: float


@dataclass(frozen=True, slots=True)
class SolveFault:
    """Why a child could not solve: the class and code of its error, and a sentence without values."""

    error_class: ErrorClass
    code: str
    message: str


class SolverHung(Exception):
    """A child took longer than `LONGEST_SOLVE` and was killed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A job and who waits for it."""

    job: SolveJob
    answer: "asyncio.Future[Solved | SolveFault]"

    def succeed(self, answer: Solved | SolveFault) -> None:
        if not self.answer.done():  # else nobody waits any more
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class SolverPool:
    """Spawned children that stay warm. Every call must come from the event loop's thread."""

    def __init__(self, database_url: str, processes: int, longest_solve: float = LONGEST_SOLVE) -> None:
        self._database_url = database_url
        self.processes = processes
        self._longest = longest_solve
        self._pool = self._new_pool()
        self._waiting: list[_Waiting] = []
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def warm(self) -> None:
        """Start every child and let it import the solver."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(self._pool, _warm) for _ in range(self.processes)))

    async def solve(self, job: SolveJob) -> Solved | SolveFault:
        """Solve one account, beside others that wait. Raises BrokenProcessPool when its child died and SolverHung
        when it took too long; the pool is new afterwards."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop.create_future())
        self._waiting.append(waiting)
        loop.call_soon(self._send)  # after the others that are ready now
        return await waiting.answer

    def _send(self) -> None:
        """Give every free child its part of what waits."""
        while self._waiting and self._busy < self.processes:
            share = -(-len(self._waiting) // (self.processes - self._busy))
            several = self._waiting[: min(share, MOST_TOGETHER)]
            del self._waiting[: len(several)]
            self._busy += 1
            task = asyncio.get_running_loop().create_task(self._solve(several))
            self._tasks.add(task)
            task.add_done_callback(self._freed)

    def _freed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._busy -= 1
        self._send()

    async def _solve(self, several: "list[_Waiting]") -> None:
        try:
            answers = await self._in_child([each.job for each in several])
        except (RuntimeError, SolverHung) as error:
            if len(several) == 1:
                several[0].fail(error)
                return
            log.warning("accounts are solved again one by one", accounts=len(several), reason=type(error).__name__)
            for each in several:
                await self._solve([each])
            return
        for each, answer in zip(several, answers, strict=True):
            each.succeed(answer)

    async def _in_child(self, jobs: "list[SolveJob]") -> "list[Solved | SolveFault]":
        pool = self._pool
        try:
            async with asyncio.timeout(self._longest):
                return await asyncio.wrap_future(pool.submit(solve_several, jobs))
        except TimeoutError:
            self._replace(pool)
            raise SolverHung(f"no answer within {self._longest:.0f} seconds") from None
        except RuntimeError:  # BrokenProcessPool, and a pool that another call has just shut down
            self._replace(pool)
            raise

    def close(self) -> None:
        _kill(self._pool)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:  # else another of its calls has done it
            log.warning("solver processes are started anew")
            self._pool = self._new_pool()
        _kill(broken)

    def _new_pool(self) -> ProcessPoolExecutor:
        os.environ.update(ONE_THREAD)  # children inherit it, before they import anything
        return ProcessPoolExecutor(
            self.processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self._database_url,)
        )


def _kill(pool: ProcessPoolExecutor) -> None:
    for child in list((pool._processes or {}).values()):  # no public way ends a child that hangs
        child.kill()
    pool.shutdown(wait=False, cancel_futures=True)


# --- in the child -------------------------------------------------------------------------------------------------

_engine: "Engine | None" = None


def _begin(database_url: str) -> None:
    global _engine
    configure_logs(style="json")
    _engine = sync_engine(database_url, pool_size=1, max_overflow=0, application_name="trimtab-solver")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed worker must not leave its children behind: they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _warm() -> int:
    from trimtab.domain.optimizer import analysis

    time.sleep(0.05)  # so that one quick child does not take every warm-up call
    return id(analysis)


def solve_several(jobs: list[SolveJob]) -> list[Solved | SolveFault]:
    """Load, analyse and check accounts side by side, in the child; each has its own answer or fault."""
    started = time.perf_counter()
    loaded = [_loaded(job) for job in jobs]
    markets: dict[tuple[str, str], list[int]] = {}
    for place, (job, each) in enumerate(zip(jobs, loaded, strict=True)):
        if isinstance(each, _Loaded):
            markets.setdefault((job.firm_id, job.market_hash), []).append(place)
    answers: dict[int, RebalanceProposal | SolveFault] = {}
    for places in markets.values():
        several = [each for each in (loaded[place] for place in places) if isinstance(each, _Loaded)]
        answers.update(zip(places, _analyzed(several), strict=True))
    seconds = (time.perf_counter() - started) / max(len(jobs), 1)
    return [
        _solved(each, answers[place], seconds) if isinstance(each, _Loaded) else each
        for place, each in enumerate(loaded)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """One account's input, and what all accounts of its market share."""

    request: AnalysisInput
    target_hash: str
    arrays: "MarketArrays"


def _loaded(job: SolveJob) -> _Loaded | SolveFault:
    try:
        snapshot, target, target_hash = _account(job)
        market, arrays = _market(job.firm_id, job.market_hash)
        calibration = _calibration(job.firm_id, job.calibration_hash)
        return _Loaded(AnalysisInput(snapshot, target, market, calibration), target_hash, arrays)
    except Exception as error:  # noqa: BLE001 - logged; a value always crosses the process's border
        return _fault(error, job.firm_id)


def _analyzed(several: list[_Loaded]) -> list[RebalanceProposal | SolveFault]:
    """Side by side; one at a time when that fails altogether, so that only the guilty one does."""
    from trimtab.domain.optimizer.analysis import analyze_batch

    try:
        proposals = analyze_batch([each.request for each in several], several[0].arrays)
    except Exception as error:
        if len(several) == 1:
            return [_fault(error, str(several[0].request.snapshot.account.id))]
        log.exception("accounts are solved one by one", accounts=len(several))
        return [_analyzed([each])[0] for each in several]
    return [
        _fault(answer, str(each.request.snapshot.account.id)) if isinstance(answer, TrimtabError) else answer
        for each, answer in zip(several, proposals, strict=True)
    ]


def _solved(loaded: _Loaded, answer: RebalanceProposal | SolveFault, seconds: float) -> Solved | SolveFault:
    if isinstance(answer, SolveFault):
        return answer
    facts = snapshot_facts(loaded.request.snapshot, answer, loaded.request.market.prices)
    return Solved(answer, content_hash(answer), loaded.target_hash, facts, seconds)


def _fault(error: Exception, subject: str) -> SolveFault:
    from trimtab.activities.edge import described

    log.error("solve failed", subject=subject, exc_info=error)
    return SolveFault(*described(error))


def _account(job: SolveJob) -> tuple[AccountSnapshot, ModelPortfolio, str]:
    with _transaction(job.firm_id) as connection:
        snapshot = get_content(connection, job.snapshot_hash, AccountSnapshot)
    target_hash = job.model_hashes[str(snapshot.account.model_id)]
    return snapshot, _target(job.firm_id, target_hash), target_hash


@lru_cache(maxsize=32)
def _target(firm_id: str, digest: str) -> ModelPortfolio:
    with _transaction(firm_id) as connection:
        return get_content(connection, digest, ModelPortfolio)


@lru_cache(maxsize=4)
def _calibration(firm_id: str, digest: str) -> Calibration:
    if not digest:
        return SHIPPED
    with _transaction(firm_id) as connection:
        return get_content(connection, digest, Calibration)


@lru_cache(maxsize=2)
def _market(firm_id: str, digest: str) -> "tuple[MarketSnapshot, MarketArrays]":
    """The market that all accounts of a run share, and its arrays: built once in each child."""
    from trimtab.domain.optimizer.market_arrays import MarketArrays

    with _transaction(firm_id) as connection:
        market = get_content(connection, digest, MarketSnapshot)
    return market, MarketArrays.from_snapshot(market)


def _transaction(firm_id: str) -> AbstractContextManager["Connection"]:
    if _engine is None:
        raise RuntimeError("the solver's process was not begun")
    return firm_transaction(_engine, firm_id)
