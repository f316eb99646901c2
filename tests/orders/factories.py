"""A firm that is about to trade: rows up to an approved proposal, so that the order path runs without workflows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, select, update

from trimtab.activities.commit_orders import commit_orders
from trimtab.activities.release import release
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, run_id
from trimtab.db.account_days import lock_accounts, lock_day, move_on, open_days
from trimtab.db.content import put_content
from trimtab.db.decisions import write_policy_approval, write_proposal
from trimtab.db.runs import OPEN, insert_market_events, insert_run, lock_run, mark_published
from trimtab.db.tables import account, account_day, decision, firm, household, person
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, AccountId, CashBalance, HouseholdId, ModelId, PersonId, Registration
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, LotSale, Measures, ProposedTrade, RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, WashWindows

FIRM = "acme"
BROKER = "paper"
BUILD = "0.1.0+test"
AS_OF = date(2026, 3, 2)
DAY = date(2026, 3, 3)
BOUGHT = date(2024, 1, 10)
POLICY = "policy:f1"


@dataclass(frozen=True)
class Plan:
    """One account, what it holds, and the trades that are proposed and approved for it."""

    account_id: str
    trades: tuple[ProposedTrade, ...]
    lots: tuple[TaxLot, ...] = ()
    household_id: str = ""  # '': a household of its own
    cash: str = "100000"
    registration: Registration = Registration.INDIVIDUAL
    settings: AccountSettings = field(default_factory=AccountSettings)
    proposed_by: str = "trimtab"
    approved_by: tuple[str, ...] = (POLICY,)
    discretionary: bool = True

    @property
    def account(self) -> Account:
        return Account(
            AccountId(self.account_id),
            HouseholdId(self.household_id or f"H-{self.account_id}"),
            PersonId("adv-1"),
            "core",
            self.registration,
            ModelId("M"),
            discretionary=self.discretionary,
        )


def a_lot(lot_id: str, security_id: str, quantity: str, unit_cost: str, account_id: str = "A1") -> TaxLot:
    shares = Decimal(quantity)
    return TaxLot(
        LotId(lot_id), AccountId(account_id), SecurityId(security_id), shares, BOUGHT, shares * Decimal(unit_cost)
    )


def a_buy(security_id: str, quantity: str, price: str = "100") -> ProposedTrade:
    shares, close = Decimal(quantity), Decimal(price)
    return ProposedTrade(SecurityId(security_id), Side.BUY, shares, close, shares * close, (), ())


def a_sale(lot: TaxLot, quantity: str, price: str = "100") -> ProposedTrade:
    shares, close = Decimal(quantity), Decimal(price)
    basis = lot.unit_cost * shares
    sale = LotSale(lot.id, shares, shares * close, basis, shares * close - basis, HoldingPeriod.LONG_TERM)
    return ProposedTrade(lot.security_id, Side.SELL, shares, close, shares * close, (sale,), ())


def insert_firm(connection: Connection, firm_id: str = FIRM, **columns: Any) -> None:
    connection.execute(insert(firm).values(firm_id=firm_id, name=firm_id, clock_mode="stepped", **columns))


def insert_person(
    connection: Connection, person_id: str, roles: Sequence[str] = ("overlay_manager",), book: str | None = None
) -> None:
    connection.execute(
        insert(person).values(
            firm_id=FIRM,
            person_id=person_id,
            username=person_id,
            display_name=person_id,
            password_hash="-",
            roles=list(roles),
            advisor_id=book,
        )
    )


def insert_a_run(connection: Connection, on: date = DAY, firm_id: str = FIRM) -> RunRef:
    """An open run with its market events, none of them published."""
    ref = RunRef(firm_id, run_id(firm_id, on), on)
    insert_run(connection, ref, as_of=on - timedelta(days=1), clock_mode="stepped", status=OPEN)
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    insert_market_events(
        connection,
        ref,
        [
            {
                "event_id": event_id(ref, kind),
                "kind": kind.value,
                "ordinal": ordinal,
                "at": midnight + timedelta(hours=8 + ordinal),
            }
            for ordinal, kind in enumerate(MarketEventKind)
        ],
    )
    return ref


def event_id(ref: RunRef, kind: MarketEventKind) -> str:
    return f"{ref.run_id}-{kind}"


def publish(connection: Connection, ref: RunRef, *kinds: MarketEventKind) -> None:
    """The business clock reaches the events."""
    lock_run(connection, ref)
    for kind in kinds:
        mark_published(connection, ref, event_id(ref, kind))


def insert_accounts(connection: Connection, run: RunRef, plans: Sequence[Plan]) -> None:
    """Households and accounts that belong to the run."""
    households = sorted({plan.account.household_id for plan in plans})
    connection.execute(insert(household), [{"firm_id": run.firm_id, "household_id": each} for each in households])
    connection.execute(
        insert(account),
        [
            {
                "firm_id": run.firm_id,
                "account_id": plan.account_id,
                "household_id": plan.account.household_id,
                "advisor_id": plan.account.advisor_id,
                "current_run": run.run_id,
                "profile": plain(plan.account),
            }
            for plan in plans
        ],
    )


def approved_days(connection: Connection, run: RunRef, plans: Sequence[Plan]) -> list[AccountDayRef]:
    """Account-days at TRADE, of new accounts, each with its snapshot, its proposal and its approval."""
    insert_accounts(connection, run, plans)
    return open_approved(connection, run, plans)


def open_approved(connection: Connection, run: RunRef, plans: Sequence[Plan]) -> list[AccountDayRef]:
    """The same for accounts that are there."""
    households = [str(plan.account.household_id) for plan in plans]
    wanted = {plan.account_id for plan in plans}
    rows = [row for row in lock_accounts(connection, households) if row.account_id in wanted]
    refs = {ref.account_id: ref for ref in open_days(connection, run.firm_id, run.run_id, run.business_date, rows)}
    connection.execute(update(account).where(account.c.account_id.in_(wanted)).values(current_run=run.run_id))
    for plan in plans:
        _approve(connection, refs[plan.account_id], plan)
    return [refs[plan.account_id] for plan in plans]


def _approve(connection: Connection, ref: AccountDayRef, plan: Plan) -> None:
    snapshot_hash = put_content(connection, ref.firm_id, "snapshot", a_snapshot(plan, ref.business_date))
    proposal = a_proposal(plan, ref.business_date)
    proposal_hash = content_hash(proposal)
    proposal_id = write_proposal(connection, ref, proposal_hash, proposal.input_hash, plain(proposal), plan.proposed_by)
    by_policy = plan.approved_by == (POLICY,)
    move_on(
        connection,
        ref,
        lock_day(connection, ref),
        StageOutcome(Stage.APPROVE, Stage.TRADE, lane=Lane.AUTOMATED if by_policy else Lane.REVIEW),
        input_hash="",
        detail={},
        changes={"snapshot_hash": snapshot_hash, "proposal_id": proposal_id, "proposal_hash": proposal_hash},
    )
    if by_policy:
        write_policy_approval(connection, ref, proposal_hash, POLICY)
        return
    for approver in plan.approved_by:
        approve_as(connection, ref, proposal_hash, approver)


def approve_as(connection: Connection, ref: AccountDayRef, proposal_hash: str, approver: str, **columns: Any) -> None:
    """An accepted approval by a person."""
    values = {
        "firm_id": ref.firm_id,
        "decision_id": f"{ref.account_day_id}-{approver}",
        "account_day_id": ref.account_day_id,
        "account_id": ref.account_id,
        "kind": "APPROVE",
        "proposal_hash": proposal_hash,
        "actor": approver,
        "actor_roles": ["overlay_manager"],
        "status": "ACCEPTED",
    }
    connection.execute(insert(decision).values(**{**values, **columns}))


def a_snapshot(plan: Plan, on: date = DAY) -> AccountSnapshot:
    return AccountSnapshot(
        business_date=on,
        as_of=on - timedelta(days=1),
        account=plan.account,
        positions=(),
        lots=tuple(replace(lot, account_id=AccountId(plan.account_id)) for lot in plan.lots),
        cash=CashBalance(Decimal(plan.cash)),
        settings=plan.settings,
        wash_windows=WashWindows(),
        frozen={},
    )


def a_proposal(plan: Plan, on: date = DAY) -> RebalanceProposal:
    nothing = Measures(Decimal(0), Decimal(plan.cash), Decimal(0), Decimal(0), Decimal(0))
    zero = Decimal(0)
    return RebalanceProposal(
        account_id=plan.account_id,
        business_date=on,
        input_hash="i" * 64,
        outcome=AnalysisOutcome.OPTIMAL,
        trades=plan.trades,
        why_nots=(),
        before=nothing,
        after=nothing,
        short_term_gain=zero,
        long_term_gain=zero,
        tax=zero,
        cost=zero,
        turnover=zero,
        benefit_bps=zero,
        gap_bps=zero,
        score=zero,
    )


def commit_all(connection: Connection, refs: Sequence[AccountDayRef]) -> list[StageOutcome]:
    """The trade stage's first half, for each."""
    return [commit_orders(connection, ref, build=BUILD) for ref in refs]


def release_at_open(connection: Connection, run: RunRef) -> int:
    """Publish the day up to the open and release; how many blocks."""
    publish(connection, run, MarketEventKind.RUN_START, MarketEventKind.CUT_OFF, MarketEventKind.OPEN)
    return release(connection, run, BROKER)


def day_row(connection: Connection, ref: AccountDayRef) -> Any:
    """The account-day as it stands."""
    return connection.execute(select(account_day).where(account_day.c.account_day_id == ref.account_day_id)).one()
