"""The authorization endpoint: PKCE, exact redirect addresses, the form and who may post it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.auth.browser import Browser, a_browser, answer_of, form_of
from tests.auth.server_on_loopback import REDIRECT, RunningServer, a_running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with a_running_server(tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
async def browser(server: RunningServer) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient() as http:
        yield a_browser(server, http)


async def test_the_browser_goes_back_with_a_code_the_state_and_the_servers_name(server, browser):
    answer = answer_of(await browser.post_form(await browser.ask(browser.query())))
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("state-1", server.url)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "=" * 43},
        {"code_challenge": ""},
    ],
    ids=str,
)
async def test_no_form_is_shown_without_a_good_s256_challenge(server, browser, changes):
    answer = answer_of(await browser.ask(browser.query(**changes)))
    assert answer["error"] == "invalid_request"
    assert (answer["state"], answer["iss"]) == ("state-1", server.url)
    assert "code" not in answer


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        REDIRECT + "/",
        REDIRECT + "?x=1",
        REDIRECT + "#x",
        REDIRECT.replace("5173", "5174"),
        REDIRECT.replace("127.0.0.1", "localhost"),
        REDIRECT.replace("http", "https"),
        REDIRECT.upper(),
        REDIRECT + "/../callback",
        "https://evil.example/callback",
        "javascript:alert(1)",
        'http://127.0.0.1:5173/"é',
        REDIRECT + "\r\nSet-Cookie: a=b",
        REDIRECT + "\x00",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered_letter_by_letter(browser, redirect_uri):
    page = await browser.ask(browser.query(redirect_uri=redirect_uri))
    assert page.status_code == 400
    assert "Location" not in page.headers
    assert "invalid_request" in page.text


@pytest.mark.parametrize("client_id", ["unknown", None, "", "warehouse", "retired", '"><script>', "\x00"])
async def test_an_unknown_client_gets_an_error_page(browser, client_id):
    page = await browser.ask(browser.query(client_id=client_id))
    assert page.status_code == 400
    assert "Location" not in page.headers
    assert "<script" not in page.text


@pytest.mark.parametrize("response_type", ["token", "id_token", "code token", "code id_token", "none"])
async def test_only_codes_are_given(browser, response_type):
    answer = answer_of(await browser.ask(browser.query(response_type=response_type)))
    assert answer["error"] == "unsupported_response_type"


@pytest.mark.parametrize("response_type", ['"', "é", "\\", "\x7f"])
async def test_odd_characters_in_the_response_type_are_refused(browser, response_type):
    assert (await browser.ask(browser.query(response_type=response_type))).status_code == 400


@pytest.mark.parametrize("name", ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"])
async def test_a_repeated_parameter_is_refused(browser, name):
    query = browser.query()
    back = await browser.ask([*query, (name, "other"), *[pair for pair in query if pair[0] == name]])
    refused = back.status_code == 400 or answer_of(back)["error"] == "invalid_request"
    assert refused


async def test_scopes_beyond_those_of_the_client_are_refused(browser):
    assert answer_of(await browser.ask(browser.query(scope="openid accounts:read")))["error"] == "invalid_scope"


async def test_without_a_form_there_is_no_answer_since_nobody_stays_signed_in(browser):
    assert answer_of(await browser.ask(browser.query(prompt="none")))["error"] == "login_required"


async def test_too_many_parameters_and_bad_encodings_are_refused(server, browser):
    assert (await browser.ask([("a", "b")] * 41)).status_code == 400
    assert (await browser.http.get(f"{server.url}/oauth/authorize?state=%ff")).status_code == 400


# The form


async def test_the_form_runs_no_script_loads_nothing_and_cannot_be_framed(browser):
    page = await browser.ask(browser.query())
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:5173;" in policy
    assert "unsafe-inline" not in policy
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http%3A%2F%2F127.0.0.1", "")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"


async def test_the_cookie_of_the_form_is_for_this_path_and_this_site_only(browser):
    cookie = (await browser.ask(browser.query())).headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/oauth/authorize" in cookie


async def test_what_the_client_sends_is_escaped_in_the_form(browser):
    page = await browser.ask(browser.query(state='"><script>alert(1)</script>'))
    assert page.status_code == 200
    assert "<script" not in page.text


async def test_a_form_without_its_cookie_is_refused(server, browser):
    page = await browser.ask(browser.query())
    async with httpx.AsyncClient() as other_browser:
        again = await Browser(server, other_browser, browser.verifier).post_form(page)
    assert again.status_code == 403
    assert "Location" not in again.headers


async def test_a_form_that_was_shown_to_another_browser_is_refused(server, browser):
    theirs = await browser.ask(browser.query())
    async with httpx.AsyncClient() as other_http:
        other = Browser(server, other_http, browser.verifier)
        await other.ask(browser.query())
        again = await other.post_form(theirs)
    assert again.status_code == 403
    assert "no longer valid" in again.text


@pytest.mark.parametrize("csrf", ["", "0" * 64, "é", None])
async def test_a_form_without_its_token_is_refused(browser, csrf):
    page = await browser.ask(browser.query())
    fields = {"username": "ann@firm-a.example", "password": "x"} | ({"csrf": csrf} if csrf is not None else {})
    again = await browser.http.post(str(page.url), data=fields)
    assert again.status_code == 403
    assert "no longer valid" in again.text


async def test_a_form_serves_only_the_request_for_which_it_was_shown(server, browser):
    page = await browser.ask(browser.query())
    _, csrf = form_of(page)
    other = f"{server.url}/oauth/authorize?{urlencode(browser.query(client_id='other-dashboard'))}"
    again = await browser.http.post(other, data={"csrf": csrf, "username": "a", "password": "b"})
    assert again.status_code == 403
    assert "no longer valid" in again.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_form_posted_from_another_site_is_refused(browser, origin):
    page = await browser.ask(browser.query())
    assert (await browser.post_form(page, headers={"Origin": origin})).status_code == 403


async def test_a_form_posted_from_the_servers_own_page_passes(server, browser):
    page = await browser.ask(browser.query())
    assert "code" in answer_of(await browser.post_form(page, headers={"Origin": server.url}))


async def test_a_form_that_is_shown_again_after_a_wrong_password_still_works(browser):
    wrong = await browser.post_form(await browser.ask(browser.query()), password="wrong")
    assert wrong.status_code == 403
    assert "Username or password is wrong." in wrong.text
    assert "code" in answer_of(await browser.post_form(wrong))


async def test_a_form_in_another_encoding_is_refused(browser):
    page = await browser.ask(browser.query())
    again = await browser.http.post(str(page.url), json={"username": "a", "password": "b"})
    assert again.status_code == 400


async def test_guessing_passwords_is_slowed_down(tmp_path):
    with a_running_server(tmp_path) as server:
        async with httpx.AsyncClient() as http:
            browser = a_browser(server, http)
            page = await browser.ask(browser.query())
            for _ in range(5):
                assert (await browser.post_form(page, password="wrong")).status_code == 403
            slowed = await browser.post_form(page)
            assert slowed.status_code == 429
            assert slowed.headers["Retry-After"] == "1"
            assert "Too many attempts" in slowed.text
