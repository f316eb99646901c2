"""I7, I8: no lot sold beyond its shares, no account overdrawn, money conserved to the cent."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.db.content import get_plain
from trimtab.db.tables import cash_reservation, lot_reservation
from trimtab.domain.money import CENT, ZERO, to_cents
from trimtab.domain.orders import Side
from trimtab.invariants.book import ENDED, Book, Rows, Violation, all_rows, total

CASH_TOLERANCE: Final = Decimal("0.05")
"""How much of what was traded an account may be short of: closes move between the analysis and the fill."""

_Lot = tuple[str, date, str]  # account, business date, lot


def lots_covered(connection: Connection, book: Book) -> Iterator[Violation]:
    """I7: no lot is sold beyond its shares, counting what is reserved; what has ended reserves nothing."""
    reservations = all_rows(connection, lot_reservation)
    yield from _reserved_while_open("I7", reservations, book)
    held, taken = _held(book), _taken(reservations, book)
    for lot, quantity in taken.items():
        if quantity > held.get(lot, ZERO):
            yield Violation("I7", f"{lot[0]}/{lot[2]}", f"{quantity} taken of {held.get(lot, ZERO)} shares")
    posted = total(book.postings, "intent_id", "quantity")
    for intent_id, row in book.intents.items():
        signed = row.filled_quantity if row.side == Side.BUY else -row.filled_quantity
        if posted[intent_id] != signed:
            yield Violation("I7", intent_id, f"{posted[intent_id]} posted and {signed} filled")


def _held(book: Book) -> dict[_Lot, Decimal]:
    """Shares of each lot that some sale claims, as they were when it was committed."""
    return {
        (row.account_id, row.business_date, claim["lot"]["id"]): Decimal(claim["lot"]["quantity"])
        for row in book.intents.values()
        for claim in row.lot_sales
    }


def _taken(reservations: Rows, book: Book) -> Mapping[_Lot, Decimal]:
    """Shares of each lot that are sold, or reserved for a sale."""
    taken: defaultdict[_Lot, Decimal] = defaultdict(lambda: ZERO)
    for row in book.postings:
        if row.quantity < 0:
            taken[row.account_id, row.trade_date, row.lot_id] -= row.quantity
    for row in reservations:
        if not row.released:
            owner = book.intents[row.intent_id]
            taken[owner.account_id, owner.business_date, row.lot_id] += row.quantity
    return taken


def _reserved_while_open(invariant: str, reservations: Rows, book: Book) -> Iterator[Violation]:
    for row in reservations:
        status = book.intents[row.intent_id].status
        if row.released != (status in ENDED):
            kept = "released" if row.released else "kept"
            yield Violation(invariant, row.intent_id, f"it is {status} and what it reserved is {kept}")


def cash_conserved(connection: Connection, book: Book) -> Iterator[Violation]:
    """I8: each cent that was executed is split, and each that was split is posted; no account is overdrawn."""
    yield from _reserved_while_open("I8", all_rows(connection, cash_reservation), book)
    traded: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in book.executions:
        traded[row.client_order_id] += row.quantity * row.price
    split = total(book.allocations, "client_order_id", "notional")
    for client_order_id, row in book.blocks.items():
        if row.allocated and split[client_order_id] != to_cents(traded[client_order_id]):
            yield Violation("I8", client_order_id, f"{traded[client_order_id]} traded, {split[client_order_id]} split")
    posted = total(book.postings, "intent_id", "cash")
    for share in book.allocations:
        is_sale = book.intents[share.intent_id].side == Side.SELL
        due = (share.notional if is_sale else -share.notional) - share.commission
        if posted[share.intent_id] != due:
            yield Violation("I8", share.intent_id, f"{posted[share.intent_id]} posted where {due} is due")
    for day_id, day in book.days.items():
        legs = book.intents_of_day[day_id]
        if legs and all(row.status in ENDED for row in legs) and day.snapshot_hash is not None:
            yield from _overdrawn(connection, day, legs, posted)


def _overdrawn(connection: Connection, day: Row[Any], legs: Rows, posted: Mapping[str, Decimal]) -> Iterator[Violation]:
    """Cash may end below zero by what a sale did not bring, and by the closes' moves: by nothing else."""
    balance = get_plain(connection, day.snapshot_hash)["cash"]
    before = Decimal(balance["settled"]) + Decimal(balance["unsettled"])
    after = before + sum((posted[row.intent_id] for row in legs), ZERO)
    planned = sum((row.quantity * row.reference_price for row in legs), ZERO)
    not_sold = sum(
        ((row.quantity - row.filled_quantity) * row.reference_price for row in legs if row.side == Side.SELL), ZERO
    )
    if after < min(before, ZERO) - not_sold - CASH_TOLERANCE * planned - CENT:
        yield Violation("I8", day.account_day_id, f"its cash ends at {after}")
