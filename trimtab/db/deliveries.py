"""Deliveries: what came in, what of it is loaded, and why the rest is not.

A delivery is one content of one kind for one business date; it is loaded at most once. A refused one stays as
QUARANTINED with its reason until a person releases it (it is tried again, without the check that refused it) or
waives it (it is left aside for good).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.events import emit
from trimtab.db.tables import delivery, quarantined_row, run
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import content_hash, plain


class DeliveryStatus(StrEnum):
    RECEIVED = "RECEIVED"  # to be loaded
    LOADED = "LOADED"
    QUARANTINED = "QUARANTINED"
    WAIVED = "WAIVED"


class DeliveryMissing(TrimtabError):
    """There is no such delivery, or it is not one that a person can decide about."""

    code = "DELIVERY_MISSING"


@dataclass(frozen=True, slots=True)
class FeedState:
    """What counts of one kind on one business date. `code` is '' when it is loaded; else why it cannot be used."""

    kind: str
    delivery_id: str | None
    content_hash: str
    code: str
    message: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def loaded(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One kind's line of the delivery report. `waiting`: nothing usable has come yet."""

    kind: str
    status: str  # LOADED, QUARANTINED, WAIVED, or EXPECTED when nothing came
    rows: int | None
    reason_codes: tuple[str, ...]
    message: str
    waiting: bool
    quarantined_rows: int = 0
    notes: tuple[str, ...] = ()
    control_total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as it arrived. `delivery_id` follows from kind, date and content: the same bytes are one delivery."""

    kind: str
    business_date: date
    file_name: str
    content_hash: str

    @property
    def delivery_id(self) -> str:
        return f"{self.kind}-{self.business_date.isoformat()}-{self.content_hash[:16]}"


def lock_loading(connection: Connection, firm_id: str, lane: str) -> None:
    """One loader of a firm's lane at a time: two that meet the same new file would both load it."""
    name = f"trimtab-deliveries/{firm_id}/{lane}"
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def find_delivery(connection: Connection, file: ReceivedFile) -> Row[Any] | None:
    """The delivery of exactly these bytes, locked; None when they are new."""
    return connection.execute(
        select(delivery).where(delivery.c.delivery_id == file.delivery_id).with_for_update()
    ).one_or_none()


def save_delivery(
    connection: Connection,
    firm_id: str,
    file: ReceivedFile,
    status: DeliveryStatus,
    *,
    reason_codes: Sequence[str] = (),
    message: str = "",
    as_of: date | None = None,
    source: str | None = None,
    row_count: int | None = None,
    control_total: Decimal | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write the delivery's row, or move the one that is there to its new status."""
    changing = {
        "status": str(status),
        "reason_codes": list(reason_codes),
        "message": message,
        "as_of": as_of,
        "source": source,
        "row_count": row_count,
        "control_total": control_total,
        "detail": plain(detail or {}),
        "recorded_at": func.clock_timestamp(),
    }
    connection.execute(
        upsert(delivery)
        .values(
            firm_id=firm_id,
            delivery_id=file.delivery_id,
            kind=file.kind,
            business_date=file.business_date,
            file_name=file.file_name,
            content_hash=file.content_hash,
            **changing,
        )
        .on_conflict_do_update(index_elements=["firm_id", "delivery_id"], set_=changing)
    )
    emit(
        connection,
        firm_id,
        f"DELIVERY_{status}",
        business_date=file.business_date,
        body={"kind": file.kind, "reason_codes": list(reason_codes), "rows": row_count, "message": message},
    )


def loaded_delivery(connection: Connection, kind: str, business_date: date) -> Row[Any] | None:
    """The delivery that counts of the kind and day: the last one loaded."""
    return connection.execute(
        select(delivery)
        .where(
            delivery.c.kind == kind,
            delivery.c.business_date == business_date,
            delivery.c.status == DeliveryStatus.LOADED.value,
        )
        .order_by(delivery.c.recorded_at.desc())
        .limit(1)
    ).one_or_none()


def loaded_before(connection: Connection, kind: str, business_date: date) -> Row[Any] | None:
    """The newest loaded delivery of the kind from an earlier business date."""
    return connection.execute(
        select(delivery)
        .where(
            delivery.c.kind == kind,
            delivery.c.business_date < business_date,
            delivery.c.status == DeliveryStatus.LOADED.value,
        )
        .order_by(delivery.c.business_date.desc(), delivery.c.recorded_at.desc())
        .limit(1)
    ).one_or_none()


def missing_day(connection: Connection, kind: str, as_of: date, business_date: date) -> str | None:
    """FEED_GAP or FEED_ORDER when nothing of the kind came for the session before, and nobody waived it.

    A file that came and was refused is no gap: it was told of on its own day. FEED_ORDER while that session's run
    is still open: its file may yet come. Nothing is missing before the kind's first delivery: a firm begins somewhere.
    """
    days = select(delivery.c.business_date).where(delivery.c.kind == kind)
    if connection.scalar(days.where(delivery.c.business_date < as_of).limit(1)) is None:
        return None
    if connection.scalar(days.where(delivery.c.business_date == as_of).limit(1)) is not None:
        return None
    still_open = select(run.c.run_id).where(run.c.business_date == as_of, run.c.status == "OPEN")
    return "FEED_ORDER" if connection.scalar(still_open.limit(1)) is not None else "FEED_GAP"


def insert_quarantined(
    connection: Connection, firm_id: str, delivery_id: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Keep rows that could not be loaded: line, field, value, code, message, account_id, security_key."""
    values = [{"firm_id": firm_id, "delivery_id": delivery_id, **row} for row in rows]
    if values:
        connection.execute(upsert(quarantined_row).on_conflict_do_nothing(), values)


def feed_states(connection: Connection, business_date: date, kinds: Sequence[str]) -> dict[str, FeedState]:
    """For each kind what counts of it on the day.

    A file that came with other bytes after one was loaded (FEED_CHANGED) bars both until a person picks.
    """
    rows = connection.execute(
        select(delivery)
        .where(delivery.c.business_date == business_date, delivery.c.kind.in_(kinds))
        .order_by(delivery.c.recorded_at, delivery.c.delivery_id)
    ).all()
    of_kind: dict[str, list[Row[Any]]] = {kind: [] for kind in kinds}
    for row in rows:
        of_kind[row.kind].append(row)
    return {kind: _state(kind, found) for kind, found in of_kind.items()}


def _state(kind: str, rows: Sequence[Row[Any]]) -> FeedState:
    refused = [row for row in rows if row.status == DeliveryStatus.QUARANTINED]
    loaded = [row for row in rows if row.status == DeliveryStatus.LOADED]
    changed = [row for row in refused if "FEED_CHANGED" in row.reason_codes]
    if loaded and not changed:
        row = loaded[-1]
        return FeedState(kind, row.delivery_id, row.content_hash, "", detail=row.detail)
    if changed or refused:
        row = (changed or refused)[-1]
        return FeedState(kind, None, "", row.reason_codes[0], f"the {kind} file was refused: {row.message}")
    return FeedState(kind, None, "", "FEED_MISSING", f"no {kind} file has come for the day")


def delivery_report(connection: Connection, business_date: date, kinds: Sequence[str]) -> list[DeliveryLine]:
    """Each kind's state on the day, in the order of `kinds`; what is still awaited says so."""
    rows = select(delivery).where(delivery.c.business_date == business_date)
    found = connection.execute(rows.order_by(delivery.c.recorded_at, delivery.c.delivery_id)).all()
    return [line for line, _ in report_of(found, kinds)]


def report_of(rows: Sequence[Row[Any]], kinds: Sequence[str]) -> list[tuple[DeliveryLine, Row[Any] | None]]:
    """The report of one day's deliveries in the order of their arrival, each kind with its newest delivery."""
    of_kind: dict[str, list[Row[Any]]] = {kind: [row for row in rows if row.kind == kind] for kind in kinds}
    newest = {kind: found[-1] if found else None for kind, found in of_kind.items()}
    return [(_line(_state(kind, found), newest[kind]), newest[kind]) for kind, found in of_kind.items()]


def _line(state: FeedState, row: Row[Any] | None) -> DeliveryLine:
    if row is None:
        return DeliveryLine(state.kind, "EXPECTED", None, (), "", waiting=True)
    return DeliveryLine(
        kind=state.kind,
        status=row.status,
        rows=row.row_count,
        reason_codes=tuple(row.reason_codes),
        message=row.message,
        waiting=not state.loaded,
        quarantined_rows=int(row.detail.get("quarantined_rows", 0)),
        notes=tuple(row.detail.get("notes", ())),
        control_total=row.control_total,
    )


# --- what people decide -----------------------------------------------------------------------------------------


def refused_delivery(connection: Connection, delivery_id: str) -> Row[Any] | None:
    """A delivery that people may decide about, locked; None when there is none."""
    rows = select(delivery).where(
        delivery.c.delivery_id == delivery_id, delivery.c.status == DeliveryStatus.QUARANTINED.value
    )
    return connection.execute(rows.with_for_update()).one_or_none()


def propose_decision(
    connection: Connection, firm_id: str, row: Row[Any], decision: str, *, persons: Sequence[str], reason: str
) -> None:
    """Keep the first person's part of a decision that takes two. Raises DeliveryMissing for what none may release."""
    if decision == "RELEASE":
        _refuse_unreadable(row)
    proposed = {"decision": decision, "by": list(persons), "reason": reason}
    connection.execute(
        update(delivery)
        .where(delivery.c.firm_id == firm_id, delivery.c.delivery_id == row.delivery_id)
        .values(detail=plain({**row.detail, "proposed": proposed}))
    )
    body = {"kind": row.kind, "decision": decision, "proposed_by": list(persons), "message": reason}
    emit(connection, firm_id, "DELIVERY_DECISION_PROPOSED", business_date=row.business_date, body=body)


def release_delivery(connection: Connection, firm_id: str, delivery_id: str, *, actor: str, reason: str) -> None:
    """Take a refused file after all: the next pass loads it, without the checks that refused it.

    Of two files with one name it is the pick of the later. Only what a person can judge may be released: a file
    that cannot be read stays refused. Raises DeliveryMissing.
    """
    row = _refused(connection, delivery_id)
    _refuse_unreadable(row)
    accepted = sorted({*row.detail.get("accepted", ()), *row.reason_codes})
    _decide(connection, firm_id, row, DeliveryStatus.RECEIVED, actor, reason, {**row.detail, "accepted": accepted})


RELEASABLE = frozenset({"FEED_CHANGED", "FEED_GAP", "FEED_ORDER", "FEED_SHRUNK", "FEED_GREW"})
"""Refusals that a person may overrule: the file itself is sound."""


def waive_delivery(connection: Connection, firm_id: str, delivery_id: str, *, actor: str, reason: str) -> None:
    """Leave a refused file aside: of two files with one name it is the pick of the earlier. Raises DeliveryMissing."""
    row = _refused(connection, delivery_id)
    _decide(connection, firm_id, row, DeliveryStatus.WAIVED, actor, reason, row.detail)


def waive_gap(connection: Connection, firm_id: str, kind: str, business_date: date, *, actor: str, reason: str) -> None:
    """Do without a kind's file of a past business date: later days no longer wait for it (case 49)."""
    file = ReceivedFile(kind, business_date, "", content_hash(["waived", kind, business_date]))
    save_delivery(
        connection,
        firm_id,
        file,
        DeliveryStatus.WAIVED,
        message=reason,
        detail={"decided_by": actor, "reason": reason},
    )


def _refuse_unreadable(row: Row[Any]) -> None:
    unreadable = sorted(set(row.reason_codes) - RELEASABLE)
    if unreadable:
        codes = ", ".join(unreadable)
        raise DeliveryMissing(f"delivery {row.delivery_id} is refused for {codes}: send a corrected file")


def _refused(connection: Connection, delivery_id: str) -> Row[Any]:
    row = connection.execute(
        select(delivery).where(delivery.c.delivery_id == delivery_id).with_for_update()
    ).one_or_none()
    if row is None or row.status != DeliveryStatus.QUARANTINED:
        raise DeliveryMissing(f"there is no refused delivery {delivery_id}")
    return row


def _decide(
    connection: Connection,
    firm_id: str,
    row: Row[Any],
    status: DeliveryStatus,
    actor: str,
    reason: str,
    detail: Mapping[str, Any],
) -> None:
    connection.execute(
        update(delivery)
        .where(delivery.c.firm_id == firm_id, delivery.c.delivery_id == row.delivery_id)
        .values(status=str(status), detail=plain({**detail, "decided_by": actor, "reason": reason}))
    )
    emit(
        connection,
        firm_id,
        f"DELIVERY_{status}",
        business_date=row.business_date,
        body={"kind": row.kind, "reason_codes": list(row.reason_codes), "decided_by": actor, "message": reason},
    )
