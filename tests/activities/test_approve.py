"""Approve verifies what stands now: the proposal, who approved it, and whether anything moved since."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.activities.small_book import BUILD, SmallBook, a_buy, a_proposal
from trimtab.activities.approve import approve
from trimtab.activities.filter import FILTERS, FrozenInputs
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db import runs
from trimtab.db.decisions import write_proposal
from trimtab.db.tables import decision
from trimtab.domain.lifecycle import Lane, Stage, Standstill, TerminalState
from trimtab.domain.records import content_hash, plain


def _approve(book: SmallBook, ref: AccountDayRef) -> StageOutcome:
    with book.transaction() as connection:
        return approve(connection, ref, FrozenInputs(), build=BUILD)


@pytest.fixture
def frozen(book: SmallBook) -> SmallBook:
    run = book.opened()
    with book.transaction() as connection:
        runs.freeze(connection, run, FILTERS, {"": "f" * 64})
        runs.freeze(connection, run, "market", {"": "market-1"})
    return book


def _approved(book: SmallBook, **more: Any) -> AccountDayRef:
    ref = book.ref()
    digest = book.at_approve(ref, Lane.REVIEW)
    book.decide(ref, "APPROVE", digest, **more)
    return ref


@pytest.mark.covers("A4")
def test_the_automated_lane_writes_the_policys_own_approval(frozen: SmallBook) -> None:
    ref = frozen.ref()
    digest = frozen.at_approve(ref, Lane.AUTOMATED)
    assert _approve(frozen, ref).next is Stage.TRADE
    with frozen.transaction() as connection:
        row = connection.execute(select(decision)).one()
    assert (row.actor, row.kind, row.status, row.proposal_hash) == (
        "policy:ffffffffffff",
        "APPROVE",
        "ACCEPTED",
        digest,
    )


def test_the_policy_approves_only_what_the_filters_saw(frozen: SmallBook) -> None:
    ref = frozen.ref()
    frozen.at_approve(ref, Lane.AUTOMATED)
    other = a_proposal(ref, (a_buy(11, 100),))
    with frozen.transaction() as connection:
        write_proposal(connection, ref, content_hash(other), "input-1", plain(other), "rob")
        connection.exec_driver_sql(f"UPDATE account_day SET proposal_hash = '{content_hash(other)}'")
    outcome = _approve(frozen, ref)
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "NOT_FILTERED")


def test_a_persons_approval_of_this_very_proposal_stands(frozen: SmallBook) -> None:
    assert _approve(frozen, _approved(frozen)).next is Stage.TRADE


def test_a_forged_signal_buys_nothing(frozen: SmallBook) -> None:
    """The lifecycle is at approve, but no row says that anybody approved."""
    ref = frozen.ref()
    frozen.at_approve(ref, Lane.REVIEW)
    outcome = _approve(frozen, ref)
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "APPROVAL_MISSING")
    assert frozen.day(ref).stage == "analyze"


def test_a_changed_proposal_voids_its_approval(frozen: SmallBook) -> None:
    ref = _approved(frozen)
    with frozen.transaction() as connection:
        connection.exec_driver_sql("UPDATE account_day SET proposal_hash = 'changed'")
    outcome = _approve(frozen, ref)
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "PROPOSAL_CHANGED")


def test_nobody_approves_what_he_proposed(frozen: SmallBook) -> None:
    outcome = _approve(frozen, _approved(frozen, actor="trimtab"))
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "SELF_APPROVAL")


def test_nor_through_another(frozen: SmallBook) -> None:
    outcome = _approve(frozen, _approved(frozen, actor="admin", on_behalf_of="trimtab"))
    assert outcome.code == "SELF_APPROVAL"


def test_an_approval_names_the_role_that_gave_it(frozen: SmallBook) -> None:
    assert _approve(frozen, _approved(frozen, actor_roles=[])).code == "APPROVER_WITHOUT_ROLE"


@pytest.mark.parametrize("envelope", [{"market": "market-0"}, {"snapshot": "snapshot-0"}])
def test_an_approval_of_other_prices_or_data_is_stale(frozen: SmallBook, envelope: dict[str, str]) -> None:
    outcome = _approve(frozen, _approved(frozen, envelope=envelope))
    assert (outcome.next, outcome.code) == (Stage.ANALYZE, "ENVELOPE_LEFT")


def test_an_approval_within_its_envelope_stands(frozen: SmallBook) -> None:
    envelope = {"market": "market-1", "snapshot": "snapshot-1", "account_day_version": 5}
    assert _approve(frozen, _approved(frozen, envelope=envelope)).next is Stage.TRADE


def test_a_suspension_that_opened_meanwhile_holds_the_trade(frozen: SmallBook) -> None:
    ref = _approved(frozen)
    frozen.suspend("A1", "FLOW_EXPECTED")
    outcome = _approve(frozen, ref)
    assert (outcome.next, outcome.code) == (Standstill.SUSPENDED, "FLOW_EXPECTED")


def test_above_the_limit_one_approval_is_too_few(frozen: SmallBook) -> None:
    ref = frozen.ref()
    digest = frozen.at_approve(ref, Lane.REVIEW, a_proposal(ref, (a_buy(2_501, 100),)))
    frozen.decide(ref, "APPROVE", digest)
    assert _approve(frozen, ref).code == "APPROVAL_MISSING"


def test_a_proposal_without_trades_ends_the_day_quietly(frozen: SmallBook) -> None:
    ref = frozen.ref()
    digest = frozen.at_approve(ref, Lane.REVIEW, a_proposal(ref, ()))
    frozen.decide(ref, "APPROVE", digest)
    assert _approve(frozen, ref).terminal is TerminalState.NO_TRADE


def test_stale_after_a_new_analysis_needs_a_new_approval(frozen: SmallBook) -> None:
    """The same proposal comes back and its old approval is still there: approve verifies it anew each time."""
    ref = frozen.ref()
    frozen.at_approve(ref, Lane.REVIEW)
    assert _approve(frozen, ref).next is Stage.ANALYZE
    frozen.step(ref, StageOutcome(Stage.ANALYZE, Stage.FILTER))
    frozen.step(ref, StageOutcome(Stage.FILTER, Standstill.REVIEW, lane=Lane.REVIEW))
    frozen.step(ref, StageOutcome(Stage.REVIEW, Stage.APPROVE))
    frozen.decide(ref, "APPROVE", frozen.day(ref).proposal_hash)
    assert _approve(frozen, ref).next is Stage.TRADE
