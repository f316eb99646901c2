"""A day's files: taken whole or refused whole, once, with the catalogue's code, and told of once."""

import csv
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay, everybody_but_closed
from trimtab.activities.deliveries import LoadedFile, awaited, delivery_report, load_deliveries, still_arriving
from trimtab.db.deliveries import DeliveryMissing, release_delivery, waive_delivery, waive_gap
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, held_settings, newest_seq
from trimtab.db.tables import (
    account,
    account_fact,
    delivery,
    event,
    household,
    metadata,
    quarantined_row,
    setting_version,
)
from trimtab.demo import faults
from trimtab.demo.custodian import next_day
from trimtab.domain.lifecycle import Stage
from trimtab.feeds.layouts import KINDS, LAYOUTS, FeedKind


def refused(loaded: dict[str, LoadedFile]) -> dict[str, str]:
    """Kind to code of what was refused."""
    return {kind: file.reason_codes[0] for kind, file in loaded.items() if file.reason_codes}


def count(day: FeedDay, table: str) -> int:
    with firm_transaction(day.engine, FIRM) as connection:
        return int(connection.scalar(select(func.count()).select_from(metadata.tables[table])) or 0)


@pytest.mark.covers("D12")
def test_a_whole_day_is_loaded_and_reported(day):
    loaded = day.load()
    assert list(loaded) == [str(kind) for kind in KINDS]
    with firm_transaction(day.engine, FIRM) as connection:
        report = delivery_report(connection, day.date)
        assert awaited(connection, day.date) == []
    assert {line.status for line in report} == {"LOADED"}
    assert [line.rows for line in report] == [file.rows for file in loaded.values()]
    assert count(day, "lot_fact") == len(day.firm.book.lots)
    assert day.alerts() == []


def test_nothing_is_there_yet(day):
    empty = day.drop.parent / "nothing"
    assert load_deliveries(day.engine, FIRM, empty, day.date) == []
    with firm_transaction(day.engine, FIRM) as connection:
        assert awaited(connection, day.date) == [str(kind) for kind in KINDS]
        assert {line.status for line in delivery_report(connection, day.date)} == {"EXPECTED"}


_OF_SETTINGS = {
    FeedKind.ANCILLARY,
    FeedKind.CASH_NEEDS,
    FeedKind.MODELS,
    FeedKind.PROVIDER_MODELS,
    FeedKind.RESTRICTION_LISTS,
    FeedKind.RESTRICTIONS,
}


def test_every_column_that_is_read_has_a_place(day):
    """A column of a layout goes to a fact table, or into a version of settings."""
    from trimtab.db.facts import FACT_TABLES

    for kind in FeedKind:
        table = FACT_TABLES.get(kind)
        if table is None:
            assert kind in _OF_SETTINGS
            continue
        read = set(LAYOUTS[kind].names) - {"scheme", "security_key"}
        kept = {*table.columns, *table.renamed}
        settings = {column.name for column in LAYOUTS[FeedKind.ACCOUNTS].columns[10:19]}
        assert read - kept == (settings if kind is FeedKind.ACCOUNTS else set())


# --- once (case 41, 42) --------------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing_and_is_recorded_once(day):
    day.load()
    before = {table: count(day, table) for table in ("delivery", "lot_fact", "setting_version", "event")}
    faults.deliver_again(day.path("lots"))
    assert day.load() == {}
    assert {table: count(day, table) for table in before} == before
    assert (day.judge(), day.codes())[1] == SPECIAL


def test_other_bytes_under_the_same_name_bar_the_kind_until_a_person_picks(day):
    """Case 42, and the pick of the earlier file."""
    first = day.path("cash").read_bytes()
    day.load()
    faults.set_field(day.path("cash"), {"account_id": "A00002"}, "settled", "1.00")
    assert refused(day.load()) == {"cash": "FEED_CHANGED"}
    assert day.load() == {}
    with firm_transaction(day.engine, FIRM) as connection:
        assert awaited(connection, day.date) == ["cash"]
        changed = connection.scalars(select(delivery.c.delivery_id).where(delivery.c.status == "QUARANTINED")).one()
        waive_delivery(connection, FIRM, changed, actor="dm1", reason="the first one was right")
    assert day.alerts() == [("FEED_CHANGED", "feed/cash")]
    day.judge()
    assert day.codes() == SPECIAL
    assert day.path("cash").read_bytes() != first


def test_the_pick_of_the_later_file_loads_it(day):
    day.load()
    faults.set_field(day.path("cash"), {"account_id": "A00002"}, "settled", "-1.00")
    day.load()
    day.release("cash")
    assert refused(day.load()) == {}
    day.judge()
    assert day.codes() == SPECIAL | {"A00002": "CASH_NEGATIVE"}


def test_two_loaders_at_once_load_each_file_once(day, database):
    engines = [sync_engine(database.app_url, pool_size=1) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        passes = [pool.submit(load_deliveries, engine, FIRM, day.drop, day.date) for engine in engines]
        loaded = [str(file.kind) for each in passes for file in each.result()]
    for engine in engines:
        engine.dispose()
    assert sorted(loaded) == sorted(str(kind) for kind in KINDS)
    assert count(day, "lot_fact") == len(day.firm.book.lots)
    assert count(day, "delivery") == 13


# --- files that are refused (cases 43 to 47, 51, 52, 55, 59, 63) ----------------------------------------------------


REFUSALS = {
    "43 cut in the middle": (faults.truncate, "FEED_TRUNCATED"),
    "43 without its trailer": (faults.remove_trailer, "FEED_TRUNCATED"),
    "43 a wrong count": (faults.miscount, "FEED_TRUNCATED"),
    "44 a wrong total": (faults.falsify_total, "FEED_TOTAL"),
    "45 no bytes": (faults.empty, "FEED_EMPTY"),
    "46 a header only": (faults.leave_header_only, "FEED_EMPTY"),
    "51 a column renamed": (lambda path: faults.rename_column(path, "quantity", "units"), "FEED_SCHEMA"),
    "51 a column missing": (lambda path: faults.remove_column(path, "market_value"), "FEED_SCHEMA"),
    "52 UTF-16": (lambda path: faults.encode_as(path, "utf-16"), "FEED_ENCODING"),
    "52 Latin-1": (lambda path: faults.encode_as(path, "latin-1"), "FEED_ENCODING"),
    "52 semicolons": (faults.use_semicolons, "FEED_ENCODING"),
    "52 NUL bytes": (lambda path: faults.insert_bytes(path, 3, b"\x00"), "FEED_ENCODING"),
    "52 an unpaired quote": (lambda path: faults.insert_bytes(path, 3, b'"'), "FEED_ENCODING"),
    "63 bytes after the trailer": (faults.append_after_trailer, "FEED_TRAILING"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_broken_file_is_refused_whole_and_its_correction_is_taken(day, case):
    breaking, code = REFUSALS[case]
    path = day.path("positions")
    whole = path.read_bytes()
    breaking(path)
    assert refused(day.load()) == {"positions": code}
    assert count(day, "position_fact") == 0
    assert day.load() == {}
    assert day.alerts() == [(code, "feed/positions")]
    path.write_bytes(whole)
    assert refused(day.load()) == {}
    day.judge()
    assert day.codes() == SPECIAL


def test_an_empty_price_file_suspends_everybody_with_its_code(day):
    """Case 45 to its end."""
    faults.empty(day.path("prices"))
    day.load()
    day.judge()
    assert day.codes() == everybody_but_closed(day, "FEED_EMPTY")
    assert {outcome.next for outcome in day.outcomes.values()} == {"suspended", Stage.RECORD}


@pytest.mark.parametrize(
    "change",
    [
        faults.add_byte_order_mark,
        faults.use_carriage_returns,
        lambda path: faults.use_carriage_returns(path, every=2),
        faults.reverse_columns,
        lambda path: faults.add_column(path, "colour", "blue"),
    ],
    ids=["byte order mark", "CRLF", "mixed line ends", "columns reversed (50)", "an extra column (51)"],
)
def test_a_file_in_another_dress_is_taken_as_it_is(day, change):
    change(day.path("positions"))
    assert refused(day.load()) == {}
    day.judge()
    assert day.codes() == SPECIAL
    extra = [("FEED_EXTRA_COLUMN", "feed/positions")]
    assert [alert for alert in day.alerts() if alert[0].startswith("FEED")] in ([], extra)


def test_yesterdays_file_under_todays_name_is_stale(day):
    """Case 47."""
    lines = day.path("positions").read_text().split("\n", 1)
    header = lines[0].replace("2026-11-20", "2026-11-19")
    day.path("positions").write_text(f"{header}\n{lines[1]}")
    assert refused(day.load()) == {"positions": "FEED_STALE_DATE"}


@pytest.mark.parametrize("as_of", ["2026-11-20", "2026-11-15"], ids=["not yet", "a Sunday"])
def test_closes_that_are_dated_on_the_business_date_or_on_a_holiday_are_refused(day, as_of):
    """Case 12."""
    faults.set_field(day.path("prices"), {"symbol": "LCX1"}, "as_of", as_of)
    assert refused(day.load()) == {"prices": "PRICE_DATE"}


def test_another_firms_accounts_are_refused_and_told_as_a_matter_of_security(day):
    """Case 55."""
    faults.set_field(day.path("positions"), {"account_id": "A00002"}, "account_id", "B77777")
    assert refused(day.load()) == {"positions": "FOREIGN_FIRM_DATA"}
    assert count(day, "position_fact") == 0
    with firm_transaction(day.engine, FIRM) as connection:
        severity = connection.execute(text("SELECT severity FROM alert")).scalar_one()
    assert severity == "SECURITY"


def test_a_link_in_the_drop_folder_is_not_followed(day):
    """Case 59."""
    path = day.path("cash")
    elsewhere = day.drop.parent / "elsewhere.csv"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert refused(day.load()) == {"cash": "FEED_PATH"}


def test_a_file_without_its_done_marker_is_left_alone(day):
    """Case 62."""
    faults.unmark(day.path("lots"))
    assert "lots" not in day.load()
    assert still_arriving(day.drop, FIRM, day.date) == ["lots"]
    with firm_transaction(day.engine, FIRM) as connection:
        assert awaited(connection, day.date) == ["lots"]


def test_a_covariance_that_is_not_symmetric_is_refused(day):
    faults.set_field(day.path("risk_covariance"), {"factor": "MARKET"}, "SIZE", "0.5")
    assert refused(day.load()) == {"risk_covariance": "FEED_SCHEMA"}


# --- days (cases 48, 49, 53, 54) -------------------------------------------------------------------------------------


def second_day(day: FeedDay) -> FeedDay:
    """The firm's next session, delivered into the same drop folder."""
    later = FeedDay(day.engine, day.drop, next_day(day.firm, day.firm.book))
    from trimtab.demo.custodian import deliver

    deliver(later.firm, later.drop, later.drop.parent / "closes")
    return later


def third_day(day: FeedDay) -> FeedDay:
    return second_day(second_day(day))


def test_a_day_that_never_came_bars_the_next_one_until_a_person_waives_it(day):
    """Case 49: the second day's cash never came."""
    day.load()
    tuesday = second_day(day)
    faults.withhold(tuesday.path("cash"))
    tuesday.load()
    wednesday = second_day(tuesday)
    assert refused(wednesday.load()) == {"cash": "FEED_GAP"}
    assert refused(wednesday.load()) == {"cash": "FEED_GAP"}
    assert wednesday.alerts().count(("FEED_GAP", "feed/cash")) == 1
    wednesday.judge()
    assert set(wednesday.codes().values()) == {"FEED_GAP", "ACCOUNT_CLOSED"}
    with firm_transaction(day.engine, FIRM) as connection:
        waive_gap(connection, FIRM, "cash", tuesday.date, actor="dm1", reason="the custodian was closed")
    assert wednesday.load()["cash"].status == "LOADED"


def test_a_day_that_comes_before_its_eve_waits_for_it(day):
    """Case 48: the run of the day before is still open, so its file may yet come."""
    day.load()
    tuesday = second_day(day)
    cash = tuesday.path("cash").read_bytes()
    faults.withhold(tuesday.path("cash"))
    tuesday.load()
    tuesday.open()
    wednesday = second_day(tuesday)
    assert refused(wednesday.load()) == {"cash": "FEED_ORDER"}
    tuesday.path("cash").write_bytes(cash)
    faults.deliver_again(tuesday.path("cash"))
    tuesday.load()
    assert refused(wednesday.load()) == {}


def test_a_file_that_shrank_stops_the_firm_until_a_person_releases_it(day):
    """Case 53."""
    day.load()
    tuesday = second_day(day)
    for name in ("A00001", "A00002", "A00003"):
        faults.remove_rows(tuesday.path("cash"), {"account_id": name})
    assert refused(tuesday.load()) == {"cash": "FEED_SHRUNK"}
    assert (FIRM, "DATA", "FEED_SHRUNK") in tuesday.open_suspensions()
    tuesday.judge()
    assert set(tuesday.codes().values()) == {"FEED_SHRUNK", "ACCOUNT_CLOSED"}
    tuesday.release("cash")
    assert refused(tuesday.load()) == {}
    assert (FIRM, "DATA", "FEED_SHRUNK") not in tuesday.open_suspensions()


def test_a_file_that_grew_by_more_than_half_stops_the_firm(day):
    """Case 54."""
    day.load()
    tuesday = second_day(day)
    for entry in day.firm.accounts[:11]:
        faults.repeat_rows(tuesday.path("cash"), {"account_id": entry.id})
    assert refused(tuesday.load()) == {"cash": "FEED_GREW"}


def test_what_cannot_be_read_cannot_be_released(day):
    faults.falsify_total(day.path("cash"))
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        found = connection.scalars(select(delivery.c.delivery_id).where(delivery.c.kind == "cash")).one()
        with pytest.raises(DeliveryMissing, match="send a corrected file"):
            release_delivery(connection, FIRM, found, actor="dm1", reason="please")


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_get_a_version_only_when_they_change(day):
    day.load()
    before = count(day, "setting_version")
    tuesday = second_day(day)
    where = {"account_id": "A00002"}
    faults.set_field(tuesday.path("accounts"), where, "cash_target", "0.02")
    tuesday.load()
    with firm_transaction(day.engine, FIRM) as connection:
        rows = select(setting_version.c.key, setting_version.c.value["cash_target"].astext).where(
            setting_version.c.effective_from == tuesday.date, setting_version.c.entity == "account_settings"
        )
        assert connection.execute(rows).all() == [("A00002", "0.02")]
    # The direct index is published anew each day.
    assert count(day, "setting_version") == before + 2


@pytest.mark.covers("W-C2")
def test_of_an_account_that_stands_twice_the_last_row_counts(day):
    """A00002 comes again in another household, with a cash target of 7 %; nobody ever lived in the first one."""
    path = day.path("accounts")
    columns, *rows = csv.reader(path.read_text().splitlines()[1:-1])
    first = next(dict(zip(columns, row, strict=True)) for row in rows if row[columns.index("account_id")] == "A00002")
    faults.set_field(path, {"account_id": "A00002"}, "household_id", "H-BEFORE")
    faults.add_row(path, first | {"household_id": "H-AFTER", "cash_target": "0.07"})
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        assert (
            held_settings(connection, ACCOUNT_SETTINGS, day.date, newest_seq(connection), ["A00002"])["A00002"][
                "cash_target"
            ]
            == "0.07"
        )
        lives = connection.scalars(select(account.c.household_id).where(account.c.account_id == "A00002")).all()
        homes = connection.scalars(select(household.c.household_id).where(household.c.household_id.like("H-%"))).all()
        stated = connection.scalar(select(func.count()).where(account_fact.c.account_id == "A00002"))
    assert (lives, homes, stated) == (["H-AFTER"], ["H-AFTER"], 2)


def test_a_standing_suspension_ends_with_the_file_and_a_persons_does_not(day):
    faults.set_field(day.path("accounts"), {"account_id": "A00002"}, "suspension", "CLOSING")
    day.load()
    assert ("A00002", "STANDING", "CLOSING") in day.open_suspensions()
    tuesday = second_day(day)
    faults.set_field(tuesday.path("accounts"), {"account_id": "A00012"}, "suspension", "")
    tuesday.load()
    assert tuesday.open_suspensions() == [("A00012", "COMPLIANCE", "COMPLIANCE")]


def test_a_model_that_is_no_longer_delivered_is_followed_by_nobody(day):
    faults.remove_rows(day.path("models"), {"model_id": "OPEN_UMA"})
    day.load()
    day.judge()
    followers = day.followers("OPEN_UMA") - SPECIAL.keys()
    assert day.codes() == SPECIAL | dict.fromkeys(followers, "NO_MODEL")


def test_each_delivery_is_told_of_as_an_event(day):
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        told = connection.scalars(select(event.c.kind).where(event.c.kind.like("DELIVERY%"))).all()
    assert told == ["DELIVERY_LOADED"] * 13


def test_unreadable_rows_are_kept_with_line_field_value_and_reason(day):
    faults.set_field(day.path("accounts"), {"account_id": "A00002"}, "tracking", "VERY_TIGHT")
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        row = connection.execute(select(quarantined_row)).one()
        listed = connection.scalars(select(account_fact.c.account_id)).all()
    assert (row.line, row.field, row.value, row.code, row.account_id) == (
        4,
        "tracking",
        "VERY_TIGHT",
        "SETTINGS_INVALID",
        "A00002",
    )
    assert "A00002" not in listed
    assert len(listed) == 19
