"""The stored life of corporate actions: states of events, approvals, and what each event did to each account."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.inputs import DeliveredAction
from trimtab.db.settings_versions import held_settings, last_version, write_version
from trimtab.db.tables import corporate_action_application, corporate_action_state, position_fact, posting
from trimtab.domain.corporate_actions_lifecycle import BookedBy, EventState
from trimtab.domain.money import ZERO
from trimtab.domain.records import plain
from trimtab.domain.securities import SecurityId

APPROVAL: Final = "corporate_action_approval"
_ROWS: Final[TypeAdapter[tuple[DeliveredAction, ...]]] = TypeAdapter(tuple[DeliveredAction, ...])


# --- events -------------------------------------------------------------------------------------------------------


def write_state(
    connection: Connection,
    firm_id: str,
    business_date: date,
    state: EventState,
    rows: tuple[DeliveredAction, ...],
    terms_hash: str,
) -> bool:
    """Keep that a version of an event is in this state, with its terms; returns whether that is new."""
    first, terms = rows[0], plain(rows)
    written = connection.execute(
        upsert(corporate_action_state)
        .values(
            firm_id=firm_id,
            event_id=first.event_id,
            version=first.version,
            state=state.value,
            terms_hash=terms_hash,
            kind=str(first.kind),
            security_id=first.security_id,
            ex_on=first.ex_on,
            business_date=business_date,
            terms=terms,
        )
        .on_conflict_do_nothing()
    )
    return written.rowcount > 0


def state_rows(connection: Connection, event_id: str | None = None) -> list[Row[Any]]:
    """Every state that events have reached, in the order of recording."""
    rows = select(corporate_action_state).order_by(corporate_action_state.c.recorded_at)
    if event_id is not None:
        rows = rows.where(corporate_action_state.c.event_id == event_id)
    return list(connection.execute(rows))


def confirmed_terms(connection: Connection, until: date) -> list[tuple[str, tuple[DeliveredAction, ...]]]:
    """(hash, rows) of the last confirmed version of each event with an ex-date up to `until`, unless it was reversed.

    However old they are: a model or a list that was stated before an event stays one from before it.
    """
    newest: dict[str, Row[Any]] = {}
    reversed_at: dict[str, int] = {}
    for row in state_rows(connection):
        if row.state == EventState.REVERSED.value:
            reversed_at[row.event_id] = max(row.version, reversed_at.get(row.event_id, 0))
        elif row.state == EventState.CONFIRMED.value and row.ex_on <= until:
            known = newest.get(row.event_id)
            if known is None or row.version >= known.version:
                newest[row.event_id] = row
    return [
        (row.terms_hash, _ROWS.validate_python(row.terms, strict=False))
        for event_id, row in newest.items()
        if row.version > reversed_at.get(event_id, 0)
    ]


# --- approvals ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word for just these terms of a version."""

    event_id: str
    version: int
    terms_hash: str
    persons: tuple[str, ...]  # behind it: the approver, and whom they act for


_APPROVALS: Final[TypeAdapter[Approval]] = TypeAdapter(Approval)


def approvals(connection: Connection, on: date, seq: int) -> tuple[Approval, ...]:
    """Every approval as known at `seq`."""
    held = held_settings(connection, APPROVAL, on, seq)
    return tuple(_APPROVALS.validate_python(value, strict=False) for _, value in sorted(held.items()))


def approvers(given: Iterable[Approval], version: int, terms_hash: str) -> tuple[str, ...]:
    """One person for each approval of these terms; approvals that share a person count once."""
    seen: set[str] = set()
    found = []
    for each in given:
        if (each.version, each.terms_hash) == (version, terms_hash) and seen.isdisjoint(each.persons):
            found.append(each.persons[0])
            seen.update(each.persons)
    return tuple(found)


def write_approval(
    connection: Connection, firm_id: str, approval: Approval, *, effective_from: date, actor: str, reason: str
) -> None:
    """Raises StaleVersion when the same person approves twice at once."""
    key = f"{approval.event_id}/{approval.version}/{actor}"
    before = last_version(connection, APPROVAL, key)
    value: Any = plain(approval)
    write_version(
        connection, firm_id, APPROVAL, key, value,
        effective_from=effective_from, actor=actor, reason=reason, supersedes=None if before is None else before.seq,
    )  # fmt: skip


# --- accounts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredApplication:
    """What a version of an event did to an account. Shares are of the securities concerned."""

    event_id: str
    version: int
    state: EventState
    terms_hash: str
    business_date: date
    booked_by: BookedBy
    before_hash: str
    after_hash: str
    shares_before: Mapping[SecurityId, Decimal]
    shares_after: Mapping[SecurityId, Decimal]
    cash: Decimal
    income: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class EventMemory:
    """What is remembered of an account's events: rows in the order of recording, and what was traded since."""

    applied: tuple[StoredApplication, ...] = ()
    traded: Mapping[str, Mapping[SecurityId, Decimal]] = field(default_factory=dict)  # by event: our net purchases
    eve: Mapping[SecurityId, Decimal] = field(default_factory=dict)  # shares in the positions file before
    eve_of: date | None = None  # that file's as-of date

    def of(self, event_id: str) -> tuple[StoredApplication, ...]:
        return tuple(each for each in self.applied if each.event_id == event_id)


def write_application(connection: Connection, firm_id: str, account_id: str, each: StoredApplication) -> bool:
    """Keep it unless the same state of the version is there already; returns whether it is new."""
    values: Any = plain(each)
    values |= {"cash": each.cash, "income": each.income, "gain": each.gain, "business_date": each.business_date}
    written = connection.execute(
        upsert(corporate_action_application)
        .values(firm_id=firm_id, account_id=account_id, **values)
        .on_conflict_do_nothing()
    )
    return written.rowcount > 0


def application_rows(
    connection: Connection, event_ids: Collection[str] | None = None, account_ids: Collection[str] | None = None
) -> list[Row[Any]]:
    """Applications in the order of recording."""
    table = corporate_action_application
    rows = select(table).order_by(table.c.recorded_at, table.c.account_id)
    if event_ids is not None:
        rows = rows.where(table.c.event_id.in_(event_ids))
    if account_ids is not None:
        rows = rows.where(table.c.account_id.in_(account_ids))
    return list(connection.execute(rows))


def touched_events(connection: Connection, since: date) -> set[str]:
    """Events that some account has had applied since."""
    table = corporate_action_application
    return set(connection.scalars(select(table.c.event_id).where(table.c.business_date >= since).distinct()))


def stored(row: Row[Any]) -> StoredApplication:
    return StoredApplication(
        event_id=row.event_id,
        version=row.version,
        state=EventState(row.state),
        terms_hash=row.terms_hash,
        business_date=row.business_date,
        booked_by=BookedBy(row.booked_by),
        before_hash=row.before_hash,
        after_hash=row.after_hash,
        shares_before=_shares(row.shares_before),
        shares_after=_shares(row.shares_after),
        cash=row.cash,
        income=row.income,
        gain=row.gain,
    )


def _shares(value: Mapping[str, str]) -> dict[SecurityId, Decimal]:
    return {SecurityId(name): Decimal(quantity) for name, quantity in value.items()}


def read_memory(
    connection: Connection,
    event_ids: Collection[str],
    names: Collection[str],
    account_ids: Collection[str],
    before: tuple[str, date] | None,
) -> dict[str, EventMemory]:
    """What is remembered of some accounts and events, in up to three statements.

    `names`: the securities concerned; `before`: id and as-of date of the positions file before.
    """
    rows = application_rows(connection, event_ids, account_ids)
    applied: dict[str, list[StoredApplication]] = {}
    for row in rows:
        applied.setdefault(row.account_id, []).append(stored(row))
    traded = _traded(connection, applied)
    eve = _eve(connection, before, names, account_ids)
    return {
        name: EventMemory(
            tuple(applied.get(name, ())), traded.get(name, {}), eve.get(name, {}), None if before is None else before[1]
        )
        for name in account_ids
        if name in applied or name in eve
    }


def _traded(
    connection: Connection, applied: Mapping[str, list[StoredApplication]]
) -> dict[str, dict[str, dict[SecurityId, Decimal]]]:
    """By account and event: our net purchases of its securities from its first application on."""
    if not applied:
        return {}
    first = min(each.business_date for rows in applied.values() for each in rows)
    day = posting.c.trade_date
    totals = (
        select(posting.c.account_id, posting.c.security_id, day, func.sum(posting.c.quantity).label("quantity"))
        .where(posting.c.account_id.in_(list(applied)), day >= first)
        .group_by(posting.c.account_id, posting.c.security_id, day)
    )
    found: dict[str, dict[str, dict[SecurityId, Decimal]]] = {}
    for row in connection.execute(totals):
        for event_id, since, names in _first_of_each(applied[row.account_id]):
            if row.trade_date >= since and row.security_id in names:
                of_event = found.setdefault(row.account_id, {}).setdefault(event_id, {})
                name = SecurityId(row.security_id)
                of_event[name] = of_event.get(name, ZERO) + row.quantity
    return found


def _first_of_each(rows: Iterable[StoredApplication]) -> list[tuple[str, date, set[SecurityId]]]:
    """(event, the day of its first application, the securities concerned)."""
    first: dict[str, tuple[str, date, set[SecurityId]]] = {}
    for row in rows:
        _, since, names = first.get(row.event_id, (row.event_id, row.business_date, set()))
        first[row.event_id] = (row.event_id, since, names | row.shares_before.keys() | row.shares_after.keys())
    return list(first.values())


def _eve(
    connection: Connection, before: tuple[str, date] | None, names: Collection[str], account_ids: Collection[str]
) -> dict[str, dict[SecurityId, Decimal]]:
    if before is None or not names:
        return {}
    rows = select(position_fact.c.account_id, position_fact.c.security_id, position_fact.c.quantity).where(
        position_fact.c.delivery_id == before[0],
        position_fact.c.security_id.in_(names),
        position_fact.c.account_id.in_(account_ids),
    )
    found: dict[str, dict[SecurityId, Decimal]] = {}
    for row in connection.execute(rows):
        found.setdefault(row.account_id, {})[SecurityId(row.security_id)] = row.quantity
    return found
