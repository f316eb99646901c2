"""What every decision on another person's proposal asks first: a second person, who may, of what still waits."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.graphql.answers import Forbidden, InvalidInput, forbidden
from trimtab.graphql.context import RequestContext


class Proposal(Protocol):
    """A change that waits for a second person, or has been decided by one."""

    @property
    def proposed_by(self) -> Iterable[str]: ...

    @property
    def status(self) -> StrEnum: ...

    @property
    def decided_by(self) -> str | None: ...


def undecidable(
    context: RequestContext, proposal: Proposal, operations: Iterable[Operation], *, field: str
) -> Forbidden | InvalidInput | None:
    """Why the caller cannot decide the proposal, which takes all `operations`; None when they can."""
    subject = Subject(context.firm_id, proposed_by=frozenset(proposal.proposed_by))
    for operation in operations:
        allowed = context.decide(operation, subject, Act.VERIFY)
        if isinstance(allowed, Denied):
            return forbidden(allowed)
    if proposal.status != "PROPOSED":
        message = f"It was {proposal.status.lower()} by {proposal.decided_by}."
        return InvalidInput(code="ALREADY_DECIDED", message=message, field=field)
    return None
