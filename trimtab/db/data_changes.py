"""What data managers, committees and compliance decide about data: proposed by one person, approved by another.

A change waits as a version of its own until somebody else approves it; then it is a version of what it changes, and
every later day reads it (as of D, as known at T).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from trimtab.db.data_policy import ACCEPTED, POLICY, POLICY_KEY
from trimtab.db.settings_versions import held_settings, last_version, write_version
from trimtab.domain.corporate_actions_elections import AccountElection
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.data_codes import DataCode
from trimtab.domain.data_policies import AcceptedException, DataPolicy, MappedIdentifier
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import plain
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.security_additions import RiskProxy

CHANGE: Final = "data_change"


class DataChangeKind(StrEnum):
    """What is changed; the value is the entity of its versions."""

    POLICY = POLICY  # key "firm"
    ACCEPTED_EXCEPTION = ACCEPTED  # key "CODE/security id"
    IDENTIFIER = "mapped_identifier"  # key: the identifier as custodians write it
    SECURITY = "added_security"  # key: the security's id
    RISK_PROXY = "risk_proxy"  # key: the security's id
    RESTRICTION_LIST = "restriction_list"  # key: the list's id
    CORPORATE_ACTION = "corporate_action"  # key: the event's id
    ELECTION = "corporate_action_election"  # key "event/account"


class InvalidDataChange(TrimtabError):
    """The value is none that the kind can have."""

    code = "INVALID_VALUE"


_READERS: Final[Mapping[DataChangeKind, TypeAdapter[Any]]] = {
    DataChangeKind.POLICY: TypeAdapter(DataPolicy),
    DataChangeKind.ACCEPTED_EXCEPTION: TypeAdapter(AcceptedException),
    DataChangeKind.IDENTIFIER: TypeAdapter(MappedIdentifier),
    DataChangeKind.SECURITY: TypeAdapter(Security),
    DataChangeKind.RISK_PROXY: TypeAdapter(RiskProxy),
    DataChangeKind.RESTRICTION_LIST: TypeAdapter(RestrictionList),
    DataChangeKind.CORPORATE_ACTION: TypeAdapter(EventEntry),
    DataChangeKind.ELECTION: TypeAdapter(AccountElection),
}


_JUDGING_THEMSELVES: Final = (RiskProxy, EventEntry, AccountElection)


class DataChangeStatus(StrEnum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class DataChange:
    """A proposed version. `value` None withdraws what it names."""

    change_id: str
    kind: DataChangeKind
    key: str
    effective_from: date
    value: Mapping[str, Any] | None
    reason: str
    proposed_by: tuple[str, ...]  # the persons behind it: none of them may approve it
    supersedes: int | None
    status: DataChangeStatus = DataChangeStatus.PROPOSED
    decided_by: str | None = None
    decision_reason: str = ""


_CHANGES: Final = TypeAdapter(DataChange)


def read_value(kind: DataChangeKind, key: str, value: object) -> Mapping[str, Any]:
    """The value as it will be stored. Raises InvalidDataChange."""
    try:
        read = _READERS[kind].validate_python(value, strict=False)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidDataChange(f"{place}: {first['msg']}") from None
    if problem := _key_problem(kind, key) or (
        read.problem() if isinstance(read, RiskProxy | EventEntry | AccountElection) else ""
    ):
        raise InvalidDataChange(problem)
    if isinstance(read, Security | RestrictionList) and read.id != key:
        raise InvalidDataChange(f"the value is of {read.id}, the key {key}")
    return plain_value(read)


def plain_value(value: object) -> Mapping[str, Any]:
    """A value of a change as it is stored."""
    return cast("Mapping[str, Any]", plain(value))


def _key_problem(kind: DataChangeKind, key: str) -> str:
    if kind is DataChangeKind.POLICY and key != POLICY_KEY:
        return f"the key of the firm's policy is {POLICY_KEY}"
    code, _, security_id = key.partition("/")
    if kind is DataChangeKind.ACCEPTED_EXCEPTION and not (code in DataCode.__members__ and security_id):
        return "the key is CODE/security, such as PRICE_SPIKE/S0001"
    if kind is DataChangeKind.ELECTION and not all(key.rpartition("/")):
        return "the key is event/account, such as EV-1/A00001"
    return "" if key.strip() else "the key is empty"


def values_of(connection: Connection, kind: DataChangeKind, on: date, seq: int) -> dict[str, Any]:
    """What holds of a kind on the day as known at `seq`, as the domain's values by key."""
    held = held_settings(connection, kind.value, on, seq)
    return {key: _READERS[kind].validate_python(value, strict=False) for key, value in sorted(held.items())}


def lists_on(connection: Connection, on: date, seq: int) -> tuple[RestrictionList, ...]:
    """The restriction lists in force."""
    return tuple(values_of(connection, DataChangeKind.RESTRICTION_LIST, on, seq).values())


def proxies_on(connection: Connection, on: date, seq: int) -> dict[SecurityId, RiskProxy]:
    return {SecurityId(key): value for key, value in values_of(connection, DataChangeKind.RISK_PROXY, on, seq).items()}


def additions_on(connection: Connection, on: date, seq: int) -> dict[SecurityId, Security]:
    return {SecurityId(key): value for key, value in values_of(connection, DataChangeKind.SECURITY, on, seq).items()}


def mapped_identifiers(connection: Connection, on: date, seq: int) -> dict[str, SecurityId]:
    """Identifiers that the firm itself has mapped to a security of the master (case 26)."""
    return {key: value.security_id for key, value in values_of(connection, DataChangeKind.IDENTIFIER, on, seq).items()}


def entered_events(connection: Connection, on: date, seq: int) -> dict[str, EventEntry]:
    """Corporate actions that persons have entered, by event id."""
    return values_of(connection, DataChangeKind.CORPORATE_ACTION, on, seq)


def elections_on(connection: Connection, on: date, seq: int) -> dict[str, dict[str, AccountElection]]:
    """What accounts have chosen, by event and account."""
    found: dict[str, dict[str, AccountElection]] = {}
    for key, value in values_of(connection, DataChangeKind.ELECTION, on, seq).items():
        event_id, _, account_id = key.rpartition("/")
        found.setdefault(event_id, {})[account_id] = value
    return found


def last_seq(connection: Connection, kind: DataChangeKind, key: str) -> int | None:
    """The version that a change made now supersedes."""
    found = last_version(connection, kind.value, key)
    return None if found is None else int(found.seq)


def propose(connection: Connection, firm_id: str, change: DataChange) -> None:
    """Keep the change until somebody decides on it."""
    _write(connection, firm_id, change, "+".join(change.proposed_by), change.reason, None)


def changes(connection: Connection, seq: int) -> dict[str, DataChange]:
    """Every change proposed so far, by id, with what became of it."""
    held = held_settings(connection, CHANGE, date.max, seq)
    return {name: _CHANGES.validate_python(value, strict=False) for name, value in sorted(held.items())}


def change_of(connection: Connection, change_id: str) -> tuple[DataChange, int] | None:
    """The change as it stands, and its version; None when there is none."""
    row = last_version(connection, CHANGE, change_id)
    return None if row is None or row.value is None else (_CHANGES.validate_python(row.value, strict=False), row.seq)


def decide(
    connection: Connection, firm_id: str, change: DataChange, seq: int, *, approve: bool, actor: str, reason: str
) -> DataChange:
    """Keep the decision; an approved change is written as a version. Raises StaleVersion."""
    status = DataChangeStatus.APPROVED if approve else DataChangeStatus.REJECTED
    decided = replace(change, status=status, decided_by=actor, decision_reason=reason)
    _write(connection, firm_id, decided, actor, reason, seq)
    if approve:
        write_version(
            connection, firm_id, change.kind.value, change.key, change.value,
            effective_from=change.effective_from, actor=actor, reason=change.reason, supersedes=change.supersedes,
        )  # fmt: skip
    return decided


def _write(
    connection: Connection, firm_id: str, change: DataChange, actor: str, reason: str, supersedes: int | None
) -> None:
    value: Any = plain(change)
    write_version(
        connection, firm_id, CHANGE, change.change_id, value,
        effective_from=date.min, actor=actor, reason=reason, supersedes=supersedes,
    )  # fmt: skip
