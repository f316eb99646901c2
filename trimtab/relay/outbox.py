"""Delivering the outbox: each committed command to its workflow, in order, at least once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

import structlog
from pydantic import TypeAdapter
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from trimtab.contracts import DAY_QUEUE, AccountDayRef, Signal, WorkflowName
from trimtab.db.engine import async_relay_transaction
from trimtab.db.tables import outbox
from trimtab.domain.lifecycle import Stage

log = structlog.get_logger(__name__)

BATCH: Final = 200
AT_ONCE: Final = 16
"""Workflows spoken to side by side; within one workflow commands go one after the other."""
_REST_SECONDS: Final = 2.0
CALL_SECONDS: Final = 10.0
"""A call that takes longer counts as failed: its row is tried again."""

_REFS: TypeAdapter[AccountDayRef] = TypeAdapter(AccountDayRef)
_NOTES: TypeAdapter[Signal] = TypeAdapter(Signal)


class OutboxRelay:
    """Takes unsent rows, calls Temporal, and marks as sent what was delivered, in one transaction a batch.

    A crash in between sends again: starts are refused as already started, signals are answered once by id.
    """

    def __init__(self, engine: AsyncEngine, client: Client, call_seconds: float = CALL_SECONDS) -> None:
        self._engine = engine
        self._client = client
        self._call_seconds = call_seconds
        self._resting: dict[str, float] = {}  # workflow id to when it may be tried again, on the loop's clock

    async def deliver(self) -> int:
        """Deliver one batch; returns how many rows were taken."""
        async with async_relay_transaction(self._engine) as connection:
            rows = await self._take(connection)
            if rows:
                slots = asyncio.Semaphore(AT_ONCE)
                ordered = sorted(rows, key=lambda row: (row.workflow_id, row.outbox_id))
                groups = [list(group) for _, group in groupby(ordered, key=lambda row: row.workflow_id)]
                results = await asyncio.gather(*(self._deliver_in_order(slots, group) for group in groups))
                await _mark_sent(connection, [row for delivered, _ in results for row in delivered])
                for _, failure in results:
                    if failure is not None:
                        await _mark_failed(connection, *failure)
        return len(rows)

    async def _take(self, connection: AsyncConnection) -> Sequence[Row[Any]]:
        now = asyncio.get_running_loop().time()
        self._resting = {workflow: until for workflow, until in self._resting.items() if until > now}
        wanted = select(outbox).where(outbox.c.sent_at.is_(None))
        if self._resting:
            wanted = wanted.where(outbox.c.workflow_id.not_in(list(self._resting)))
        wanted = wanted.order_by(outbox.c.outbox_id).limit(BATCH).with_for_update(skip_locked=True)
        return (await connection.execute(wanted)).all()

    async def _deliver_in_order(
        self, slots: asyncio.Semaphore, rows: Sequence[Row[Any]]
    ) -> tuple[list[Row[Any]], tuple[Row[Any], str] | None]:
        """What was delivered of one workflow's commands, and the first that failed: those behind it wait."""
        delivered: list[Row[Any]] = []
        async with slots:
            for row in rows:
                try:
                    await self._send(row)
                except RPCError as error:
                    log.warning("command not delivered", workflow=row.workflow_id, status=error.status.name)
                    self._resting[row.workflow_id] = asyncio.get_running_loop().time() + _REST_SECONDS
                    return delivered, (row, error.status.name)
                delivered.append(row)
        return delivered, None

    async def _send(self, row: Row[Any]) -> None:
        """Raises RPCError. Already started, finished or unknown workflows count as delivered: the row is complete."""
        if row.kind == "start_lifecycle":
            await start_lifecycle(self._client, _REFS.validate_python(row.body))
            return
        try:
            handle = self._client.get_workflow_handle(row.workflow_id)
            note = _NOTES.validate_python(row.body)
            await handle.signal(row.signal, note, rpc_timeout=timedelta(seconds=self._call_seconds))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def start_lifecycle(client: Client, ref: AccountDayRef) -> bool:
    """Start the account-day's lifecycle; False when it runs or has completed already. Raises RPCError."""
    try:
        await client.start_workflow(
            WorkflowName.ACCOUNT_LIFECYCLE,
            ref,
            id=ref.workflow_id,
            task_queue=DAY_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            search_attributes=attributes(
                Firm=ref.firm_id,
                Account=ref.account_id,
                BusinessDate=ref.business_date.isoformat(),
                Stage=str(Stage.INGEST),
            ),
            static_summary=f"{ref.account_id} on {ref.business_date.isoformat()}",
            static_details=f"Account-day {ref.account_day_id}, attempt {ref.attempt}, of run {ref.run_id}.",
            rpc_timeout=timedelta(seconds=CALL_SECONDS),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


def attributes(**values: str) -> TypedSearchAttributes:
    """Search attributes: all keywords, with opaque ids only."""
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in values.items()]
    )


async def _mark_sent(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
    if rows:
        await connection.execute(
            update(outbox)
            .where(outbox.c.outbox_id.in_([row.outbox_id for row in rows]))
            .values(sent_at=func.clock_timestamp(), tries=outbox.c.tries + 1, last_error=None)
        )


async def _mark_failed(connection: AsyncConnection, row: Row[Any], status: str) -> None:
    await connection.execute(
        update(outbox).where(outbox.c.outbox_id == row.outbox_id).values(tries=outbox.c.tries + 1, last_error=status)
    )
