"""Suspending and lifting: who may depends on whose reason it is, and lifecycles are told."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from tests.graphql.api import ANNA, BERT, CARL, DORA, FREMD, IVAN, MARK, OLGA, Api
from tests.graphql.documents import APPROVE, LIFT, SUSPEND
from tests.graphql.firms import ON, Book
from trimtab.db.tables import account_day, event, outbox, record, suspension

LIST = "{ suspensions { edges { node { id kind code reason scope mayBeLiftedBy openedBy { id } } } } }"


@pytest.mark.covers("D17", "W-C3")
async def test_a_suspension_bars_approvals_and_tells_the_lifecycle(api: Api, book: Book):
    waiting = book.add_review("A1")
    answer = await api.do(ANNA, SUSPEND, accountId="A1", reason="A large deposit is due.")
    assert (answer["__typename"], answer["alreadyOpen"]) == ("AccountSuspended", False)
    (row,) = book.rows(suspension)
    assert (row.kind, row.code, row.opened_by, row.since) == ("ADVISOR", "ADVISOR", "anna", ON)
    (sent,) = book.rows(outbox)
    assert (sent.signal, sent.workflow_id, sent.body["id"]) == ("suspend", waiting.ref.workflow_id, row.suspension_id)
    assert [one.kind for one in book.rows(event, event.c.kind.startswith("SUSPENSION"))] == ["SUSPENSION_OPENED"]
    assert [one.actor for one in book.rows(record, record.c.kind == "SUSPENSION_OPENED")] == ["anna"]
    assert (await api.do(OLGA, APPROVE, **waiting.variables))["code"] == "SUSPENDED"


async def test_suspending_works_in_trade_and_without_any_day(api: Api, book: Book):
    waiting = book.add_review("A1")
    book.write(lambda one: one.execute(update(account_day).values(stage="trade")))
    assert (await api.do(OLGA, SUSPEND, accountId="A1", reason="Stop."))["__typename"] == "AccountSuspended"
    assert [row.workflow_id for row in book.rows(outbox)] == [waiting.ref.workflow_id]
    book.add_account("A2")
    assert (await api.do(OLGA, SUSPEND, accountId="A2", reason="Stop."))["__typename"] == "AccountSuspended"
    assert len(book.rows(outbox)) == 1  # its row is the whole command
    assert len(book.rows(suspension)) == 2


async def test_suspending_twice_for_the_same_reason_keeps_the_first(api: Api, book: Book):
    book.add_account("A1")
    first = await api.do(CARL, SUSPEND, accountId="A1", reason="Review.")
    again = await api.do(CARL, SUSPEND, accountId="A1", reason="Review again.")
    assert again["alreadyOpen"] is True
    assert again["suspensionId"] == first["suspensionId"]
    assert len(book.rows(suspension)) == 1


@pytest.mark.parametrize(
    ("opener", "kind", "lifters"),
    [
        (ANNA, "ADVISOR", {"anna", "carl"}),
        (MARK, "ADVISOR", {"anna", "carl"}),
        (CARL, "COMPLIANCE", {"carl"}),
        (DORA, "DATA", {"dora"}),
    ],
    ids=["advisor", "management", "compliance", "data manager"],
)
async def test_rows_22_to_24_say_who_lifts_which_suspension(api: Api, book: Book, opener, kind, lifters):
    for who in (ANNA, BERT, OLGA, CARL, MARK, DORA, IVAN):
        name = f"A-{who.person_id}"
        book.add_account(name, advisor="adv-1")
        opened = await api.do(opener, SUSPEND, accountId=name, reason="For a reason.")
        assert book.rows(suspension, suspension.c.scope_id == name)[0].kind == kind
        answer = await api.do(who, LIFT, suspensionId=opened["suspensionId"], reason="It is over.")
        is_lifted = answer["__typename"] == "SuspensionLifted"
        assert is_lifted is (who.person_id in lifters), (who.person_id, answer)


async def test_lifting_tells_the_lifecycles_and_happens_once(api: Api, book: Book):
    waiting = book.add_review("A1")
    opened = await api.do(CARL, SUSPEND, accountId="A1", reason="Review.")
    lifted = await api.do(CARL, LIFT, suspensionId=opened["suspensionId"], reason="Done.")
    assert (lifted["__typename"], lifted["lifecyclesTold"]) == ("SuspensionLifted", 1)
    again = await api.do(CARL, LIFT, suspensionId=opened["suspensionId"], reason="Done.")
    assert (again["__typename"], again["code"]) == ("AlreadyLifted", "ALREADY_LIFTED")
    assert [(row.signal, row.workflow_id) for row in book.rows(outbox)] == [
        ("suspend", waiting.ref.workflow_id),
        ("resume", waiting.ref.workflow_id),
    ]
    (row,) = book.rows(suspension)
    assert (row.lifted_by, row.lifted_on, row.lift_reason) == ("carl", ON, "Done.")


async def test_nobody_lifts_what_only_a_new_file_ends(api: Api, book: Book):
    book.add_account("A1")
    values = {
        "firm_id": "firm-a",
        "suspension_id": "S1",
        "scope": "ACCOUNT",
        "scope_id": "A1",
        "kind": "STANDING",
        "code": "CLOSING",
        "reason": "closing",
        "since": ON,
        "opened_by": "accounts feed",
    }
    book.write(lambda one: one.execute(insert(suspension).values(**values)))
    for who in (ANNA, CARL, DORA):
        assert (await api.do(who, LIFT, suspensionId="S1", reason="Please."))["__typename"] == "Forbidden"


@pytest.mark.covers("W-C5")
async def test_only_compliance_suspends_for_compliance(api: Api, book: Book):
    book.add_account("A1")
    answer = await api.do(OLGA, SUSPEND, accountId="A1", reason="Review.", kind="COMPLIANCE")
    assert answer["__typename"] == "Forbidden"
    assert (await api.do(CARL, SUSPEND, accountId="A1", reason="Wish.", kind="ADVISOR"))["alreadyOpen"] is False


async def test_other_books_and_firms_are_not_to_be_found(api: Api, book: Book):
    book.add_account("A1", advisor="adv-1")
    Book(book.engine, "firm-b").found()
    for who in (BERT, FREMD):
        assert (await api.do(who, SUSPEND, accountId="A1", reason="Stop."))["__typename"] == "NotFound"
    opened = await api.do(ANNA, SUSPEND, accountId="A1", reason="Stop.")
    for who in (BERT, FREMD):
        answer = await api.do(who, LIFT, suspensionId=opened["suspensionId"], reason="Go.")
        assert answer["__typename"] == "NotFound"
    assert len((await api.data(ANNA, LIST))["suspensions"]["edges"]) == 1
    assert (await api.data(BERT, LIST))["suspensions"]["edges"] == []


async def test_the_list_says_who_may_lift_and_what_has_to_happen(api: Api, book: Book):
    book.add_account("A1")
    await api.do(ANNA, SUSPEND, accountId="A1", reason="A large deposit is due.")
    (edge,) = (await api.data(OLGA, LIST))["suspensions"]["edges"]
    node = edge["node"]
    assert (node["kind"], node["reason"]) == ("ADVISOR", "A large deposit is due.")
    assert node["mayBeLiftedBy"] == ["advisor", "compliance"]
    assert node["openedBy"] == {"id": "anna"}
