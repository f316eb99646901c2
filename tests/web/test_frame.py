"""Around the pages: who may see them, what they say when something is wrong, and what the browser is allowed."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.demo_process import Demo
from tests.web.browser import ROOT, a_tab
from tests.web.conftest import Signed
from tests.web.screenshots import NAMES, SCHEMES
from tests.web.test_review_desk import row_of, rows, search
from trimtab.demo.people import secrets_file

log = logging.getLogger(__name__)

FIRST_LOAD_BYTES = 250_000


@pytest.mark.parametrize(
    ("username", "landing"),
    [("olivia", "/review"), ("carla", "/review"), ("dan", "/night"), ("ada", "/night"), ("advisor1", "/accounts")],
)
def test_everybody_lands_on_the_page_of_their_role_and_its_first_load_is_below_250_kb_gzipped(
    signed_in: Signed, username: str, landing: str
):
    """The load: what the browser has asked this host for until the page stands, each file gzipped."""
    page = signed_in(username).page
    expect(page).to_have_url(re.compile(f"{landing}$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("table").first).to_be_visible()
    names = page.evaluate("() => performance.getEntriesByType('resource').map(each => each.name)")
    files = {urlsplit(name).path for name in names if "/assets/" in name}
    assert any(name.endswith(".css") for name in files)
    sizes = {name: len(gzip.compress((ROOT / "trimtab" / "_web" / name.lstrip("/")).read_bytes())) for name in files}
    log.info("%s: %d bytes in %d files", landing, sum(sizes.values()), len(sizes))
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


@pytest.mark.covers("W-H")
def test_a_page_of_another_role_is_refused_by_the_api_and_not_only_hidden(signed_in: Signed):
    """An administrator reads no accounts: the address is not in the menu, and behind it the API says no."""
    tab = signed_in("ada", "/review")
    expect(tab.page.get_by_role("navigation", name="Pages").get_by_text("Review desk")).to_have_count(0)
    expect(tab.page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Go to my page")).to_be_visible()


def test_a_broken_link_says_what_is_wrong_and_what_to_do(signed_in: Signed):
    tab = signed_in("olivia", "/nowhere")
    said = tab.page.get_by_role("alert")
    expect(said.get_by_role("heading", name="There is no such page")).to_be_visible()
    for path, thing in {"/review/none": "account-day", "/accounts/A99999": "account"}.items():
        tab.go(path)
        expect(said.get_by_role("heading", name=f"There is no such {thing}")).to_be_visible()
        expect(said.get_by_text("Check the address")).to_be_visible()


def test_an_api_that_is_down_is_named_and_the_figures_stay(signed_in: Signed):
    tab = signed_in("olivia")
    tab.tolerated += ["Failed to load resource", "WebSocket connection"]
    expect(rows(tab.page).first).to_be_visible()
    tab.page.route("**/graphql", lambda route: route.abort())
    tab.page.get_by_role("button", name="Traded").click()
    expect(tab.page.get_by_text("trimtab does not answer.")).to_be_visible()
    expect(rows(tab.page).first).to_be_visible()
    tab.page.unroute("**/graphql")
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.get_by_text("trimtab does not answer.")).to_have_count(0)


def test_a_page_that_never_had_an_answer_offers_to_try_again(signed_in: Signed):
    tab = signed_in("olivia", "/nowhere")
    tab.tolerated += ["Failed to load resource"]
    tab.page.route("**/graphql", lambda route: route.abort())
    tab.page.get_by_role("link", name="Review desk").click()
    expect(tab.page.get_by_role("heading", name="trimtab does not answer")).to_be_visible()
    tab.page.unroute("**/graphql")
    tab.page.get_by_role("button", name="Try again").click()
    expect(rows(tab.page).first).to_be_visible()


def test_an_api_that_is_killed_comes_back_beneath_the_open_page(signed_in: Signed, held: Demo):
    """kill -9, not a mock: the page says that its figures are not live, and that they are again, by itself."""
    tab = signed_in("olivia")
    tab.tolerated += ["Failed to load resource", "WebSocket connection"]
    page = tab.page
    expect(page.get_by_text("● Live")).to_be_visible()
    expect(rows(page).first).to_be_visible()
    waiting = rows(page).count()
    held.kill("api")
    expect(page.get_by_text("○ Not live")).to_be_visible()
    page.get_by_role("button", name="Traded").click()
    expect(page.get_by_text("trimtab does not answer.")).to_be_visible()
    expect(page.get_by_text("● Live")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("trimtab does not answer.")).to_have_count(0)
    expect(rows(page)).to_have_count(waiting)


def test_a_session_that_ends_while_somebody_writes_costs_them_nothing(
    signed_in: Signed, held: Demo, undecided: Iterator[str], a_reason: str
):
    """The sign-in is revoked; the decision is refused, the same window asks again, and the text is still there."""
    account_id = next(undecided)
    tab = signed_in("olivia", search(account_id))
    tab.tolerated += ["401"]
    page = tab.page
    row_of(page, account_id).click()
    page.keyboard.press("r")
    reason = page.get_by_role("textbox", name="Reason")
    reason.fill(a_reason)
    with page.expect_request("**/graphql") as asked:
        page.get_by_role("dialog").get_by_role("button", name="Reject").hover()
        page.evaluate("() => window.dispatchEvent(new Event('focus'))")
        _revoke(tab.url, tab.token)
        page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    assert asked.value.method == "POST"
    ended = page.get_by_role("dialog", name="Your session has ended")
    expect(ended).to_be_visible()
    address = page.url
    with page.expect_popup() as opened:
        ended.get_by_role("button", name="Sign in again").click()
    window = opened.value
    window.fill("#username", "olivia")
    window.fill("#password", tab.password)
    window.keyboard.press("Enter")
    expect(ended).to_have_count(0)
    assert page.url == address
    page.get_by_role("button", name=re.compile("Try again")).click()
    expect(page.get_by_text(f"Rejected {account_id}")).to_be_visible()
    said = held.ask(lambda c: c.exec_driver_sql("SELECT reason FROM decision").scalars().all())
    assert said.count(a_reason) == 1


def test_the_tokens_are_renewed_before_they_end_and_stay_out_of_the_browsers_storage(signed_in: Signed):
    tab = signed_in("olivia", clock=True)
    expect(rows(tab.page).first).to_be_visible()
    first = tab.token
    stored = tab.page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage})")
    assert first not in stored
    assert "access_token" not in stored
    with tab.page.expect_response("**/oauth/token") as answer:
        tab.page.clock.fast_forward("09:15")  # access tokens live ten minutes
    assert answer.value.status == 200
    with tab.page.expect_request(lambda one: "ReviewQueue" in (one.post_data or "")) as asked:
        tab.page.get_by_role("button", name="Traded").click()
    assert asked.value.headers["authorization"] == f"Bearer {tab.token}" != f"Bearer {first}"


def _revoke(url: str, token: str) -> None:
    form = {"token": token, "client_id": "trimtab-pages"}
    assert httpx.post(f"{url}/oauth/revoke", data=form, trust_env=False).status_code == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_at_the_sign_in_and_on_a_page_that_is_not_there(browser: Browser, held: Demo, scheme: str):
    with a_tab(browser, held.url("api"), color_scheme=scheme) as tab:
        tab.tolerated += ["the server responded with a status of 4"]
        tab.page.goto(tab.url + "/nowhere")
        expect(tab.page.get_by_label("Username")).to_be_focused()
        assert tab.axe() == []
        tab.page.fill("#username", "olivia")
        tab.page.fill("#password", "not hers")
        tab.page.keyboard.press("Enter")
        expect(tab.page.get_by_role("alert")).to_contain_text("Username or password is wrong.")
        assert tab.axe() == []
        tab.page.fill("#username", "olivia")
        tab.page.fill("#password", json.loads(secrets_file(held.state_dir).read_text())["olivia"])
        tab.page.keyboard.press("Enter")
        expect(tab.page.get_by_role("heading", name="There is no such page")).to_be_visible()
        assert tab.axe() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_queue_a_review_and_their_dialogs(signed_in: Signed, scheme: str):
    tab = signed_in("carla", "/review", color_scheme=scheme)
    expect(rows(tab.page).first).to_be_visible()
    assert tab.axe() == []
    rows(tab.page).first.locator("a").click()
    expect(tab.page.get_by_role("img", name=re.compile("^Drift"))).to_be_visible()
    assert tab.axe() == []
    for key in ("r", "s", "?"):
        tab.page.keyboard.press(key)
        expect(tab.page.get_by_role("dialog")).to_be_visible()
        tab.page.wait_for_timeout(400)  # until it has faded in: half transparent text has no contrast
        assert tab.axe() == []
        tab.page.keyboard.press("Escape")
        expect(tab.page.get_by_role("dialog")).to_have_count(0)


def test_the_keyboard_reaches_the_content_past_the_menu_and_focus_is_seen(signed_in: Signed):
    page = signed_in("olivia").page
    expect(rows(page).first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    assert skip.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_on_a_telephone_no_page_is_wider_than_the_window(signed_in: Signed):
    """390 pixels: wide tables scroll in boxes of their own, and the way out stays in sight."""
    tab = signed_in("olivia", "/review", viewport={"width": 390, "height": 844})
    for heading, path in {"Review desk": "/night", "The night": "/accounts/A00001", "A00001": "/accounts"}.items():
        expect(tab.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        expect(tab.page.get_by_role("table").first).to_be_visible()
        assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
        expect(tab.page.get_by_role("button", name="Sign out")).to_be_in_viewport()
        tab.go(path)


def test_figures_stand_at_the_right_and_are_written_as_the_reader_writes_them(signed_in: Signed):
    german = signed_in("olivia", locale="de-DE", timezone_id="Europe/Berlin").page
    expect(rows(german).first).to_contain_text(re.compile(r"\d{1,3}(\.\d{3})+\s\$"))
    figure = rows(german).first.locator("td.number").first
    style = figure.evaluate("each => [getComputedStyle(each).textAlign, getComputedStyle(each).fontVariantNumeric]")
    assert style == ["right", "tabular-nums"]
    told = rows(german).locator("td:nth-child(4)").all_inner_texts()
    assert [text for text in told if re.search(r"\d,\d+\s%", text)]
    assert not [text for text in told if re.search(r"\d\.\d+\s?%|\$\d", text)]  # as an American writes it
    expect(german.get_by_text(re.compile(r"20\. Nov\. 2026, 21:30"))).to_be_visible()  # 15:30 in New York


def test_the_policy_allows_no_script_or_style_of_the_page_itself(signed_in: Signed):
    tab = signed_in("olivia")
    policy = httpx.get(tab.url + "/review", trust_env=False).headers["Content-Security-Policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'"]
    assert "unsafe" not in policy
    assert set(rules["connect-src"]) == {"'self'", tab.url, tab.url.replace("http", "ws")}
    tab.tolerated += ["Content Security Policy"]
    tab.page.evaluate(
        """() => { const script = document.createElement('script');
                   script.textContent = 'window.injected = true'; document.body.append(script); }"""
    )
    assert tab.page.evaluate("() => window.injected") is None


def test_hashed_assets_are_kept_for_a_year_and_the_page_is_not(held: Demo):
    url = held.url("api")
    page = httpx.get(url + "/", trust_env=False)
    assert page.headers["Cache-Control"] == "no-store"
    (script,) = re.findall(r'src="(/assets/[^"]+\.js)"', page.text)
    answer = httpx.get(url + script, trust_env=False)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert httpx.get(url + "/assets/nothing.js", trust_env=False).status_code == 404
    assert httpx.get(url + "/oauth/nothing", trust_env=False).status_code == 404


def test_the_pictures_of_the_documentation_are_those_that_the_command_takes():
    """`python -m tests.web.screenshots` takes every picture that docs/pages.md shows, and no other is kept."""
    shown = set(re.findall(r"\]\(screenshots/([^)]+)\)", (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")))
    kept = {path.name for path in (ROOT / "docs" / "screenshots").iterdir()}
    assert shown == kept == {f"{name}-{scheme}.png" for name in NAMES for scheme in SCHEMES}


def test_every_component_has_its_style_sheet():
    """mantine.css names the components one by one; one that is missing would stand unstyled."""
    source = ROOT / "web" / "src"
    sheets = source / ".." / "node_modules" / "@mantine" / "core" / "styles"
    named = set(re.findall(r"styles/(\w+)\.css", (source / "mantine.css").read_text(encoding="utf-8")))
    used: set[str] = set()
    for path in source.rglob("*.tsx"):
        for names in re.findall(r'import \{([^}]+)\} from "@mantine/core"', path.read_text(encoding="utf-8")):
            used |= {name.strip() for name in names.split(",")}
    builds_upon = {"Select": {"Combobox", "Input", "Popover", "ScrollArea"}, "Modal": {"ModalBase", "Overlay"}}
    for name, others in builds_upon.items():
        used |= others if name in used else set()
    needed = {name for name in used if (sheets / f"{name}.css").is_file()}
    assert needed - named == set()
