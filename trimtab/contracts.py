"""What workflows, activities and the API share: names, ids, inputs, results and signals.

Payloads carry ids and hashes only, never lots, names or amounts: they are kept in Temporal's history.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill, TerminalState

DAY_QUEUE = "trimtab-day"
"""Workflows and the activities that wait on the database."""
ANALYSIS_QUEUE = "trimtab-analysis"
"""Activities that solve: as many at once as there are cores."""


class WorkflowName(StrEnum):
    DAILY_RUN = "DailyRun"
    ACCOUNT_LIFECYCLE = "AccountLifecycle"


class ActivityName(StrEnum):
    """Stage activities carry the stage's own word."""

    INGEST = "ingest"
    VALIDATE = "validate"
    ANALYZE = "analyze"
    FILTER = "filter"
    REVIEW = "open_review"
    APPROVE = "approve"
    COMMIT_ORDERS = "commit_orders"
    CLOSE_ORDERS = "close_orders"
    RECORD = "record"
    SUSPEND = "open_suspended"
    ADOPT = "adopt"
    BLOCK = "block"
    UNBLOCK = "unblock"

    OPEN_RUN = "open_run"
    AWAIT_DELIVERIES = "await_deliveries"
    FREEZE_INPUTS = "freeze_inputs"
    PLAN_PAGES = "plan_pages"
    RUN_PAGE = "run_page"
    LOOK_AGAIN = "look_again"
    NEXT_EVENT = "next_event"
    PUBLISH_EVENT = "publish_event"
    RELEASE = "release"
    CHECK_COMPLETENESS = "check_completeness"
    CLOSE_RUN = "close_run"


class SignalName(StrEnum):
    """One JSON argument each. A signal only says "look again": what counts is the row that its id names."""

    DECIDE = "decide"
    SUSPEND = "suspend"
    RESUME = "resume"
    REFRESH = "refresh"
    REVISE = "revise"
    ORDERS_DONE = "orders_done"
    MARKET = "market"
    SUPERSEDE = "supersede"
    RETRY_STEP = "retry_step"


@dataclass(frozen=True)
class Signal:
    """`id` names the row that says why: a decision, suspension, market event, block; repeated ids are answered once."""

    id: str
    kind: str = ""  # of a market event: its MarketEventKind; of retry_step: who asks


@dataclass(frozen=True)
class DayRequest:
    """The input of DailyRun. Knobs come in here, never from settings: replay must not depend on the host.

    `business_date` None: the date of `scheduled_at`, the Schedule's own start time, in the exchange's time zone.
    `progress` is how far the pages got before the workflow continued as new.
    """

    firm_id: str
    business_date: date | None = None
    page_size: int = 500
    pages_in_flight: int = 4
    scheduled_at: datetime | None = None
    progress: "PlanRequest | None" = None


@dataclass(frozen=True)
class RunRef:
    firm_id: str
    run_id: str
    business_date: date


@dataclass(frozen=True)
class OpenedRun:
    """`session` is False when the calendar has no session on that date: nothing more happens then.

    `stepped` is the firm's clock: the next event comes when the phase before it has drained. `started` is whether
    RUN_START has been published, which it has when a run is taken up again.
    """

    run: RunRef
    session: bool
    stepped: bool = False
    started: bool = False


@dataclass(frozen=True)
class MarketTick:
    """The next event of the day's clock. `wait` is how long the market clock still sleeps; zero when stepped."""

    event_id: str
    kind: MarketEventKind
    wait: timedelta = timedelta(0)


@dataclass(frozen=True)
class Page:
    """Whole households; `lifecycles` False means the page itself finishes what needs no waiting."""

    run: RunRef
    number: int
    household_ids: tuple[str, ...]
    lifecycles: bool = True


@dataclass(frozen=True)
class PlanRequest:
    """Asks for the next pages: of about `page_size` accounts, at most `limit`, of the households after `after`."""

    run: RunRef
    page_size: int
    limit: int
    after: str = ""
    number: int = 0  # pages planned so far


@dataclass(frozen=True)
class PagePlan:
    """The next pages. `after` and `number` go into the next request; `done` when no household is left."""

    pages: tuple[Page, ...]
    after: str
    number: int
    done: bool


@dataclass(frozen=True)
class EventRef:
    """One market event of a run, to be published or acted upon."""

    run: RunRef
    event_id: str
    kind: MarketEventKind


@dataclass(frozen=True)
class AccountDayRef:
    """One account on one business date, one attempt."""

    firm_id: str
    run_id: str
    account_day_id: str
    account_id: str
    business_date: date
    attempt: int = 1

    @property
    def workflow_id(self) -> str:
        return lifecycle_workflow_id(self.firm_id, self.account_id, self.business_date, self.attempt)


@dataclass(frozen=True)
class StageOutcome:
    """Where the account-day goes from here. A terminal state is set only together with `next` RECORD, and by RECORD.

    `next` equal to `stage` means that it still waits there.
    """

    stage: Stage | Standstill
    next: Stage | Standstill | None  # None after RECORD
    lane: Lane | None = None
    terminal: TerminalState | None = None
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class BlockedStep:
    """Why a step is parked. No amounts or names in `message`: it is shown in the Temporal UI."""

    ref: AccountDayRef
    stage: Stage | Standstill
    error_type: str
    error_class: str
    message: str
    tries: int


TRADING_OVER = "TRADING_OVER"
"""The code of a commit that finds its orders ended already: nothing is waited for."""


@dataclass(frozen=True)
class DayOutcome:
    """How a day's run ended: DONE or NO_SESSION."""

    status: str


@dataclass(frozen=True)
class LifecycleOutcome:
    """How the account-day ended; `terminal` is None when a later attempt superseded it."""

    terminal: TerminalState | None
    code: str = ""


def lifecycle_workflow_id(firm_id: str, account_id: str, business_date: date, attempt: int) -> str:
    return f"account-lifecycle/{firm_id}/{account_id}/{business_date.isoformat()}/{attempt}"


def daily_run_workflow_id(firm_id: str, business_date: date) -> str:
    return f"daily-run/{firm_id}/{business_date.isoformat()}"


def run_id(firm_id: str, business_date: date) -> str:
    return f"{firm_id}-{business_date.isoformat()}"


def account_day_id(account_id: str, business_date: date, attempt: int) -> str:
    return f"{account_id}-{business_date.isoformat()}-{attempt}"
