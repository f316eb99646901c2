"""Principals, subjects and the parsed page, for the tests of the policy."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from trimtab.auth.policy import Actor, Principal, Role, Subject

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "authorization.md"
SHORT_NAMES = ("ADV", "IPC", "OVM", "CMP", "MGT", "DAT", "ADM", "INT")
ALL_SCOPES = frozenset({"accounts:read", "models:read", "reports:read", "feeds:write", "events:read"})


class PageRow(NamedTuple):
    row: int
    name: str
    starred: bool
    cells: dict[str, str]
    """Column heading ("OVM") to letters ("P,V")."""


def page_rows() -> list[PageRow]:
    """The matrix as docs/authorization.md shows it."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        found = re.fullmatch(r"\| (\d+) \| `(\w+)`( \*)? \| [^|]+ \| (.*) \|", line)
        if found:
            cells = [cell.strip() for cell in found[4].split("|")]
            pairs = dict(zip(SHORT_NAMES, cells, strict=True))
            rows.append(PageRow(int(found[1]), found[2], bool(found[3]), pairs))
    return rows


def a_person(
    *roles: Role,
    person_id: str = "ann",
    firm_id: str = "firm-a",
    book: str | None = None,
    actor: Actor | None = None,
    expires_at: datetime = NOW + timedelta(minutes=5),
    active: bool = True,
) -> Principal:
    return Principal(
        firm_id=firm_id,
        person_id=person_id,
        roles=frozenset(roles),
        client_id="dashboard",
        expires_at=expires_at,
        book=book,
        actor=actor,
        active=active,
    )


def an_integrator(scopes: frozenset[str] = ALL_SCOPES, firm_id: str = "firm-a") -> Principal:
    return Principal(
        firm_id=firm_id,
        person_id=None,
        roles=frozenset({Role.INTEGRATOR}),
        client_id="warehouse",
        expires_at=NOW + timedelta(minutes=5),
        scopes=scopes,
    )


def an_administrator_acting(
    person_id: str = "root",
    reason: str = "ann is ill, ticket 4711",
    started_at: datetime = NOW - timedelta(minutes=1),
    minutes: int = 15,
    firm_id: str = "firm-a",
    roles: frozenset[Role] = frozenset({Role.ADMINISTRATOR}),
    active: bool = True,
) -> Actor:
    return Actor(
        person_id=person_id,
        firm_id=firm_id,
        roles=roles,
        reason=reason,
        started_at=started_at,
        expires_at=started_at + timedelta(minutes=minutes),
        active=active,
    )


def a_proposal(
    proposed_by: frozenset[str] | None = frozenset({"bob"}),
    approved_by: frozenset[str] = frozenset(),
    firm_id: str = "firm-a",
    advisor_id: str = "advisor-1",
) -> Subject:
    return Subject(firm_id=firm_id, advisor_id=advisor_id, proposed_by=proposed_by, approved_by=approved_by)
