"""A file of each form, dropped where its source says, becomes the same facts as trimtab's own CSV."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.activities.feed_day import FIRM, FeedDay
from tests.feeds import forms
from tests.servers import FreshDatabase, SessionServer
from trimtab.activities.deliveries import LoadedFile, awaited, load_deliveries
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import metadata
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import FirmSources, load_sources

FACTS = {
    "positions": "position_fact",
    "lots": "lot_fact",
    "cash": "cash_fact",
    "sales": "sale_fact",
    "transactions": "transaction_fact",
    "prices": "price_fact",
    "risk_covariance": "risk_covariance_fact",
    "risk_exposures": "risk_exposure_fact",
    "corporate_actions": "corporate_action_fact",
}


@pytest.fixture(scope="module")
def day(postgres: SessionServer, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedDay]:
    """Every file of the day is loaded in trimtab's own form; the forms then come as other files of the same day."""
    database: FreshDatabase = postgres.create(template=migrated)
    engine = sync_engine(database.app_url, pool_size=1)
    loaded = FeedDay(engine, tmp_path_factory.mktemp("forms") / "drop").found()
    loaded.load()
    yield loaded
    engine.dispose()
    postgres.drop(database.name)


def facts(day: FeedDay, kind: str, *without: str) -> list[tuple[object, ...]]:
    """The rows that count of the kind, without what depends on the file: line, and how it names the security."""
    table = metadata.tables[FACTS[kind]]
    left_out = {"firm_id", "delivery_id", "line", "security_key", *without}
    columns = [column for column in table.columns if column.name not in left_out]
    with firm_transaction(day.engine, FIRM) as connection:
        newest = loaded_delivery(connection, kind, day.date)
        assert newest is not None
        rows = connection.execute(select(*columns).where(table.c.delivery_id == newest.delivery_id))
        return sorted((tuple(row) for row in rows), key=str)


def sources_of(day: FeedDay, text: str) -> FirmSources:
    path = day.drop.parent / "sources.yaml"
    path.write_text(f"{FIRM}: [{text}]", encoding="utf-8")
    return load_sources(path).of(FIRM)


def load(day: FeedDay, sources: FirmSources) -> list[LoadedFile]:
    return load_deliveries(day.engine, FIRM, day.drop, day.date, as_of=day.firm.as_of, sources=sources)


def drop(day: FeedDay, folder: str, name: str, content: str | bytes) -> Path:
    place = day.drop / FIRM / folder
    place.mkdir(exist_ok=True)
    path = place / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def drop_set(day: FeedDay, folder: str, kind: str, contents: dict[str, str]) -> None:
    paths = [drop(day, folder, name, content) for name, content in contents.items()]
    marker = "".join(forms.sha256_line(path) for path in paths)
    drop(day, folder, f"{kind}-{day.date:%Y%m%d}.done", marker)


def one(day: FeedDay, folder: str, name: str, content: str | bytes) -> None:
    drop(day, folder, name, content)
    drop(day, folder, name + ".done", "")


def rows(day: FeedDay, kind: str) -> forms.Rows:
    return forms.rows_of(day.path(kind))


def known(day: FeedDay, kind: str) -> forms.Rows:
    """Rows whose security has a CUSIP and a ticker, as a custodian's file needs them."""
    return [row for row in rows(day, kind) if row["cusip"] and row["symbol"]]


def taken_instead(day: FeedDay, text: str, kind: str, write: Callable[[], None]) -> None:
    """The file is another one of a day that is loaded: a data manager picks it."""
    sources = sources_of(day, text)
    write()
    (first,) = [file for file in load(day, sources) if file.kind == kind]
    assert first.reason_codes == ("FEED_CHANGED",)
    day.release(kind)
    (second,) = [file for file in load(day, sources) if file.kind == kind]
    assert (second.status, second.message) == ("LOADED", "")


STAMP = "20261120"

SCHWAB = "{name: SCHWAB, kinds: [positions], form: layout, layout: schwab-positions, folder: schwab}"
GAINS = (
    "{name: SCHWAB, kinds: [sales], form: layout, layout: schwab-realized-gains, folder: gains,"
    " file: 'rg-{date}-*.csv'}"
)
FIXED = "{name: OLD, kinds: [lots], form: layout, layout: fixed-width-lots, folder: fixed, file: 'lots-{date}.txt'}"
TRANSACTIONS = (
    "{name: SCHWAB, kinds: [transactions], form: layout, layout: schwab-transactions, folder: tx,"
    " file: 'tx-{date}-*.csv'}"
)
SEMT = "{name: ISO, kinds: [positions], form: semt.002, folder: iso, file: 'semt-{date}-*.xml'}"
OFX = "{name: BANK, kinds: [positions, cash, sales], form: ofx, folder: ofx, file: 'all-{date}.ofx'}"
FLEX = (
    "{name: IBKR, kinds: [positions, lots, cash, sales], form: ibkr-flex, folder: flex, file: 'flex-{date}.xml',"
    " constants: {covered: 'true'}}"
)
SEEV = "{name: DTC, kinds: [corporate_actions], form: seev.031, folder: seev, file: 'seev-{date}-*.xml'}"
MT = "{name: DTC, kinds: [corporate_actions], form: mt564, folder: mt, file: 'mt-{date}.txt'}"
PARQUET = "{name: VENDOR, kinds: [prices, risk_covariance, risk_exposures], form: parquet}"


def test_a_delimited_layout(day):
    held = known(day, "positions")
    before = facts(day, "positions")
    assert len(held) == len(before)
    text = forms.schwab_positions(held, day.firm.as_of)
    taken_instead(day, SCHWAB, "positions", lambda: one(day, "schwab", f"positions-{STAMP}.csv", text))
    assert facts(day, "positions") == before


def test_a_set_of_files_one_for_each_account(day):
    sold = known(day, "sales")
    before = facts(day, "sales")
    files = {
        f"rg-{STAMP}-{account}.csv": forms.realized_gains(account, several, day.firm.as_of)
        for account, several in forms.by_account(sold)
    }
    taken_instead(day, GAINS, "sales", lambda: drop_set(day, "gains", "sales", files))
    assert facts(day, "sales") == before


def test_a_layout_of_fixed_width_with_its_trailer(day):
    lots = [row for row in known(day, "lots") if row["cost"] and len(row["cost"].partition(".")[2]) <= 2]
    assert len(lots) > 50
    text = forms.fixed_lots(lots, day.firm.as_of)
    taken_instead(day, FIXED, "lots", lambda: one(day, "fixed", f"lots-{STAMP}.txt", text))
    kept = facts(day, "lots", "holding_start", "wash_adjustment", "purchase_id")
    assert len(kept) == len(lots)
    assert {row[2] for row in kept} == {row["lot_id"] for row in lots}
    assert sum(row[5] for row in kept) == sum(Decimal(row["cost"]) for row in lots)


def test_transactions_that_no_run_waits_for_are_kept_with_their_securities(day):
    symbol = next(row["symbol"] for row in known(day, "positions") if row["account_id"] == "A00001")
    columns = ["Date", "Action", "Symbol", "Description", "Quantity", "Price", "Fees & Comm", "Amount"]
    sold = ["11/18/2026", "Sell", symbol, "X", "4", "$96.00", "$0.01", "$383.99"]
    wired = ["11/18/2026", "Wire", "", "", "", "", "", "$5.00"]
    text = forms.csv_of([columns, sold, wired])
    sources = sources_of(day, TRANSACTIONS)
    drop_set(day, "tx", "transactions", {f"tx-{STAMP}-A00001.csv": text})
    (file,) = [each for each in load(day, sources) if each.kind == "transactions"]
    assert (file.status, file.rows) == ("LOADED", 2)
    found = {row[3]: row for row in facts(day, "transactions")}  # account, security, day, action ... amount
    assert (found["SELL"][0], found["SELL"][1] is None, str(found["SELL"][-1])) == ("A00001", False, "383.99")
    assert (found["Wire"][1], str(found["Wire"][-1])) == (None, "5.00")
    with firm_transaction(day.engine, FIRM) as connection:
        assert "transactions" not in awaited(connection, day.date)


def test_semt002_one_statement_for_each_account(day):
    held = known(day, "positions")
    files = {
        f"semt-{STAMP}-{account}.xml": forms.semt002(account, several, day.firm.as_of)
        for account, several in forms.by_account(held)
    }
    taken_instead(day, SEMT, "positions", lambda: drop_set(day, "iso", "positions", files))
    assert {(row[0], row[2], row[3]) for row in facts(day, "positions")} == {
        (row["account_id"], Decimal(row["quantity"]), Decimal(row["market_value"])) for row in held
    }


def test_ofx_gives_positions_cash_and_sales_from_one_file(day):
    held, sold, cash = known(day, "positions"), known(day, "sales"), rows(day, "cash")
    sales_before = facts(day, "sales")
    sources = sources_of(day, OFX)
    one(day, "ofx", f"all-{STAMP}.ofx", forms.ofx(held, cash, sold, day.firm.as_of))
    refused = {file.kind: file.reason_codes for file in load(day, sources)}
    assert refused == dict.fromkeys(("positions", "cash", "sales"), ("FEED_CHANGED",))
    for kind in ("positions", "cash", "sales"):
        day.release(kind)
    assert {file.status for file in load(day, sources)} == {"LOADED"}
    assert facts(day, "sales") == sales_before
    assert len(facts(day, "positions")) == len(held)
    assert [row[:2] for row in facts(day, "cash")] == sorted(
        (row["account_id"], Decimal(row["settled"])) for row in cash
    )


def test_flex_gives_positions_lots_cash_and_sales(day):
    held, sold, cash = known(day, "positions"), known(day, "sales"), rows(day, "cash")
    lots = [row for row in known(day, "lots") if row["cost"]]
    sources = sources_of(day, FLEX)
    one(day, "flex", f"flex-{STAMP}.xml", forms.flex(held, lots, cash, sold, day.firm.as_of))
    load(day, sources)
    for kind in ("positions", "lots", "cash", "sales"):
        day.release(kind)
    assert {(file.kind, file.status) for file in load(day, sources)} == {
        (kind, "LOADED") for kind in (FeedKind.POSITIONS, FeedKind.LOTS, FeedKind.CASH, FeedKind.SALES)
    }
    assert len(facts(day, "lots")) == len(lots)
    tacked = {row["lot_id"]: row["holding_start"] for row in lots if row["holding_start"]}
    assert {row[2]: str(row[5]) for row in facts(day, "lots") if row[5] is not None} == tacked
    assert [str(row[2]) for row in facts(day, "cash")] == [
        f"{Decimal(row['unsettled']):.2f}" for row in sorted(cash, key=lambda r: r["account_id"])
    ]


@pytest.mark.parametrize("kind", ["prices", "risk_exposures", "risk_covariance"])
def test_parquet(day, kind):
    before, given = facts(day, kind), rows(day, kind)
    numbers = set(given[0]) - {"security_id", "symbol", "cusip", "as_of", "currency", "factor"}
    path = day.drop / FIRM / kind / f"{kind}-{STAMP}.parquet"

    def write() -> None:
        forms.write_parquet(path, given, day.firm.as_of, numbers)
        path.with_name(path.name + ".done").touch()

    taken_instead(day, PARQUET, kind, write)
    assert facts(day, kind) == before


@pytest.mark.parametrize("form", ["seev.031", "mt564"])
def test_notifications_of_splits(day, form):
    """Four for one is told as "three additional" in one message and as "four new for one" in the others."""
    isins = {one.symbol: one.isin for one in day.firm.securities if one.isin}
    symbols = list(isins)[:2]
    events = [
        {"event_id": f"E-{form}-{n}", "kind": "SPLF", "ex_on": STAMP_DATE, "new_shares": "4", "old_shares": "1"}
        for n in range(2)
    ]
    named = [isins[symbol] for symbol in symbols]
    if form == "mt564":
        text = "".join(forms.mt564(event, isin) for event, isin in zip(events, named, strict=True))
        taken_instead(day, MT, "corporate_actions", lambda: one(day, "mt", f"mt-{STAMP}.txt", text))
    else:
        files = {
            f"seev-{STAMP}-{n}.xml": forms.seev031(event, isin, additional=bool(n))
            for n, (event, isin) in enumerate(zip(events, named, strict=True))
        }
        taken_instead(day, SEEV, "corporate_actions", lambda: drop_set(day, "seev", "corporate_actions", files))
    found = facts(day, "corporate_actions")
    assert [row[0] for row in found] == [f"E-{form}-0", f"E-{form}-1"]
    assert {(row[2], row[5], row[6]) for row in found} == {("SPLF", 4, 1)}
    assert all(row[3] for row in found)


STAMP_DATE = "2026-11-20"
