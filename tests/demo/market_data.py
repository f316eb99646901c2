"""A directory of invented market data in the layout of the real one, small enough to check by hand."""

import csv
import gzip
from datetime import date
from pathlib import Path

import numpy as np

from trimtab.demo.real_market import FUNDS, INDEX_DAY
from trimtab.demo.sessions import sessions_between

INDEX = (*(f"N{number:02d}" for number in range(1, 17)), "SPLT", "TRPL", "ODD1", "SPIN", "BIGD", "PAYS")
WEIGHTS = dict.fromkeys(INDEX, "0.0450") | {"LOST": "0.008436"}  # 22 x 0.045 + 0.008436 = 0.998436
ACTIONS = (
    ("2018-06-01", "TRPL", "SPLIT", "3.000003"),
    ("2019-06-03", "SPIN", "SPLIT", "0.333333"),
    ("2020-04-03", "ODD1", "SPLIT", "1.589"),
    ("2020-08-03", "BIGD", "DIV", "20"),
    ("2020-11-16", "PAYS", "DIV", "0.5"),
    ("2020-12-01", "SPLT", "SPLIT", "2.0"),
    ("2020-12-01", "PAYS", "DIV", "0.4"),
)
SESSIONS = sessions_between(date(2016, 12, 30), date(2020, 12, 3))


def write_market_data(data: Path, actions: tuple[tuple[str, ...], ...] = ACTIONS) -> Path:
    """Closes walk from 100; SPLT closes at 187.00 and 93.60 around its split, TRPL falls to a third of 90."""
    stocks = {symbol: _walk(number) for number, symbol in enumerate((*INDEX, "OUT1", "OUT2"))}
    stocks["SPLT"] = np.where(_days() < INDEX_DAY.toordinal(), 187.00, 93.60)
    stocks["TRPL"] = np.where(_days() < date(2018, 6, 1).toordinal(), 90.0, 30.0) * _walk(90) / 100
    stocks["SPIN"] = np.where(_days() < date(2019, 6, 3).toordinal(), 30.50, 76.00)
    funds = {symbol: _walk(100 + number) for number, symbol in enumerate(FUNDS)}
    for name, table in (("2010_2021_mit", stocks), ("2015_2024", funds)):
        _write_wide(data / f"prices/us_close_raw_{name}.csv.gz", table)
        _write_wide(
            data / f"prices/us_volume_k_{name}.csv.gz", {symbol: np.full(len(SESSIONS), 50) for symbol in table}
        )
    _write(data / "prices/us_actions_2010_2021_mit.csv", [("date", "ticker", "type", "value"), *actions])
    _write(data / "prices/us_actions_2015_2024.csv", [("date", "ticker", "type", "value")])
    weights = [(symbol, f"{symbol} SID", "20201130", weight, "1.0", "") for symbol, weight in WEIGHTS.items()]
    columns = ("ticker", "lean_sid", "last_update", "weight", "shares", "market_value")
    _write(data / "constituents/spy_weights_20201201_apache.csv", [columns, *weights])
    sectors = [(symbol, "Energy", "handmade") for symbol in WEIGHTS]
    _write(data / "constituents/sectors_20201201.csv", [("ticker", "gics_sector", "source"), *sectors])
    names = [(symbol, f"The {symbol} Company", "Energy") for symbol in ("OUT1", "OUT2", "N01")]
    _write(data / "constituents/sp500_mit.csv", [("Symbol", "Security", "GICS Sector"), *names])
    return data


def _days() -> np.ndarray:
    return np.array([session.toordinal() for session in SESSIONS])


def _walk(seed: int) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0.0003, 0.015, len(SESSIONS))
    return (100 * np.exp(np.cumsum(steps))).round(2)


def _write_wide(path: Path, table: dict[str, np.ndarray]) -> None:
    rows = [("date", *table)]
    rows += [
        (session.isoformat(), *(f"{float(column[row]):.4f}" for column in table.values()))
        for row, session in enumerate(SESSIONS)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _write(path: Path, rows: list[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
