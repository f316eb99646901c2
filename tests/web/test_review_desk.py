"""A reviewer's day in the browser: what waits, why, and how it is decided."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.e2e.demo_process import Demo
from tests.web.conftest import Signed
from trimtab.db.tables import account_day, suspension


def rows(page: Page) -> Locator:
    return page.locator("tbody tr[data-row]")


def row_of(page: Page, account_id: str) -> Locator:
    return rows(page).filter(has_text=account_id)


def search(account_id: str) -> str:
    return f"/review?account={account_id}"


def places(held: Demo) -> dict[str, tuple[str, str | None]]:
    query = select(account_day.c.account_id, account_day.c.stage, account_day.c.terminal_state)
    return held.ask(lambda c: {row.account_id: (row.stage, row.terminal_state) for row in c.execute(query)})


def until_left_review(held: Demo, account_id: str) -> tuple[str, str | None]:
    held.until(lambda: places(held)[account_id][0] != "review", f"{account_id} leaving review")
    return places(held)[account_id]


@pytest.mark.covers("E5")
def test_the_queue_shows_every_account_that_waits_with_its_reason_and_is_live(signed_in: Signed, held: Demo):
    page = signed_in("olivia").page
    expect(page).to_have_url(re.compile(r"/review$"))  # an overlay manager lands here
    expect(rows(page).first).to_be_visible()
    in_review = {account for account, (stage, ended) in places(held).items() if stage == "review" and not ended}
    assert set(page.locator("tbody tr[data-row] a").all_inner_texts()) == in_review
    expect(page.get_by_text(f"All {len(in_review)}")).to_be_visible()
    reasons = page.locator("tbody tr[data-row] td:nth-child(4)").all_inner_texts()
    assert all(reasons)
    expect(page.get_by_text("● Live")).to_be_visible()


def test_filters_and_sort_stand_in_the_address_and_a_link_brings_them_back(signed_in: Signed):
    tab = signed_in("olivia")
    page = tab.page
    chip = page.locator("label").filter(has_text=re.compile("^Turnover")).first
    expect(chip).to_be_visible()
    chip.click()
    page.get_by_role("button", name="Traded").click()
    expect(page).to_have_url(re.compile(r"reason=turnover&sort=-?traded"))
    counted = int(chip.inner_text().rsplit(" ", 1)[1])
    expect(rows(page)).to_have_count(counted)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)  # the rows are in the new order
    shown = rows(page).locator("a").all_inner_texts()
    again = signed_in("oscar", page.url.removeprefix(tab.url)).page
    expect(rows(again)).to_have_count(counted)
    assert rows(again).locator("a").all_inner_texts() == shown


@pytest.mark.covers("E10", "P4")
def test_a_reviewer_approves_one_and_rejects_one_by_the_keyboard_alone(
    signed_in: Signed, held: Demo, undecided: Iterator[str], a_reason: str
):
    """From the sign-in form on, no mouse: search, next, open, approve; reject with a reason."""
    approved, rejected = next(undecided), next(undecided)
    page = signed_in("olivia").page
    keys = page.keyboard
    expect(rows(page).first).to_be_visible()

    keys.press("/")
    keys.type(approved)
    expect(rows(page)).to_have_count(1)
    keys.press("Escape")
    keys.press("j")
    expect(row_of(page, approved).locator("a")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(approved)
    for section in ("Why it is here", "Account", "Before and after", "What an approval covers", "Drift by asset class"):
        expect(page.get_by_role("region", name=section)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Drift by asset class"))).to_be_visible()
    expect(page.get_by_text(re.compile("trades counts|trade counts")).first).to_be_visible()
    keys.press("a")
    expect(page.get_by_role("dialog", name=f"Approve {approved}")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Approve")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_text(f"Approved {approved}")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/review\?account="))
    assert until_left_review(held, approved)[0] in {"approve", "trade"}

    keys.press("/")
    keys.press("Control+a")
    keys.type(rejected)
    expect(row_of(page, rejected)).to_be_visible()
    keys.press("Escape")
    keys.press("j")
    expect(row_of(page, rejected).locator("a")).to_be_focused()
    keys.press("r")
    expect(page.get_by_role("dialog", name=f"Reject {rejected}")).to_be_visible()
    expect(page.get_by_role("textbox", name="Reason")).to_be_focused()
    keys.type(a_reason)
    keys.press("Control+Enter")
    expect(page.get_by_text(f"Rejected {rejected}")).to_be_visible()
    held.until(lambda: places(held)[rejected][1] == "REJECTED", "the rejection")


def test_selected_accounts_are_decided_together(signed_in: Signed, held: Demo, undecided: Iterator[str]):
    two = [next(undecided), next(undecided)]
    page = signed_in("oscar").page
    for account_id in two:
        page.get_by_role("checkbox", name=f"Select {account_id}").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Approve 2 accounts")
    expect(dialog.get_by_text(re.compile(f"^({'|'.join(two)}), ({'|'.join(two)})$"))).to_be_visible()
    dialog.get_by_role("button", name="Approve 2").click()
    expect(page.get_by_text("Approved 2 accounts")).to_be_visible()
    for account_id in two:
        assert until_left_review(held, account_id)[0] in {"approve", "trade"}
        expect(row_of(page, account_id)).to_have_count(0)  # the queue follows by itself


@pytest.mark.covers("E8")
def test_an_approval_that_lost_the_race_says_who_decided_what(
    signed_in: Signed, held: Demo, undecided: Iterator[str], a_reason: str
):
    """Olivia has the account open while Oscar rejects it: her page says so, and her approval does not count."""
    contested = next(undecided)
    tab = signed_in("olivia", search(contested))
    olivia = tab.page
    row_of(olivia, contested).locator("a").click()
    expect(olivia.get_by_role("heading", level=1)).to_have_text(contested)
    olivia.keyboard.press("a")
    confirm = olivia.get_by_role("dialog").get_by_role("button", name="Approve")
    expect(confirm).to_be_visible()

    oscar = signed_in("oscar", search(contested)).page
    row_of(oscar, contested).click()
    oscar.keyboard.press("r")
    oscar.get_by_role("textbox", name="Reason").fill(a_reason)
    oscar.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(oscar.get_by_text(f"Rejected {contested}")).to_be_visible()

    confirm.click()
    refused = olivia.get_by_role("dialog")
    expect(refused.get_by_text(f"{contested}: your decision came too late")).to_be_visible()
    expect(refused.get_by_text("What has changed since you looked")).to_be_visible()
    expect(refused.get_by_text("Oscar Overlay").first).to_be_visible()
    assert tab.axe() == []
    refused.get_by_role("button", name="Close").last.click()
    moved_on = olivia.get_by_role("alert").filter(has_text="This account has moved on since you opened it")
    expect(moved_on).to_contain_text("Oscar Overlay")
    expect(refused).to_have_count(0)
    assert tab.axe() == []
    moved_on.get_by_role("button", name="Show it as it stands now").click()
    expect(olivia.get_by_text("Ended: Rejected")).to_be_visible()
    assert places(held)[contested][1] == "REJECTED"


def test_an_approval_of_what_was_analysed_again_is_stale_and_what_stands_now_is_approved(
    signed_in: Signed, held: Demo, undecided: Iterator[str]
):
    """Oscar has the account analysed again while Olivia reads it: her approval is of another version than stands."""
    account_id = next(undecided)
    page = signed_in("olivia", search(account_id)).page
    row_of(page, account_id).locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(account_id)
    day = unquote(page.url.split("/review/")[1].split("?")[0])
    version = select(account_day.c.version).where(account_day.c.account_id == account_id)
    before = held.ask(lambda c: c.scalar(version))
    page.keyboard.press("a")
    confirm = page.get_by_role("dialog").get_by_role("button", name="Approve")
    expect(confirm).to_be_visible()
    oscar = signed_in("oscar", f"/review/{quote(day, safe='')}").page
    expect(oscar.get_by_role("button", name="Analyse again")).to_be_visible()
    oscar.keyboard.press("n")
    oscar.get_by_role("dialog").get_by_role("button", name="Analyse again").click()
    expect(oscar.get_by_text(f"A new analysis is asked for: {account_id}")).to_be_visible()
    held.until(
        lambda: held.ask(lambda c: c.scalar(version)) > before and places(held)[account_id][0] == "review",
        "the second analysis",
    )

    confirm.click()
    refused = page.get_by_role("dialog")
    expect(refused.get_by_text(f"{account_id}: your decision came too late")).to_be_visible()
    expect(refused.get_by_text("Oscar Overlay asked for a new analysis")).to_be_visible()
    refused.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Show it as it stands now").click()
    expect(page.get_by_text("This account has moved on")).to_have_count(0)
    page.keyboard.press("a")
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"Approved {account_id}")).to_be_visible()
    until_left_review(held, account_id)


def test_a_narrow_window_scrolls_the_queue_sideways_and_keeps_every_column(signed_in: Signed):
    """At 1,024 pixels the reason still has room for its words, and the page itself is no wider than the window."""
    page = signed_in("olivia", viewport={"width": 1024, "height": 768}).page
    why = rows(page).first.locator("td:nth-child(4)")
    expect(why).to_be_visible()
    assert why.evaluate("each => each.getBoundingClientRect().width") >= 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024


def test_compliance_suspends_and_takes_it_back(signed_in: Signed, held: Demo, undecided: Iterator[str], a_reason: str):
    suspended = next(undecided)
    page = signed_in("carla", search(suspended)).page
    row_of(page, suspended).click()
    page.keyboard.press("s")
    page.get_by_role("textbox", name="Reason").fill(a_reason)
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(page.get_by_text(f"Suspended {suspended}")).to_be_visible()
    until_left_review(held, suspended)
    expect(row_of(page, suspended)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Suspension lifted")).to_be_visible()
    rows_of = select(suspension.c.lifted_by).where(suspension.c.scope_id == suspended)
    assert held.ask(lambda c: list(c.scalars(rows_of))) == ["demo-48-20-carla"]


def test_a_reviewer_sees_what_others_have_to_approve_and_cannot_send_it(signed_in: Signed):
    """An account without discretion is its advisor's to approve, with the client's consent."""
    page = signed_in("olivia", "/review?reason=NON_DISCRETIONARY").page
    expect(rows(page).first).to_contain_text("needs consent")
    rows(page).first.locator("a").click()
    expect(page.get_by_text("Its advisor approves, with the client's consent.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
