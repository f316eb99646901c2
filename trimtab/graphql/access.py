"""Root fields, each with the rows of the authorization matrix that it goes through. There is no other way to make one.

The guard refuses whoever has nothing in those rows, before the resolver runs. Which accounts somebody reaches, and
rules about persons, are the resolver's: they stand in SQL and in the deciding transaction.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension

from trimtab.auth.matrix import Cell, Operation
from trimtab.graphql.answers import Forbidden
from trimtab.graphql.context import Info
from trimtab.graphql.errors import NotAllowed

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


class Guard(FieldExtension):
    """Lets a principal through who has some right in one of the operations."""

    def __init__(self, *operations: Operation) -> None:
        self.operations = operations

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        admit(info, self.operations)
        return await next_(source, info, **kwargs)


class MutationGuard(Guard):
    """Answers with the union's Forbidden, like every other outcome that a client has to expect."""

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        try:
            admit(info, self.operations)
        except NotAllowed as refusal:
            return Forbidden(code=refusal.reason, message="Your roles do not allow this.")
        return await next_(source, info, **kwargs)


class StreamGuard(FieldExtension):
    """The guard of a subscription, whose resolver is an asynchronous generator: refuses before the stream begins."""

    def __init__(self, operation: Operation) -> None:
        self.operations = (operation,)

    def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        admit(info, self.operations)
        info.context.book(self.operations[0])
        return next_(source, info, **kwargs)


def admit(info: Info, operations: tuple[Operation, ...]) -> None:
    """Raises NotAllowed for a principal whose roles have nothing in the operations' rows, or whose token is over."""
    context = info.context
    principal = context.who
    if context.services.now() >= principal.expires_at or not principal.active:
        raise NotAllowed("EXPIRED" if principal.active else "DISABLED")
    table = context.services.table
    cells = (table.cell(operation, role) for operation in operations for role in principal.roles)
    if all(cell is Cell.DENIED for cell in cells):
        raise NotAllowed("NOT_PERMITTED")


def guarded(*operations: Operation, description: str) -> Any:  # Any: strawberry's overloads cannot be re-stated
    """A field that goes through the operations' rows."""
    return strawberry.field(extensions=[Guard(*operations)], description=description)


def guarded_mutation(*operations: Operation, description: str) -> Any:
    """A mutation that goes through the operations' rows; its name is the resolver's."""
    return strawberry.mutation(extensions=[MutationGuard(*operations)], description=description)
