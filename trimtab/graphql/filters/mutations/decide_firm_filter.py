"""Approve or reject a proposed firm filter; never one's own."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.filter_versions import FIRM_FILTER, FilterChange, FilterChangeStatus
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept, once
from trimtab.graphql.context import Info
from trimtab.graphql.filters.deciding import Decision, decided
from trimtab.graphql.filters.names import withdrawal_problem


@strawberry.input
class DecideFirmFilterInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved filter is followed by the runs from its date on.")
class FirmFilterDecided:
    change_id: str
    status: str


DecideFirmFilterResult = Annotated[
    FirmFilterDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideFirmFilterResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's change of a firm filter."
)
async def decide_firm_filter(info: Info, input: DecideFirmFilterInput) -> DecideFirmFilterResult:
    context = info.context
    wanted = Decision(FIRM_FILTER, input.change_id, input.approve, input.reason)

    def work(connection: Connection) -> FirmFilterDecided | NotFound | Forbidden | InvalidInput:
        answer = decided(connection, context, wanted, _problem)
        if isinstance(answer, FilterChangeStatus):
            return FirmFilterDecided(change_id=input.change_id, status=answer.value)
        return answer

    answer: DecideFirmFilterResult = await once(
        info,
        "decide_firm_filter",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        work,
        input.reason,
    )
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    return withdrawal_problem(connection, change.name, change.effective_from) if change.value is None else None
