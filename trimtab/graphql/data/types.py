"""Data decisions and the queues that they come from, as the API shows them."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import strawberry
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db import data_changes as stored
from trimtab.db.data_changes import DataChangeKind as Kind
from trimtab.domain import restriction_lists
from trimtab.unknown_securities import IncompleteSecurity as IncompleteEntry
from trimtab.unknown_securities import UnknownSecurity as UnknownEntry

_OPERATIONS = {
    Kind.POLICY: Operation.SET_AUTOMATED_TRADING_FILTER,
    Kind.ACCEPTED_EXCEPTION: Operation.OVERRIDE_PRICE,
    Kind.IDENTIFIER: Operation.EDIT_SECURITY_MASTER,
    Kind.SECURITY: Operation.EDIT_SECURITY_MASTER,
    Kind.RISK_PROXY: Operation.EDIT_SECURITY_MASTER,
    Kind.RESTRICTION_LIST: Operation.EDIT_RESTRICTION_LISTS,
    Kind.CORPORATE_ACTION: Operation.EDIT_SECURITY_MASTER,
    Kind.ELECTION: Operation.EDIT_SECURITY_MASTER,
}
"""The row of the authorization matrix that a kind of change goes through."""


@strawberry.enum(description="What a data change is about.")
class DataPart(StrEnum):
    POLICY = "POLICY"
    ACCEPTED_EXCEPTION = "ACCEPTED_EXCEPTION"
    IDENTIFIER = "IDENTIFIER"
    SECURITY = "SECURITY"
    RISK_PROXY = "RISK_PROXY"
    RESTRICTION_LIST = "RESTRICTION_LIST"
    CORPORATE_ACTION = "CORPORATE_ACTION"
    ELECTION = "ELECTION"

    @property
    def kind(self) -> Kind:
        return Kind[self.name]

    @property
    def operation(self) -> Operation:
        return _OPERATIONS[self.kind]


OPERATIONS = tuple(dict.fromkeys(_OPERATIONS.values()))


@strawberry.type(description="A security of the master that an unknown identifier may mean.")
class SecurityCandidate:
    security_id: str
    because: str


@strawberry.type(description="A model and the weight, a fraction, that it gives a name.")
class ModelWeight:
    model_id: str
    weight: Decimal


@strawberry.type(description="An identifier of holdings or models that the security master does not know.")
class UnknownSecurity:
    key: str
    scheme: str = strawberry.field(description="cusip, isin, figi or symbol, by its form.")
    check_digit: str = strawberry.field(description="GOOD, BAD, OWN (a range that users give out themselves) or NONE.")
    accounts: int = strawberry.field(description="How many accounts hold it, and are suspended for it.")
    market_value: Decimal = strawberry.field(description="Dollars of all holders, the custodian's figure.")
    models: list[ModelWeight]
    candidates: list[SecurityCandidate]

    @classmethod
    def of(cls, entry: UnknownEntry) -> "UnknownSecurity":
        return cls(
            key=entry.key,
            scheme=entry.scheme,
            check_digit=entry.check_digit.value,
            accounts=len(entry.accounts),
            market_value=entry.market_value,
            models=[ModelWeight(model_id=name, weight=weight) for name, weight in sorted(entry.models.items())],
            candidates=[
                SecurityCandidate(security_id=one.security_id, because=one.because) for one in entry.candidates
            ],
        )


@strawberry.type(description="A security that is held and not bought until it is complete.")
class IncompleteSecurity:
    security_id: str
    lacks: list[str]
    accounts: int
    market_value: Decimal
    models: list[ModelWeight]
    proxy: str = strawberry.field(description="Where its risk is from, when it is a proxy's; else empty.")

    @classmethod
    def of(cls, entry: IncompleteEntry) -> "IncompleteSecurity":
        return cls(
            security_id=entry.security_id,
            lacks=list(entry.lacks),
            accounts=entry.accounts,
            market_value=entry.market_value,
            models=[ModelWeight(model_id=name, weight=weight) for name, weight in sorted(entry.models.items())],
            proxy=entry.proxy,
        )


@strawberry.type(description="A version of a restriction list.")
class RestrictionList:
    list_id: str
    version: int
    as_of: date
    rule: str
    reason: str
    securities: list[str]
    accounts: list[str]
    programmes: list[str]
    by_choice: bool
    faults: list[str]

    @classmethod
    def of(cls, each: restriction_lists.RestrictionList) -> "RestrictionList":
        return cls(
            list_id=each.id,
            version=each.version,
            as_of=each.as_of,
            rule=each.rule.value,
            reason=each.reason,
            securities=list(each.securities),
            accounts=list(each.accounts),
            programmes=list(each.programmes),
            by_choice=each.by_choice,
            faults=list(each.faults),
        )


@strawberry.type(description="A name of a list that accounts hold or models want.")
class ListHit:
    list_id: str
    version: int
    security_id: str
    accounts: int
    market_value: Decimal
    models: list[ModelWeight]

    @classmethod
    def of(cls, hit: restriction_lists.ScreenHit) -> "ListHit":
        return cls(
            list_id=hit.list_id,
            version=hit.version,
            security_id=hit.security_id,
            accounts=hit.accounts,
            market_value=hit.market_value,
            models=[ModelWeight(model_id=name, weight=weight) for name, weight in (hit.models or {}).items()],
        )


@strawberry.type(description="A change to the firm's data, and what became of it.")
class DataChange:
    change_id: str
    part: DataPart
    key: str
    value: JSON | None
    effective_from: date
    reason: str
    proposed_by: list[str]
    status: str
    decided_by: str | None
    decision_reason: str

    @classmethod
    def of(cls, change: stored.DataChange) -> "DataChange":
        return cls(
            change_id=change.change_id,
            part=DataPart[change.kind.name],
            key=change.key,
            value=None if change.value is None else JSON(dict(change.value)),
            effective_from=change.effective_from,
            reason=change.reason,
            proposed_by=list(change.proposed_by),
            status=change.status.value,
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
        )
