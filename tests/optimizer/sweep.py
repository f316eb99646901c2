"""Do the promises of every account with rules on the whole of it hold, seed after seed?

python -m tests.optimizer.sweep FIRST LAST
"""

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from tests.optimizer.random_accounts import a_random_ruled_account
from trimtab.domain.errors import TrimtabError
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.targets import account_value
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal, Rung
from trimtab.domain.snapshots import AnalysisInput, Incumbent

_ROUND_OFF = Decimal("0.001")  # of gaps, basis points
_SAME_WEIGHT = Decimal("0.0000001")
_WORTH_CALM = Decimal("0.7")
"""What yesterday's list may cost at most: half a basis point for its sides, a fifth for its shares and names."""


def broken_promises(seed: int) -> Iterator[str]:
    """What is wrong with the answers to one account: as it is, on the day after it, and after another list."""
    request = a_random_ruled_account(seed)
    fresh = analyze(request)
    yield from _of_one(request, fresh)
    for name, yesterday in _yesterdays(fresh, seed):
        later = replace(request, snapshot=replace(request.snapshot, incumbent=yesterday))
        kept = analyze(later)
        yield from (f"{name}: {each}" for each in _of_one(later, kept))
        yield from (f"{name}: {each}" for each in _of_two(request, fresh, kept))


def _yesterdays(fresh: RebalanceProposal, seed: int) -> Iterator[tuple[str, Incumbent]]:
    """Its own list, and one of which each trade is another by up to a tenth, with one in ten turned round."""
    own, rng = incumbent_of(fresh), random.Random(seed)
    yield "on the day after", own
    shaken = {
        each: (shares * Decimal(f"{rng.uniform(0.9, 1.1) * rng.choice([1] * 9 + [-1]):.4f}")).quantize(
            Decimal("0.0001")
        )
        for each, shares in own.net_trades.items()
    }
    yield "after another list", replace(own, net_trades=shaken)


def _of_one(request: AnalysisInput, proposal: RebalanceProposal) -> Iterator[str]:
    rules = request.snapshot.settings
    if proposal.outcome is AnalysisOutcome.SOLVER_FAILED or proposal.rung is not Rung.FULL:
        yield f"{proposal.outcome} on rung {proposal.rung}: {proposal.note}"
    if proposal.gap_bps < -_ROUND_OFF:
        yield f"its gap is {proposal.gap_bps} bp"
    if proposal.outcome is not AnalysisOutcome.OPTIMAL:
        return
    spent = {
        "turnover": (proposal.turnover, rules.turnover_limit),
        "tax": (proposal.tax, rules.tax_budget),
        "gain": (proposal.short_term_gain + proposal.long_term_gain, rules.gain_budget),
        "tracking error": (proposal.after.tracking_error, rules.tracking_error_limit),
    }
    for name, (amount, budget) in spent.items():
        if budget is not None and amount > budget:
            yield f"its {name} is {amount} of at most {budget}"


def _of_two(request: AnalysisInput, fresh: RebalanceProposal, kept: RebalanceProposal) -> Iterator[str]:
    """A bound is one of lists that leave no band further than the published one does."""
    if {fresh.outcome, kept.outcome} != {AnalysisOutcome.OPTIMAL}:
        return
    comparable = _beyond_bands(request, fresh) <= _beyond_bands(request, kept) + _SAME_WEIGHT
    if comparable and kept.benefit_bps + kept.gap_bps < fresh.benefit_bps - _ROUND_OFF:
        yield f"the bound of {kept.benefit_bps} + {kept.gap_bps} bp is below {fresh.benefit_bps} bp that can be had"
    if kept.benefit_bps < fresh.benefit_bps - _WORTH_CALM:
        yield f"it is worth {kept.benefit_bps} bp, a list without yesterday {fresh.benefit_bps} bp"


def _beyond_bands(request: AnalysisInput, proposal: RebalanceProposal) -> Decimal:
    """By how much of the account's value its groups are outside their bands after the trades, in all."""
    market = request.market
    worth = {each.security_id: each.quantity for each in request.snapshot.positions}
    for trade in proposal.trades:
        signed = trade.quantity if trade.side is Side.BUY else -trade.quantity
        worth[trade.security_id] = worth.get(trade.security_id, Decimal(0)) + signed
    beyond = Decimal(0)
    for band in request.snapshot.settings.group_bands:
        members = [
            shares * market.prices[each].close
            for each, shares in worth.items()
            if each in market.prices
            and band.name in (market.securities[each].asset_class, market.securities[each].sector)
        ]
        weight = sum(members, Decimal(0)) / account_value(request)
        beyond += max(weight - band.maximum, band.minimum - weight, Decimal(0))
    return beyond


def main() -> None:
    first, last = int(sys.argv[1]), int(sys.argv[2])
    began, faults = time.process_time(), 0
    for seed in range(first, last):
        try:
            found = list(broken_promises(seed))
        except (TrimtabError, ArithmeticError, ValueError, IndexError, KeyError, AssertionError) as error:
            found = [f"{type(error).__name__}: {error}"]
        faults += len(found)
        for each in found:
            sys.stdout.write(f"{seed}: {each}\n")
            sys.stdout.flush()
    spent = time.process_time() - began
    sys.stdout.write(f"{last - first} seeds from {first}, {faults} faults, {spent:.0f} s of processor time\n")


if __name__ == "__main__":
    main()
