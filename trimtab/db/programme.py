"""The firm's programme in its append-only versions: allocations, products, variants, and the changes proposed to them.

A change waits under its own key until a second person approves it; then it is written as a version of what it
changes, superseding the version that the proposer saw. So two changes made from one version cannot both win.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy import Connection, func, select

from trimtab.db.published_models import released_models
from trimtab.db.settings_versions import held_settings, last_version, write_version
from trimtab.db.tables import account
from trimtab.domain.accounts import ModelId
from trimtab.domain.asset_allocations import (
    AllocationId,
    AssetAllocation,
    InvalidProgramme,
    ProductSet,
    require_sound_allocation,
    require_sound_products,
)
from trimtab.domain.hub.contracts import ProviderContract, require_models_apart, require_sound_contract
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import (
    DifferenceException,
    Effective,
    Family,
    TargetWeights,
    Variant,
    VariantId,
    target_weights,
)
from trimtab.domain.profile.limits import CustomisationLimits, require_sound_limits
from trimtab.domain.records import plain
from trimtab.domain.variant_checks import require_sound_variant

CHANGE: Final = "programme_change"

Document = AssetAllocation | ProductSet | Variant | CustomisationLimits | ProviderContract | ModelPortfolio


class ProgrammeKind(StrEnum):
    """What is versioned; the value is the entity of its versions."""

    ALLOCATION = "asset_allocation"
    PRODUCT_SET = "product_set"
    VARIANT = "variant"
    LIMITS = "customisation_limits"
    CONTRACT = "provider_contract"
    PROVIDER_MODEL = "model"


class ChangeStatus(StrEnum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed version. `value` None withdraws what it names."""

    change_id: str
    kind: ProgrammeKind
    key: str
    effective_from: date
    value: Mapping[str, Any] | None
    reason: str
    proposed_by: tuple[str, ...]  # the persons behind it: none of them may approve it
    supersedes: int | None
    beyond: tuple[str, ...] = ()  # what of it goes beyond the customisation limits
    status: ChangeStatus = ChangeStatus.PROPOSED
    decided_by: str | None = None
    decision_reason: str = ""


_READERS: Final[Mapping[ProgrammeKind, TypeAdapter[Any]]] = {
    ProgrammeKind.ALLOCATION: TypeAdapter(AssetAllocation),
    ProgrammeKind.PRODUCT_SET: TypeAdapter(ProductSet),
    ProgrammeKind.VARIANT: TypeAdapter(Variant),
    ProgrammeKind.LIMITS: TypeAdapter(CustomisationLimits),
    ProgrammeKind.CONTRACT: TypeAdapter(ProviderContract),
    ProgrammeKind.PROVIDER_MODEL: TypeAdapter(ModelPortfolio),
}
_CHANGES: Final = TypeAdapter(Change)


@dataclass(frozen=True, slots=True)
class Programme:
    """What the firm's people have published, as it holds on one day."""

    allocations: Mapping[AllocationId, AssetAllocation]
    products: Mapping[str, ProductSet]
    variants: Mapping[VariantId, Variant]
    limits: Mapping[str, CustomisationLimits] = field(default_factory=dict)
    contracts: Mapping[str, ProviderContract] = field(default_factory=dict)
    models: Mapping[str, ModelPortfolio] = field(default_factory=dict)  # published on their own, and released

    @property
    def family(self) -> Family:
        return Family(self.allocations, self.variants)

    def names(self) -> tuple[str, ...]:
        """Everything that an account may follow."""
        return tuple(sorted({*self.allocations, *self.variants}))

    def target(self, effective: Effective) -> TargetWeights:
        """Raises InvalidProgramme."""
        products = self.products.get(effective.product_set)
        if products is None:
            raise InvalidProgramme(f"product set {effective.product_set or '(none)'} does not exist: name another")
        return target_weights(effective, products, self.models)

    def portfolio(self, name: str, on: date) -> ModelPortfolio:
        """What the allocation or variant comes to on the day, as a model to follow. Raises InvalidProgramme."""
        effective = self.family.effective(AllocationId(name))
        target = self.target(effective)
        return ModelPortfolio(ModelId(name), effective.version, on, target.weights, target.cash_weight)


def read_programme(connection: Connection, on: date, known_seq: int) -> Programme:
    """The programme that holds on the day as known at the sequence number."""
    documents = (kind for kind in ProgrammeKind if kind is not ProgrammeKind.PROVIDER_MODEL)
    held = {kind: _held(connection, kind, on, known_seq) for kind in documents}
    return Programme(
        allocations={AllocationId(name): each for name, each in held[ProgrammeKind.ALLOCATION].items()},
        products=held[ProgrammeKind.PRODUCT_SET],
        variants={VariantId(name): each for name, each in held[ProgrammeKind.VARIANT].items()},
        limits=held[ProgrammeKind.LIMITS],
        contracts=held[ProgrammeKind.CONTRACT],
        models={
            name: _READERS[ProgrammeKind.PROVIDER_MODEL].validate_python(value, strict=False)
            for name, value in released_models(connection, on, known_seq).items()
        },
    )


def held_contracts(connection: Connection, on: date, known_seq: int) -> dict[str, ProviderContract]:
    """The contracts with providers of models as they hold on the day, by provider, in force or not."""
    return _held(connection, ProgrammeKind.CONTRACT, on, known_seq)


def _held(connection: Connection, kind: ProgrammeKind, on: date, seq: int) -> dict[str, Any]:
    reader = _READERS[kind]
    values = held_settings(connection, kind.value, on, seq)
    return {name: reader.validate_python(value, strict=False) for name, value in sorted(values.items())}


def exceptions_of(programme: Programme) -> tuple[DifferenceException, ...]:
    """Every difference that does not apply today, once; variants that cannot be followed at all have faults instead."""
    family, found = programme.family, dict[DifferenceException, None]()
    for name in sorted(programme.variants):
        with suppress(InvalidProgramme):
            found |= dict.fromkeys(family.effective(name).exceptions)
    return tuple(found)


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """The first fault that is not only of a difference's being read as one of another kind."""
    of_another_kind = {each["loc"][:-1] for each in errors if each["loc"][-1:] == ("kind",)}
    return next((each for each in errors if each["loc"][:-1] not in of_another_kind), errors[0])


def read_document(kind: ProgrammeKind, key: str, document: object) -> Document:
    """The value that a person sent. Raises InvalidProgramme, which names the field."""
    try:
        value: Document = _READERS[kind].validate_python(document, strict=False)
    except ValidationError as error:
        first = _telling(error.errors())
        place = ".".join(str(each) for each in first["loc"]) or "the document"
        raise InvalidProgramme(f"{place}: {first['msg']}") from error
    unknown = _unknown(document, plain(value), "")
    if unknown is not None:
        raise InvalidProgramme(f"{unknown} is not a field, or says not what kind it is")
    if value.id != key:
        raise InvalidProgramme(f"the document is of {value.id}, not of {key}")
    match value:
        case AssetAllocation():
            require_sound_allocation(value)
        case Variant():
            require_sound_variant(value)
        case ProductSet():
            require_sound_products(value)
        case CustomisationLimits():
            require_sound_limits(value)
        case ProviderContract():
            require_sound_contract(value)
    return value


def _unknown(given: object, read: object, place: str) -> str | None:
    """The first place in `given` that reading it has left out, and the first difference without its kind."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        if "kind" in read and "kind" not in given:
            return f"{place}.kind"
        places = [(key, f"{place}.{key}" if place else str(key)) for key in given]
        return next(
            (
                found
                for key, where in places
                if (found := _unknown(given[key], read[key], where) if key in read else where)
            ),
            None,
        )
    if isinstance(given, list) and isinstance(read, list):
        pairs = zip(given, read, strict=False)
        return next((found for n, (a, b) in enumerate(pairs) if (found := _unknown(a, b, f"{place}.{n}"))), None)
    return None


def require_holds_together(programme: Programme, kind: ProgrammeKind, key: str) -> None:
    """Raises InvalidProgramme when something could not be followed any more: it is not even proposed (X12)."""
    both = programme.allocations.keys() & programme.variants.keys()
    if both:
        raise InvalidProgramme(f"{min(both)} is an allocation and a variant: give one another name")
    family = programme.family
    if kind is ProgrammeKind.CONTRACT and key in programme.contracts:
        require_models_apart(programme.contracts[key], programme.contracts)
    for name in sorted(reached(programme, kind, key)):
        programme.target(family.effective(AllocationId(name)))


def reached(programme: Programme, kind: ProgrammeKind, key: str) -> frozenset[str]:
    """The allocations and variants whose targets a change of `key` may change, itself included (M4c)."""
    family = programme.family
    if kind in (ProgrammeKind.LIMITS, ProgrammeKind.CONTRACT):
        return frozenset()
    if kind in (ProgrammeKind.PRODUCT_SET, ProgrammeKind.PROVIDER_MODEL):
        sets = {key} if kind is ProgrammeKind.PRODUCT_SET else _sets_with(programme, key)
        using = [each.id for each in programme.allocations.values() if each.product_set in sets]
        return frozenset(using).union(*(family.descendants(each) for each in using))
    own = {key} & (programme.allocations.keys() | programme.variants.keys())
    return frozenset(own) | family.descendants(AllocationId(key))


def _sets_with(programme: Programme, model_id: str) -> set[str]:
    """The product sets in which the model stands for a class."""
    return {each.id for each in programme.products.values() if any(one.model_id == model_id for one in each.products)}


def with_change(programme: Programme, change: Change) -> Programme:
    """The programme as it would be with the change."""
    if change.kind is ProgrammeKind.PROVIDER_MODEL:  # judged when it came; it carries more than its weights
        model = _READERS[change.kind].validate_python(change.value, strict=False)
        return replace(programme, models={**programme.models, change.key: model})
    value = None if change.value is None else read_document(change.kind, change.key, change.value)

    def changed(held: Mapping[Any, Any]) -> dict[Any, Any]:
        rest = {name: each for name, each in held.items() if name != change.key}
        return rest if value is None else {**rest, change.key: value}

    return Programme(
        allocations=changed(programme.allocations)
        if change.kind is ProgrammeKind.ALLOCATION
        else programme.allocations,
        products=changed(programme.products) if change.kind is ProgrammeKind.PRODUCT_SET else programme.products,
        variants=changed(programme.variants) if change.kind is ProgrammeKind.VARIANT else programme.variants,
        limits=changed(programme.limits) if change.kind is ProgrammeKind.LIMITS else programme.limits,
        contracts=changed(programme.contracts) if change.kind is ProgrammeKind.CONTRACT else programme.contracts,
        models=programme.models,
    )


def last_seq(connection: Connection, kind: ProgrammeKind, key: str) -> int | None:
    """The version that a change made now supersedes."""
    found = last_version(connection, kind.value, key)
    return None if found is None else int(found.seq)


def propose(connection: Connection, firm_id: str, change: Change) -> None:
    """Keep the change until somebody decides on it."""
    _write_change(connection, firm_id, change, "+".join(change.proposed_by), change.reason, None)


def changes(connection: Connection, on: date, known_seq: int) -> dict[str, Change]:
    """Every change proposed so far, by id, with what became of it."""
    held = held_settings(connection, CHANGE, on, known_seq)
    return {name: _CHANGES.validate_python(value, strict=False) for name, value in sorted(held.items())}


def change_of(connection: Connection, change_id: str) -> tuple[Change, int] | None:
    """The change as it stands, and its version; None when there is none."""
    row = last_version(connection, CHANGE, change_id)
    return None if row is None or row.value is None else (_CHANGES.validate_python(row.value, strict=False), row.seq)


def decide(connection: Connection, firm_id: str, change: Change, seq: int) -> None:
    """Keep the decision that `change` carries; an approved one is written as a version. Raises StaleVersion."""
    actor = change.decided_by or ""
    _write_change(connection, firm_id, change, actor, change.decision_reason, seq)
    if change.status is ChangeStatus.APPROVED:
        write_version(
            connection,
            firm_id,
            change.kind.value,
            change.key,
            change.value,
            effective_from=change.effective_from,
            actor=actor,
            reason=change.reason,
            supersedes=change.supersedes,
        )


def _write_change(
    connection: Connection, firm_id: str, change: Change, actor: str, reason: str, supersedes: int | None
) -> None:
    value: Any = plain(change)
    write_version(
        connection,
        firm_id,
        CHANGE,
        change.change_id,
        value,
        effective_from=date.min,
        actor=actor,
        reason=reason,
        supersedes=supersedes,
    )


def followers(connection: Connection, names: frozenset[str]) -> int:
    """How many accounts follow one of these allocations or variants."""
    follows = account.c.profile["model_id"].astext
    return int(connection.scalar(select(func.count()).select_from(account).where(follows.in_(sorted(names)))) or 0)
