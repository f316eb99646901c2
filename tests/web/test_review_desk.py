"""A reviewer's day in the browser: what waits, why, and how it is decided."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.demo_process import Demo
from tests.web.conftest import Signed
from trimtab.db.tables import account_day

MOST_OF_A_SECOND_PERSON = 250_000


def rows(page: Page):
    return page.locator("tbody tr[data-row]")


def waiting(held: Demo) -> dict[str, tuple[str, str | None]]:
    query = select(account_day.c.account_id, account_day.c.stage, account_day.c.terminal_state)
    return held.ask(lambda c: {row.account_id: (row.stage, row.terminal_state) for row in c.execute(query)})


def test_the_queue_shows_what_waits_why_since_when_and_until_when(signed_in: Signed, held: Demo):
    page = signed_in("olivia").page
    expect(page).to_have_url(re.compile(r"/review$"))
    expect(rows(page).first).to_be_visible()
    in_review = {account for account, (stage, ended) in waiting(held).items() if stage == "review" and not ended}
    shown = set(page.locator("tbody tr[data-row] a").all_inner_texts())
    assert shown == in_review
    expect(page.get_by_text(f"All {len(in_review)}")).to_be_visible()
    assert page.locator("tbody tr[data-row] td").nth(3).inner_text()  # why it is here
    expect(page.get_by_text("● Live")).to_be_visible()
