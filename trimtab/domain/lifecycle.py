"""The account's day: its stages, lanes and terminal states, the same words everywhere."""

from enum import StrEnum


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
