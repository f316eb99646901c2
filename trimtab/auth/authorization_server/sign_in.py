"""The authorization endpoint: checks what a client asks for, lets the person sign in, and sends the code back."""

from __future__ import annotations

import hmac
import math
import re
import secrets
from typing import TYPE_CHECKING, Final

import structlog
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from trimtab.auth.authorization_server.pages import error_page, sign_in_page
from trimtab.auth.authorization_server.passwords import SignInThrottle, digest, password_matches
from trimtab.auth.authorization_server.requests import authorization_request, form_pairs

if TYPE_CHECKING:
    from trimtab.auth.authorization_server.grants import CodeGrant
    from trimtab.auth.authorization_server.provider import Provider
    from trimtab.auth.authorization_server.records import SignedIn
    from trimtab.auth.authorization_server.requests import ProtocolRequest
    from trimtab.auth.authorization_server.storage import SignInPerson

_COOKIE: Final = "trimtab_sign_in"
_COOKIE_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_USERNAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_WRONG: Final = "Username or password is wrong."

_log = structlog.get_logger("trimtab.auth")


class SignIn:
    """Shows the sign-in form and takes it in. Nobody stays signed in here: each authorization asks again.

    The form is bound to the browser by a cookie and to what the client asked for (the query) by a keyed hash, so
    that neither another site can post it nor a form be used for another request.
    """

    def __init__(self, provider: Provider, path: str) -> None:
        self._provider = provider
        self._path = path
        self._throttle = SignInThrottle()
        self._csrf_key = secrets.token_bytes(32)

    async def show(self, request: Request) -> Response:
        """GET: the form, or the refusal of what the client asked for."""
        checked = await self._check(request)
        return checked if isinstance(checked, Response) else self._form(request, checked[1])

    async def submit(self, request: Request) -> Response:
        """POST: the code by way of the client's redirect address, or the form again."""
        checked = await self._check(request)
        if isinstance(checked, Response):
            return checked
        asked, grant = checked
        try:
            fields = dict(await form_pairs(request))
        except OAuth2Error as fault:
            return error_page(fault.error, fault.get_error_description())
        if not self._is_own_form(request, fields.get("csrf", "")):
            return self._form(request, grant, "This form was no longer valid. Please sign in again.", 403)
        username = fields.get("username", "")
        wait = self._throttle.seconds_to_wait(username)
        if wait > 0:
            return self._too_many(request, grant, username, wait)
        person = await run_in_threadpool(self._person, username, fields.get("password", ""))
        if person is None:
            _log.warning("sign_in_refused", reason="WRONG_PASSWORD", username_digest=digest(username)[:16])
            return self._form(request, grant, _WRONG, 403)
        self._throttle.succeeded(username)
        who = self._provider.sign_in(person)
        _log.info("signed_in", person=person.person_id, client=asked.client.get_client_id(), family=who.family_id)
        return await run_in_threadpool(self._send_code, asked, grant, who)

    async def _check(self, request: Request) -> tuple[ProtocolRequest, CodeGrant] | Response:
        """What the client asks for, checked; errors go back to the client once its redirect address is proved."""
        try:
            asked = authorization_request(request)
            grant = await run_in_threadpool(self._provider.get_consent_grant, asked)
        except OAuth2Error as fault:
            if fault.redirect_uri:
                _, _, headers = fault()
                return self._back(dict(headers)["Location"])
            return error_page(fault.error, fault.get_error_description())
        return asked, grant

    def _person(self, username: str, password: str) -> SignInPerson | None:
        person = self._provider.people.by_username(username) if _USERNAME.fullmatch(username) else None
        return person if password_matches(person, password) else None

    def _send_code(self, asked: ProtocolRequest, grant: CodeGrant, who: SignedIn) -> Response:
        answer = self._provider.create_authorization_response(asked, grant_user=who, grant=grant)
        return self._back(answer.headers["Location"])

    def _back(self, location: str) -> Response:
        """To the client, with our name (RFC 9207). 303, so that no browser posts the password onwards."""
        named = add_params_to_uri(location, {"iss": self._provider.issuer})
        return RedirectResponse(named, 303, headers={"Cache-Control": "no-store"})

    def _too_many(self, request: Request, grant: CodeGrant, username: str, wait: float) -> Response:
        _log.warning("sign_in_refused", reason="TOO_MANY", username_digest=digest(username)[:16])
        seconds = math.ceil(wait)
        page = self._form(request, grant, f"Too many attempts. Try again in {seconds} seconds.", 429)
        page.headers["Retry-After"] = str(seconds)
        return page

    def _form(self, request: Request, grant: CodeGrant, problem: str = "", status: int = 200) -> HTMLResponse:
        cookie = self._cookie(request) or secrets.token_urlsafe(32)
        query = request.url.query
        page = sign_in_page(
            f"{self._path}?{query}", self._csrf(cookie, query), grant.redirect_uri or "", problem, status
        )
        page.set_cookie(
            _COOKIE,
            cookie,
            path=self._path,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return page

    def _cookie(self, request: Request) -> str | None:
        value = request.cookies.get(_COOKIE, "")
        return value if _COOKIE_VALUE.fullmatch(value) else None

    def _csrf(self, cookie: str, query: str) -> str:
        return hmac.digest(self._csrf_key, f"{cookie}\n{query}".encode(), "sha256").hex()

    def _is_own_form(self, request: Request, csrf: str) -> bool:
        cookie = self._cookie(request)
        origin = request.headers.get("Origin")
        if cookie is None or origin not in {None, f"{request.url.scheme}://{request.headers.get('Host', '')}"}:
            return False
        return hmac.compare_digest(csrf.encode(), self._csrf(cookie, request.url.query).encode())
