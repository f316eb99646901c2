"""Real closes, day by day: which the checks of prices take for exceptions, and which a second source closes.

python -m benchmarks.price_exceptions --data FOLDER [--since 2019-01-01] [--until 2021-04-30] [--json]

FOLDER holds prices/us_close_raw_2010_2021_mit.csv.gz with its volumes and actions, and the sectors of its names in
constituents/sectors_20201201.csv. Announced splits and dividends are taken out first, as at night. There is no
custodian here, so only volume and sector can close an exception: what stays open is what the custodian's positions,
or a data manager, would have to settle.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from trimtab.domain.price_checks import PriceStatus
from trimtab.domain.price_moves import STUCK_SESSIONS, Evidence, PastDay, is_closed, suspicion
from trimtab.risk.history import PriceHistory, action_factors, read_history, read_sectors, read_volumes
from trimtab.risk.model import Floats

NAMED = "us_{}_2010_2021_mit.csv"


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Counts over all days and names."""

    days: int
    closes: int
    raised: dict[str, int]  # by what they look like
    closed: dict[str, int]  # by volume or sector
    open: list[str]  # day, name, what it looks like, move
    seconds: float  # processor time


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Closes by session and name, and what went ex between each session and the one before."""

    history: PriceHistory
    ratios: Floats  # new shares per old
    dividends: Floats  # dollars a share
    sectors: dict[str, str]

    @property
    def moves(self) -> Floats:
        """(days - 1, names): after splits, before dividends."""
        return self.history.closes[1:] * self.ratios[1:] / self.history.closes[:-1]


def read_market(data: Path) -> Market:
    prices = data / "prices"
    history = read_history(prices / f"{NAMED.format('close_raw')}.gz")
    history = read_volumes(prices / f"{NAMED.format('volume_k')}.gz", history)
    ratios, dividends = action_factors(prices / NAMED.format("actions"), history)
    return Market(history, ratios, dividends, read_sectors(data / "constituents" / "sectors_20201201.csv"))


def exceptions_of(market: Market, since: date, until: date) -> Iterator[tuple[date, str, PriceStatus, float, bool]]:
    """Day, name, what the close looks like, its move, and whether volume or sector close it."""
    moves = market.moves
    for row, day in enumerate(market.history.sessions):
        if not since <= day <= until or row < STUCK_SESSIONS:
            continue
        for column, name in enumerate(market.history.names):
            move = moves[row - 1, column]
            last = market.history.closes[row - STUCK_SESSIONS + 1 : row + 1, column]
            stood_still = (last == last[-1]).all()
            if not np.isfinite(move) or (abs(np.log(move)) < 0.3 and not stood_still):
                continue  # nothing that any rule asks about
            status = _suspected(market, row, column)
            if status is not PriceStatus.GOOD:
                yield day, name, status, float(move), _closed(market, status, row, column, moves[row - 1])


def _suspected(market: Market, row: int, column: int) -> PriceStatus:
    volumes = market.history.volumes
    past, factor = [], 1.0
    for back in range(row - 1, row - STUCK_SESSIONS, -1):
        factor *= market.ratios[back + 1, column]
        close = market.history.closes[back, column] / factor
        if np.isfinite(close):
            past.append(PastDay(_decimal(close), _volume(volumes, back, column)))
    close = _decimal(market.history.closes[row, column])
    return suspicion(close, _volume(volumes, row, column), past, _decimal(market.dividends[row, column]))


def _closed(market: Market, status: PriceStatus, row: int, column: int, moves: Floats) -> bool:
    volumes, name = market.history.volumes, market.history.names[column]
    sector = market.sectors.get(name)
    peers = [
        _decimal(move)
        for other, move in zip(market.history.names, moves, strict=True)
        if other != name and sector is not None and market.sectors.get(other) == sector and np.isfinite(move)
    ]
    past = [_volume(volumes, back, column) for back in range(row - STUCK_SESSIONS + 1, row)]
    evidence = Evidence(None, peers, _volume(volumes, row, column), [each for each in past if each is not None])
    return is_closed(status, _decimal(market.history.closes[row, column]), _decimal(moves[column]), evidence)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(float(value), 6)))


def _volume(volumes: Floats | None, row: int, column: int) -> Decimal | None:
    if volumes is None or not np.isfinite(volumes[row, column]):
        return None
    return _decimal(volumes[row, column])


def measure(data: Path, since: date, until: date) -> Exceptions:
    market, began = read_market(data), time.process_time()
    found = list(exceptions_of(market, since, until))
    inside = [row for row, day in enumerate(market.history.sessions) if since <= day <= until]
    return Exceptions(
        days=len(inside),
        closes=int(np.isfinite(market.history.closes[inside]).sum()),
        raised=dict(Counter(str(status) for _, _, status, _, _ in found)),
        closed=dict(Counter(str(status) for _, _, status, _, closed in found if closed)),
        open=[f"{day} {name} {status} x{move:.3f}" for day, name, status, move, closed in found if not closed],
        seconds=round(time.process_time() - began, 1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--since", type=date.fromisoformat, default=date(2019, 1, 1))
    parser.add_argument("--until", type=date.fromisoformat, default=date(2021, 4, 30))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measure(asked.data, asked.since, asked.until)
    if asked.json:
        print(json.dumps(asdict(found)))
        return 0
    print(f"{found.closes} closes of {found.days} days in {found.seconds} s")
    print(f"raised {found.raised}, closed {found.closed}, open {len(found.open)}:")
    for line in found.open:
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
