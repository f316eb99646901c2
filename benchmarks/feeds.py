"""A night's two largest files, loaded, checked and published: `python -m benchmarks.feeds [--lots N] [--json]`.

Writes an accounts file and a lots file of a made-up firm into a drop folder and loads them as the night's run does,
into a PostgreSQL of its own. Beside it the bare COPY: the files' own rows, on one connection, into tables of text,
dates and numbers without any key or check. The load is run again without the foreign keys of the tables that it
writes, then also without their other keys, then also without their policies; what is left over the bare COPY are the
checks of every cell, and settings and accounts, which the bare COPY does not write. A second bare COPY, `of_written`,
is of every row that the load has written, accounts, households and settings among them.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import insert

from benchmarks.night_files import AS_OF, DAY, FIRM, write_files
from trimtab.activities.deliveries import load_deliveries
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.migrate import upgrade
from trimtab.db.tables import firm
from trimtab.embedded.postgres import start_postgres
from trimtab.embedded.supervisor import Supervisor

_WRITTEN = ("security_fact", "account_fact", "household", "account", "setting_version", "lot_fact")
_LOADS = ("whole", "without foreign keys", "without keys", "without keys and policies")


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds of wall-clock time of one load, and of processor time of this process and of PostgreSQL's backends.

    Processor time stands still while others have the machine: on a busy one its ratio is the one to look at.
    """

    seconds: float
    cpu_seconds: float
    backend_cpu_seconds: float

    @property
    def all_cpu(self) -> float:
        return self.cpu_seconds + self.backend_cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lots", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trimtab-bench-"))
    folder.chmod(0o711)
    try:
        found = measure(options.lots, options.accounts, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key:32} {value}")


def measure(lots: int, accounts: int, folder: Path) -> dict[str, Any]:
    """The figures, rounded."""
    console = Console(stderr=True)
    with (
        Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress,
        Supervisor(folder / "state") as supervisor,
    ):
        step = progress.add_task("writing the files", total=None)
        drop = folder / "drop"
        write_files(drop, lots, accounts)
        address = start_postgres(supervisor)
        superuser = address.superuser_url()
        progress.update(step, description=f"bare COPY of {lots} lots and {accounts} accounts")
        copied = bare_copy(superuser, drop)
        base_rss = _peak_mib()
        loads: dict[str, Figures] = {}
        for name in _LOADS:
            progress.update(step, description=f"load, {name}")
            loads[name] = load(address, superuser, drop, name)
            if name == "whole":
                peak = _peak_mib()
        progress.update(step, description="bare COPY of every row that a load has written")
        written = copy_of_written(address.superuser_url("bench_whole"), folder)
    runs = {"bare copy": copied, "bare copy of what was written": written, **loads}
    whole = loads["whole"]
    ratios = {}
    for name, each in loads.items():
        suffix = "" if name == "whole" else "_" + name.replace(" ", "_")
        ratios[f"ratio{suffix or '_to_copy'}"] = round(each.seconds / copied.seconds, 2)
        ratios[f"cpu_ratio{suffix or '_to_copy'}"] = round(each.all_cpu / copied.all_cpu, 2)
    return {
        "lots": lots,
        "accounts": accounts,
        "seconds": round(whole.seconds, 2),
        "copy_seconds": round(copied.seconds, 2),
        **ratios,
        **_of_written(written, loads),
        "seconds_of": _shares(copied.seconds, [loads[name].seconds for name in _LOADS]),
        "cpu_seconds_of": _shares(copied.all_cpu, [loads[name].all_cpu for name in _LOADS]),
        "peak_rss_mib": round(peak),
        "rss_before_mib": round(base_rss),
        "runs": {name: {key: round(value, 2) for key, value in asdict(each).items()} for name, each in runs.items()},
        "cores": len(os.sched_getaffinity(0)),
    }


def _of_written(written: Figures, loads: dict[str, Figures]) -> dict[str, float]:
    """The loads against a bare COPY of all that they write."""
    several = {"": loads["whole"], "_without_foreign_keys": loads["without foreign keys"]}
    ratios = {f"ratio_to_copy_of_written{name}": each.seconds / written.seconds for name, each in several.items()}
    ratios |= {f"cpu_ratio_to_copy_of_written{name}": each.all_cpu / written.all_cpu for name, each in several.items()}
    return {name: round(value, 2) for name, value in ratios.items()}


def _shares(copied: float, loads: list[float]) -> dict[str, float]:
    """What each safeguard costs, in seconds: how much faster the load is without it.

    Differences of single runs: of wall-clock time they may be below zero on a busy machine.
    """
    spent = [*loads, copied]
    names = ("foreign keys", "other keys", "policies", "checks, settings and accounts", "bare copy")
    saved = [slower - faster for slower, faster in pairwise([*spent, 0.0])]
    return {name: round(each, 2) for name, each in zip(names, saved, strict=True)}


def bare_copy(superuser: str, drop: Path) -> Figures:
    """COPY of both files' rows into tables of text, dates and numbers without any key."""
    tables = {
        "accounts": "a text, h text, ad text, p text, r text, m text, d boolean, s text, ap boolean, t text, tr text,"
        " ts text, ha text, sr numeric, lr numeric, ct numeric, cr numeric, mt numeric, co numeric, su text, sn text",
        "lots": "a text, s text, l text, q numeric, ac date, hs date, c numeric, w numeric, p text, co boolean",
    }
    spent = 0.0
    with psycopg.connect(superuser, autocommit=True) as connection:
        pid = connection.info.backend_pid
        ours, theirs = time.process_time(), _backend_cpu(pid)
        for kind, columns in tables.items():
            path = drop / FIRM / kind / f"{kind}-{DAY:%Y%m%d}.csv"
            connection.execute(f"CREATE TABLE bare_{kind} ({columns})")
            started = time.perf_counter()
            with connection.cursor() as cursor, cursor.copy(f"COPY bare_{kind} FROM STDIN (FORMAT csv)") as copy:
                for lines in _row_lines(path):
                    copy.write(lines)
            spent += time.perf_counter() - started
            connection.execute(f"DROP TABLE bare_{kind}")
        return Figures(spent, time.process_time() - ours, _backend_cpu(pid) - theirs)


def copy_of_written(database: str, folder: Path) -> Figures:
    """COPY of every row of the tables that a load writes into copies of them without any key."""
    spent = 0.0
    with psycopg.connect(database, autocommit=True) as connection:
        pid = connection.info.backend_pid
        ours = theirs = 0.0
        for table in _WRITTEN:
            text = folder / f"{table}.copy"
            with text.open("wb") as file, connection.cursor().copy(f"COPY {table} TO STDOUT") as out:
                file.writelines(out)
            connection.execute(f"CREATE TABLE bare_{table} (LIKE {table})")
            cpu, backend, started = time.process_time(), _backend_cpu(pid), time.perf_counter()
            with text.open("rb") as file, connection.cursor().copy(f"COPY bare_{table} FROM STDIN") as copy:
                while chunk := file.read(1 << 18):
                    copy.write(chunk)
            spent += time.perf_counter() - started
            ours, theirs = ours + time.process_time() - cpu, theirs + _backend_cpu(pid) - backend
            connection.execute(f"DROP TABLE bare_{table}")
            text.unlink()
    return Figures(spent, ours, theirs)


def _row_lines(path: Path) -> Iterator[bytes]:
    """The file's rows as they are written, some thousand lines at a time: a bare COPY looks at none of them."""
    with path.open("rb") as file:
        file.readline()
        file.readline()
        while chunk := file.read(1 << 18):
            yield (chunk + file.readline()).partition(b"#TRAILER")[0]


def load(address: Any, superuser: str, drop: Path, name: str) -> Figures:
    """One load into a database of its own, as the night's run loads."""
    database = "bench_" + name.replace(" ", "_")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database} OWNER trimtab_owner")
    urls = {role: address.url(f"trimtab_{role}", database) for role in ("owner", "app")}
    upgrade(urls["owner"])
    with psycopg.connect(address.superuser_url(database), autocommit=True) as connection:
        _strip(connection, name)
        engine = sync_engine(urls["app"], pool_size=2)
        with firm_transaction(engine, FIRM) as opened:
            opened.execute(insert(firm).values(firm_id=FIRM, name="Benchmark"))
        before, backends, started = time.process_time(), _cpu_of_backends(connection), time.perf_counter()
        loaded = load_deliveries(engine, FIRM, drop, DAY, as_of=AS_OF)
        spent = time.perf_counter() - started
        cpu, backend_cpu = time.process_time() - before, _cpu_of_backends(connection) - backends
        engine.dispose()
    refused = [file for file in loaded if file.reason_codes]
    if refused or len(loaded) != 3:
        sys.exit(f"a file was not loaded: {refused}")
    return Figures(spent, cpu, backend_cpu)


def _strip(connection: "psycopg.Connection[Any]", name: str) -> None:
    """Take away what the load of this name is without."""
    kinds = {"whole": "", "without foreign keys": "f"}.get(name, "fpu")
    for table in _WRITTEN:
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = ANY(%s)"
            # The upsert of accounts and households names their keys.
            " AND NOT (contype = 'p' AND conrelid::regclass::text IN ('account', 'household', 'setting_version'))"
            " ORDER BY contype",
            (table, list(kinds)),
        )
        for (constraint,) in found.fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE")
        if name.endswith("policies"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            connection.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _cpu_of_backends(connection: "psycopg.Connection[Any]") -> float:
    """Processor seconds so far of the application's connections to this database."""
    pids = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    return sum(_backend_cpu(pid) for (pid,) in pids.fetchall())


def _backend_cpu(pid: int) -> float:
    """Processor seconds of a backend of this machine so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
