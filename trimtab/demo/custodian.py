"""The demo firm's custodian and vendors: a day's files, and how one day becomes the next."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from trimtab.demo.book import Book, Sale
from trimtab.demo.drop import csv_text, publish, write_feed
from trimtab.demo.feed_tables import feed_files
from trimtab.demo.firm import DemoFirm, build_firm, firm_on
from trimtab.demo.market import CorporateAction
from trimtab.demo.roster import DemoAccount
from trimtab.domain.accounts import AccountId, CashBalance
from trimtab.domain.securities import SecurityId

SALES_KEPT_DAYS = 45  # calendar days of past sales in the feed; wash sale windows need 31


def deliver(firm: DemoFirm, drop: Path, closes_directory: Path) -> tuple[Path, ...]:
    """Writes every feed file of the firm's business date into `drop`, and the market's closes of that date.

    Delivering an equal firm again writes the same bytes. Returns the files, done-markers left out.
    """
    files = [write_feed(feed, drop, firm.id, firm.business_date, firm.as_of) for feed in feed_files(firm)]
    return (*files, _write_closes(firm, closes_directory))


def next_day(firm: DemoFirm, book: Book) -> DemoFirm:
    """The firm on the next session: the market moves on, and the custodian holds what `book` says.

    `book` is the evening of the firm's business date, after corporate actions and fills, with every sale of
    the last weeks. Of cash only settled plus unsettled counts: what was traded on the business date is
    unsettled the next morning, all else has settled (T+1). An account that `book` does not know, and a holding
    of a security that is in no master, stay as the custodian had them.
    """
    kept = with_splits(firm.book, firm.actions)
    return _on_the_morning_after(firm, firm.business_date, kept, book)


def resume_firm(accounts: int, seed: int, founded_on: date, last_business_date: date, book: Book) -> DemoFirm:
    """What a chain of `next_day` gives after `last_business_date`, made from the book of that evening alone."""
    firm = build_firm(accounts, seed, founded_on)
    return resume(firm, last_business_date, book)


def resume(first_day: DemoFirm, last_business_date: date, book: Book) -> DemoFirm:
    """As `resume_firm`, from the firm of the first business date."""
    kept, day = first_day.book, first_day.founded_on
    while day <= last_business_date:
        kept = with_splits(kept, first_day.market.actions(day))
        day = first_day.market.next_session(day)
    return _on_the_morning_after(first_day, last_business_date, kept, book)


def _on_the_morning_after(firm: DemoFirm, traded_on: date, kept: Book, book: Book) -> DemoFirm:
    business_date = firm.market.next_session(traded_on)
    return firm_on(
        business_date,
        market=firm.market,
        firm_id=firm.id,
        seed=firm.seed,
        founded_on=firm.founded_on,
        securities=firm.securities,
        unlisted=firm.unlisted,
        accounts=tuple(_without_past_needs(entry, business_date) for entry in firm.accounts),
        book=_evening(kept, book, set(firm.unlisted), traded_on),
        remarks=firm.remarks,
    )


def _evening(kept: Book, book: Book, unlisted: set[SecurityId], traded_on: date) -> Book:
    """`book`, filled up from `kept` where it does not know an account or a security."""
    known = set(book.cash)
    stated = {(held.account_id, held.security_id) for held in book.holdings}

    def stays(account_id: AccountId, security_id: SecurityId) -> bool:
        in_doubt = account_id not in known or security_id in unlisted
        return in_doubt and (account_id, security_id) not in stated

    holdings = [held for held in kept.holdings if stays(held.account_id, held.security_id)]
    lots = [lot for lot in kept.lots if stays(lot.account_id, lot.security_id)]
    return Book(
        holdings=tuple(sorted((*book.holdings, *holdings), key=lambda held: (held.account_id, held.security_id))),
        lots=tuple(sorted((*book.lots, *lots), key=lambda lot: (lot.account_id, lot.security_id, lot.id))),
        cash=_settled(kept, book, traded_on),
        sales=_recent_sales(kept, book, traded_on),
    )


def _settled(kept: Book, book: Book, traded_on: date) -> dict[AccountId, CashBalance]:
    """Splits each account's cash into settled and unsettled by the trades of `traded_on`."""
    unsettled: defaultdict[AccountId, Decimal] = defaultdict(lambda: Decimal("0.00"))
    for lot in book.lots:
        if lot.acquired_on == traded_on:
            unsettled[lot.account_id] -= lot.original_cost
    for sale in book.sales:
        if sale.sold_on == traded_on:
            unsettled[sale.account_id] += sale.proceeds
    balances = {account_id: book.cash.get(account_id, before) for account_id, before in kept.cash.items()}
    return {
        account_id: CashBalance(balance.trade_date_total - unsettled[account_id], unsettled[account_id])
        for account_id, balance in balances.items()
    }


def with_splits(book: Book, actions: Iterable[CorporateAction]) -> Book:
    """The book after the splits among `actions`: quantities times new per old, costs and dates as they were."""
    ratios = {
        action.security_id: Decimal(action.new_shares) / Decimal(action.old_shares)
        for action in actions
        if action.new_shares and action.old_shares
    }
    if not ratios:
        return book
    one = Decimal(1)
    return replace(
        book,
        holdings=tuple(
            replace(held, quantity=held.quantity * ratios.get(held.security_id, one)) for held in book.holdings
        ),
        lots=tuple(replace(lot, quantity=lot.quantity * ratios.get(lot.security_id, one)) for lot in book.lots),
    )


def _recent_sales(kept: Book, book: Book, traded_on: date) -> tuple[Sale, ...]:
    """Past and new ones, each as often as the book that has it more often: a ledger repeats the feed's."""
    together = Counter(kept.sales) | Counter(book.sales)
    oldest = traded_on - timedelta(days=SALES_KEPT_DAYS)
    recent = [sale for sale in together.elements() if sale.sold_on >= oldest]
    return tuple(sorted(recent, key=lambda sale: (sale.account_id, sale.sold_on, sale.security_id, sale.proceeds)))


def _without_past_needs(entry: DemoAccount, business_date: date) -> DemoAccount:
    needs = tuple(need for need in entry.settings.cash_needs if need.due_on >= business_date)
    return replace(entry, settings=replace(entry.settings, cash_needs=needs))


def _write_closes(firm: DemoFirm, directory: Path) -> Path:
    """What the paper broker fills at. It stands for the market: the firm itself never reads it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"closes-{firm.business_date.isoformat()}.csv"
    closes = [(security_id, f"{close:f}") for security_id, close in firm.market_closes.items()]
    publish(path, csv_text([("security_id", "close"), *closes]))
    return path
