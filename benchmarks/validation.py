"""How long the data checks of a whole firm take: every finding about each account, from values in memory.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.validation [--accounts 100000] [--json]

The demo firm's accounts are judged again and again until so many have been: their holdings are real in size (a few to
some hundred lots). Reading rows from the database is the loader's time and is measured by benchmarks.feeds.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice

from trimtab.demo.firm import DEFAULT_BUSINESS_DATE, DemoFirm, build_firm
from trimtab.domain.accounts import Standing
from trimtab.domain.delivered import AccountHoldings, DeliveredLot, DeliveredPosition, MarketFacts
from trimtab.domain.findings import verdict
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.price_checks import JudgedPrice, PriceStatus
from trimtab.domain.validation import validate_account

FOUNDED = 400
"""Accounts of the demo firm that are judged in turn."""


@dataclass(frozen=True, slots=True)
class Validated:
    """Processor time of judging, without building the accounts."""

    accounts: int
    lots: int
    seconds: float
    accounts_a_second: float
    stopped: int  # accounts that may not be analysed


def holdings_of(firm: DemoFirm) -> list[AccountHoldings]:
    """The firm's accounts as delivered."""
    book, models = firm.book, {model.id: model for model in firm.models}
    positions: dict[str, list[DeliveredPosition]] = {}
    for held in book.holdings:
        value = to_cents(held.quantity * firm.prices[held.security_id]) if held.security_id in firm.prices else ZERO
        positions.setdefault(held.account_id, []).append(
            DeliveredPosition(held.security_id, held.security_id, held.quantity, value)
        )
    lots: dict[str, list[DeliveredLot]] = {}
    for lot in book.lots:
        delivered = DeliveredLot(lot.id, lot.security_id, lot.security_id, lot.quantity, lot.acquired_on, lot.cost)
        lots.setdefault(lot.account_id, []).append(delivered)
    return [
        AccountHoldings(
            account=entry.account,
            settings=entry.settings,
            model=models.get(entry.account.model_id) if entry.account.model_id is not None else None,
            positions=tuple(positions.get(entry.id, ())),
            lots=tuple(lots.get(entry.id, ())),
            cash=book.cash.get(entry.id),
        )
        for entry in firm.accounts
        if entry.account.standing is not Standing.CLOSED
    ]


def market_of(firm: DemoFirm) -> MarketFacts:
    return MarketFacts(
        as_of=firm.as_of,
        securities={one.id: one for one in firm.securities},
        prices={name: JudgedPrice(PriceStatus.GOOD, close, firm.as_of) for name, close in firm.prices.items()},
        risk_covered=frozenset(one.id for one in firm.securities),
    )


def measure(accounts: int) -> Validated:
    firm = build_firm(FOUNDED, 20, DEFAULT_BUSINESS_DATE)
    every, market = holdings_of(firm), market_of(firm)
    lots = stopped = 0
    began = time.process_time()
    for holdings in islice(cycle(every), accounts):
        found = verdict(validate_account(holdings, market, firm.business_date))
        stopped += found.terminal is not None
        lots += len(holdings.lots)
    seconds = time.process_time() - began
    return Validated(accounts, lots, round(seconds, 2), round(accounts / seconds), stopped)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measure(asked.accounts)
    if asked.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.accounts} accounts with {found.lots} lots in {found.seconds} s: "
            f"{found.accounts_a_second} a second, {found.stopped} may not be analysed"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
