"""A review queue of 10,000 accounts, from the database to the hand that scrolls it.

`python -m benchmarks.long_queue [--accounts N]`: a demo is started, its accounts that wait for review are copied in its
database (with their proposals, records and facts), and the queue is read to its end through the API, fifty rows at a
time, by the page in Chromium. Printed are the seconds of the API's answers, and the processor time that the page's main
thread spends from one frame to the next, while more rows are read and while all of them are scrolled through.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any, Final

from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import Connection, Table, func, insert, select, text
from sqlalchemy.sql.elements import ColumnElement

from tests.e2e.demo_process import Demo, demo
from tests.graphql.pages import page_document
from tests.web.browser import a_tab, chromium, launch
from tests.web.desk import Desk
from tests.web.test_long_queue import SCROLL, STEPS, frame_lengths, traced
from trimtab.db.tables import account, account_day, account_facts, proposal, record
from trimtab.demo.people import secrets_file

MOST_TRADES: Final = 40
"""Accounts with more are not copied: the database would hold gigabytes of proposals."""
FRAMES_AT_A_TIME: Final = 250
TO_THE_END: Final = """async (each, frames) => {
    for (let number = 0; number < frames; number++) {
        each.scrollTo(0, each.scrollHeight);
        await new Promise(requestAnimationFrame);
    }
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000, help="how many wait for a decision, about")
    wanted = parser.parse_args().accounts
    program = chromium()
    if program is None:
        sys.exit("no Chromium: apt-get install chromium")
    with demo("--hold-reviews") as running:
        running.answer()
        begun = time.monotonic()
        waiting = copied(running, wanted)
        say(f"{waiting} accounts wait for a decision; copied in {time.monotonic() - begun:.0f} s")
        answers(running)
        with sync_playwright() as playwright:
            browser = launch(playwright, program)
            with a_tab(browser, running.url("api")) as tab:
                password = json.loads(secrets_file(running.state_dir).read_text())["olivia"]
                scrolled(tab.open("/review", "olivia", password).page, waiting)
            browser.close()
        running.stop()


def copied(running: Demo, wanted: int) -> int:
    """Copies of the accounts that wait, written past the application; how many wait now."""
    days = account_day.c
    small = (
        select(days.account_id)
        .join(proposal, proposal.c.proposal_id == days.proposal_id)
        .where(days.stage == "review", func.jsonb_array_length(proposal.c.body["trades"]) <= MOST_TRADES)
    )
    with running.superuser.begin() as outside:
        originals = list(outside.scalars(small))
        outside.execute(text("SET LOCAL session_replication_role = replica"))  # no trigger tells the relay of copies
        copies = wanted // len(originals)
        for table in (account, account_day, account_facts, proposal, record):
            _copy(outside, table, originals, copies)
        outside.execute(text("ANALYZE"))
        waits = select(func.count()).select_from(account_day).where(days.stage == "review")
        return int(outside.scalar(waits) or 0)


_NAMES: Final = ("account_id", "account_day_id", "proposal_id", "workflow_id", "hash", "prev")
"""What has to be another for each copy."""


def _copy(connection: Connection, table: Table, originals: list[str], copies: int) -> None:
    number = func.generate_series(1, copies).table_valued("number").render_derived()

    def value(name: str) -> ColumnElement[Any]:
        column = table.c[name]
        return func.concat(column, "-", number.c.number) if name in _NAMES else column

    names = [column.name for column in table.columns if column.computed is None]
    made = select(*(value(name).label(name) for name in names)).select_from(table).join(number, text("true"))
    connection.execute(insert(table).from_select(names, made.where(table.c.account_id.in_(originals))))


def answers(running: Demo) -> None:
    """Seconds of the API's answers to the page's own questions: the first rows, rows from the middle, the counts."""
    olivia = Desk(running, "olivia")
    for by in ("WAITING", "TRADED_VALUE", "DRIFT"):
        first = {"first": 50, "sort": {"by": by, "descending": False}}
        seconds, data = _timed(olivia, "ReviewQueue", first)
        cursor = data["reviewQueue"]["pageInfo"]["endCursor"]
        later, _ = _timed(olivia, "ReviewQueue", {**first, "after": cursor})
        say(f"50 rows by {by}: {seconds:.3f} s, the next 50: {later:.3f} s")
    seconds, data = _timed(olivia, "ReviewSummary", {})
    say(f"counts by lane and reason of {data['reviewSummary']['waiting']}: {seconds:.3f} s")


def _timed(desk: Desk, name: str, variables: dict[str, Any]) -> tuple[float, Any]:
    """The median of five, and the last answer."""
    seconds, data = [], None
    for _ in range(5):
        begun = time.monotonic()
        data = desk.ask(page_document(name), **variables)
        seconds.append(time.monotonic() - begun)
    return statistics.median(seconds), data


def scrolled(page: Page, waiting: int) -> None:
    expect(page.get_by_text("shown so far")).to_be_visible()
    table = page.get_by_role("region", name="Accounts that wait for a decision")
    begun = time.monotonic()
    reading: list[float] = []
    while page.get_by_text("shown so far").count() > 0:
        reading += frame_lengths(traced(page, lambda: table.evaluate(TO_THE_END, FRAMES_AT_A_TIME)))
    expect(page.get_by_text(f"{waiting:,} accounts")).to_be_visible()
    say(f"read to the end, 50 rows at a time, in {time.monotonic() - begun:.0f} s; {_told(sorted(reading))}")
    frames = frame_lengths(traced(page, lambda: table.evaluate(SCROLL, STEPS)))
    say(f"all {waiting} scrolled through in {STEPS} jumps; {_told(frames)}")


def _told(frames: list[float]) -> str:
    """Of ascending milliseconds."""
    return (
        f"{len(frames)} frames, median {frames[len(frames) // 2]:.1f} ms, longest {frames[-1]:.1f} ms of processor time"
    )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
