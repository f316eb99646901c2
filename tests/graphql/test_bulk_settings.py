"""One change of many accounts' settings: previewed, exempted from, approved by another person, undone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from tests.graphql.api import ANNA, BERT, CARL, IVAN, MARK, OLGA, Api, a_person
from tests.graphql.firms import ON, Book
from tests.graphql.test_settings import CHANGE, FROM_START, limit
from trimtab.auth.matrix import Role
from trimtab.db.bulk_decisions import exemptions_due
from trimtab.db.profiles import read_profiles
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, MODEL, newest_seq, write_version
from trimtab.db.tables import account, account_facts, security_fact
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.records import plain

CLARA = a_person("clara", Role.COMPLIANCE)
PROPOSE = """mutation($input: ProposeBulkChangeInput!) { proposeBulkChange(input: $input) { __typename
  ... on BulkChangeProposed { changeId accounts changing conflicting beyondLimits }
  ... on UserError { code message } } }"""
SETTLED = """{ __typename ... on BulkChangeSettled { status exempt conflicting versionsWritten leftAlone }
  ... on UserError { code message } }"""
DECIDE = f"mutation($input: DecideBulkChangeInput!) {{ decideBulkChange(input: $input) {SETTLED} }}"
EXEMPT = f"mutation($input: ExemptFromBulkChangeInput!) {{ exemptFromBulkChange(input: $input) {SETTLED} }}"
UNDO = f"mutation($input: UndoBulkChangeInput!) {{ undoBulkChange(input: $input) {SETTLED} }}"
SHOW = """query($id: String!) { bulkChange(changeId: $id) { changes accounts changing conflicting
  transitions { before level after accounts } conflicts { accountId problems } trading turnover tax
  exemptions { accountId reason grantedBy until reviewOn } status proposedBy decidedBy decisionReason undoneBy } }"""
PLATINUM = {"combinator": "and", "rules": [{"field": "advisor_id", "operator": "=", "value": "adv-1"}]}
NO_IBM = "Never trade IBM."


@pytest.fixture
def many(book: Book) -> Book:
    """A1 to A3 of adv-1's book, and B1 of adv-2's, all analysed; A2 has its own cash target of 3 %."""
    book.add_securities()
    book.write(_add_ibm)
    model = {"id": "balanced", "version": 1, "effective_on": "2026-02-27", "weights": {"VTI": "0.75", "BND": "0.25"}}
    book.write(lambda one: write_version(one, "firm-a", MODEL, "balanced", {**model, "cash_weight": "0"}, **FROM_START))
    for name, advisor in (("A1", "adv-1"), ("A2", "adv-1"), ("A3", "adv-1"), ("B1", "adv-2")):
        book.add_review(name, advisor=advisor)
        book.write(lambda one, name=name, advisor=advisor: _tell_advisor(one, name, advisor))
        settings: Any = plain(AccountSettings(cash_target=Decimal("0.03") if name == "A2" else Decimal("0.01")))
        book.write(
            lambda one, name=name, value=settings: write_version(
                one, "firm-a", ACCOUNT_SETTINGS, name, value, **FROM_START
            )
        )
    return book


def _add_ibm(one: Any) -> None:
    vti = one.execute(security_fact.select().where(security_fact.c.symbol == "VTI")).one()._mapping
    ibm = {"security_id": "IBM", "symbol": "IBM", "name": "IBM", "kind": "STOCK", "wash_group": "IBM", "line": 9}
    one.execute(insert(security_fact).values({**vti, **ibm}))


def _tell_advisor(one: Any, account_id: str, advisor: str) -> None:
    """What filters see: the snapshot's factory names one advisor for all."""
    facts = account_facts.c
    one.execute(update(account_facts).where(facts.account_id == account_id).values(advisor_id=advisor))


def holds(book: Book, key: str, on: date = ON) -> dict[str, str]:
    """What each account has of a setting, with its level."""

    def read(connection: Any) -> dict[str, str]:
        rows = connection.execute(account.select()).all()
        profiles = read_profiles(connection, rows, on, newest_seq(connection))
        return {
            name: f"{LANGUAGE.render(each.held[key].statement)} {each.held[key].level}" if key in each.held else "-"
            for name, each in sorted(profiles.items())
        }

    found: dict[str, str] = book.write(read)
    return found


async def propose(api: Api, *sentences: str, who: Any = OLGA, **more: Any) -> Any:
    return await api.do(who, PROPOSE, sentences=list(sentences), reason="the commission schedule of March", **more)


async def proposed(api: Api, *sentences: str, **more: Any) -> str:
    answer = await propose(api, *sentences, **more)
    assert answer["__typename"] == "BulkChangeProposed", answer
    return str(answer["changeId"])


async def decide(api: Api, change_id: str, who: Any = CARL, *, approve: bool = True) -> Any:
    return await api.do(who, DECIDE, changeId=change_id, approve=approve, reason="agreed")


async def show(api: Api, change_id: str) -> Any:
    return (await api.data(OLGA, SHOW, {"id": change_id}))["bulkChange"]


@pytest.mark.covers("S1", "S4", "X2")
async def test_a_setting_is_changed_for_the_accounts_of_a_filter_once_another_person_agrees(api: Api, many: Book):
    change_id = await proposed(api, "Keep 2 % in cash.", filter=PLATINUM)

    seen = await show(api, change_id)
    assert (seen["accounts"], seen["changing"], seen["conflicting"]) == (3, 3, 0)
    assert seen["transitions"] == [
        {"before": "Keep 1 % in cash.", "level": "FILE", "after": "Keep 2 % in cash.", "accounts": 2},
        {"before": "Keep 3 % in cash.", "level": "FILE", "after": "Keep 2 % in cash.", "accounts": 1},
    ]
    # each of the three sells 10,000 dollars of 21,000 and owes 500 dollars of tax: 25 % turnover, one-way
    assert (seen["trading"], seen["turnover"], seen["tax"]) == (3, 3 * 0.25 * 21_000, 1_500)
    assert set(holds(many, "cash_target").values()) == {"Keep 1 % in cash. FILE", "Keep 3 % in cash. FILE"}

    decided = await decide(api, change_id)

    assert (decided["status"], decided["versionsWritten"]) == ("APPLIED", 3)
    assert holds(many, "cash_target") == {
        "A1": "Keep 2 % in cash. ACCOUNT",
        "A2": "Keep 2 % in cash. ACCOUNT",
        "A3": "Keep 2 % in cash. ACCOUNT",
        "B1": "Keep 1 % in cash. FILE",
    }
    kept = await show(api, change_id)
    assert (kept["proposedBy"], kept["decidedBy"], kept["decisionReason"]) == (["olga"], "carl", "agreed")


@pytest.mark.covers("S2", "S5", "S6")
async def test_a_constraint_for_all_clients_leaves_out_whom_somebody_exempts_with_a_reason(api: Api, many: Book):
    """Nobody trades IBM, but A2 until June, and B1 until somebody looks at it again."""
    change_id = await proposed(api, NO_IBM, target="FIRM")
    june = {"until": "2026-06-30", "reason": "sells its founder's shares"}
    first = await api.do(ANNA, EXEMPT, changeId=change_id, accountId="A2", **june)
    second = await api.do(BERT, EXEMPT, changeId=change_id, accountId="B1", reviewOn="2026-05-01", reason="a lawsuit")
    assert (first["exempt"], second["exempt"]) == (1, 2)

    assert (await decide(api, change_id))["status"] == "APPLIED"

    assert holds(many, "never_trade|IBM") == {
        "A1": "Never trade IBM. FIRM",
        "A2": "-",
        "A3": "Never trade IBM. FIRM",
        "B1": "-",
    }
    in_july = holds(many, "never_trade|IBM", date(2026, 7, 1))
    assert (in_july["A2"], in_july["B1"]) == ("Never trade IBM. FIRM", "-")
    assert (await show(api, change_id))["exemptions"] == [
        {
            "accountId": "A2",
            "reason": "sells its founder's shares",
            "grantedBy": ["anna"],
            "until": "2026-06-30",
            "reviewOn": None,
        },
        {
            "accountId": "B1",
            "reason": "a lawsuit",
            "grantedBy": ["bert"],
            "until": None,
            "reviewOn": "2026-05-01",
        },
    ]


@pytest.mark.covers("S5")
async def test_an_exemption_from_a_change_of_accounts_ends_on_its_day(api: Api, many: Book):
    change_id = await proposed(api, "Pay $3 for each order.")
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A3", until="2026-03-31", reason="an old contract")

    await decide(api, change_id)

    assert holds(many, "commission", date(2026, 3, 31))["A3"] == "Pay $0 for each order. FILE"
    assert holds(many, "commission", date(2026, 4, 1))["A3"] == "Pay $3 for each order. ACCOUNT"


@pytest.mark.covers("S5", "S6")
async def test_an_exemption_is_reviewed_after_the_change_was_applied_prolonged_and_ended(api: Api, many: Book):
    """A3 is exempt until the end of March, then until the end of June; B1 until a review that ends it today."""
    change_id = await proposed(api, "Pay $3 for each order.")
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A3", until="2026-03-31", reason="an old contract")
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="B1", reviewOn=ON.isoformat(), reason="asked")
    await decide(api, change_id)
    assert [each.account_id for _, each in many.write(lambda one: exemptions_due(one, ON))] == ["B1"]

    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A3", until="2026-06-30", reason="the contract goes on")
    ended = await api.do(OLGA, EXEMPT, changeId=change_id, accountId="B1", until=ON.isoformat(), reason="over")

    assert ended["status"] == "APPLIED"
    assert many.write(lambda one: exemptions_due(one, ON)) == []
    before, after = "Pay $0 for each order. FILE", "Pay $3 for each order. ACCOUNT"
    assert holds(many, "commission", date(2026, 4, 1)) == {"A1": after, "A2": after, "A3": before, "B1": after}
    assert holds(many, "commission", date(2026, 7, 1))["A3"] == after
    not_exempt = await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A1", until="2026-06-30", reason="late")
    assert not_exempt["message"] == "the change holds for account A1: change its own settings"
    await api.do(OLGA, UNDO, changeId=change_id, reason="over")
    assert (await decide(api, change_id))["status"] == "UNDONE"
    assert set(holds(many, "commission", date(2027, 1, 4)).values()) == {before}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"accountId": "A1"}, "an exemption ends on a day, or is reviewed on one"),
        ({"accountId": "A1", "until": "2026-03-01"}, "is over before the change holds"),
        ({"accountId": "B1", "until": "2026-12-31"}, "account B1 is not among those that the change reaches"),
    ],
)
async def test_an_exemption_that_nobody_would_look_at_again_is_refused(api: Api, many: Book, more, said):
    change_id = await proposed(api, "Keep 2 % in cash.", filter=PLATINUM)
    refused = await api.do(OLGA, EXEMPT, changeId=change_id, reason="x", **more)
    assert said in refused["message"]


@pytest.mark.covers("S4")
async def test_nobody_approves_their_own_change_or_exemption(api: Api, many: Book):
    own = await proposed(api, "Keep 2 % in cash.", who=CARL)
    assert (await decide(api, own))["code"] == "SELF_APPROVAL"
    assert (await decide(api, own, OLGA))["__typename"] == "Forbidden"
    exempted = await proposed(api, "Keep 2 % in cash.")
    await api.do(CARL, EXEMPT, changeId=exempted, accountId="A1", until="2026-12-31", reason="x")
    assert (await decide(api, exempted))["code"] == "SELF_APPROVAL"

    assert (await decide(api, exempted, CLARA))["status"] == "APPLIED"

    assert (await propose(api, "Keep 2 % in cash.", who=MARK))["__typename"] == "Forbidden"


@pytest.mark.covers("S4", "X12")
async def test_a_change_that_an_account_could_not_obey_waits_until_it_is_exempt(api: Api, many: Book):
    """A1 wants 60 to 70 % of VTI and at least 30 % of BND: 15 % of cash beside them leaves no room."""
    wished = ["Hold 60 % to 70 % of VTI.", "Hold 30 % to 40 % of BND."]
    await api.do(ANNA, CHANGE, level="ACCOUNT", owner="A1", sentences=wished, reason="asked")
    change_id = await proposed(api, "Keep 15 % in cash.")
    assert (await show(api, change_id))["conflicts"] == [
        {"accountId": "A1", "problems": ["the smallest weights and the cash target sum to 1.05, more than 1"]}
    ]

    refused = await decide(api, change_id)
    assert (refused["code"], "1 accounts could not obey it, the first A1" in refused["message"]) == (
        "BULK_CHANGE_REFUSED",
        True,
    )
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A1", reviewOn="2026-06-30", reason="its own wish")
    seen = await show(api, change_id)
    assert (seen["accounts"], seen["changing"], seen["conflicting"], seen["conflicts"]) == (4, 3, 0, [])
    assert sum(each["accounts"] for each in seen["transitions"]) == 3

    assert (await decide(api, change_id))["versionsWritten"] == 3


async def test_a_conflict_that_came_after_the_preview_is_found_at_the_approval(api: Api, many: Book):
    change_id = await proposed(api, "Keep 15 % in cash.")
    wished = ["Hold 60 % to 70 % of VTI.", "Hold 30 % to 40 % of BND."]
    await api.do(ANNA, CHANGE, level="ACCOUNT", owner="A1", sentences=wished, reason="asked")

    assert (await decide(api, change_id))["code"] == "BULK_CHANGE_REFUSED"
    assert set(holds(many, "cash_target").values()) == {"Keep 1 % in cash. FILE", "Keep 3 % in cash. FILE"}


@pytest.mark.covers("S3", "S4")
async def test_an_undo_gives_back_what_was_said_before_and_leaves_later_changes_alone(api: Api, many: Book):
    await api.do(ANNA, CHANGE, level="ACCOUNT", owner="A1", sentences=["Keep 4 % in cash."], reason="asked")
    change_id = await proposed(api, "Keep 2 % in cash.")
    await decide(api, change_id)
    await api.do(ANNA, CHANGE, level="ACCOUNT", owner="A3", sentences=["Keep 5 % in cash."], reason="asked again")

    asked = await api.do(OLGA, UNDO, changeId=change_id, reason="the schedule was withdrawn")
    assert asked["status"] == "UNDO_PROPOSED"
    assert (await decide(api, change_id, OLGA))["__typename"] == "Forbidden"
    undone = await decide(api, change_id)

    assert (undone["status"], undone["leftAlone"]) == ("UNDONE", 1)
    assert holds(many, "cash_target") == {
        "A1": "Keep 4 % in cash. ACCOUNT",
        "A2": "Keep 3 % in cash. FILE",
        "A3": "Keep 5 % in cash. ACCOUNT",
        "B1": "Keep 1 % in cash. FILE",
    }
    assert (await show(api, change_id))["undoneBy"] == "carl"


async def test_an_undo_of_the_firms_rule_takes_its_exemptions_back_as_well(api: Api, many: Book):
    change_id = await proposed(api, NO_IBM, target="FIRM")
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A2", until="2026-06-30", reason="x")
    await decide(api, change_id)
    await api.do(OLGA, EXEMPT, changeId=change_id, accountId="A2", until="2026-09-30", reason="longer")
    assert holds(many, "never_trade|IBM", date(2026, 7, 1))["A2"] == "-"
    await api.do(OLGA, UNDO, changeId=change_id, reason="over")

    await decide(api, change_id)

    assert set(holds(many, "never_trade|IBM").values()) == {"-"}
    again = await proposed(api, NO_IBM, target="FIRM")
    await decide(api, again)
    assert set(holds(many, "never_trade|IBM").values()) == {"Never trade IBM. FIRM"}


async def test_a_rejected_change_and_a_decided_one_stay_so(api: Api, many: Book):
    change_id = await proposed(api, "Keep 2 % in cash.")
    assert (await decide(api, change_id, approve=False))["status"] == "REJECTED"

    late = await decide(api, change_id)

    assert (late["code"], late["message"]) == (
        "BULK_CHANGE_REFUSED",
        "the change is rejected: nobody can approve it now",
    )
    assert set(holds(many, "cash_target").values()) == {"Keep 1 % in cash. FILE", "Keep 3 % in cash. FILE"}


@pytest.mark.covers("M5b")
async def test_a_change_beyond_the_limits_says_so_and_needs_whoever_approves_those(api: Api, many: Book):
    limit(many, class_deviation=Decimal("0.2"))

    answer = await propose(api, "Hold 60 % to 100 % in asset class BONDS.")

    assert (answer["accounts"], answer["beyondLimits"]) == (4, 4)
    assert (await decide(api, answer["changeId"]))["status"] == "APPLIED"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"filter": {"combinator": "and", "rules": [{"field": "nonsense", "operator": "=", "value": 1}]}}, "FILTER_"),
        ({"filter": {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "NONE"}]}}, "BULK_"),
        ({"target": "PROGRAMME"}, "BULK_CHANGE_REFUSED"),
        ({"target": "FIRM", "filter": PLATINUM}, "BULK_CHANGE_REFUSED"),
        ({"effectiveFrom": (ON - timedelta(days=1)).isoformat()}, "EFFECTIVE_IN_THE_PAST"),
    ],
)
async def test_a_change_that_reaches_nobody_or_makes_no_sense_is_refused(api: Api, many: Book, asked, code):
    refused = await propose(api, "Keep 2 % in cash.", **asked)
    assert refused["__typename"] == "InvalidInput"
    assert refused["code"].startswith(code)


async def test_an_advisor_proposes_for_the_own_book_only(api: Api, many: Book):
    assert (await propose(api, "Keep 2 % in cash.", who=BERT))["accounts"] == 1
    assert (await propose(api, NO_IBM, who=BERT, target="FIRM"))["code"] == "OTHER_BOOK"
    assert (await propose(api, "Keep 2 % in cash.", who=IVAN))["accounts"] == 4
