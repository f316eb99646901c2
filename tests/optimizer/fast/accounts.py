"""Arrays of random accounts for the kernel: small ones with every rule, and simulated ones of a realistic size."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tests.optimizer.agreement import random_data, ruled_data
from trimtab.domain.account_settings import Harvesting
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.shapes import shape_of, supports
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import TaxYear
from trimtab.simulated_accounts import Universe, a_universe, an_account


@lru_cache
def universe() -> Universe:
    return a_universe(80)


@lru_cache
def market() -> MarketArrays:
    return MarketArrays.from_snapshot(universe().market)


@lru_cache
def simulated(seed: int, names: int = 20, drift: float = 0.25, year: TaxYear | None = None) -> OptimizerData:
    """A taxable account of `names` securities with two lots each that harvests every loss, netted in a `year`."""
    request = an_account(universe(), names, 2, seed, drift=drift)
    snapshot = request.snapshot
    account = replace(snapshot.account, registration=Registration.INDIVIDUAL)
    settings = replace(snapshot.settings, harvesting=Harvesting.AGGRESSIVE)
    request = replace(request, snapshot=replace(snapshot, account=account, settings=settings, tax_year=year))
    value = account_value(request)
    return build_data(request, prepare_target(request, value), market(), value)


def known_problems(seeds: range) -> list[OptimizerData]:
    """Problems of one regime that the kernel knows, of random accounts without and with rules on the whole of them."""
    datas = [make(seed) for seed in seeds for make in (random_data, ruled_data)]
    return [problem for data in datas if supports(data) is None for problem in problems(data)]


def alone(data: OptimizerData) -> Batch:
    return pack([data], shape_of(data))


def random_sides(batch: Batch, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(batch.packed.contested.shape) < 0.5
