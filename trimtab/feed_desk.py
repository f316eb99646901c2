"""What the command line's operators ask about files: the night's deliveries, and orders as a custodian's file."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from trimtab.db.deliveries import DeliveryLine, report_of
from trimtab.db.expectations import accounts_in_need, expectations_on, needed_by
from trimtab.db.tables import delivery, intent
from trimtab.domain.delivery_watch import WAITS
from trimtab.operator import NoRun, app_engine, in_firm, require_session, run_of
from trimtab.settings import Settings


def load_feeds(settings: Settings, firm_id: str, day: date | None) -> list[str]:
    """Load the drop folder's files of a business date, now."""
    if day is None:
        raise NoRun("name the business date: --date YYYY-MM-DD")
    require_session(day)
    with in_firm(settings, firm_id):  # raises for a firm that is not there, before anything is read
        pass
    _load(settings, firm_id, day)
    return feed_status(settings, firm_id, day)


def _load(settings: Settings, firm_id: str, day: date, as_of: date | None = None) -> None:
    from trimtab.activities.deliveries import load_deliveries
    from trimtab.feeds.sources import load_sources

    engine = app_engine(settings)
    try:
        sources = load_sources(settings.sources).of(firm_id)
        load_deliveries(engine, firm_id, settings.drop_folder, day, as_of=as_of, sources=sources)
    finally:
        engine.dispose()


def look_again(settings: Settings, firm_id: str, day: date | None) -> str:
    """Load what has come for the run, and have the accounts that are suspended for data judged by it.

    Raises NoRun, PastCutOff, InputNotFrozen.
    """
    from trimtab.activities import second_look
    from trimtab.contracts import RunRef

    with in_firm(settings, firm_id) as connection:
        row = run_of(connection, day)
    ref = RunRef(firm_id, row.run_id, row.business_date)
    _load(settings, firm_id, ref.business_date, row.as_of)
    with in_firm(settings, firm_id) as connection:
        look = second_look.look_again(connection, ref, actor="cli")
    if not look.is_changed:
        return f"nothing new has come for {ref.business_date}"
    return (
        f"the run of {ref.business_date} reads its inputs anew: {look.asked} suspended accounts are judged again,"
        f" {look.ended} had ended suspended"
    )


def feed_status(settings: Settings, firm_id: str, day: date | None) -> list[str]:
    """One line a kind: where it stands, its rows, control total and hash, and what waits on it."""
    return [_status_line(row) for row in feed_report(settings, firm_id, day)]


def feed_report(settings: Settings, firm_id: str, day: date | None) -> list[dict[str, Any]]:
    """Each kind's delivery of the day with what is expected of it, in loading order."""
    from trimtab.activities.deliveries import KINDS

    with in_firm(settings, firm_id) as connection:
        on = day or _newest_day(connection)
        rows = connection.execute(select(delivery).where(delivery.c.business_date == on)).all()
        rows = sorted(rows, key=lambda row: (row.recorded_at, row.delivery_id))
        awaited = {row.kind: row for row in expectations_on(connection, [on])}
        counts = accounts_in_need(connection, on)
        kinds = (*KINDS, *sorted({row.kind for row in rows} - set(KINDS)))  # what no run waits for, where it came
        return [
            _reported(line, row, awaited.get(line.kind), needed_by(line.kind, counts) if line.waiting else 0)
            for line, row in report_of(rows, kinds)
        ]


def _reported(
    line: DeliveryLine, row: Row[Any] | None, awaited: Row[Any] | None, accounts_waiting: int
) -> dict[str, Any]:
    standing = awaited.standing if awaited is not None and line.waiting else ""
    return {
        "kind": line.kind,
        "status": standing if row is None and standing else line.status,
        "standing": standing or None,
        "source": awaited.source if awaited is not None else (row.source if row is not None else None),
        "form": None if awaited is None else awaited.form,
        "due_at": None if awaited is None else awaited.due_at,
        "rows": line.rows,
        "quarantined_rows": line.quarantined_rows,
        "control_total": line.control_total,
        "content_hash": None if row is None else row.content_hash,
        "reason_codes": list(line.reason_codes),
        "message": line.message,
        "arriving": awaited is not None and awaited.arriving,
        "tries": 0 if awaited is None else awaited.tries,
        "last_error": None if awaited is None else awaited.last_error,
        "next_try_at": None if awaited is None else awaited.next_try_at,
        "resolution": None if awaited is None else awaited.resolution,
        "accounts_waiting": accounts_waiting,
        "waits": WAITS[line.kind],
    }


def _status_line(kind: dict[str, Any]) -> str:
    words = [f"{kind['kind']:18} {kind['status']:12} {kind['rows'] or 0:>8} rows"]
    if kind["control_total"] is not None:
        words.append(f"total {kind['control_total']:f}")
    if kind["content_hash"]:
        words.append(f"sha256 {kind['content_hash'][:12]}")
    if kind["quarantined_rows"]:
        words.append(f"{kind['quarantined_rows']} kept aside")
    if kind["due_at"] is not None and kind["accounts_waiting"]:
        words.append(f"due {kind['due_at']:%Y-%m-%d %H:%M} UTC")
    if kind["standing"] and kind["standing"] != kind["status"]:
        words.append(kind["standing"])
    if kind["arriving"]:
        words.append("arriving")
    if kind["tries"]:
        words.append(f"{kind['tries']} tries" + (f", last error {kind['last_error']}" if kind["last_error"] else ""))
    words += [" ".join(kind["reason_codes"]), kind["message"]]
    if kind["accounts_waiting"]:
        words.append(f"{kind['accounts_waiting']} accounts wait: {kind['waits']}")
    elif kind["resolution"]:
        words.append(f"recovered: {kind['resolution']}")
    return "  ".join(word for word in words if word)


def order_file_of(settings: Settings, firm_id: str, day: date | None, layout: str) -> tuple[str, list[str]]:
    """The day's committed orders as a custodian's import file, and the orders that it cannot hold, in words.

    For firms whose custodian takes a file: a gateway must not send the same orders.
    """
    from trimtab.db.history import securities_by_id
    from trimtab.feeds.order_files import OrderLine, order_file, order_layout

    with in_firm(settings, firm_id) as connection:
        row = run_of(connection, day)
        open_orders = select(intent).where(
            intent.c.business_date == row.business_date, intent.c.status.in_(["PENDING", "RELEASED"])
        )
        orders = connection.execute(open_orders.order_by(intent.c.account_id, intent.c.leg)).all()
        known = {one.security_id: one for one in securities_by_id(connection, {each.security_id for each in orders})}
    lines = [
        OrderLine(
            order_id=each.intent_id,
            account_id=each.account_id,
            side=each.side,
            quantity=each.quantity,
            symbol=known[each.security_id].symbol if each.security_id in known else None,
        )
        for each in orders
    ]
    text, left_out = order_file(order_layout(layout), lines)
    return text, [f"order {each.order_id} of account {each.account_id} has no symbol: not written" for each in left_out]


def _newest_day(connection: Connection) -> date:
    newest = connection.scalar(select(func.max(delivery.c.business_date)))
    if newest is None:
        raise NoRun("nothing was delivered yet")
    found: date = newest
    return found
