"""Reads HTTP requests strictly and hands them to Authlib, whose server code is synchronous and knows no Starlette."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Payload, OAuth2Request

if TYPE_CHECKING:
    from starlette.requests import Request

BODY_BYTES_AT_MOST: Final = 16 * 1024
_FIELDS_AT_MOST: Final = 40

# Authlib quotes these back in error descriptions and fails on what RFC 6749 does not allow there.
_QUOTED_BACK: Final = ("response_type", "redirect_uri", "client_id", "scope", "grant_type")
_QUOTABLE: Final = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Parameters(OAuth2Payload):  # type: ignore[misc]  # Authlib ships no types
    """The parameters of one request, from the query or from the form, never mixed."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._data = dict(reversed(pairs))
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._datalist[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._datalist


class ProtocolRequest(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    """An authorization or token request, fully read."""

    def __init__(self, method: str, uri: str, headers: Any, pairs: list[tuple[str, str]]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = Parameters(pairs)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data if self.method == "POST" else {}


def authorization_request(request: Request) -> ProtocolRequest:
    """What a client asks for at the authorization endpoint: always the query, also when the sign-in form is posted.

    Raises InvalidRequestError.
    """
    pairs = _pairs(request.url.query)
    for name, value in pairs:
        if _CONTROL.search(value) or (name in _QUOTED_BACK and not _QUOTABLE.fullmatch(value)):
            raise InvalidRequestError("A parameter contains characters that are not allowed.")
    return ProtocolRequest("GET", str(request.url), request.headers, pairs)


async def token_request(request: Request) -> ProtocolRequest:
    """What a client asks for at the token and revocation endpoints: always the form, never the query.

    Raises InvalidRequestError or InvalidClientError.
    """
    pairs = await form_pairs(request)
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise InvalidRequestError("A parameter is repeated.")
    for name, value in pairs:
        if _CONTROL.search(value) or (name in _QUOTED_BACK and not _QUOTABLE.fullmatch(value)):
            raise InvalidRequestError("A parameter contains characters that are not allowed.")
    _check_basic(request.headers.get("Authorization"))
    return ProtocolRequest("POST", str(request.url), request.headers, pairs)


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """The fields of a posted form of 16 KB at most. Raises InvalidRequestError."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body must be application/x-www-form-urlencoded.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_AT_MOST:
            raise InvalidRequestError("The body is larger than 16 KB.")
    return _pairs(body.decode("latin-1"))


def _pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, max_num_fields=_FIELDS_AT_MOST, errors="strict")
    except ValueError as fault:
        raise InvalidRequestError("The parameters cannot be read.") from fault


def _check_basic(authorization: str | None) -> None:
    """Authlib decodes Basic credentials without catching what is not text."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError) as fault:
        raise InvalidClientError(status_code=401, description="The credentials cannot be read.") from fault
    if _CONTROL.search(text):
        raise InvalidClientError(status_code=401, description="The credentials cannot be read.")
