"""A change is run on the stored days before anybody may approve it: whose lane and trades would be other ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from tests.graphql.api import ANNA, CARL, OLGA, Api
from tests.graphql.firms import Book
from tests.graphql.test_bulk_settings import EXEMPT
from tests.graphql.test_programme import DECIDE, IRIS, propose
from tests.optimizer.accounts import AS_OF, BUSINESS_DATE, a_lot, a_market, an_input
from tests.servers import FreshDatabase
from trimtab.cli import app
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, account_day_id, lifecycle_workflow_id, run_id
from trimtab.db import runs
from trimtab.db.account_history import known_by_now
from trimtab.db.content import put_content
from trimtab.db.decisions import write_proposal
from trimtab.db.filters import write_facts
from trimtab.db.programme import Change, ProgrammeKind, change_of, read_programme
from trimtab.db.programme import propose as keep_change
from trimtab.db.settings_versions import last_version, newest_seq, write_version
from trimtab.db.shadow_runs import SHADOW_RUN
from trimtab.db.shadow_subjects import programme_subject
from trimtab.db.stages import StageResult, get_or_compute
from trimtab.db.tables import account, account_day, household, run, setting_version
from trimtab.domain.account_measures import snapshot_facts
from trimtab.domain.accounts import AccountId, ModelId, Registration
from trimtab.domain.calibration import SHIPPED
from trimtab.domain.lifecycle import Stage
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.records import content_hash, plain
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, MarketSnapshot

RUN = RunRef("firm-a", run_id("firm-a", BUSINESS_DATE), BUSINESS_DATE)
PRODUCTS = {
    "id": "CORE",
    "version": 1,
    "effective_on": "2026-03-02",
    "products": [
        {"id": f"{name}-FUND", "asset_class": name, "kind": "ETF", "weights": {name: "1"}} for name in ("AAA", "BBB")
    ],
}
M1 = {
    "id": "M1",
    "version": 1,
    "effective_on": "2026-03-02",
    "weights": {"AAA": "0.6", "BBB": "0.4"},
    "product_set": "CORE",
}
HALVES = {**M1, "version": 2, "weights": {"AAA": "0.5", "BBB": "0.5"}}
SHADOW = """{ subject sentence days accounts analysed share accountDays changed tradesChanged skippedReview notes
  before { trading turnover tax cost } after { trading turnover tax cost } lanes { before after accountDays }
  exceptions { code accountDays } failed { accountId message }
  movers { accountId moved } changes { accountId laneBefore laneAfter tradesAdded tradesRemoved moved } }"""
CHANGES = f'{{ programmeChanges(status: "PROPOSED") {{ changeId shadow {SHADOW} }} }}'
BULK = f"query($id: String!) {{ bulkChange(changeId: $id) {{ status shadow {SHADOW} }} }}"
RUN_SHADOW = f"""mutation($input: RunShadowInput!) {{ runShadow(input: $input) {{ __typename
  ... on ShadowRunKept {{ changeId sentence shadow {SHADOW} }} ... on UserError {{ code message }} }} }}"""
PROPOSE_BULK = """mutation($input: ProposeBulkChangeInput!) { proposeBulkChange(input: $input) { __typename
  ... on BulkChangeProposed { changeId accounts changing } ... on UserError { code message } } }"""
DECIDE_BULK = """mutation($input: DecideBulkChangeInput!) { decideBulkChange(input: $input) { __typename
  ... on BulkChangeSettled { status } ... on UserError { code message } } }"""


@dataclass
class Night:
    """The recorded day: A1 in a Roth IRA and A2 taxed, both 59.5 % AAA and 39.5 % BBB of $100,000, on M1's 60/40.

    AAA was bought at $80 and stands at $100 like BBB; 1 % is cash. Nothing is worth trading.
    """

    book: Book
    market: MarketSnapshot

    def analysed(
        self, name: str, registration: Registration, *, model: str = "M1", recorded_otherwise: bool = False
    ) -> None:
        lots = tuple(
            replace(lot, account_id=AccountId(name)) for lot in (a_lot("AAA", "595", "80"), a_lot("BBB", "395", "100"))
        )
        target = self.book.write(lambda one: read_programme(one, BUSINESS_DATE, newest_seq(one))).portfolio(
            model, BUSINESS_DATE
        )
        request = an_input(self.market, target, lots=lots, cash="1000", registration=registration)
        owner = replace(request.snapshot.account, id=AccountId(name), model_id=ModelId(model))
        request = replace(request, snapshot=replace(request.snapshot, account=owner))
        proposal = analyze(request)
        assert not proposal.trades
        if recorded_otherwise:
            halves = dict.fromkeys(request.target.weights, Decimal("0.5"))
            request = replace(request, target=replace(request.target, weights=halves))
        self.book.write(lambda one: _store(one, request, proposal))


def _store(one: Any, request: AnalysisInput, proposal: RebalanceProposal) -> None:
    """What the night keeps of an account's analysis."""
    owner = request.snapshot.account
    ref = AccountDayRef("firm-a", RUN.run_id, account_day_id(owner.id, BUSINESS_DATE, 1), owner.id, BUSINESS_DATE)
    one.execute(insert(household).values(firm_id="firm-a", household_id=f"H-{owner.id}"))
    one.execute(
        insert(account).values(
            firm_id="firm-a",
            account_id=owner.id,
            household_id=f"H-{owner.id}",
            advisor_id="adv-1",
            profile=plain(owner),
        )
    )
    one.execute(
        insert(account_day).values(
            firm_id="firm-a",
            account_day_id=ref.account_day_id,
            run_id=ref.run_id,
            account_id=owner.id,
            business_date=BUSINESS_DATE,
            attempt=1,
            workflow_id=lifecycle_workflow_id("firm-a", owner.id, BUSINESS_DATE, 1),
            stage="ingest",
        )
    )
    digest = content_hash(proposal)
    stored = {
        "snapshot": put_content(one, "firm-a", "snapshot", request.snapshot),
        "target": put_content(one, "firm-a", "model", request.target),
        "market": put_content(one, "firm-a", "market", request.market),
        "calibration": SHIPPED.version,
        "solve_seconds": "0.100",
        "proposal": digest,
    }
    proposal_id = write_proposal(one, ref, digest, proposal.input_hash, plain(proposal), "trimtab")
    write_facts(
        one,
        "firm-a",
        ref.run_id,
        known_by_now(one, ref, snapshot_facts(request.snapshot, proposal, request.market.prices)),
    )
    for outcome, detail, changes in (
        (StageOutcome(Stage.INGEST, Stage.VALIDATE), {}, {}),
        (StageOutcome(Stage.VALIDATE, Stage.ANALYZE), {}, {"snapshot_hash": stored["snapshot"]}),
        (
            StageOutcome(Stage.ANALYZE, Stage.FILTER),
            stored | {"proposal_id": proposal_id},
            {"proposal_id": proposal_id, "proposal_hash": digest},
        ),
    ):
        result = StageResult(outcome, detail, changes)
        get_or_compute(one, ref, Stage(outcome.stage), {"of": owner.id}, lambda each=result: each)


@pytest.fixture
def night(book: Book) -> Night:
    """A firm that follows M1, and its one stored day."""
    for kind, document in ((ProgrammeKind.PRODUCT_SET, PRODUCTS), (ProgrammeKind.ALLOCATION, M1)):
        book.write(
            lambda one, kind=kind, document=document: write_version(
                one,
                "firm-a",
                kind.value,
                document["id"],
                document,
                effective_from=AS_OF,
                actor="ivan",
                reason="the start",
                supersedes=None,
            )
        )
    book.write(_open_run)
    found = Night(book, a_market({"AAA": "100", "BBB": "100"}, market_risk=0.0))
    found.analysed("A1", Registration.ROTH_IRA)
    found.analysed("A2", Registration.INDIVIDUAL)
    return found


def _open_run(one: Any) -> None:
    values = {"firm_id": "firm-a", "run_id": RUN.run_id, "business_date": BUSINESS_DATE, "as_of": AS_OF}
    one.execute(insert(run).values(**values, clock_mode="stepped", status="OPEN"))
    runs.freeze(one, RUN, "inputs", {"1": put_content(one, "firm-a", "inputs", {"settings_seq": newest_seq(one)})})


def _frozen_again(one: Any) -> None:
    """The run looked at its inputs once more: what it knows now is a later version of the settings."""
    runs.freeze(one, RUN, "inputs", {"2": put_content(one, "firm-a", "inputs", {"settings_seq": newest_seq(one)})})


async def shadow_of(api: Api, change_id: str, who: Any = IRIS) -> Any:
    changes = (await api.data(who, CHANGES))["programmeChanges"]
    return next(each["shadow"] for each in changes if each["changeId"] == change_id)


async def run_again(api: Api, who: Any, **values: Any) -> Any:
    return await api.do(who, RUN_SHADOW, **values)


async def decided_variant(api: Api, variant: Any) -> None:
    change_id = await proposed(api, variant, "VARIANT")
    decided = await api.do(IRIS, DECIDE, changeId=change_id, approve=True, reason="agreed")
    assert decided["status"] == "APPROVED", decided


async def proposed(api: Api, document: Any, part: str = "ALLOCATION") -> str:
    answer = await propose(api, part, document, effectiveFrom=BUSINESS_DATE.isoformat())
    assert answer["__typename"] == "ProgrammeChangeProposed", answer
    return str(answer["changeId"])


@pytest.mark.covers("N6", "N8")
async def test_an_allocation_is_run_on_the_stored_day_before_another_person_approves_it(api: Api, night: Night):
    """From 60/40 to 50/50, of 99 % invested: AAA stands at 59.5 % and would be aimed at 49.5 %.

    In the IRA 99 shares of $100 change sides: $9,900 one-way, 2 bp of 2 x $9,900 is $3.96, no tax. The taxed account
    stops at 86 or 87 shares, each with a gain of $20 taxed at 20 %: $4 a share, above the 20 bp that trade unseen.
    """
    change_id = await proposed(api, HALVES)

    found = await shadow_of(api, change_id)

    assert found["days"] == [BUSINESS_DATE.isoformat()]
    assert found["sentence"] == ("Run on all of the 2 accounts concerned, on 1 day: 2 of 2 account-days would change.")
    assert (found["accounts"], found["analysed"], float(found["share"])) == (2, 2, 1.0)
    assert found["before"] == {"trading": 0, "turnover": "0", "tax": "0", "cost": "0"}
    roth, taxed = found["changes"]
    assert (roth["accountId"], roth["laneBefore"], roth["laneAfter"]) == ("A1", "NO_TRADE", "AUTOMATED")
    assert (roth["tradesAdded"], roth["tradesRemoved"]) == (["BUY 99 BBB", "SELL 99 AAA"], [])
    assert Decimal(roth["moved"]) == 9_900
    assert (taxed["accountId"], taxed["laneBefore"], taxed["laneAfter"]) == ("A2", "NO_TRADE", "REVIEW")
    shares = Decimal(taxed["moved"]) / 100
    assert shares in (86, 87)
    assert found["after"]["trading"] == 2
    assert Decimal(found["after"]["turnover"]) == 9_900 + 100 * shares
    assert Decimal(found["after"]["tax"]) == 4 * shares
    assert Decimal(found["after"]["cost"]) == Decimal("0.0002") * 2 * (9_900 + 100 * shares)
    assert found["lanes"] == [
        {"before": "NO_TRADE", "after": "AUTOMATED", "accountDays": 1},
        {"before": "NO_TRADE", "after": "REVIEW", "accountDays": 1},
    ]
    assert found["exceptions"] == [{"code": "LANE_REVIEW", "accountDays": 1}]
    assert [each["accountId"] for each in found["movers"]] == ["A1", "A2"]

    decided = await api.do(IRIS, DECIDE, changeId=change_id, approve=True, reason="agreed")
    assert decided == {"__typename": "ProgrammeChangeDecided", "status": "APPROVED"}


async def test_a_model_that_was_not_run_as_it_stands_cannot_be_published(api: Api, night: Night):
    """The report is of something else, or of no day: the approval refuses until exactly this has been run."""
    change_id = await proposed(api, HALVES)
    change = night.book.write(lambda one: change_of(one, change_id))[0]

    def kept(one: Any, **other: Any) -> None:
        held = last_version(one, SHADOW_RUN, change_id)
        assert held is not None
        write_version(
            one,
            "firm-a",
            SHADOW_RUN,
            change_id,
            {**held.value, **other},
            effective_from=held.effective_from,
            actor="ivan",
            reason="of something else, or of no day",
            supersedes=held.seq,
        )

    refused = []
    for other in ({"subject": "0" * 64}, {"subject": programme_subject(change), "days": []}):
        night.book.write(lambda one, other=other: kept(one, **other))
        refused.append((await api.do(IRIS, DECIDE, changeId=change_id, approve=True, reason="agreed"))["code"])
    again = await run_again(api, IRIS, changeId=change_id)
    decided = await api.do(IRIS, DECIDE, changeId=change_id, approve=True, reason="agreed")

    assert refused == ["SHADOW_RUN_MISSING", "SHADOW_RUN_MISSING"]
    assert (again["__typename"], decided["status"]) == ("ShadowRunKept", "APPROVED")


async def test_a_parents_change_is_run_on_the_followers_of_its_variants_too(api: Api, night: Night):
    """A4 follows V1, which is M1 without a difference: the parent's move to 50/50 trades 99 shares there as well."""
    variant = {"id": "V1", "parent": "M1", "differences": []}
    await decided_variant(api, variant)
    night.book.write(_frozen_again)
    night.analysed("A4", Registration.ROTH_IRA, model="V1")

    found = await shadow_of(api, await proposed(api, HALVES))

    assert [(each["accountId"], each["tradesAdded"]) for each in found["changes"] if each["accountId"] == "A4"] == [
        ("A4", ["BUY 99 BBB", "SELL 99 AAA"])
    ]
    assert (found["accounts"], found["changed"]) == (3, 3)
    asked = len([each for each in api.statements if "setting_version" in each])
    await proposed(api, {**HALVES, "version": 3})
    await api.data(IRIS, CHANGES)
    assert len([each for each in api.statements if "setting_version" in each]) == asked  # one for the runs of all


async def test_a_variant_of_nobodys_concerns_no_account(api: Api, night: Night):
    """A new variant has no followers on the stored days."""
    variant = {"id": "V1", "parent": "M1", "differences": [{"kind": "DROP", "asset_class": "BBB", "scope": "ALL"}]}

    found = await shadow_of(api, await proposed(api, variant, "VARIANT"))

    assert (found["accounts"], found["sentence"]) == (0, "The change concerns no account of the last 1 day.")


async def test_a_setting_for_many_is_run_on_the_accounts_for_which_it_would_be_another_one(api: Api, night: Night):
    """Cash goes from 1 % to 11 %: in the IRA AAA and BBB of $10,000 are sold, half of which counts as turnover.

    A2 is exempt later: an exemption takes an account out of what was run, and needs no new run.
    """
    answer = await api.do(OLGA, PROPOSE_BULK, sentences=["Keep 11 % in cash."], reason="a storm is coming")
    assert (answer["accounts"], answer["changing"]) == (2, 2)
    change_id = answer["changeId"]

    found = (await api.data(CARL, BULK, {"id": change_id}))["bulkChange"]["shadow"]

    assert (found["accounts"], found["analysed"], found["changed"]) == (2, 2, 2)
    assert found["before"]["trading"] == 0
    roth = found["changes"][0]
    sold = [each.split() for each in roth["tradesAdded"]]
    assert {side for side, _, _ in sold} == {"SELL"}
    shares = sum(Decimal(quantity) for _, quantity, _ in sold)
    assert abs(shares - 100) <= 1
    assert Decimal(roth["moved"]) == shares * 100 / 2

    exempt = {"reason": "lives on it", "until": "2026-06-30", "accountId": "A2", "changeId": change_id}
    assert (await api.do(ANNA, EXEMPT, **exempt))["exempt"] == 1
    decided = await api.do(CARL, DECIDE_BULK, changeId=change_id, approve=True, reason="agreed")
    assert decided == {"__typename": "BulkChangeSettled", "status": "APPLIED"}


async def test_a_sample_is_said_to_be_one_and_is_the_same_whenever_it_is_run(api: Api, night: Night):
    """Each stored analysis took 0.1 seconds: in 0.1 seconds one of the two accounts can be run on the one day."""
    change_id = await proposed(api, HALVES)

    first = (await run_again(api, IRIS, changeId=change_id, seconds=0.1))["shadow"]
    second = (await run_again(api, IRIS, changeId=change_id, seconds=0.1))["shadow"]

    assert (first["accounts"], first["analysed"], float(first["share"])) == (2, 1, 0.5)
    assert first["sentence"] == (
        "Run on a sample, 50.0 %, of the 2 accounts concerned, on 1 day: 1 of 1 account-days would change."
    )
    assert [each["accountId"] for each in first["changes"]] == [each["accountId"] for each in second["changes"]]
    kept = night.book.rows(setting_version, setting_version.c.entity == SHADOW_RUN, setting_version.c.key == change_id)
    assert len(kept) == 3  # with the one of the proposal: nothing is overwritten


async def test_an_advisor_reads_the_figures_and_no_account_of_another_book_and_runs_nothing(api: Api, night: Night):
    change_id = await proposed(api, HALVES)

    found = await shadow_of(api, change_id, ANNA)
    assert (found["accounts"], found["changed"], found["changes"], found["movers"]) == (2, 2, [], [])
    assert (await run_again(api, ANNA, changeId=change_id))["__typename"] in ("NotFound", "Forbidden")
    assert (await run_again(api, IRIS, changeId="none"))["code"] == "NOT_FOUND"
    assert (await run_again(api, IRIS, changeId=change_id, days=21))["code"] == "OUT_OF_RANGE"


async def test_a_run_of_a_providers_model_names_no_trade_to_whoever_may_not_publish_it(api: Api, night: Night):
    """Trades tell of weights, which are under embargo until the model's release."""
    sent = ModelPortfolio(
        ModelId("M1"), 2, AS_OF, {SecurityId("AAA"): Decimal("0.5"), SecurityId("BBB"): Decimal("0.5")}
    )
    value: Any = plain(sent)
    change = Change(
        "sent-1", ProgrammeKind.PROVIDER_MODEL, "M1", BUSINESS_DATE, value, "version 2", ("client:acme",), None
    )
    night.book.write(lambda one: keep_change(one, "firm-a", change))
    assert (await run_again(api, IRIS, changeId="sent-1"))["shadow"]["changed"] == 2

    committee, manager = await shadow_of(api, "sent-1", IRIS), await shadow_of(api, "sent-1", OLGA)

    assert (len(committee["changes"]), len(committee["movers"])) == (2, 2)
    assert (manager["changed"], manager["changes"], manager["movers"]) == (2, [], [])


def on_the_command_line(tmp_path: Any, database: FreshDatabase, *arguments: str) -> tuple[int, list[str]]:
    named = {"TRIMTAB_STATE_DIR": str(tmp_path), "TRIMTAB_DATABASE_URL": database.app_url}
    done = CliRunner().invoke(app, ["shadow", *arguments, "--firm", "firm-a"], env=named, catch_exceptions=False)
    return done.exit_code, done.stdout.splitlines()


@pytest.mark.covers("N8")
async def test_a_build_that_would_trade_stored_days_otherwise_does_not_pass_the_gate(
    api: Api, night: Night, database: FreshDatabase, tmp_path: Any
):
    """A3 read 50/50 and was recorded without a trade: this build sells 99 shares there. A1 and A2 come out the same."""
    passed, lines = on_the_command_line(tmp_path, database, "build")
    assert (passed, lines[0]) == (
        0,
        "Run on all of the 2 accounts concerned, on 1 day: 0 of 2 account-days would change.",
    )
    night.analysed("A3", Registration.ROTH_IRA, recorded_otherwise=True)

    failed, lines = on_the_command_line(tmp_path, database, "build")

    assert (failed, lines[0]) == (
        1,
        "Run on all of the 3 accounts concerned, on 1 day: 1 of 3 account-days would change.",
    )
    assert f"  {BUSINESS_DATE} A3: NO_TRADE -> AUTOMATED; $9,900.00 moved; +BUY 99 BBB, +SELL 99 AAA" in lines

    change_id = await proposed(api, HALVES)
    ran, lines = on_the_command_line(tmp_path, database, "change", change_id, "--seconds", "0.1")
    assert (ran, lines) == on_the_command_line(tmp_path, database, "show", change_id)
    assert lines[0].startswith("Run on a sample, 33.3 %, of the 3 accounts concerned")
