"""The lane that works at night: it answers as the specification does, alone, and the same each time."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.optimizer.agreement import compare, random_data
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.csc import Entries, diagonal
from trimtab.domain.optimizer.errors import SolverStalled

ACCOUNT = Path(__file__).parent / "data" / "drifted.json"


@pytest.mark.covers("P1")
def test_the_lane_agrees_with_the_specification_on_random_accounts():
    every = compare(range(300))

    assert max(each.disagreement_bp for each in every) <= 2e-3
    assert sum(each.lane_bp is not None for each in every) > 500


def test_the_lanes_prices_certify_as_much_as_the_specifications():
    every = [each for each in compare(range(1000, 1100)) if each.everything_open and each.lane_bp is not None]

    assert all(each.lane_bound_bp >= each.specification_bound_bp - 0.05 for each in every)
    assert len(every) > 80


def test_the_same_problem_has_the_same_answer_to_the_last_bit():
    data = random_data(7)
    everything = np.ones(len(data.lots.lots), dtype=bool), np.ones(len(data.securities.ids), dtype=bool)

    first, second = ClarabelLane(data).solve(*everything), ClarabelLane(data).solve(*everything)

    assert first.lot_sells.tobytes() == second.lot_sells.tobytes()
    assert first.prices.factor.tobytes() == second.prices.factor.tobytes()
    assert first.prices.cash == second.prices.cash


def test_with_everything_closed_nothing_trades():
    data = next(data for data in map(random_data, range(100)) if data.may_stand_still)
    nothing = np.zeros(len(data.lots.lots), dtype=bool), np.zeros(len(data.securities.ids), dtype=bool)

    solution = ClarabelLane(data).solve(*nothing)

    assert not solution.lot_sells.any()
    assert not solution.buys.any()


def test_a_rule_that_demands_a_closed_trade_has_no_answer():
    data = next(data for data in map(random_data, range(100)) if data.securities.sell_minimum.any())
    nothing = np.zeros(len(data.lots.lots), dtype=bool), np.zeros(len(data.securities.ids), dtype=bool)

    with pytest.raises(SolverStalled, match="a rule demands a trade that is closed"):
        ClarabelLane(data).solve(*nothing)


@pytest.mark.parametrize("modules", ["trimtab.domain.optimizer.analysis", "trimtab.worker, trimtab.activities.analyze"])
def test_neither_an_analysis_nor_a_worker_imports_cvxpy(modules: str):
    program = f"""
import sys, {modules}
from pathlib import Path
from trimtab.domain.optimizer.analysis import analyze
from trimtab.optimize import read_input
assert analyze(read_input(Path({str(ACCOUNT)!r}))).trades
print(sorted({{"cvxpy", "scipy"}} & sys.modules.keys()), "clarabel" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert answer.stdout == "[] True\n", answer.stderr


def test_rows_become_columns():
    """3 x 4: row 0 is (1, 0, 0, 2), row 1 is (0, 5, 0, 0), row 2 is (3, 0, 0, 4)."""
    rows = Entries(4)
    rows.add(np.array([0, 0]), np.array([3, 0]), np.array([2.0, 1.0]))
    assert rows.put(np.array([10.0])) == 0
    rows.add(np.array([0, 1]), np.array([1, 0]), np.array([5.0, 3.0]))
    rows.add(np.array([1]), np.array([3]), 4.0)
    assert rows.put(np.array([20.0, 30.0])) == 1

    matrix, right = rows.matrix()

    assert matrix.shape == (3, 4)
    assert (matrix.indptr, matrix.indices, matrix.data) == ([0, 2, 3, 3, 5], [0, 2, 1, 0, 2], [1, 3, 5, 2, 4])
    assert right.tolist() == [10, 20, 30]


def test_a_diagonal_leaves_out_its_zeros():
    matrix = diagonal(np.array([2.0, 0.0, 3.0]))

    assert (matrix.shape, matrix.indptr, matrix.indices, matrix.data) == ((3, 3), [0, 1, 1, 2], [0, 2], [2, 3])
