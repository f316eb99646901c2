"""Those who keep the night running: what is stuck is seen, tried again, and finishes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from tests.e2e.demo_process import Demo
from tests.e2e.test_people import mend, places, spoil_snapshots
from tests.web.conftest import Signed
from tests.web.desk import Desk
from tests.web.test_account_history import cells, panel, saved
from trimtab.db.tables import alert


@pytest.fixture(scope="module")
def blocked(held: Demo) -> Iterator[dict[str, Any]]:
    """An approved account whose trade is parked: what it is checked against was spoilt, as by a broken disk."""
    olivia = Desk(held, "olivia")
    node = olivia.reviews()[0]
    kept = spoil_snapshots(held, [node["accountId"]])
    olivia.approve(node)
    held.until(lambda: places(held)[node["accountId"]][0] == "blocked", "a blocked step")
    yield {**node, "mend": lambda: mend(held, kept, [node["accountId"]])}
    mend(held, kept, [node["accountId"]])


@pytest.mark.covers("H4")
def test_every_account_of_the_roster_is_in_one_line_of_the_outcomes(signed_in: Signed, held: Demo):
    tab = signed_in("dan", "/")
    page = tab.page
    expect(page).to_have_url(re.compile(r"/night$"))
    outcomes = panel(page, "Outcomes")
    roster = len(places(held))
    expect(outcomes.locator("tfoot")).to_contain_text(str(roster))
    counted = [int(row[-1]) for row in cells(outcomes)]
    assert sum(counted) == roster
    assert [row[-1] for row in saved(tab, "the outcomes")[1:]] == [str(number) for number in counted]
    stages = panel(page, "Progress through the stages").locator("tbody tr")
    expect(stages).to_have_count(8)
    assert stages.first.locator("td").nth(1).inner_text() == str(roster)
    deliveries = panel(page, "Deliveries").locator("tbody tr")
    expect(deliveries).to_have_count(13)
    assert set(deliveries.locator("td:nth-child(2)").all_inner_texts()) == {"Loaded"}


def test_a_file_that_contradicts_itself_is_shown_with_what_is_the_matter_and_raises_an_alert(
    signed_in: Signed, held: Demo
):
    """A second sales file, one of whose proceeds is no number: its rows no longer sum to its trailer."""
    (file,) = held.state_dir.glob("drop/*/sales/sales-*.csv")
    sound = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r",\d+\.\d+,(\d+\.\d+)\n", r",a lot,\1\n", sound, count=1), encoding="utf-8")
    held.cli("feeds", "load", "--date", date.fromisoformat(file.stem.rsplit("-", 1)[1]).isoformat())
    page = signed_in("dan", "/night").page
    row = panel(page, "Deliveries").locator("tbody tr", has_text="Sales")
    expect(row).to_contain_text("Quarantined")
    expect(row).to_contain_text("Feed total: the trailer's control total is")
    expect(row).to_contain_text("(the last of 2)")
    first = panel(page, "Alerts").locator("tbody tr").first
    expect(first).to_contain_text("Critical")
    expect(first).to_contain_text("the sales file was refused")


@pytest.mark.covers("E5")
def test_suspensions_are_shown_by_reason_with_who_may_lift_them_and_which_accounts(signed_in: Signed):
    page = signed_in("dan", "/night").page
    row = panel(page, "Suspensions that stand now").locator("tbody tr", has_text="Lot mismatch")
    expect(row).to_contain_text("Data manager")
    expect(row).to_contain_text("a new input without the fault")
    row.get_by_text("Which accounts").click()
    row.locator("details a").first.click()
    expect(page).to_have_url(re.compile(r"/accounts/A\d+$"))
    expect(page.get_by_text("Suspended: lot mismatch")).to_be_visible()


@pytest.mark.covers("E6")
def test_an_alert_is_acknowledged_once_and_says_by_whom(signed_in: Signed, held: Demo):
    tab = signed_in("dan", "/night")
    page = tab.page
    alerts = panel(page, "Alerts")
    unowned = select(func.count()).select_from(alert).where(alert.c.acknowledged_by.is_(None))
    before = held.ask(lambda c: c.scalar(unowned))
    expect(alerts.locator("tbody tr")).to_have_count(before)
    alerts.get_by_role("button", name=re.compile("^Acknowledge")).first.click()
    expect(alerts.locator("tbody tr")).to_have_count(before - 1)
    alerts.get_by_text("All", exact=True).click()
    expect(page).to_have_url(re.compile("alerts=all"))
    expect(alerts).to_contain_text("Dan Data")
    assert held.ask(lambda c: c.scalar(unowned)) == before - 1


def test_a_blocked_step_says_what_failed_what_to_do_and_where_its_workflow_is(signed_in: Signed, held: Demo, blocked):
    page = signed_in("olivia", "/night").page
    row = panel(page, "Blocked steps").locator("tbody tr", has_text=blocked["accountId"])
    expect(row).to_contain_text("CONTENT_CHANGED")
    expect(row).to_contain_text("Trade")
    address = row.get_by_role("link", name=re.compile("Temporal")).get_attribute("href")
    assert address is not None
    assert address.startswith(f"{held.url('temporal_ui')}/namespaces/default/workflows/account-lifecycle%2F")
    assert blocked["accountId"] in address


def test_a_data_manager_sees_no_step_that_is_not_theirs_to_retry(signed_in: Signed, blocked):
    page = signed_in("dan", "/night").page
    expect(panel(page, "Blocked steps")).to_contain_text("Nothing is stuck.")


def test_compliance_is_refused_the_night_by_the_api(signed_in: Signed):
    page = signed_in("carla", "/night").page
    expect(page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
    assert page.get_by_role("link", name="The night").count() == 0


def test_a_date_without_a_run_says_so_and_a_broken_one_too(signed_in: Signed):
    page = signed_in("dan", "/night?date=2020-01-02").page
    expect(page.get_by_text("There was no run on 2020-01-02")).to_be_visible()
    broken = signed_in("dan", "/night?date=yesterday").page
    expect(broken.get_by_role("heading", name="There is no such business date")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_night(signed_in: Signed, blocked, scheme):
    tab = signed_in("olivia", "/night", color_scheme=scheme)
    expect(panel(tab.page, "Blocked steps").locator("tbody tr")).to_have_count(1)
    expect(panel(tab.page, "Deliveries").locator("tbody tr")).to_have_count(13)
    assert tab.axe() == []


@pytest.mark.covers("H6")
def test_ops_retry_a_blocked_step_and_the_account_finishes(signed_in: Signed, held: Demo, blocked, end_of_day):
    """The administrator, who reads no account, sees the step, mends what it named, and tries it again."""
    account = blocked["accountId"]
    page = signed_in("ada", "/night").page
    row = panel(page, "Blocked steps").locator("tbody tr", has_text=account)
    expect(row).to_be_visible()
    assert row.get_by_role("link", name=account).count() == 0
    blocked["mend"]()
    row.get_by_role("button", name=f"Retry trade of {account}").click()
    expect(page.get_by_text("1 step is tried again.")).to_be_visible()
    expect(panel(page, "Blocked steps")).to_contain_text("Nothing is stuck.")
    held.until(lambda: places(held)[account][0] == "trade", "the retried step")

    end_of_day()
    assert places(held)[account] == ("record", "TRADED")
    tab = signed_in("carla", f"/accounts/{account}")
    expect(tab.page.locator("ol")).to_contain_text("Traded")
    expect(panel(tab.page, "Orders").locator("tbody tr").first).to_contain_text("Filled")
    expect(panel(tab.page, "Record")).to_contain_text("Step retry asked")
    expect(panel(tab.page, "Executions of whole blocks").locator("tbody tr").first).to_be_visible()
