"""Signs in to an OAuth server from a program: for the demo's reviewers, the command line and tests.

`sign_in` does what a browser and an application do together: it asks for a code with PKCE, fills in the sign-in
form, follows the answer and exchanges the code. Real integrators use `client_credentials`.
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from trimtab.domain.errors import TrimtabError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_SECONDS: Final = 30.0


class SignInFailed(TrimtabError):
    """The server refused; `error` is its OAuth error code or a word for what went wrong."""

    code = "SIGN_IN_FAILED"

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave. `expires_in` is in seconds from the answer. The texts stay out of logs."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


async def sign_in(
    base_url: str,
    username: str,
    password: str,
    client_id: str,
    redirect_uri: str,
    *,
    scope: str = "openid",
    http: httpx.AsyncClient | None = None,
) -> Tokens:
    """Tokens of a person, by authorization code with PKCE over the server's own form. Raises SignInFailed.

    Nothing has to listen at `redirect_uri`. A given `http` keeps the form's cookie.
    """
    async with _session(http) as session:
        server = await _discover(session, base_url)
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": scope,
            "state": state,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        shown = await session.get(f"{server['authorization_endpoint']}?{urlencode(query)}")
        answer = shown
        if shown.status_code == httpx.codes.OK:
            form = _Form.read(shown.text)
            filled = {**form.fields, "username": username, "password": password}
            answer = await session.post(urljoin(str(shown.url), form.action), data=filled)
        code = code_in(answer, server["issuer"], state)
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await _tokens(session, server, {**grant, "client_id": client_id, "code_verifier": verifier}, auth=None)


async def refresh(
    base_url: str, refresh_token: str, client_id: str, *, http: httpx.AsyncClient | None = None
) -> Tokens:
    """New tokens for a refresh token, which is used up by this. Raises SignInFailed."""
    async with _session(http) as session:
        server = await _discover(session, base_url)
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
        return await _tokens(session, server, grant, auth=None)


async def client_credentials(
    base_url: str,
    client_id: str,
    client_secret: str,
    *,
    scope: str | None = None,
    http: httpx.AsyncClient | None = None,
) -> Tokens:
    """Tokens of a machine client; without `scope` all that it may have. Raises SignInFailed."""
    async with _session(http) as session:
        server = await _discover(session, base_url)
        grant = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        return await _tokens(session, server, grant, auth=httpx.BasicAuth(client_id, client_secret))


@asynccontextmanager
async def _session(http: httpx.AsyncClient | None) -> AsyncIterator[httpx.AsyncClient]:
    if http is not None:
        yield http
        return
    async with httpx.AsyncClient(timeout=_SECONDS) as own:
        yield own


async def _discover(session: httpx.AsyncClient, base_url: str) -> dict[str, Any]:
    answer = await session.get(base_url.rstrip("/") + "/.well-known/openid-configuration")
    if answer.status_code != httpx.codes.OK:
        raise SignInFailed("no_discovery", f"{base_url} answered {answer.status_code}; is it an OAuth server?")
    document: dict[str, Any] = answer.json()
    return document


async def _tokens(
    session: httpx.AsyncClient, server: Mapping[str, Any], grant: Mapping[str, str], auth: httpx.BasicAuth | None
) -> Tokens:
    answer = await session.post(server["token_endpoint"], data=dict(grant), auth=auth or httpx.USE_CLIENT_DEFAULT)
    body = answer.json()
    if answer.status_code != httpx.codes.OK:
        raise SignInFailed(body.get("error", "refused"), body.get("error_description", ""))
    return Tokens(
        access_token=body["access_token"],
        expires_in=int(body["expires_in"]),
        scope=body.get("scope", ""),
        refresh_token=body.get("refresh_token"),
        id_token=body.get("id_token"),
    )


def code_in(answer: httpx.Response, issuer: str, state: str) -> str:
    """The code in the redirect to the application, which proves that the answer is this server's and to us."""
    if not answer.is_redirect:
        raise SignInFailed("refused", _Form.read(answer.text).alert or f"the form answered {answer.status_code}")
    given = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    if "error" in given:
        raise SignInFailed(given["error"], given.get("error_description", ""))
    if given.get("state") != state or given.get("iss") != issuer or "code" not in given:
        raise SignInFailed("foreign_answer", "the answer does not belong to this request")
    return given["code"]


class _Form(HTMLParser):
    """The sign-in form of a page: where it is posted, its hidden fields, and the alert above it."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.alert = ""
        self._in_alert = False

    @classmethod
    def read(cls, page: str) -> _Form:
        form = cls()
        form.feed(page)
        form.close()
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._in_alert = found.get("role") == "alert"
        if tag == "form":
            self.action = found.get("action", "")
        if tag == "input" and found.get("type") == "hidden":
            self.fields[found.get("name", "")] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._in_alert:
            self.alert += data

    def handle_endtag(self, tag: str) -> None:
        self._in_alert = False
