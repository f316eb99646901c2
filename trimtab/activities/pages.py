"""Pages: whole households whose account-days are opened, and begun by their own lifecycles or by the page itself."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, update

from trimtab.contracts import (
    AccountDayRef,
    Page,
    PagePlan,
    PlanRequest,
    Signal,
    SignalName,
    StageOutcome,
)
from trimtab.db import runs
from trimtab.db.account_days import left_open_as, lock_accounts, lock_day, move_on, open_days, open_refs
from trimtab.db.events import signal, start_lifecycle
from trimtab.db.tables import account, intent
from trimtab.domain.lifecycle import Stage, Standstill
from trimtab.domain.records import content_hash, plain


def plan_pages(connection: Connection, request: PlanRequest) -> PagePlan:
    """The next pages in household order: a household is never split."""
    lifecycles = not runs.is_paged(connection, request.run.firm_id)
    wanted = request.page_size * request.limit
    households = runs.households_after(connection, request.after, wanted + 1)
    pages: list[Page] = []
    ids: list[str] = []
    size = 0
    for household_id, accounts in households[:wanted]:
        if ids and size + accounts > request.page_size:
            pages.append(_page(request, len(pages), ids, lifecycles))
            ids, size = [], 0
            if len(pages) == request.limit:
                return PagePlan(tuple(pages), pages[-1].household_ids[-1], request.number + len(pages), done=False)
        ids.append(household_id)
        size += accounts
    if ids:
        pages.append(_page(request, len(pages), ids, lifecycles))
    after = pages[-1].household_ids[-1] if pages else request.after
    return PagePlan(tuple(pages), after, request.number + len(pages), done=len(households) <= wanted)


def _page(request: PlanRequest, place: int, ids: list[str], lifecycles: bool) -> Page:
    return Page(request.run, request.number + place + 1, tuple(ids), lifecycles)


def open_page(connection: Connection, page: Page) -> list[AccountDayRef]:
    """The page's first transaction: lock the accounts, close what earlier days left open, open today's account-days.

    With lifecycles, each open account-day gets one. Doing it again changes nothing.
    """
    ref = page.run
    accounts = lock_accounts(connection, page.household_ids)
    ids = [row.account_id for row in accounts]
    _close_earlier(connection, page, ids)
    connection.execute(
        update(account)
        .where(account.c.firm_id == ref.firm_id, account.c.account_id.in_(ids))
        .values(current_run=ref.run_id)
    )
    known = {day.account_id for day in open_refs(connection, ref.firm_id, run=ref.run_id, account_ids=ids)}
    days = open_days(connection, ref.firm_id, ref.run_id, ref.business_date, accounts)
    if page.lifecycles:
        for day in days:
            if day.account_id not in known:
                start_lifecycle(connection, day.firm_id, day.workflow_id, as_request(day))
    return days


def as_request(ref: AccountDayRef) -> dict[str, Any]:
    """The ref as the plain values of an outbox row."""
    values = plain(asdict(ref))
    return values if isinstance(values, dict) else {}


def _close_earlier(connection: Connection, page: Page, account_ids: list[str]) -> None:
    """Days before today that were left open end as what they waited for; committed trades are left to the broker."""
    left = open_refs(connection, page.run.firm_id, before=page.run.business_date, account_ids=account_ids)
    for ref in sorted(left, key=lambda each: each.account_id):
        day = lock_day(connection, ref)
        if day.terminal_state is not None or _has_intents(connection, ref):
            continue
        terminal, code = left_open_as(day.stage, day.blocked_stage)
        outcome = StageOutcome(
            Stage.RECORD,
            None,
            terminal=terminal,
            code=code,
            reason=f"left open at {day.stage}; closed by the run of {page.run.business_date}",
        )
        digest = content_hash({"closed_by": page.run.run_id, "account_day": ref.account_day_id})
        move_on(connection, ref, day, outcome, input_hash=digest, detail={"closed_by": page.run.run_id}, changes={})
        note = Signal(f"closed-by-{page.run.run_id}")
        signal(connection, ref.firm_id, ref.workflow_id, SignalName.SUPERSEDE, note)


def _has_intents(connection: Connection, ref: AccountDayRef) -> bool:
    rows = intent.select().where(intent.c.account_day_id == ref.account_day_id).limit(1)
    return connection.execute(rows).one_or_none() is not None


def hand_over(connection: Connection, ref: AccountDayRef) -> None:
    """Give an account-day that must wait its own lifecycle, which adopts what the page computed."""
    start_lifecycle(connection, ref.firm_id, ref.workflow_id, as_request(ref))


def must_wait(outcome: StageOutcome) -> bool:
    """Whether the page cannot finish the account-day: it needs people, orders or the clock.

    Suspended accounts are finished as such, provisionally: a delivery that heals them pages them again.
    """
    return outcome.next not in (Stage.VALIDATE, Stage.ANALYZE, Stage.FILTER, Stage.RECORD, Standstill.SUSPENDED, None)
