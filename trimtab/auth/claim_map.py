"""What the claims of different identity providers mean: firm, roles, scopes, client. Verified claims only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trimtab.auth.matrix import Role
from trimtab.auth.token_errors import TokenClaimRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trimtab.auth.issuers import IssuerSettings

_HUMAN_ROLES: Final = {role.value: role for role in Role if role is not Role.INTEGRATOR}


def firm_claim(claims: Mapping[str, Any], settings: IssuerSettings) -> str | None:
    """The firm in the token, None when the issuer sends none. Raises TokenClaimRefused when it should."""
    if settings.firm_claim is None:
        return None
    firm_id = at_path(claims, settings.firm_claim)
    if not isinstance(firm_id, str) or not firm_id:
        raise TokenClaimRefused(f"claim {settings.firm_claim} is missing or not a text")
    return firm_id


def roles_of_words(words: Collection[str]) -> frozenset[Role]:
    """The roles of people that these values of `Role` name; others are ignored."""
    return frozenset(_HUMAN_ROLES[word] for word in words if word in _HUMAN_ROLES)


def roles_in_token(claims: Mapping[str, Any], settings: IssuerSettings) -> frozenset[Role]:
    """The roles that the token gives, by the issuer's paths and role map."""
    found = (at_path(claims, path) for path in settings.roles_claim)
    words = _words(next((value for value in found if value is not None), None))
    if not settings.role_map:
        return roles_of_words(words)
    return frozenset(settings.role_map[word] for word in words if word in settings.role_map)


def scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """`scope` is a text with spaces (RFC 9068); `scp` a text (Entra ID) or a list (Okta)."""
    return frozenset(_words(claims.get("scope"))) | frozenset(_words(claims.get("scp")))


def at_path(claims: object, path: str) -> object | None:
    """The claim at a dotted path. A whole name wins over its parts: names may themselves hold dots (URLs)."""
    if not isinstance(claims, dict):
        return None
    if path in claims:
        found: object = claims[path]
        return found
    pieces = path.split(".")
    for cut in range(len(pieces) - 1, 0, -1):
        head, rest = ".".join(pieces[:cut]), ".".join(pieces[cut:])
        if (inner := at_path(claims.get(head), rest)) is not None:
            return inner
    return None


def client_of(claims: Mapping[str, Any]) -> str:
    """The client that asked for the token: `client_id` (RFC 9068), `azp` (Keycloak, Entra ID) or `cid` (Okta)."""
    return next((str(claims[name]) for name in ("client_id", "azp", "cid") if claims.get(name)), "")


def session(claims: Mapping[str, Any]) -> str | None:
    """The sign-in that the token belongs to."""
    session_id = claims.get("sid")
    return session_id if isinstance(session_id, str) else None


def expiry(claims: Mapping[str, Any], settings: IssuerSettings) -> datetime:
    """The instant from which the token no longer counts; the leeway that admitted it is included."""
    return datetime.fromtimestamp(claims["exp"], UTC) + settings.leeway


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return []
