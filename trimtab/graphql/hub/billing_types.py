"""What using providers' models costs: accruals by day, statements by month; and notes about them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.matrix import Operation
from trimtab.db.hub_billing import lines_of, statement_of
from trimtab.db.hub_export import statement_csv
from trimtab.domain.hub.statements import Statement
from trimtab.graphql.context import Info

MOST_LINES = 500


@strawberry.type(description="The fee of one model for one calendar day, on the assets of a business date.")
class ProviderAccrual:
    day: date
    business_date: date
    provider_id: str
    model_id: str
    schedule: str
    accounts: int
    assets: Decimal = strawberry.field(description="Dollars that follow the model.")
    rate_bps: Decimal = strawberry.field(description="A year, over the assets of the schedule.")
    fee: Decimal = strawberry.field(description="Dollars, to six places.")

    @classmethod
    def of(cls, row: Row[Any]) -> "ProviderAccrual":
        names = ("day", "business_date", "provider_id", "model_id", "schedule", "accounts", "assets", "rate_bps", "fee")
        return cls(**{name: getattr(row, name) for name in names})


@strawberry.type(description="One line of a statement; a correction is a line of its own.")
class StatementLine:
    line: int
    kind: str = strawberry.field(description="ASSETS, MINIMUM or ADJUSTMENT.")
    model_id: str | None
    account_id: str | None
    days: int | None
    average_assets: Decimal | None = strawberry.field(description="Dollars, over the month's days in force.")
    amount: Decimal = strawberry.field(description="Dollars and cents, negative for a credit.")
    reason: str
    entered_by: str

    @classmethod
    def of(cls, row: Row[Any]) -> "StatementLine":
        names = ("line", "kind", "model_id", "account_id", "days", "average_assets", "amount", "reason", "entered_by")
        return cls(**{name: getattr(row, name) for name in names})


@strawberry.type(description="A provider's bill for a month: final once another person has approved it.")
class BillingStatement:
    statement_id: strawberry.ID
    provider_id: str
    month: str
    number: int
    status: str = strawberry.field(description="DRAFT, FINAL or REJECTED.")
    days_in_force: int
    accrued: Decimal = strawberry.field(description="Dollars, to six places.")
    total: Decimal = strawberry.field(description="Dollars and cents: the sum of the lines.")
    line_count: int
    proposed_by: list[str]
    decided_by: str | None
    decision_reason: str

    @classmethod
    def of(cls, statement: Statement) -> "BillingStatement":
        return cls(
            statement_id=strawberry.ID(statement.id),
            provider_id=statement.provider_id,
            month=statement.month,
            number=statement.number,
            status=statement.status.value,
            days_in_force=statement.days_in_force,
            accrued=statement.accrued,
            total=statement.total,
            line_count=statement.lines,
            proposed_by=list(statement.proposed_by),
            decided_by=statement.decided_by,
            decision_reason=statement.decision_reason,
        )

    @strawberry.field(description="At most 500, after the given line.")
    async def lines(self, info: Info, first: int = MOST_LINES, after: int = 0) -> list[StatementLine]:
        size, statement_id = max(0, min(first, MOST_LINES)), str(self.statement_id)
        rows = await info.context.reader.run(lambda one: lines_of(one, statement_id, max(0, after), size))
        return [StatementLine.of(row) for row in rows]

    @strawberry.field(description="All lines and the total, as CSV.")
    async def csv(self, info: Info) -> str:
        def write(one: Connection) -> str:
            found = statement_of(one, str(self.statement_id))
            return "" if found is None else statement_csv(one, found[0])

        return await info.context.reader.run(write)


@strawberry.type(description="What somebody has found out about a provider, or one of its models.")
class ResearchNote:
    note_id: strawberry.ID
    provider_id: str
    model_id: str | None
    version: int | None
    author: str
    title: str
    body: str
    written_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "ResearchNote":
        names = ("note_id", "provider_id", "model_id", "version", "author", "title", "body")
        return cls(**{name: getattr(row, name) for name in names}, written_at=row.recorded_at)


FEES = (Operation.SET_FEE_SCHEDULE, Operation.PUBLISH_MODELS)
"""The rows of which one must let a person read what models cost: fees, or models."""
