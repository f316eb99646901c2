"""Fees by assets and the bills for them, over a real database. The numbers are those of docs/model-hub.md.

ACME's schedule is 30 bp to a million and 20 bp above it; the contract is in force from Monday, 2 March 2026. A1 has
600,000 dollars all along; A2 has 900,000 and, from the 16th, 450,000.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from tests.graphql.api import ANNA, CARL, IVAN, MARK, OLGA, Api, a_person
from tests.graphql.firms import ON, Book
from tests.graphql.hub import IRIS, a_client, contracted, decide, propose_contract, published, upload
from tests.graphql.test_programme import ALLOCATION, PRODUCTS
from tests.graphql.test_programme import publish as publish_programme
from trimtab.activities.calendar import calendar_around
from trimtab.activities.fee_accruals import accrue_fees
from trimtab.auth.matrix import Role
from trimtab.db.tables import account, alert, cash_fact, delivery, hub_accrual, hub_assets, hub_statement_line
from trimtab.domain.records import plain

MARY = a_person("mary", Role.MANAGEMENT, Role.COMPLIANCE)
MARCH = date(2026, 3, 1)
ACCRUALS = """query($from: Date!, $to: Date!) { providerAccruals(firstDay: $from, lastDay: $to) {
  day businessDate modelId accounts assets rateBps fee } }"""
DRAFT = """mutation($input: DraftBillingStatementInput!) { draftBillingStatement(input: $input) {
  __typename ... on BillingStatementDrafted { statementId total lineCount } ... on UserError { code message } } }"""
ADJUST = """mutation($input: AdjustBillingStatementInput!) { adjustBillingStatement(input: $input) {
  __typename ... on BillingStatementAdjusted { line total } ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideBillingStatementInput!) { decideBillingStatement(input: $input) {
  __typename ... on BillingStatementDecided { status } ... on UserError { code message } } }"""
STATEMENTS = """{ billingStatements { statementId status total accrued proposedBy decidedBy csv
  lines { line kind modelId accountId days averageAssets amount reason } } }"""
NOTE = """mutation($input: WriteResearchNoteInput!) { writeResearchNote(input: $input) {
  __typename ... on ResearchNoteWritten { noteId } ... on UserError { code message } } }"""
NOTES = """query($model: String) { researchNotes(providerId: "ACME", modelId: $model) {
  title body author modelId version writtenAt } }"""


def deliver(book: Book, on: date, **values: int) -> None:
    """The holdings file of the day, all of it cash: dollars by account."""

    def write(one: Any) -> None:
        for kind in ("positions", "cash"):
            row = {"delivery_id": f"{kind}-{on}", "kind": kind, "business_date": on, "file_name": "x"}
            row |= {"firm_id": book.firm_id, "content_hash": f"{kind}-{on}", "status": "LOADED"}
            one.execute(insert(delivery).values(row))
        for line, (name, value) in enumerate(values.items()):
            row = {"firm_id": book.firm_id, "delivery_id": f"cash-{on}", "line": line, "account_id": name}
            one.execute(insert(cash_fact).values(**row, settled=value - 10_000, unsettled=10_000))

    book.write(write)


def follow(book: Book, account_id: str, model_id: str) -> None:
    book.add_account(account_id)

    def assign(one: Any) -> None:
        row = account.c.account_id == account_id
        profile = {**one.execute(account.select().where(row)).one().profile, "model_id": model_id}
        one.execute(update(account).where(row).values(profile=plain(profile)))

    book.write(assign)


def accrue(book: Book, last: date = date(2026, 3, 31)) -> int:
    """Every session from the second of March to `last`; returns how many rows are new."""
    day, new = ON, 0
    while day <= last:
        new += len(book.write(lambda one, on=day: accrue_fees(one, book.firm_id, on)))
        day = calendar_around(day).next(day).date
    return new


async def followed(api: Api, book: Book, **contract: Any) -> None:
    """Two accounts on ACME-GROWTH, and the holdings of the month."""
    if contract:
        book.add_securities()
    await contracted(api, book, **contract)
    await published(api)
    follow(book, "A1", "ACME-GROWTH")
    follow(book, "A2", "ACME-GROWTH")
    deliver(book, ON, A1=600_000, A2=900_000)
    deliver(book, date(2026, 3, 16), A1=600_000, A2=450_000)


async def drafted(api: Api, who: Any = MARK) -> Any:
    return await api.do(who, DRAFT, providerId="ACME", month="2026-03")


async def settle(api: Api, total: str, who: Any = CARL, *, approve: bool = True, number: int = 1) -> Any:
    statement = {"statementId": f"ACME/2026-03/{number}", "total": total, "approve": approve}
    return await api.do(who, DECIDE, **statement, reason="compared with the contract")


async def statements(api: Api) -> list[Any]:
    return list((await api.data(CARL, STATEMENTS))["billingStatements"])


@pytest.mark.covers("M1c")
async def test_each_calendar_day_is_charged_once_on_the_assets_of_its_business_date(api: Api, book: Book):
    """4,000 dollars a year on 1,500,000 are 10.958904 a day; Friday's assets are charged for the weekend."""
    await followed(api, book)
    assert accrue(book, date(2026, 3, 9)) == 2 * 8
    assert accrue(book, date(2026, 3, 9)) == 0

    span = {"from": "2026-03-06", "to": "2026-03-09"}
    rows = [row for row in (await api.data(MARK, ACCRUALS, span))["providerAccruals"] if row["accounts"]]
    assert [(row["day"], row["businessDate"]) for row in rows] == [
        ("2026-03-06", "2026-03-06"),
        ("2026-03-07", "2026-03-06"),
        ("2026-03-08", "2026-03-06"),
        ("2026-03-09", "2026-03-09"),
    ]
    assert {(row["assets"], row["rateBps"], row["fee"]) for row in rows} == {("1500000", "26.6667", "10.958904")}


async def test_a_session_that_was_missed_is_accrued_with_the_next_one(api: Api, book: Book):
    await followed(api, book)
    for day in (ON, date(2026, 3, 5)):
        book.write(lambda one, on=day: accrue_fees(one, book.firm_id, on))
    days = sorted({row.day.day for row in book.rows(hub_accrual)})
    assert days == [2, 3, 4, 5]


@pytest.mark.covers("M1c")
async def test_a_sleeve_is_charged_by_its_weight_in_the_account(api: Api, book: Book):
    """BALANCED gives ACME-GROWTH its large caps, 30 %, and small caps, 5 %: 350,000 of a million."""
    await contracted(api, book)
    await published(api)
    product = {"kind": "UMA_SLEEVE", "model_id": "ACME-GROWTH"}
    own = [each for each in PRODUCTS["products"] if each["id"] not in ("LC-ETF", "LC-DIRECT", "SC-ETF")]
    sleeves = [{**product, "id": f"{name}-ACME", "asset_class": name} for name in ("LC", "SC")]
    await publish_programme(api, "PRODUCT_SET", {**PRODUCTS, "products": [*own, *sleeves]})
    await publish_programme(api, "ALLOCATION", ALLOCATION)
    follow(book, "A1", "BALANCED")
    follow(book, "A2", "ACME-GROWTH>BALANCED@0.5")
    deliver(book, ON, A1=1_000_000, A2=1_000_000)

    accrue(book, ON)

    rows = {row.account_id: row.assets for row in book.rows(hub_assets)}
    assert rows == {"A1": Decimal("350000.00"), "A2": Decimal("675000.00")}
    document = '{ programmeModel(name: "BALANCED") { cashWeight target { securityId weight } } }'
    model = (await api.data(IVAN, document))["programmeModel"]
    weights = {each["securityId"]: each["weight"] for each in model["target"]}
    assert (weights["VTI"], weights["BND"]) == ("0.273", "0.07")


@pytest.mark.covers("M1d")
async def test_a_prorated_months_lines_sum_to_its_accruals_and_a_second_person_makes_it_final(api: Api, book: Book):
    """14 days at 10.958904 and 16 at 8.493151 are 289.315072; A1 and A2 share it by their assets of each day."""
    await followed(api, book)
    accrue(book)
    assert (await drafted(api))["total"] == "289.32"

    assert (await settle(api, "289.32", MARK))["code"] == "NOT_PERMITTED"
    assert (await settle(api, "289.31"))["message"] == "The total is 289.32 now: look at it again."
    assert (await settle(api, "289.32"))["status"] == "FINAL"

    (found,) = await statements(api)
    assert (found["accrued"], found["total"], found["decidedBy"]) == ("289.315072", "289.32", "carl")
    lines = [(each["accountId"], each["days"], each["averageAssets"], each["amount"]) for each in found["lines"]]
    assert lines == [("A1", 30, "600000", "139.02"), ("A2", 30, "660000", "150.3")]


@pytest.mark.covers("M1d")
async def test_an_adjustment_is_a_line_of_its_own_and_its_author_cannot_approve(api: Api, book: Book):
    await followed(api, book)
    accrue(book)
    await drafted(api)
    credit = {"statementId": "ACME/2026-03/1", "amount": "-12.50", "reason": "=2 days of outage"}
    assert (await api.do(MARY, ADJUST, **credit))["total"] == "276.82"
    assert (await settle(api, "276.82", MARY))["code"] == "SELF_APPROVAL"
    assert (await settle(api, "289.32"))["code"] == "STALE_VERSION"
    assert (await settle(api, "276.82"))["status"] == "FINAL"
    late = await api.do(MARK, ADJUST, **credit)
    assert late["message"] == "ACME/2026-03/1 is FINAL: its lines stay; enter the correction in the next month's"

    (found,) = await statements(api)
    rows = list(csv.DictReader(found["csv"].splitlines()))
    assert [(row["kind"], row["amount"]) for row in rows] == [
        ("ASSETS", "139.02"),
        ("ASSETS", "150.30"),
        ("ADJUSTMENT", "-12.50"),
        ("TOTAL", "276.82"),
    ]
    assert rows[2]["reason"] == "'=2 days of outage"
    assert sum(Decimal(row["amount"]) for row in rows[:-1]) == Decimal("276.82")


@pytest.mark.covers("M1d")
async def test_what_the_month_falls_short_of_the_minimum_is_a_line(api: Api, book: Book):
    """400 dollars for 30 of 31 days are 387.10; 289.32 were accrued."""
    await followed(api, book, minimum="400")
    accrue(book)
    assert (await drafted(api))["total"] == "387.10"
    (found,) = await statements(api)
    assert [(each["kind"], each["amount"]) for each in found["lines"]][-1] == ("MINIMUM", "97.78")


async def test_a_month_with_a_day_that_is_not_accrued_cannot_be_billed(api: Api, book: Book):
    await followed(api, book)
    accrue(book, date(2026, 3, 29))
    refused = await drafted(api)
    assert refused["code"] == "MONTH_OPEN"
    assert "2026-03-30 is not accrued, nor 1 other days" in refused["message"]
    assert "no contract with ACME" in (await api.do(MARK, DRAFT, providerId="ACME", month="2026-01"))["message"]


async def test_a_rejected_statement_is_drafted_again_and_one_that_stands_is_not(api: Api, book: Book):
    await followed(api, book)
    accrue(book)
    await drafted(api)
    assert (await drafted(api))["code"] == "STATEMENT_STANDS"
    assert (await settle(api, "289.32", approve=False))["status"] == "REJECTED"
    assert (await drafted(api))["statementId"] == "ACME/2026-03/2"
    assert (await settle(api, "289.32", number=2))["status"] == "FINAL"
    assert len(book.rows(hub_statement_line)) == 4


async def test_a_model_that_is_licensed_later_is_added_and_nothing_that_was_accrued_changes(api: Api, book: Book):
    await followed(api, book)
    accrue(book, ON)
    before = {(row.day, row.model_id): row.fee for row in book.rows(hub_accrual)}
    models = {"ACME-GROWTH": "standard", "ACME-INCOME": "standard", "ACME-BONDS": "standard"}
    await contracted(api, book, models=models)
    follow(book, "A3", "ACME-BONDS")
    deliver(book, ON + timedelta(days=1), A1=600_000, A2=900_000, A3=500_000)
    book.write(lambda one: accrue_fees(one, book.firm_id, ON))
    after = {(row.day, row.model_id): row.fee for row in book.rows(hub_accrual)}
    assert before.items() <= after.items()
    assert (ON, "ACME-BONDS") in after


async def test_followers_of_a_model_whose_contract_has_ended_are_told_of_and_not_charged(api: Api, book: Book):
    await followed(api, book, end="2026-03-03")
    accrue(book, date(2026, 3, 5))
    assert {row.day.day for row in book.rows(hub_accrual)} == {2, 3}
    told = book.rows(alert, alert.c.cause == "CONTRACT_ENDED")
    assert sorted(row.business_date.day for row in told) == [4, 5]
    assert told[0].message.startswith("2 accounts follow ACME-GROWTH, which no contract in force licenses")


async def test_a_providers_client_sees_its_own_models_and_no_fees_nor_notes(api: Api, book: Book):
    await contracted(api, book)
    other = {"id": "BETA", "client_id": "beta-feed", "models": {"BETA-ONE": "standard"}}
    proposed = await propose_contract(api, **other)
    await decide(api, CARL, proposed["changeId"])
    await upload(api)
    beta = a_client("beta-feed")
    seen = await api.data(beta, "{ providerContracts { providerId } providerModels { modelId } }")
    assert seen == {"providerContracts": [{"providerId": "BETA"}], "providerModels": []}
    answer = await api.send(beta, ACCRUALS, {"from": "2026-03-01", "to": "2026-03-31"})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "errors" in await api.send(beta, NOTES)


@pytest.mark.covers("M1e")
async def test_a_note_about_a_version_is_kept_with_its_author_and_read_by_the_committee(api: Api, book: Book):
    await contracted(api, book)
    await upload(api)
    about = {"providerId": "ACME", "modelId": "ACME-GROWTH", "version": 1}
    text = {"title": "Call with Acme", "body": "The duration of the bonds will be cut in April."}
    assert (await api.do(IVAN, NOTE, **about, **text))["__typename"] == "ResearchNoteWritten"
    await api.do(IVAN, NOTE, providerId="ACME", title="Owners", body="Acme was bought by North.")

    notes = (await api.data(IRIS, NOTES))["researchNotes"]
    assert [(one["title"], one["author"], one["version"]) for one in notes] == [
        ("Owners", "ivan", None),
        ("Call with Acme", "ivan", 1),
    ]
    assert notes[0]["writtenAt"] > notes[1]["writtenAt"]
    assert len((await api.data(IRIS, NOTES, {"model": "ACME-GROWTH"}))["researchNotes"]) == 1


@pytest.mark.parametrize(
    ("about", "answer"),
    [
        ({"providerId": "NOBODY"}, "NOT_FOUND"),
        ({"providerId": "ACME", "modelId": "OTHER"}, "NOT_FOUND"),
        ({"providerId": "ACME", "modelId": "ACME-GROWTH", "version": 3}, "NOT_FOUND"),
        ({"providerId": "ACME", "version": 1}, "NO_MODEL"),
    ],
)
async def test_a_note_is_about_something_that_is_there(api: Api, book: Book, about: Any, answer: str):
    await contracted(api, book)
    assert (await api.do(IVAN, NOTE, **about, title="t", body="b"))["code"] == answer
    assert (await api.do(ANNA, NOTE, **about, title="t", body="b"))["__typename"] == "Forbidden"
    assert OLGA.persons
