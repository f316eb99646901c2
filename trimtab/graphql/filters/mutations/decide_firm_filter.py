"""Approve or reject a proposed firm filter; never one's own."""

from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.filter_versions import FIRM_FILTER, FilterChange
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.filters.firm_changes import deciding
from trimtab.graphql.filters.names import withdrawal_problem
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, decide_once


@strawberry.input
class DecideFirmFilterInput(ChangeDecision):
    pass


@kept
@strawberry.type(description="The decision stands. An approved filter is followed by the runs from its date on.")
class FirmFilterDecided(ChangeDecided):
    pass


DecideFirmFilterResult = Annotated[
    FirmFilterDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideFirmFilterResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's change of a firm filter."
)
async def decide_firm_filter(info: Info, input: DecideFirmFilterInput) -> DecideFirmFilterResult:
    answer: DecideFirmFilterResult = await decide_once(info, "decide_firm_filter", input, _DECIDING, FirmFilterDecided)
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    return withdrawal_problem(connection, change.name, change.effective_from) if change.value is None else None


_DECIDING: Final = deciding(FIRM_FILTER, _problem)
