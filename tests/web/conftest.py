"""The pages in a real browser on one running demo: built once, started once, shared by every test in this folder.

TRIMTAB_SKIP_BROWSER=1 leaves them out, and says so. Anything else that is missing is an error.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Connection, select

from tests.e2e.demo_process import Demo, demo
from tests.e2e.test_people import places
from tests.web.browser import ROOT, Tab, a_tab, chromium, launch
from trimtab.db.tables import account, account_day, firm, proposal
from trimtab.demo.people import secrets_file

ACCOUNTS = 48  # enough reviews that every test can decide on accounts of its own
HERE = ROOT / "tests" / "web"
Signed = Callable[..., Tab]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker process for all of them: the demo is started once, and what ends its day comes last."""
    items.sort(key=lambda item: "end_of_day" in getattr(item, "fixturenames", ()))
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("pages"))
            if os.environ.get("TRIMTAB_SKIP_BROWSER") == "1":
                item.add_marker(pytest.mark.skip(reason="TRIMTAB_SKIP_BROWSER=1: the pages are NOT tested"))


@pytest.fixture(scope="session")
def built() -> None:
    """trimtab/_web is of web/ as it stands, and the tests' own programs are there."""
    script = str(ROOT / "web" / "build.py")
    done = subprocess.run([sys.executable, script, "--with-tools"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="package")  # Playwright keeps an event loop running, which other folders' tests cannot have
def browser() -> Iterator[Browser]:
    program = chromium()
    assert program, "no Chromium: apt-get install chromium, or leave these tests out with TRIMTAB_SKIP_BROWSER=1"
    with sync_playwright() as playwright:
        running = launch(playwright, program)
        yield running
        running.close()


@pytest.fixture(scope="session")
def held(built: None) -> Iterator[Demo]:
    """The demo of 48 accounts, its clock held while reviews wait."""
    with demo("--hold-reviews", accounts=ACCOUNTS) as running:
        assert running.answer()["outcomes"]["OPEN"] > 0
        yield running
        running.stop()


@pytest.fixture
def signed_in(browser: Browser, held: Demo) -> Iterator[Signed]:
    """signed_in("olivia", "/review"): a tab of that person at that address. Options are the browser context's."""
    passwords = json.loads(secrets_file(held.state_dir).read_text())
    with ExitStack() as closing:

        def open_tab(username: str, path: str = "/", **options: object) -> Tab:
            tab = closing.enter_context(a_tab(browser, held.url("api"), **options))
            return tab.open(path, username, passwords[username])

        yield open_tab


@pytest.fixture(scope="session")
def undecided(held: Demo) -> Iterator[str]:
    """next(undecided): an account in review that one reviewer alone may decide, and that no other test is given."""
    query = (
        select(account_day.c.account_id)
        .join(proposal, proposal.c.proposal_id == account_day.c.proposal_id)
        .join(account, account.c.account_id == account_day.c.account_id)
        .where(account_day.c.stage == "review", account.c.profile["discretionary"].as_boolean())
        .order_by(account_day.c.account_id)
    )
    limit = select(firm.c.approval_limit)
    traded = select(account_day.c.account_id, proposal.c.body).join(
        proposal, proposal.c.proposal_id == account_day.c.proposal_id
    )

    def small(connection: Connection) -> list[str]:
        most = connection.scalar(limit)
        sums = {
            row.account_id: sum(Decimal(trade["notional"]) for trade in row.body["trades"])
            for row in connection.execute(traded)
        }
        return [account_id for account_id in connection.scalars(query) if sums[account_id] <= most]

    return iter(held.ask(small))


@pytest.fixture
def a_reason() -> str:
    """A text that no other test has written."""
    return f"not this month {secrets.token_hex(4)}"


@pytest.fixture
def end_of_day(held: Demo) -> Callable[[], None]:
    """Lets the clock go on until every account has ended. Tests that take it run after all others here."""

    def end() -> None:
        held.cli("run", "step")
        held.until(lambda: all(ended for _, ended in places(held).values()), "the day's end")

    return end
