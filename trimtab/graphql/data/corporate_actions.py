"""Corporate actions as the API shows them: who has applied them, and what they will do."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.corporate_action_desk import ApplicationLine, EventLine, KeptLot
from trimtab.corporate_action_preview import AccountPreview
from trimtab.domain import corporate_actions_sync as domain
from trimtab.domain.corporate_actions_lifecycle import EventState
from trimtab.domain.lots import TaxLot


@strawberry.type(description="An event's last version, and where it stands.")
class CorporateAction:
    event_id: str
    version: int
    kind: str = strawberry.field(description="ISO 20022 event code.")
    security_id: str
    ex_on: date
    state: str = strawberry.field(description="ANNOUNCED, CONFIRMED, APPLIED, RECONCILED or REVERSED.")
    code: str | None = strawberry.field(description="What it waits for.")
    sources: list[str] = strawberry.field(description="Those that tell of the same terms.")
    approved_by: list[str]
    persons_needed: int = strawberry.field(description="How many have to approve it altogether.")
    accounts_applied: int
    accounts_reconciled: int

    @classmethod
    def of(cls, line: EventLine) -> "CorporateAction":
        event = line.event
        return cls(
            event_id=event.event_id,
            version=event.version,
            kind=event.kind.value,
            security_id=event.security_id,
            ex_on=event.ex_on,
            state=line.state.value,
            code=None if event.code is None else event.code.value,
            sources=list(event.sources),
            approved_by=list(event.approved_by),
            persons_needed=event.persons_needed,
            accounts_applied=line.accounts.get(EventState.APPLIED, 0),
            accounts_reconciled=line.accounts.get(EventState.RECONCILED, 0),
        )


@strawberry.type(description="A state that a version of an event has reached.")
class CorporateActionStep:
    version: int
    state: str = strawberry.field(description="ANNOUNCED, CONFIRMED or REVERSED: of the event itself.")
    business_date: date = strawberry.field(description="Of the run that saw it first.")
    recorded_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "CorporateActionStep":
        return cls(version=row.version, state=row.state, business_date=row.business_date, recorded_at=row.recorded_at)


@strawberry.type(description="A tax lot as it was kept with an event.")
class KeptEventLot:
    lot_id: str
    security_id: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal | None = strawberry.field(description="Dollars of the whole lot; null when nobody knows it.")

    @classmethod
    def of(cls, lot: KeptLot) -> "KeptEventLot":
        return cls(
            lot_id=lot.lot_id,
            security_id=lot.security_id or lot.security_key,
            quantity=lot.quantity,
            acquired_on=lot.acquired_on,
            cost=lot.cost,
        )


@strawberry.type(description="What a version of an event did to an account. Money in dollars.")
class CorporateActionApplication:
    account_id: str
    version: int
    state: str = strawberry.field(description="APPLIED, RECONCILED or REVERSED.")
    business_date: date
    booked_by: str = strawberry.field(description="Who booked it first: TRIMTAB or CUSTODIAN.")
    before: list[KeptEventLot]
    after: list[KeptEventLot]
    cash: Decimal
    income: Decimal
    gain: Decimal = strawberry.field(description="Recognized; negative for a loss.")

    @classmethod
    def of(cls, line: ApplicationLine) -> "CorporateActionApplication":
        done = line.application
        return cls(
            account_id=line.account_id,
            version=done.version,
            state=done.state.value,
            business_date=done.business_date,
            booked_by=done.booked_by.value,
            before=[KeptEventLot.of(lot) for lot in line.before],
            after=[KeptEventLot.of(lot) for lot in line.after],
            cash=done.cash,
            income=done.income,
            gain=done.gain,
        )


@strawberry.type(description="The life of an event, and what it has done to accounts.")
class CorporateActionHistory:
    states: list[CorporateActionStep]
    applications: list[CorporateActionApplication] = strawberry.field(
        description="By account, each in the order of recording."
    )


@strawberry.type(description="An event, and which source has applied it: APPLIED, WAITING or NOT_CONCERNED.")
class CorporateActionSync:
    event_id: str
    version: int
    kind: str = strawberry.field(description="ISO 20022 event code.")
    security_id: str
    ex_on: date
    status: str
    holdings: str
    prices: str
    models: str
    risk_model: str
    synced: bool

    @classmethod
    def of(cls, line: domain.SyncLine) -> "CorporateActionSync":
        event, states = line.event, line.states
        return cls(
            event_id=event.event_id,
            version=event.version,
            kind=event.kind.value,
            security_id=event.security_id,
            ex_on=event.ex_on,
            status=event.status.value,
            holdings=states[domain.Source.HOLDINGS].value,
            prices=states[domain.Source.PRICES].value,
            models=states[domain.Source.MODELS].value,
            risk_model=states[domain.Source.RISK_MODEL].value,
            synced=line.is_synced,
        )


@strawberry.type(description="A tax lot before or after an event.")
class EventLot:
    lot_id: str
    security_id: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal = strawberry.field(description="Dollars of the whole lot.")

    @classmethod
    def of(cls, lot: TaxLot) -> "EventLot":
        return cls(
            lot_id=lot.id,
            security_id=lot.security_id,
            quantity=lot.quantity,
            acquired_on=lot.acquired_on,
            cost=lot.cost,
        )


@strawberry.type(description="One account before and after an event. Money in dollars.")
class EventAccount:
    account_id: str
    before: list[EventLot]
    after: list[EventLot]
    cash: Decimal
    income: Decimal
    gain: Decimal = strawberry.field(description="Recognized; negative for a loss.")

    @classmethod
    def of(cls, account: AccountPreview) -> "EventAccount":
        return cls(
            account_id=account.account_id,
            before=[EventLot.of(lot) for lot in account.before],
            after=[EventLot.of(lot) for lot in account.outcome.lots],
            cash=account.outcome.cash,
            income=account.outcome.income,
            gain=account.gain,
        )


@strawberry.type(description="What an event will do. When it waits, `code` and `message` say for what.")
class CorporateActionPreview:
    accounts: list[EventAccount]
    code: str | None = None
    message: str | None = None
