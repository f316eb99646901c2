"""The account's day: where it goes, how it ends, and the ledger that counts it."""

import errno
from datetime import timedelta
from decimal import Decimal

import pytest

from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import (
    ErrorClass,
    HoldCode,
    IllegalEnding,
    IllegalTransition,
    Lane,
    Place,
    Stage,
    Standstill,
    TerminalState,
    blocked_code,
    check_ending,
    completeness,
    error_class,
    follow,
    may_follow,
    next_stage,
    parked_wait,
    trade_ending,
    transient_wait,
)
from trimtab.domain.orders import IntentStatus


def test_the_eight_stages_follow_each_other() -> None:
    way = [Stage.INGEST]
    while way[-1] is not Stage.RECORD:
        following = next_stage(way[-1], Lane.REVIEW)
        assert isinstance(following, Stage)
        assert may_follow(way[-1], following)
        way.append(following)
    assert way == list(Stage)


@pytest.mark.parametrize(
    ("lane", "place"),
    [
        (Lane.AUTOMATED, Stage.APPROVE),
        (Lane.REVIEW, Stage.REVIEW),
        (Lane.COMPLIANCE, Stage.REVIEW),
        (Lane.SUSPEND, Standstill.SUSPENDED),
        (Lane.NO_TRADE, Stage.RECORD),
    ],
)
def test_after_filter_the_lane_decides(lane: Lane, place: Place) -> None:
    assert next_stage(Stage.FILTER, lane) is place
    assert may_follow(Stage.FILTER, place)


def test_there_is_nothing_after_record_and_no_filter_without_a_lane() -> None:
    with pytest.raises(IllegalTransition):
        next_stage(Stage.RECORD)
    with pytest.raises(IllegalTransition):
        next_stage(Stage.FILTER)


@pytest.mark.parametrize(
    ("current", "following", "allowed"),
    [
        (Stage.REVIEW, Stage.TRADE, False),  # never past the approval
        (Stage.ANALYZE, Stage.TRADE, False),
        (Stage.ANALYZE, Stage.APPROVE, False),
        (Stage.APPROVE, Stage.ANALYZE, True),  # stale: analysed again
        (Stage.REVIEW, Stage.FILTER, True),  # cleared by compliance
        (Standstill.SUSPENDED, Stage.INGEST, True),  # resumed
        (Standstill.SUSPENDED, Stage.TRADE, False),
        (Standstill.REVIEW, Stage.APPROVE, True),
        (Stage.RECORD, Stage.INGEST, False),
    ],
)
def test_no_way_leads_past_validation_filter_or_approval(current: Place, following: Place, allowed: bool) -> None:
    assert may_follow(current, following) is allowed
    if allowed:
        assert follow(current, following) is following
    else:
        with pytest.raises(IllegalTransition):
            follow(current, following)


def test_a_blocked_step_goes_on_where_it_stopped() -> None:
    assert may_follow(Stage.ANALYZE, Standstill.BLOCKED)
    assert may_follow(Standstill.BLOCKED, Stage.ANALYZE, blocked_stage=Stage.ANALYZE)
    assert may_follow(Standstill.BLOCKED, Stage.RECORD, blocked_stage=Stage.ANALYZE)
    assert not may_follow(Standstill.BLOCKED, Stage.APPROVE, blocked_stage=Stage.ANALYZE)
    assert not may_follow(Standstill.BLOCKED, Standstill.BLOCKED)
    assert not may_follow(Standstill.SUSPENDED, Standstill.BLOCKED)


def test_each_stage_that_can_park_has_its_hold_code() -> None:
    parking = [stage for stage in Stage if stage is not Stage.REVIEW]
    codes = {blocked_code(stage) for stage in parking}
    assert codes == {code for code in HoldCode if code.name.startswith("BLOCKED_")}
    with pytest.raises(IllegalEnding):
        blocked_code(Stage.REVIEW)


@pytest.mark.parametrize(
    ("state", "code", "place"),
    [
        (TerminalState.TRADED, "FULL", Stage.TRADE),
        (TerminalState.HELD, "UNFILLED", Stage.TRADE),
        (TerminalState.HELD, "SOLVER", Stage.ANALYZE),
        (TerminalState.HELD, "BLOCKED_INGEST", Standstill.BLOCKED),
        (TerminalState.SUSPENDED, "PRICE_ZERO", Stage.VALIDATE),
        (TerminalState.SUSPENDED, "PAPERWORK", Standstill.SUSPENDED),
        (TerminalState.NO_TRADE, "", Stage.ANALYZE),
        (TerminalState.REJECTED, "", Stage.REVIEW),
        (TerminalState.EXPIRED, "", None),
    ],
)
def test_a_day_may_end_so(state: TerminalState, code: str, place: Place | None) -> None:
    check_ending(state, code, place)


@pytest.mark.parametrize(
    ("state", "code", "place"),
    [
        (TerminalState.TRADED, "FULL", Stage.REVIEW),
        (TerminalState.TRADED, "", None),
        (TerminalState.HELD, "PRICE_ZERO", None),
        (TerminalState.SUSPENDED, "", None),
        (TerminalState.REJECTED, "", Stage.TRADE),
        (TerminalState.NO_TRADE, "", Stage.TRADE),
    ],
)
def test_a_day_may_not_end_so(state: TerminalState, code: str, place: Place | None) -> None:
    with pytest.raises(IllegalEnding):
        check_ending(state, code, place)


@pytest.mark.parametrize(
    ("statuses", "ordered", "filled", "ending"),
    [
        ([IntentStatus.FILLED, IntentStatus.FILLED], 30, 30, (TerminalState.TRADED, "FULL")),
        ([IntentStatus.FILLED, IntentStatus.UNFILLED], 30, 10, (TerminalState.TRADED, "PARTIAL")),
        ([IntentStatus.PARTIAL], 30, 1, (TerminalState.TRADED, "PARTIAL")),
        ([IntentStatus.UNFILLED, IntentStatus.REJECTED], 30, 0, (TerminalState.HELD, "UNFILLED")),
        ([IntentStatus.REJECTED], 30, 0, (TerminalState.HELD, "BROKER_REJECTED")),
        ([IntentStatus.FILLED, IntentStatus.IN_DOUBT], 30, 10, (TerminalState.HELD, "IN_DOUBT")),
    ],
)
def test_trading_ends_by_what_was_executed(
    statuses: list[IntentStatus], ordered: int, filled: int, ending: tuple[TerminalState, str]
) -> None:
    assert trade_ending(statuses, Decimal(ordered), Decimal(filled)) == ending
    check_ending(*ending, Stage.TRADE)


def test_a_day_without_intents_does_not_end_in_trade() -> None:
    with pytest.raises(IllegalEnding):
        trade_ending([], Decimal(0), Decimal(0))


@pytest.mark.covers("H4")
def test_every_account_of_the_roster_ends_exactly_once() -> None:
    ledger = completeness(
        ["A", "B", "C"], [("A", TerminalState.TRADED), ("B", TerminalState.NO_TRADE), ("C", TerminalState.NO_TRADE)]
    )
    assert ledger.is_complete
    assert (ledger.counts[TerminalState.TRADED], ledger.counts[TerminalState.NO_TRADE]) == (1, 2)
    assert sum(ledger.counts.values()) == 3


def test_the_ledger_names_who_is_missing_repeated_or_a_stranger() -> None:
    ledger = completeness(
        ["A", "B", "C"],
        [("B", TerminalState.TRADED), ("B", TerminalState.HELD), ("Z", TerminalState.HELD), ("A", TerminalState.HELD)],
    )
    assert (ledger.missing, ledger.repeated, ledger.strangers) == (("C",), ("B",), ("Z",))
    assert not ledger.is_complete
    assert sum(ledger.counts.values()) == 1


class _Passing(TrimtabError):
    transient = True


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (IllegalEnding("x"), ErrorClass.DETERMINISTIC),
        (_Passing("x"), ErrorClass.TRANSIENT),
        (ConnectionResetError(), ErrorClass.TRANSIENT),
        (TimeoutError(), ErrorClass.TRANSIENT),
        (OSError(errno.ENOSPC, "disk full"), ErrorClass.TRANSIENT),
        (OSError(errno.ENOENT, "no file"), ErrorClass.UNKNOWN),
        (ZeroDivisionError(), ErrorClass.UNKNOWN),
    ],
)
def test_failures_are_classed(error: Exception, kind: ErrorClass) -> None:
    assert error_class(error) is kind


def test_waits_grow_and_stop_growing() -> None:
    assert [transient_wait(tries).total_seconds() for tries in (1, 2, 3, 4, 5, 6, 99)] == [1, 2, 4, 8, 16, 30, 30]
    assert [parked_wait(tries) for tries in (1, 2, 3, 4, 5, 6)] == [
        timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15, 15)
    ]
