"""Builds the worker from its settings and runs it: the only place that reads them for it."""

import asyncio
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from trimtab.activities.day import DayActivities, PageActivities
from trimtab.activities.edge import Edge
from trimtab.activities.filter import FrozenInputs
from trimtab.activities.healing import HealActivities
from trimtab.activities.inputs import Inputs
from trimtab.activities.solver import SolverPool
from trimtab.activities.stages import AnalysisActivities, OrderActivities, StageActivities, bound
from trimtab.build import build_id
from trimtab.contracts import ANALYSIS_QUEUE, DAY_QUEUE
from trimtab.db.engine import RELAY_ROLE, async_engine, refuse_privileged, sync_engine
from trimtab.db.threads import in_thread
from trimtab.domain.errors import TrimtabError
from trimtab.feeds.sources import SourceBook, load_sources
from trimtab.logs import configure_logs
from trimtab.relay.monitor import BEAT_SECONDS, beat_in
from trimtab.relay.outlets import Mail, Outlet, Webhook
from trimtab.relay.service import Relay, firms, pause
from trimtab.settings import Settings, load_settings
from trimtab.temporal_client import connect
from trimtab.workflows.account_lifecycle import AccountLifecycle
from trimtab.workflows.daily_run import DailyRun

log = structlog.get_logger(__name__)

THREADS: Final = 8
"""Transactions at once; each holds one connection of the pool."""
ACTIVITIES_AT_ONCE: Final = 32
CACHED_WORKFLOWS: Final = 10_000
"""Above the number of parked lifecycles: a workflow that falls out of the cache is replayed at its next signal."""
_DRAIN: Final = timedelta(seconds=10)


class WorkerMisconfigured(TrimtabError):
    """The settings name no database or no Temporal server."""

    code = "WORKER_MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker process is made of."""

    database_url: str
    relay_url: str
    temporal_address: str
    temporal_namespace: str
    payload_key: str | None
    drop_folder: Path
    broker: str
    solver_processes: int
    build: str
    allow_plain_payloads: bool = False
    statement_seconds: float = 30.0
    sources: SourceBook = field(default_factory=SourceBook)
    outlets: tuple[Outlet, ...] = ()


def config_of(settings: Settings) -> WorkerConfig:
    """Raises WorkerMisconfigured."""
    if settings.database_url is None or settings.temporal_address is None:
        raise WorkerMisconfigured("set DATABASE_URL and TEMPORAL_ADDRESS: the worker starts no servers of its own")
    database_url = settings.database_url.get_secret_value()
    relay_url = settings.relay_database_url.get_secret_value() if settings.relay_database_url else database_url
    return WorkerConfig(
        database_url=database_url,
        relay_url=relay_url,
        temporal_address=settings.temporal_address,
        temporal_namespace=settings.temporal_namespace,
        payload_key=settings.payload_key.get_secret_value() if settings.payload_key else None,
        drop_folder=settings.drop_folder,
        broker=settings.broker,
        solver_processes=settings.processes.solver,
        build=build_id(),
        allow_plain_payloads=settings.allow_plain_payloads,
        statement_seconds=settings.statement_seconds,
        sources=load_sources(settings.sources),
        outlets=outlets_of(settings),
    )


def outlets_of(settings: Settings) -> tuple[Outlet, ...]:
    """The ways that alerts take out of the house."""
    found: list[Outlet] = [
        Webhook(f"webhook-{number}", hook.url, hook.secret.get_secret_value().encode(), hook.least)
        for number, hook in enumerate(settings.alert_webhooks, start=1)
    ]
    mail = settings.alert_mail
    if mail is not None:
        password = None if mail.password is None else mail.password.get_secret_value()
        found.append(
            Mail(
                host=mail.host,
                port=mail.port,
                sender=mail.sender,
                recipients=mail.recipients,
                security=mail.security,
                username=mail.username,
                password=password,
                least=mail.least,
            )
        )
    return tuple(found)


def make_workers(
    client: Client, engine: Engine, solver: SolverPool, threads: ThreadPoolExecutor, config: WorkerConfig
) -> list[Worker]:
    """One Temporal worker for each queue."""
    edge = Edge(engine, threads, config.build)
    inputs, frozen = Inputs(), FrozenInputs()
    analysis = AnalysisActivities(edge, inputs, solver)
    days = DayActivities(edge, engine, config.drop_folder, config.sources)
    pages = PageActivities(edge, inputs, frozen, analysis)
    of_day = bound(
        StageActivities(edge, inputs, frozen),
        OrderActivities(edge, config.broker),
        days,
        pages,
        HealActivities(edge, inputs, days, pages),
    )
    day = Worker(
        client,
        task_queue=DAY_QUEUE,
        workflows=[DailyRun, AccountLifecycle],
        activities=of_day,
        # The sandbox imports the workflows anew for each run and took a third of this process's time. The tests run
        # every story and replay every history inside of it instead.
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_activities=ACTIVITIES_AT_ONCE,
        graceful_shutdown_timeout=_DRAIN,
    )
    # One more than there are solvers, so that one's transactions fill another's pause.
    solving = Worker(
        client,
        task_queue=ANALYSIS_QUEUE,
        activities=bound(analysis),
        max_concurrent_activities=solver.processes + 1,
        graceful_shutdown_timeout=_DRAIN,
    )
    return [day, solving]


async def serve(config: WorkerConfig, stop: asyncio.Event, ready_file: Path | None = None) -> None:
    """Run until `stop` is set. Raises PayloadKeyMissing, PrivilegedRole and what the connections raise."""
    engine = sync_engine(
        config.database_url,
        pool_size=THREADS,
        max_overflow=4,
        statement_seconds=config.statement_seconds,
        application_name="trimtab-worker",
    )
    relay_engine = async_engine(config.relay_url, role=RELAY_ROLE, pool_size=2, application_name="trimtab-relay")
    with engine.connect() as connection:
        refuse_privileged(connection)
    client = await connect(
        config.temporal_address,
        config.temporal_namespace,
        config.payload_key,
        allow_plain=config.allow_plain_payloads,
        identity=process_id(),
    )
    solver = SolverPool(config.database_url, config.solver_processes)
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="transaction")
    try:
        await solver.warm()
        async with AsyncExitStack() as stack:
            for worker in make_workers(client, engine, solver, threads, config):
                await stack.enter_async_context(worker)
            relay = Relay(config.relay_url, relay_engine, engine, client, config.outlets)
            duties = [
                asyncio.create_task(relay.run(stop)),
                asyncio.create_task(_beat(engine, relay_engine, config.build, stop)),
            ]
            if ready_file is not None:
                await asyncio.to_thread(ready_file.touch)
            log.info("worker runs", build=config.build, solvers=config.solver_processes)
            await stop.wait()
            await asyncio.gather(*duties)
    finally:
        solver.close()
        threads.shutdown(wait=False)
        engine.dispose()
        await relay_engine.dispose()


async def _beat(engine: Engine, relay_engine: AsyncEngine, build: str, stop: asyncio.Event) -> None:
    """A sign of life in every firm, as long as the loop turns."""
    while not stop.is_set():
        try:
            await in_thread(beat_in, engine, await firms(relay_engine), process_id(), "worker", build)
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            log.warning("no sign of life stored", error=type(error).__name__)
        await pause(stop, BEAT_SECONDS)


def process_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


async def _serve_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(config_of(settings), stop, settings.ready_file)


def run() -> None:
    """Read the settings, run, and end the process whatever happens: temporalio may abort at an ordinary exit."""
    code = 1
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        # It would tell each failed attempt again, with its traceback: the activities' edge has told it already.
        logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
        asyncio.run(_serve_until_signalled(settings))
        code = 0
    except TrimtabError as error:
        print(f"trimtab worker: {error}", file=sys.stderr)  # noqa: T201 - the process's last word
    except Exception:
        log.exception("worker failed")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
