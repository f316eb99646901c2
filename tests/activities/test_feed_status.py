"""`trimtab feeds status`: one line a kind, with what it is worth and what waits for it."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from tests.activities.feed_day import FIRM, FeedDay
from tests.servers import FreshDatabase
from trimtab.activities.delivery_watch import expect_deliveries, watch_deliveries
from trimtab.cli import app
from trimtab.db.engine import firm_transaction
from trimtab.db.expectations import set_expectation
from trimtab.demo import faults
from trimtab.feeds.sources import STANDARD


def status(database: FreshDatabase, tmp_path: Path, *options: str) -> str:
    env = {"DATABASE_URL": database.app_url, "TRIMTAB_STATE_DIR": str(tmp_path), "TRIMTAB_FIRM": FIRM}
    found = CliRunner().invoke(app, ["feeds", "status", *options], env=env)
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.covers("D12", "H2")
def test_each_kind_has_a_line_with_rows_total_hash_and_what_waits(
    day: FeedDay, database: FreshDatabase, tmp_path: Path
) -> None:
    faults.falsify_total(day.path("cash"))
    faults.withhold(day.path("lots"))
    day.load()
    day.open()
    with firm_transaction(day.engine, FIRM) as connection:
        expect_deliveries(connection, day.ref, STANDARD)
        watch_deliveries(connection, day.ref, datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
        set_expectation(connection, day.date, "lots", tries=2, last_error="TRANSFER_FAILED: the line is dead")
    lines = {line.split()[0]: line for line in status(database, tmp_path).splitlines()}
    assert len(lines) == 13
    assert lines["positions"].split()[1:3] == ["LOADED", str(len(day.firm.book.holdings))]
    assert "total " in lines["positions"]
    assert "sha256 " in lines["positions"]
    assert lines["lots"].split("  ")[-1].startswith("20 accounts wait: tax lots")
    assert lines["lots"].split()[1] == "LATE"
    assert "due 2026-11-20 09:00 UTC" in lines["lots"]
    assert "2 tries, last error TRANSFER_FAILED: the line is dead" in lines["lots"]
    assert "QUARANTINED" in lines["cash"]
    assert "FEED_TOTAL" in lines["cash"]
    told = {one["kind"]: one for one in orjson.loads(status(database, tmp_path, "--json"))["deliveries"]}
    assert (told["lots"]["standing"], told["lots"]["accounts_waiting"], told["lots"]["rows"]) == ("LATE", 20, None)
    assert (told["prices"]["accounts_waiting"], told["prices"]["form"]) == (0, "trimtab")
