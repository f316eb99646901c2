"""The trade stage's second half: what came of the orders."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.orders import intents_of, lock_household_and_account, release_reservations, set_status
from trimtab.db.runs import is_published
from trimtab.db.stages import StageResult, adopt, get_or_compute
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import HoldCode, MarketEventKind, Stage, TerminalState, trade_ending
from trimtab.domain.money import ZERO
from trimtab.domain.orders import IntentStatus

_MARKET_IS_OVER: Final = (MarketEventKind.CLOSE, MarketEventKind.DAY_END)
_REASONS: Final = {
    HoldCode.IN_DOUBT: "nobody knows whether the broker has the orders",
    HoldCode.BROKER_REJECTED: "the broker refused every order",
    HoldCode.UNFILLED: "no share was executed",
}


class BrokerStateUnknown(TrimtabError):
    """Some of the account's orders still wait for a release or for the broker: ask again."""

    code = "BROKER_STATE_UNKNOWN"
    transient = True


def close_orders(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """End the account's trading day: TRADED when at least one share was executed, else HELD with the reason.

    After the close, intents that no release took are ended unfilled and free what they reserved. Raises
    BrokerStateUnknown while a release may still take one, or the broker works on an order: a signal that comes
    too early ends nothing.
    """
    lock_household_and_account(connection, ref.account_id)
    adopted = adopt(connection, ref, Stage.TRADE)
    if adopted is not None:
        return adopted
    intents = intents_of(connection, ref.account_day_id, lock=True)
    working = [row.intent_id for row in intents if row.status == IntentStatus.RELEASED]
    if working:
        raise BrokerStateUnknown(f"{len(working)} orders of account-day {ref.account_day_id} are at the broker")
    never_sent = [row.intent_id for row in intents if row.status == IntentStatus.PENDING]
    if (never_sent or not intents) and not is_published(connection, ref.run_id, _MARKET_IS_OVER):
        raise BrokerStateUnknown(f"{len(never_sent)} orders of account-day {ref.account_day_id} wait for a release")
    set_status(connection, never_sent, IntentStatus.UNFILLED)
    release_reservations(connection, never_sent)
    ended = intents_of(connection, ref.account_day_id)
    inputs = {"step": "close", "intents": [[row.intent_id, row.status, row.filled_quantity] for row in ended]}
    return get_or_compute(
        connection, ref, Stage.TRADE, inputs, lambda: StageResult(_outcome(ended), {"step": "close"}), build=build
    )


def _outcome(intents: Sequence[Row[Any]]) -> StageOutcome:
    if not intents:
        reason = "no order was committed before the close"
        return StageOutcome(
            Stage.TRADE, Stage.RECORD, terminal=TerminalState.HELD, code=HoldCode.UNFILLED, reason=reason
        )
    terminal, code = trade_ending(
        [IntentStatus(row.status) for row in intents],
        sum((row.quantity for row in intents), ZERO),
        sum((row.filled_quantity for row in intents), ZERO),
    )
    reason = "" if terminal is TerminalState.TRADED else _REASONS[HoldCode(code)]
    return StageOutcome(Stage.TRADE, Stage.RECORD, terminal=terminal, code=code, reason=reason)
