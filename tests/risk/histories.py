"""Price histories whose risk is known, as files."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

FIRST = date(2023, 1, 2)
SECTORS = ("Energy", "Health Care")


def days_of(count: int) -> list[date]:
    days = (FIRST + timedelta(days=offset) for offset in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


def returns_of(days: int, names: int = 30, seed: int = 3) -> np.ndarray:
    """A market of 16 % a year, a sector factor of 8 % that half of the names have, specific risk of 20 %."""
    rng = np.random.default_rng(seed)
    sector = np.where(np.arange(names) < names // 2, 1.0, -1.0)
    exposures = np.column_stack([np.ones(names), sector])
    factors = rng.normal(0.0, [0.16 / 252**0.5, 0.08 / 252**0.5], (days, 2))
    return factors @ exposures.T + rng.normal(0.0, 0.20 / 252**0.5, (days, names))


def closes_of(returns: np.ndarray) -> np.ndarray:
    return 100 * np.vstack([np.ones(returns.shape[1]), np.cumprod(1 + returns, axis=0)])


def write_wide(path: Path, names: list[str], closes: np.ndarray) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["date", *names])
        for day, row in zip(days_of(len(closes)), closes, strict=True):
            rows.writerow([day.isoformat(), *("" if np.isnan(close) else repr(float(close)) for close in row)])
    return path


def write_sectors(path: Path, names: list[str]) -> Path:
    half = len(names) // 2
    lines = [f"{name},{SECTORS[place >= half]}" for place, name in enumerate(names)]
    path.write_text("ticker,sector\n" + "\n".join(lines) + "\n")
    return path
