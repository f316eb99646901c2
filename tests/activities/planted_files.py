"""Faults planted in a day's delivered files, and what must follow for every account."""

import random
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Engine, insert, select

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.servers import FreshDatabase, SessionServer
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import account_day, firm
from trimtab.demo import faults
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.lifecycle import Stage

Concerned = dict[str, set[str]]
"""Account to the codes that it may be stopped with."""

SUFFERERS = ("A00002", "A00004", "A00005", "A00007", "A00008")
"""Accounts with nothing wrong about them, all of them taxable (an IRA may come without lots)."""


def _row(day: FeedDay, who: str) -> dict[str, str]:
    held = next(each for each in day.firm.book.holdings if each.account_id == who)
    return {"account_id": who, "symbol": day.symbol(held.security_id)}


def _price(value: str, code: str) -> Callable[[FeedDay, str], Concerned]:
    def plant(day: FeedDay, who: str) -> Concerned:
        security_id, holders, _ = day.wanted_security()
        where = {"symbol": day.symbol(security_id)}
        faults.set_field(day.path("prices"), where, "close", value)
        return {holder: {code} for holder in holders}

    return plant


def _no_price(day: FeedDay, who: str) -> Concerned:
    """Only where no other fault has spoilt the price: one row can be removed once."""
    security_id, holders, _ = day.wanted_security()
    faults.remove_rows(day.path("prices"), {"symbol": day.symbol(security_id)})
    return {holder: {"PRICE_MISSING"} for holder in holders}


def _set(kind: str, column: str, value: str, *codes: str) -> Callable[[FeedDay, str], Concerned]:
    def plant(day: FeedDay, who: str) -> Concerned:
        where = _row(day, who) if kind == "positions" else {"account_id": who}
        faults.set_field(day.path(kind), where, column, value)
        return {who: set(codes)}

    return plant


def _lot(column: str, value: str, *codes: str) -> Callable[[FeedDay, str], Concerned]:
    def plant(day: FeedDay, who: str) -> Concerned:
        lot = next(each for each in day.firm.book.lots if each.account_id == who)
        faults.set_field(day.path("lots"), {"lot_id": lot.id}, column, value)
        return {who: set(codes)}

    return plant


def _no_lots(day: FeedDay, who: str) -> Concerned:
    faults.remove_rows(day.path("lots"), {"account_id": who})
    return {who: {"LOTS_MISSING"}}


def _no_cash(day: FeedDay, who: str) -> Concerned:
    faults.remove_rows(day.path("cash"), {"account_id": who})
    return {who: {"ACCOUNT_MISSING"}}


def _twice(day: FeedDay, who: str) -> Concerned:
    faults.repeat_rows(day.path("positions"), _row(day, who))
    return {who: {"DUP_ACCOUNT", "LOT_MISMATCH"}}


def _contradiction(day: FeedDay, who: str) -> Concerned:
    band = {"account_id": who, "rule": "BAND", "symbol": "GRY1", "minimum": "0.05", "maximum": "0.03"}
    faults.add_row(day.path("restrictions"), band)
    return {who: {"SETTINGS_INVALID"}}


PLANTS: dict[str, Callable[[FeedDay, str], Concerned]] = {
    "01 a price of zero": _price("0", "PRICE_ZERO"),
    "02 a negative price": _price("-3.50", "PRICE_NEG"),
    "03 no price": _no_price,
    "56 a position twice": _twice,
    "57 no cash row": _no_cash,
    "65 a short position": _set("positions", "quantity", "-7", "SHORT_POSITION", "LOT_MISMATCH"),
    "67 no lots": _no_lots,
    "68 no basis": _lot("cost", "", "BASIS_UNKNOWN"),
    "69 a lot of 1899": _lot("acquired_on", "1899-12-31", "LOT_DATE"),
    "69 a date that is none": _lot("acquired_on", "13.02.2024", "ROW_UNREADABLE"),
    "72 a wrong value": _set("positions", "market_value", "1000000.00", "VALUE_MISMATCH"),
    "77 negative cash": _set("cash", "settled", "-100000000.00", "CASH_NEGATIVE"),
    "92 at least 5 % and at most 3 %": _contradiction,
    "93 no model": _set("accounts", "model_id", "", "NO_MODEL"),
    "93 closed": _set("accounts", "standing", "CLOSED", "ACCOUNT_CLOSED"),
}

_ONE_PRICE = frozenset({"01 a price of zero", "02 a negative price", "03 no price"})
_ONE_LOT = frozenset({"67 no lots", "68 no basis", "69 a lot of 1899", "69 a date that is none"})


Planted = list[tuple[str, str]]
"""Faults, each with the account that it is planted in."""


def random_pair(rng: random.Random, whose: Sequence[str] = SUFFERERS) -> Planted:
    """Two faults that do not both break the same row, in two of the accounts."""
    while True:
        cases = rng.sample(sorted(PLANTS), 2)
        names = rng.sample(sorted(whose), 2)
        if not (set(cases) <= _ONE_PRICE or set(cases) <= _ONE_LOT):
            return list(zip(cases, names, strict=True))


def pairs_side_by_side(rng: random.Random) -> list[Planted]:
    """Two pairs for one night: no account is in both, and one price is broken at most once."""
    first = random_pair(rng)
    rest = set(SUFFERERS) - {who for _, who in first}
    while True:
        second = random_pair(rng, sorted(rest))
        if len([case for case, _ in first + second if case in _ONE_PRICE]) < 2:
            return [first, second]


def hashes(day: FeedDay) -> dict[str, str | None]:
    """Each account's snapshot by its hash; None where it may not be analysed."""
    with firm_transaction(day.engine, FIRM) as connection:
        rows = connection.execute(select(account_day.c.account_id, account_day.c.snapshot_hash))
        return {row.account_id: row.snapshot_hash for row in rows}


def calm_hashes(day: FeedDay) -> dict[str, str | None]:
    """The night without a fault."""
    taxable = {entry.id for entry in day.firm.accounts if entry.account.tax_status is TaxStatus.TAXABLE}
    assert set(SUFFERERS) <= taxable - SPECIAL.keys()
    day.load()
    day.judge_at_once()
    assert day.codes() == SPECIAL
    return hashes(day)


def _peers(day: FeedDay, planted: Planted) -> set[str]:
    """The households of accounts whose lots are spoilt: their wash sale windows are made of those lots."""
    household = {entry.id: entry.account.household_id for entry in day.firm.accounts}
    spoilt = {household[who] for case, who in planted if case in _ONE_LOT}
    return {name for name, home in household.items() if home in spoilt}


def check_faults(day: FeedDay, planted: Planted, calm: dict[str, str | None]) -> None:
    """Raises AssertionError when somebody concerned goes on, or when anybody else's snapshot differs by a byte."""
    concerned: Concerned = {}
    for case, who in planted:
        for name, codes in PLANTS[case](day, who).items():
            concerned.setdefault(name, set()).update(codes)
    day.load()
    day.judge_at_once()
    found, codes, peers = hashes(day), day.codes(), _peers(day, planted)
    for name, outcome in day.outcomes.items():
        if name in concerned:
            assert outcome.next is not Stage.ANALYZE, (name, planted)
            assert codes[name] in concerned[name], (name, codes[name], planted)
            assert found[name] is None, (name, planted)
        elif name not in peers:
            assert found[name] == calm[name], (name, planted)
    causes = day.alerts()
    assert len(causes) == len(set(causes)), planted  # each is told once


@dataclass(frozen=True, slots=True)
class Nights:
    """The same day night after night, on one database and one connection: each begins with nothing but its files."""

    engine: Engine
    database: FreshDatabase
    folder: Path
    tables: tuple[str, ...]  # that hold nothing when a database is new

    def next(self) -> FeedDay:
        """The firm's files as they were delivered, nothing loaded."""
        _empty(self.database, self.tables)
        with firm_transaction(self.engine, FIRM) as connection:
            connection.execute(insert(firm).values(firm_id=FIRM, name="Demo"))
        drop = self.folder / "drop"
        shutil.rmtree(drop, ignore_errors=True)
        shutil.copytree(self.folder / "delivered", drop)
        return FeedDay(self.engine, drop)


@contextmanager
def nights(server: SessionServer, template: str, folder: Path) -> Iterator[Nights]:
    """On a copy of the migrated database `template`; files lie in `folder`."""
    database = server.create(template=template)
    engine = sync_engine(database.app_url, pool_size=1)
    try:
        tables = _empty_tables(database)
        FeedDay(engine, folder / "delivered").found()
        yield Nights(engine, database, folder, tables)
    finally:
        engine.dispose()
        server.drop(database.name)


def _empty_tables(database: FreshDatabase) -> tuple[str, ...]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        holds = sql.SQL("SELECT EXISTS (SELECT FROM {})")
        return tuple(
            name for (name,) in names if connection.execute(holds.format(sql.Identifier(name))).fetchone() == (False,)
        )


def _empty(database: FreshDatabase, tables: tuple[str, ...]) -> None:
    several = sql.SQL(", ").join(map(sql.Identifier, tables))
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # what is never deleted says so by triggers
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(several))


def failed_pairs(several: Nights, examples: int, seed: int) -> list[str]:
    """Plants so many random pairs, two of them a night, and returns what failed."""
    calm, rng, failures = calm_hashes(several.next()), random.Random(seed), []
    pairs: list[Planted] = []
    while len(pairs) < examples:
        tonight = pairs_side_by_side(rng)[: examples - len(pairs)]
        pairs += tonight
        try:
            check_faults(several.next(), list(chain.from_iterable(tonight)), calm)
        except AssertionError as broken:
            failures.append(f"{tonight}: {broken}")
    return failures


def pairs_on_a_server(examples: int, seed: int) -> list[str]:
    """The same on a PostgreSQL of its own."""
    from tests.conftest import FAST
    from trimtab.db.migrate import upgrade
    from trimtab.embedded.postgres import start_postgres
    from trimtab.embedded.supervisor import Supervisor

    folder = Path(tempfile.mkdtemp(prefix="trimtab-pairs-"))
    try:
        folder.chmod(0o711)
        with Supervisor(folder / "state") as supervisor:
            address = start_postgres(supervisor, FAST)
            server = SessionServer(address.superuser_url(), address, f"p{secrets.token_hex(3)}")
            template = server.create()
            upgrade(template.owner_url)
            server.freeze(template)
            with nights(server, template.name, folder) as several:
                return failed_pairs(several, examples, seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
