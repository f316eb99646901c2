"""Lots that are all but equal are one row for the solver and themselves in every answer."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import BUSINESS_DATE, LAST_YEAR, LONG_AGO, a_lot, a_market, a_model, a_window, an_input
from tests.optimizer.random_accounts import a_random_account
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.lot_merging import SAME_COST, Merged, MergedLots, merge_lots
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput, WashWindows

THIS_YEAR = date(2026, 1, 5)


def data_of(request: AnalysisInput) -> OptimizerData:
    value = account_value(request)
    return build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)


def one_holding(*lots: TaxLot, **changes: object) -> AnalysisInput:
    """1,000 shares or so at 100, all to be sold for B."""
    market = a_market({"A": "100", "B": "50"})
    return an_input(market, a_model({"B": "0.99"}), lots=lots, cash="100", **changes)  # type: ignore[arg-type]


def merged_ids(request: AnalysisInput) -> list[list[str]]:
    data = data_of(request)
    merged = merge_lots(data)
    groups: dict[int, list[str]] = {}
    for lot, group in zip(data.lots.lots, merged.group.tolist(), strict=True):
        groups.setdefault(group, []).append(lot.id)
    return [sorted(ids) for _, ids in sorted(groups.items())]


def test_unit_costs_within_a_basis_point_are_one_row():
    """80.000 and 80.006 differ by 0.75 bp; 80.02 is 2.5 bp away."""
    request = one_holding(
        a_lot("A", "10", "80.000", name="first"),
        a_lot("A", "20", "80.006", name="second"),
        a_lot("A", "30", "80.020", name="third"),
    )
    assert sorted(merged_ids(request)) == [["first", "second"], ["third"]]


def test_a_chain_of_near_costs_does_not_drift():
    """Each is 0.75 bp from the next, the last 1.5 bp from the first: two rows, the dearest costs standing first."""
    request = one_holding(
        a_lot("A", "10", "80.000", name="1"), a_lot("A", "10", "80.006", name="2"), a_lot("A", "10", "80.012", name="3")
    )
    assert merged_ids(request) == [["2", "3"], ["1"]]


def test_terms_are_never_mixed():
    request = one_holding(
        a_lot("A", "10", "80", bought=LONG_AGO, name="long"), a_lot("A", "10", "80", bought=THIS_YEAR, name="short")
    )
    assert merged_ids(request) == [["long"], ["short"]]


def test_a_lot_whose_loss_would_be_washed_stays_apart_from_one_of_equal_cost():
    """The purchase of 20 February washes the old lot's loss, and not the loss of its own shares (Rev. Rul. 56-602)."""
    bought = date(2026, 2, 20)
    old = a_lot("A", "10", "120", bought=date(2026, 1, 15), purchase="P1", name="old")
    own = a_lot("A", "10", "120", bought=bought, purchase="P2", name="own")
    window = WashWindows(purchases=(a_window("A", bought, "10", purchase_id="P2"),))
    assert sorted(merged_ids(one_holding(old, own, wash_windows=window))) == [["old"], ["own"]]


def test_securities_are_never_mixed():
    market = a_market({"A": "100", "B": "100"})
    lots = (a_lot("A", "10", "80"), a_lot("B", "10", "80"))
    request = an_input(market, a_model({"A": "0.5", "B": "0.5"}), lots=lots, cash="10")
    assert len(merge_lots(data_of(request)).data.lots.lots) == 2


def test_a_merged_row_has_the_sum_of_the_lots_and_the_mean_of_their_taxes():
    request = one_holding(a_lot("A", "10", "80.000", name="1"), a_lot("A", "30", "80.004", name="2"))
    data = data_of(request)
    (row,) = (merge_lots(data).data.lots,)
    assert row.value == pytest.approx([data.lots.value.sum()])
    assert row.limit == pytest.approx([data.lots.limit.sum()])
    assert row.gain == pytest.approx([1 - 80.003 / 100])  # (10 x 80.000 + 30 x 80.004) / 40
    assert row.tax == pytest.approx([0.2 * 0.5 * (1 - 80.003 / 100)])  # long-term rate, half of it counts


def test_the_lots_of_a_group_are_sold_from_the_front_to_the_exact_share():
    """About 470 of 1,000 shares go, from ten lots of 100 at 80.000 to 80.004: dearest first, four whole lots."""
    lots = tuple(a_lot("A", "100", f"80.00{n // 2}", name=f"lot-{n}") for n in range(10))
    request = an_input(a_market({"A": "100", "B": "50"}), a_model({"A": "0.52", "B": "0.47"}), lots=lots, cash="100")
    data = data_of(request)
    assert len(merge_lots(data).data.lots.lots) == 1
    (sale,) = (trade for trade in analyze(request).trades if trade.security_id == "A")
    assert [each.lot_id for each in sale.lot_sales] == ["lot-8", "lot-9", "lot-6", "lot-7", "lot-4"]
    assert [each.quantity for each in sale.lot_sales][:4] == [Decimal(100)] * 4
    assert sum(each.quantity for each in sale.lot_sales) == sale.quantity


def in_pieces(request: AnalysisInput, pieces: int, rng: np.random.Generator) -> AnalysisInput:
    """Each lot of whole shares as up to `pieces` lots of its purchase, unit costs less than a basis point apart."""
    lots = []
    for lot in request.snapshot.lots:
        parts = min(pieces, int(lot.quantity))
        if parts < 2 or lot.quantity != int(lot.quantity):
            lots.append(lot)
            continue
        cuts = np.sort(rng.choice(np.arange(1, int(lot.quantity)), parts - 1, replace=False)).tolist()
        for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, int(lot.quantity)], strict=True)):
            near = Decimal(f"{1 + rng.uniform(0, 0.9 * SAME_COST):.9f}")
            cost = (lot.cost * (end - start) / lot.quantity * near).quantize(Decimal("0.000001"))
            lots.append(replace(lot, id=LotId(f"{lot.id}.{number}"), quantity=Decimal(end - start), cost=cost))
    return replace(request, snapshot=replace(request.snapshot, lots=tuple(lots)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), pieces=st.integers(2, 6))
def test_the_answer_for_merged_lots_is_the_answer_for_the_lots(seed: int, pieces: int):
    """Within 0.02 bp and the gaps, of the same problem; and what is sold of a group is what the solver sold of it."""
    request = in_pieces(a_random_account(seed), pieces, np.random.default_rng(seed))
    if account_value(request) <= 0:
        return
    data = data_of(request)
    data = data.under(data.regimes[0])
    everything = np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0
    try:
        apart, own = MergedLots(data).solve(*everything), ClarabelLane(data).solve(*everything)
    except SolverStalled:
        return
    linear = replace(data, lots=replace(data.lots, replacements=None))  # washed parts at their mean, as a lane sees it
    totals = [evaluate(linear, each.lot_sells, each.buys).total for each in (apart, own)]
    assert abs(totals[0] - totals[1]) * 1e4 <= 0.02
    assert (apart.lot_sells <= data.lots.limit).all()
    merged = merge_lots(data)
    sold = np.bincount(merged.group, apart.lot_sells, len(merged.first))
    assert sold == pytest.approx(ClarabelLane(merged.data).solve(*merged_open(merged)).lot_sells, abs=1e-12)


def merged_open(merged: Merged) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(len(merged.first), dtype=np.bool_), merged.data.securities.buy_limit > 0


def test_lots_on_a_closed_side_are_not_mixed_with_open_ones_nor_sold():
    request = one_holding(a_lot("A", "100", "80.000", name="1"), a_lot("A", "100", "80.004", name="2"))
    data = data_of(request)
    open_lots = np.array([False, True])
    assert len(merge_lots(data, open_lots).first) == 2
    solution = MergedLots(data).solve(open_lots, data.securities.buy_limit > 0)
    assert solution.lot_sells[0] == 0 < solution.lot_sells[1]


def test_an_account_without_equal_lots_is_left_as_it_is():
    data = data_of(one_holding(a_lot("A", "10", "80"), a_lot("A", "10", "90", bought=LAST_YEAR)))
    assert merge_lots(data).data is data
    assert BUSINESS_DATE > LAST_YEAR
