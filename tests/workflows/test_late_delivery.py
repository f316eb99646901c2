"""The night goes wrong and mends itself: a custodian's server is down, its file is late, and then it comes."""

import shutil
import socket
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import asyncssh
import pytest
from sqlalchemy import select

from tests.activities.feed_day import SPECIAL, FeedDay
from tests.workflows.conftest import Found
from tests.workflows.real_day import Day, start
from trimtab.activities.deliveries import load_deliveries
from trimtab.db import runs
from trimtab.db.deliveries import release_delivery
from trimtab.db.engine import firm_transaction
from trimtab.db.expectations import expect
from trimtab.db.records import verify_chains
from trimtab.db.suspensions import open_suspension
from trimtab.db.tables import account_day, alert, delivery, delivery_expectation, event, intent, record, suspension
from trimtab.demo import faults
from trimtab.demo.drop import done_marker, feed_path
from trimtab.demo.sftp_server import sftp_server
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import STANDARD, FirmSources, SftpPlace, Source, SourceBook

pytestmark = pytest.mark.timeout(600)

USER, PASSWORD = "trimtab", "s3cret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def from_a_server(day: Day, port: int, key: asyncssh.SSHKey) -> None:
    """Lots come from a custodian's server that is not up yet; everything else lies in the drop folder."""
    secret = day.folder / "secret"
    secret.write_text(PASSWORD)
    public = key.export_public_key().decode().split()
    place = SftpPlace(
        host="127.0.0.1",
        port=port,
        username=USER,
        host_key=f"{public[0]} {public[1]}",
        password_file=secret,
    )
    lots = Source(name="CUSTODIAN", kinds=(FeedKind.LOTS,), sftp=place)
    by_kind = MappingProxyType({**STANDARD.by_kind, FeedKind.LOTS: lots})
    day.sources = SourceBook({day.firm.id: FirmSources(by_kind)})
    away = day.folder / "away"
    away.mkdir()
    path = feed_path(day.folder / "drop", day.firm.id, "lots", day.firm.business_date)
    for each in (path, done_marker(path)):
        shutil.move(each, away / each.name)


def squeeze(day: Day, began: datetime) -> None:
    """The night in seconds: lots are due at once and late after two; the cut-off is far."""
    far = began + timedelta(minutes=20)
    with firm_transaction(day.engine, day.firm.id) as connection:
        events = [
            {"event_id": f"{day.ref.run_id}-{kind}", "kind": kind, "ordinal": place, "at": began if place == 1 else far}
            for place, kind in enumerate(("RUN_START", "CUT_OFF", "OPEN", "CLOSE", "DAY_END"), start=1)
        ]
        runs.insert_market_events(connection, day.ref, events)
        late, soon = began + timedelta(seconds=2), began + timedelta(minutes=10)
        times = {"due_at": began, "late_at": late, "urgent_at": soon, "missing_at": far}
        row = {"business_date": day.firm.business_date, "kind": "lots", "source": "CUSTODIAN", "form": "trimtab"}
        expect(connection, day.firm.id, [row | times])


def told(day: Day) -> dict[str, str | None]:
    """Cause to who took care of it."""
    return {row.cause: row.acknowledged_by for row in day.ask(select(alert).where(alert.c.scope == "feed/lots"))}


@pytest.mark.covers("H1", "H2", "H3")
async def test_a_server_that_is_down_is_tried_again_told_of_and_settled_when_its_file_comes(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the book is under way, a mended close reaches its holders too: the run goes on looking."""
    monkeypatch.setattr("trimtab.activities.healing.LOOK_POLL", timedelta(seconds=0.5))
    day = await found(clock="market")
    symbol, close, holders = one_close_is_zero(day)
    port, key = free_port(), asyncssh.generate_private_key("ssh-ed25519")
    from_a_server(day, port, key)
    squeeze(day, datetime.now(UTC))
    await start(day)
    async with day.worker():
        await day.until(lambda: {"FEED_LATE", "TRANSFER_FAILED"} <= told(day).keys())
        (lots,) = day.ask(select(delivery_expectation).where(delivery_expectation.c.kind == "lots"))
        assert lots.tries >= 3
        assert lots.last_error.startswith("TRANSFER_FAILED: 127.0.0.1: ")
        assert day.ask(select(account_day)) == []  # the run waits
        async with sftp_server(day.folder / "away", USER, PASSWORD, port=port, key=key):
            await day.until(lambda: bool(day.ask(select(account_day))))
        await day.until(lambda: holders <= day.standing_at("suspended"))
        send_corrected_prices(day, symbol, close)
        await day.until(lambda: reasons(day).keys() == holders and not holders & day.standing_at("suspended"))
    (came,) = day.ask(select(delivery).where(delivery.c.kind == "lots"))
    assert came.status == "LOADED"
    assert told(day) == {"FEED_LATE": "trimtab", "TRANSFER_FAILED": "trimtab"}
    (lots,) = day.ask(select(delivery_expectation).where(delivery_expectation.c.kind == "lots"))
    assert lots.resolution.startswith("fetched at the ")
    assert len(day.ask(select(event).where(event.c.kind == "DELIVERY_RECOVERED"))) == 1


def hold(day: Day, before: str) -> None:
    with firm_transaction(day.engine, day.firm.id) as connection:
        runs.set_run(connection, day.ref, hold_before=before)


def suspend_by_hand(day: Day, account_id: str) -> None:
    by_hand = Suspension(
        scope=SuspensionScope.ACCOUNT,
        scope_id=account_id,
        kind=SuspensionKind.COMPLIANCE,
        code="INQUIRY",
        reason="compliance asks",
        since=day.firm.business_date,
        opened_by="compliance@firm",
    )
    with firm_transaction(day.engine, day.firm.id) as connection:
        open_suspension(connection, day.firm.id, by_hand)


def versions(day: Day) -> dict[str, tuple[int, int]]:
    """Attempt and version of each account's day: every move is a version."""
    rows = day.ask(select(account_day).where(account_day.c.current))
    return {row.account_id: (row.attempt, row.version) for row in rows}


def committed(day: Day) -> set[str]:
    return {row.account_id for row in day.ask(select(intent.c.account_id))}


def one_close_is_zero(day: Day) -> tuple[str, str, set[str]]:
    """The symbol whose close is zero in the day's file, its true close, and the accounts that hold it."""
    book = FeedDay(day.engine, day.folder / "drop", day.firm)
    security, holders, _ = book.wanted_security()
    prices = feed_path(book.drop, day.firm.id, "prices", day.firm.business_date)
    faults.set_field(prices, {"symbol": book.symbol(security)}, "close", "0.00")
    return book.symbol(security), f"{day.firm.prices[security]:.6f}", holders


def send_corrected_prices(day: Day, symbol: str, close: str) -> None:
    """Another file of the same day, that a data manager picks; loading it is left to the run.

    Whoever sees it first, this load or the run's own look into the drop folder, refuses it.
    """
    drop = day.folder / "drop"
    faults.set_field(feed_path(drop, day.firm.id, "prices", day.firm.business_date), {"symbol": symbol}, "close", close)
    load_deliveries(day.engine, day.firm.id, drop, day.firm.business_date, as_of=day.firm.as_of)
    (refused,) = day.ask(select(delivery).where(delivery.c.status == "QUARANTINED"))
    assert refused.reason_codes == ["FEED_CHANGED"]
    with firm_transaction(day.engine, day.firm.id) as connection:
        release_delivery(connection, day.firm.id, refused.delivery_id, actor="dm1", reason="the vendor corrected it")


def reasons(day: Day) -> dict[str, str]:
    """Account to why its day began again, as its record says."""
    kinds = record.c.kind.in_(["DECISION", "ATTEMPT_OPENED"])
    return {row.account_id: f"{row.actor}: {row.body['reason']}" for row in day.ask(select(record).where(kinds))}


@pytest.mark.covers("H3", "H8", "W-F2")
@pytest.mark.parametrize("policy", ["never", "always"])
async def test_a_file_that_is_mended_before_the_cut_off_heals_those_who_wait_for_it_and_moves_nobody_else(
    found: Found, policy: str
) -> None:
    """One close is zero: its holders wait, with lifecycles or ended by pages. Then the vendor corrects it."""
    day = await found(policy=policy)
    symbol, close, holders = one_close_is_zero(day)
    await start(day, hold_before="CUT_OFF")
    async with day.worker():
        await day.until(lambda: day.is_held("CUT_OFF") and committed(day) == day.standing_at("trade"))
        before, outcomes = versions(day), day.outcomes()
        waiting = {row.scope_id for row in day.ask(select(suspension).where(suspension.c.code == "PRICE_ZERO"))}
        assert waiting == holders
        suspend_by_hand(day, min(waiting))
        send_corrected_prices(day, symbol, close)
        hold(day, before="OPEN")
        await day.until(lambda: day.is_held("OPEN") and not day.standing_at("suspended"))
    healed = waiting - {min(waiting)}
    after = day.outcomes()
    assert {name: row[3] for name, row in after.items() if row[2] == "SUSPENDED"} == {
        min(waiting): "INQUIRY", **{name: code for name, code in SPECIAL.items() if name != "A00013"},
    }  # fmt: skip
    assert {after[name][0] for name in healed} <= {"record", "review", "trade"}
    untouched = before.keys() - waiting - (SPECIAL.keys() if policy == "never" else set())  # those end at the cut-off
    assert {name: versions(day)[name] for name in untouched} == {name: before[name] for name in untouched}
    assert {name: after[name] for name in untouched} == {name: outcomes[name] for name in untouched}
    assert reasons(day) == dict.fromkeys(waiting, "trimtab: prices: new since the run froze its inputs")
    lifted = day.ask(select(suspension).where(suspension.c.code == "PRICE_ZERO"))
    assert {(row.lifted_by, row.lifted_on) for row in lifted} == {("trimtab", day.firm.business_date)}
    with firm_transaction(day.engine, day.firm.id) as connection:
        assert verify_chains(connection)[1] == []
