"""Approving and rejecting: one transaction decides, the first accepted wins, and the record shows both."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from tests.graphql.api import ADAM, ANNA, BERT, CARL, FREMD, IVAN, MARK, OLGA, OTTO, Api, on_behalf
from tests.graphql.documents import APPROVE, CLEAR, QUEUE, REFRESH, REJECT
from tests.graphql.firms import Book, a_proposal
from trimtab.db.decisions import write_proposal
from trimtab.db.records import verify_chains
from trimtab.db.tables import account_day, decision, event, outbox, record
from trimtab.domain.lifecycle import Lane
from trimtab.domain.records import content_hash, plain


async def test_an_approval_is_written_told_and_signalled_in_one_transaction(api: Api, book: Book):
    waiting = book.add_review("A1")
    answer = await api.do(OLGA, APPROVE, **waiting.variables)
    assert answer["__typename"] == "DecisionAccepted"
    assert answer["furtherApprovals"] == 0
    assert answer["accountDay"]["stage"] == "REVIEW"  # the lifecycle moves it, not the API
    (row,) = book.rows(decision)
    assert (row.kind, row.status, row.actor, row.actor_roles) == ("APPROVE", "ACCEPTED", "olga", ["overlay_manager"])
    assert row.envelope["proposal_hash"] == waiting.proposal_hash
    assert row.envelope["expires_at"] == "2026-03-02T19:00:00Z"
    assert row.envelope["price_move_limit"] == "0.05"
    assert row.envelope["snapshot"] == book.day(waiting.ref).snapshot_hash
    (sent,) = book.rows(outbox)
    assert (sent.signal, sent.workflow_id) == ("decide", waiting.ref.workflow_id)
    assert sent.body == {"id": row.decision_id, "kind": "APPROVE"}
    assert [one.kind for one in book.rows(event, event.c.kind == "DECISION_MADE")] == ["DECISION_MADE"]
    (told,) = book.rows(record, record.c.kind == "DECISION")
    assert (told.actor, told.body["decision"]) == ("olga", row.decision_id)
    assert "decision_id" not in told.body  # that name would mean that a stage has answered it
    assert book.write(lambda one: verify_chains(one))[1] == []


@pytest.mark.covers("E1")
async def test_of_fifty_approvals_at_once_one_is_accepted(api: Api, book: Book):
    waiting = book.add_review("A1")
    people = [OLGA, OTTO] * 25
    answers = await asyncio.gather(*(api.do(who, APPROVE, **waiting.variables) for who in people))
    accepted = [one for one in answers if one["__typename"] == "DecisionAccepted"]
    refused = {one["code"] for one in answers if one["__typename"] == "DecisionRefused"}
    assert len(accepted) == 1
    assert refused <= {"NOT_OPEN", "SAME_APPROVER"}
    assert len(book.rows(decision, decision.c.status == "ACCEPTED")) == 1
    assert len(book.rows(decision)) == 50
    assert len(book.rows(outbox)) == 1
    assert book.write(lambda one: verify_chains(one)) == (54, [])  # four stages and fifty decisions


async def test_of_an_approval_and_a_rejection_at_once_one_wins(api: Api, book: Book):
    waiting = book.add_review("A1")
    approve = api.do(OLGA, APPROVE, **waiting.variables)
    reject = api.do(OTTO, REJECT, **waiting.variables, reason="Too early.")
    answers = await asyncio.gather(approve, reject)
    assert sorted(one["__typename"] for one in answers) == ["DecisionAccepted", "DecisionRefused"]


async def test_a_stale_hash_is_refused_and_the_answer_shows_what_stands(api: Api, book: Book):
    waiting = book.add_review("A1")
    answer = await api.do(OLGA, APPROVE, **waiting.variables | {"proposalHash": "0" * 64})
    assert (answer["__typename"], answer["code"]) == ("DecisionRefused", "STALE_HASH")
    assert answer["accountDay"]["proposalHash"] == waiting.proposal_hash
    assert book.rows(outbox) == []
    (row,) = book.rows(decision)
    assert (row.status, row.refusal) == ("REFUSED", "STALE_HASH")


async def test_a_stale_version_is_refused(api: Api, book: Book):
    waiting = book.add_review("A1")
    answer = await api.do(OLGA, APPROVE, **waiting.variables | {"version": waiting.version - 1})
    assert answer["code"] == "STALE_VERSION"


@pytest.mark.parametrize("for_another", [False, True], ids=["in person", "as an administrator for another"])
async def test_who_proposed_the_trades_cannot_approve_them(api: Api, book: Book, for_another):
    who = on_behalf(OTTO, "olga") if for_another else OLGA
    waiting = book.add_review("A1", proposed_by="olga")
    answer = await api.do(who, APPROVE, **waiting.variables)
    assert answer["code"] in {"SELF_APPROVAL", "NEVER_ON_BEHALF"}
    assert book.rows(decision, decision.c.status == "ACCEPTED") == []
    assert (await api.do(OTTO, APPROVE, **waiting.variables))["__typename"] == "DecisionAccepted"


async def test_who_proposed_an_earlier_version_cannot_approve_the_later_one(api: Api, book: Book):
    waiting = book.add_review("A1", proposed_by="olga")
    edited = a_proposal("A1", notional="9000", shares="45")
    digest = content_hash(edited)
    proposal_id = book.write(
        lambda one: write_proposal(one, waiting.ref, digest, edited.input_hash, plain(edited), "otto")
    )
    stands = {"proposal_id": proposal_id, "proposal_hash": digest}
    book.write(lambda one: one.execute(update(account_day).values(**stands)))
    for who in (OLGA, OTTO):
        answer = await api.do(who, APPROVE, **waiting.variables | {"proposalHash": digest})
        assert answer["code"] == "SELF_APPROVAL"


async def test_above_the_limit_two_different_persons_approve(api: Api, book: Book):
    waiting = book.add_review("A1", notional="250001")
    assert (await api.do(CARL, APPROVE, **waiting.variables))["__typename"] == "Forbidden"  # row 16 is not compliance's
    first = await api.do(OLGA, APPROVE, **waiting.variables)
    assert (first["__typename"], first["furtherApprovals"]) == ("DecisionAccepted", 1)
    again = await api.do(OLGA, APPROVE, **waiting.variables)
    assert (again["__typename"], again["code"]) == ("DecisionRefused", "SAME_APPROVER")
    second = await api.do(CARL, APPROVE, **waiting.variables)
    assert (second["__typename"], second["furtherApprovals"]) == ("DecisionAccepted", 0)
    third = await api.do(OTTO, APPROVE, **waiting.variables)
    assert third["code"] == "NOT_OPEN"


async def test_at_the_limit_one_person_is_enough(api: Api, book: Book):
    waiting = book.add_review("A1", notional="250000")
    assert (await api.do(OLGA, APPROVE, **waiting.variables))["furtherApprovals"] == 0


async def test_after_review_expiry_nobody_approves(api: Api, book: Book):
    waiting = book.add_review("A1")
    book.publish("REVIEW_EXPIRY")
    assert (await api.do(OLGA, APPROVE, **waiting.variables))["code"] == "EXPIRED"


@pytest.mark.covers("W-D1")
async def test_compliance_clears_before_anybody_approves(api: Api, book: Book):
    waiting = book.add_review("A1", lane=Lane.COMPLIANCE)
    assert (await api.do(OLGA, APPROVE, **waiting.variables))["code"] == "NOT_CLEARED"
    assert (await api.do(OLGA, CLEAR, **waiting.variables, reason="Looks fine."))["__typename"] == "Forbidden"
    cleared = await api.do(CARL, CLEAR, **waiting.variables, reason="Looks fine.")
    assert cleared["__typename"] == "DecisionAccepted"


@pytest.mark.covers("D15")
async def test_an_account_without_discretion_needs_its_advisor_and_the_clients_consent(api: Api, book: Book):
    waiting = book.add_review("A1", discretionary=False)
    assert (await api.do(OLGA, APPROVE, **waiting.variables))["__typename"] == "Forbidden"
    assert (await api.do(ANNA, APPROVE, **waiting.variables))["code"] == "CONSENT_NEEDED"
    consent = "Phone call of 2 March, recording 4711."
    answer = await api.do(ANNA, APPROVE, **waiting.variables, clientConsent=consent)
    assert answer["__typename"] == "DecisionAccepted"
    (row,) = book.rows(decision, decision.c.status == "ACCEPTED")
    assert row.reason == consent


async def test_a_rejection_needs_a_reason(api: Api, book: Book):
    waiting = book.add_review("A1")
    assert (await api.do(OLGA, REJECT, **waiting.variables, reason="  "))["code"] == "REASON_NEEDED"
    answer = await api.do(ANNA, REJECT, **waiting.variables, reason="The client is buying a house.")
    assert answer["__typename"] == "DecisionAccepted"
    (row,) = book.rows(decision)
    assert (row.kind, row.reason) == ("REJECT", "The client is buying a house.")


async def test_the_same_key_gives_the_same_answer_and_another_request_is_refused(api: Api, book: Book):
    waiting, other = book.add_review("A1"), book.add_review("A2")
    first = await api.do(OLGA, APPROVE, **waiting.variables, idempotencyKey="click-0001")
    again = await api.do(OLGA, APPROVE, **waiting.variables, idempotencyKey="click-0001")
    assert again == first
    assert len(book.rows(decision)) == 1
    changed = await api.do(OLGA, APPROVE, **other.variables, idempotencyKey="click-0001")
    assert changed["__typename"] == "IdempotencyKeyReused"
    someone = await api.do(OTTO, APPROVE, **other.variables, idempotencyKey="click-0001")
    assert someone["__typename"] == "DecisionAccepted"  # keys of different persons never meet


async def test_a_double_click_gives_one_decision_and_one_answer(api: Api, book: Book):
    waiting = book.add_review("A1")
    clicks = [api.do(OLGA, APPROVE, **waiting.variables, idempotencyKey="click-0002") for _ in range(8)]
    answers = await asyncio.gather(*clicks)
    assert {one["__typename"] for one in answers} == {"DecisionAccepted"}
    assert len({one["decisionId"] for one in answers}) == 1
    assert len(book.rows(decision)) == 1


@pytest.mark.parametrize("who", [MARK, IVAN, ADAM], ids=lambda who: who.person_id)
async def test_roles_without_the_row_never_reach_the_resolver(api: Api, book: Book, who):
    waiting = book.add_review("A1")
    answer = await api.do(who, APPROVE, **waiting.variables)
    assert (answer["__typename"], answer["code"]) == ("Forbidden", "NOT_PERMITTED")
    assert book.rows(decision) == []


async def test_an_advisor_rejects_and_refreshes_in_the_own_book_only(api: Api, book: Book):
    waiting = book.add_review("A1", advisor="adv-1")
    assert (await api.do(BERT, REJECT, **waiting.variables, reason="No."))["code"] == "OTHER_BOOK"
    assert (await api.do(BERT, REFRESH, accountDayId=waiting.ref.account_day_id))["code"] == "OTHER_BOOK"
    answer = await api.do(ANNA, REFRESH, accountDayId=waiting.ref.account_day_id)
    assert answer["__typename"] == "DecisionAccepted"
    (sent,) = book.rows(outbox)
    assert sent.signal == "refresh"


async def test_another_firms_account_day_does_not_exist(api: Api, book: Book):
    waiting = book.add_review("A1")
    Book(book.engine, "firm-b").found()
    foreign = await api.do(FREMD, APPROVE, **waiting.variables)
    missing = await api.do(FREMD, APPROVE, **waiting.variables | {"accountDayId": "nowhere"})
    assert foreign == missing
    assert foreign["__typename"] == "NotFound"
    queue = await api.data(FREMD, QUEUE, {"first": 10})
    assert queue["reviewQueue"]["totalCount"] == 0
    assert book.rows(decision) == []
