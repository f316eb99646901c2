"""The pictures in docs/pages.md, taken anew: `python -m tests.web.screenshots` from the root of a checkout.

A demo of its own is started, one of its accounts is blocked, one is approved, and the day is ended; the pages are
photographed in light and in dark. Needs what tests/web needs.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.demo_process import Demo, demo
from tests.e2e.test_people import mend, places, spoil_snapshots
from tests.web.browser import ROOT, a_tab, chromium, launch
from tests.web.desk import Desk
from trimtab.demo.people import secrets_file

log = logging.getLogger(__name__)

ACCOUNTS: Final = 48
TO: Final = ROOT / "docs" / "screenshots"
SCHEMES: Final = ("light", "dark")
NAMES: Final = ("queue", "review", "night", "history")
WIDTH: Final = 1440


@dataclass(frozen=True, slots=True)
class Picture:
    """name: one of NAMES. height: of the window, in pixels. shown: waits until what is to be seen is there."""

    name: str
    username: str
    path: str
    height: int
    shown: Callable[[Page], None]


def main() -> int:
    """Take every picture; the exit code is 0."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    subprocess.run([sys.executable, str(ROOT / "web" / "build.py"), "--with-tools"], check=True, stdout=sys.stderr)
    program = chromium()
    if program is None:
        log.error("no Chromium: apt-get install chromium")
        return 1
    TO.mkdir(exist_ok=True)
    with demo("--hold-reviews", accounts=ACCOUNTS) as running, sync_playwright() as playwright:
        running.answer()
        browser = launch(playwright, program)
        take_all(running, browser)
        browser.close()
        running.stop()
    return 0


def take_all(running: Demo, browser: Browser) -> None:
    olivia = Desk(running, "olivia")
    nodes = {each["accountId"]: each for each in olivia.reviews()}
    # A picture shows what a page can hold: the account with the fewest trades, which are of several asset classes.
    waiting, traded, stuck = sorted(nodes, key=lambda account: nodes[account]["proposal"]["tradeCount"])[:3]
    kept = spoil_snapshots(running, [stuck])
    for account in (stuck, traded):
        olivia.approve(nodes[account])
    running.until(lambda: places(running)[stuck][0] == "blocked", "a blocked step")
    running.until(lambda: places(running)[traded][0] == "trade", "an approved account")
    take(running, browser, Picture("queue", "olivia", "/review", 820, queue_shown))
    take(running, browser, Picture("review", "olivia", f"/review/{nodes[waiting]['id']}", 1500, review_shown))
    take(running, browser, Picture("night", "olivia", "/night", 1500, night_shown))
    mend(running, kept, [stuck])
    running.cli("run", "step")
    running.until(lambda: places(running)[traded][1] == "TRADED", "the day's end")
    take(running, browser, Picture("history", "carla", f"/accounts/{traded}", 1500, history_shown))


def queue_shown(page: Page) -> None:
    expect(page.locator("tbody tr[data-row]").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")


def review_shown(page: Page) -> None:
    expect(page.get_by_role("img", name=re.compile("^Drift by asset class"))).to_be_visible()


def night_shown(page: Page) -> None:
    expect(page.get_by_role("button", name=re.compile("^Retry ")).first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Acknowledge ")).first).to_be_visible()


def history_shown(page: Page) -> None:
    expect(page.get_by_role("heading", level=2, name=re.compile("^Record"))).to_be_visible()


def take(running: Demo, browser: Browser, picture: Picture) -> None:
    password = json.loads(secrets_file(running.state_dir).read_text())[picture.username]
    for scheme in SCHEMES:
        options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": WIDTH, "height": picture.height}}
        with a_tab(browser, running.url("api"), **options) as tab:
            tab.open(picture.path, picture.username, password)
            picture.shown(tab.page)
            tab.page.wait_for_load_state("networkidle")
            tab.page.wait_for_timeout(500)  # fonts and fading are done
            tab.page.screenshot(path=path_of(picture.name, scheme))
        log.info("%s", path_of(picture.name, scheme).relative_to(ROOT))


def path_of(name: str, scheme: str) -> Path:
    return TO / f"{name}-{scheme}.png"


if __name__ == "__main__":
    sys.exit(main())
