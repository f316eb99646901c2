"""Try a blocked step again: one, or every one of a stage."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import DenialReason
from trimtab.auth.matrix import Operation
from trimtab.contracts import Signal
from trimtab.db.account_signals import retry_blocked
from trimtab.db.day_pages import blocked_steps
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.accounts.places import Place
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    derived_id,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of
from trimtab.graphql.steps.types import STAGES, stages_in_reach


@strawberry.input(description="Name the account-day, or the stage for all that are blocked in it.")
class RetryStepInput:
    idempotency_key: str
    account_day_id: strawberry.ID | None = None
    stage: Place | None = None
    business_date: date | None = None
    reason: str = ""


@kept
@strawberry.type
class StepsRetried:
    steps: int = strawberry.field(description="How many blocked steps are tried again.")


RetryStepResult = Annotated[
    StepsRetried | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="RetryStepResult"),
]


@dataclass(frozen=True, slots=True)
class _Wish:
    account_day_id: str | None
    stage: str | None
    business_date: date | None
    reason: str
    request_id: str


@guarded_mutation(Operation.RETRY_STEP, description="Try blocked steps again, at once.")
async def retry_step(info: Info, input: RetryStepInput) -> RetryStepResult:
    if (input.account_day_id is None) == (input.stage is None):
        message = "Name either an account-day or a stage."
        return InvalidInput(code="ONE_OF", message=message, field="accountDayId")
    try:
        day_id = None if input.account_day_id is None else key_of("AccountDay", input.account_day_id)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="accountDayId")
    wish = _Wish(
        day_id,
        input.stage.value if input.stage else None,
        input.business_date,
        input.reason,
        derived_id(info, "retry_step", input.idempotency_key),
    )
    context = info.context
    answer: RetryStepResult = await once(
        info, "retry_step", input.idempotency_key, {"wish": wish}, lambda connection: _retry(connection, context, wish)
    )
    return answer


def _retry(connection: Connection, context: RequestContext, wish: _Wish) -> StepsRetried | NotFound | Forbidden:
    wanted = [wish.stage] if wish.stage else list(STAGES)
    steps = blocked_steps(connection, wanted, account_day_id=wish.account_day_id, on=wish.business_date)
    allowed = set(stages_in_reach(context))
    mine = [row for row in steps if row.stage in allowed]
    if (steps and not mine) or (wish.stage and wish.stage not in allowed):
        message = "Your roles do not retry steps of this stage."
        return Forbidden(code=DenialReason.STAGE_NOT_PERMITTED.value, message=message)
    if not steps and wish.account_day_id is not None:
        return not_found("blocked step")
    note = Signal(wish.request_id, context.who.name_in_records)
    retry_blocked(connection, context.firm_id, mine, actor=context.who.name_in_records, reason=wish.reason, note=note)
    return StepsRetried(steps=len(mine))
