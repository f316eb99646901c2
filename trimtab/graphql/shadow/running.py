"""Running a proposed change on the stored days within a request: read, solve without a transaction, keep."""

import asyncio
from contextlib import suppress

from trimtab.db.settings_versions import StaleVersion
from trimtab.db.shadow_runs import DAYS, SECONDS, keep_report, report_of, run, shadow_job
from trimtab.domain.shadow.report import ShadowReport
from trimtab.graphql.context import Info

REQUEST_SECONDS = 120.0
"""A shadow run may take longer than another request."""


async def solved(info: Info, change_id: str, days: int = DAYS, seconds: float = SECONDS) -> ShadowReport:
    """The report of running the change. Raises NoProposedChange."""
    context = info.context
    context.allow_seconds(REQUEST_SECONDS)
    job = await context.reader.run(lambda one: shadow_job(one, context.firm_id, change_id, days, seconds))
    await context.close()  # no transaction stays open while the solver works
    return await asyncio.to_thread(run, job)


async def run_when_new(info: Info, change_id: str) -> None:
    """What was just proposed is run at once, so that whoever decides finds it. A repeated request finds it done."""
    context = info.context
    if await context.reader.run(lambda one: report_of(one, change_id)) is not None:
        return
    report, actor = await solved(info, change_id), context.who.name_in_records
    with suppress(StaleVersion):  # a repetition of the request has kept one at this moment
        await context.write(lambda one: keep_report(one, context.firm_id, change_id, report, actor))
