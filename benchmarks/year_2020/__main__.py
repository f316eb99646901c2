"""Three ways through the real days of 2020, same accounts, same prices: docs/comparison-2020.md tells what is assumed.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.year_2020 --data FOLDER [--accounts 50] [--schedule monthly]
    [--tracking TIGHT] [--json]
"""

import argparse
import copy
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.year_2020.accounts import SIZES, Profile, opening_books, profiles
from benchmarks.year_2020.books import Order
from benchmarks.year_2020.market import Year
from benchmarks.year_2020.methods import METHODS
from benchmarks.year_2020.simulation import AccountYear, Result
from trimtab.domain.account_settings import Tracking

SCHEDULES = ("monthly", "daily")


@dataclass(frozen=True, slots=True)
class Run:
    """One method on one schedule, over all accounts."""

    method: str
    schedule: str
    seconds: float  # of processor time
    results: tuple[Result, ...]


def simulate(year: Year, accounts: tuple[Profile, ...], schedules: tuple[str, ...], sessions: int | None) -> list[Run]:
    """Every account by every method on every schedule, day by day side by side."""
    opening = {profile.number: opening_books(year, profile) for profile in accounts}
    lives = {
        (method, schedule): [AccountYear(year, each, copy.deepcopy(opening[each.number])) for each in accounts]
        for method in METHODS
        for schedule in schedules
    }
    spent = dict.fromkeys(lives, 0.0)
    risk = year.risk_model(year.real.previous_session(year.sessions[0]))
    for session in year.sessions[:sessions]:
        eve = year.real.previous_session(session)
        if eve.month != session.month:
            risk = year.risk_model(eve)
        day = year.day(session, risk)
        for (method, schedule), group in lives.items():
            started = time.process_time()
            for life in group:
                life.begin(day)
            orders: list[list[Order]] = [[] for _ in group]
            if schedule == "daily" or day.starts_month:
                orders = METHODS[method](year, day, [life.account for life in group])
            for life, own in zip(group, orders, strict=True):
                life.end(day, own)
            spent[method, schedule] += time.process_time() - started
        if eve.month != session.month:
            print(f"{session}: {sum(spent.values()):.0f} s", file=sys.stderr, flush=True)
    return [
        Run(method, schedule, spent[method, schedule], tuple(life.result(day) for life in group))
        for (method, schedule), group in lives.items()
    ]


def summary(run: Run, base: Run) -> dict[str, object]:
    """Means over accounts; bp are of each account's own average value. `base` is the tax-blind run of the schedule."""

    def bp(name: str) -> float:
        return round(float(np.mean([getattr(each, name) / each.average_value for each in run.results])) * 1e4, 1)

    def mean(name: str, scale: float) -> float:
        return round(float(np.mean([getattr(each, name) for each in run.results])) * scale, 1)

    def less_than_base(name: str) -> float:
        pairs = zip(run.results, base.results, strict=True)
        less = [(getattr(other, name) - getattr(each, name)) / other.average_value for each, other in pairs]
        return round(float(np.mean(less)) * 1e4, 1)

    return {
        "method": run.method,
        "schedule": run.schedule,
        "accounts": len(run.results),
        "tax_bp": bp("tax"),
        "tax_dollars": round(sum(each.tax for each in run.results)),
        "tax_paid_dollars": round(sum(max(each.tax, 0.0) for each in run.results)),
        "tax_alone_bp": bp("tax_alone"),
        "tax_alone_dollars": round(sum(each.tax_alone for each in run.results)),
        "short_term_gain_bp": bp("short_term_gain"),
        "long_term_gain_bp": bp("long_term_gain"),
        "tax_saved_bp": less_than_base("tax"),
        "owed_if_sold_bp": -less_than_base("tax_if_sold"),
        "owed_if_sold_later_bp": -less_than_base("tax_if_sold_later"),
        "washed_bp": bp("washed"),
        "realised_te_bp": mean("realised_tracking_error", 1e4),
        "expected_te_bp": mean("expected_tracking_error", 1e4),
        "turnover_percent": mean("turnover", 100),
        "cost_bp": bp("cost"),
        "orders": mean("orders", 1),
        "active_return_bp": mean("active_return", 1e4),
        "lowest_cash_bp": round(min(each.lowest_cash for each in run.results) * 1e4, 1),
        "seconds": round(run.seconds, 1),
    }


COLUMNS = {
    "method": "method",
    "schedule": "schedule",
    "tax_bp": "tax bp",
    "tax_alone_bp": "tax alone bp",
    "tax_saved_bp": "saved bp",
    "owed_if_sold_bp": "owed if sold bp",
    "owed_if_sold_later_bp": "owed if sold later bp",
    "short_term_gain_bp": "ST gain bp",
    "long_term_gain_bp": "LT gain bp",
    "washed_bp": "washed bp",
    "realised_te_bp": "TE realised bp",
    "expected_te_bp": "TE ex ante bp",
    "turnover_percent": "turnover %",
    "cost_bp": "cost bp",
    "orders": "orders",
    "active_return_bp": "active return bp",
}


def table(rows: list[dict[str, object]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(str(row[each]) for each in COLUMNS) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the directory of market data")
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--schedule", choices=SCHEDULES, help="only this schedule")
    parser.add_argument("--tracking", choices=list(Tracking), help="every account's, instead of its own")
    parser.add_argument("--sessions", type=int, help="only the first sessions of the year")
    parser.add_argument("--json", action="store_true", help="a list of objects, with every account's result")
    arguments = parser.parse_args()
    schedules = (arguments.schedule,) if arguments.schedule else SCHEDULES
    year = Year(arguments.data, SIZES)
    accounts = profiles(arguments.accounts)
    if arguments.tracking:
        accounts = tuple(each.with_tracking(Tracking(arguments.tracking)) for each in accounts)
    runs = simulate(year, accounts, schedules, arguments.sessions)
    base = {run.schedule: run for run in runs if run.method == "tax-blind FIFO"}
    rows = [summary(run, base[run.schedule]) for run in runs]
    if arguments.json:
        each = [
            {**row, "results": [asdict(result) for result in run.results]} for row, run in zip(rows, runs, strict=True)
        ]
        print(json.dumps(each, indent=1))
        return
    print(table(rows))


if __name__ == "__main__":
    main()
