"""Listens on PostgreSQL's channel once per process and wakes the subscribers of the firm that has news.

A notification only says "look": what is read are rows. A lost one costs a subscriber one slow poll.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
import structlog
from psycopg import sql

from trimtab.db.events import EVENTS_CHANNEL

POLL_SECONDS: Final = 2.0
"""After so long a subscriber looks by itself, in case that a notification was lost."""
_RETRY_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class PostgresFeed:
    """The feed of one process. `url` is for psycopg itself: listening needs a connection outside any pool."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._heads: dict[str, int] = {}  # the last event announced, by firm
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen_always(), name="event-feed")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def wait(self, firm_id: str, after: int) -> None:
        """Returns once an event of the firm after `after` was announced, at the latest after the poll's time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS), self._news:
                await self._news.wait_for(self._is_news(firm_id, after))

    def _is_news(self, firm_id: str, after: int) -> Callable[[], bool]:
        return lambda: self._heads.get(firm_id, 0) > after

    async def announce(self, payload: str) -> None:
        """Takes in one notification, "<firm>:<seq>"; what is not that is ignored, as anybody may notify."""
        firm_id, _, seq = payload.rpartition(":")
        if not firm_id or not seq.isdigit() or len(seq) > 18:
            log.warning("event_notification_ignored", length=len(payload))
            return
        async with self._news:
            self._heads[firm_id] = max(self._heads.get(firm_id, 0), int(seq))
            self._news.notify_all()

    async def _listen_always(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                log.warning("event_feed_lost", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="trimtab-events", connect_timeout=5
        )
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(EVENTS_CHANNEL)))
            async for notification in connection.notifies():
                await self.announce(notification.payload)
