"""Acknowledge an alert: somebody looks after it."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import acknowledge, alert_row
from trimtab.db.day_pages import ACCOUNT_SCOPE
from trimtab.db.history import accounts_by_id
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.alerts.query import alerts_book
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.ids import key_of, node_id


@strawberry.input
class AcknowledgeAlertInput:
    alert_id: strawberry.ID
    idempotency_key: str


@kept
@strawberry.type
class AlertAcknowledged:
    alert_id: strawberry.ID
    acknowledged_by: str = strawberry.field(description="Who was the first.")


AcknowledgeAlertResult = Annotated[
    AlertAcknowledged | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="AcknowledgeAlertResult"),
]


@guarded_mutation(Operation.ACKNOWLEDGE_ALERT, description="Say that you look after the alert.")
async def acknowledge_alert(info: Info, input: AcknowledgeAlertInput) -> AcknowledgeAlertResult:
    context = info.context
    try:
        alert_id = key_of("Alert", input.alert_id)
        context.own_role(Operation.ACKNOWLEDGE_ALERT)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="alertId")
    except NotAllowed as error:
        return Forbidden(code="NOT_PERMITTED", message=error.message)
    answer: AcknowledgeAlertResult = await once(
        info,
        "acknowledge_alert",
        input.idempotency_key,
        {"alert": alert_id},
        lambda connection: _acknowledge(connection, context, alert_id),
    )
    return answer


def _acknowledge(connection: Connection, context: RequestContext, alert_id: str) -> AlertAcknowledged | NotFound:
    found, book = alert_row(connection, alert_id), alerts_book(context)
    if found is None or (book is not None and not _is_of_book(connection, found.scope, book)):
        return not_found("alert")
    first = acknowledge(connection, context.firm_id, alert_id, context.who.name_in_records)
    return AlertAcknowledged(alert_id=strawberry.ID(node_id("Alert", alert_id)), acknowledged_by=first)


def _is_of_book(connection: Connection, scope: str, book: str) -> bool:
    if not scope.startswith(ACCOUNT_SCOPE):
        return False
    return bool(accounts_by_id(connection, [scope.removeprefix(ACCOUNT_SCOPE)], book))
