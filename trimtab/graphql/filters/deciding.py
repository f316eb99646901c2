"""What every decision on a proposed filter, lane policy or ancillary field does: by a second person, once, in time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.filter_versions import FilterChange, FilterChangeStatus, decide_filter, filter_change
from trimtab.db.settings_versions import StaleVersion
from trimtab.graphql.answers import Forbidden, InvalidInput, NotFound, not_found
from trimtab.graphql.context import RequestContext
from trimtab.graphql.four_eyes import undecidable


@dataclass(frozen=True, slots=True)
class Decision:
    entity: str  # what the change must be of
    change_id: str
    approve: bool
    reason: str


Problem = Callable[[Connection, FilterChange], str | None]
"""Why a change cannot be approved any more; None when it can."""


def decided(
    connection: Connection, context: RequestContext, wanted: Decision, problem: Problem
) -> FilterChangeStatus | NotFound | Forbidden | InvalidInput:
    """Keep the decision, and with an approval the version that was proposed."""
    found = filter_change(connection, wanted.change_id)
    if found is None or found[0].entity != wanted.entity:
        return not_found("change")
    change, seq = found
    refused = undecidable(context, change, [Operation.SET_AUTOMATED_TRADING_FILTER], field="changeId")
    if refused is not None:
        return refused
    today = business_date(connection)
    if wanted.approve and today is not None and change.effective_from < today:
        message = f"It was to hold from {change.effective_from.isoformat()} on, which is over: propose it again."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="changeId")
    wrong = problem(connection, change) if wanted.approve else None
    if wrong is not None:
        return InvalidInput(code="NO_LONGER_APPLIES", message=wrong, field="changeId")
    status = FilterChangeStatus.APPROVED if wanted.approve else FilterChangeStatus.REJECTED
    answer = replace(change, status=status, decided_by=context.who.name_in_records, decision_reason=wanted.reason)
    try:
        decide_filter(connection, context.firm_id, answer, seq)
    except StaleVersion as wrong_version:
        return InvalidInput(code=wrong_version.code, message=str(wrong_version), field="changeId")
    return status
