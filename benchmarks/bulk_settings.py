"""A bulk change of settings over a whole book on a real PostgreSQL, for `benchmarks.programme`.

The book: accounts of 200 advisors in 20 programmes, following 20 models of 100 names out of 1,000. Their settings
differ in 10,000 ways, a tenth of them bar a name, and a fifth have a setting of their own on top.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.bulk_changes import bulk_change_of, keep, keep_members, preview, selected
from trimtab.db.bulk_decisions import approve, propose_undo
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.migrate import upgrade
from trimtab.db.profiles import PROFILE
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, MODEL, newest_seq
from trimtab.db.tables import account, account_facts, delivery, firm, household, run, security_fact, setting_version
from trimtab.domain.account_settings import AccountSettings, Restriction, RestrictionKind
from trimtab.domain.profile.bulk import ACCOUNTS, BulkChange
from trimtab.domain.profile.levels import stored
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.records import plain
from trimtab.domain.securities import SecurityId
from trimtab.embedded.postgres import PostgresAddress, start_postgres
from trimtab.embedded.supervisor import Supervisor

FIRM, ON = "bench", date(2026, 3, 2)
WAYS, PROGRAMMES, ADVISORS, NAMES = 10_000, 20, 200, 1_000
EVERYBODY = {"combinator": "and", "rules": [{"field": "account_value", "operator": ">", "value": 0}]}
SENTENCES = ("Keep 2 % in cash.", "Never trade S0500.")
_CHUNK = 10_000


def bulk_figures(accounts: int) -> dict[str, object]:
    """Wall-clock seconds of the preview, the apply and the undo, with processor seconds: ours and the database's."""
    with a_database() as engine:
        build(engine, accounts)
        figures: dict[str, object] = {"bulk_accounts": accounts}
        figures |= _timed("bulk_preview", lambda: _propose(engine))
        figures |= _timed("bulk_apply", lambda: _decide(engine))
        figures["bulk_versions"] = _versions(engine)
        _undo_proposed(engine)
        figures |= _timed("bulk_undo", lambda: _decide(engine))
        return figures


def _timed(name: str, work: Callable[[], None]) -> dict[str, float]:
    begun, spent, served = time.monotonic(), time.process_time(), server_seconds()
    work()
    return {
        f"{name}_seconds": round(time.monotonic() - begun, 2),
        f"{name}_own_processor_seconds": round(time.process_time() - spent, 2),
        f"{name}_database_processor_seconds": round(server_seconds() - served, 2),
    }


def server_seconds() -> float:
    """Processor seconds of this process's descendants: the database's processes."""
    stats = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (folder / "stat").read_text().rpartition(") ")
            fields = rest.split()
            stats[int(name.split()[0])] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    ours, total = {os.getpid()}, 0
    for pid, (parent, ticks) in sorted(stats.items()):  # a child's number is above its parent's
        if parent in ours:
            ours.add(pid)
            total += ticks
    return total / os.sysconf("SC_CLK_TCK")


@contextmanager
def a_server() -> Iterator[PostgresAddress]:
    """An embedded server with its ordinary, durable settings and a migrated database."""
    folder = Path(tempfile.mkdtemp(prefix="trimtab-bench-"))
    folder.chmod(0o711)
    try:
        with Supervisor(folder / "state") as supervisor:
            address = start_postgres(supervisor)
            upgrade(address.url("trimtab_owner"))
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_database() -> Iterator[Engine]:
    """The database of `a_server`, as the application sees it."""
    with a_server() as address:
        engine = sync_engine(address.url("trimtab_app"), statement_seconds=600)
        yield engine
        engine.dispose()


# --- the book ------------------------------------------------------------------------------------------------------


def build(engine: Engine, accounts: int) -> None:
    names = [f"A{number:06d}" for number in range(accounts)]
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="Bench"))
        connection.execute(insert(household).values(firm_id=FIRM, household_id="H"))
        begun = {"firm_id": FIRM, "run_id": "r1", "business_date": ON, "clock_mode": "stepped", "status": "OPEN"}
        connection.execute(insert(run).values(begun))
        _market(connection)
        settings = [plain(_settings(way)) for way in range(WAYS)]
        insert_rows(connection, account, [_account(name, number) for number, name in enumerate(names)])
        insert_rows(connection, account_facts, [_facts(name, number) for number, name in enumerate(names)])
        insert_rows(
            connection,
            setting_version,
            [_version(ACCOUNT_SETTINGS, name, settings[number % WAYS]) for number, name in enumerate(names)],
        )
        own = {
            "set": stored({"minimum_trade": LANGUAGE.parse("Make no trade below $500, unless it closes a position.")})
        }
        insert_rows(connection, setting_version, [_version(PROFILE, f"ACCOUNT:{name}", own) for name in names[::5]])


def insert_rows(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        connection.execute(insert(table), rows[start : start + _CHUNK])


def _account(name: str, number: int) -> dict[str, Any]:
    profile = {"programme": f"P{number % PROGRAMMES}", "model_id": f"M{number % PROGRAMMES}", "tier": "STANDARD"}
    owner = {"household_id": "H", "advisor_id": f"adv-{number % ADVISORS}"}
    return {"firm_id": FIRM, "account_id": name, **owner, "profile": profile}


def _facts(name: str, number: int) -> dict[str, Any]:
    measured = {"account_value": 250_000.0, "order_count": number % 3, "turnover": 0.04, "tax": 120.0}
    return {"firm_id": FIRM, "run_id": "r1", "account_id": name, **measured}


def _settings(way: int) -> AccountSettings:
    """One of the ways in which accounts differ: rates, cash, smallest trade, a barred name."""
    barred = (Restriction(RestrictionKind.NEVER_BUY, SecurityId(f"S{way % NAMES:04d}")),) if way % 10 == 0 else ()
    return AccountSettings(
        short_term_rate=Decimal(30 + way % 20) / 100,
        cash_target=Decimal(1 + way % 5) / 100,
        cash_reserve=Decimal(way),
        restrictions=barred,
    )


def _version(entity: str, key: str, value: Any) -> dict[str, Any]:
    return {"firm_id": FIRM, "entity": entity, "key": key, "effective_from": ON, "value": value, "actor": "bench"}


def _market(connection: Connection) -> None:
    """A security master of 1,000 names in ten classes, and 20 models of 100 of them."""
    master = {"firm_id": FIRM, "delivery_id": "d1"}
    arrived = {"kind": "securities", "business_date": ON, "file_name": "s.csv", "content_hash": "0" * 64}
    connection.execute(insert(delivery).values(**master, **arrived, row_count=NAMES, status="LOADED"))
    rows = [
        {
            **master,
            "line": number,
            "security_id": f"S{number:04d}",
            "symbol": f"S{number:04d}",
            "name": f"Security {number}",
            "kind": "STOCK",
            "asset_class": f"CLASS{number % 10}",
            "currency": "USD",
            "tradable": True,
            "whole_shares": True,
            "wash_group": f"S{number:04d}",
            "half_spread_bps": 1,
        }
        for number in range(NAMES)
    ]
    connection.execute(insert(security_fact), rows)
    for number in range(PROGRAMMES):
        weights = {f"S{(number * 37 + place) % NAMES:04d}": "0.01" for place in range(100)}
        model = {"id": f"M{number}", "version": 1, "effective_on": ON.isoformat(), "weights": weights}
        connection.execute(insert(setting_version).values(_version(MODEL, f"M{number}", {**model, "cash_weight": "0"})))


# --- what people do ------------------------------------------------------------------------------------------------


def _propose(engine: Engine) -> None:
    """Select by filter, preview, keep: what the mutation `proposeBulkChange` does in its transaction."""
    said = [LANGUAGE.parse(sentence) for sentence in SENTENCES]
    changes = {LANGUAGE.place(each): each for each in said}
    with firm_transaction(engine, FIRM) as connection:
        allow_long_statements(connection)
        members = selected(connection, EVERYBODY, None)
        change = BulkChange(
            change_id="c1",
            target=ACCOUNTS,
            filter=EVERYBODY,
            changes=changes,
            effective_from=ON,
            reason="a benchmark",
            proposed_by=("olga",),
            members=keep_members(connection, FIRM, members),
            known_seq=newest_seq(connection),
            preview=preview(connection, members, ACCOUNTS, changes, ON, ()),
        )
        keep(connection, FIRM, change, "olga", None)


def _decide(engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        found = bulk_change_of(connection, "c1")
        if found is None:
            raise LookupError("the change was not proposed")
        approve(connection, FIRM, *found, "carl", "agreed")


def _undo_proposed(engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        found = bulk_change_of(connection, "c1")
        if found is None:
            raise LookupError("the change was not proposed")
        propose_undo(connection, FIRM, *found, ("olga",), "a benchmark")


def _versions(engine: Engine) -> int:
    with firm_transaction(engine, FIRM) as connection:
        changed = setting_version.c.value["change"].astext == "c1"
        rows = select(func.count()).select_from(setting_version).where(setting_version.c.entity == PROFILE, changed)
        return int(connection.scalar(rows) or 0)
