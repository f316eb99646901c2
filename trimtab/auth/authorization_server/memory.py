"""Grants kept in memory, for tests: a restart forgets every sign-in and every revocation."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class MemoryGrant:
    """One code or refresh token."""

    client_id: str
    family_id: str
    payload: Mapping[str, Any]
    expires_at: datetime
    first_use: bool = True
    revoked: bool = False


class InMemoryGrants:
    """Implements `Grants`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, MemoryGrant] = {}
        self._refresh_tokens: dict[str, MemoryGrant] = {}
        self._revoked: set[str] = set()

    def save_code(
        self, code_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None:
        with self._lock:
            self._codes[code_hash] = MemoryGrant(client_id, family_id, payload, expires_at)

    def take_code(self, code_hash: str, client_id: str) -> MemoryGrant | None:
        return self._take(self._codes, code_hash, client_id)

    def save_refresh(
        self, token_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None:
        with self._lock:
            self._refresh_tokens[token_hash] = MemoryGrant(client_id, family_id, payload, expires_at)

    def take_refresh(self, token_hash: str, client_id: str) -> MemoryGrant | None:
        return self._take(self._refresh_tokens, token_hash, client_id)

    def revoke_family(self, family_id: str) -> None:
        with self._lock:
            self._revoked.add(family_id)

    def is_revoked(self, family_id: str) -> bool:
        with self._lock:
            return family_id in self._revoked

    def _take(self, grants: dict[str, MemoryGrant], digest: str, client_id: str) -> MemoryGrant | None:
        with self._lock:
            grant = grants.get(digest)
            if grant is None or grant.client_id != client_id:
                return None
            grants[digest] = replace(grant, first_use=False)
            return replace(grant, revoked=grant.family_id in self._revoked)
