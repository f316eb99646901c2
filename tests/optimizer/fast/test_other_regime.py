"""What one regime of a tax year proves of the other: the same rates, the same bound, and no second solve."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tests.optimizer.fast.accounts import alone, simulated
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound
from trimtab.domain.optimizer.fast import lane
from trimtab.domain.optimizer.fast.lane import solve_batch
from trimtab.domain.optimizer.fast.other_regime import carried_over
from trimtab.domain.optimizer.fast.raising import raised
from trimtab.domain.optimizer.fast.reading import prices_of
from trimtab.domain.optimizer.fast.screen import bound_at, standing_prices
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems
from trimtab.domain.snapshots import TaxYear

LOSSES_CARRIED = TaxYear(
    short_term_realised=Decimal(-50_000), ordinary_rate=Decimal("0.30"), carried_loss_value=Decimal("0.10")
)


def both(seed: int, year: TaxYear = LOSSES_CARRIED) -> tuple[OptimizerData, OptimizerData]:
    """The problem of the long regime, and of the short one, 20 % and 30 % of gains before their rows."""
    long, short = problems(simulated(seed, year=year))
    return long, short


def with_prices(data: OptimizerData, **rows: float) -> Prices:
    return Prices(np.zeros(3), 0.0, np.array([rows.get(name, 0.0) for name in data.rows.names]))


def by_name(data: OptimizerData, prices: Prices) -> dict[str, float]:
    return dict(zip(data.rows.names, prices.rows.tolist(), strict=True))


def test_a_carried_loss_is_worth_as_much_in_either_regime():
    """Ten cents a dollar, half of it counted: 20 % less 10, or 30 % less 20."""
    long, short = both(0)
    half = long.regimes[0].base / 0.20

    carried = carried_over(with_prices(long, NET=-0.10 * half), long, short)

    assert by_name(short, carried) == {"NET": pytest.approx(-0.20 * half)}
    back = carried_over(carried, short, long)
    assert by_name(long, back) == {"NET_SHORT": pytest.approx(0.0), "NET": pytest.approx(-0.10 * half)}


def test_a_rate_above_the_long_term_one_is_that_of_short_term_gains():
    """35 % on all gains: 5 more than 30; in the long regime only short-term gains can cost 15 more than 20."""
    long, short = both(0)
    half = long.regimes[0].base / 0.20

    carried = carried_over(with_prices(short, NET=0.05 * half), short, long)

    assert by_name(long, carried) == {"NET_SHORT": pytest.approx(0.15 * half), "NET": 0.0}


def test_where_a_loss_is_carried_on_what_proves_one_regime_proves_the_other():
    for seed in range(4):
        long, short = both(seed)
        batch = alone(long)
        start = standing_prices(batch.packed)
        prices, _ = raised(batch, None, start, bound_at(batch.packed, start))
        known = prices_of(batch, prices[0], 0)

        carried = carried_over(known, long, short)

        assert lower_bound(short, carried).value == pytest.approx(lower_bound(long, known).value, abs=1e-12)


def test_an_account_whose_losses_are_carried_on_is_raised_and_solved_in_one_regime(monkeypatch):
    """The steps themselves are counted, and taken: eight accounts of two regimes each need eight of each kind."""
    taken: dict[str, list[OptimizerData]] = {"raised": [], "solved": []}
    for step, datas_of in taken.items():
        real = getattr(lane, step)

        def counted(batch, *others, real=real, datas_of=datas_of):
            datas_of.extend(batch.datas)
            return real(batch, *others)

        monkeypatch.setattr(lane, step, counted)
    datas = [simulated(seed, year=LOSSES_CARRIED) for seed in range(8)]

    outcomes = solve_batch(datas)

    assert all(outcome.answered for outcome in outcomes)
    assert {step: len(datas_of) for step, datas_of in taken.items()} == {"raised": 8, "solved": 8}


def test_the_bound_of_each_regime_is_proved_by_its_own_prices():
    """10,000 of short-term gains: a first loss saves 35 % in one regime and 20 % in the other."""
    year = replace(LOSSES_CARRIED, short_term_realised=Decimal(10_000))
    for seed in range(4):
        outcome = solve_batch([simulated(seed, year=year)])[0]
        for one, at, bound in zip(problems(simulated(seed, year=year)), outcome.prices, outcome.bounds, strict=True):
            assert lower_bound(one, at).value == pytest.approx(bound, abs=1e-9)
