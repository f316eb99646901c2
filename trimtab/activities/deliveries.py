"""Files of the drop folder into facts: each content once, whole or not at all."""

from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from trimtab.activities.delivered_rows import publish_rows
from trimtab.activities.loading_order import LARGE_BYTES, Gate, in_lanes, lane_of
from trimtab.db import suspensions
from trimtab.db.alerts import raise_alert
from trimtab.db.deliveries import (
    RELEASABLE,
    DeliveryLine,
    DeliveryStatus,
    ReceivedFile,
    find_delivery,
    loaded_before,
    loaded_delivery,
    lock_loading,
    missing_day,
    save_delivery,
)
from trimtab.db.deliveries import delivery_report as report_of_kinds
from trimtab.db.engine import firm_transaction
from trimtab.db.facts import stage_rows
from trimtab.domain.price_checks import row_count_findings
from trimtab.domain.records import content_hash
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.feeds.drop import DroppedFile, Part, parts, pending, unmarked
from trimtab.feeds.errors import FeedRefused, StillArriving
from trimtab.feeds.layouts import KINDS, FeedKind
from trimtab.feeds.probe import hash_of
from trimtab.feeds.reader import FeedHeader, FeedReader
from trimtab.feeds.reading import ask_of, reading
from trimtab.feeds.sources import STANDARD, FirmSources

_COUNTED = frozenset(
    {FeedKind.SECURITIES, FeedKind.ACCOUNTS, FeedKind.PRICES, FeedKind.POSITIONS, FeedKind.LOTS, FeedKind.CASH}
)
"""Kinds whose number of rows hardly changes from day to day (cases 53, 54)."""
_STOPS = ("FEED_SHRUNK", "FEED_GREW")
_SECURITY_ALERTS = frozenset({"FOREIGN_FIRM_DATA", "FEED_PATH", "FEED_XML", "FEED_SIGNATURE"})
_SORT_MEMORY = "256MB"
"""Of PostgreSQL, for one load: two hundred thousand accounts' settings are sorted without spilling to disk."""
_STATISTICS_TARGET = 10
"""Of the staged rows: a sample of 3,000 plans the few statements about them as well as one of 30,000."""
_LOADING_SECONDS = 600  # of one statement: a million lots take about ten


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What one pass did with one file. Codes are empty when it was loaded."""

    kind: FeedKind
    status: DeliveryStatus
    rows: int = 0
    reason_codes: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Night:
    """What the files of one firm and day are judged by. `as_of`, when known, is the session that they must be of."""

    firm_id: str
    business_date: date
    as_of: date | None = None
    sources: FirmSources = STANDARD


def load_deliveries(
    engine: Engine,
    firm_id: str,
    drop: Path,
    business_date: date,
    *,
    as_of: date | None = None,
    sources: FirmSources = STANDARD,
    large: int = LARGE_BYTES,
) -> list[LoadedFile]:
    """Load what has newly come for the day, in the order in which kinds refer to each other.

    Returns what was done; files that were dealt with before are not in it. A file that is still being written is
    left for the next pass. `as_of`, when known, is the session that the files must be of. One transaction a file;
    holdings of `large` bytes or more are loaded beside the rest (`activities.loading_order`).
    """
    night = Night(firm_id, business_date, as_of, sources)

    def load(file: DroppedFile, gate: Gate) -> LoadedFile | None:
        try:
            return _load_once(engine, night, file, gate)
        except StillArriving:
            return None

    files = pending(drop, firm_id, business_date, sources)
    return [loaded for loaded in in_lanes(files, load, large) if loaded is not None]


def delivery_report(connection: Connection, business_date: date) -> list[DeliveryLine]:
    """Each kind's delivery of the day: status, rows, reason codes, and whether it is still awaited."""
    return report_of_kinds(connection, business_date, KINDS)


def awaited(connection: Connection, business_date: date) -> list[str]:
    """Kinds of which nothing usable has come yet, in loading order."""
    return [line.kind for line in delivery_report(connection, business_date) if line.waiting]


def still_arriving(drop: Path, firm_id: str, business_date: date, sources: FirmSources = STANDARD) -> list[str]:
    """Kinds whose file lies there without its done-marker."""
    return [str(kind) for kind in unmarked(drop, firm_id, business_date, sources)]


def refuse_unfinished(
    engine: Engine, firm_id: str, drop: Path, business_date: date, sources: FirmSources = STANDARD
) -> list[LoadedFile]:
    """At the cut-off: what still lies there without its done-marker is refused (case 62). A later, whole file loads."""
    done = []
    for kind in unmarked(drop, firm_id, business_date, sources):
        name = sources.of(kind).file_name(kind, business_date)
        received = ReceivedFile(kind, business_date, name, content_hash([firm_id, kind, name, "unfinished"]))
        refusal = FeedRefused("FEED_INCOMPLETE", f"{name} has no done-marker at the cut-off: it is not whole")
        with firm_transaction(engine, firm_id) as connection:
            done.append(_refuse(connection, firm_id, received, refusal))
    return done


def _load_once(engine: Engine, night: Night, file: DroppedFile, gate: Gate) -> LoadedFile | None:
    """Raises StillArriving; a refusal is an outcome."""
    digest = content_hash([night.firm_id, file.kind, file.name])  # of a file that must not even be opened
    received = ReceivedFile(file.kind, night.business_date, file.name, digest)
    try:
        several = parts(file, night.business_date)
        received = ReceivedFile(file.kind, night.business_date, file.name, hash_of(several, file.source.form))
        with firm_transaction(engine, night.firm_id) as connection:
            return _load(connection, night, file, several, received, gate)
    except FeedRefused as refusal:
        with firm_transaction(engine, night.firm_id) as connection:
            return _refuse(connection, night.firm_id, received, refusal)


def _load(
    connection: Connection, night: Night, file: DroppedFile, several: list[Part], received: ReceivedFile, gate: Gate
) -> LoadedFile | None:
    firm_id, as_of = night.firm_id, night.as_of
    lock_loading(connection, firm_id, lane_of(file.kind))
    known = find_delivery(connection, received)
    accepted: frozenset[str] = frozenset()
    if known is not None:
        if known.status in (DeliveryStatus.LOADED, DeliveryStatus.WAIVED):
            return None
        if known.status == DeliveryStatus.QUARANTINED and not set(known.reason_codes) <= _TRIED_AGAIN:
            return None
        accepted = frozenset(known.detail.get("accepted", ()))
    connection.execute(text(f"SET LOCAL statement_timeout = '{_LOADING_SECONDS}s'"))
    # Holdings wait for the accounts within their transaction.
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{_LOADING_SECONDS}s'"))
    connection.execute(text(f"SET LOCAL work_mem = '{_SORT_MEMORY}'"))
    connection.execute(text(f"SET LOCAL default_statistics_target = {_STATISTICS_TARGET}"))
    ask = ask_of(firm_id, file.kind, night.business_date, as_of, file.source, night.sources)
    with reading(file, several, ask) as reader:
        batches = reader.copy_batches()
        first = next(batches, [])
        # Before the COPY: the connection takes no other statement while one is under way.
        _check_header(connection, reader, received, accepted, as_of)
        stage_rows(connection, reader.layout.names, chain([first], batches))
    if reader.content_hash not in ("", received.content_hash):  # '': of a form that seeks
        raise StillArriving(f"{file.name} changed while it was read")
    _check_count(connection, firm_id, reader, received, accepted)
    return _publish(connection, firm_id, reader, received, gate)


_TRIED_AGAIN = frozenset({"FEED_GAP", "FEED_ORDER"})
"""Refusals that go away by themselves, once the day before is there or waived."""


def _check_header(
    connection: Connection,
    reader: FeedReader,
    received: ReceivedFile,
    accepted: frozenset[str],
    as_of: date | None,
) -> None:
    """Raises FeedRefused when the header and what came before show that the file must not be loaded."""
    header = _header(reader)
    if as_of is not None and header.as_of != as_of:
        raise FeedRefused("FEED_STALE_DATE", f"the file is as of {header.as_of}; the session before is {as_of}")
    earlier = loaded_delivery(connection, received.kind, received.business_date)
    if earlier is not None and not reader.layout.adds_up and "FEED_CHANGED" not in accepted:
        raise FeedRefused(
            "FEED_CHANGED", f"another {received.kind} file of the day is loaded; a person picks one of them"
        )
    needed = received.kind in KINDS  # what no run waits for may leave days out
    missing = missing_day(connection, received.kind, header.as_of, received.business_date) if needed else None
    if missing is not None and missing not in accepted:
        raise FeedRefused(missing, f"the {received.kind} file of {header.as_of} never came")


def _header(reader: FeedReader) -> FeedHeader:
    if reader.header is None:  # the reader itself refuses a file without one
        raise FeedRefused("FEED_EMPTY", "the file has no header")
    return reader.header


def _check_count(
    connection: Connection, firm_id: str, reader: FeedReader, received: ReceivedFile, accepted: frozenset[str]
) -> None:
    before = loaded_before(connection, received.kind, received.business_date) if reader.kind in _COUNTED else None
    if before is None or before.row_count is None:
        return
    for finding in row_count_findings(firm_id, received.kind, before.row_count, reader.rows):
        if finding.code not in accepted:
            raise FeedRefused(finding.code, finding.message)


def _publish(
    connection: Connection, firm_id: str, reader: FeedReader, received: ReceivedFile, gate: Gate
) -> LoadedFile:
    """Staged rows into facts and settings, with the delivery's row: one transaction."""
    header = _header(reader)
    detail = {
        "notes": reader.notes,
        "quarantined_rows": len(reader.quarantined),
        **({"factors": list(reader.factors)} if reader.factors else {}),
    }
    save_delivery(
        connection,
        firm_id,
        received,
        DeliveryStatus.LOADED,
        as_of=header.as_of,
        source=header.source,
        row_count=reader.rows,
        control_total=reader.control_total,
        detail=detail,
    )
    publish_rows(connection, firm_id, reader, received, gate)
    _lift_stops(connection, firm_id, received)
    _tell_notes(connection, firm_id, reader, received)
    return LoadedFile(reader.kind, DeliveryStatus.LOADED, reader.rows)


def _tell_notes(connection: Connection, firm_id: str, reader: FeedReader, received: ReceivedFile) -> None:
    day, scope = received.business_date, f"feed/{received.kind}"
    if reader.quarantined:
        count, first = len(reader.quarantined), reader.quarantined[0]
        message = f"{count} rows of the {received.kind} file cannot be read; line {first.line}: {first.message}"
        raise_alert(connection, firm_id, cause="ROW_UNREADABLE", scope=scope, business_date=day, message=message)
    ignored = [note for note in reader.notes if note.startswith("ignored")]
    if ignored:
        message = f"the {received.kind} file: {ignored[0]}"
        raise_alert(
            connection,
            firm_id,
            cause="FEED_EXTRA_COLUMN",
            scope=scope,
            business_date=day,
            message=message,
            severity="INFO",
        )


def _refuse(connection: Connection, firm_id: str, received: ReceivedFile, refusal: FeedRefused) -> LoadedFile:
    """Keep the refusal as the delivery's row, and tell of it once."""
    lock_loading(connection, firm_id, lane_of(FeedKind(received.kind)))
    known = find_delivery(connection, received)
    if known is not None and known.status == DeliveryStatus.QUARANTINED and refusal.code in known.reason_codes:
        return LoadedFile(FeedKind(received.kind), DeliveryStatus.QUARANTINED, 0, (refusal.code,), str(refusal))
    detail = {} if known is None else dict(known.detail)
    save_delivery(
        connection,
        firm_id,
        received,
        DeliveryStatus.QUARANTINED,
        reason_codes=(refusal.code,),
        message=str(refusal),
        detail=detail,
    )
    raise_alert(
        connection,
        firm_id,
        cause=refusal.code,
        scope=f"feed/{received.kind}",
        business_date=received.business_date,
        message=f"the {received.kind} file was refused: {refusal}",
        severity="SECURITY" if refusal.code in _SECURITY_ALERTS else "CRITICAL",
    )
    if refusal.code in _STOPS:
        suspensions.open_suspension(connection, firm_id, _stop(firm_id, received, refusal))
    return LoadedFile(FeedKind(received.kind), DeliveryStatus.QUARANTINED, 0, (refusal.code,), str(refusal))


def _stop(firm_id: str, received: ReceivedFile, refusal: FeedRefused) -> Suspension:
    return Suspension(
        scope=SuspensionScope.FIRM,
        scope_id=firm_id,
        kind=SuspensionKind.DATA,
        code=refusal.code,
        reason=str(refusal),
        since=received.business_date,
        opened_by=f"feed:{received.kind}",
    )


def _lift_stops(connection: Connection, firm_id: str, received: ReceivedFile) -> None:
    """A usable file of the kind ends the firm's stop that the kind's refused file had opened."""
    for row in suspensions.open_rows(connection, SuspensionScope.FIRM, [firm_id]):
        if row.opened_by == f"feed:{received.kind}":
            suspensions.lift_suspension(
                connection,
                firm_id,
                row.suspension_id,
                lifted_on=received.business_date,
                lifted_by=suspensions.SYSTEM,
                reason=f"a usable {received.kind} file was loaded",
            )


__all__ = [
    "KINDS",
    "RELEASABLE",
    "LoadedFile",
    "awaited",
    "delivery_report",
    "load_deliveries",
    "refuse_unfinished",
    "still_arriving",
]
