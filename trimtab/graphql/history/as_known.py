"""An account-day as it was known at an instant: only what the database had recorded by then.

Rows that move (account-days, intents) keep their present state; what they showed then follows from the records of
their moves, which are never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from sqlalchemy import Row

from trimtab.domain.lifecycle import Stage, Standstill
from trimtab.domain.orders import IntentStatus

Recorded = TypeVar("Recorded", bound=Row[Any])
_WAITING = (Standstill.REVIEW.value, Standstill.SUSPENDED.value)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Until when, by the database's clock; `is_settled`: the day's orders had come to their end by then."""

    at: datetime
    is_settled: bool

    def rows(self, rows: Sequence[Recorded]) -> list[Recorded]:
        """Those that were recorded by then."""
        return [row for row in rows if row.recorded_at <= self.at]


def known(rows: Sequence[Recorded], knowledge: Knowledge | None) -> list[Recorded]:
    """The rows that count: all of them unless an instant is asked about."""
    return list(rows) if knowledge is None else knowledge.rows(rows)


def knowledge_at(at: datetime, passes: Sequence[Row[Any]]) -> Knowledge:
    return Knowledge(at, any(row.recorded_at <= at and _ends_trading(row) for row in passes))


def _ends_trading(row: Row[Any]) -> bool:
    """The pass that committed the orders stays in TRADE: they are still to come to their end."""
    following = (row.body.get("outcome") or {}).get("next")
    return bool(row.kind == "STAGE_TRADE" and following != Stage.TRADE.value)


def day_as_known(day: Row[Any], passes: Sequence[Row[Any]], knowledge: Knowledge) -> Row[Any]:
    """The account-day's row with the columns that it had after the last pass of a stage by then."""
    told = knowledge.rows(passes)
    changes: dict[str, Any] = {
        "stage": Stage.INGEST.value,
        "lane": None,
        "snapshot_hash": None,
        "proposal_id": None,
        "proposal_hash": None,
        "terminal_state": None,
        "terminal_code": None,
        "terminal_reason": None,
        "blocked_stage": None,
        "waiting_reason": None,
    }
    for row in told:
        changes |= _after(row)
    # Each pass of a stage has moved the version on by one.
    changes["version"] = day.version - (len(passes) - len(told))
    if told:
        changes["updated_at"] = told[-1].recorded_at
    return cast("Row[Any]", SimpleNamespace(**{**day._mapping, **changes}))


def _after(row: Row[Any]) -> dict[str, Any]:
    """The columns that the pass set."""
    body, outcome = row.body, row.body.get("outcome") or {}
    following = outcome.get("next")
    changes: dict[str, Any] = {
        "stage": following or Stage.RECORD.value,
        "waiting_reason": (outcome.get("reason") or None) if following in _WAITING else None,
    }
    if outcome.get("lane"):
        changes["lane"] = outcome["lane"]
    if row.kind == "STAGE_VALIDATE" and body.get("snapshot"):
        changes["snapshot_hash"] = body["snapshot"]
    if row.kind == "STAGE_ANALYZE" and body.get("proposal_id"):
        changes |= {"proposal_id": body["proposal_id"], "proposal_hash": body["proposal"]}
    if row.kind == "STAGE_RECORD" and following is None and outcome.get("terminal"):
        changes |= {
            "terminal_state": outcome["terminal"],
            "terminal_code": outcome.get("code") or None,
            "terminal_reason": outcome.get("reason") or None,
        }
    return changes


def intent_as_known(intent: Row[Any], knowledge: Knowledge | None) -> Row[Any]:
    """Before its day's orders had come to their end an intent is shown as it was committed."""
    if knowledge is None or knowledge.is_settled:
        return intent
    committed = {"status": IntentStatus.PENDING.value, "filled_quantity": Decimal(0), "client_order_id": None}
    return cast("Row[Any]", SimpleNamespace(**{**intent._mapping, **committed}))
