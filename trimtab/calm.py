"""What `trimtab calm` reads and prints: how far proposals move when prices are shaken."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from trimtab.domain.optimizer.calm import DRAWS, NOISE_BPS, BookCalm, CalmScore, book_calm, calm_score
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.snapshots import AnalysisInput
from trimtab.optimize import read_input
from trimtab.simulated_accounts import a_book


@dataclass(frozen=True, slots=True)
class Shaking:
    """How prices are shaken."""

    draws: int = DRAWS
    noise_bps: Decimal = NOISE_BPS
    seed: int = 0


def scores(files: Sequence[Path], simulated: int, shaking: Shaking) -> Iterator[CalmScore]:
    """One score for each file, then for each simulated account. Raises what `read_input` and `analyze` raise."""
    for path in files:
        yield _score(read_input(path), None, shaking)
    if simulated:
        market, accounts = a_book(simulated)
        arrays = MarketArrays.from_snapshot(market)
        for each in accounts:
            yield _score(each, arrays, shaking)


def score_line(score: CalmScore) -> str:
    """One account in a line."""
    if score.score is None:
        return f"account {score.account_id}: {score.outcome}, not scored"
    moved = sorted(score.moved_bps)
    return (
        f"account {score.account_id}: {score.calmness}, score {score.score:.2f}; trades move "
        f"{moved[len(moved) // 2]:.1f} bp in the middle draw, {moved[-1]:.1f} bp at most; "
        f"{score.side_flips} side flips, {score.swaps} swaps inside a set"
    )


def book_line(book: BookCalm, shaking: Shaking) -> str:
    return (
        f"{book.accounts} accounts, {shaking.draws} draws of {shaking.noise_bps} bp: trades move "
        f"{book.median_bps:.1f} bp (median), {book.p99_bps:.1f} bp (p99), {book.max_bps:.1f} bp (most)"
    )


def calm_document(found: Sequence[CalmScore], shaking: Shaking) -> Mapping[str, Any]:
    """All scores and the book's figures as plain values."""
    book = book_calm(found)
    return {
        "draws": shaking.draws,
        "noise_bps": str(shaking.noise_bps),
        "seed": shaking.seed,
        "accounts": [
            {
                "account_id": each.account_id,
                "outcome": each.outcome,
                "score": each.score,
                "calmness": each.calmness,
                "moved_bps": list(each.moved_bps),
                "side_flips": each.side_flips,
                "swaps": each.swaps,
            }
            for each in found
        ],
        "book": {
            "accounts": book.accounts,
            "median_bps": book.median_bps,
            "p99_bps": book.p99_bps,
            "max_bps": book.max_bps,
        },
    }


def _score(request: AnalysisInput, arrays: MarketArrays | None, shaking: Shaking) -> CalmScore:
    return calm_score(request, arrays, draws=shaking.draws, noise_bps=shaking.noise_bps, seed=shaking.seed)
