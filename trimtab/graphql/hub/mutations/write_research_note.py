"""Write a note about a provider, or a version of one of its models."""

from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.hub_models import uploads
from trimtab.db.hub_notes import write_note
from trimtab.db.programme import held_contracts
from trimtab.db.settings_versions import newest_seq
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    derived_id,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext

LONGEST_TITLE = 200
LONGEST_NOTE = 20_000


@strawberry.input
class WriteResearchNoteInput:
    provider_id: str
    model_id: str | None = None
    version: int | None = strawberry.field(default=None, description="Of the model.")
    title: str
    body: str
    idempotency_key: str


@kept
@strawberry.type(description="The note is kept; it cannot be changed. A later note says what has changed.")
class ResearchNoteWritten:
    note_id: str


WriteResearchNoteResult = Annotated[
    ResearchNoteWritten | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="WriteResearchNoteResult"),
]


@guarded_mutation(Operation.PUBLISH_MODELS, description="Write a note for the policy committee.")
async def write_research_note(info: Info, input: WriteResearchNoteInput) -> WriteResearchNoteResult:
    context = info.context
    allowed = context.decide(Operation.PUBLISH_MODELS, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    problem = _problem(input)
    if problem is not None:
        return problem
    note_id = derived_id(info, "write_research_note", input.idempotency_key)
    about = {name: getattr(input, name) for name in ("provider_id", "model_id", "version", "title", "body")}
    answer: WriteResearchNoteResult = await once(
        info,
        "write_research_note",
        input.idempotency_key,
        about,
        lambda connection: _write(connection, context, {"note_id": note_id, **about}),
    )
    return answer


def _problem(given: WriteResearchNoteInput) -> InvalidInput | None:
    for name, text, most in (("title", given.title, LONGEST_TITLE), ("body", given.body, LONGEST_NOTE)):
        if not (text.strip() and len(text) <= most and "\x00" not in text):
            return InvalidInput(code="TEXT_NEEDED", message=f"Write at most {most} characters.", field=name)
    if given.version is not None and given.model_id is None:
        return InvalidInput(code="NO_MODEL", message="Say of which model the version is.", field="modelId")
    return None


def _write(connection: Connection, context: RequestContext, note: dict[str, object]) -> ResearchNoteWritten | NotFound:
    provider, model, version = str(note["provider_id"]), note["model_id"], note["version"]
    contract = held_contracts(connection, business_date(connection) or date.max, newest_seq(connection)).get(provider)
    sent = uploads(connection, provider, None if model is None else str(model), 10_000)
    if contract is None and not sent:
        return not_found("provider")
    if model is not None and not sent and (contract is None or model not in contract.models):
        return not_found("model of the provider")
    if version is not None and all(row.version != version for row in sent):
        return not_found("version of the model")
    write_note(connection, context.firm_id, {**note, "author": context.who.name_in_records})
    return ResearchNoteWritten(note_id=str(note["note_id"]))
