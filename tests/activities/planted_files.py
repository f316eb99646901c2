"""Faults planted in a day's delivered files, alone or two at once, and what must follow for every account."""

import random
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.servers import SessionServer
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import account_day
from trimtab.demo import faults
from trimtab.domain.lifecycle import Stage

Concerned = dict[str, set[str]]
"""Account to the codes that it may be stopped with."""

SUFFERERS = ("A00002", "A00004", "A00005", "A00006", "A00007")
"""Accounts with nothing wrong about them, all of them taxable."""


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


def random_pair(rng: random.Random) -> list[tuple[str, str]]:
    """Two faults that do not both break the same row, each with the account that it is planted in."""
    while True:
        cases = rng.sample(sorted(PLANTS), 2)
        whose = rng.sample(SUFFERERS, 2)
        if not (set(cases) <= _ONE_PRICE or set(cases) <= _ONE_LOT):
            return list(zip(cases, whose, strict=True))


def hashes(day: FeedDay) -> dict[str, str | None]:
    """Each account's snapshot by its hash; None where it may not be analysed."""
    with firm_transaction(day.engine, FIRM) as connection:
        rows = connection.execute(select(account_day.c.account_id, account_day.c.snapshot_hash))
        return {row.account_id: row.snapshot_hash for row in rows}


def calm_hashes(day: FeedDay) -> dict[str, str | None]:
    """The night without a fault."""
    day.load()
    day.judge()
    assert day.codes() == SPECIAL
    return hashes(day)


def _peers(day: FeedDay, planted: list[tuple[str, str]]) -> set[str]:
    """The households of accounts whose lots are spoilt: their wash sale windows are made of those lots."""
    household = {entry.id: entry.account.household_id for entry in day.firm.accounts}
    spoilt = {household[who] for case, who in planted if case in _ONE_LOT}
    return {name for name, home in household.items() if home in spoilt}


def check_pair(day: FeedDay, planted: list[tuple[str, str]], calm: dict[str, str | None]) -> None:
    """Raises AssertionError when somebody concerned goes on, or when anybody else's snapshot differs by a byte."""
    concerned: Concerned = {}
    for case, who in planted:
        for name, codes in PLANTS[case](day, who).items():
            concerned.setdefault(name, set()).update(codes)
    day.load()
    day.judge()
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


def pairs_on_a_server(examples: int, seed: int) -> list[str]:
    """Plant so many random pairs, each in a database of its own; returns what failed."""
    from tests.conftest import FAST
    from trimtab.db.migrate import upgrade
    from trimtab.embedded.postgres import start_postgres
    from trimtab.embedded.supervisor import Supervisor

    folder, failures, rng = Path(tempfile.mkdtemp(prefix="trimtab-pairs-")), [], random.Random(seed)
    try:
        folder.chmod(0o711)
        with Supervisor(folder / "state") as supervisor:
            address = start_postgres(supervisor, FAST)
            server = SessionServer(address.superuser_url(), address, f"p{secrets.token_hex(3)}")
            template = server.create()
            upgrade(template.owner_url)
            server.freeze(template)
            calm = _on_a_copy(server, template.name, folder, calm_hashes)
            for _ in range(examples):
                planted = random_pair(rng)
                try:
                    _on_a_copy(server, template.name, folder, lambda day, pair=planted: check_pair(day, pair, calm))
                except AssertionError as broken:
                    failures.append(f"{planted}: {broken}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failures


def _on_a_copy(server: SessionServer, template: str, folder: Path, judge: Callable[[FeedDay], Any]) -> Any:
    database = server.create(template=template)
    engine = sync_engine(database.app_url, pool_size=1)
    drop = Path(tempfile.mkdtemp(dir=folder)) / "drop"
    try:
        return judge(FeedDay(engine, drop).found())
    finally:
        engine.dispose()
        server.drop(database.name)
        shutil.rmtree(drop.parent)
