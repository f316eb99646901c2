"""I1, I5, I6: each account ends once, as it traded; each step has its record; the records verify."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from trimtab.db.records import verify_chains
from trimtab.db.tables import account, decision, record, run
from trimtab.domain.lifecycle import TerminalState
from trimtab.domain.money import ZERO
from trimtab.domain.orders import IntentStatus
from trimtab.invariants.book import ENDED, POLICY, Book, Rows, Violation, all_rows


def one_ending(connection: Connection, book: Book, settled: bool) -> Iterator[Violation]:
    """I1: each account has one current account-day of a run, and that ends once."""
    current = Counter((row.account_id, row.business_date) for row in book.days.values() if row.current)
    for (account_id, on), count in current.items():
        if count != 1:
            yield Violation("I1", f"{account_id} {on}", f"it has {count} current account-days")
    done = {row.run_id: row.business_date for row in all_rows(connection, run) if settled and row.status == "DONE"}
    accounts = list(connection.scalars(select(account.c.account_id)))
    for on in done.values():
        for account_id in accounts:
            if not current[account_id, on]:
                yield Violation("I1", f"{account_id} {on}", "it has no account-day")
    for day_id, day in book.days.items():
        if day.terminal_state is not None:
            yield from _ends_as_traded(day, book.intents_of_day[day_id])
        elif day.current and day.run_id in done:
            yield Violation("I1", day_id, f"its run is over and it stands at {day.stage}")


def _ends_as_traded(day: Row[Any], intents: Rows) -> Iterator[Violation]:
    filled = sum((row.filled_quantity for row in intents), ZERO)
    in_doubt = any(row.status == IntentStatus.IN_DOUBT for row in intents)
    if (day.terminal_state == TerminalState.TRADED) != (filled > 0 and not in_doubt):
        yield Violation("I1", day.account_day_id, f"it ended {day.terminal_state} with {filled} shares executed")
    working = [row.intent_id for row in intents if row.status not in (*ENDED, IntentStatus.IN_DOUBT)]
    if working:
        yield Violation("I1", day.account_day_id, f"it ended while {working[0]} is open")


def recorded(connection: Connection, book: Book) -> Iterator[Violation]:
    """I5: a decision, a commit, a release, an allocation and an ending have exactly one record each, with an actor."""
    seen: Counter[tuple[str, str]] = Counter()
    columns = (record.c.kind, record.c.account_day_id, record.c.actor, record.c.hash, record.c.body)
    for each in connection.execute(select(*columns)):
        if not each.actor:
            yield Violation("I5", each.hash, "it names no actor")
        seen.update(_told(each.kind, each.account_day_id, each.body))
    for made in all_rows(connection, decision):
        by_person = not made.actor.startswith(POLICY)
        if seen["decided", made.decision_id] != by_person:
            yield Violation("I5", made.decision_id, f"{seen['decided', made.decision_id]} records say that it was made")
    for intent_id, row in book.intents.items():
        is_member = intent_id in book.block_of_intent
        has_ended = is_member and row.status in (*ENDED, IntentStatus.IN_DOUBT)
        for what, times in {"committed": True, "released": is_member, "ended": has_ended}.items():
            if seen[what, intent_id] != times:
                yield Violation("I5", intent_id, f"{seen[what, intent_id]} records say that it was {what}")
    for day_id, day in book.days.items():
        if seen["sealed", day_id] != (day.terminal_state is not None):
            yield Violation("I5", day_id, f"{seen['sealed', day_id]} records seal its day")


def _told(kind: str, account_day_id: str, body: Any) -> Iterator[tuple[str, str]]:
    """What a record says was done to which intent or account-day."""
    match kind:
        case "DECISION":
            yield "decided", body["decision"]
        case "STAGE_TRADE":
            yield from (("committed", each) for each in body.get("intents", ()))
        case "ORDERS_RELEASED":
            yield from (("released", each["intent"]) for each in body["orders"])
        case "EXECUTED" | "IN_DOUBT":
            yield "ended", body["intent"]
        case "STAGE_RECORD":
            yield "sealed", account_day_id


def verified(connection: Connection) -> Iterator[Violation]:
    """I6: every hash chain verifies."""
    for broken in verify_chains(connection)[1]:
        yield Violation("I6", f"{broken.account_id}/{broken.seq}", broken.reason)
