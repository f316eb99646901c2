"""The firm on real prices: business day 2020-12-01, with that day's trouble in it. docs/demo-firm.md tells more."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.demo.firm import DEFAULT_ACCOUNTS, DEFAULT_SEED, DemoFirm, firm_on, target_weights
from trimtab.demo.history import History, Split, prices_in_last_shares
from trimtab.demo.holdings import UNLISTED_PRICE, build_book
from trimtab.demo.real_market import FUNDS, INDEX_DAY, RealMarket, read_market
from trimtab.demo.roster import Choices, build_roster
from trimtab.domain.accounts import FirmId
from trimtab.domain.securities import Security, SecurityId, SecurityKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

REAL_FIRM_ID = FirmId("demo-real")
FIRST_PURCHASE = date(2017, 1, 1)


def build_real_firm(data: Path, accounts: int = DEFAULT_ACCOUNTS, seed: int = DEFAULT_SEED) -> DemoFirm:
    """The firm on 2020-12-01. Securities are known by symbol and the firm's own id; there are no CUSIPs.

    Raises DataDirectoryUnusable naming the file or day that `data` lacks, TooFewAccounts below twenty.
    """
    market = read_market(data)
    unlisted = Security(
        SecurityId("UNLISTED-1"), "Will-o-the-Wisp Provisions", SecurityKind.STOCK, "US_SMALL", symbol="WIS1"
    )
    history = _history(market, unlisted, seed)
    plans = build_roster(accounts, seed, INDEX_DAY, _choices(market, history))
    return firm_on(
        INDEX_DAY,
        market=market,
        firm_id=REAL_FIRM_ID,
        seed=seed,
        founded_on=INDEX_DAY,
        securities=market.securities,
        unlisted={unlisted.id: (unlisted, UNLISTED_PRICE)},
        accounts=tuple(plan.entry for plan in plans),
        book=build_book(plans, history),
        remarks=_remarks(market),
    )


def _history(market: RealMarket, unlisted: Security, seed: int) -> History:
    import numpy as np

    last = market.row(INDEX_DAY)
    sessions, closes = market.sessions[:last], market.close_table[:last]
    first_rows = _first_rows(market, closes)
    splits = {
        market.columns[symbol]: tuple(Split(market.row(day), ratio) for day, ratio in events if day < INDEX_DAY)
        for symbol, events in market.booked.splits.items()
    }
    priced = ~np.isnan(closes[-1])
    purchase_rows = _month_starts(sessions)
    targets = target_weights(market.models(INDEX_DAY), market.securities)
    return History(
        sessions=sessions,
        securities=market.securities,
        closes=closes,
        prices=prices_in_last_shares(closes, splits, first_rows),
        splits=splits,
        first_rows=first_rows,
        purchase_rows=purchase_rows,
        dividends_due=_dividends_since(market, sessions[int(purchase_rows[-1])]),
        fund_count=len(FUNDS),
        legacy=_legacy(market, closes),
        targets={model: weights * priced for model, weights in targets.items()},
        unlisted=unlisted,
        business_date=INDEX_DAY,
        seed=seed,
    )


def _first_rows(market: RealMarket, closes: "NDArray[np.float64]") -> "Integers":
    """Per column: the first session with a close that has no action to be set aside after or on it."""
    import numpy as np

    there = ~np.isnan(closes)
    first_rows = np.where(there.any(axis=0), there.argmax(axis=0), len(closes)).astype(np.int64)
    for symbol, faults in market.booked.set_aside.items():
        rows = [market.row(day) + 1 for day, _ in faults if day < INDEX_DAY]
        column = market.columns[symbol]
        first_rows[column] = max([first_rows[column], *rows])
    return first_rows


def _month_starts(sessions: tuple[date, ...]) -> "Integers":
    """Rows of the first session of each month since FIRST_PURCHASE."""
    import numpy as np

    rows = [
        row
        for row, day in enumerate(sessions)
        if day >= FIRST_PURCHASE and row and sessions[row - 1].month != day.month
    ]
    return np.array(rows, dtype=np.int64)


def _dividends_since(market: RealMarket, last_purchase: date) -> "NDArray[np.float64]":
    """Dollars a share that went ex after the last purchases; earlier dividends were spent on them."""
    import numpy as np

    due = np.zeros(len(market.securities))
    for symbol, dividends in market.booked.dividends.items():
        due[market.columns[symbol]] = sum(float(cash) for day, cash in dividends if last_purchase < day < INDEX_DAY)
    return due


def _legacy(market: RealMarket, closes: "NDArray[np.float64]") -> tuple[int, ...]:
    """Companies with prices all the while that the index does not hold."""
    import numpy as np

    outside = [
        column
        for symbol, column in market.columns.items()
        if symbol not in market.index_weights and symbol not in FUNDS
    ]
    return tuple(column for column in outside if not np.isnan(closes[:, column]).any())


def _choices(market: RealMarket, history: History) -> Choices:
    ids = {security.symbol: security.id for security in market.securities}
    return Choices(
        companies=tuple(ids[symbol] for symbol in market.priced_index()),
        legacy=tuple(market.securities[column].id for column in history.legacy),
    )


def _remarks(market: RealMarket) -> tuple[str, ...]:
    """What was set aside, security by security, and what the index weighs without a price."""
    later_lots = [
        f"{symbol} {day}: {reason}; its lots are bought later"
        for symbol, faults in sorted(market.booked.set_aside.items())
        for day, reason in faults
        if day < INDEX_DAY
    ]
    priced = set(market.priced_index())
    unpriced = sorted(set(market.index_weights) - priced)
    weight = sum(market.index_weights[symbol] for symbol in unpriced)
    return (*later_lots, f"no price: {' '.join(unpriced)}, {weight:.4%} of the index; in the model, held by nobody")
