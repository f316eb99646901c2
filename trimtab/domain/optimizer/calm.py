"""How calm an account's proposals are: how far its trades move when every price is shaken a little (C4, N20).

Twenty seeded draws shake each price on its own by ten basis points. Yesterday's list, the answer at the true prices,
is the incumbent of every draw. A draw's amplification is how far the net trades move over how far the holdings do;
the account's score is the 95th percentile of it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np

from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import account_value
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

DRAWS = 20
NOISE_BPS = Decimal(10)

_CALM, _FAIR = 2.0, 4.0
"""Scores up to these: design page of the optimizer, section 13."""

_SCORED = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)
_PRICE_STEP = Decimal("0.000001")


class Calmness(StrEnum):
    CALM = "CALM"
    FAIR = "FAIR"
    RESTLESS = "RESTLESS"


@dataclass(frozen=True, slots=True)
class CalmScore:
    """One account under noise. `moved_bps` has one entry a draw: the l1 norm of the change of its net trades."""

    account_id: str
    outcome: AnalysisOutcome  # at the true prices; an account in conflict has no score
    score: float | None  # 95th percentile of the amplification over the draws
    moved_bps: tuple[float, ...]  # basis points of account value, by block: a swap inside a set moves nothing
    side_flips: int  # blocks bought in place of sold or the reverse, all draws
    swaps: int  # equivalence sets whose traded members changed while the set's own side did not, all draws

    @property
    def calmness(self) -> Calmness | None:
        if self.score is None:
            return None
        return Calmness.CALM if self.score <= _CALM else Calmness.FAIR if self.score <= _FAIR else Calmness.RESTLESS


@dataclass(frozen=True, slots=True)
class BookCalm:
    """Over all scored accounts and draws: how far net trades move, basis points of account value."""

    accounts: int
    median_bps: float
    p99_bps: float
    max_bps: float


def calm_score(
    request: AnalysisInput,
    market_arrays: MarketArrays | None = None,
    *,
    draws: int = DRAWS,
    noise_bps: Decimal = NOISE_BPS,
    seed: int = 0,
) -> CalmScore:
    """The score of one account; the same seed gives the same score, whatever else is scored beside it.

    Raises what `analyze` raises.
    """
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    proposal = analyze(request, market)
    if proposal.outcome not in _SCORED:
        return CalmScore(proposal.account_id, proposal.outcome, None, (), 0, 0)
    before = _Trades.of(request, proposal)
    shaken = shaken_days(request, proposal, draws, noise_bps, seed)
    after = [_Trades.of(each, analyze(each, _unhashed(market, number))) for number, each in enumerate(shaken)]
    moved = [before.moved_to(each) for each in after]
    held = [_holdings_moved(request, each) for each in shaken]
    amplified = [0.0 if base == 0 else move / base for move, base in zip(moved, held, strict=True)]
    return CalmScore(
        account_id=proposal.account_id,
        outcome=proposal.outcome,
        score=float(np.quantile(amplified, 0.95)),
        moved_bps=tuple(move * 1e4 for move in moved),
        side_flips=sum(before.flips(each) for each in after),
        swaps=sum(before.swaps(each) for each in after),
    )


def book_calm(scores: Sequence[CalmScore]) -> BookCalm:
    """Figures of a whole book; accounts without a score are left out."""
    scored = [each for each in scores if each.score is not None]
    moved = np.array([move for each in scored for move in each.moved_bps] or [0.0])
    return BookCalm(len(scored), float(np.median(moved)), float(np.quantile(moved, 0.99)), float(moved.max()))


@dataclass(frozen=True, slots=True)
class _Trades:
    """Net trades as fractions of account value, positive bought: by security, and by the block it belongs to."""

    by_security: dict[SecurityId, float]
    by_block: dict[SecurityId, float]

    @classmethod
    def of(cls, request: AnalysisInput, proposal: RebalanceProposal) -> "_Trades":
        value = account_value(request)
        block_of = {each.security_id: name for name, members in request.target.substitutes.items() for each in members}
        by_security: dict[SecurityId, float] = {}
        by_block: dict[SecurityId, float] = {}
        for trade in proposal.trades:
            weight = float(trade.notional / value) * (1 if trade.side is Side.BUY else -1)
            block = block_of.get(trade.security_id, trade.security_id)
            by_security[trade.security_id] = weight
            by_block[block] = by_block.get(block, 0.0) + weight
        return cls(by_security, by_block)

    def moved_to(self, other: "_Trades") -> float:
        """The l1 norm of the change by block."""
        blocks = self.by_block.keys() | other.by_block.keys()
        return sum(abs(self.by_block.get(each, 0.0) - other.by_block.get(each, 0.0)) for each in sorted(blocks))

    def flips(self, other: "_Trades") -> int:
        both = self.by_block.keys() & other.by_block.keys()
        return sum(self.by_block[each] * other.by_block[each] < 0 for each in both)

    def swaps(self, other: "_Trades") -> int:
        """Securities whose side turned inside a block whose own did not."""
        turned = sum(
            self.by_security[each] * other.by_security[each] < 0
            for each in self.by_security.keys() & other.by_security.keys()
        )
        return max(turned - self.flips(other), 0)


def shaken_days(
    request: AnalysisInput, proposal: RebalanceProposal, draws: int, noise_bps: Decimal, seed: int
) -> list[AnalysisInput]:
    """The account at the shaken prices of each draw, with the proposal as yesterday's list."""
    return [_shaken(request, proposal, noise) for noise in _noise(request, draws, float(noise_bps), seed)]


def _noise(request: AnalysisInput, draws: int, noise_bps: float, seed: int) -> Floats:
    """Relative price changes, (draws, priced securities of the account in the order of their ids)."""
    own = hashlib.sha256(f"{seed}:{request.snapshot.account.id}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(own[:8], "big"))
    noise: Floats = generator.normal(0.0, noise_bps * 1e-4, (draws, len(_priced(request))))
    return noise


def _priced(request: AnalysisInput) -> list[SecurityId]:
    """Securities of the account or its target that have a price, ordered by id."""
    named = {each.security_id for each in request.snapshot.positions} | request.target.weights.keys()
    named |= {each.security_id for members in request.target.substitutes.values() for each in members}
    return sorted(each for each in named if each in request.market.prices)


def _shaken(request: AnalysisInput, proposal: RebalanceProposal, noise: Floats) -> AnalysisInput:
    """The account at shaken prices, with the proposal as yesterday's list."""
    prices = dict(request.market.prices)
    for security_id, change in zip(_priced(request), noise, strict=True):
        old = prices[security_id]
        close = (old.close * (1 + Decimal(repr(float(change))))).quantize(_PRICE_STEP)
        prices[security_id] = Price(security_id, old.as_of, close)
    positions = tuple(
        replace(each, market_value=to_cents(each.quantity * prices[each.security_id].close))
        if each.security_id in prices
        else each
        for each in request.snapshot.positions
    )
    snapshot = replace(request.snapshot, positions=positions, incumbent=incumbent_of(proposal))
    return replace(request, snapshot=snapshot, market=replace(request.market, prices=prices))


def _holdings_moved(request: AnalysisInput, shaken: AnalysisInput) -> float:
    """The l1 norm of the change in value of the holdings, fraction of account value."""
    value, old, new = account_value(request), request.market.prices, shaken.market.prices
    changes = (
        abs(each.quantity * (new[each.security_id].close - old[each.security_id].close))
        for each in request.snapshot.positions
        if each.security_id in new
    )
    return float(sum(changes, ZERO) / value) if value else 0.0


def _unhashed(market: MarketArrays, number: int) -> MarketArrays:
    """The arrays hold no prices; the hash of a shaken market is never kept, so it is not worth computing."""
    return replace(market, market_hash=f"{market.market_hash} shaken {number}")
