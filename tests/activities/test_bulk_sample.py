"""The preview of a bulk change analyses a sample of its accounts again as they would be with it (N8)."""

from __future__ import annotations

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from trimtab.activities.analyze import AnalysisJob, prepare_analysis, store_analysis
from trimtab.activities.inputs import Inputs
from trimtab.activities.solver import Solved
from trimtab.contracts import AccountDayRef, account_day_id
from trimtab.db.bulk_changes import preview
from trimtab.db.bulk_sample import sample_of
from trimtab.db.content import get_content
from trimtab.db.engine import firm_transaction
from trimtab.db.shadow_runs import build_job, run
from trimtab.domain.account_measures import facts_of
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.profile.bulk import ACCOUNTS
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.what_if import sampled_effect, with_statements
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot

MEMBERS = [f"A{number:05d}" for number in range(1, 8)]


def analysed(day: FeedDay, account_id: str) -> None:
    """What the analyze stage stores, with the solve in this process."""
    ref = AccountDayRef(FIRM, day.ref.run_id, account_day_id(account_id, day.date, 1), account_id, day.date)
    with firm_transaction(day.engine, FIRM) as connection:
        job = prepare_analysis(connection, ref, Inputs())
        assert isinstance(job, AnalysisJob)
        snapshot = get_content(connection, job.solve.snapshot_hash, AccountSnapshot)
        target_hash = job.solve.model_hashes[str(snapshot.account.model_id)]
        target = get_content(connection, target_hash, ModelPortfolio)
        market = get_content(connection, job.solve.market_hash, MarketSnapshot)
        proposal = analyze(AnalysisInput(snapshot, target, market))
        facts = facts_of(snapshot.account, snapshot.settings, proposal)
        solved = Solved(proposal, content_hash(proposal), target_hash, facts, 0.1)
        store_analysis(connection, ref, job, solved, build="test")


def test_a_change_that_stops_turnover_shows_that_nobody_in_the_sample_would_trade(day: FeedDay):
    day.load()
    day.judge()
    for name in MEMBERS:
        if name not in SPECIAL:
            analysed(day, name)
    changes = {"turnover_limit": LANGUAGE.parse("Turn over at most 0 % in one rebalance.")}
    with firm_transaction(day.engine, FIRM) as connection:
        sample = sample_of(connection, MEMBERS, 4)
        seen = preview(connection, MEMBERS, ACCOUNTS, changes, day.date, ())

    effect = sampled_effect(sample, changes)

    assert [each.request.snapshot.account.id for each in sample] == ["A00001", "A00002", "A00004", "A00006"]
    assert effect.sampled + len(effect.failed) == 4
    assert effect.trading_before == sum(1 for each in sample if each.proposal.trades) > 0
    assert (effect.trading_after, effect.turnover_after, effect.tax_after) == (0, 0, 0)
    assert effect.turnover_before > 0
    assert (seen.trading > 0, seen.turnover >= effect.turnover_before) == (True, True)
    with firm_transaction(day.engine, FIRM) as connection:
        again = build_job(connection, FIRM, 5, 60.0)
    report = run(again)
    sound = len([name for name in MEMBERS if name not in SPECIAL])
    assert (report.days, report.account_days, report.changed, report.failed) == ((day.date,), sound, 0, {})
    assert report.before == report.after
    assert report.before.trading > 0
    unchanged = with_statements(sample[0].request, {})
    assert content_hash(analyze(unchanged)) == content_hash(sample[0].proposal)
