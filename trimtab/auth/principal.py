"""Who asks (a person or a machine client, perhaps an administrator acting on behalf) and about what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trimtab.auth.matrix import Role
from trimtab.domain.errors import TrimtabError

if TYPE_CHECKING:
    from datetime import datetime

ON_BEHALF_AT_MOST: Final = timedelta(minutes=15)


class InvalidPrincipal(TrimtabError):
    """A principal that nobody can be, such as a machine client with a person's role."""

    code = "INVALID_PRINCIPAL"


@dataclass(frozen=True, slots=True)
class Actor:
    """The administrator who acts on behalf of the principal's person, under one grant (RFC 8693)."""

    person_id: str
    firm_id: str
    roles: frozenset[Role]
    reason: str
    started_at: datetime
    expires_at: datetime
    active: bool = True


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as a verified token and the firm's directory say.

    `person_id` is None for a machine client, whose only role is INTEGRATOR. `book` is the id of the advisor
    whose accounts are this person's own. `roles` are those of the represented person when `actor` is set.
    `session_id` names the sign-in whose revocation ends the token early.
    Raises InvalidPrincipal when the parts contradict each other.
    """

    firm_id: str
    person_id: str | None
    roles: frozenset[Role]
    client_id: str
    expires_at: datetime
    scopes: frozenset[str] = frozenset()
    book: str | None = None
    actor: Actor | None = None
    active: bool = True
    session_id: str | None = None

    def __post_init__(self) -> None:
        if self.expires_at.tzinfo is None:
            raise InvalidPrincipal("the principal's expiry has no time zone")
        if self.person_id is None and self.roles - {Role.INTEGRATOR}:
            raise InvalidPrincipal(f"machine client {self.client_id} cannot hold a person's role")
        if self.person_id is not None and Role.INTEGRATOR in self.roles:
            raise InvalidPrincipal(f"person {self.person_id} cannot hold the integrator role")

    @property
    def persons(self) -> frozenset[str]:
        """Everybody behind this request: the person and, on behalf, the administrator too.

        Store these with what they propose, decide or approve: four eyes compares all of them.
        """
        people = {self.person_id, self.actor.person_id if self.actor else None}
        return frozenset(person for person in people if person is not None)

    @property
    def name_in_records(self) -> str:
        """The id that records show as the one who did it: the person, else the machine client."""
        return self.person_id if self.person_id is not None else self.client_id


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about. Only the fields that an operation's rules need have to be given.

    advisor_id: the advisor of the account, at the time of the decision.
    proposed_by: every person behind the proposal, all versions and on-behalf administrators included; empty
        for one that only the system made; None is "not known", which no approval passes.
    approved_by: every person who has approved it so far.
    about_person: the person whose roles are granted or changed.
    owner_id: the person to whom a personal item (filter, delegation) belongs.
    addressed_to: the role whose dashboard, alert or queue it is.
    stage: the lifecycle stage whose step is retried.
    """

    firm_id: str
    advisor_id: str | None = None
    proposed_by: frozenset[str] | None = None
    approved_by: frozenset[str] = frozenset()
    about_person: str | None = None
    owner_id: str | None = None
    addressed_to: Role | None = None
    stage: str | None = None
