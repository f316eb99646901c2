"""The firm's programme: allocations, products, the variants that descend from them, and changes proposed to them."""

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.programme import Change, Programme, ProgrammeKind
from trimtab.db.published_models import without_weights
from trimtab.domain.asset_allocations import AllocationId, InvalidProgramme, ProductSet
from trimtab.domain.model_variants import DifferenceException, Effective, Variant, VariantId
from trimtab.domain.records import plain
from trimtab.graphql.context import Info
from trimtab.graphql.shadow.types import ChangeShadow, shadow_of


@strawberry.enum(description="What a change is about.")
class ProgrammePart(Enum):
    ALLOCATION = "asset_allocation"
    PRODUCT_SET = "product_set"
    VARIANT = "variant"
    LIMITS = "customisation_limits"
    CONTRACT = "provider_contract"
    PROVIDER_MODEL = "model"

    @property
    def kind(self) -> ProgrammeKind:
        return ProgrammeKind(self.value)

    @property
    def operation(self) -> Operation:
        """The row of the authorization matrix."""
        if self is ProgrammePart.LIMITS:
            return Operation.SET_CUSTOMISATION_LIMITS
        if self in (ProgrammePart.CONTRACT, ProgrammePart.PROVIDER_MODEL):
            return Operation.PUBLISH_MODELS
        products = self is ProgrammePart.PRODUCT_SET
        return Operation.SET_APPROVED_PRODUCTS if products else Operation.SET_ASSET_ALLOCATION


@strawberry.type(description="What one ancestor made of a class's weight.")
class LineageStep:
    source: str
    what: str
    weight: Decimal


@strawberry.type(description="The weight of an asset class, and where it comes from, the oldest ancestor first.")
class ProgrammeClass:
    asset_class: str
    group: str | None
    weight: Decimal
    product_id: str | None = strawberry.field(description="The product that stands for the class.")
    lineage: list[LineageStep]


@strawberry.type(description="A security's weight in the target, through every class and product that holds it.")
class TargetWeight:
    security_id: str
    weight: Decimal
    asset_classes: list[str]


@strawberry.type(description="A difference of a variant that does not apply to today's parent, and what to do.")
class VariantException:
    variant: str
    difference: JSON
    reason: str

    @classmethod
    def of(cls, found: DifferenceException) -> "VariantException":
        difference: Any = plain(found.difference)
        return cls(variant=found.variant, difference=difference, reason=found.reason)


@strawberry.type(description="An allocation or a variant as it holds on the day: fractions of account value.")
class ProgrammeModel:
    name: str
    parent: str | None = strawberry.field(description="Null for an allocation.")
    differences: list[JSON] = strawberry.field(description="What a variant has of its own, as it was entered.")
    version: int | None
    cash_weight: Decimal | None
    product_set: str | None
    classes: list[ProgrammeClass]
    target: list[TargetWeight]
    exceptions: list[VariantException]
    children: list[str]
    fault: str | None = strawberry.field(description="Why nobody can follow it today; the rest is empty then.")

    @classmethod
    def of(cls, programme: Programme, name: str) -> "ProgrammeModel":
        variant = programme.variants.get(VariantId(name))
        try:
            effective = programme.family.effective(AllocationId(name))
            classes, target = _classes(programme, effective), _target(programme, effective)
        except InvalidProgramme as fault:
            return cls._empty(programme, name, variant, str(fault))
        return cls(
            **_heading(programme, name, variant),
            version=effective.version,
            cash_weight=effective.cash_weight,
            product_set=effective.product_set or None,
            classes=classes,
            target=target,
            exceptions=[VariantException.of(each) for each in effective.exceptions],
            fault=None,
        )

    @classmethod
    def _empty(cls, programme: Programme, name: str, variant: Variant | None, fault: str) -> "ProgrammeModel":
        return cls(
            **_heading(programme, name, variant),
            version=None,
            cash_weight=None,
            product_set=None,
            classes=[],
            target=[],
            exceptions=[],
            fault=fault,
        )


def _heading(programme: Programme, name: str, variant: Variant | None) -> dict[str, Any]:
    return {
        "name": name,
        "parent": variant.parent if variant else None,
        "differences": [plain(each) for each in variant.differences] if variant else [],
        "children": sorted(each.id for each in programme.variants.values() if each.parent == name),
    }


def _classes(programme: Programme, effective: Effective) -> list[ProgrammeClass]:
    products = programme.products.get(effective.product_set)
    return [
        ProgrammeClass(
            asset_class=name,
            group=effective.groups.get(name),
            weight=weight,
            product_id=_product(products, effective, name),
            lineage=[LineageStep(source=s.source, what=s.what, weight=s.weight) for s in effective.lineage[name]],
        )
        for name, weight in sorted(effective.weights.items())
    ]


def _product(products: ProductSet | None, effective: Effective, name: str) -> str | None:
    return None if products is None else products.chosen(name, effective.products.get(name)).id


def _target(programme: Programme, effective: Effective) -> list[TargetWeight]:
    target = programme.target(effective)
    return [
        TargetWeight(security_id=name, weight=weight, asset_classes=[each.asset_class for each in target.origins[name]])
        for name, weight in sorted(target.weights.items())
    ]


@strawberry.type(description="A change of the programme that somebody has proposed, and what became of it.")
class ProgrammeChange:
    change_id: str
    part: ProgrammePart
    key: str
    effective_from: date
    value: JSON | None = strawberry.field(description="What is to hold; null withdraws it.")
    reason: str
    beyond_limits: list[str] = strawberry.field(description="What of it goes beyond the customisation limits.")
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str

    @strawberry.field(description="What it would have done on the last days; null when it has not been run.")
    async def shadow(self, info: Info) -> ChangeShadow | None:
        return await shadow_of(info, self.change_id, providers=self.part is ProgrammePart.PROVIDER_MODEL)

    @classmethod
    def of(cls, change: Change) -> "ProgrammeChange":
        value: Any = change.value
        if change.kind is ProgrammeKind.PROVIDER_MODEL:  # `providerModels` knows who may see an embargoed one
            value = without_weights(value or {})
        return cls(
            change_id=change.change_id,
            part=ProgrammePart(change.kind.value),
            key=change.key,
            effective_from=change.effective_from,
            value=value,
            reason=change.reason,
            beyond_limits=list(change.beyond),
            proposed_by=list(change.proposed_by),
            status=change.status.value,
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
        )
