"""What the checker finds for many accounts at once is what it finds leg by leg, and it refuses nothing less."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.random_accounts import a_random_account, a_random_priced_account, a_random_ruled_account
from trimtab.domain.errors import TrimtabError
from trimtab.domain.money import CENT
from trimtab.domain.optimizer.analysis import analyze, analyze_batch
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_at_once import hold_at_once
from trimtab.domain.optimizer.checked_bound import NOT_NETTED, lower_bound
from trimtab.domain.optimizer.checked_bound_at_once import bounds
from trimtab.domain.optimizer.checked_columns import columns_of
from trimtab.domain.optimizer.checked_facts import Facts, Reader
from trimtab.domain.optimizer.checked_market import CheckedMarket, checked_market
from trimtab.domain.optimizer.checked_netting import netted_year
from trimtab.domain.optimizer.checked_prices import Ruled
from trimtab.domain.optimizer.checked_problem import checked_problem
from trimtab.domain.optimizer.checked_rows import rows_without_bands
from trimtab.domain.optimizer.checker import check_batch, rule_violations, violations_of_claims
from trimtab.domain.proposals import Certificate, ProposedTrade, RebalanceProposal, RegimePrices
from trimtab.domain.snapshots import AnalysisInput, WashWindow, WashWindows
from trimtab.simulated_accounts import a_reference_book, a_universe, an_account

SEEDS = st.integers(min_value=0, max_value=10**9)

Case = tuple[AnalysisInput, RebalanceProposal]


def leg_by_leg(case: Case) -> tuple[str, ...]:
    """What the checker says when nothing is looked at together."""
    account = CheckedAccount(*case)
    broken = tuple(rule_violations(account))
    return broken + violations_of_claims(account, checked_market(case[0].market).risk, broken=bool(broken))


def at_once(cases: list[Case]) -> list[tuple[str, ...]]:
    return [() if rejected is None else rejected.violations for rejected in check_batch(cases)]


def faults(request: AnalysisInput, proposal: RebalanceProposal, rng: random.Random) -> Iterator[Case]:
    """The proposal with one thing wrong in it, or of an input with one thing changed."""
    for name in ("tax", "cost", "short_term_gain", "gap_bps", "benefit_bps"):
        yield request, replace(proposal, **{name: getattr(proposal, name) + rng.choice([-CENT, CENT])})
    risk = proposal.after.tracking_error + Decimal("0.00001")
    yield request, replace(proposal, after=replace(proposal.after, tracking_error=risk))
    if proposal.certificate is not None:
        for more in ("0.00001", "0.0000011", "0.0000009"):
            claim = proposal.certificate.bound_bps + Decimal(more)
            yield request, replace(proposal, certificate=replace(proposal.certificate, bound_bps=claim))
        worth = proposal.certificate.objective_bps - Decimal("0.00001")
        yield request, replace(proposal, certificate=replace(proposal.certificate, objective_bps=worth))
        yield request, replace(proposal, certificate=_worse_prices(proposal.certificate))
    if request.snapshot.lots:
        lot = rng.choice(request.snapshot.lots)
        for changed in (
            replace(lot, cost=lot.cost + rng.choice([CENT, Decimal(40)])),
            replace(lot, quantity=lot.quantity / 2),
            replace(lot, acquired_on=lot.acquired_on - timedelta(days=400)),
        ):
            lots = tuple(changed if each is lot else each for each in request.snapshot.lots)
            yield replace(request, snapshot=replace(request.snapshot, lots=lots)), proposal
    for trade in proposal.trades[:2]:
        yield from _wrong_trades(request, proposal, trade)


def _worse_prices(certificate: Certificate) -> Certificate:
    """They prove the bound that it claims, which is lower than the gap says."""
    none = RegimePrices((0.0,) * len(certificate.factor), 0.0, {}, {}, 0.0, 0.0)
    told = dict.fromkeys(certificate.by_regime or ("FIXED",), none)
    return replace(certificate, bound_bps=Decimal(-10_000), by_regime=told, sides={})


def _wrong_trades(request: AnalysisInput, proposal: RebalanceProposal, trade: ProposedTrade) -> Iterator[Case]:
    def with_trade(changed: ProposedTrade) -> RebalanceProposal:
        return replace(proposal, trades=tuple(changed if each is trade else each for each in proposal.trades))

    yield request, with_trade(replace(trade, quantity=trade.quantity + 1))
    yield request, with_trade(replace(trade, notional=trade.notional + CENT))
    for sale in trade.lot_sales[:1]:
        oversold = replace(sale, quantity=sale.quantity + 10**6)
        cheaper = replace(sale, basis=sale.basis + CENT, gain=sale.gain - CENT)
        for wrong in (oversold, cheaper):
            yield request, with_trade(replace(trade, lot_sales=(wrong, *trade.lot_sales[1:])))
    today, key = request.snapshot.business_date, request.market.securities[trade.security_id].wash_key
    bought = WashWindow(key, today - timedelta(days=5), today + timedelta(days=25), trade.quantity, "OTHER")
    windows = request.snapshot.wash_windows
    for washed in (
        WashWindows(windows.loss_sales, (*windows.purchases, bought)),
        WashWindows((*windows.loss_sales, bought), windows.purchases),
    ):
        yield replace(request, snapshot=replace(request.snapshot, wash_windows=washed)), proposal


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([a_random_account, a_random_ruled_account, a_random_priced_account]))
def test_a_planted_fault_has_the_same_findings_at_once_as_leg_by_leg(seed, kind):
    request = kind(seed)
    try:
        proposal = analyze(request)
    except TrimtabError:
        return
    cases = [(request, proposal), *faults(request, proposal, random.Random(seed))]

    assert at_once(cases) == [leg_by_leg(case) for case in cases]


def test_faults_in_accounts_of_a_hundred_lots_have_the_same_findings():
    requests = a_reference_book(6)
    proposals = analyze_batch(requests)
    cases = [
        case
        for number, (request, proposal) in enumerate(zip(requests, proposals, strict=True))
        if isinstance(proposal, RebalanceProposal)
        for case in ((request, proposal), *faults(request, proposal, random.Random(number)))
    ]

    found = at_once(cases)

    assert found == [leg_by_leg(case) for case in cases]
    assert len(cases) > 80
    assert sum(not each for each in found) >= 6


def test_an_account_in_order_is_found_so_at_once():
    requests = a_reference_book(6)
    proposals = analyze_batch(requests)
    accounts = [
        CheckedAccount(request, proposal)
        for request, proposal in zip(requests, proposals, strict=True)
        if isinstance(proposal, RebalanceProposal)
    ]

    assert hold_at_once(accounts, checked_market(requests[0].market)) == [True] * 6


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_bound_of_many_accounts_at_any_prices_is_that_of_each_leg_by_leg(seed):
    rng = np.random.default_rng(seed)
    own = [a_random_account(seed), a_random_ruled_account(seed)]
    many_lots = [_with_more(an_account(_UNIVERSE, 9, 3, seed + number), rng) for number in range(3)]
    for several in (many_lots, [own[0]], [own[1]]):
        market = checked_market(several[0].market)
        facts = [each for each in (Reader(market).facts(_untraded(request)) for request in several) if each is not None]
        if not facts:
            continue
        columns = columns_of(facts, market)
        certificates = [_some_prices(rng, columns.loadings.shape[1]) for _ in facts]
        ruled = [Ruled(rows_without_bands(each.account), _year(each, market)) for each in facts]
        many, round_off = bounds(columns, ruled, certificates, walked=range(len(ruled)))
        quick, _ = bounds(columns, ruled, certificates, walked=())

        for value, lower, off, each, certificate, sound in zip(
            many, quick, round_off, facts, certificates, columns.sound, strict=True
        ):
            if sound:
                assert lower <= value + off
                assert abs(value - _leg_by_leg(each, market, certificate)) <= off
                assert off < 1e-10


_UNIVERSE = a_universe(20, factors=3)


def _with_more(request: AnalysisInput, rng: np.random.Generator) -> AnalysisInput:
    """Another account bought what washes some lots whole, some in part; a held name left the model; two limits."""
    today, securities = request.snapshot.business_date, request.market.securities
    bought = tuple(
        WashWindow(
            securities[lot.security_id].wash_key,
            today - timedelta(days=5),
            today + timedelta(days=25),
            lot.quantity * Decimal(rng.choice(["0.4", "3"])),
            "OTHER",
        )
        for lot in request.snapshot.lots
        if rng.random() < 0.2
    )
    limits = replace(request.snapshot.settings, tracking_error_limit=Decimal("0.03"), turnover_limit=Decimal("0.2"))
    snapshot = replace(request.snapshot, wash_windows=WashWindows((), bought), settings=limits)
    model = replace(request.target, weights=dict(list(request.target.weights.items())[1:]))
    return replace(request, snapshot=snapshot, target=model)


def _untraded(request: AnalysisInput) -> CheckedAccount:
    proposal = RebalanceProposal.__new__(RebalanceProposal)  # only its trades are read
    object.__setattr__(proposal, "trades", ())
    return CheckedAccount(request, proposal)


def _some_prices(rng: np.random.Generator, factors: int) -> Certificate:
    """Prices of both regimes, some beyond what they may be."""

    def some() -> RegimePrices:
        rows = {
            name: float(rng.normal(0, 0.05)) for name in ("TURNOVER", "GAIN", "SHORT_TERM_GAIN", "NET", "NET_SHORT")
        }
        scale = rng.choice([0.01, 0.3])
        return RegimePrices(
            tuple(rng.normal(0, scale, factors)), rng.normal(0, 0.01), rows, rows, rng.normal(0, 5), 0.0
        )

    every = {name: some() for name in ("FIXED", "LONG", "SHORT")}
    return Certificate((), 0.0, {}, {}, 0.0, Decimal(0), Decimal(0), by_regime=every)


def _year(facts: Facts, market: CheckedMarket):
    return netted_year(facts.account, checked_problem(facts.account, market.risk))


def _leg_by_leg(facts: Facts, market: CheckedMarket, certificate: Certificate) -> float:
    problem, rows = checked_problem(facts.account, market.risk), rows_without_bands(facts.account)
    year = netted_year(facts.account, problem)
    regimes = year.regimes() if year is not None else (NOT_NETTED,)
    return min(lower_bound(problem, rows, certificate.by_regime[each.name], each).lowest for each in regimes)
