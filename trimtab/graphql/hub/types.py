"""The model hub: contracts with providers, the models that they send, and notes about them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.db.hub_models import body_of
from trimtab.db.programme import Change
from trimtab.domain.hub.contracts import FeeSchedule
from trimtab.domain.hub.contracts import ProviderContract as Contract
from trimtab.domain.hub.provider_models import WeightsKind


@strawberry.enum(description="Where the model is to stand, or where it has drifted to.")
class ModelWeightsKind(Enum):
    TARGET = WeightsKind.TARGET.value
    DRIFTED = WeightsKind.DRIFTED.value


@strawberry.type(description="A rate a year in basis points of assets, up to and with so many dollars.")
class ProviderFeeTier:
    upto: Decimal | None = strawberry.field(description="Null for the last tier.")
    rate_bps: Decimal


@strawberry.type(description="Tiers of fees; the assets of all models under it count together.")
class ProviderFeeSchedule:
    name: str
    method: str = strawberry.field(description="GRADUATED: of the assets inside a tier; WHOLE: of all assets.")
    tiers: list[ProviderFeeTier]
    models: list[str]

    @classmethod
    def of(cls, contract: Contract, name: str, schedule: FeeSchedule) -> "ProviderFeeSchedule":
        return cls(
            name=name,
            method=schedule.method.value,
            tiers=[ProviderFeeTier(upto=tier.upto, rate_bps=tier.rate_bps) for tier in schedule.tiers],
            models=sorted(model for model, under in contract.models.items() if under == name),
        )


@strawberry.type(description="A contract with a provider of models, as it holds on the day.")
class ProviderContract:
    provider_id: str
    name: str
    start: date
    end: date | None
    in_force: bool
    models: list[str] = strawberry.field(description="The licensed models.")
    currency: str
    schedules: list[ProviderFeeSchedule]
    minimum: Decimal = strawberry.field(description="Dollars a calendar month, prorated by its days in force.")
    day_count: str
    signed_by_firm: str
    signed_by_provider: str
    signed_on: date
    client_id: str | None = strawberry.field(description="The provider's machine client.")
    platforms: list[str] = strawberry.field(description="In whose order the provider releases, in turn.")

    @classmethod
    def of(cls, contract: Contract, on: date) -> "ProviderContract":
        return cls(
            provider_id=contract.id,
            name=contract.name,
            start=contract.start,
            end=contract.end,
            in_force=contract.is_in_force(on),
            models=sorted(contract.models),
            currency=contract.currency,
            schedules=[ProviderFeeSchedule.of(contract, *each) for each in sorted(contract.schedules.items())],
            minimum=contract.minimum,
            day_count=contract.day_count.value,
            signed_by_firm=contract.signed_by_firm,
            signed_by_provider=contract.signed_by_provider,
            signed_on=contract.signed_on,
            client_id=contract.client_id or None,
            platforms=list(contract.platforms),
        )


@strawberry.type(description="A security's weight in a provider's model, a fraction.")
class ProviderModelWeight:
    security_id: str
    weight: Decimal


@strawberry.type(description="One version of a provider's model as it came, and what became of it.")
class ProviderModel:
    upload_id: strawberry.ID
    provider_id: str
    model_id: str
    version: int
    as_of: date
    effective_at: datetime
    release_at: datetime | None
    weights_kind: ModelWeightsKind
    cash_weight: Decimal | None
    weights: list[ProviderModelWeight] | None = strawberry.field(
        description="Null while it is under embargo, but for those who may approve it."
    )
    expected_turnover: Decimal | None
    turnover: Decimal | None = strawberry.field(description="One-way, from the version before.")
    rotation: list[str] = strawberry.field(description="The platforms in the order of this release.")
    status: str = strawberry.field(description="QUARANTINED, PROPOSED, APPROVED or REJECTED.")
    reason_codes: list[str]
    message: str
    sent_by: str
    change_id: str | None
    decided_by: str | None
    received_at: datetime

    @classmethod
    def of(cls, row: Row[Any], changes: Mapping[str, Change], *, shown: bool) -> "ProviderModel":
        body, change = body_of(row), changes.get(row.change_id or "")
        weights = [
            ProviderModelWeight(security_id=name, weight=weight) for name, weight in sorted(body.weights.items())
        ]
        return cls(
            upload_id=strawberry.ID(row.upload_id),
            provider_id=row.provider_id,
            model_id=row.model_id,
            version=row.version,
            as_of=body.as_of,
            effective_at=body.effective_at,
            release_at=body.release_at,
            weights_kind=ModelWeightsKind(body.weights_kind.value),
            cash_weight=body.cash_weight if shown else None,
            weights=weights if shown else None,
            expected_turnover=body.expected_turnover,
            turnover=row.turnover if shown else None,
            rotation=list(row.rotation),
            status=row.status if change is None else change.status.value,
            reason_codes=list(row.reason_codes),
            message=row.message,
            sent_by=row.sender,
            change_id=row.change_id,
            decided_by=None if change is None else change.decided_by,
            received_at=row.recorded_at,
        )
