"""A firm's own fields as the API shows them."""

from datetime import date, datetime
from typing import cast

import strawberry
from strawberry.scalars import JSON

from trimtab.db.ancillary import ValueVersion, read_field
from trimtab.db.filter_versions import FilterChange
from trimtab.domain import ancillary
from trimtab.domain.ancillary import (
    AncillaryFields,
    AncillaryType,
    EnteredBy,
    Stored,
    field_sentence,
    shown_value,
    value_differences,
)
from trimtab.domain.fact_fields import Unit

strawberry.enum(AncillaryType, description="What the values of a firm's own field are.")
strawberry.enum(EnteredBy, description="Where the values come from: a file, or people.")
strawberry.enum(Unit, name="FieldUnit", description="What a number counts.")


@strawberry.type(description="A field of the firm's own: filters name it `own.` and its name.")
class AncillaryFieldInfo:
    name: str
    filter_name: str
    label: str
    type: AncillaryType
    entered_by: EnteredBy
    unit: str
    choices: list[str]
    retired: bool = strawberry.field(description="It takes no values any more; those that it had stay.")
    sentence: str

    @classmethod
    def of(cls, field: ancillary.AncillaryField) -> "AncillaryFieldInfo":
        return cls(
            name=field.name,
            filter_name=field.fact_name,
            label=field.label,
            type=field.type,
            entered_by=field.entered_by,
            unit=field.unit.value,
            choices=list(field.choices),
            retired=field.retired,
            sentence=field_sentence(field),
        )


@strawberry.type(description="A definition that somebody has proposed, and what became of it.")
class AncillaryFieldChange:
    change_id: str
    effective_from: date
    field: AncillaryFieldInfo
    reason: str
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str

    @classmethod
    def of(cls, change: FilterChange) -> "AncillaryFieldChange":
        return cls(
            change_id=change.change_id,
            effective_from=change.effective_from,
            field=AncillaryFieldInfo.of(read_field(change.value)),
            reason=change.reason,
            proposed_by=list(change.proposed_by),
            status=change.status.value,
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
        )


@strawberry.type(description="What an account has in one of the firm's own fields.")
class AncillaryValue:
    name: str
    label: str
    value: JSON | None = strawberry.field(description="Numbers and dates as text; null is unknown.")
    text: str

    @classmethod
    def of(cls, field: ancillary.AncillaryField, value: Stored | None) -> "AncillaryValue":
        return cls(name=field.name, label=field.label, value=cast("JSON", value), text=shown_value(field, value))


@strawberry.type(description="One change of an account's values.")
class AncillaryValueChange:
    version: int
    effective_from: date
    recorded_at: datetime
    actor: str
    reason: str
    differences: list[str] = strawberry.field(description="In English, against the version before.")

    @classmethod
    def of(cls, fields: AncillaryFields, before: ValueVersion | None, after: ValueVersion) -> "AncillaryValueChange":
        return cls(
            version=after.seq,
            effective_from=after.effective_from,
            recorded_at=after.recorded_at,
            actor=after.actor,
            reason=after.reason,
            differences=list(value_differences(fields, before.values if before else {}, after.values)),
        )
