"""The night goes wrong and mends itself: a custodian's server is down, its file is late, and then it comes."""

import asyncio
import shutil
import socket
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import asyncssh
import pytest
from sqlalchemy import select

from tests.activities.feed_day import SPECIAL
from tests.workflows.conftest import Found
from tests.workflows.real_day import Day, start
from trimtab import feed_desk
from trimtab.db import runs
from trimtab.db.engine import firm_transaction
from trimtab.db.expectations import expect
from trimtab.db.tables import account_day, alert, delivery, delivery_expectation, event
from trimtab.demo.drop import done_marker, feed_path
from trimtab.demo.sftp_server import sftp_server
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import STANDARD, FirmSources, SftpPlace, Source, SourceBook
from trimtab.settings import load_settings

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
async def test_a_server_that_is_down_is_tried_again_told_of_and_settled_when_its_file_comes(found: Found) -> None:
    day = await found(clock="market")
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
    (came,) = day.ask(select(delivery).where(delivery.c.kind == "lots"))
    assert came.status == "LOADED"
    assert told(day) == {"FEED_LATE": "trimtab", "TRANSFER_FAILED": "trimtab"}
    (lots,) = day.ask(select(delivery_expectation).where(delivery_expectation.c.kind == "lots"))
    assert lots.resolution.startswith("fetched at the ")
    assert len(day.ask(select(event).where(event.c.kind == "DELIVERY_RECOVERED"))) == 1


@pytest.mark.covers("H3")
async def test_prices_that_come_before_the_cut_off_reach_everybody_who_was_suspended_for_them(found: Found) -> None:
    """`trimtab run look-again`: on the stepped clock the night goes on without the file, and is held before CUT_OFF."""
    day = await found()
    prices = feed_path(day.folder / "drop", day.firm.id, "prices", day.firm.business_date)
    for each in (prices, done_marker(prices)):
        shutil.move(each, day.folder / each.name)
    await start(day, hold_before="CUT_OFF")
    async with day.worker():
        await day.until(lambda: day.is_held("CUT_OFF"))
        everybody = {entry.id for entry in day.firm.accounts}
        assert day.standing_at("suspended") == everybody - {"A00013"}  # the closed one is done
        for each in (prices, done_marker(prices)):
            shutil.move(day.folder / each.name, each)
        settings = load_settings(database_url=day.database.app_url, drop_folder=day.folder / "drop")
        said = await asyncio.to_thread(feed_desk.look_again, settings, day.firm.id, None)
        assert said.endswith("19 suspended accounts are judged again, 0 had ended suspended")
        broken = SPECIAL.keys() - {"A00013"}
        validated = select(account_day.c.account_id).where(account_day.c.snapshot_hash.is_not(None))
        await day.until(lambda: {row.account_id for row in day.ask(validated)} == everybody - SPECIAL.keys())
        await day.until(lambda: day.standing_at("suspended") == broken)
