"""Run a proposed change on the stored days once more: on others, or with more time."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.bulk_changes import bulk_change_of
from trimtab.db.programme import change_of
from trimtab.db.settings_versions import StaleVersion
from trimtab.db.shadow_runs import DAYS, MOST_DAYS, SECONDS, keep_report
from trimtab.domain.shadow.report import ShadowReport
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept, not_found, once
from trimtab.graphql.context import Info
from trimtab.graphql.programme.types import ProgrammePart
from trimtab.graphql.shadow.running import solved
from trimtab.graphql.shadow.types import ChangeShadow, shadow_of

MOST_SECONDS = 90.0


@strawberry.input
class RunShadowInput:
    change_id: str = strawberry.field(description="A proposed change of the programme, or of settings in bulk.")
    idempotency_key: str
    days: int = strawberry.field(default=DAYS, description=f"The last analysed days, at most {MOST_DAYS}.")
    seconds: float = strawberry.field(
        default=SECONDS, description=f"Processor time, at most {MOST_SECONDS:.0f}: it decides how large the sample is."
    )


@kept
@strawberry.type(description="The run is kept beside the change, after those before it.")
class ShadowRunKept:
    change_id: str
    sentence: str = strawberry.field(description="How much of the book stands behind the figures.")

    @strawberry.field(description="The newest run of the change.")
    async def shadow(self, info: Info) -> ChangeShadow | None:
        operation = await info.context.reader.run(lambda one: _operation(one, self.change_id))
        return await shadow_of(info, self.change_id, providers=operation is Operation.PUBLISH_MODELS)


RunShadowResult = Annotated[
    ShadowRunKept | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="RunShadowResult"),
]


@guarded_mutation(
    Operation.SET_ASSET_ALLOCATION,
    Operation.SET_APPROVED_PRODUCTS,
    Operation.PUBLISH_MODELS,
    Operation.CHANGE_SETTINGS_IN_BULK,
    description="Run a proposed change on the last analysed days, and keep what it would have done beside it.",
)
async def run_shadow(info: Info, input: RunShadowInput) -> RunShadowResult:
    if not 1 <= input.days <= MOST_DAYS:
        return InvalidInput(code="OUT_OF_RANGE", message=f"days is 1 to {MOST_DAYS}.", field="days")
    if not 0 < input.seconds <= MOST_SECONDS:
        return InvalidInput(code="OUT_OF_RANGE", message=f"seconds is up to {MOST_SECONDS:.0f}.", field="seconds")
    operation = await info.context.reader.run(lambda one: _operation(one, input.change_id))
    if operation is None or not _may_run(info, operation):
        return not_found("change")
    report = await solved(info, input.change_id, input.days, input.seconds)
    asked = {"change": input.change_id, "days": input.days, "seconds": input.seconds}
    answer: RunShadowResult = await once(
        info, "run_shadow", input.idempotency_key, asked, lambda one: _keep(one, info, input.change_id, report)
    )
    return answer


def _keep(connection: Connection, info: Info, change_id: str, report: ShadowReport) -> ShadowRunKept | InvalidInput:
    context = info.context
    try:
        keep_report(connection, context.firm_id, change_id, report, context.who.name_in_records)
    except StaleVersion as lost:
        return InvalidInput(code=lost.code, message=str(lost), field="changeId")
    return ShadowRunKept(change_id=change_id, sentence=report.sentence)


def _operation(connection: Connection, change_id: str) -> Operation | None:
    """The row of the authorization matrix that the change is of."""
    found = change_of(connection, change_id)
    if found is not None:
        return ProgrammePart(found[0].kind.value).operation
    return None if bulk_change_of(connection, change_id) is None else Operation.CHANGE_SETTINGS_IN_BULK


def _may_run(info: Info, operation: Operation) -> bool:
    """Whether the caller proposes or decides changes of this row."""
    subject = Subject(info.context.firm_id, proposed_by=frozenset())
    return any(isinstance(info.context.decide(operation, subject, act), Allowed) for act in (Act.PROPOSE, Act.VERIFY))
