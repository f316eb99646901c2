"""Which lane and which rung answer the accounts of a book."""

from collections import Counter
from collections.abc import Sequence

from trimtab.domain.errors import TrimtabError
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.fast.buckets import MOST_AT_ONCE
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.proposals import Lane, Rung
from trimtab.domain.snapshots import AnalysisInput


def shares(requests: Sequence[AnalysisInput]) -> dict[str, float]:
    """Share of the accounts of one market by lane and by rung, and of those that are refused (`ERROR`)."""
    market = MarketArrays.from_snapshot(requests[0].market)
    counts: Counter[str] = Counter()
    for begin in range(0, len(requests), MOST_AT_ONCE):
        for answer in analyze_batch(requests[begin : begin + MOST_AT_ONCE], market):
            counts.update(["ERROR"] if isinstance(answer, TrimtabError) else [answer.lane, answer.rung])
    named = (*Lane, *Rung, "ERROR")
    return {str(name): round(counts[str(name)] / len(requests), 4) for name in named}
