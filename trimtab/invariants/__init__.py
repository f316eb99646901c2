"""What must be true of a firm's day whatever was killed or cut (reliability, section 1: I1 to I9).

`check_invariants` reads one firm's rows and the paper broker's own journal, and compares. It shares no code with
the gateway's posting: it recomputes. Tests and fault campaigns call it after every run.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from trimtab.broker.journal import JournalEntry
from trimtab.invariants.book import Violation, read_book
from trimtab.invariants.days import one_ending, recorded, verified
from trimtab.invariants.legs import approved_legs
from trimtab.invariants.orders import counted_once, sent_as_blocks, sent_once
from trimtab.invariants.positions import cash_conserved, lots_covered

__all__ = ["Violation", "check_invariants"]


def check_invariants(
    connection: Connection, journal_entries: Iterable[JournalEntry], *, settled: bool = True
) -> list[Violation]:
    """Every violation of I1 to I9 in the firm of the connection's transaction, in the order of the invariants.

    `settled` False while orders are under way: what is still missing is no violation then. The journal is the
    broker's; orders and fills of other firms in it are left out.
    """
    book = read_book(connection, [entry.event for entry in journal_entries])
    checks = (
        one_ending(connection, book, settled),
        sent_once(book),
        sent_as_blocks(book),
        counted_once(book, settled),
        recorded(connection, book),
        verified(connection),
        lots_covered(connection, book),
        cash_conserved(connection, book),
        approved_legs(connection, book),
    )
    return [violation for check in checks for violation in check]
