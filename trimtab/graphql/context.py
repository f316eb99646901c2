"""What a request carries: who asks, what they may reach, and one transaction for all that they read."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol, TypeVar

import strawberry
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import await_only
from strawberry.fastapi import BaseContext

from trimtab.auth.decisions import Allowed, Denied, OwnBook, WholeFirm
from trimtab.auth.matrix import Act, Operation, Role
from trimtab.auth.policy import decide, reach
from trimtab.auth.policy_table import MATRIX, PolicyTable
from trimtab.auth.principal import Principal, Subject
from trimtab.db.engine import async_firm_transaction
from trimtab.graphql.errors import NotAllowed
from trimtab.graphql.loaders import Loaders

Value = TypeVar("Value")


class Verifier(Protocol):
    """Turns an access token into a principal, or raises TokenRefused or IssuerUnavailable."""

    async def principal(self, token: str) -> Principal: ...


class EventFeed(Protocol):
    """Wakes subscribers when their firm has new events."""

    async def wait(self, firm_id: str, after: int) -> None:
        """Returns once an event after `after` was announced, or it is time to look."""


@dataclass(frozen=True, slots=True)
class Services:
    """What resolvers need of the outside. `now` is the wall clock: tokens expire by it, and nothing else does."""

    engine: AsyncEngine
    verifier: Verifier
    feed: EventFeed
    now: Callable[[], datetime]
    table: PolicyTable = MATRIX


def let_others_go_on() -> None:
    """Called from work that runs in a transaction (`run_sync`) and computes for long: other requests have a turn."""
    await_only(asyncio.sleep(0))


class ReadingOver(Exception):
    """Ends a read transaction by rolling it back."""


class Reader:
    """One transaction of one firm for all reads of an operation: resolvers that run side by side take turns.

    One connection per request, whatever the document asks for, so that the pool bounds the number of requests.
    """

    def __init__(self, engine: AsyncEngine, firm_id: str) -> None:
        self._engine = engine
        self._firm_id = firm_id
        self._turn = asyncio.Lock()
        self._open = AsyncExitStack()
        self._connection: AsyncConnection | None = None

    async def run(self, work: Callable[[Connection], Value]) -> Value:
        """The work's value, read in the operation's transaction."""
        async with self._turn:
            if self._connection is None:
                self._connection = await self._open.enter_async_context(
                    async_firm_transaction(self._engine, self._firm_id)
                )
            return await self._connection.run_sync(work)

    async def close(self) -> None:
        """Ends the transaction; a later read opens another one."""
        async with self._turn:
            if self._connection is None:
                return
            self._connection = None
            # Rolled back: there is nothing to keep, and after a cancelled statement nothing could be committed.
            await self._open.__aexit__(ReadingOver, ReadingOver(), None)


class RequestContext(BaseContext):
    """The context of one request, or of one websocket with all of its subscriptions."""

    def __init__(self, services: Services, principal: Principal | None) -> None:
        super().__init__()
        self.services = services
        self.principal = principal
        self.token = ""  # of a websocket, to be verified again while it lasts
        self.limit: asyncio.Timeout | None = None  # of the request

    @property
    def firm_id(self) -> str:
        return self.who.firm_id

    @property
    def who(self) -> Principal:
        """The principal. Raises NotAllowed for an anonymous request."""
        if self.principal is None:
            raise NotAllowed("UNAUTHENTICATED")
        return self.principal

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.services.engine, self.firm_id)

    @cached_property
    def loaders(self) -> Loaders:
        return Loaders(self.reader)

    def allow_seconds(self, seconds: float) -> None:
        """More time for an operation over the whole book; never less than the request has already."""
        deadline = self.limit.when() if self.limit is not None else None
        if self.limit is not None and deadline is not None:
            self.limit.reschedule(max(deadline, asyncio.get_running_loop().time() + seconds))

    async def close(self) -> None:
        if "reader" in self.__dict__:
            await self.reader.close()

    async def write(self, work: Callable[[Connection], Value]) -> Value:
        """One transaction that changes something. What was read before is let go first: one connection is enough."""
        await self.close()
        self.__dict__.pop("loaders", None)
        async with async_firm_transaction(self.services.engine, self.firm_id) as connection:
            return await connection.run_sync(work)

    def book(self, operation: Operation) -> str | None:
        """How far reading may reach: the advisor whose accounts alone count, None for the whole firm.

        Raises NotAllowed.
        """
        extent = self._extent(operation)
        if isinstance(extent, Denied):
            raise NotAllowed(extent.reason.value)
        return extent.advisor_id if isinstance(extent, OwnBook) else None

    def counts_book(self) -> str | None:
        """How far counts may reach: as reading accounts does; the whole firm for whoever retries steps (row 45).

        Counts name no client. Raises NotAllowed.
        """
        extent = self._extent(Operation.READ_ACCOUNT)
        if isinstance(extent, Denied):
            return self.book(Operation.RETRY_STEP)
        return extent.advisor_id if isinstance(extent, OwnBook) else None

    def reads_accounts(self) -> bool:
        """Whether any account may be read (row 2)."""
        return not isinstance(self._extent(Operation.READ_ACCOUNT), Denied)

    def may_reach(self, operation: Operation, advisor_id: str) -> bool:
        """Whether reading in the operation's row reaches this advisor's accounts."""
        extent = self._extent(operation)
        return isinstance(extent, WholeFirm) or (isinstance(extent, OwnBook) and extent.advisor_id == advisor_id)

    def decide(self, operation: Operation, subject: Subject, act: Act | None = None) -> Allowed | Denied:
        """The policy's answer about one subject."""
        services = self.services
        return decide(self.principal, operation, subject, now=services.now(), act=act, table=services.table)

    def own_role(self, operation: Operation) -> Role:
        """One of the principal's roles to which an item of the operation's row may be addressed. Raises NotAllowed."""
        for role in sorted(self.who.roles, key=lambda role: role.value):
            if isinstance(self.decide(operation, Subject(self.firm_id, addressed_to=role)), Allowed):
                return role
        raise NotAllowed("NOT_PERMITTED")

    def _extent(self, operation: Operation) -> WholeFirm | OwnBook | Denied:
        services = self.services
        return reach(self.principal, operation, now=services.now(), act=Act.READ, table=services.table)


Info = strawberry.Info[RequestContext, None]
