"""Reads a token's header and claims without trusting them, strictly: what is odd here is refused before any key
is looked up or signature computed."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc.util import urlsafe_b64decode

from trimtab.auth.token_errors import TokenHeaderRefused, TokenMalformed, TokenMissing, TokenTooLarge

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKEN_BYTES_AT_MOST: Final = 8 * 1024
_KID_CHARACTERS_AT_MOST: Final = 256

# Keys come from the issuer's own set alone, and no extension is supported, so `crit` has nothing to name.
_REFUSED_HEADERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """The decoded parts of a token whose signature nobody has checked yet."""

    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def algorithm(self) -> str:
        """The header's `alg`."""
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        """The header's key id, if any."""
        return self.header.get("kid")


class StrictDecoder(json.JSONDecoder):
    """JSON without repeated names and without NaN or Infinity: two readers must never see different claims."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)


def bearer(authorization: str | None) -> str:
    """The token in an Authorization header. Raises TokenMissing."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing("send an access token: Authorization: Bearer ...")
    return token.strip()


def read_unverified(token: str) -> UnverifiedToken:
    """Header and claims of a compact JWS. Raises TokenTooLarge, TokenMalformed or TokenHeaderRefused."""
    if len(token) > TOKEN_BYTES_AT_MOST:
        raise TokenTooLarge("the token is larger than 8 KB")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts) or not token.isascii():
        raise TokenMalformed("not a signed token in compact form")
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    _check_header(header)
    return UnverifiedToken(header, claims)


def _json_object(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(segment.encode()), cls=StrictDecoder)
    except (binascii.Error, ValueError, RecursionError) as fault:
        raise TokenMalformed("the token does not hold strict JSON") from fault
    if not isinstance(value, dict):
        raise TokenMalformed("the token does not hold JSON objects")
    return value


def _check_header(header: dict[str, Any]) -> None:
    odd = sorted(_REFUSED_HEADERS & header.keys())
    if odd:
        raise TokenHeaderRefused(f"header parameter {odd[0]} is not accepted")
    if not isinstance(header.get("alg"), str):
        raise TokenMalformed("the token names no algorithm")
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > _KID_CHARACTERS_AT_MOST):
        raise TokenHeaderRefused("the key id is not a short text")


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
