"""I2, I3, I4: each order once at the broker, each the sum of its members, each fill counted once."""

from collections import Counter
from collections.abc import Iterator

from trimtab.domain.money import ZERO
from trimtab.domain.orders import BlockStatus, IntentStatus
from trimtab.invariants.book import Book, Violation, total


def sent_once(book: Book) -> Iterator[Violation]:
    """I2: an intent is in one block at most, and the broker took each block once at most."""
    for intent_id, count in Counter(each.intent_id for each in book.members).items():
        if count > 1:
            yield Violation("I2", intent_id, f"it is a member of {count} blocks")
    for client_order_id, count in Counter(each.order.client_order_id for each in book.orders).items():
        if count > 1:
            yield Violation("I2", client_order_id, f"the broker took it {count} times")
    for intent_id, row in book.intents.items():
        is_member = intent_id in book.block_of_intent
        may_be = {IntentStatus.PENDING: not is_member, IntentStatus.UNFILLED: True}
        if not may_be.get(IntentStatus(row.status), is_member):
            yield Violation("I2", intent_id, f"it is {row.status} and {'in a' if is_member else 'in no'} block")


def sent_as_blocks(book: Book) -> Iterator[Violation]:
    """I3: every order of the broker is a block of ours, as large as its members together."""
    for taken in book.orders:
        order, row = taken.order, book.blocks.get(taken.order.client_order_id)
        if row is None:
            yield Violation("I3", order.client_order_id, "the broker has it and we have no such block")
            continue
        ours = (row.security_id, row.side, row.quantity, row.business_date)
        if (order.security_id, order.side, order.quantity, order.business_date) != ours:
            yield Violation("I3", order.client_order_id, "the broker has it with other terms")
        if row.status == BlockStatus.READY:
            yield Violation("I3", order.client_order_id, "the broker has it before it was taken for sending")
    for client_order_id, row in book.blocks.items():
        members = book.members_of_block[client_order_id]
        if sum((each.quantity for each in members), ZERO) != row.quantity:
            yield Violation("I3", client_order_id, "its quantity is not the sum of its members")
        for each in members:
            leg = book.intents[each.intent_id]
            if (leg.security_id, leg.side, leg.quantity) != (row.security_id, row.side, each.quantity):
                yield Violation("I3", each.intent_id, f"its block {client_order_id} trades something else")


def counted_once(book: Book, settled: bool) -> Iterator[Violation]:
    """I4: our executions are the broker's, each once; they sum to the block, and its allocations to them."""
    ours = {row.exec_id: row for row in book.executions}
    theirs = {fill.exec_id: fill for fill in book.fills}
    for exec_id, row in ours.items():
        fill, terms = theirs.get(exec_id), (row.client_order_id, row.quantity, row.price)
        if fill is None or (fill.client_order_id, fill.quantity, fill.price) != terms:
            yield Violation("I4", exec_id, "the broker reported no such execution")
    for exec_id in sorted(theirs.keys() - ours.keys()) if settled else ():
        yield Violation("I4", exec_id, "the broker executed it and we have not posted it")
    executed = total(book.executions, "client_order_id", "quantity")
    allocated = total(book.allocations, "client_order_id", "quantity")
    for client_order_id, row in book.blocks.items():
        filled = executed[client_order_id]
        if not row.filled_quantity == filled <= row.quantity:
            yield Violation("I4", client_order_id, f"{filled} executed, {row.filled_quantity} of {row.quantity} noted")
        if row.allocated and allocated[client_order_id] != filled:
            yield Violation("I4", client_order_id, f"{filled} executed and {allocated[client_order_id]} allocated")
    shares = total(book.allocations, "intent_id", "quantity")
    for intent_id, row in book.intents.items():
        if row.filled_quantity != shares[intent_id]:
            yield Violation("I4", intent_id, f"{row.filled_quantity} noted as filled, {shares[intent_id]} allocated")
