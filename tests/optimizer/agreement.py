"""Does the lane that works at night answer as the specification does? On random accounts with every kind of rule.

python -m tests.optimizer.agreement [accounts]
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from tests.optimizer.random_accounts import a_random_account, a_random_ruled_account
from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.attainable import attain
from trimtab.domain.optimizer.bound import lower_bound
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems
from trimtab.domain.optimizer.relaxation import Relaxation
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True)
class Compared:
    """One problem, answered twice; None where the rules cannot be kept."""

    seed: int
    everything_open: bool
    lane_bp: float | None
    specification_bp: float | None
    lane_bound_bp: float  # the best lower bound that its prices give; 0 without an answer
    specification_bound_bp: float

    @property
    def disagreement_bp(self) -> float:
        """How far the objectives are from each other; infinite when only one answered."""
        if self.lane_bp is None or self.specification_bp is None:
            return 0.0 if self.lane_bp == self.specification_bp else np.inf
        return abs(self.lane_bp - self.specification_bp)


def compare(seeds: Iterable[int]) -> list[Compared]:
    """Each account with everything open, and with three in ten of its lots and purchases closed at random."""
    return [compared(seed, random_data(seed), share) for seed in seeds for share in (1.0, 0.7)]


def compare_ruled(seeds: Iterable[int]) -> list[Compared]:
    """The same for accounts with rules on the whole of them, in each tax regime."""
    return [
        compared(seed, problem, share)
        for seed in seeds
        for problem in problems(ruled_data(seed))
        for share in (1.0, 0.7)
    ]


def ruled_data(seed: int) -> OptimizerData:
    """Bands that are broken are asked for as far as the other rules allow, where those can be kept."""
    data = the_data(a_random_ruled_account(seed))
    try:
        return attain(data).data
    except SolverStalled:
        return data


def random_data(seed: int) -> OptimizerData:
    return the_data(a_random_account(seed))


def the_data(request: AnalysisInput) -> OptimizerData:
    value = account_value(request) or Decimal(1)
    return build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)


def compared(seed: int, data: OptimizerData, share: float) -> Compared:
    rng = np.random.default_rng(seed)
    lots, buys = rng.random(len(data.lots.lots)) < share, rng.random(len(data.securities.ids)) < share
    lane, lane_bound = answer(data, ClarabelLane(data), lots, buys)
    specification, bound = answer(data, Specification(data), lots, buys)
    return Compared(seed, share == 1.0, lane, specification, lane_bound, bound)


def answer(data: OptimizerData, relaxation: Relaxation, lots: Flags, buys: Flags) -> tuple[float | None, float]:
    """Objective and bound in basis points of account value."""
    try:
        solution = relaxation.solve(lots, buys)
    except SolverStalled:
        return None, 0.0
    total = evaluate(data, solution.lot_sells, solution.buys).total
    return total * 1e4, lower_bound(data, solution.prices).value * 1e4


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    _report(accounts, compare(range(accounts)), "plain")
    _report(accounts, compare_ruled(range(accounts)), "with rules on the whole account")


def _report(accounts: int, every: list[Compared], kind: str) -> None:
    worst = max(every, key=lambda each: each.disagreement_bp)
    unanswered = sum(each.lane_bp is None for each in every)
    sys.stdout.write(f"{len(every)} problems of {accounts} accounts {kind}, {unanswered} without an answer\n")
    sys.stdout.write(f"largest disagreement of the objective: {worst.disagreement_bp:.1e} bp, account {worst.seed}\n")


if __name__ == "__main__":
    main()
