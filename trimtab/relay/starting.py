"""Starting days: by a person, by the reconciler, and by a Temporal Schedule for each firm."""

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from trimtab.contracts import DAY_QUEUE, DayRequest, WorkflowName, daily_run_workflow_id
from trimtab.relay.outbox import attributes

SCHEDULE_ZONE: Final = "America/New_York"
EVERY_WEEKDAY_EARLY: Final = "5 0 * * MON-FRI"
"""Just after midnight of the business date: the run itself waits for its deliveries and its clock. Holidays and
early closes are the calendar activity's business."""
_CATCH_UP: Final = timedelta(hours=12)


async def start_day(client: Client, request: DayRequest) -> bool:
    """Start the firm's DailyRun of `request.business_date`; False when it runs or is done already.

    Raises ValueError without a date: only a Schedule may leave it out.
    """
    if request.business_date is None:
        raise ValueError("a day that is started by hand needs its business date")
    on = request.business_date
    try:
        await client.start_workflow(
            WorkflowName.DAILY_RUN,
            request,
            id=daily_run_workflow_id(request.firm_id, on),
            task_queue=DAY_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            search_attributes=attributes(Firm=request.firm_id, BusinessDate=on.isoformat()),
            static_summary=f"{request.firm_id} on {on.isoformat()}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def ensure_schedule(client: Client, firm_id: str, cron: str = EVERY_WEEKDAY_EARLY) -> bool:
    """Create the firm's Schedule; False when it exists, which is then left as it is: people pause and edit it."""
    action = ScheduleActionStartWorkflow(
        WorkflowName.DAILY_RUN,
        DayRequest(firm_id),
        id=f"daily-run/{firm_id}/scheduled",  # Temporal appends the instant
        task_queue=DAY_QUEUE,
        typed_search_attributes=attributes(Firm=firm_id),
        static_summary=f"{firm_id}, scheduled",
    )
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=SCHEDULE_ZONE),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=_CATCH_UP),
    )
    try:
        await client.create_schedule(schedule_id(firm_id), schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True


def schedule_id(firm_id: str) -> str:
    return f"daily-run/{firm_id}"
