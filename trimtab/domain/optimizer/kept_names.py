"""Yesterday's names, where trades in them are as good: proposals stay calm.

A minimum trade turns a small change of prices into a large one of trades. So the answer is also sought in the names
of yesterday's list, each on its side, and taken unless another is better by more than it disturbs.
"""

from decimal import Decimal

from trimtab.domain.optimizer.fast.relaxation import FastRelaxation
from trimtab.domain.optimizer.problem import WORTH_A_NAME, OptimizerData
from trimtab.domain.optimizer.search import yesterdays_names
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.optimizer.whole_shares import InShares, in_whole_shares
from trimtab.domain.orders import Side
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_Names = frozenset[tuple[SecurityId, Side]]


def in_kept_names(
    request: AnalysisInput, data: OptimizerData, found: Found, shares: InShares, cash_required: Decimal
) -> InShares:
    """`shares` of `found`, or trades in yesterday's names that are worse by at most a fifth of a basis point."""
    if _names_of(shares) == _yesterdays(request):
        return shares
    kept = yesterdays_names(found.problem, FastRelaxation(found.problem), found)
    if kept is None:
        return shares
    again = in_whole_shares(request, data, kept)
    keeps_rules = not again.missed and again.booked.cash >= cash_required
    return again if keeps_rules and again.objective < shares.objective + WORTH_A_NAME else shares


def _names_of(shares: InShares) -> _Names:
    return frozenset((trade.security_id, trade.side) for trade in shares.booked.trades)


def _yesterdays(request: AnalysisInput) -> _Names:
    incumbent = request.snapshot.incumbent
    traded = incumbent.net_trades.items() if incumbent else ()
    return frozenset((each, Side.BUY if shares > 0 else Side.SELL) for each, shares in traded if shares)
