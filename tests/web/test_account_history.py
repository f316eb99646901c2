"""Compliance looks an account up: every day, everything in it, as it was known when, and saved as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.e2e.demo_process import Demo
from tests.e2e.test_people import places
from tests.web.browser import Tab
from tests.web.conftest import Signed
from tests.web.desk import Desk
from trimtab.db.tables import account, decision, person, record, suspension

FORMULA = '=HYPERLINK("http://example.com","not this month")'


def panel(page: Page, title: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=re.compile(rf"^{title}( \(\d+\))?$")))


def saved(tab: Tab, name: str) -> list[list[str]]:
    """The rows of the file that the button saves."""
    with tab.page.expect_download() as waiting:
        tab.page.get_by_role("button", name=f"Save {name} as CSV").click()
    text = waiting.value.path().read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def cells(table: Locator) -> list[list[str]]:
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


@pytest.fixture(scope="module")
def decided(held: Demo) -> dict[str, dict[str, Any]]:
    """Olivia has approved one account and rejected another, with a reason that a spreadsheet would run."""
    olivia = Desk(held, "olivia")
    approved, rejected = olivia.reviews()[:2]
    olivia.approve(approved)
    olivia.reject(rejected, FORMULA)
    for node in (approved, rejected):
        held.until(lambda node=node: places(held)[node["accountId"]][0] != "review", "the decisions' effect")
    return {"approved": approved, "rejected": rejected}


@pytest.mark.covers("R1", "R4")
def test_compliance_sees_an_approved_and_a_rejected_account_in_the_history(signed_in: Signed, decided):
    tab = signed_in("carla", "/accounts")
    page, rejected = tab.page, decided["rejected"]["accountId"]
    page.get_by_role("searchbox").fill(rejected.lower())
    expect(page.locator("tbody tr[data-row]")).to_have_count(1)
    expect(page.locator("tbody tr[data-row]")).to_contain_text("Rejected")
    expect(page).to_have_url(re.compile(rf"search={rejected.lower()}$"))
    page.get_by_role("link", name=rejected).click()
    expect(page.get_by_role("heading", level=1, name=rejected)).to_be_visible()
    row = panel(page, "Decisions").locator("tbody tr")
    expect(row).to_contain_text("Olivia Overlay")
    expect(row).to_contain_text("Reject")
    expect(row).to_contain_text(FORMULA)
    expect(panel(page, "Orders")).to_contain_text("Nothing was ordered.")

    page.get_by_role("link", name="← Accounts").click()
    page.get_by_role("searchbox").fill(decided["approved"]["accountId"])
    page.get_by_role("link", name=decided["approved"]["accountId"]).click()
    row = panel(page, "Decisions").locator("tbody tr")
    expect(row).to_contain_text("Approve")
    expect(row).to_contain_text(decided["approved"]["proposalHash"][:10])
    passed = panel(page, "Stages").locator("tbody tr td:first-child").all_inner_texts()
    assert passed[:6] == ["Ingest", "Validate", "Analyze", "Filter", "Review", "Approve"]
    expect(panel(page, "Stages")).to_contain_text(decided["approved"]["proposalHash"][:10])
    expect(panel(page, "Inputs")).to_contain_text("in cash.")


def test_the_days_entries_stand_in_the_accounts_chain_and_the_chain_is_verified(signed_in: Signed, held: Demo, decided):
    rejected = decided["rejected"]["accountId"]
    page = signed_in("carla", f"/accounts/{rejected}").page
    entries = held.ask(
        lambda c: c.execute(select(record).where(record.c.account_id == rejected).order_by(record.c.seq)).all()
    )
    shown = panel(page, "Record").locator("tbody tr")
    expect(shown).to_have_count(len(entries))
    for row, entry in zip(cells(panel(page, "Record")), entries, strict=True):
        assert row[0] == f"#{entry.seq}"
        assert entry.hash[:10] in row[4]
        assert entry.prev[:10] in row[5]
    page.get_by_role("button", name="Verify the record").click()
    expect(page.get_by_text(f"Chain intact: {len(entries)} entries verified")).to_be_visible()


def test_what_is_shown_is_saved_and_no_cell_of_it_is_a_formula(signed_in: Signed, decided):
    rejected = decided["rejected"]["accountId"]
    tab = signed_in("carla", f"/accounts/{rejected}")
    expect(panel(tab.page, "Decisions").locator("tbody tr")).to_have_count(1)
    head, *rows = saved(tab, "the decisions")
    assert head == panel(tab.page, "Decisions").locator("thead th").all_inner_texts()
    (row,) = rows
    assert dict(zip(head, row, strict=True))["Reason"] == f"'{FORMULA}"
    assert dict(zip(head, row, strict=True))["Proposal"] == decided["rejected"]["proposalHash"]
    stages = saved(tab, "the stages")
    assert [row[0] for row in stages[1:]] == [row[0] for row in cells(panel(tab.page, "Stages"))]
    assert len(saved(tab, "the record")) == 1 + panel(tab.page, "Record").locator("tbody tr").count()
    assert len(saved(tab, "the days")) == 1 + tab.page.locator("ol a").count()


def test_as_of_an_instant_before_it_the_decision_is_not_known(signed_in: Signed, held: Demo, decided):
    rejected = decided["rejected"]["accountId"]
    made: datetime = held.ask(
        lambda c: c.scalar(select(decision.c.recorded_at).where(decision.c.account_id == rejected))
    )
    before = made.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    page = signed_in("carla", f"/accounts/{rejected}?known={before}").page
    expect(page.get_by_text("whatever was recorded later is left out")).to_be_visible()
    expect(panel(page, "Decisions")).to_contain_text("Nobody decided anything.")
    expect(page.locator("ol")).to_contain_text("In review")
    page.get_by_role("button", name="Every day, as of now").click()
    expect(panel(page, "Decisions").locator("tbody tr")).to_have_count(1)
    expect(page.locator("ol")).to_contain_text("Rejected")


def test_compliance_lifts_its_suspension_with_a_reason_and_the_accounts_advisor_cannot(
    signed_in: Signed, held: Demo, a_reason: str
):
    opened = select(suspension.c.scope_id, account.c.advisor_id).join(
        account, account.c.account_id == suspension.c.scope_id
    )
    account_id, advisor_id = held.ask(lambda c: c.execute(opened.where(suspension.c.code == "COMPLIANCE")).one())
    advisor = held.ask(lambda c: c.scalar(select(person.c.username).where(person.c.advisor_id == advisor_id)))
    page = signed_in(advisor, f"/accounts/{account_id}").page
    expect(page.get_by_role("alert").filter(has_text="Suspended: compliance")).to_contain_text(
        "May be lifted by: compliance."
    )
    assert page.get_by_role("button", name=re.compile("^Lift")).count() == 0

    page = signed_in("carla", f"/accounts/{account_id}").page
    page.get_by_role("button", name="Lift the suspension for compliance").click()
    page.get_by_role("textbox", name="Reason").fill(a_reason)
    page.get_by_role("dialog").get_by_role("button", name="Lift").click()
    expect(page.get_by_text("Suspension lifted")).to_be_visible()
    expect(page.get_by_text("Suspended: compliance")).to_have_count(0)
    lifted = select(suspension.c.lifted_by, suspension.c.lift_reason).where(suspension.c.scope_id == account_id)
    assert held.ask(lambda c: tuple(c.execute(lifted).one())) == ("demo-48-20-carla", a_reason)


def test_dates_before_the_first_day_show_nothing_and_say_so(signed_in: Signed, decided):
    page = signed_in("carla", f"/accounts/{decided['rejected']['accountId']}?until=2020-01-01").page
    expect(page.get_by_text("Nothing is known of the account in these dates")).to_be_visible()


def test_an_advisor_looks_up_the_own_accounts_and_no_others(signed_in: Signed, held: Demo, decided):
    people, accounts = (
        select(person.c.advisor_id, person.c.username),
        select(account.c.account_id, account.c.advisor_id),
    )
    advisors = held.ask(lambda c: {row.advisor_id: row.username for row in c.execute(people)})
    owners = held.ask(lambda c: {row.account_id: row.advisor_id for row in c.execute(accounts)})
    mine = decided["approved"]["accountId"]
    other = next(one for one, owner in owners.items() if owner != owners[mine])
    tab = signed_in(advisors[owners[mine]], "/")
    expect(tab.page.get_by_role("link", name=mine)).to_be_visible()
    assert tab.page.get_by_role("link", name=other).count() == 0
    signed = signed_in(advisors[owners[mine]], f"/accounts/{other}").page
    expect(signed.get_by_role("heading", name="There is no such account")).to_be_visible()


def test_an_unknown_account_says_what_to_do(signed_in: Signed):
    page = signed_in("carla", "/accounts/NOPE").page
    expect(page.get_by_role("heading", name="There is no such account")).to_be_visible()
    page.get_by_role("button", name="Go to my page").click()
    expect(page).to_have_url(re.compile(r"/review$"))


def test_an_administrator_is_refused_the_accounts_by_the_api(signed_in: Signed):
    tab = signed_in("ada", "/night")
    with tab.page.expect_response(
        lambda one: "/graphql" in one.url and "Accounts" in (one.request.post_data or "")
    ) as got:
        tab.go("/accounts")
    assert got.value.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    expect(tab.page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
    assert tab.page.get_by_role("link", name="Accounts").count() == 0


def test_accounts_and_history_are_worked_by_keys_alone(signed_in: Signed):
    page = signed_in("carla", "/accounts").page
    expect(page.locator("tbody tr[data-row]").first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr[data-active]")).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Stages")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_accounts_and_a_day(signed_in: Signed, decided, scheme):
    tab = signed_in("carla", "/accounts", color_scheme=scheme)
    expect(tab.page.locator("tbody tr[data-row]").first).to_be_visible()
    assert tab.axe() == []
    tab.page.get_by_role("searchbox").fill(decided["approved"]["accountId"])
    tab.page.get_by_role("link", name=decided["approved"]["accountId"]).click()
    expect(panel(tab.page, "Record").locator("tbody tr").first).to_be_visible()
    assert tab.axe() == []
