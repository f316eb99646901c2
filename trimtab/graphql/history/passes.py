"""Passes of the stages: what each read, found and made, and where the account's record tells of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_VERSIONS: Final = frozenset({"calibration"})


@strawberry.type(description="Something that a pass read or made, named by its content's hash or its version.")
class NamedHash:
    name: str = strawberry.field(
        description="inputs (the run's manifest), holdings, snapshot, market, models, target, proposal, filters; "
        "calibration is a version."
    )
    value: str


@strawberry.type(description="What validation found about the account's inputs.")
class Finding:
    code: str
    scope: str
    subject: str
    outcome: str = strawberry.field(description="What came of it, such as SUSPEND, FREEZE or FLAG.")
    message: str


@strawberry.type(description="One pass of a stage.")
class StagePass:
    stage: str
    went_to: str | None = strawberry.field(description="The place after it; null after the record stage.")
    lane: str | None
    terminal_state: str | None
    code: str
    reason: str
    input_hash: str
    at: datetime
    actor: str
    record_seq: int = strawberry.field(description="Where the account's record tells of it.")
    record_hash: str
    hashes: list[NamedHash]
    findings: list[Finding]
    filter_key: str | None = strawberry.field(description="Of the filter stage: the filter that gave the lane.")
    matched: JSON | None = strawberry.field(description="Of the filter stage: field name to the account's value.")
    decision_ids: list[strawberry.ID] = strawberry.field(description="The decisions that it answered or relied on.")
    build: str | None = strawberry.field(description="The version of trimtab that computed it.")
    seconds: float | None = strawberry.field(description="Seconds of work; the solve is among those of analyze.")

    @classmethod
    def of(cls, row: Row[Any]) -> "StagePass":
        body = row.body
        outcome = body.get("outcome") or {}
        return cls(
            stage=place_name(str(outcome.get("stage") or row.kind.removeprefix("STAGE_"))),
            went_to=place_name(outcome["next"]) if outcome.get("next") else None,
            lane=outcome.get("lane"),
            terminal_state=outcome.get("terminal"),
            code=outcome.get("code") or "",
            reason=outcome.get("reason") or body.get("message") or "",
            input_hash=body.get("input") or "",
            at=row.recorded_at,
            actor=row.actor,
            record_seq=row.seq,
            record_hash=row.hash,
            hashes=list(_hashes(body)),
            findings=[_finding(one) for one in body.get("findings") or ()],
            filter_key=body.get("filter"),
            matched=None if body.get("matched") is None else JSON(body["matched"]),
            decision_ids=list(_decisions(body)),
            build=row.build or None,
            seconds=None if row.seconds is None else float(row.seconds),
        )


def place_name(place: str) -> str:
    """The place as the API writes it: in capitals."""
    return place.upper()


def target_hash(passes: Sequence[Row[Any]]) -> str | None:
    """The hash of the model that the latest analysis was made for."""
    return newest_detail(passes, "STAGE_ANALYZE", "target")


def newest_detail(passes: Sequence[Row[Any]], kind: str, name: str) -> str | None:
    """What the latest pass of the kind noted under the name."""
    found = [row.body.get(name) for row in passes if row.kind == kind]
    return found[-1] if found else None


def _hashes(body: Mapping[str, Any]) -> Iterator[NamedHash]:
    for name, value in body.items():
        is_named = name in _VERSIONS or (isinstance(value, str) and _HASH.fullmatch(value))
        if is_named and name != "input":
            yield NamedHash(name=name, value=str(value))


def _finding(told: Mapping[str, Any]) -> Finding:
    return Finding(**{name: str(told.get(name, "")) for name in ("code", "scope", "subject", "outcome", "message")})


def _decisions(body: Mapping[str, Any]) -> Iterator[strawberry.ID]:
    answered = body.get("decision_id")
    for decision in (*([answered] if answered else []), *(body.get("decisions") or ())):
        yield strawberry.ID(str(decision))
