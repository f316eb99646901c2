"""The authorization code flow step by step, so that tests can bend each step."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from html import unescape
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.auth.server_on_loopback import PASSWORD, REDIRECT, RunningServer


@dataclass
class Browser:
    server: RunningServer
    http: httpx.AsyncClient
    verifier: str

    def query(self, **changes: str | None) -> list[tuple[str, str]]:
        """A good authorization request; a change to None drops the parameter."""
        parameters = {
            "response_type": "code",
            "client_id": "dashboard",
            "redirect_uri": REDIRECT,
            "scope": "openid",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return [(name, value) for name, value in parameters.items() if value is not None]

    async def ask(self, query: list[tuple[str, str]]) -> httpx.Response:
        return await self.http.get(f"{self.server.url}/oauth/authorize?{urlencode(query)}")

    async def post_form(
        self,
        page: httpx.Response,
        username: str = "ann@firm-a.example",
        password: str = PASSWORD,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        action, csrf = form_of(page)
        fields = {"csrf": csrf, "username": username, "password": password}
        return await self.http.post(urljoin(str(page.url), action), data=fields, headers=headers)

    async def code(self, **changes: str | None) -> str:
        """A fresh code for the dashboard."""
        back = await self.post_form(await self.ask(self.query(**changes)))
        return answer_of(back)["code"]

    async def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": "dashboard",
            "code_verifier": self.verifier,
            **changes,
        }
        return await self.token(**form)

    async def token(self, **form: str | None) -> httpx.Response:
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.http.post(f"{self.server.url}/oauth/token", data=sent)


def a_browser(server: RunningServer, http: httpx.AsyncClient) -> Browser:
    return Browser(server, http, secrets.token_urlsafe(48))


def form_of(page: httpx.Response) -> tuple[str, str]:
    """Where the form of the page is posted, and its hidden token."""
    action = re.search(r'<form method="post" action="([^"]*)"', page.text)
    csrf = re.search(r'name="csrf" value="([^"]*)"', page.text)
    assert action is not None
    assert csrf is not None
    return unescape(action[1]), csrf[1]


def answer_of(back: httpx.Response) -> dict[str, str]:
    """The parameters with which the browser is sent back to the application."""
    assert back.status_code == 303, back.text
    location = urlsplit(back.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == REDIRECT
    return dict(parse_qsl(location.query))
