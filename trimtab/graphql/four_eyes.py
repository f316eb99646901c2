"""What every change that two persons make has in common: one proposes it, another decides it, each act once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.errors import TrimtabError
from trimtab.graphql.answers import Forbidden, InvalidInput, derived_id, forbidden, not_found, once
from trimtab.graphql.context import Info, RequestContext

# --- proposing -------------------------------------------------------------------------------------------------------


class Proposing(Protocol):
    """The input of a mutation that proposes; each has more than this."""

    effective_from: date
    reason: str
    idempotency_key: str


Given = TypeVar("Given", bound=Proposing)
Propose = Callable[[Connection, RequestContext, Given, str], Any]
"""Judges what is given, keeps it as a change under the id, and answers."""


async def propose_once(info: Info, mutation: str, operation: Operation, given: Given, propose: Propose[Given]) -> Any:
    """The answer of `propose`; Forbidden to who may not propose."""
    context = info.context
    allowed = context.decide(operation, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    change_id = derived_id(info, mutation, given.idempotency_key)
    asked = {name: each for name, each in vars(given).items() if name != "idempotency_key"}

    def work(connection: Connection) -> Any:
        return propose(connection, context, given, change_id)

    return await once(info, mutation, given.idempotency_key, asked, work, given.reason)


def too_early(today: date | None, given: Proposing, what: str, stays: str) -> InvalidInput | None:
    """Why the change would hold before the business date; None when it would not. `stays`: what was done by then."""
    if today is None or given.effective_from >= today:
        return None
    message = f"{what} cannot hold before the business date {today.isoformat()}: {stays}."
    return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")


# --- deciding --------------------------------------------------------------------------------------------------------


@strawberry.input
class ChangeDecision:
    """The input of every mutation that decides a change."""

    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@strawberry.type
class ChangeDecided:
    """The success of every such mutation."""

    change_id: str
    status: str


class Proposal(Protocol):
    """A change that waits for a second person, or has been decided by one."""

    @property
    def proposed_by(self) -> Iterable[str]: ...

    @property
    def status(self) -> StrEnum: ...

    @property
    def decided_by(self) -> str | None: ...


Change = TypeVar("Change", bound=Proposal)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a second person has made of a change."""

    approve: bool
    decided_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deciding(Generic[Change]):
    """How changes of one kind are decided."""

    find: Callable[[Connection, str], tuple[Change, int] | None]  # the change as it stands, and its version
    operations: Callable[[Connection, Change], Iterable[Operation]]  # whoever decides must be allowed all of them
    settle: Callable[[Connection, str, Change, int, Decision], StrEnum]
    """Keeps the decision for the firm, and what was proposed with an approval; raises one of `refusals` instead."""
    refusals: tuple[type[TrimtabError], ...] = (StaleVersion,)
    open: frozenset[str] = frozenset({"PROPOSED"})  # statuses that wait for a decision


async def decide_once(
    info: Info,
    mutation: str,
    given: ChangeDecision,
    deciding: Deciding[Change],
    answer: type[ChangeDecided],
    more: Mapping[str, object] | None = None,
) -> Any:
    """The `answer`, or why the caller cannot decide this, now, or so. `more`: what was asked for besides."""
    context = info.context
    decision = Decision(given.approve, context.who.name_in_records, given.reason)

    def work(connection: Connection) -> Any:
        found = deciding.find(connection, given.change_id)
        if found is None:
            return not_found("change")
        change, seq = found
        operations = deciding.operations(connection, change)
        refused = undecidable(context, change, operations, field="changeId", open=deciding.open)
        if refused is not None:
            return refused
        try:
            status = deciding.settle(connection, context.firm_id, change, seq, decision)
        except deciding.refusals as wrong:
            return InvalidInput(code=wrong.code, message=str(wrong), field="changeId")
        return answer(change_id=given.change_id, status=status.value)

    asked = {"change": given.change_id, "approve": given.approve, "reason": given.reason, **(more or {})}
    return await once(info, mutation, given.idempotency_key, asked, work, given.reason)


def undecidable(
    context: RequestContext,
    proposal: Proposal,
    operations: Iterable[Operation],
    *,
    field: str,
    open: frozenset[str] = frozenset({"PROPOSED"}),
) -> Forbidden | InvalidInput | None:
    """Why the caller cannot decide the proposal, which takes all `operations`; None when they can."""
    subject = Subject(context.firm_id, proposed_by=frozenset(proposal.proposed_by))
    for operation in operations:
        allowed = context.decide(operation, subject, Act.VERIFY)
        if isinstance(allowed, Denied):
            return forbidden(allowed)
    if proposal.status not in open:
        message = f"It was {proposal.status.lower()} by {proposal.decided_by}."
        return InvalidInput(code="ALREADY_DECIDED", message=message, field=field)
    return None
