"""An analysis: what it proposes, for which reasons, and what it does not propose."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.graphql.context import Info
from trimtab.graphql.history.types import Actor, actor
from trimtab.graphql.securities import Security, security_of

Json = Mapping[str, Any]


@strawberry.type(description="Shares of one lot to be sold; dollars. The gain is negative for a loss.")
class LotSale:
    lot_id: str
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    gain: Decimal
    term: str

    @classmethod
    def of(cls, sale: Json) -> "LotSale":
        numbers = {name: Decimal(sale[name]) for name in ("quantity", "proceeds", "basis", "gain")}
        return cls(lot_id=sale["lot_id"], term=sale["term"], **numbers)


@strawberry.type(description="Why a trade is proposed.")
class Reason:
    code: str
    sentence: str


@strawberry.type(description="Why a trade that drift or a loss suggests is not proposed.")
class WhyNot:
    security_id: str
    code: str
    sentence: str

    @strawberry.field(description="Null when the security master does not have it any more.")
    async def security(self, info: Info) -> Security | None:
        return await security_of(info, self.security_id)


@strawberry.type(description="One leg. Quantity is positive for buys and sells; price is the close that was used.")
class Trade:
    security_id: str
    side: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    lot_sales: list[LotSale]
    reasons: list[Reason]

    @strawberry.field(description="Null when the security master does not have it any more.")
    async def security(self, info: Info) -> Security | None:
        return await security_of(info, self.security_id)

    @classmethod
    def of(cls, trade: Json) -> "Trade":
        return cls(
            security_id=trade["security_id"],
            side=trade["side"],
            quantity=Decimal(trade["quantity"]),
            price=Decimal(trade["price"]),
            notional=Decimal(trade["notional"]),
            lot_sales=[LotSale.of(sale) for sale in trade.get("lot_sales", ())],
            reasons=[Reason(code=one["code"], sentence=one["sentence"]) for one in trade.get("reasons", ())],
        )


@strawberry.type(description="The account before or after the trades; weights and risk are fractions of its value.")
class Measures:
    account_value: Decimal
    cash: Decimal
    max_drift: Decimal
    active_share: Decimal
    tracking_error: Decimal

    @classmethod
    def of(cls, measures: Json) -> "Measures":
        names = ("account_value", "cash", "max_drift", "active_share", "tracking_error")
        return cls(**{name: Decimal(measures[name]) for name in names})


@strawberry.type(description="A proposal. What is approved is exactly this content, named by its hash.")
class Proposal:
    body: strawberry.Private[Json]
    proposer_id: strawberry.Private[str]
    id: strawberry.ID
    version: int
    hash: str
    input_hash: str
    proposed_at: datetime

    @strawberry.field
    async def proposed_by(self, info: Info) -> Actor:
        return await actor(info, self.proposer_id)

    @strawberry.field
    def outcome(self) -> str:
        return str(self.body["outcome"])

    @strawberry.field(description="What clashes, when the outcome is CONFLICT or SOLVER_FAILED.")
    def note(self) -> str:
        return str(self.body.get("note", ""))

    @strawberry.field(description="FULL; REDUCED, MINIMUM or HOLD where there was no time for all of the problem.")
    def rung(self) -> str:
        return str(self.body.get("rung", "FULL"))

    @strawberry.field(description="Who answered: SCREEN, FAST or CLARABEL.")
    def solver_lane(self) -> str:
        return str(self.body.get("lane", ""))

    @strawberry.field
    def trade_count(self) -> int:
        return len(self.body["trades"])

    @strawberry.field(description="Dollars bought plus dollars sold.")
    def traded_value(self) -> Decimal:
        return sum((Decimal(trade["notional"]) for trade in self.body["trades"]), Decimal(0))

    @strawberry.field
    def trades(self) -> list[Trade]:
        return [Trade.of(trade) for trade in self.body["trades"]]

    @strawberry.field
    def why_nots(self) -> list[WhyNot]:
        return [
            WhyNot(security_id=one["security_id"], code=one["code"], sentence=one["sentence"])
            for one in self.body["why_nots"]
        ]

    @strawberry.field
    def before(self) -> Measures:
        return Measures.of(self.body["before"])

    @strawberry.field
    def after(self) -> Measures:
        return Measures.of(self.body["after"])

    @strawberry.field(description="Net, dollars; negative for a loss.")
    def short_term_gain(self) -> Decimal:
        return self._number("short_term_gain")

    @strawberry.field(description="Net, dollars; negative for a loss.")
    def long_term_gain(self) -> Decimal:
        return self._number("long_term_gain")

    @strawberry.field(description="Dollars at the account's rates; negative is tax saved.")
    def tax(self) -> Decimal:
        return self._number("tax")

    @strawberry.field(description="Dollars of spread and commission.")
    def cost(self) -> Decimal:
        return self._number("cost")

    @strawberry.field(description="One-way, fraction of the account's value.")
    def turnover(self) -> Decimal:
        return self._number("turnover")

    @strawberry.field(description="Improvement over trading nothing, basis points of the account's value.")
    def benefit_bps(self) -> Decimal:
        return self._number("benefit_bps")

    @strawberry.field(description="Certified distance to the best possible trades, basis points.")
    def gap_bps(self) -> Decimal:
        return self._number("gap_bps")

    @strawberry.field(description="Benefit over tax paid and cost.")
    def score(self) -> Decimal:
        return self._number("score")

    def _number(self, name: str) -> Decimal:
        return Decimal(self.body[name])

    @classmethod
    def of(cls, row: Row[Any]) -> "Proposal":
        return cls(
            body=row.body,
            proposer_id=row.proposed_by,
            id=strawberry.ID(row.proposal_id),
            version=row.version,
            hash=row.content_hash,
            input_hash=row.input_hash,
            proposed_at=row.recorded_at,
        )
