"""Which branch each contested security takes: annealing, rounding, single changes, then patterns of the last few.

At any prices a security regrets its branch by what the other would save more. A pattern of branches whose optimum is
known at its own prices can be beaten only by changing securities that regret theirs there, and without regret it is the
best of all: the dual of the cheaper branches equals its objective.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import (
    SOFTENING,
    Answers,
    Branching,
    answer,
    duality_gap,
    gains,
    hardened,
)
from trimtab.domain.optimizer.fast.newton import ARRIVED, MOST_STEPS, Climbed, climb
from trimtab.domain.optimizer.fast.packed import HARD_PRICE, Packed

TEMPERATURES = ((3e-5, 1e-6), (3e-6, 2e-7))
"""Temperature, and the promised gain at which a climb at it ends."""

ANNEALING_STEPS = 20
_CHANGES = 6
_GIVEN = 1e-9  # a row that gives way by more is hardened
_KEPT = 1e-7  # a hard row that is missed by less counts as kept
_EXACT = 1e-6  # a gap of a hundredth of a basis point needs no search
_BETTER = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """The best pattern found for each account, its optimum, and a number that no allowed trade list is below."""

    answers: Answers  # of the pattern
    buying: Flags  # (A, n) contested securities on the buying branch
    objective: Floats  # (A,)
    bound: Floats  # (A,) over all patterns
    proof: Floats  # (A, k + r) prices at which the dual alone proves `proved`
    proved: Floats  # (A,) at most `bound`, which patterns enumerated over several prices may have raised further
    further: NDArray[np.object_]  # (A,) those prices, a tuple of (k + r,) each
    arrived: Flags  # (A,) the pattern's optimum was reached, within the hard rows
    steps: Ints  # (A,) Newton steps of all climbs

    @property
    def gap(self) -> Floats:
        gap: Floats = self.objective - self.bound
        return gap

    def take(self, accounts: Ints) -> "Settled":
        return Settled(
            self.answers.take(accounts),
            *(getattr(self, name).take(accounts, 0) for name in _BY_ACCOUNT),
        )

    def replaced(self, accounts: Ints, other: "Settled") -> None:
        """Write `other` over `accounts`."""
        self.answers.replaced(accounts, other.answers)
        for name in _BY_ACCOUNT:
            getattr(self, name)[accounts] = getattr(other, name)

    def raise_bound(self, accounts: Ints, bound: Floats, prices: Floats) -> None:
        """Take the dual's value at `prices` (q, k + r) of `accounts` (q,) where it is higher."""
        higher = bound > self.proved[accounts]
        rows = accounts[higher]
        self.proof[rows], self.proved[rows] = prices[higher], bound[higher]
        self.bound[rows] = np.maximum(self.bound[rows], bound[higher])

    def joined(self, other: "Settled") -> "Settled":
        """These accounts, then the other's."""
        return Settled(
            self.answers.joined(other.answers),
            *(np.concatenate((getattr(self, name), getattr(other, name))) for name in _BY_ACCOUNT),
        )


_BY_ACCOUNT = ("buying", "objective", "bound", "proof", "proved", "further", "arrived", "steps")


def settle(packed: Packed, prices: Floats) -> Settled:
    """Cold: the sides that the annealed dual from `prices` (A, k + r) favours, improved one by one."""
    choosing = packed.contested.any(axis=1)
    if not choosing.any():
        return on_sides(packed, prices, np.zeros_like(packed.contested))
    if choosing.all():
        return improved(packed, _annealed(packed, prices))
    rows, others = np.flatnonzero(choosing), np.flatnonzero(~choosing)
    plain = on_sides(packed.take(others), prices[others], packed.contested[others])
    chosen = settle(packed.take(rows), prices[rows])
    order = np.argsort(np.concatenate((others, rows)))
    return plain.joined(chosen).take(order)


def settle_near(packed: Packed, prices: Floats) -> Settled:
    """From annealed `prices` (A, k + r): the sides that are better there, improved one by one."""
    at_prices = gains(packed, prices)
    settled = on_sides(packed, prices, at_prices.if_bought > at_prices.if_sold)
    settled.raise_bound(np.arange(packed.accounts), hardened(packed, at_prices), prices)
    return improved(packed, settled)


def on_sides(packed: Packed, prices: Floats, buying: Flags, *, arrived: float = ARRIVED) -> Settled:
    """The optimum with every contested security on its given branch; the bound is over all patterns.

    `arrived`: the duality gap that is near enough.
    """
    climbed = climb(packed, prices, Branching(buying=buying), most_steps=MOST_STEPS, arrived=arrived)
    _harden(packed, climbed, buying)
    answers = climbed.answers
    objective = answers.value + duality_gap(packed, answers)
    soft = answers.value - regrets(packed, answers, buying).sum(axis=1)
    bound = soft + (hardened(packed, answers) - answers.value)
    kept = climbed.arrived & (_hard_excess(packed, answers) < _KEPT)
    return Settled(
        answers=answers,
        buying=buying & packed.contested,
        objective=objective,
        bound=bound,
        proof=answers.prices.copy(),
        proved=bound.copy(),
        further=_nothing_further(packed.accounts),
        arrived=kept,
        steps=climbed.steps,
    )


def _harden(packed: Packed, climbed: Climbed, buying: Flags) -> None:
    """Take the softening out of dear hard rows: seek again with it centred at the prices found, where it adds nothing.

    Softened by rho, a row at the price u gives way by rho u; with its interval moved by as much it does not.
    """
    k = packed.factors
    prices = climbed.answers.prices[:, k:]
    hard = ((prices > 0) & (packed.most_price >= HARD_PRICE)) | ((prices < 0) & (packed.least_price <= -HARD_PRICE))
    given = np.where(hard, SOFTENING * prices, 0.0)
    rows = np.flatnonzero(climbed.arrived & (np.abs(given).max(axis=1) > _GIVEN))
    if not len(rows):
        return
    centred = packed.take(rows)
    centred = replace(centred, low=centred.low - given[rows], high=centred.high - given[rows])
    again = climb(centred, climbed.answers.prices[rows], Branching(buying=buying[rows]), most_steps=MOST_STEPS)
    there = np.flatnonzero(again.arrived)
    final = answer(packed.take(rows[there]), again.answers.prices[there], Branching(buying=buying[rows[there]]))
    climbed.answers.replaced(rows[there], final)
    climbed.steps[rows] += again.steps


def _nothing_further(accounts: int) -> NDArray[np.object_]:
    nothing = np.empty(accounts, dtype=np.object_)
    nothing[:] = [()] * accounts
    return nothing


def _hard_excess(packed: Packed, answers: Answers) -> Floats:
    """How far the amounts are outside the intervals of hard rows, (A,): rules that cannot be kept have no answer."""
    amounts = answers.amounts[:, packed.factors :]
    above = np.where(packed.most_price >= HARD_PRICE, amounts - packed.high, 0.0)
    below = np.where(packed.least_price <= -HARD_PRICE, packed.low - amounts, 0.0)
    return np.asarray(np.maximum(above, below).max(axis=1))


def regrets(packed: Packed, answers: Answers, buying: Flags) -> Floats:
    """What each contested security would save more on its other branch at the prices of `answers`, (A, n)."""
    more = np.where(buying, answers.if_sold - answers.if_bought, answers.if_bought - answers.if_sold)
    return np.where(packed.contested, np.maximum(more, 0.0), 0.0)


def _annealed(packed: Packed, prices: Floats) -> Settled:
    """Prices of the smoothed dual, their bound, and the optimum on the sides that weigh more there."""
    steps = np.zeros(packed.accounts, dtype=np.int64)
    for temperature, arrived in TEMPERATURES:
        climbed = climb(packed, prices, Branching(temperature), most_steps=ANNEALING_STEPS, arrived=arrived)
        prices = climbed.answers.prices
        steps += climbed.steps
    favoured = climbed.answers.purchase_weight > 0.5
    bound = hardened(packed, gains(packed, prices))
    settled = on_sides(packed, prices, favoured)
    settled.raise_bound(np.arange(packed.accounts), bound, prices)
    settled.steps[:] += steps
    return settled


def improved(packed: Packed, settled: Settled) -> Settled:
    """Change one security's side at a time, the one that regrets its side most, while that helps.

    An account that has not arrived stays as it is: other sides do not bring it there, and each try takes all steps.
    """
    tried = np.zeros_like(packed.contested)
    for _ in range(_CHANGES):
        regret = np.where(tried, 0.0, regrets(packed, settled.answers, settled.buying))
        worst = regret.argmax(axis=1)
        every = np.arange(packed.accounts)
        promising = settled.arrived & (settled.gap > _EXACT) & (regret[every, worst] > _BETTER)
        rows = np.flatnonzero(promising)
        if not len(rows):
            break
        tried[rows, worst[rows]] = True
        buying = settled.buying[rows]
        buying[np.arange(len(rows)), worst[rows]] ^= True
        changed = on_sides(packed.take(rows), settled.answers.prices[rows], buying)
        keep_better(settled, rows, changed)
    return settled


def keep_better(settled: Settled, rows: Ints, other: Settled, *, by: float = _BETTER) -> None:
    """Take the other's bounds where they are higher, and its sides and answers where they are better by so much."""
    settled.raise_bound(rows, other.proved, other.proof)
    higher = other.bound > settled.bound[rows]
    settled.bound[rows[higher]], settled.further[rows[higher]] = other.bound[higher], other.further[higher]
    settled.steps[rows] += other.steps
    better = np.flatnonzero(other.arrived & ((other.objective < settled.objective[rows] - by) | ~settled.arrived[rows]))
    where = rows[better]
    settled.answers.replaced(where, other.answers.take(better))
    for name in ("buying", "objective", "arrived"):
        getattr(settled, name)[where] = getattr(other, name)[better]
