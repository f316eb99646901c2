"""What a decision is answered with."""

from typing import Annotated, Final

import strawberry

from trimtab.auth.decisions import Denied
from trimtab.domain.decisions import Refusal
from trimtab.graphql.accounts.days import AccountDay
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    UserError,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of
from trimtab.graphql.reviews.settlement import Asker, Settled, Wish, settle

_MESSAGES: Final = {
    Refusal.NOT_OPEN.value: "The account-day does not wait for a decision any more.",
    Refusal.STALE_VERSION.value: "The account-day has moved on since you looked. Look again.",
    Refusal.STALE_HASH.value: "Another proposal stands than the one that you saw. Look again.",
    Refusal.EXPIRED.value: "Reviews of the day have expired.",
    Refusal.SELF_APPROVAL.value: "Whoever proposed the trades cannot approve them.",
    Refusal.SUSPENDED.value: "The account is suspended.",
    "SAME_APPROVER": "You have approved already; another person has to be the second.",
    "NOT_CLEARED": "Compliance has to clear the account first.",
    "CONSENT_NEEDED": "The account is not discretionary: give the evidence of the client's consent.",
}


@kept
@strawberry.type(description="The decision counts and is on the record. The lifecycle goes on by itself.")
class DecisionAccepted:
    account_day_id: strawberry.Private[str]
    decision_id: strawberry.ID
    further_approvals: int = strawberry.field(description="How many more persons have to approve.")

    @strawberry.field(description="As it stands now; the lifecycle may have gone on already.")
    async def account_day(self, info: Info) -> AccountDay | None:
        row = await info.context.loaders.account_day.load(self.account_day_id)
        return None if row is None else AccountDay.of(row)


@kept
@strawberry.type(description="The decision does not count. The refusal is on the record too.")
class DecisionRefused(UserError):
    account_day_id: strawberry.Private[str]
    decision_id: strawberry.ID

    @strawberry.field(description="What stands now.")
    async def account_day(self, info: Info) -> AccountDay | None:
        row = await info.context.loaders.account_day.load(self.account_day_id)
        return None if row is None else AccountDay.of(row)


DecisionResult = Annotated[
    DecisionAccepted | DecisionRefused | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecisionResult"),
]


async def decide_once(info: Info, mutation: str, key: str, wish: Wish, reason: str | None = None) -> DecisionResult:
    """Settle the wish at most once per person and key, and say what came of it."""
    try:
        day_id = key_of("AccountDay", wish.account_day_id)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="accountDayId")
    asked = Wish(wish.kind, day_id, wish.decision_id, wish.reason, wish.proposal_hash, wish.version, wish.consent)
    context = info.context
    asker = Asker(context.who, context.services.now(), context.services.table)
    answer: DecisionResult = await once(
        info,
        mutation,
        key,
        {"wish": asked},
        lambda connection: _answer(context, settle(connection, asker, asked)),
        reason,
    )
    return answer


def _answer(context: RequestContext, settled: Settled | Denied | None) -> DecisionResult:
    if settled is None:
        return not_found("account-day")
    if isinstance(settled, Denied):
        return forbidden(settled)
    decision_id = strawberry.ID(settled.decision_id)
    if settled.refusal is None:
        return DecisionAccepted(
            account_day_id=settled.account_day_id,
            decision_id=decision_id,
            further_approvals=settled.further_approvals,
        )
    return DecisionRefused(
        code=settled.refusal,
        message=_MESSAGES.get(settled.refusal, "The decision does not count."),
        account_day_id=settled.account_day_id,
        decision_id=decision_id,
    )
