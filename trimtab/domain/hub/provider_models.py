"""A model as its provider sends it, and what is wrong with it: nothing unsound is even proposed (M1b, MD-5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.accounts import ModelId
from trimtab.domain.hub.contracts import ProviderContract
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId
from trimtab.domain.settings_checks import model_problem


class WeightsKind(StrEnum):
    """What the provider's weights are (MD-5): where the model is to stand, or where it has drifted to."""

    TARGET = "TARGET"
    DRIFTED = "DRIFTED"


class UploadCode(StrEnum):
    """Why a provider's model is kept aside. The words are stable."""

    PROVIDER_UNKNOWN = "PROVIDER_UNKNOWN"
    CONTRACT_NOT_STARTED = "CONTRACT_NOT_STARTED"
    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    PROVIDER_CLIENT = "PROVIDER_CLIENT"
    MODEL_UNLICENSED = "MODEL_UNLICENSED"
    MODEL_ID_TAKEN = "MODEL_ID_TAKEN"
    MODEL_VERSION = "MODEL_VERSION"
    MODEL_AS_OF = "MODEL_AS_OF"
    MODEL_INVALID = "MODEL_INVALID"
    MODEL_UNKNOWN_SECURITY = "MODEL_UNKNOWN_SECURITY"
    ROTATION_INVALID = "ROTATION_INVALID"


@dataclass(frozen=True, slots=True)
class ProviderModel:
    """One version of one model. Weights and turnover are fractions; instants carry their zone."""

    provider_id: str
    model_id: str
    version: int
    as_of: date
    effective_at: datetime
    weights: Mapping[str, Decimal]  # by security id, or by the identifier as sent while the master does not know it
    weights_kind: WeightsKind = WeightsKind.TARGET
    cash_weight: Decimal | None = None  # None: not declared (case 94)
    expected_turnover: Decimal | None = None  # one-way, from the version before
    release_at: datetime | None = None  # embargoed until then; None: not embargoed
    rotation: tuple[str, ...] = ()  # the platforms in the order of this release, when the provider says it

    @property
    def usable_from(self) -> datetime:
        """No run follows it before: it is released, and effective."""
        return self.effective_at if self.release_at is None else max(self.effective_at, self.release_at)

    @property
    def portfolio(self) -> ModelPortfolio:
        weights = {SecurityId(name): weight for name, weight in self.weights.items()}
        return ModelPortfolio(ModelId(self.model_id), self.version, self.as_of, weights, self.cash_weight)


@dataclass(frozen=True, slots=True)
class UploadFault:
    code: UploadCode
    message: str


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What the firm knows when a model comes."""

    business_date: date
    contract: ProviderContract | None
    unknown: frozenset[str] = frozenset()  # names of it that the security master does not know
    newest: ProviderModel | None = None  # the newest version that was accepted
    client_id: str | None = None  # the machine client that sends it; None: a file, or a person of the firm
    taken_by: str = ""  # who else publishes a model under this id
    unreadable: tuple[str, ...] = field(default=())  # rows of it that could not be read


def upload_faults(model: ProviderModel, facts: UploadFacts) -> tuple[UploadFault, ...]:
    """Everything that is wrong with it. Without a contract in force nothing else is looked at."""
    refused = tuple(_contract_faults(model, facts))
    return refused or (*_order_faults(model, facts), *_weight_faults(model, facts), *_rotation_faults(model, facts))


def _contract_faults(model: ProviderModel, facts: UploadFacts) -> Iterator[UploadFault]:
    contract, on = facts.contract, facts.business_date
    if contract is None:
        yield UploadFault(UploadCode.PROVIDER_UNKNOWN, f"there is no contract with {model.provider_id}")
    elif facts.client_id is not None and facts.client_id != contract.client_id:
        message = f"client {facts.client_id} may not send the models of {contract.id}"
        yield UploadFault(UploadCode.PROVIDER_CLIENT, message)
    elif on < contract.start:
        message = f"the contract with {contract.id} starts on {contract.start}"
        yield UploadFault(UploadCode.CONTRACT_NOT_STARTED, message)
    elif not contract.is_in_force(on):
        yield UploadFault(UploadCode.CONTRACT_EXPIRED, f"the contract with {contract.id} ended on {contract.end}")
    elif model.model_id not in contract.models:
        message = f"the contract with {contract.id} does not license {model.model_id}"
        yield UploadFault(UploadCode.MODEL_UNLICENSED, message)


def _order_faults(model: ProviderModel, facts: UploadFacts) -> Iterator[UploadFault]:
    newest = facts.newest
    if facts.taken_by:
        message = f"{model.model_id} is published by {facts.taken_by}: two sources of one model"
        yield UploadFault(UploadCode.MODEL_ID_TAKEN, message)
    if newest is not None and model.version <= newest.version:
        message = f"version {model.version} of {model.model_id} comes after version {newest.version}"
        yield UploadFault(UploadCode.MODEL_VERSION, message)
    if newest is not None and model.as_of < newest.as_of:
        message = f"{model.model_id} as of {model.as_of} comes after the one as of {newest.as_of}"
        yield UploadFault(UploadCode.MODEL_AS_OF, message)
    if model.as_of > facts.business_date:
        yield UploadFault(UploadCode.MODEL_AS_OF, f"{model.model_id} is as of {model.as_of}, which has not come yet")


def _weight_faults(model: ProviderModel, facts: UploadFacts) -> Iterator[UploadFault]:
    for message in facts.unreadable:
        yield UploadFault(UploadCode.MODEL_INVALID, message)
    problem = model_problem(model.portfolio)
    if problem and not facts.unreadable:  # a row that is missing explains the sum
        yield UploadFault(UploadCode.MODEL_INVALID, problem)
    turnover = model.expected_turnover
    if turnover is not None and not (turnover.is_finite() and 0 <= turnover <= 1):
        message = f"the expected turnover of {model.model_id} is {turnover}, not a fraction between 0 and 1"
        yield UploadFault(UploadCode.MODEL_INVALID, message)
    if facts.unknown:
        names = ", ".join(sorted(facts.unknown))
        message = f"model {model.model_id} holds {names}, which the security master does not know"
        yield UploadFault(UploadCode.MODEL_UNKNOWN_SECURITY, message)


def _rotation_faults(model: ProviderModel, facts: UploadFacts) -> Iterator[UploadFault]:
    platforms = () if facts.contract is None else facts.contract.platforms
    if model.rotation and sorted(model.rotation) != sorted(platforms):
        named, agreed = ", ".join(model.rotation), ", ".join(platforms) or "none"
        message = f"the order of release names {named}; the contract {agreed}"
        yield UploadFault(UploadCode.ROTATION_INVALID, message)


def rotated(platforms: tuple[str, ...], release: int) -> tuple[str, ...]:
    """The order of the n-th release, counted from 0: every platform is first in its turn."""
    if not platforms:
        return ()
    first = release % len(platforms)
    return platforms[first:] + platforms[:first]


def one_way_turnover(before: ProviderModel | None, after: ProviderModel) -> Decimal | None:
    """Half the l1 norm of the change of weights, cash included; None for a first version."""
    if before is None:
        return None
    names = {*before.weights, *after.weights}
    moved = sum((abs(after.weights.get(name, ZERO) - before.weights.get(name, ZERO)) for name in names), ZERO)
    cash = abs(after.portfolio.cash - before.portfolio.cash)
    return (moved + cash) / 2
