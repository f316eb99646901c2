"""The trade stage's second half: what came of the orders."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.orders import intents_of, lock_household_and_account, release_reservations, set_status
from trimtab.db.stages import StageResult, get_or_compute
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import HoldCode, Stage, TerminalState
from trimtab.domain.orders import IntentStatus


class BrokerStateUnknown(TrimtabError):
    """Some of the account's orders are at the broker and their end is not known yet: ask again."""

    code = "BROKER_STATE_UNKNOWN"
    transient = True


def close_orders(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """End the account's trading day: TRADED when at least one share was executed, else HELD with the reason.

    Intents that no release took are ended unfilled and free what they reserved. Raises BrokerStateUnknown
    while the broker still works on an order.
    """
    lock_household_and_account(connection, ref.account_id)
    intents = intents_of(connection, ref.account_day_id)
    working = [row.intent_id for row in intents if row.status == IntentStatus.RELEASED]
    if working:
        raise BrokerStateUnknown(f"{len(working)} orders of account-day {ref.account_day_id} are at the broker")
    never_sent = [row.intent_id for row in intents if row.status == IntentStatus.PENDING]
    set_status(connection, never_sent, IntentStatus.UNFILLED)
    release_reservations(connection, never_sent)
    ended = intents_of(connection, ref.account_day_id)
    inputs = {"step": "close", "intents": [[row.intent_id, row.status, row.filled_quantity] for row in ended]}
    return get_or_compute(
        connection, ref, Stage.TRADE, inputs, lambda: StageResult(_outcome(ended), {"step": "close"}), build=build
    )


def _outcome(intents: Sequence[Row[Any]]) -> StageOutcome:
    statuses = {row.status for row in intents}
    if any(row.filled_quantity > 0 for row in intents):
        code = "FULL" if statuses == {IntentStatus.FILLED} else "PARTIAL"
        return StageOutcome(Stage.TRADE, Stage.RECORD, terminal=TerminalState.TRADED, code=code)
    if IntentStatus.IN_DOUBT in statuses:
        return _held(HoldCode.IN_DOUBT, "nobody knows whether the broker has the orders")
    if statuses == {IntentStatus.REJECTED}:
        return _held(HoldCode.BROKER_REJECTED, "the broker refused every order")
    return _held(HoldCode.UNFILLED, "no share was executed")


def _held(code: HoldCode, reason: str) -> StageOutcome:
    return StageOutcome(Stage.TRADE, Stage.RECORD, terminal=TerminalState.HELD, code=code, reason=reason)
