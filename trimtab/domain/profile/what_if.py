"""Accounts analysed again as they would be with other settings: what a change would trade (N8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trimtab.domain.errors import TrimtabError
from trimtab.domain.profile.applied import ProfileFacts, applied
from trimtab.domain.profile.bulk import SampledEffect
from trimtab.domain.profile.levels import Held
from trimtab.domain.profile.statements import Level, Statement
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True)
class Sampled:
    """One account's last analysis: what it read, and what it proposed."""

    request: AnalysisInput
    proposal: RebalanceProposal


def with_statements(request: AnalysisInput, changes: Mapping[str, Statement | str | None]) -> AnalysisInput:
    """The account with these statements over its settings of the day. Budgets of the year start from there."""
    held = {
        place: Held(said, Level.ACCOUNT, str(request.snapshot.account.id))
        for place, said in changes.items()
        if isinstance(said, Statement)
    }
    settings = applied(request.snapshot.settings, held, _facts(request))
    return replace(request, snapshot=replace(request.snapshot, settings=settings))


def _facts(request: AnalysisInput) -> ProfileFacts:
    snapshot, market = request.snapshot, request.market
    names = {*request.target.weights, *(each.security_id for each in snapshot.positions)}
    return ProfileFacts(
        on=snapshot.business_date,
        account_value=sum((each.market_value for each in snapshot.positions), snapshot.cash.trade_date_total),
        settled_cash=snapshot.cash.settled,
        tier=snapshot.account.tier,
        prices={name: market.prices[name].close for name in names if name in market.prices},
    )


def sampled_effect(sample: Sequence[Sampled], changes: Mapping[str, Statement | str | None]) -> SampledEffect:
    """Analyse each of the accounts again under the change. An account that cannot be is named, and counts nothing."""
    from trimtab.domain.optimizer.analysis import analyze  # the solver is slow to import

    pairs, failed = [], {}
    for each in sample:
        try:
            pairs.append((each.proposal, analyze(with_statements(each.request, changes))))
        except TrimtabError as error:
            failed[str(each.request.snapshot.account.id)] = str(error)
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    return SampledEffect(
        sampled=len(pairs),
        trading_before=_trading(before),
        trading_after=_trading(after),
        turnover_before=_turnover(before),
        turnover_after=_turnover(after),
        tax_before=_tax(before),
        tax_after=_tax(after),
        failed=failed,
    )


def _trading(proposals: Sequence[RebalanceProposal]) -> int:
    return sum(1 for each in proposals if each.trades)


def _turnover(proposals: Sequence[RebalanceProposal]) -> float:
    return float(sum(each.turnover * each.before.account_value for each in proposals))


def _tax(proposals: Sequence[RebalanceProposal]) -> float:
    return float(sum(each.tax for each in proposals))
