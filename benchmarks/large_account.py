"""One account of 503 names and 24,000 lots (48 monthly purchases of the real index): time, and where it goes.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.large_account --data FOLDER [--months 48] [--repeat 3] [--profile] [--json]
"""

import argparse
import cProfile
import json
import pstats
import time
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np

from trimtab.demo.history import Split
from trimtab.demo.real_market import INDEX_DAY, RealMarket, read_market
from trimtab.demo.roster import DIRECT_INDEX
from trimtab.domain.account_settings import AccountSettings, Harvesting
from trimtab.domain.accounts import Account, AccountId, CashBalance, HouseholdId, PersonId, Position, Registration
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot, WashWindows
from trimtab.domain.wash_sales import open_windows

ACCOUNT = AccountId("LARGE")
MONTHLY = 500_000.0
"""Dollars: enough for some shares of each name every month."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of processor time, the fastest of the repeats; gap in basis points of account value."""

    names: int
    lots: int
    value: float
    analyze_ms: float
    outcome: str
    trades: int
    lot_sales: int
    tax: float
    benefit_bp: float
    gap_bp: float


def a_large_account(data: Path, months: int) -> AnalysisInput:
    """Bought on the first session of each of the last `months` months, in whole shares of the day's own count.

    A name has a lot a month for as long as it has had a price; shares of before a split are multiplied by it.
    """
    market = read_market(data)
    eve = market.previous_session(INDEX_DAY)
    model = next(each for each in market.models(INDEX_DAY) if each.id == DIRECT_INDEX)
    closes = market.closes(eve)
    lots: list[TaxLot] = []
    for day in _month_starts(market, eve)[-months:]:
        lots += _purchases(market, day, eve, {each: float(weight) for each, weight in model.weights.items()})
    shares = dict.fromkeys(sorted({lot.security_id for lot in lots}), ZERO)
    for lot in lots:
        shares[lot.security_id] += lot.quantity
    securities = {security.id: security for security in market.securities}
    snapshot = AccountSnapshot(
        business_date=INDEX_DAY,
        as_of=eve,
        account=Account(ACCOUNT, HouseholdId("LARGE"), PersonId("P1"), "index", Registration.INDIVIDUAL, DIRECT_INDEX),
        positions=tuple(Position(each, held, to_cents(held * closes[each])) for each, held in shares.items()),
        lots=tuple(lots),
        cash=CashBalance(Decimal("150000.00")),
        settings=AccountSettings(harvesting=Harvesting.AGGRESSIVE, cash_target=Decimal("0.005")),
        wash_windows=WashWindows(open_windows(INDEX_DAY, (), lots, securities).loss_sales),
        frozen={},
    )
    prices = {each: Price(each, eve, close) for each, close in closes.items()}
    return AnalysisInput(snapshot, model, MarketSnapshot(eve, securities, prices, market.risk_model(eve)))


def _month_starts(market: RealMarket, eve: date) -> list[date]:
    """The first session of each month, and the first of the data: 2016-12-30."""
    sessions = [day for day in market.sessions if day <= eve]
    return sessions[:1] + [day for before, day in pairwise(sessions) if before.month != day.month]


def _purchases(market: RealMarket, day: date, eve: date, weights: dict[str, float]) -> list[TaxLot]:
    row = market.row(day)
    lots = []
    for column, security in enumerate(market.securities):
        close = float(market.close_table[row, column])
        if security.id not in weights or not np.isfinite(close):
            continue
        splits = [
            Split(market.row(when), ratio)
            for when, ratio in market.booked.splits.get(security.symbol or "", ())
            if day < when <= eve
        ]
        shares = max(int(MONTHLY * weights[security.id] / close), 1)
        now = Decimal(shares)
        for split in splits:
            now = now * split.ratio.numerator / split.ratio.denominator
        cost = to_cents(Decimal(shares) * Decimal(repr(close)))
        purchase = f"{security.id}-{day:%Y%m}"
        lots.append(TaxLot(LotId(purchase), ACCOUNT, security.id, now, day, cost, purchase_id=purchase))
    return lots


def measure(request: AnalysisInput, market: MarketArrays, repeat: int) -> Measured:
    milliseconds = []
    for _ in range(repeat + 1):  # the first pays for imports
        started = time.process_time()
        proposal = analyze(request, market)
        milliseconds.append((time.process_time() - started) * 1e3)
    return Measured(
        names=len(request.snapshot.positions),
        lots=len(request.snapshot.lots),
        value=float(proposal.before.account_value),
        analyze_ms=round(min(milliseconds[1:]), 1),
        outcome=proposal.outcome.value,
        trades=len(proposal.trades),
        lot_sales=sum(len(trade.lot_sales) for trade in proposal.trades),
        tax=float(proposal.tax),
        benefit_bp=float(proposal.benefit_bps),
        gap_bp=float(proposal.gap_bps),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the directory of market data")
    parser.add_argument("--months", type=int, default=48)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="where the time goes, instead of the figures")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    request = a_large_account(arguments.data, arguments.months)
    market = MarketArrays.from_snapshot(request.market)
    if arguments.profile:
        analyze(request, market)
        with cProfile.Profile() as profile:
            analyze(request, market)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
        return
    measured = asdict(measure(request, market, arguments.repeat))
    if arguments.json:
        print(json.dumps(measured, indent=1))
        return
    for name, value in measured.items():
        print(f"{name:12} {value}")


if __name__ == "__main__":
    main()
