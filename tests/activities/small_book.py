"""A firm with a few accounts on one stepped business day, whose account-days can be put where a test wants them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, Row, func, insert, select

from trimtab.activities.clock import open_run, publish_event
from trimtab.contracts import AccountDayRef, DayRequest, EventRef, RunRef, StageOutcome, account_day_id, run_id
from trimtab.db.account_days import lock_accounts, open_days
from trimtab.db.decisions import write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.filters import write_facts
from trimtab.db.stages import StageResult, get_or_compute
from trimtab.db.tables import (
    account,
    account_day,
    alert,
    decision,
    event,
    firm,
    household,
    market_event,
    outbox,
    record,
    suspension,
)
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Measures, ProposedTrade, RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId

FIRM = "firm-1"
DAY = date(2026, 3, 3)
BEFORE = date(2026, 3, 2)
BUILD = "test"


@dataclass
class SmallBook:
    """Accounts A1 and A2 in household H1, A3 in H2."""

    engine: Engine

    def founded(self, clock_mode: str = "stepped", lifecycle_pages: str = "never") -> "SmallBook":
        with self.transaction() as connection:
            connection.execute(
                insert(firm).values(firm_id=FIRM, name="F", clock_mode=clock_mode, lifecycle_pages=lifecycle_pages)
            )
            connection.execute(insert(household), [{"firm_id": FIRM, "household_id": each} for each in ("H1", "H2")])
            connection.execute(
                insert(account),
                [
                    {"firm_id": FIRM, "account_id": name, "household_id": home, "advisor_id": "ann", "profile": {}}
                    for name, home in (("A1", "H1"), ("A2", "H1"), ("A3", "H2"))
                ],
            )
        return self

    def transaction(self) -> Any:
        return firm_transaction(self.engine, FIRM)

    def opened(self, on: date = DAY) -> RunRef:
        """The run of the day, with an account-day of each account."""
        with self.transaction() as connection:
            run = open_run(connection, DayRequest(FIRM, on)).run
            open_days(connection, FIRM, run.run_id, on, lock_accounts(connection, ["H1", "H2"]))
        return run

    def ref(self, account_id: str = "A1", on: date = DAY) -> AccountDayRef:
        return AccountDayRef(FIRM, run_id(FIRM, on), account_day_id(account_id, on, 1), account_id, on)

    def publish(self, *kinds: MarketEventKind, on: date = DAY) -> None:
        run = RunRef(FIRM, run_id(FIRM, on), on)
        with self.transaction() as connection:
            for kind in kinds:
                event_id = connection.scalar(
                    select(market_event.c.event_id).where(
                        market_event.c.run_id == run.run_id, market_event.c.kind == str(kind)
                    )
                )
                publish_event(connection, EventRef(run, str(event_id), kind))

    # --- putting an account-day somewhere ------------------------------------------------------------------------

    def step(self, ref: AccountDayRef, outcome: StageOutcome, **changes: Any) -> StageOutcome:
        """One stage that comes to this outcome."""
        detail = {"proposal": changes.get("proposal_hash") or self.day(ref).proposal_hash}
        with self.transaction() as connection:
            return get_or_compute(
                connection,
                ref,
                Stage(outcome.stage),
                {"outcome": outcome, "version": self.day(ref).version},
                lambda: StageResult(outcome, detail, changes),
                build=BUILD,
            )

    def analysed(self, ref: AccountDayRef, proposal: RebalanceProposal | None = None, **facts: Any) -> str:
        """Through ingest, validate and analyze; returns the proposal's hash."""
        proposal = proposal or a_proposal(ref)
        self.step(ref, StageOutcome(Stage.INGEST, Stage.VALIDATE))
        self.step(ref, StageOutcome(Stage.VALIDATE, Stage.ANALYZE), snapshot_hash="snapshot-1")
        digest = content_hash(proposal)
        with self.transaction() as connection:
            proposal_id = write_proposal(connection, ref, digest, "input-1", plain(proposal), "trimtab")
            write_facts(connection, FIRM, ref.run_id, AccountFacts(ref.account_id, **facts))
        self.step(ref, StageOutcome(Stage.ANALYZE, Stage.FILTER), proposal_id=proposal_id, proposal_hash=digest)
        return digest

    def in_review(self, ref: AccountDayRef, proposal: RebalanceProposal | None = None) -> str:
        digest = self.analysed(ref, proposal)
        self.step(ref, StageOutcome(Stage.FILTER, Standstill.REVIEW, lane=Lane.REVIEW, reason="a person looks"))
        return digest

    def at_approve(self, ref: AccountDayRef, lane: Lane, proposal: RebalanceProposal | None = None) -> str:
        digest = self.analysed(ref, proposal)
        if lane is Lane.AUTOMATED:
            self.step(ref, StageOutcome(Stage.FILTER, Stage.APPROVE, lane=lane))
        else:
            self.step(ref, StageOutcome(Stage.FILTER, Standstill.REVIEW, lane=lane))
            self.step(ref, StageOutcome(Stage.REVIEW, Stage.APPROVE))
        return digest

    def suspended(self, ref: AccountDayRef, code: str = "LOT_MISMATCH") -> str:
        """By validation, with its row; returns the suspension's id."""
        self.step(ref, StageOutcome(Stage.INGEST, Stage.VALIDATE))
        suspension_id = self.suspend(ref.account_id, code)
        self.step(ref, StageOutcome(Stage.VALIDATE, Standstill.SUSPENDED, code=code, reason="lots and position differ"))
        return suspension_id

    # --- what people and feeds do ----------------------------------------------------------------------------------

    def decide(self, ref: AccountDayRef, kind: str, digest: str, **more: Any) -> str:
        usual = {"actor": "rob", "actor_roles": ["overlay_manager"], "reason": "looked at", "status": "ACCEPTED"}
        values = usual | more
        with self.transaction() as connection:
            number = connection.scalar(select(func.count()).select_from(decision))
            decision_id = f"decision-{number}"
            connection.execute(
                insert(decision).values(
                    firm_id=FIRM,
                    decision_id=decision_id,
                    account_day_id=ref.account_day_id,
                    account_id=ref.account_id,
                    kind=kind,
                    proposal_hash=digest,
                    **values,
                )
            )
        return decision_id

    def suspend(self, account_id: str, code: str = "ADVISOR", kind: str = "ADVISOR") -> str:
        with self.transaction() as connection:
            suspension_id = f"suspension-{connection.scalar(select(func.count()).select_from(suspension))}"
            connection.execute(
                insert(suspension).values(
                    firm_id=FIRM,
                    suspension_id=suspension_id,
                    scope="ACCOUNT",
                    scope_id=account_id,
                    kind=kind,
                    code=code,
                    reason=f"{code} was found",
                    since=DAY,
                    opened_by="trimtab",
                )
            )
        return suspension_id

    def lift(self, suspension_id: str) -> None:
        with self.transaction() as connection:
            connection.execute(
                suspension.update()
                .where(suspension.c.suspension_id == suspension_id)
                .values(lifted_on=DAY, lifted_by="dan", lift_reason="corrected")
            )

    # --- looking ---------------------------------------------------------------------------------------------------

    def day(self, ref: AccountDayRef) -> Row[Any]:
        with self.transaction() as connection:
            row: Row[Any] = connection.execute(
                select(account_day).where(account_day.c.account_day_id == ref.account_day_id)
            ).one()
            return row

    def records(self, ref: AccountDayRef) -> list[str]:
        with self.transaction() as connection:
            rows = select(record.c.kind).where(record.c.account_id == ref.account_id).order_by(record.c.seq)
            return list(connection.scalars(rows))

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        with self.transaction() as connection:
            return list(connection.scalars(select(event.c.body).where(event.c.kind == kind).order_by(event.c.event_id)))

    def alerts(self) -> list[tuple[str, str]]:
        with self.transaction() as connection:
            rows = select(alert.c.cause, alert.c.scope).order_by(alert.c.recorded_at)
            return [(row.cause, row.scope) for row in connection.execute(rows)]

    def commands(self) -> list[tuple[str, str | None]]:
        """Workflow id and signal (None: a start) of each outbox row."""
        with self.transaction() as connection:
            rows = select(outbox.c.workflow_id, outbox.c.signal).order_by(outbox.c.outbox_id)
            return [(row.workflow_id, row.signal) for row in connection.execute(rows)]


def a_proposal(ref: AccountDayRef, trades: tuple[ProposedTrade, ...] | None = None) -> RebalanceProposal:
    """Buys ten shares at $100."""
    measures = Measures(Decimal(100_000), Decimal(1_000), Decimal("0.05"), Decimal("0.1"), Decimal("0.02"))
    return RebalanceProposal(
        account_id=ref.account_id,
        business_date=ref.business_date,
        input_hash="input-1",
        outcome=AnalysisOutcome.OPTIMAL,
        trades=(a_buy(10, 100),) if trades is None else trades,
        why_nots=(),
        before=measures,
        after=measures,
        short_term_gain=Decimal(0),
        long_term_gain=Decimal(0),
        tax=Decimal(0),
        cost=Decimal(1),
        turnover=Decimal("0.005"),
        benefit_bps=Decimal(4),
        gap_bps=Decimal(0),
        score=Decimal(40),
    )


def a_buy(shares: int, price: int) -> ProposedTrade:
    return ProposedTrade(SecurityId("S1"), Side.BUY, Decimal(shares), Decimal(price), Decimal(shares * price), (), ())


def an_intent(ref: AccountDayRef, digest: str) -> dict[str, Any]:
    """A pending purchase of ten shares, as a row."""
    return {
        "firm_id": FIRM,
        "intent_id": "intent-1",
        "account_day_id": ref.account_day_id,
        "account_id": ref.account_id,
        "household_id": "H1",
        "business_date": ref.business_date,
        "proposal_hash": digest,
        "leg": 0,
        "security_id": "S1",
        "wash_key": "S1",
        "side": "BUY",
        "quantity": 10,
        "reference_price": 100,
        "realizes_loss": False,
        "lot_sales": [],
        "programme": "CORE",
        "build": BUILD,
        "status": "PENDING",
    }
