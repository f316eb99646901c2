"""Large holdings are loaded beside the other files, and are not published before the accounts are dealt with."""

from pathlib import Path
from threading import Event

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.activities.feed_day import FIRM, SPECIAL
from trimtab.activities.deliveries import KINDS
from trimtab.activities.loading_order import Gate, LoadingAbandoned, in_lanes
from trimtab.db.engine import firm_transaction
from trimtab.db.settings_versions import ACCOUNT_COLUMNS
from trimtab.db.tables import metadata
from trimtab.demo import faults
from trimtab.feeds.drop import DroppedFile
from trimtab.feeds.layouts import LAYOUTS, FeedKind
from trimtab.feeds.sources import Source

NIGHT = [FeedKind.SECURITIES, FeedKind.ACCOUNTS, FeedKind.PRICES, FeedKind.LOTS]


ALL_ARE_LARGE = 0  # bytes


def dropped(kind: FeedKind, size: int = 100 << 20) -> DroppedFile:
    return DroppedFile(
        kind, Path(f"{kind}.csv"), size, Source(name="CUSTODIAN", kinds=(kind,)), Path(f"{kind}.csv.done")
    )


def rows(day, table: str) -> int:
    with firm_transaction(day.engine, FIRM) as connection:
        return connection.scalar(select(func.count()).select_from(metadata.tables[table]))


def test_a_large_lots_file_is_read_while_the_accounts_are_written_and_published_after_them():
    reading, told = Event(), []

    def load(file: DroppedFile, gate: Gate) -> str:
        if file.kind is FeedKind.ACCOUNTS:
            assert reading.wait(10)  # the lots are under way before the accounts are done
        if file.kind is FeedKind.LOTS:
            assert told == ["securities"]
            reading.set()
            gate.passed()
            assert "accounts" in told
        told.append(str(file.kind))
        return str(file.kind)

    assert in_lanes([dropped(kind) for kind in NIGHT], load) == [str(kind) for kind in NIGHT]


def test_small_files_are_loaded_one_after_the_other():
    told: list[FeedKind] = []

    def load(file: DroppedFile, gate: Gate) -> None:
        gate.passed()
        told.append(file.kind)

    in_lanes([dropped(kind, size=1_000) for kind in NIGHT], load)
    assert told == NIGHT


def test_when_the_accounts_fail_the_lots_beside_them_are_not_published():
    refused = []

    def load(file: DroppedFile, gate: Gate) -> None:
        if file.kind is FeedKind.ACCOUNTS:
            raise ConnectionResetError("the server went away")
        if file.kind is FeedKind.LOTS:
            try:
                gate.passed()
            except LoadingAbandoned:
                refused.append(file.kind)
                raise

    with pytest.raises(ConnectionResetError):
        in_lanes([dropped(kind) for kind in NIGHT], load)
    assert refused == [FeedKind.LOTS]


def test_a_night_in_two_lanes_is_the_night_one_after_the_other(day):
    assert sorted(day.load(ALL_ARE_LARGE)) == sorted(str(kind) for kind in KINDS)
    assert rows(day, "lot_fact") == len(day.firm.book.lots)
    day.judge()
    assert day.codes() == SPECIAL


def test_another_firms_account_among_large_lots_is_refused_whole(day):
    faults.set_field(day.path("lots"), {"account_id": "A00002"}, "account_id", "B77777")
    assert day.load(ALL_ARE_LARGE)["lots"].reason_codes == ("FOREIGN_FIRM_DATA",)
    assert rows(day, "lot_fact") == 0
    assert rows(day, "position_fact") > 0


def test_nothing_half_is_left_of_holdings_whose_accounts_could_not_be_written(day, database):
    """A database that takes no account, as one in the middle of an upgrade might."""
    with psycopg.connect(database.superuser_url, autocommit=True) as upgrade:
        upgrade.execute("ALTER TABLE account ADD CONSTRAINT being_upgraded CHECK (false) NOT VALID")
        with pytest.raises(IntegrityError, match="being_upgraded"):
            day.load(ALL_ARE_LARGE)
        upgrade.execute("ALTER TABLE account DROP CONSTRAINT being_upgraded")
    assert {table: rows(day, table) for table in ("account", "lot_fact", "position_fact", "cash_fact")} == {
        "account": 0,
        "lot_fact": 0,
        "position_fact": 0,
        "cash_fact": 0,
    }
    day.load(ALL_ARE_LARGE)  # the next pass
    assert rows(day, "lot_fact") == len(day.firm.book.lots)


def test_no_setting_of_an_accounts_file_may_be_empty():
    """The accounts are joined to their settings by these columns: a null would lose the account."""
    columns = {column.name: column for column in LAYOUTS[FeedKind.ACCOUNTS].columns}
    assert all(columns[name].required for name in ACCOUNT_COLUMNS)
