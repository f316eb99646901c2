"""Real corporate actions by hand: `python -m benchmarks.corporate_actions --data DIR [--json]`.

`events`: the curated real events applied to synthetic lots; counts by kind of what was applied with every cent of
basis conserved and holding dates right, and of what waits and for what.
`replay`: the real closes from 2019-01 to 2021-04 day by day, one vendor's actions, the curated events as
confirmation, a second price feed as second source; every suspension with its cause.
"""

import argparse
import csv
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from benchmarks.real_events import apply_real_events, read_real_events
from trimtab.domain.corporate_actions import ActionKind, exact_ratio
from trimtab.domain.corporate_actions_doubts import (
    Doubt,
    SecondSource,
    VendorAction,
    action_doubts,
    closes_move,
    confirmed,
    move_doubt,
)
from trimtab.domain.securities import SecurityId

FIRST, LAST = "2019-01-01", "2021-04-30"
ACTIONS = "us_actions_2010_2021_mit.csv"
CLOSES = "us_close_raw_2010_2021_mit.csv.gz"
SECOND_ACTIONS = "us_actions_2015_2024.csv"
SECOND_CLOSES = "us_close_raw_2015_2024.csv.gz"
EVENTS = "real_events_to_2021.csv"

Day = dict[str, Decimal]
Key = tuple[SecurityId, date]


@dataclass(slots=True)
class Replay:
    """What the days brought. A suspension is (date, symbol, cause, how it stands at cut-off)."""

    days: int = 0
    suspensions: list[tuple[str, str, str, str]] = field(default_factory=list)
    applied: Counter[str] = field(default_factory=Counter)
    booked: set[tuple[str, str]] = field(
        default_factory=set
    )  # (date, symbol) of actions applied as the vendor has them

    def suspend(self, day: str, symbol: str, cause: str, state: str) -> None:
        self.suspensions.append((day, symbol, cause, state))


def closes_by_day(path: Path, first: str) -> Iterator[tuple[str, Day]]:
    """(date, closes by symbol) of a wide gzipped table from `first` to LAST, and the session before `first`."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        symbols = next(rows)[1:]
        before: list[str] = []
        for row in rows:
            if row[0] < first:
                before = row
                continue
            if before:
                yield before[0], _day(symbols, before)
                before = []
            if row[0] > LAST:
                return
            yield row[0], _day(symbols, row)


def _day(symbols: list[str], row: list[str]) -> Day:
    return {symbol: Decimal(cell) for symbol, cell in zip(symbols, row[1:], strict=True) if cell}


def vendor_actions(path: Path, first: str = FIRST, last: str = LAST) -> dict[Key, VendorAction]:
    """One action for each security and day, split and dividend together."""
    found: dict[Key, VendorAction] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if not first <= row["date"] <= last:
                continue
            key = (SecurityId(row["ticker"]), date.fromisoformat(row["date"]))
            known = found.get(key, VendorAction(*key))
            value = Decimal(row["value"])
            if row["type"] == "SPLIT":
                found[key] = VendorAction(*key, exact_ratio(value, Decimal(1)), known.dividend)
            else:
                found[key] = VendorAction(*key, known.ratio, value + (known.dividend or 0))
    return found


def replay(data: Path) -> Replay:
    """Day by day: doubtful actions, then moves of closes that no action explains."""
    prices = data / "prices"
    actions = vendor_actions(prices / ACTIONS)
    second = dict(closes_by_day(prices / SECOND_CLOSES, FIRST))
    second_actions = vendor_actions(prices / SECOND_ACTIONS)
    known = confirmations(data)
    result = Replay()
    before: Day = {}
    day_before = ""
    for day, closes in closes_by_day(prices / CLOSES, FIRST):
        if before:
            result.days += 1
            for symbol, close_before in before.items():
                if symbol not in closes:
                    result.suspend(day, symbol, "PRICE_MISSING", "open")
                    continue
                key = (SecurityId(symbol), date.fromisoformat(day))
                other = _second(symbol, second.get(day_before, {}), second.get(day, {}), second_actions.get(key))
                _judge(result, actions.get(key, VendorAction(*key)), (close_before, closes[symbol]), other, known)
        before, day_before = closes, day
    return result


def _second(symbol: str, before: Day, today: Day, action: VendorAction | None) -> SecondSource | None:
    if symbol not in before or symbol not in today:
        return None
    return SecondSource(before[symbol], today[symbol], action is not None and action.ratio is not None)


def _judge(
    result: Replay,
    action: VendorAction,
    move: tuple[Decimal, Decimal],
    second: SecondSource | None,
    known: Mapping[Key, list[ActionKind]],
) -> None:
    before, close = move
    day, symbol = action.ex_on.isoformat(), action.security_id
    doubts = action_doubts(action, before)
    for doubt in doubts:
        kinds = known.get((action.security_id, action.ex_on), [])
        result.suspend(day, symbol, doubt, f"confirmed: {' '.join(kinds)}" if confirmed(doubt, kinds) else "open")
    if doubts:
        return  # suspended for it: its move is the event's
    if action.ratio is not None or action.dividend is not None:
        result.applied["split" if action.ratio is not None else "dividend"] += 1
        result.booked.add((day, symbol))
    doubt = move_doubt(before, close, action.ratio or Fraction(1), action.dividend or Decimal(0))
    if doubt is None:
        return
    kinds = known.get((action.security_id, action.ex_on), [])
    if confirmed(doubt, kinds):
        state = f"confirmed: {' '.join(kinds)}"
    else:
        state = "closed by the second source" if closes_move(before, close, second) else "open"
    result.suspend(day, symbol, doubt, state)


def confirmations(data: Path) -> dict[Key, list[ActionKind]]:
    """Kinds of the curated events by security and day, under the security's old ticker and the one after its rename."""
    rows = read_real_events(data / "corporate_actions" / EVENTS)
    renames = {row["old_ticker"]: row["new_ticker"] for row in rows if row["caev"] in ("CHAN", "SPLR")}
    known: dict[Key, list[ActionKind]] = {}
    for row in rows:
        for ticker in {row["old_ticker"], renames.get(row["old_ticker"], row["old_ticker"])}:
            key = (SecurityId(ticker), date.fromisoformat(row["effective_date"]))
            known.setdefault(key, []).append(ActionKind(row["caev"]))
    return known


def vendor_counts(data: Path) -> dict[str, int]:
    """Doubtful actions of the vendor's whole span, 2010 to 2021, each against the close before."""
    actions = vendor_actions(data / "prices" / ACTIONS, "2010-01-01")
    counts: Counter[str] = Counter()
    before: Day = {}
    by_day: dict[str, list[VendorAction]] = {}
    for action in actions.values():
        by_day.setdefault(action.ex_on.isoformat(), []).append(action)
    for day, closes in closes_by_day(data / "prices" / CLOSES, "2010-01-01"):
        for action in by_day.get(day, ()):
            if action.security_id in before:
                counts.update(str(doubt) for doubt in action_doubts(action, before[action.security_id]))
        before = {**before, **closes}
    return dict(counts)


def report(data: Path) -> dict[str, object]:
    """The figures, ready for JSON."""
    started = time.process_time()
    events = apply_real_events(data / "corporate_actions" / EVENTS)
    result = replay(data)
    moves = [each for each in result.suspensions if each[2] in (Doubt.PRICE_SPIKE, Doubt.SPLIT_SUSPECTED)]
    still_open = [each[:3] for each in moves if each[3] == "open"]
    doubtful = [each for each in result.suspensions if each[2] in (Doubt.ODD_RATIO, Doubt.LARGE_DIVIDEND)]
    return {
        "events": events,
        "replay": {
            "days": result.days,
            "suspensions": len(result.suspensions),
            "by_cause": dict(Counter(each[2] for each in result.suspensions)),
            "unexplained": sum(1 for each in result.suspensions if not each[2]),
            "move_exceptions": len(moves),
            "move_exceptions_open_at_cut_off": len(still_open),
            "move_exceptions_open": still_open,
            "doubtful_actions": len(doubtful),
            "doubtful_actions_confirmed": sum(1 for each in doubtful if each[3] != "open"),
            "doubtful_actions_applied_without_confirmation": len(
                {(each[0], each[1]) for each in doubtful} & result.booked
            ),
            "applied": dict(result.applied),
            "list": result.suspensions,
        },
        "vendor_2010_2021": vendor_counts(data),
        "processor_seconds": round(time.process_time() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the directory of real data")
    parser.add_argument("--json", action="store_true", help="everything as one JSON object")
    options = parser.parse_args()
    figures = report(options.data)
    if options.json:
        print(json.dumps(figures, indent=1, default=str))
        return
    for name, value in figures.items():
        print(name, json.dumps(value, indent=1, default=str))


if __name__ == "__main__":
    main()
