"""Blocked steps are retried by those who may; alerts are acknowledged once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from tests.graphql.api import ADAM, ANNA, BERT, CARL, DORA, FREMD, OLGA, WAREHOUSE, Api
from tests.graphql.documents import ACKNOWLEDGE, RETRY
from tests.graphql.firms import ON, Book
from trimtab.contracts import AccountDayRef
from trimtab.db.alerts import raise_alert
from trimtab.db.tables import account_day, alert, blocked_step, event, outbox, record

STEPS = "{ blockedSteps { edges { node { accountId stage errorType message runbook workflowId } } } }"
ALERTS = "{ alerts { edges { node { id cause scope message acknowledgedBy { id } } } } }"


def block(book: Book, account_id: str, stage: str) -> AccountDayRef:
    """An account-day whose step of this stage is parked."""
    book.add_account(account_id)
    ref = book.add_day(account_id)
    book.write(
        lambda one: one.execute(
            update(account_day)
            .where(account_day.c.account_day_id == ref.account_day_id)
            .values(stage="blocked", blocked_stage=stage)
        )
    )
    values: dict[str, Any] = {
        "firm_id": ref.firm_id,
        "account_day_id": ref.account_day_id,
        "stage": stage,
        "error_type": "CONTENT_MISSING",
        "error_class": "deterministic",
        "message": "no content is stored",
        "runbook": "Fix what the error names.",
    }
    book.write(lambda one: one.execute(insert(blocked_step).values(**values)))
    return ref


async def test_one_blocked_step_is_retried_with_a_signal_and_a_record(api: Api, book: Book):
    ref = block(book, "A1", "analyze")
    (edge,) = (await api.data(OLGA, STEPS))["blockedSteps"]["edges"]
    assert (edge["node"]["accountId"], edge["node"]["stage"]) == ("A1", "ANALYZE")
    answer = await api.do(OLGA, RETRY, accountDayId=ref.account_day_id, reason="The file is there.")
    assert answer == {"__typename": "StepsRetried", "steps": 1}
    (sent,) = book.rows(outbox)
    assert (sent.signal, sent.workflow_id, sent.body["kind"]) == ("retry_step", ref.workflow_id, "olga")
    (told,) = book.rows(record)
    assert (told.kind, told.actor, told.body["request"]) == ("STEP_RETRY_ASKED", "olga", sent.body["id"])


async def test_every_request_for_a_retry_has_an_id_of_its_own(api: Api, book: Book):
    ref = block(book, "A1", "analyze")
    await api.do(OLGA, RETRY, accountDayId=ref.account_day_id)
    await api.do(OLGA, RETRY, accountDayId=ref.account_day_id)
    assert len({row.body["id"] for row in book.rows(outbox)}) == 2  # a repeated id would be answered once


async def test_many_are_retried_by_stage(api: Api, book: Book):
    for account_id, stage in (("A1", "analyze"), ("A2", "analyze"), ("A3", "filter")):
        block(book, account_id, stage)
    assert (await api.do(ADAM, RETRY, stage="ANALYZE"))["steps"] == 2
    assert len(book.rows(outbox)) == 2


async def test_data_managers_retry_ingest_and_validate_only(api: Api, book: Book):
    ingest, analyze = block(book, "A1", "ingest"), block(book, "A2", "analyze")
    steps = (await api.data(DORA, STEPS))["blockedSteps"]["edges"]
    assert [edge["node"]["stage"] for edge in steps] == ["INGEST"]
    assert (await api.do(DORA, RETRY, accountDayId=analyze.account_day_id))["code"] == "STAGE_NOT_PERMITTED"
    assert (await api.do(DORA, RETRY, stage="ANALYZE"))["code"] == "STAGE_NOT_PERMITTED"
    assert (await api.do(DORA, RETRY, accountDayId=ingest.account_day_id))["steps"] == 1


async def test_others_neither_see_nor_retry_blocked_steps(api: Api, book: Book):
    ref = block(book, "A1", "analyze")
    Book(book.engine, "firm-b").found()
    for who in (ANNA, CARL, WAREHOUSE):
        assert (await api.do(who, RETRY, accountDayId=ref.account_day_id))["__typename"] == "Forbidden"
    assert (await api.do(FREMD, RETRY, accountDayId=ref.account_day_id))["__typename"] == "NotFound"
    assert book.rows(outbox) == []


async def test_a_retry_names_one_account_day_or_one_stage(api: Api, book: Book):
    assert (await api.do(OLGA, RETRY))["code"] == "ONE_OF"
    assert (await api.do(OLGA, RETRY, accountDayId="x", stage="ANALYZE"))["code"] == "ONE_OF"
    assert (await api.do(OLGA, RETRY, accountDayId="A9"))["code"] == "NOT_FOUND"
    assert (await api.do(OLGA, RETRY, stage="ANALYZE"))["steps"] == 0


async def test_the_first_who_acknowledges_an_alert_stays(api: Api, book: Book):
    book.write(
        lambda one: raise_alert(one, "firm-a", cause="FILE_MISSING", scope="prices", business_date=ON, message="gone")
    )
    (edge,) = (await api.data(DORA, ALERTS))["alerts"]["edges"]
    assert edge["node"]["acknowledgedBy"] is None
    first = await api.do(DORA, ACKNOWLEDGE, alertId=edge["node"]["id"])
    assert first["acknowledgedBy"] == "dora"
    assert (await api.do(OLGA, ACKNOWLEDGE, alertId=edge["node"]["id"]))["acknowledgedBy"] == "dora"
    assert [row.kind for row in book.rows(event)] == ["ALERT_RAISED", "ALERT_ACKNOWLEDGED"]


async def test_advisors_see_the_alerts_about_their_own_accounts(api: Api, book: Book):
    book.add_account("A1", advisor="adv-1")
    for scope in ("account/A1", "feed/prices"):
        book.write(
            lambda one, scope=scope: raise_alert(
                one, "firm-a", cause="LOT_MISMATCH", scope=scope, business_date=ON, message="x"
            )
        )
    mine = (await api.data(ANNA, ALERTS))["alerts"]["edges"]
    assert {edge["node"]["scope"] for edge in mine} == {"account/A1"}
    others = (await api.data(BERT, ALERTS))["alerts"]["edges"]
    assert others == []
    of_firm = (await api.data(DORA, ALERTS))["alerts"]["edges"]
    assert {edge["node"]["scope"] for edge in of_firm} == {"account/A1", "feed/prices"}
    of_a1 = mine[0]["node"]["id"]
    assert (await api.do(BERT, ACKNOWLEDGE, alertId=of_a1))["__typename"] == "NotFound"
    assert (await api.do(WAREHOUSE, ACKNOWLEDGE, alertId=of_a1))["__typename"] == "Forbidden"
    assert all(row.acknowledged_by is None for row in book.rows(alert))
