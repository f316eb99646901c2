"""Late files reach the accounts that wait for them, the same day and without a person (H3, W-F2).

From the freeze to the cut-off. Only account-days that stand or ended suspended for data, and whose faults are other
ones by the newest inputs, begin again: by a refresh of their own lifecycle, or, where a page has ended them, by the
next attempt. Everybody else is left alone. Each transaction is whole by itself: a pass that was cut short is begun
anew, and finds what is left.
"""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio import activity

from trimtab.activities.beginning_again import Waiting, begin_again, freeze_again, half_way, loaded_files, waiting_days
from trimtab.activities.day import SIDE_BY_SIDE, DayActivities, PageActivities, run_subject
from trimtab.activities.delivery_watch import is_market_clock
from trimtab.activities.edge import Edge, rest
from trimtab.activities.inputs import Inputs
from trimtab.activities.second_look import is_past_cut_off
from trimtab.contracts import ActivityName, RunRef

LOOK_POLL: Final = timedelta(seconds=30)
"""Between looks into the drop folder and at servers: what they bring is passed on at once."""
HEAL_EVERY: Final = timedelta(minutes=5)
"""Between passes while no file comes: an exception that was accepted, an identifier that was mapped wait so long."""
AT_ONCE: Final = 200
"""Accounts judged in one transaction: the cut-off waits for it."""


class HealActivities:
    """What DailyRun calls between the last page and the cut-off."""

    def __init__(self, edge: Edge, inputs: Inputs, day: DayActivities, pages: PageActivities) -> None:
        self._edge = edge
        self._inputs = inputs
        self._day = day
        self._pages = pages

    @activity.defn(name=ActivityName.LOOK_AGAIN)
    async def look_again(self, ref: RunRef) -> int:
        """Loads what has come and sends on whom it heals; returns how many account-days.

        One pass on the stepped clock, whose cut-off waits for it; on the market clock pass after pass until the
        cut-off.
        """
        async with self._edge.guard(run_subject(ref)):
            goes_on = await self._edge.transact(ref.firm_id, lambda c: is_market_clock(c, ref))
            judged: set[tuple[str, str]] = set()
            sent_on, seen, due = 0, frozenset[str](), 0.0
            while not await self._edge.transact(ref.firm_id, lambda c: is_past_cut_off(c, ref)):
                await self._day.load(ref)
                files = await self._edge.transact(ref.firm_id, lambda c: loaded_files(c, ref))
                now = asyncio.get_running_loop().time()
                if files != seen or now >= due:
                    healed = await self._heal(ref, judged)
                    sent_on, seen = sent_on + healed, files
                    due = now + (LOOK_POLL if healed else HEAL_EVERY).total_seconds()
                if not goes_on:
                    break
                await rest(LOOK_POLL.total_seconds())
            return sent_on

    async def _heal(self, ref: RunRef, judged: set[tuple[str, str]]) -> int:
        """One pass. `judged`, which grows, are account-days with the inputs that they were held against."""
        await self._walk(ref)  # what a killed worker has left half-way
        if not await self._edge.transact(ref.firm_id, lambda c: waiting_days(c, ref)):
            return 0
        digest = await self._edge.transact(ref.firm_id, lambda c: freeze_again(c, ref))
        waiting = await self._edge.transact(ref.firm_id, lambda c: waiting_days(c, ref, digest))
        left = [one for one in waiting if (one.account_day_id, digest) not in judged]
        sent_on = 0
        for first in range(0, len(left), AT_ONCE):
            several = left[first : first + AT_ONCE]
            sent_on += await self._begin_again(ref, several, digest)
            judged.update((one.account_day_id, digest) for one in several)
        return sent_on

    async def _begin_again(self, ref: RunRef, several: list[Waiting], digest: str) -> int:
        begun = await self._edge.transact(ref.firm_id, lambda c: begin_again(c, ref, self._inputs, several, digest))
        await self._walk(ref)
        return begun

    async def _walk(self, ref: RunRef) -> None:
        """Takes next attempts as far as they go without waiting, as the page did with the first."""
        left = await self._edge.transact(ref.firm_id, lambda c: half_way(c, ref))
        for first in range(0, len(left), SIDE_BY_SIDE):
            await asyncio.gather(*(self._pages.through(each) for each in left[first : first + SIDE_BY_SIDE]))
