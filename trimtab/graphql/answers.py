"""What every mutation may answer besides its success, and how an answer is given only once."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import DenialReason, Denied
from trimtab.db.idempotency import KeyReused, earlier_answer, keep_answer
from trimtab.domain.records import content_hash, plain
from trimtab.graphql.context import Info, RequestContext

LONGEST_KEY: Final = 100
LONGEST_REASON: Final = 2_000


@strawberry.interface(description="Why nothing was done: `code` is stable, the message says what to do.")
class UserError:
    code: str
    message: str


@strawberry.type(description="There is no such thing that you may see.")
class NotFound(UserError):
    pass


@strawberry.type(description="Your roles do not allow it; `code` is the policy's word.")
class Forbidden(UserError):
    pass


@strawberry.type(description="An input that cannot be taken.")
class InvalidInput(UserError):
    field: str


@strawberry.type(description="The idempotency key was used for another request.")
class IdempotencyKeyReused(UserError):
    pass


_WORDS: Final[Mapping[DenialReason, str]] = {
    DenialReason.OTHER_BOOK: "The account is not in your book.",
    DenialReason.NEVER_ON_BEHALF: "Nobody does this on behalf of another person.",
    DenialReason.SELF_APPROVAL: "Whoever proposed the trades cannot approve them.",
    DenialReason.SAME_APPROVER: "You have approved already; another person has to be the second.",
    DenialReason.STAGE_NOT_PERMITTED: "Data managers retry ingest and validate only.",
    DenialReason.SECOND_APPROVER_NEEDED: "Another person has to approve first.",
}


def not_found(what: str) -> NotFound:
    return NotFound(code="NOT_FOUND", message=f"There is no such {what}.")


def forbidden(answer: Denied) -> Forbidden:
    message = _WORDS.get(answer.reason, "Your roles do not allow this.")
    return Forbidden(code=answer.reason.value, message=message)


Answer = TypeVar("Answer")
_KEPT: dict[str, type[Any]] = {}


def kept(answer: type[Answer]) -> type[Answer]:
    """Class decorator: an answer that is kept under the request's idempotency key, so that a repetition gives it again.

    Answers that changed nothing (NotFound, Forbidden) are not kept. Its fields are plain values.
    """
    _KEPT[answer.__name__] = answer
    return answer


async def once(
    info: Info,
    mutation: str,
    key: str,
    request: Mapping[str, object],
    work: Callable[[Connection], Any],
    reason: str | None = None,
) -> Any:
    """The answer of `work`, done in one transaction at most once per person and key.

    The same key with another request is refused. `request` is everything that the person asked for; `reason`, when
    the mutation takes one, must not be blank.
    """
    problem = _problem(key, reason)
    if problem is not None:
        return problem
    context = info.context
    digest = content_hash({"mutation": mutation, "request": plain(request)})
    try:
        return await context.write(lambda one: _at_most_once(one, context, f"{_asker(context)}:{key}", digest, work))
    except KeyReused as error:
        return IdempotencyKeyReused(code=error.code, message=str(error))


def _problem(key: str, reason: str | None) -> InvalidInput | None:
    if not 8 <= len(key) <= LONGEST_KEY or not key.isprintable():
        message = f"The idempotency key is 8 to {LONGEST_KEY} characters, one key per act."
        return InvalidInput(code="INVALID_KEY", message=message, field="idempotencyKey")
    if reason is not None and not (reason.strip() and len(reason) <= LONGEST_REASON and "\x00" not in reason):
        message = f"Give a reason of at most {LONGEST_REASON} characters."
        return InvalidInput(code="REASON_NEEDED", message=message, field="reason")
    return None


def _at_most_once(
    connection: Connection, context: RequestContext, key: str, digest: str, work: Callable[[Connection], Any]
) -> Any:
    stored = earlier_answer(connection, context.firm_id, key, digest)
    if stored is not None:
        return _KEPT[stored["type"]](**stored["values"])
    answer = work(connection)
    name = type(answer).__name__
    if name in _KEPT:
        values = {one.name: getattr(answer, one.name) for one in fields(answer) if one.init}
        keep_answer(connection, context.firm_id, key, digest, {"type": name, "values": plain(values)})
    return answer


def _asker(context: RequestContext) -> str:
    """Who uses the key: keys of different persons, and of an administrator acting for one, never meet."""
    who = context.who
    return "+".join(sorted(who.persons)) or f"client:{who.client_id}"


def derived_id(info: Info, mutation: str, key: str) -> str:
    """The id of the row that the mutation writes: the same for a repetition, another one for any other act."""
    return content_hash([info.context.firm_id, _asker(info.context), mutation, key])[:32]
