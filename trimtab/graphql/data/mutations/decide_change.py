"""Approve or reject a proposed change of the firm's data; never one's own."""

from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.db.data_changes import DataChange, DataChangeStatus, change_of, decide
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.data.types import OPERATIONS, DataPart
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, Deciding, Decision, decide_once


@strawberry.input
class DecideDataChangeInput(ChangeDecision):
    pass


@kept
@strawberry.type(description="The decision stands. An approved change is read from its effective date on.")
class DataChangeDecided(ChangeDecided):
    pass


DecideDataChangeResult = Annotated[
    DataChangeDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideDataChangeResult"),
]


@guarded_mutation(*OPERATIONS, description="Approve or reject another person's change of the firm's data.")
async def decide_data_change(info: Info, input: DecideDataChangeInput) -> DecideDataChangeResult:
    answer: DecideDataChangeResult = await decide_once(info, "decide_data_change", input, _DECIDING, DataChangeDecided)
    return answer


def _settle(connection: Connection, firm_id: str, change: DataChange, seq: int, decision: Decision) -> DataChangeStatus:
    """Raises StaleVersion."""
    approve, who, why = decision.approve, decision.decided_by, decision.reason
    return decide(connection, firm_id, change, seq, approve=approve, actor=who, reason=why).status


_DECIDING: Final = Deciding(change_of, lambda _, change: [DataPart[change.kind.name].operation], _settle)
