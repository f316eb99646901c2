"""Who has applied an event, read off the sources; what bars holders, and what ends it."""

from dataclasses import replace
from datetime import date

import pytest

from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_sync import (
    AnnouncedEvent,
    Source,
    SourcesOfDay,
    SourceState,
    code_on_ex_date,
    holdings_behind,
    model_behind,
    sync_report,
)
from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import SecurityId

MMM, SOLV, XOM = SecurityId("MMM"), SecurityId("SOLV"), SecurityId("XOM")
EX = date(2024, 4, 1)
NEXT = date(2024, 4, 2)
OLD = date(2020, 1, 2)
SPIN_OFF = AnnouncedEvent("S", 1, ActionKind.SOFF, MMM, EX, received=(SOLV,), has_allocation=True)
MERGER = AnnouncedEvent("M", 1, ActionKind.MRGR, MMM, EX, received=(XOM,))


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (SPIN_OFF, DataCode.CA_UNSYNCED),
        (replace(SPIN_OFF, has_allocation=False), DataCode.CA_BASIS),
        (replace(SPIN_OFF, status=ActionStatus.ANNOUNCED), DataCode.CA_INCOMPLETE),
        (replace(SPIN_OFF, status=ActionStatus.REVERSED), None),
        (MERGER, DataCode.CA_UNSYNCED),
        (replace(MERGER, mandatory=False), DataCode.CA_ELECTION),
        (replace(MERGER, kind=ActionKind.TEND), DataCode.CA_ELECTION),
        (replace(MERGER, kind=ActionKind.BRUP), DataCode.NOT_TRADABLE),
        (replace(MERGER, kind=ActionKind.CHAN), None),
    ],
)
def test_why_holders_do_not_trade_on_the_ex_date(event: AnnouncedEvent, code: DataCode | None) -> None:
    assert code_on_ex_date(event) is code


def test_an_account_waits_for_the_child_and_goes_on_when_it_is_there() -> None:
    assert holdings_behind(SPIN_OFF, {MMM: OLD}, NEXT)
    assert not holdings_behind(SPIN_OFF, {MMM: OLD, SOLV: OLD}, NEXT)


def test_a_parent_bought_since_the_ex_date_came_without_the_child() -> None:
    assert not holdings_behind(SPIN_OFF, {MMM: EX}, NEXT)


def test_nothing_is_behind_before_the_ex_date_nor_without_the_security() -> None:
    assert not holdings_behind(SPIN_OFF, {MMM: OLD}, date(2024, 3, 29))
    assert not holdings_behind(SPIN_OFF, {XOM: OLD}, NEXT)


def test_a_merged_security_is_behind_while_it_is_held_or_targeted() -> None:
    assert holdings_behind(MERGER, {MMM: OLD}, NEXT)
    assert not holdings_behind(MERGER, {XOM: OLD}, NEXT)
    assert model_behind(MERGER, {MMM}, EX)
    assert not model_behind(MERGER, {XOM}, EX)
    assert not model_behind(SPIN_OFF, {MMM}, EX)  # the parent lives on: its owner decides about the child


def test_the_report_says_who_has_applied_what() -> None:
    sources = SourcesOfDay(held={MMM}, price_dates={MMM: EX}, targeted={MMM}, risk_covered=set())

    first, second = sync_report([SPIN_OFF, MERGER], sources)

    assert (first.event.event_id, second.event.event_id) == ("M", "S")
    assert first.states == {
        Source.HOLDINGS: SourceState.WAITING,
        Source.PRICES: SourceState.NOT_CONCERNED,
        Source.MODELS: SourceState.WAITING,
        Source.RISK_MODEL: SourceState.WAITING,
    }
    assert second.states == {
        Source.HOLDINGS: SourceState.WAITING,
        Source.PRICES: SourceState.APPLIED,
        Source.MODELS: SourceState.APPLIED,
        Source.RISK_MODEL: SourceState.WAITING,
    }


def test_when_all_sources_have_applied_it_the_line_is_synced() -> None:
    agreed = SourcesOfDay({MMM, SOLV}, {MMM: EX}, {MMM}, {SOLV})
    assert [line.is_synced for line in sync_report([SPIN_OFF], agreed)] == [True]
    assert sync_report([replace(SPIN_OFF, status=ActionStatus.REVERSED)], agreed) == ()
