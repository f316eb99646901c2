"""A directory of people and integrators held in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class APerson:
    person_id: str
    firm_id: str = "firm-a"
    roles: frozenset[str] = frozenset({"overlay_manager"})
    active: bool = True
    book: str | None = None
    username: str = ""
    password_hash: str = ""


@dataclass(frozen=True, slots=True)
class AClient:
    client_id: str
    firm_id: str = "firm-a"
    scopes: frozenset[str] = frozenset({"accounts:read", "events:read"})
    active: bool = True


class Directory:
    """Finds people and clients by subject, whoever the issuer is."""

    def __init__(self, *known: APerson | AClient) -> None:
        self.people = {entry.person_id: entry for entry in known if isinstance(entry, APerson)}
        self.clients = {entry.client_id: entry for entry in known if isinstance(entry, AClient)}

    async def find_person(self, issuer: str, subject: str, firm_id: str | None) -> APerson | None:
        return self.people.get(subject)

    async def find_client(self, issuer: str, subject: str, firm_id: str | None) -> AClient | None:
        return self.clients.get(subject)
