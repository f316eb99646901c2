"""Changes of firm filters, of the lane policy and of a firm's own fields: one kind, kept and decided alike."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.filter_versions import (
    FilterChange,
    FilterChangeStatus,
    decide_filter,
    filter_change,
    last_filter_seq,
    propose_filter,
)
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.errors import TrimtabError
from trimtab.graphql.context import RequestContext
from trimtab.graphql.four_eyes import Deciding, Decision, Proposing

Problem = Callable[[Connection, FilterChange], str | None]
"""Why a change cannot be approved any more; None when it can."""


class EffectiveInThePast(TrimtabError):
    """The day from which the change was to hold is over."""

    code = "EFFECTIVE_IN_THE_PAST"


class NoLongerApplies(TrimtabError):
    """Something that the change needs has gone since it was proposed."""

    code = "NO_LONGER_APPLIES"


def keep_proposal(
    connection: Connection,
    context: RequestContext,
    change_id: str,
    given: Proposing,
    entity: str,
    name: str,
    value: Mapping[str, Any] | None,
    shadow: Mapping[str, Any] | None = None,
) -> None:
    """Keep what the caller proposes to hold of `entity` under `name`, until somebody else decides on it."""
    change = FilterChange(
        change_id=change_id,
        name=name,
        effective_from=given.effective_from,
        value=value,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        supersedes=last_filter_seq(connection, entity, name),
        entity=entity,
        shadow=shadow,
    )
    propose_filter(connection, context.firm_id, change)


def deciding(entity: str, problem: Problem) -> Deciding[FilterChange]:
    """How changes of the entity are decided: in time, and as long as nothing speaks against them."""

    def find(connection: Connection, change_id: str) -> tuple[FilterChange, int] | None:
        found = filter_change(connection, change_id)
        return found if found is not None and found[0].entity == entity else None

    def settle(
        connection: Connection, firm_id: str, change: FilterChange, seq: int, decision: Decision
    ) -> FilterChangeStatus:
        if decision.approve:
            require_applicable(connection, change, problem)
        status = FilterChangeStatus.APPROVED if decision.approve else FilterChangeStatus.REJECTED
        decided = replace(change, status=status, decided_by=decision.decided_by, decision_reason=decision.reason)
        decide_filter(connection, firm_id, decided, seq)
        return status

    return Deciding(
        find,
        lambda connection, change: [Operation.SET_AUTOMATED_TRADING_FILTER],
        settle,
        (EffectiveInThePast, NoLongerApplies, StaleVersion),
    )


def require_applicable(connection: Connection, change: FilterChange, problem: Problem) -> None:
    """Raises EffectiveInThePast and NoLongerApplies."""
    today = business_date(connection)
    if today is not None and change.effective_from < today:
        since = change.effective_from.isoformat()
        raise EffectiveInThePast(f"It was to hold from {since} on, which is over: propose it again.")
    wrong = problem(connection, change)
    if wrong is not None:
        raise NoLongerApplies(wrong)
