"""Where the benchmark says that an account's time goes."""

import pytest

from benchmarks.stages import STAGES, Clock, measured
from trimtab.simulated_accounts import a_universe, an_account


def test_every_stage_of_an_account_has_time_of_its_own_and_they_sum_to_the_whole():
    universe = a_universe(20, factors=3)
    found = measured("normal", 20, [an_account(universe, 9, 3, seed) for seed in range(2)])

    assert found.stages.keys() == {*STAGES, "other"}
    assert all(spent > 0 for spent in found.stages.values())
    assert sum(found.stages.values()) == pytest.approx(found.whole_us, rel=0.5)


def test_what_is_measured_is_put_back():
    before = [getattr(module, name) for each in STAGES.values() for module, names in each.items() for name in names]

    with Clock().on():
        pass

    after = [getattr(module, name) for each in STAGES.values() for module, names in each.items() for name in names]
    assert after == before
