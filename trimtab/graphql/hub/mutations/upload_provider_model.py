"""Send a provider's model: judged at once, and proposed when it is sound."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.hub_models import Sender, known_names, receive
from trimtab.domain.hub.provider_models import ProviderModel, WeightsKind
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, forbidden, kept, once
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.hub.types import ModelWeightsKind
from trimtab.graphql.shadow.running import run_when_new

LONGEST_ID = 64
MOST_NAMES = 10_000


@strawberry.input
class SentWeight:
    security: str = strawberry.field(description="Its id, CUSIP, ISIN, FIGI or symbol.")
    weight: Decimal


@strawberry.input
class UploadProviderModelInput:
    provider_id: str
    model_id: str
    version: int
    as_of: date
    effective_at: datetime
    release_at: datetime | None = strawberry.field(default=None, description="Under embargo until then.")
    weights_kind: ModelWeightsKind
    weights: list[SentWeight]
    cash_weight: Decimal | None = strawberry.field(default=None, description="Null: it declares none.")
    expected_turnover: Decimal | None = strawberry.field(default=None, description="One-way, a fraction.")
    rotation: list[str] = strawberry.field(
        default_factory=list, description="The order of this release; without it the contract's, in turn."
    )
    idempotency_key: str


@kept
@strawberry.type(description="The model is kept. A sound one waits for decideProgrammeChange; else the codes say why.")
class ProviderModelReceived:
    upload_id: str
    status: str = strawberry.field(description="ACCEPTED or QUARANTINED.")
    reason_codes: list[str]
    message: str
    change_id: str | None


UploadProviderModelResult = Annotated[
    ProviderModelReceived | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="UploadProviderModelResult"),
]


@guarded_mutation(
    Operation.UPLOAD_FEED, description="Send one version of a provider's model; a provider's client sends its own only."
)
async def upload_provider_model(info: Info, input: UploadProviderModelInput) -> UploadProviderModelResult:
    context = info.context
    allowed = context.decide(Operation.UPLOAD_FEED, Subject(context.firm_id))
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    problem = _problem(input)
    if problem is not None:
        return problem
    asked = {name: _asked(getattr(input, name)) for name in input.__annotations__ if name != "idempotency_key"}
    answer: UploadProviderModelResult = await once(
        info,
        "upload_provider_model",
        input.idempotency_key,
        asked,
        lambda connection: _receive(connection, context, input),
    )
    if isinstance(answer, ProviderModelReceived) and answer.change_id is not None:
        await run_when_new(info, answer.change_id)
    return answer


def _asked(value: object) -> object:
    if isinstance(value, list):
        return [_asked(each) for each in value]
    return {"security": value.security, "weight": value.weight} if isinstance(value, SentWeight) else value


def _problem(given: UploadProviderModelInput) -> InvalidInput | None:
    for name, instant in (("effectiveAt", given.effective_at), ("releaseAt", given.release_at)):
        if instant is not None and instant.tzinfo is None:
            return InvalidInput(code="NO_ZONE", message="Say the instant's time zone.", field=name)
    for name, text in (("providerId", given.provider_id), ("modelId", given.model_id)):
        if not (0 < len(text) <= LONGEST_ID and text.isprintable()):
            return InvalidInput(code="INVALID_ID", message=f"An id has 1 to {LONGEST_ID} characters.", field=name)
    if len(given.weights) > MOST_NAMES or not 0 < given.version < 1_000_000_000:
        return InvalidInput(code="OUT_OF_RANGE", message="Too many names, or no version of one.", field="weights")
    return None


def _receive(
    connection: Connection, context: RequestContext, given: UploadProviderModelInput
) -> ProviderModelReceived | InvalidInput:
    on = business_date(connection)
    if on is None:
        message = "The firm has no business date yet: nothing can be followed."
        return InvalidInput(code="NO_BUSINESS_DATE", message=message, field="asOf")
    model, twice = _model(given, known_names(connection, on, [each.security for each in given.weights]))
    who = context.who
    sender = Sender(who.name_in_records, tuple(sorted(who.persons)), None if who.persons else who.client_id)
    kept_as = receive(connection, context.firm_id, on, sender, model, twice)
    return ProviderModelReceived(
        upload_id=kept_as.upload_id,
        status=kept_as.status.value,
        reason_codes=list(kept_as.reason_codes),
        message=kept_as.message,
        change_id=kept_as.change_id,
    )


def _model(given: UploadProviderModelInput, names: Mapping[str, str]) -> tuple[ProviderModel, tuple[str, ...]]:
    """The model by security ids, and what stands in it twice."""
    weights: dict[str, Decimal] = {}
    twice = []
    for each in given.weights:
        name = names.get(each.security, each.security)
        if name in weights:
            twice.append(f"a name stands in it twice: {name}")
        weights[name] = each.weight
    model = ProviderModel(
        provider_id=given.provider_id,
        model_id=given.model_id,
        version=given.version,
        as_of=given.as_of,
        effective_at=given.effective_at,
        weights=weights,
        weights_kind=WeightsKind(given.weights_kind.value),
        cash_weight=given.cash_weight,
        expected_turnover=given.expected_turnover,
        release_at=given.release_at,
        rotation=tuple(given.rotation),
    )
    return model, tuple(twice)
