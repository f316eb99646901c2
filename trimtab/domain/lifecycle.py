"""The account's day: its stages, lanes and terminal states, the same words everywhere."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from errno import EDQUOT, ENOSPC
from typing import Final

from trimtab.domain.errors import TrimtabError
from trimtab.domain.orders import IntentStatus


class Stage(StrEnum):
    """The eight stages, in order, and two places where a day can stand outside of them."""

    INGEST = "ingest"
    VALIDATE = "validate"
    ANALYZE = "analyze"
    FILTER = "filter"
    REVIEW = "review"
    APPROVE = "approve"
    TRADE = "trade"
    RECORD = "record"


class Lane(StrEnum):
    """Where the firm's filters send an account that has something to trade."""

    AUTOMATED = "AUTOMATED"
    REVIEW = "REVIEW"
    COMPLIANCE = "COMPLIANCE"
    SUSPEND = "SUSPEND"
    NO_TRADE = "NO_TRADE"


class TerminalState(StrEnum):
    """Exactly one per account and business date; they sum to the roster (I1)."""

    TRADED = "TRADED"
    NO_TRADE = "NO_TRADE"
    SUSPENDED = "SUSPENDED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    HELD = "HELD"


class HoldCode(StrEnum):
    UNFILLED = "UNFILLED"
    BROKER_REJECTED = "BROKER_REJECTED"
    PRIOR_ORDER_OPEN = "PRIOR_ORDER_OPEN"
    IN_DOUBT = "IN_DOUBT"
    SOLVER = "SOLVER"
    BLOCKED_INGEST = "BLOCKED_INGEST"
    BLOCKED_VALIDATE = "BLOCKED_VALIDATE"
    BLOCKED_ANALYZE = "BLOCKED_ANALYZE"
    BLOCKED_FILTER = "BLOCKED_FILTER"
    BLOCKED_APPROVE = "BLOCKED_APPROVE"
    BLOCKED_TRADE = "BLOCKED_TRADE"
    BLOCKED_RECORD = "BLOCKED_RECORD"


class Standstill(StrEnum):
    """Where an open account-day waits for somebody or something."""

    REVIEW = "review"
    SUSPENDED = "suspended"
    TRADE = "trade"
    BLOCKED = "blocked"


class MarketEventKind(StrEnum):
    """The business clock's ticks, in the order of the day. RELEASE recurs between OPEN and CLOSE."""

    RUN_START = "RUN_START"
    CUT_OFF = "CUT_OFF"
    OPEN = "OPEN"
    RELEASE = "RELEASE"
    REVIEW_EXPIRY = "REVIEW_EXPIRY"
    CLOSE = "CLOSE"
    DAY_END = "DAY_END"


class TradedCode(StrEnum):
    FULL = "FULL"  # every share of every intent was executed
    PARTIAL = "PARTIAL"


class ErrorClass(StrEnum):
    """How a step's failure is treated."""

    TRANSIENT = "transient"  # connection, serialization, timeout, disk full: retried until CUT_OFF
    DETERMINISTIC = "deterministic"  # the same step fails alike again: parks at once
    UNKNOWN = "unknown"  # crash, killed child: a few attempts, then parks


class IllegalTransition(TrimtabError):
    """Raised when an account-day is to go where its present place does not lead."""

    code = "ILLEGAL_TRANSITION"


class IllegalEnding(TrimtabError):
    """Raised when an account-day is to end in a state that its place does not allow, or with a wrong code."""

    code = "ILLEGAL_ENDING"


Place = Stage | Standstill
"""Where an open account-day is. A standstill of a stage's name is that stage: `review`, `trade`."""

UNKNOWN_ERROR_ATTEMPTS: Final = 3
TRANSIENT_ALERT_AFTER: Final = timedelta(minutes=2)
_LONGEST_TRANSIENT_WAIT: Final = timedelta(seconds=30)
_PARKED_MINUTES: Final = (1, 2, 4, 8, 15)

_AFTER: Final[Mapping[str, frozenset[str]]] = {
    Stage.INGEST: frozenset({Stage.VALIDATE}),
    Stage.VALIDATE: frozenset({Stage.ANALYZE, Stage.RECORD, Standstill.SUSPENDED}),
    Stage.ANALYZE: frozenset({Stage.FILTER, Stage.RECORD}),
    Stage.FILTER: frozenset({Stage.REVIEW, Stage.APPROVE, Stage.RECORD, Standstill.SUSPENDED}),
    # Cleared by compliance: on to the remaining filters. Refreshed or revised: back to where inputs are read.
    Stage.REVIEW: frozenset(
        {Stage.APPROVE, Stage.FILTER, Stage.ANALYZE, Stage.INGEST, Stage.RECORD, Standstill.SUSPENDED}
    ),
    Stage.APPROVE: frozenset({Stage.TRADE, Stage.ANALYZE, Stage.REVIEW, Stage.RECORD, Standstill.SUSPENDED}),
    # Back only while nothing is committed: to ingest when a peer's trade voided the proposal (case 87), to analyze
    # when the approval went stale.
    Stage.TRADE: frozenset({Stage.RECORD, Stage.ANALYZE, Stage.INGEST, Standstill.SUSPENDED}),
    Stage.RECORD: frozenset(),
    Standstill.SUSPENDED: frozenset({Stage.INGEST, Stage.VALIDATE, Stage.FILTER, Stage.RECORD}),
}

_STAGE_AFTER_LANE: Final[Mapping[Lane, Place]] = {
    Lane.AUTOMATED: Stage.APPROVE,
    Lane.REVIEW: Stage.REVIEW,
    Lane.COMPLIANCE: Stage.REVIEW,
    Lane.SUSPEND: Standstill.SUSPENDED,
    Lane.NO_TRADE: Stage.RECORD,
}

_ENDINGS: Final[Mapping[str, frozenset[TerminalState]]] = {
    Stage.INGEST: frozenset({TerminalState.HELD}),  # yesterday's orders are still open
    Stage.VALIDATE: frozenset({TerminalState.SUSPENDED, TerminalState.NO_TRADE}),  # NO_TRADE: a closed account
    Stage.ANALYZE: frozenset({TerminalState.NO_TRADE, TerminalState.HELD}),
    Stage.FILTER: frozenset({TerminalState.SUSPENDED, TerminalState.NO_TRADE}),
    Stage.REVIEW: frozenset({TerminalState.REJECTED, TerminalState.EXPIRED, TerminalState.SUSPENDED}),
    Stage.APPROVE: frozenset({TerminalState.EXPIRED, TerminalState.SUSPENDED}),
    Stage.TRADE: frozenset({TerminalState.TRADED, TerminalState.HELD, TerminalState.SUSPENDED}),
    Stage.RECORD: frozenset(),
    Standstill.SUSPENDED: frozenset({TerminalState.SUSPENDED}),
    Standstill.BLOCKED: frozenset({TerminalState.HELD}),
}


def next_stage(stage: Stage, lane: Lane | None = None) -> Place:
    """The place after a stage that went well. After filter, the lane decides. Raises IllegalTransition."""
    if stage is Stage.FILTER:
        if lane is None:
            raise IllegalTransition("after filter the lane decides, and there is none")
        return _STAGE_AFTER_LANE[lane]
    if stage is Stage.RECORD:
        raise IllegalTransition("nothing comes after record")
    stages = list(Stage)
    return stages[stages.index(stage) + 1]


def may_follow(current: Place, following: Place, blocked_stage: Stage | None = None) -> bool:
    """Whether an account-day at `current` may go to `following`.

    Every stage but record may park as blocked; `blocked_stage` says which did, and only there it goes on.
    """
    if following == Standstill.BLOCKED:
        return current != Standstill.BLOCKED and current != Standstill.SUSPENDED
    if current == Standstill.BLOCKED:
        return following in (blocked_stage, Stage.RECORD)
    return following in _AFTER[current]


def follow(current: Place, following: Place, blocked_stage: Stage | None = None) -> Place:
    """`following` when it may follow. Raises IllegalTransition."""
    if not may_follow(current, following, blocked_stage):
        raise IllegalTransition(f"an account-day at {current} cannot go to {following}")
    return following


def blocked_code(stage: Stage) -> HoldCode:
    """How a day that is parked in `stage` ends at CUT_OFF. Review waits, it does not park. Raises IllegalEnding."""
    if stage is Stage.REVIEW:
        raise IllegalEnding("review is a wait: it ends as REJECTED or EXPIRED, never as blocked")
    return HoldCode(f"BLOCKED_{stage.name}")


def check_ending(state: TerminalState, code: str, place: Place | None = None) -> None:
    """Raise IllegalEnding unless `state` takes `code`, and a day at `place` (None: any) may end so.

    TRADED takes FULL or PARTIAL, HELD a HoldCode, SUSPENDED any reason; the others take one or none.
    """
    if place is not None and state not in _ENDINGS[place]:
        raise IllegalEnding(f"an account-day at {place} cannot end as {state}")
    allowed: type[StrEnum] | None = {TerminalState.TRADED: TradedCode, TerminalState.HELD: HoldCode}.get(state)
    if allowed is not None and code not in list(allowed):
        raise IllegalEnding(f"{state} takes one of {', '.join(allowed)}, not {code!r}")
    if state is TerminalState.SUSPENDED and not code:
        raise IllegalEnding("SUSPENDED needs the code of its reason")


def trade_ending(statuses: Sequence[IntentStatus], ordered: Decimal, filled: Decimal) -> tuple[TerminalState, str]:
    """How a day ends after trading, from all of its intents; shares in all. Raises IllegalEnding without intents.

    In doubt before anything else: what the broker did is not known. Then anything executed is TRADED.
    """
    if not statuses:
        raise IllegalEnding("a day without intents does not end in trade")
    if IntentStatus.IN_DOUBT in statuses:
        return TerminalState.HELD, HoldCode.IN_DOUBT
    if filled > 0:
        return TerminalState.TRADED, TradedCode.FULL if filled >= ordered else TradedCode.PARTIAL
    refused = all(status is IntentStatus.REJECTED for status in statuses)
    return TerminalState.HELD, HoldCode.BROKER_REJECTED if refused else HoldCode.UNFILLED


@dataclass(frozen=True, slots=True)
class Completeness:
    """The ledger of a day: each account of the roster ends exactly once (I1)."""

    counts: Mapping[TerminalState, int]  # of accounts that ended exactly once
    missing: tuple[str, ...]  # no terminal state yet
    repeated: tuple[str, ...]  # more than one
    strangers: tuple[str, ...]  # ended, and not on the roster

    @property
    def is_complete(self) -> bool:
        return not (self.missing or self.repeated or self.strangers)


def completeness(roster: Iterable[str], outcomes: Iterable[tuple[str, TerminalState]]) -> Completeness:
    """Compare the roster with (account id, terminal state) of every final account-day."""
    expected = set(roster)
    ended: dict[str, list[TerminalState]] = {}
    for account_id, state in outcomes:
        ended.setdefault(account_id, []).append(state)
    once = Counter(states[0] for account, states in ended.items() if account in expected and len(states) == 1)
    return Completeness(
        counts={state: once[state] for state in TerminalState},
        missing=tuple(sorted(expected - ended.keys())),
        repeated=tuple(sorted(account for account, states in ended.items() if len(states) > 1)),
        strangers=tuple(sorted(ended.keys() - expected)),
    )


def error_class(error: BaseException) -> ErrorClass:
    """How a failure is treated: typed errors say it themselves, the network's and the system's are transient."""
    if isinstance(error, TrimtabError):
        return ErrorClass.TRANSIENT if error.transient else ErrorClass.DETERMINISTIC
    if isinstance(error, ConnectionError | TimeoutError):
        return ErrorClass.TRANSIENT
    if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
        return ErrorClass.TRANSIENT
    return ErrorClass.UNKNOWN


def transient_wait(tries: int) -> timedelta:
    """How long to wait after the `tries`-th transient failure (from 1): 1 s, doubled, at most 30 s."""
    return min(timedelta(seconds=2 ** (min(tries, 10) - 1)), _LONGEST_TRANSIENT_WAIT)


def parked_wait(tries: int) -> timedelta:
    """How long a parked step rests after its `tries`-th parking (from 1): 1, 2, 4, 8, then 15 minutes each."""
    return timedelta(minutes=_PARKED_MINUTES[min(tries, len(_PARKED_MINUTES)) - 1])
