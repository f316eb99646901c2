"""A person at a browser: Debian's Chromium, driven by Playwright; it leaves this machine as little as the pages do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, expect

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


def chromium() -> str | None:
    """Chromium's program: TRIMTAB_CHROMIUM, else the first that is on the path."""
    given = os.environ.get("TRIMTAB_CHROMIUM")
    return given or next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def launch(playwright: Playwright, program: str) -> Browser:
    return playwright.chromium.launch(executable_path=program, args=list(FLAGS))


@dataclass
class Tab:
    """One person's tab. What goes wrong in it is kept, to be looked at when the test is over."""

    page: Page
    url: str
    host: str
    problems: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)
    """Patterns of console messages that the test provokes."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    """The access token that the page sent last."""

    def open(self, path: str, username: str, password: str) -> Tab:
        """Goes to the address; the form asks who it is; afterwards the address is there again."""
        self.username, self.password = username, password
        self.page.goto(self.url + path)
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#content", timeout=PATIENCE_MS)
        return self

    def go(self, path: str) -> None:
        """To another address without a new sign-in, as by a link: the tokens live in this page."""
        self.page.evaluate(
            "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path
        )

    def axe(self) -> list[str]:
        """What axe finds: rule, how bad, and where."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
        return [f"{each['impact']} {each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(re.search(one, message.text) for one in self.tolerated):
            self.problems.append(f"console {message.type}: {message.text}")

    def asked(self, request: Request) -> None:
        header = request.headers.get("authorization", "")
        self.token = header.removeprefix("Bearer ") or self.token
        if urlsplit(request.url).netloc not in {self.host, ""}:
            self.problems.append(f"left this host: {request.url}")

    def watch(self, page: Page) -> None:
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("request", self.asked)


@contextmanager
def a_tab(browser: Browser, url: str, *, clock: bool = False, **options: Any) -> Iterator[Tab]:
    """A tab of its own, in New York and English. Fails when the console told of an error or a request left the host.

    clock: the test moves the page's clock.
    """
    settings = {"locale": "en-US", "timezone_id": "America/New_York", "viewport": {"width": 1440, "height": 900}}
    context: BrowserContext = browser.new_context(**{**settings, **options})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    if clock:
        page.clock.install()
    tab = Tab(page, url, urlsplit(url).netloc)
    context.on("page", tab.watch)
    tab.watch(page)
    try:
        yield tab
    finally:
        context.close()
    assert tab.problems == []
