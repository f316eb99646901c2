"""A firm with accounts in review, written through the same functions as the day's stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, insert, update

from trimtab.contracts import AccountDayRef, StageOutcome, account_day_id, lifecycle_workflow_id, run_id
from trimtab.db.account_days import lock_day, move_on
from trimtab.db.content import put_content
from trimtab.db.decisions import write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.filters import write_facts
from trimtab.db.people import PersonOnFile, put_person
from trimtab.db.tables import (
    account,
    account_day,
    delivery,
    firm,
    household,
    market_event,
    run,
    security_fact,
)
from trimtab.domain.account_measures import facts_of
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import (
    Account,
    AccountId,
    CashBalance,
    HouseholdId,
    ModelId,
    PersonId,
    Position,
    Registration,
)
from trimtab.domain.lifecycle import Lane, Stage, Standstill
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.orders import Side
from trimtab.domain.proposals import (
    AnalysisOutcome,
    LotSale,
    Measures,
    ProposedTrade,
    Reason,
    ReasonCode,
    RebalanceProposal,
    WhyNot,
    WhyNotCode,
)
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, WashWindows

ON = date(2026, 3, 2)
AS_OF = date(2026, 2, 27)
VTI = SecurityId("VTI")
BND = SecurityId("BND")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


@dataclass
class Book:
    """One firm in one database."""

    engine: Engine
    firm_id: str = "firm-a"

    def write(self, work: Any) -> Any:
        with firm_transaction(self.engine, self.firm_id) as connection:
            return work(connection)

    def found(self, *, approval_limit: str = "250000") -> Book:
        """The firm, its run of the day with its clock at the open, and its people."""
        self.write(lambda one: _found(one, self.firm_id, approval_limit))
        return self

    def add_account(self, account_id: str, *, advisor: str = "adv-1", discretionary: bool = True) -> str:
        self.write(lambda one: _account(one, self.firm_id, account_id, advisor, discretionary))
        return account_id

    def add_day(self, account_id: str) -> AccountDayRef:
        """An account-day that stands at ingest."""
        ref: AccountDayRef = self.write(lambda one: _day(one, self.firm_id, account_id))
        return ref

    def add_review(
        self,
        account_id: str,
        *,
        lane: Lane = Lane.REVIEW,
        advisor: str = "adv-1",
        discretionary: bool = True,
        proposed_by: str = "trimtab",
        notional: str = "10000",
    ) -> Waiting:
        """An account that waits for a decision on one sale of VTI of this notional."""
        self.add_account(account_id, advisor=advisor, discretionary=discretionary)
        ref = self.add_day(account_id)
        proposal = a_proposal(account_id, notional=notional)
        digest = content_hash(proposal)
        self.write(lambda one: _to_review(one, ref, proposal, digest, lane, proposed_by))
        row = self.day(ref)
        return Waiting(ref, digest, row.version)

    def day(self, ref: AccountDayRef) -> Any:
        return self.write(
            lambda one: one.execute(
                account_day.select().where(account_day.c.account_day_id == ref.account_day_id)
            ).one()
        )

    def rows(self, table: Any, *where: Any) -> list[Any]:
        rows: list[Any] = self.write(lambda one: one.execute(table.select().where(*where)).all())
        return rows

    def add_securities(self) -> None:
        """The security master: VTI of US_LARGE and BND of BONDS."""
        self.write(lambda one: _securities(one, self.firm_id))

    def publish(self, kind: str) -> None:
        """The business clock passes the event."""
        self.write(
            lambda one: one.execute(update(market_event).where(market_event.c.kind == kind).values(published_at=at(20)))
        )


@dataclass(frozen=True)
class Waiting:
    """An account-day in review, as a page would show it."""

    ref: AccountDayRef
    proposal_hash: str
    version: int

    @property
    def variables(self) -> dict[str, Any]:
        return {
            "accountDayId": self.ref.account_day_id,
            "proposalHash": self.proposal_hash,
            "version": self.version,
        }


def _found(one: Connection, firm_id: str, approval_limit: str) -> None:
    one.execute(insert(firm).values(firm_id=firm_id, name=firm_id, clock_mode="stepped", approval_limit=approval_limit))
    one.execute(
        insert(run).values(
            firm_id=firm_id,
            run_id=run_id(firm_id, ON),
            business_date=ON,
            as_of=AS_OF,
            clock_mode="stepped",
            status="OPEN",
            phase="review",
            seconds={"ingest": 1.5},
        )
    )
    clock = [("RUN_START", 9, 0), ("OPEN", 14, 30), ("REVIEW_EXPIRY", 19, 0), ("CLOSE", 21, 0)]
    for place, (kind, hour, minute) in enumerate(clock):
        one.execute(
            insert(market_event).values(
                firm_id=firm_id,
                event_id=f"{firm_id}-{kind}",
                run_id=run_id(firm_id, ON),
                kind=kind,
                ordinal=place,
                at=at(hour, minute),
                published_at=at(hour, minute) if place < 2 else None,
            )
        )
    for person_id, name in (("olga", "Olga Overlay"), ("carl", "Carl Compliance"), ("anna", "Anna Advisor")):
        put_person(one, PersonOnFile(person_id, firm_id, f"{person_id}@{firm_id}.example", name, "-"))


def _securities(one: Connection, firm_id: str) -> None:
    master = {"firm_id": firm_id, "delivery_id": "securities-1"}
    one.execute(
        insert(delivery).values(
            **master,
            kind="securities",
            business_date=ON,
            file_name="securities.csv",
            content_hash="0" * 64,
            row_count=2,
            status="LOADED",
        )
    )
    for line, (symbol, asset_class) in enumerate((("VTI", "US_LARGE"), ("BND", "BONDS"))):
        one.execute(
            insert(security_fact).values(
                **master,
                line=line,
                security_id=symbol,
                symbol=symbol,
                name=f"The {symbol} fund",
                kind="ETF",
                asset_class=asset_class,
                currency="USD",
                tradable=True,
                whole_shares=True,
                wash_group=symbol,
                half_spread_bps=Decimal(1),
            )
        )


def _account(one: Connection, firm_id: str, account_id: str, advisor: str, discretionary: bool) -> None:
    one.execute(insert(household).values(firm_id=firm_id, household_id=f"H-{account_id}"))
    one.execute(
        insert(account).values(
            firm_id=firm_id,
            account_id=account_id,
            household_id=f"H-{account_id}",
            advisor_id=advisor,
            profile=plain(an_account(account_id, advisor, discretionary)),
        )
    )


def _day(one: Connection, firm_id: str, account_id: str) -> AccountDayRef:
    ref = AccountDayRef(firm_id, run_id(firm_id, ON), account_day_id(account_id, ON, 1), account_id, ON)
    one.execute(
        insert(account_day).values(
            firm_id=firm_id,
            account_day_id=ref.account_day_id,
            run_id=ref.run_id,
            account_id=account_id,
            business_date=ON,
            attempt=1,
            workflow_id=lifecycle_workflow_id(firm_id, account_id, ON, 1),
            stage="ingest",
        )
    )
    return ref


def _to_review(
    one: Connection, ref: AccountDayRef, proposal: RebalanceProposal, digest: str, lane: Lane, proposed_by: str
) -> None:
    snapshot_hash = put_content(one, ref.firm_id, "snapshot", a_snapshot(ref.account_id))
    target_hash = put_content(one, ref.firm_id, "model", a_model())
    write_facts(one, ref.firm_id, ref.run_id, facts_of(a_snapshot(ref.account_id).account, AccountSettings(), proposal))
    proposal_id = write_proposal(one, ref, digest, proposal.input_hash, plain(proposal), proposed_by)
    passes: list[tuple[StageOutcome, dict[str, Any], dict[str, Any]]] = [
        (StageOutcome(Stage.INGEST, Stage.VALIDATE), {}, {}),
        (StageOutcome(Stage.VALIDATE, Stage.ANALYZE), {"snapshot": snapshot_hash}, {"snapshot_hash": snapshot_hash}),
        (
            StageOutcome(Stage.ANALYZE, Stage.FILTER),
            {"proposal": digest, "proposal_id": proposal_id, "snapshot": snapshot_hash, "target": target_hash},
            {"proposal_id": proposal_id, "proposal_hash": digest},
        ),
        (
            StageOutcome(
                Stage.FILTER,
                Standstill.REVIEW,
                lane=lane,
                code="FILTER_REVIEW",
                reason="The review filter wants it: its turnover is 25.0 %.",
            ),
            {"filter": "review", "matched": {"turnover": 0.25}, "proposal": digest},
            {},
        ),
    ]
    for number, (outcome, detail, changes) in enumerate(passes):
        day = lock_day(one, ref)
        move_on(one, ref, day, outcome, input_hash=f"{number:064d}", detail=detail, changes=changes)


def an_account(account_id: str, advisor: str = "adv-1", discretionary: bool = True) -> Account:
    return Account(
        AccountId(account_id),
        HouseholdId(f"H-{account_id}"),
        PersonId(advisor),
        "CORE",
        Registration.INDIVIDUAL,
        ModelId("balanced"),
        discretionary=discretionary,
    )


def a_model() -> ModelPortfolio:
    """Three quarters shares, a quarter bonds."""
    return ModelPortfolio(ModelId("balanced"), 1, AS_OF, {VTI: Decimal("0.75"), BND: Decimal("0.25")}, Decimal(0))


def a_snapshot(account_id: str) -> AccountSnapshot:
    """100 shares of VTI at 150 dollars of cost, and 1,000 dollars."""
    return AccountSnapshot(
        business_date=ON,
        as_of=AS_OF,
        account=an_account(account_id),
        positions=(Position(VTI, Decimal(100), Decimal(20_000)),),
        lots=(TaxLot(LotId("L1"), AccountId(account_id), VTI, Decimal(100), date(2024, 1, 5), Decimal(15_000)),),
        cash=CashBalance(Decimal(1_000)),
        settings=AccountSettings(),
        wash_windows=WashWindows(),
        frozen={},
    )


def a_proposal(account_id: str, *, notional: str = "10000", shares: str = "50") -> RebalanceProposal:
    """Sells 50 shares of VTI, of one lot; explained."""
    value, quantity = Decimal(notional), Decimal(shares)
    sale = LotSale(LotId("L1"), quantity, value, Decimal(7_500), value - 7_500, HoldingPeriod.LONG_TERM)
    trade = ProposedTrade(
        VTI,
        Side.SELL,
        quantity,
        value / quantity,
        value,
        (sale,),
        (Reason(ReasonCode.DRIFT, "VTI is 25.0 % above its target."),),
    )
    measures = Measures(Decimal(21_000), Decimal(1_000), Decimal("0.25"), Decimal("0.2"), Decimal("0.05"))
    return RebalanceProposal(
        account_id=account_id,
        business_date=ON,
        input_hash="1" * 64,
        outcome=AnalysisOutcome.OPTIMAL,
        trades=(trade,),
        why_nots=(WhyNot(BND, WhyNotCode.WASH_SALE_WINDOW, "BND was sold at a loss on 2026-02-20."),),
        before=measures,
        after=measures,
        short_term_gain=Decimal(0),
        long_term_gain=value - 7_500,
        tax=Decimal(500),
        cost=Decimal("4.25"),
        turnover=Decimal("0.25"),
        benefit_bps=Decimal(30),
        gap_bps=Decimal("0.1"),
        score=Decimal(3),
    )
