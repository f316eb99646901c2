"""Fetching what sources hold ready on their servers: tried again by itself, told of when it keeps failing (H1, H3)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection

from trimtab.activities.deliveries import awaited
from trimtab.activities.delivery_watch import TRANSFER_FAILED
from trimtab.contracts import RunRef
from trimtab.db.alerts import raise_alert
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.expectations import due_for_a_try, locked_expectations, set_expectation
from trimtab.domain.errors import TrimtabError
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import KINDS, FeedKind
from trimtab.feeds.sftp import HostKeyChanged, TransferFailed, fetch
from trimtab.feeds.sources import FirmSources, Source

log = structlog.get_logger(__name__)

TOLD_AFTER: Final = 3
"""Failures in a row before somebody is told; another host key is told of at once."""
LOOK_AGAIN: Final = timedelta(seconds=30)
_LONGEST_REST: Final = timedelta(minutes=2)

Value = TypeVar("Value")
Transact = Callable[[str, Callable[[Connection], Any]], Awaitable[Any]]


def rest_after(tries: int) -> timedelta:
    """How long to wait after the `tries`-th failure in a row (from 1): 1 s, doubled, at most two minutes."""
    return min(timedelta(seconds=2 ** (min(tries, 10) - 1)), _LONGEST_REST)


async def fetch_deliveries(transact: Transact, ref: RunRef, drop: Path, sources: FirmSources) -> None:
    """Visit each server of which something is awaited and whose time has come. Failures are outcomes, not errors."""
    wanted = sources.fetched
    if not wanted:
        return
    due = await transact(ref.firm_id, lambda c: _due(c, ref))
    visits = [(kind, source) for kind, source in wanted if due.intersection(_kinds(kind, source))]
    await asyncio.gather(*(_visit(transact, ref, drop, kind, source) for kind, source in visits))


def _kinds(kind: FeedKind, source: Source) -> list[FeedKind]:
    """The kinds that a visit for one of them brings."""
    return list(source.kinds) if source.is_shared else [kind]


def _due(connection: Connection, ref: RunRef) -> set[FeedKind]:
    rows, now = locked_expectations(connection, ref.business_date), datetime.now(UTC)
    further = [kind for kind in rows if kind not in KINDS]
    not_there = [kind for kind in further if loaded_delivery(connection, kind, ref.business_date) is None]
    waiting = (*awaited(connection, ref.business_date), *not_there)
    return {FeedKind(kind) for kind in waiting if due_for_a_try(rows.get(kind), now)}


async def _visit(transact: Transact, ref: RunRef, drop: Path, kind: FeedKind, source: Source) -> None:
    error: TrimtabError | None = None
    complete = False
    try:
        complete = (await fetch(drop, ref.firm_id, kind, ref.business_date, source)).complete
    except (TransferFailed, FeedRefused) as failure:
        error = failure
        log.warning("transfer failed", source=source.name, kind=str(kind), code=failure.code)
    await transact(ref.firm_id, lambda c: _note(c, ref, _kinds(kind, source), source, error, is_complete=complete))


def _note(
    connection: Connection,
    ref: RunRef,
    kinds: list[FeedKind],
    source: Source,
    error: TrimtabError | None,
    *,
    is_complete: bool,
) -> None:
    rows = locked_expectations(connection, ref.business_date)
    now = datetime.now(UTC)
    for kind in kinds:
        row = rows.get(kind)
        if row is None:
            continue
        if error is None:
            # Nothing there yet is no failure: it is looked for again in a while.
            tries = row.tries + (1 if is_complete else 0)
            set_expectation(connection, ref.business_date, kind, tries=tries, next_try_at=now + LOOK_AGAIN)
            continue
        tries = row.tries + 1
        set_expectation(
            connection,
            ref.business_date,
            kind,
            tries=tries,
            last_error=f"{error.code}: {error}",
            next_try_at=now + rest_after(tries),
            resolved_at=None,
        )
        if tries >= TOLD_AFTER or isinstance(error, HostKeyChanged):
            _tell(connection, ref, kind, source, error, tries)


def _tell(connection: Connection, ref: RunRef, kind: FeedKind, source: Source, error: TrimtabError, tries: int) -> None:
    is_other_host = isinstance(error, HostKeyChanged)
    raise_alert(
        connection,
        ref.firm_id,
        cause=error.code if is_other_host else TRANSFER_FAILED,
        scope=f"feed/{kind}",
        business_date=ref.business_date,
        message=f"fetching the {kind} file from {source.name} has failed {tries} times and is tried again: {error}",
        severity="SECURITY" if is_other_host else "WARNING",
    )
