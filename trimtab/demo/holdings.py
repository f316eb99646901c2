"""Lots, cash and past sales of the demo firm's accounts, bought through the simulated history at its closes."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from trimtab.demo.book import Book, Holding, Sale
from trimtab.demo.roster import OPEN_UMA, Case, Plan, Style, legacy_company
from trimtab.demo.universe import FUND_COUNT, INDEX_COUNT, SLEEVE_COUNT
from trimtab.domain.accounts import CashBalance, ModelId, TaxStatus
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import to_cents
from trimtab.domain.securities import Security

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Generator = np.random.Generator

CLEAR_OF_WINDOWS_DAYS = 35  # ordinary purchases are older than any window of thirty days
HARVESTED_DAYS = 90  # what a careful account holds at a loss was bought back no longer ago than this
YEAR_OF_SESSIONS = 250
UNLISTED_SHARES = Decimal(150)
UNLISTED_PRICE = Decimal("42.17")
MISMATCH_SHARES = Decimal(3)

_Purchase = tuple[int, int, int]  # (row of the session, column of the security, shares)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Closes in cents, (sessions, securities), to the evening before the business date."""

    sessions: tuple[date, ...]
    cents: "Integers"
    securities: tuple[Security, ...]
    unlisted: Security
    targets: Mapping[ModelId, "Floats"]  # weights in the order of `securities`
    business_date: date
    seed: int

    def first_since(self, days_ago: int) -> int:
        """Row of the first session within `days_ago` calendar days of the business date."""
        return bisect_left(self.sessions, self.business_date - timedelta(days=days_ago))

    def price(self, row: int, column: int) -> Decimal:
        return Decimal(int(self.cents[row, column])).scaleb(-2)


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
    shares = np.floor(weights * plan.value * 100 / history.cents[-1]).astype(np.int64)
    lots = _lots(plan, history, _purchases(plan, history, shares, rng))
    holdings = _holdings(plan, history, shares)
    if Case.UNKNOWN_SECURITY in plan.entry.cases:
        holdings.append(Holding(account_id, history.unlisted.id, UNLISTED_SHARES))
        lots.append(_unlisted_lot(plan, history, len(lots) + 1))
    invested = Decimal(int((shares * history.cents[-1]).sum())).scaleb(-2)
    return Book(
        holdings=tuple(holdings),
        lots=tuple(lots),
        cash={account_id: _cash(plan, to_cents(Decimal(plan.value)) - invested)},
        sales=(sale,) if sale else (),
    )


def _held_weights(plan: Plan, history: History, rng: "Generator") -> "Floats":
    """Weights as they stand before rounding to shares: the target, with the drift of the account's style."""
    import numpy as np

    model = plan.entry.account.model_id
    target = history.targets[model] if model else np.zeros(len(history.securities))
    spread = {Style.DRIFTED: 0.18, Style.UNTENDED: 0.35}.get(plan.style, 0.015)
    if plan.style is Style.UNTENDED and target[:FUND_COUNT].sum() > 0.5:
        weights = target * history.cents[-1] / history.cents[_opened_row(plan, history)]
    else:
        weights = target * np.exp(rng.normal(0.0, spread, len(target)))
    cash = float(plan.entry.settings.cash_target) * float(rng.uniform(0.8, 1.4))
    if plan.style is Style.CASH_HEAVY:
        cash = float(rng.uniform(0.08, 0.25))
    weights *= (1 - cash) / weights.sum()
    if plan.style is Style.LEGACY:
        brought = float(rng.uniform(0.1, 0.25))
        weights *= 1 - brought
        weights[FUND_COUNT + legacy_company(plan.number)] += brought
    return np.asarray(weights, dtype=np.float64)


def _opened_row(plan: Plan, history: History) -> int:
    """The session on which the account was opened; an untended one has been open for a year and a half at least."""
    import numpy as np

    rng = np.random.default_rng([history.seed, plan.number, 6])
    latest = len(history.sessions) // 2 if plan.style is Style.UNTENDED else history.first_since(60)
    return int(rng.integers(0, latest))


def _purchases(plan: Plan, history: History, shares: "Integers", rng: "Generator") -> list[_Purchase]:
    """Splits `shares` over the account's purchase days; the parts sum to them exactly."""
    import numpy as np

    columns = np.flatnonzero(shares)
    rows = _purchase_rows(plan, history, rng)
    bought = rng.random((len(rows), len(columns))) < 1.8 / len(rows)
    then, now = history.cents[np.ix_(rows, columns)], history.cents[-1, columns]
    if plan.style is Style.QUIET and plan.entry.account.tax_status is TaxStatus.TAXABLE:
        bought &= then <= now * 1.01
    cheapest = np.argmin(then, axis=0)
    bought[cheapest, np.arange(len(columns))] |= ~bought.any(axis=0)
    parts = bought * rng.uniform(0.3, 1.0, bought.shape)
    upto = np.floor(np.cumsum(parts, axis=0) / parts.sum(axis=0) * shares[columns] + 1e-9).astype(np.int64)
    upto[-1] = shares[columns]
    quantities = np.diff(upto, axis=0, prepend=0)
    purchases = [(int(rows[i]), int(columns[j]), int(quantities[i, j])) for j, i in np.argwhere(quantities.T > 0)]
    return _special_purchases(plan, history, shares, purchases, rng)


def _purchase_rows(plan: Plan, history: History, rng: "Generator") -> "Integers":
    import numpy as np

    opened = _opened_row(plan, history)
    if plan.style is Style.UNTENDED:
        return np.array([opened])
    clear, harvested = history.first_since(CLEAR_OF_WINDOWS_DAYS), history.first_since(HARVESTED_DAYS)
    later = rng.integers(opened, clear, int(rng.integers(2, 8)))
    return np.unique(np.concatenate([[opened], later, rng.integers(harvested, clear, 1)]))


def _special_purchases(
    plan: Plan, history: History, shares: "Integers", purchases: list[_Purchase], rng: "Generator"
) -> list[_Purchase]:
    """Puts the days of some purchases where the account's cases want them."""
    clear = history.first_since(CLEAR_OF_WINDOWS_DAYS)
    lately = range(history.first_since(28), len(history.sessions))
    loser, peak = _loser(history, OPEN_UMA, clear, 0)
    legacy = FUND_COUNT + legacy_company(plan.number)
    moved: list[_Purchase] = []
    for row, column, quantity in purchases:
        day = row
        if column == legacy:
            day = _opened_row(plan, history)
        elif column == loser and Case.LOSS_TO_HARVEST in plan.entry.cases:
            day = peak
        elif column == loser and Case.SPOUSE_PURCHASE in plan.entry.cases:
            day = history.first_since(9)
        elif plan.bought_lately and rng.random() < 0.06:
            day = int(rng.choice(lately))
        moved.append((day, column, quantity))
    return sorted(moved, key=lambda purchase: (purchase[1], purchase[0]))


def _loser(history: History, model: ModelId, row: int, rank: int) -> tuple[int, int]:
    """The company of `model` that fell furthest from its high of the year before `row`, and the row of that high.

    `rank` 0 is the greatest fall; only rows old enough to be clear of wash sale windows count as the high.
    """
    import numpy as np

    first, last = max(row - YEAR_OF_SESSIONS, 0), history.first_since(70)
    members = np.flatnonzero(history.targets[model][FUND_COUNT:]) + FUND_COUNT
    members = members[members < FUND_COUNT + INDEX_COUNT + SLEEVE_COUNT]
    highs = history.cents[first:last, members].max(axis=0)
    order = np.argsort(history.cents[row, members] / highs, kind="stable")
    column = int(members[order[rank]])
    return column, first + int(np.argmax(history.cents[first:last, column]))


def _loss_sale(plan: Plan, history: History, weights: "Floats") -> Sale:
    """The whole position of a fallen company, sold below cost in the last thirty days and not bought back."""
    row = history.first_since(3 + plan.number * 5 % 26)
    model = plan.entry.account.model_id or OPEN_UMA
    column, peak = _loser(history, model, row, plan.number % 5)
    shares = Decimal(max(int(weights[column] * plan.value * 100 / history.cents[row, column]), 1))
    return Sale(
        account_id=plan.entry.id,
        security_id=history.securities[column].id,
        sold_on=history.sessions[row],
        quantity=shares,
        proceeds=shares * history.price(row, column),
        basis=shares * history.price(peak, column),
    )


def _column(history: History, sale: Sale) -> int:
    return next(i for i, security in enumerate(history.securities) if security.id == sale.security_id)


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
                cost=Decimal(shares * int(history.cents[row, column])).scaleb(-2),
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


def _holdings(plan: Plan, history: History, shares: "Integers") -> list[Holding]:
    """The positions that the custodian states: those of the lots, but for the account whose data are wrong."""
    wrong = MISMATCH_SHARES if Case.LOT_MISMATCH in plan.entry.cases else Decimal(0)
    holdings: list[Holding] = []
    for column in shares.nonzero()[0]:
        quantity = Decimal(int(shares[column])) + (wrong if not holdings else Decimal(0))
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


def _cash(plan: Plan, dollars: Decimal) -> CashBalance:
    """One account in 33 has sale proceeds that have not settled."""
    unsettled = min(Decimal("1500.00"), to_cents(dollars / 2)) if plan.number % 33 == 9 else Decimal("0.00")
    return CashBalance(settled=dollars - unsettled, unsettled=unsettled)
