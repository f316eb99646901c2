"""Real corporate actions by hand: `python -m benchmarks.corporate_actions --data DIR [--json]`.

`events`: the curated real events applied to synthetic lots; counts by kind of what was applied with every cent of
basis conserved and holding dates right, and of what waits and for what.
`replay`: the real closes from 2019-01 to 2021-04 day by day through the night's own rules, with one vendor's actions
and the curated events; a second price feed stands for the custodian's own value and shares. Every suspension with its
cause.
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
from trimtab.domain.corporate_actions import (
    ActionKind,
    CorporateAction,
    effective_splits,
    exact_ratio,
    is_small_rational,
    split_price,
)
from trimtab.domain.data_codes import DataCode
from trimtab.domain.price_checks import PriceStatus
from trimtab.domain.price_moves import CustodianView, Evidence, PastDay, is_closed, suspicion
from trimtab.domain.securities import SecurityId

FIRST, LAST = "2019-01-01", "2021-04-30"
ACTIONS = "us_actions_2010_2021_mit.csv"
CLOSES = "us_close_raw_2010_2021_mit.csv.gz"
SECOND_ACTIONS = "us_actions_2015_2024.csv"
SECOND_CLOSES = "us_close_raw_2015_2024.csv.gz"
EVENTS = "real_events_to_2021.csv"

Day = dict[str, Decimal]
Key = tuple[SecurityId, date]
JUDGED_BY_PRICES = (ActionKind.SPLF, ActionKind.SPLR, ActionKind.DVCA)
"""Other events move closes by themselves: the night asks nothing about a move of their day."""


@dataclass(frozen=True, slots=True)
class VendorAction:
    """What a price vendor's feed says of one security and day."""

    security_id: SecurityId
    ex_on: date
    ratio: Fraction | None = None  # new shares per old
    dividend: Decimal = Decimal(0)  # dollars a share

    @property
    def split(self) -> CorporateAction:
        kind = ActionKind.SPLF if self.ratio is None or self.ratio > 1 else ActionKind.SPLR
        return CorporateAction(f"{self.security_id}-{self.ex_on}", 1, kind, self.security_id, self.ex_on, self.ratio)


@dataclass(slots=True)
class Replay:
    """What the days brought. A suspension is (date, symbol, cause, how it stands at cut-off)."""

    days: int = 0
    suspensions: list[tuple[str, str, str, str]] = field(default_factory=list)
    applied: Counter[str] = field(default_factory=Counter)

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
                found[key] = VendorAction(*key, known.ratio, value + known.dividend)
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


def _second(symbol: str, before: Day, today: Day, action: VendorAction | None) -> CustodianView | None:
    """The second feed's close, with its split as the change of shares that a custodian's file would show."""
    if symbol not in before or symbol not in today:
        return None
    ratio = Fraction(1) if action is None or action.ratio is None else action.ratio
    return CustodianView(today[symbol], Decimal(ratio.numerator) / ratio.denominator)


def _judge(
    result: Replay,
    action: VendorAction,
    closes: tuple[Decimal, Decimal],
    second: CustodianView | None,
    known: Mapping[Key, list[ActionKind]],
) -> None:
    before, close = closes
    day, symbol = action.ex_on.isoformat(), action.security_id
    kinds = known.get((action.security_id, action.ex_on), [])
    told = " ".join(kind for kind in kinds if kind is not ActionKind.CHAN)
    if action.ratio is not None:
        if effective_splits([action.split], action.ex_on).doubtful:
            state = f"an event to enter: {told}" if told else "open"
            result.suspend(day, symbol, DataCode.CA_UNSYNCED, state)
            return  # suspended for it: its move is the event's
        before = split_price(before, action.ratio)
        result.applied["split"] += 1
    if any(kind not in JUDGED_BY_PRICES for kind in kinds):
        result.applied["events that moved the close"] += 1
        return
    status = suspicion(close, None, [PastDay(before)], action.dividend)
    if status is not PriceStatus.GOOD:
        closed = is_closed(status, close, close / before, Evidence(custodian=second))
        result.suspend(day, symbol, status, "closed by the second source" if closed else "open")


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


def odd_ratios(data: Path) -> int:
    """Of the vendor's splits of its whole span, 2010 to 2021, those that are never applied by themselves."""
    actions = vendor_actions(data / "prices" / ACTIONS, "2010-01-01")
    return sum(1 for each in actions.values() if each.ratio is not None and not is_small_rational(each.ratio))


def report(data: Path) -> dict[str, object]:
    """The figures, ready for JSON."""
    started = time.process_time()
    events = apply_real_events(data / "corporate_actions" / EVENTS)
    result = replay(data)
    doubtful = [each for each in result.suspensions if each[2] == DataCode.CA_UNSYNCED]
    moves = [each for each in result.suspensions if each[2] in (PriceStatus.SPIKE, PriceStatus.SPLIT_SUSPECTED)]
    still_open = [each[:3] for each in moves if each[3] == "open"]
    return {
        "events": events,
        "replay": {
            "days": result.days,
            "suspensions": len(result.suspensions),
            "by_cause": dict(Counter(str(each[2]) for each in result.suspensions)),
            "move_exceptions": len(moves),
            "move_exceptions_open_at_cut_off": len(still_open),
            "move_exceptions_open": still_open,
            "splits_with_odd_ratios": len(doubtful),
            "of_them_events_to_enter": sum(1 for each in doubtful if each[3] != "open"),
            "applied": dict(result.applied),
            "list": result.suspensions,
        },
        "odd_ratios_2010_2021": odd_ratios(data),
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
