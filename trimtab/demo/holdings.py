"""Lots, cash and past sales of the demo firm's accounts, bought through its history at the closes of the day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from trimtab.demo.book import Book, Holding, Sale
from trimtab.demo.history import History
from trimtab.demo.roster import OPEN_UMA, Case, Plan, Style
from trimtab.domain.accounts import CashBalance, ModelId, TaxStatus
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import to_cents

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Generator = np.random.Generator

WINDOW_DAYS = 30  # calendar days either side of a sale at a loss (WS-1)
CLEAR_OF_WINDOWS_DAYS = 35  # ordinary purchases are older than any window
HARVESTED_DAYS = 90  # what a careful account holds at a loss was bought back no longer ago than this
YEAR_OF_SESSIONS = 250
UNLISTED_SHARES = Decimal(150)
UNLISTED_PRICE = Decimal("42.17")
MISMATCH_SHARES = Decimal(3)

_Purchase = tuple[int, int, int]  # (row of the session, column of the security, shares as counted now)


def build_book(plans: list[Plan], history: History) -> Book:
    """Everything that the custodian holds for `plans`. An account depends on its own number and the seed alone."""
    books = [_account_book(plan, history) for plan in plans]
    return Book(
        holdings=tuple(holding for book in books for holding in book.holdings),
        lots=tuple(lot for book in books for lot in book.lots),
        cash={account: balance for book in books for account, balance in book.cash.items()},
        sales=tuple(sale for book in books for sale in book.sales),
    )


def _account_book(plan: Plan, history: History) -> Book:
    import numpy as np

    account_id = plan.entry.id
    if Case.CLOSED in plan.entry.cases:
        return Book(cash={account_id: CashBalance(Decimal("0.00"))})
    rng = np.random.default_rng([history.seed, plan.number, 5])
    weights = _held_weights(plan, history, rng)
    sale = _loss_sale(plan, history, weights) if Case.LOSS_SALE in plan.entry.cases else None
    if sale:
        weights[_column(history, sale)] = 0.0
    priced = np.nan_to_num(history.closes[-1], nan=np.inf)
    purchases = _purchases(plan, history, np.floor(weights * plan.value / priced).astype(np.int64), rng)
    shares = _shares(purchases)
    lots = _lots(plan, history, purchases)
    holdings = _holdings(plan, history, shares)
    if Case.UNKNOWN_SECURITY in plan.entry.cases:
        holdings.append(Holding(account_id, history.unlisted.id, UNLISTED_SHARES))
        lots.append(_unlisted_lot(plan, history, len(lots) + 1))
    return Book(
        holdings=tuple(holdings),
        lots=tuple(lots),
        cash={account_id: _cash(plan, history, shares)},
        sales=(sale,) if sale else (),
    )


def _held_weights(plan: Plan, history: History, rng: "Generator") -> "Floats":
    """Weights as they stand before rounding to shares: the target, with the drift of the account's style."""
    import numpy as np

    model = plan.entry.account.model_id
    target = history.targets[model] if model else np.zeros(len(history.securities))
    spread = {Style.DRIFTED: 0.18, Style.UNTENDED: 0.35}.get(plan.style, 0.015)
    if plan.style is Style.UNTENDED and target[: history.fund_count].sum() > 0.5:
        weights = target * np.nan_to_num(history.prices[-1] / history.prices[_opened_row(plan, history)], nan=1.0)
    else:
        weights = target * np.exp(rng.normal(0.0, spread, len(target)))
    cash = float(plan.entry.settings.cash_target) * float(rng.uniform(0.8, 1.4))
    if plan.style is Style.CASH_HEAVY:
        cash = float(rng.uniform(0.08, 0.25))
    weights *= (1 - cash) / weights.sum()
    if plan.style is Style.LEGACY:
        brought = float(rng.uniform(0.1, 0.25))
        weights *= 1 - brought
        weights[_legacy_column(plan, history)] += brought
    return np.asarray(weights, dtype=np.float64)


def _opened_row(plan: Plan, history: History) -> int:
    """The first purchase day of the account; an untended one has been open for half of the history at least."""
    import numpy as np

    rng = np.random.default_rng([history.seed, plan.number, 6])
    latest = len(history.sessions) // 2 if plan.style is Style.UNTENDED else history.first_since(60)
    place = np.searchsorted(history.purchase_rows, int(rng.integers(0, latest)))
    return int(history.purchase_rows[place])


def _purchases(plan: Plan, history: History, shares: "Integers", rng: "Generator") -> list[_Purchase]:
    """Splits `shares` over the account's purchase days, at prices of those days. A security that the account
    could not buy on any of them is bought as soon as it could be.
    """
    import numpy as np

    columns = np.flatnonzero(shares)
    rows, allowed = _days_to_buy(history, _purchase_rows(plan, history, rng), columns)
    then, now = history.prices[np.ix_(rows, columns)], history.closes[-1, columns]
    bought = allowed & (rng.random(allowed.shape) < 1.8 / len(rows))
    if plan.style is Style.QUIET and plan.entry.account.tax_status is TaxStatus.TAXABLE:
        bought &= then <= now * 1.01
    cheapest = np.argmin(np.where(allowed, then, np.inf), axis=0)
    bought[cheapest, np.arange(len(columns))] |= ~bought.any(axis=0)
    parts = bought * rng.uniform(0.3, 1.0, bought.shape)
    upto = np.floor(np.cumsum(parts, axis=0) / parts.sum(axis=0) * shares[columns] + 1e-9).astype(np.int64)
    quantities = np.diff(upto, axis=0, prepend=0)
    purchases = [(int(rows[i]), int(columns[j]), int(quantities[i, j])) for j, i in np.argwhere(quantities.T > 0)]
    moved = _special_purchases(plan, history, purchases, rng)
    whole = [(row, column, history.purchasable(row, column, quantity)) for row, column, quantity in moved]
    return sorted((purchase for purchase in whole if purchase[2]), key=lambda purchase: (purchase[1], purchase[0]))


def _days_to_buy(history: History, rows: "Integers", columns: "Integers") -> "tuple[Integers, NDArray[np.bool_]]":
    """Rows, with those of latecomers added, and whether each security may be bought on each."""
    import numpy as np

    firsts = history.first_rows[columns]
    never = np.isnan(history.prices[np.ix_(rows, columns)]).all(axis=0)
    places = np.searchsorted(history.purchase_rows, firsts)
    with_end = np.append(history.purchase_rows, len(history.sessions))
    late = np.where(with_end[places] < len(history.sessions), with_end[places], firsts)
    every = np.unique(np.concatenate([rows, late[never]]))
    allowed = ~np.isnan(history.prices[np.ix_(every, columns)])
    ordinary = np.isin(every, rows)[:, None]
    return every, allowed & (ordinary | (never & (every[:, None] == late)))


def _purchase_rows(plan: Plan, history: History, rng: "Generator") -> "Integers":
    import numpy as np

    opened = _opened_row(plan, history)
    if plan.style is Style.UNTENDED:
        return np.array([opened])
    clear, harvested = history.first_since(CLEAR_OF_WINDOWS_DAYS), history.first_since(HARVESTED_DAYS)
    days = history.purchase_rows[(history.purchase_rows >= opened) & (history.purchase_rows < clear)]
    lately = days[days >= min(harvested, days[-1])]
    later = rng.choice(days, int(rng.integers(2, 8)))
    return np.unique(np.concatenate([[opened], later, rng.choice(lately, 1)]))


def _special_purchases(plan: Plan, history: History, purchases: list[_Purchase], rng: "Generator") -> list[_Purchase]:
    """Puts the days of some purchases where the account's cases want them."""
    clear, first_open = history.first_since(CLEAR_OF_WINDOWS_DAYS), history.first_since(WINDOW_DAYS)
    lately = [int(row) for row in history.purchase_rows if row >= first_open]
    loser, peak = _loser(history, OPEN_UMA, clear, 0)
    legacy = _legacy_column(plan, history)
    moved: list[_Purchase] = []
    for row, column, quantity in purchases:
        day = row
        if column == legacy:
            day = max(_opened_row(plan, history), int(history.first_rows[column]))
        elif column == loser and Case.LOSS_TO_HARVEST in plan.entry.cases:
            day = peak
        elif column == loser and Case.SPOUSE_PURCHASE in plan.entry.cases:
            day = history.first_since(9)
        elif plan.bought_lately and lately and rng.random() < 0.06:
            day = max(int(rng.choice(lately)), row)
        moved.append((day, column, quantity))
    return moved


def _loser(history: History, model: ModelId, row: int, rank: int) -> tuple[int, int]:
    """The company of `model` that fell furthest from its high of the year before `row`, and the row of that high.

    `rank` 0 is the greatest fall; only rows old enough to be clear of wash sale windows count as the high,
    and only companies that were there all the while and did not split since.
    """
    import numpy as np

    first, last = max(row - YEAR_OF_SESSIONS, 0), history.first_since(70)
    members = np.flatnonzero(history.targets[model])
    settled = [
        int(column)
        for column in members[members >= history.fund_count]
        if history.first_rows[column] <= first and history.ratio_since(first, int(column)) == 1
    ]
    falls = history.prices[row, settled] / history.prices[first:last, settled].max(axis=0)
    column = settled[int(np.argsort(falls, kind="stable")[rank])]
    return column, first + int(np.argmax(history.prices[first:last, column]))


def _loss_sale(plan: Plan, history: History, weights: "Floats") -> Sale:
    """The whole position of a fallen company, sold below cost in the last thirty days and not bought back."""
    row = history.first_since(3 + plan.number * 5 % 26)
    column, peak = _loser(history, plan.entry.account.model_id or OPEN_UMA, row, plan.number % 5)
    shares = max(int(weights[column] * plan.value / history.prices[row, column]), 1)
    return Sale(
        account_id=plan.entry.id,
        security_id=history.securities[column].id,
        sold_on=history.sessions[row],
        quantity=Decimal(shares),
        proceeds=history.amount(row, column, shares),
        basis=history.amount(peak, column, shares),
    )


def _column(history: History, sale: Sale) -> int:
    return next(i for i, security in enumerate(history.securities) if security.id == sale.security_id)


def _legacy_column(plan: Plan, history: History) -> int:
    return history.legacy[plan.number % len(history.legacy)]


def _shares(purchases: list[_Purchase]) -> dict[int, int]:
    """Shares held by column."""
    held: dict[int, int] = {}
    for _, column, quantity in purchases:
        held[column] = held.get(column, 0) + quantity
    return held


def _lots(plan: Plan, history: History, purchases: list[_Purchase]) -> list[TaxLot]:
    account_id = plan.entry.id
    lots = []
    for number, (row, column, shares) in enumerate(purchases, start=1):
        day = history.sessions[row]
        lots.append(
            TaxLot(
                id=LotId(f"{account_id}-{number:05d}"),
                account_id=account_id,
                security_id=history.securities[column].id,
                quantity=Decimal(shares),
                acquired_on=day,
                cost=history.amount(row, column, shares),
                purchase_id=f"P-{account_id}-{day:%Y%m%d}-{history.securities[column].symbol}",
            )
        )
    return _with_an_old_wash_sale(lots) if plan.number % 10 == 2 else lots


def _with_an_old_wash_sale(lots: list[TaxLot]) -> list[TaxLot]:
    """The first lot replaced one sold at a loss: two percent of its cost came over, and forty days held (WS-5)."""
    if not lots:
        return lots
    first = lots[0]
    adjustment = to_cents(first.cost * Decimal("0.02"))
    adjusted = replace(
        first,
        cost=first.cost + adjustment,
        wash_adjustment=adjustment,
        holding_start=first.acquired_on - timedelta(days=40),
    )
    return [adjusted, *lots[1:]]


def _holdings(plan: Plan, history: History, shares: Mapping[int, int]) -> list[Holding]:
    """The positions that the custodian states: those of the lots, but for the account whose data are wrong."""
    wrong = MISMATCH_SHARES if Case.LOT_MISMATCH in plan.entry.cases else Decimal(0)
    holdings: list[Holding] = []
    for column, held in shares.items():
        quantity = Decimal(held) + (wrong if not holdings else Decimal(0))
        holdings.append(Holding(plan.entry.id, history.securities[column].id, quantity))
    return holdings


def _unlisted_lot(plan: Plan, history: History, number: int) -> TaxLot:
    day = history.sessions[history.first_since(200)]
    return TaxLot(
        id=LotId(f"{plan.entry.id}-{number:05d}"),
        account_id=plan.entry.id,
        security_id=history.unlisted.id,
        quantity=UNLISTED_SHARES,
        acquired_on=day,
        cost=to_cents(UNLISTED_SHARES * Decimal("39.80")),
        purchase_id=f"P-{plan.entry.id}-{day:%Y%m%d}-{history.unlisted.symbol}",
    )


def _cash(plan: Plan, history: History, shares: Mapping[int, int]) -> CashBalance:
    """What is not invested, and dividends since. One account in 33 has sale proceeds that have not settled."""
    last = len(history.sessions) - 1
    invested = sum((history.amount(last, column, held) for column, held in shares.items()), Decimal(0))
    dividends = sum(held * float(history.dividends_due[column]) for column, held in shares.items())
    dollars = to_cents(Decimal(plan.value) - invested + Decimal(dividends))
    unsettled = min(Decimal("1500.00"), to_cents(dollars / 2)) if plan.number % 33 == 9 else Decimal("0.00")
    return CashBalance(settled=dollars - unsettled, unsettled=unsettled)
