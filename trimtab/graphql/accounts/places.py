"""Where an account's day stands, why it was sent there, and what blocks it."""

from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.domain.lifecycle import Lane, TerminalState


@strawberry.enum(description="Where an account's day stands: one of the eight stages, or where it waits.")
class Place(StrEnum):
    INGEST = "ingest"
    VALIDATE = "validate"
    ANALYZE = "analyze"
    FILTER = "filter"
    REVIEW = "review"
    APPROVE = "approve"
    TRADE = "trade"
    RECORD = "record"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"


strawberry.enum(Lane, description="Where the firm's filters send an account that has something to trade.")
strawberry.enum(TerminalState, description="How an account's day ended.")


@strawberry.type(description="Which filter sent the account here, and what of the account it matched.")
class Filtering:
    filter_key: str | None = strawberry.field(description="suspend, compliance, review or automated; null for none.")
    matched: JSON = strawberry.field(description="Field name to the account's value.")
    reason: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Filtering":
        outcome = row.body.get("outcome") or {}
        return cls(
            filter_key=row.body.get("filter"),
            matched=JSON(row.body.get("matched") or {}),
            reason=outcome.get("reason") or "",
        )


@strawberry.type(description="A step that is parked: what failed, and what to do.")
class BlockedReason:
    stage: Place
    error_type: str
    error_class: str
    message: str
    runbook: str
    tries: int
    resolved: bool

    @classmethod
    def of(cls, row: Row[Any]) -> "BlockedReason":
        return cls(
            stage=Place(row.stage),
            error_type=row.error_type,
            error_class=row.error_class,
            message=row.message,
            runbook=row.runbook,
            tries=row.tries,
            resolved=row.resolved,
        )
