"""Approvals: what is refused when given, and what voids them before trading."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trimtab.domain.accounts import PersonId
from trimtab.domain.decisions import (
    POLICY,
    ApprovalEnvelope,
    Approver,
    OpenDecision,
    Refusal,
    refuse,
    refuse_decision,
    void,
)
from trimtab.domain.lifecycle import Stage
from trimtab.domain.securities import SecurityId

EXPIRY = datetime(2026, 3, 3, 20, 30, tzinfo=UTC)
NOW = EXPIRY - timedelta(hours=3)
ENVELOPE = ApprovalEnvelope("hash-1", 7, EXPIRY, "snapshot-1")
DAY = OpenDecision(Stage.REVIEW, 7, "hash-1", frozenset({POLICY}), Decimal(50_000))
ANN = PersonId("ann")
BOB = PersonId("bob")
VTI = SecurityId("VTI")


def test_an_approval_of_what_stands_counts() -> None:
    assert refuse(ENVELOPE, DAY, Approver(ANN, Decimal(250_000)), NOW) is None


@pytest.mark.parametrize(
    ("day", "refusal"),
    [
        (replace(DAY, stage=Stage.TRADE), Refusal.NOT_OPEN),
        (replace(DAY, stage="suspended"), Refusal.NOT_OPEN),
        (replace(DAY, version=8), Refusal.STALE_VERSION),
        (replace(DAY, proposal_hash="hash-2"), Refusal.STALE_HASH),
        (replace(DAY, is_suspended=True), Refusal.SUSPENDED),
        (replace(DAY, proposed_by=frozenset({ANN})), Refusal.SELF_APPROVAL),
    ],
)
def test_an_approval_of_something_else_is_refused(day: OpenDecision, refusal: Refusal) -> None:
    assert refuse(ENVELOPE, day, Approver(ANN), NOW) is refusal


@pytest.mark.covers("E9")
def test_an_approver_is_never_the_proposer_neither_in_person_nor_through_another() -> None:
    by_ann = replace(DAY, proposed_by=frozenset({ANN}))
    assert refuse(ENVELOPE, by_ann, Approver(BOB), NOW) is None
    assert refuse(ENVELOPE, by_ann, Approver(BOB, on_behalf_of=ANN), NOW) is Refusal.SELF_APPROVAL
    through_bob = replace(DAY, proposed_by=frozenset({ANN, BOB}))
    assert refuse(ENVELOPE, through_bob, Approver(BOB), NOW) is Refusal.SELF_APPROVAL
    assert refuse(ENVELOPE, DAY, Approver(POLICY), NOW) is Refusal.SELF_APPROVAL


def test_an_approval_comes_too_late_at_the_very_expiry() -> None:
    assert refuse(ENVELOPE, DAY, Approver(ANN), EXPIRY - timedelta(microseconds=1)) is None
    assert refuse(ENVELOPE, DAY, Approver(ANN), EXPIRY) is Refusal.EXPIRED


@pytest.mark.parametrize(("limit", "refusal"), [("50000", None), ("49999.99", Refusal.OVER_LIMIT)])
def test_an_approval_up_to_the_limit_counts(limit: str, refusal: Refusal | None) -> None:
    assert refuse(ENVELOPE, DAY, Approver(ANN, Decimal(limit)), NOW) is refusal


def test_above_the_limit_another_person_must_have_approved_before() -> None:
    ann = Approver(ANN, Decimal(1))
    assert refuse(ENVELOPE, DAY, replace(ann, approved_before=frozenset({BOB})), NOW) is None
    assert refuse(ENVELOPE, DAY, replace(ann, approved_before=frozenset({ANN})), NOW) is Refusal.OVER_LIMIT
    as_bob = replace(ann, on_behalf_of=BOB, approved_before=frozenset({BOB}))
    assert refuse(ENVELOPE, DAY, as_bob, NOW) is Refusal.OVER_LIMIT


@pytest.mark.parametrize(
    ("day", "refusal"),
    [
        (DAY, None),
        (replace(DAY, stage=Stage.APPROVE), Refusal.NOT_OPEN),
        (replace(DAY, version=8), Refusal.STALE_VERSION),
        (replace(DAY, proposal_hash="hash-2"), Refusal.STALE_HASH),
    ],
)
def test_a_rejection_needs_what_was_seen_too(day: OpenDecision, refusal: Refusal | None) -> None:
    assert refuse_decision(day, 7, "hash-1") is refusal


def voided(
    price_now: str | None = "100", proposal: str = "hash-1", snapshot: str = "snapshot-1", now: datetime = NOW
) -> Refusal | None:
    return void(
        ENVELOPE,
        proposal_hash=proposal,
        snapshot_hash=snapshot,
        analysis_prices={VTI: Decimal(100)},
        prices_now={} if price_now is None else {VTI: Decimal(price_now)},
        business_now=now,
    )


def test_an_approval_stands_while_nothing_moves() -> None:
    assert voided() is None


@pytest.mark.parametrize(
    ("price_now", "refusal"),
    [("105", None), ("95", None), ("105.01", Refusal.PRICE_MOVED), ("94.99", Refusal.PRICE_MOVED)],
)
def test_prices_may_move_by_the_envelopes_limit(price_now: str, refusal: Refusal | None) -> None:
    assert voided(price_now) is refusal


def test_whatever_changes_before_trading_voids_the_approval() -> None:
    assert voided(None) is Refusal.PRICE_MOVED
    assert voided(proposal="hash-2") is Refusal.STALE_HASH
    assert voided(snapshot="snapshot-2") is Refusal.DATA_CHANGED
    assert voided(now=EXPIRY) is Refusal.EXPIRED
