"""Yesterday's trades, where they are as good: proposals stay calm.

Whole shares and a minimum trade turn a small change of prices into a large one of trades, from one list to another that
is as good. So yesterday's list is kept, but for single shares that are worth moving, unless another is better by more
than it disturbs; and if that one is better, it is also sought in the names of yesterday's list, each on its side.
"""

from decimal import Decimal

from trimtab.domain.optimizer.fast.relaxation import FastRelaxation
from trimtab.domain.optimizer.problem import WORTH_A_NAME, OptimizerData
from trimtab.domain.optimizer.regimes import Answered
from trimtab.domain.optimizer.search import yesterdays_names
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.optimizer.whole_shares import InShares, in_whole_shares, yesterdays_list
from trimtab.domain.orders import Side
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_WORTH_A_LIST = 2e-5
"""Yesterday's list is left for another only for more than a fifth of a basis point."""

_Names = frozenset[tuple[SecurityId, Side]]


def in_calm_shares(request: AnalysisInput, data: OptimizerData, answered: Answered, cash_required: Decimal) -> InShares:
    """The answer in whole shares, near yesterday's list where that is worse by at most a fifth of a basis point.

    Where the certified bound is that near already, no other list is sought. It is a bound of lists that end inside
    the bands: one that leaves a band within its slack may be better for that alone, and is compared with its like.
    """
    found = answered.found
    kept = _kept_list(request, data, found, cash_required)
    if kept is not None and not kept.bands_are_missed and kept.objective <= answered.bound + _WORTH_A_LIST:
        return kept
    shares = in_whole_shares(request, data, found)
    if kept is not None and _as_good(kept, shares):
        return kept
    return _in_kept_names(request, data, found, shares, cash_required)


def _kept_list(request: AnalysisInput, data: OptimizerData, found: Found, cash_required: Decimal) -> InShares | None:
    """Yesterday's list as far as it can be had today; None without one, or when it breaks a rule."""
    if data.yesterday is None or not data.yesterday.any():
        return None
    kept = yesterdays_list(request, data, found)
    return kept if _keeps_rules(kept, cash_required) else None


def _as_good(kept: InShares, shares: InShares) -> bool:
    """Whether `kept` leaves no band further than `shares`, and is worse by at most a fifth of a basis point."""
    return kept.keeps_bands_like(shares) and (bool(shares.missed) or kept.objective <= shares.objective + _WORTH_A_LIST)


def _in_kept_names(
    request: AnalysisInput, data: OptimizerData, found: Found, shares: InShares, cash_required: Decimal
) -> InShares:
    """`shares` of `found`, or trades in yesterday's names that are worse by at most a fifth of a basis point."""
    if _names_of(shares) == _yesterdays(request):
        return shares
    solved = yesterdays_names(found.problem, FastRelaxation(found.problem), found)
    if solved is None:
        return shares
    kept = in_whole_shares(request, data, solved)
    good = _keeps_rules(kept, cash_required) and kept.objective < shares.objective + WORTH_A_NAME
    return kept if good else shares


def _keeps_rules(shares: InShares, cash_required: Decimal) -> bool:
    return not shares.missed and shares.booked.cash >= cash_required


def _names_of(shares: InShares) -> _Names:
    return frozenset((trade.security_id, trade.side) for trade in shares.booked.trades)


def _yesterdays(request: AnalysisInput) -> _Names:
    incumbent = request.snapshot.incumbent
    traded = incumbent.net_trades.items() if incumbent else ()
    return frozenset((each, Side.BUY if shares > 0 else Side.SELL) for each, shares in traded if shares)
