"""Fills back to accounts, and from there to lots: before / fills / after, with figures to check by hand."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.factories import DAY, a_lot, an_intent
from trimtab.domain.allocations import (
    Allocation,
    Fill,
    LotsDoNotCover,
    Overfilled,
    allocate,
    allocate_block,
    apply_postings,
    average_price,
    post_allocation,
    rotation_seed,
)
from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.orders import Block, Intent, IntentId, Member, Side, form_blocks


def members(*quantities: str) -> list[Member]:
    return [
        Member(IntentId(f"i{place:02}"), an_intent("x", "1").account_id, Decimal(quantity))
        for place, quantity in enumerate(quantities)
    ]


def shares(filled: str, *quantities: str, seed: int = 0) -> list[Decimal]:
    return list(allocate(Decimal(filled), members(*quantities), seed).values())


def a_block(*quantities: str) -> Block:
    intents = [an_intent(f"i{place}", quantity) for place, quantity in enumerate(quantities)]
    return form_blocks(intents, firm_id="F", business_date=DAY, release=1, broker="paper")[0]


def test_a_partial_fill_is_split_pro_rata_by_largest_remainder() -> None:
    assert shares("170", "150", "100", "50") == [85, 57, 28]


def test_a_complete_fill_gives_everybody_what_was_asked_fractions_too() -> None:
    assert shares("4.5", "0.5", "4") == [Decimal("0.5"), 4]


def test_a_single_share_goes_round_by_rotation() -> None:
    takers = Counter(shares("1", "150", "100", "50", seed=seed).index(Decimal(1)) for seed in range(300))
    assert takers == {0: 100, 1: 100, 2: 100}


def test_equal_remainders_go_round_too() -> None:
    # 50 of 3 x 30: 16.67 each, two odd shares.
    assert shares("50", "30", "30", "30", seed=0) == [17, 17, 16]
    assert shares("50", "30", "30", "30", seed=1) == [16, 17, 17]


def test_an_odd_share_may_complete_what_a_member_asked() -> None:
    assert shares("1", "1", "1") == [1, 0]
    assert shares("2", "1", "1", "1", seed=1) == [0, 1, 1]


def test_nobody_gets_more_than_asked_when_one_wants_a_fraction() -> None:
    assert shares("3", "0.5", "4") == [0, 3]
    assert shares("1", "0.5", "0.5", "0.5") == [Decimal("0.333334"), Decimal("0.333333"), Decimal("0.333333")]
    assert sum(shares("1.25", "1", "1")) == Decimal("1.25")


def test_the_order_of_the_members_does_not_matter() -> None:
    three = members("150", "100", "50")
    assert allocate(Decimal(170), three, 7) == allocate(Decimal(170), three[::-1], 7)


def test_more_than_was_ordered_is_refused() -> None:
    with pytest.raises(Overfilled):
        shares("301", "150", "100", "50")
    with pytest.raises(Overfilled):
        shares("0.0000001", "1", "1")


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=30), st.data())
def test_the_parts_sum_to_the_fill_and_stay_within_a_share_of_the_exact_part(
    quantities: list[int], data: st.DataObject
) -> None:
    whole = sum(quantities)
    filled = data.draw(st.integers(0, whole))
    parts = shares(str(filled), *map(str, quantities), seed=data.draw(st.integers(0, 2**64)))
    assert sum(parts) == filled
    for part, quantity in zip(parts, quantities, strict=True):
        assert 0 <= part <= quantity
        assert part == int(part)
        assert abs(part - Decimal(filled) * quantity / whole) < 1


# --- blocks -------------------------------------------------------------------------------------------------------


def test_all_members_get_the_average_price_and_the_cents_sum() -> None:
    block = a_block("150", "100", "50")
    fills = [Fill(Decimal(100), Decimal("10.00")), Fill(Decimal(70), Decimal("10.07"))]
    allocations = allocate_block(block, fills)
    assert [each.quantity for each in allocations] == [85, 57, 28]
    assert {each.price for each in allocations} == {Decimal("10.028824")}  # 1,704.90 / 170
    assert [each.notional for each in allocations] == [Decimal("852.45"), Decimal("571.64"), Decimal("280.81")]
    assert sum(each.notional for each in allocations) == Decimal("1704.90")


def test_who_gets_no_share_pays_no_commission() -> None:
    block = a_block("150", "100", "50")
    paid = dict.fromkeys((member.intent_id for member in block.members), Decimal("4.95"))
    (only,) = allocate_block(block, [Fill(Decimal(1), Decimal(10))], paid, seed=2)
    assert (only.intent_id, only.quantity, only.commission) == ("i2", 1, Decimal("4.95"))


def test_without_fills_there_is_nothing_to_allocate() -> None:
    assert allocate_block(a_block("10"), []) == ()
    assert average_price([]) == 0


def test_a_block_is_always_allocated_alike() -> None:
    assert rotation_seed("b.F.1") == rotation_seed("b.F.1") != rotation_seed("b.F.2")
    fill = [Fill(Decimal(1), Decimal(10))]
    assert allocate_block(a_block("5", "5"), fill) == allocate_block(a_block("5", "5"), fill)


# --- postings -----------------------------------------------------------------------------------------------------


def allocated(intent: Intent, quantity: str, notional: str, commission: str = "0") -> Allocation:
    price = Decimal(notional) / Decimal(quantity)
    return Allocation(intent.id, intent.account_id, Decimal(quantity), price, Decimal(notional), Decimal(commission))


def test_a_sale_takes_the_claimed_lots_in_order() -> None:
    lots = {
        LotId("old"): a_lot("old", "10", "600", date(2024, 1, 10)),
        LotId("new"): a_lot("new", "8", "1000.01", date(2026, 1, 5), wash_adjustment="80"),
    }
    intent = an_intent("i1", "14", side=Side.SELL, claims=(("new", "4"), ("old", "10")))
    postings = post_allocation(intent, allocated(intent, "9", "900.00", "9.00"), lots, DAY)
    # 891.00 net over 9 shares: 4 of the new lot, 5 of the old one.
    assert [(each.lot_id, each.quantity, each.basis, each.cash, each.gain, each.term) for each in postings] == [
        ("new", -4, Decimal("-500.00"), Decimal("396.00"), Decimal("-104.00"), HoldingPeriod.SHORT_TERM),
        ("old", -5, Decimal("-300.00"), Decimal("495.00"), Decimal("195.00"), HoldingPeriod.LONG_TERM),
    ]
    after = apply_postings(lots, postings)
    assert (after[LotId("new")].quantity, after[LotId("new")].cost) == (4, Decimal("500.01"))
    assert after[LotId("new")].wash_adjustment == Decimal("40.00")
    assert (after[LotId("old")].quantity, after[LotId("old")].cost) == (5, Decimal("300.00"))


def test_a_lot_sold_whole_gives_its_whole_basis_and_is_gone() -> None:
    lots = {LotId("L"): a_lot("L", "3", "100.01")}
    intent = an_intent("i1", "3", side=Side.SELL, claims=(("L", "3"),))
    postings = post_allocation(intent, allocated(intent, "3", "120.00"), lots, DAY)
    assert [(each.basis, each.gain) for each in postings] == [(Decimal("-100.01"), Decimal("19.99"))]
    assert apply_postings(lots, postings) == {}


def test_a_purchase_opens_one_lot_whose_cost_includes_the_commission() -> None:
    intent = an_intent("i1", "10", account_id="A1")
    postings = post_allocation(intent, allocated(intent, "10", "1000.00", "4.95"), {}, DAY)
    (lot,) = apply_postings({}, postings).values()
    assert (lot.cost, lot.quantity, lot.acquired_on, lot.purchase_id) == (Decimal("1004.95"), 10, DAY, "i1")
    assert (lot.id, lot.account_id, lot.security_id) == ("i1", "A1", "VTI")
    assert [each.cash for each in postings] == [Decimal("-1004.95")]


def test_a_commission_above_the_proceeds_costs_cash() -> None:
    lots = {LotId("L"): a_lot("L", "1", "1.00"), LotId("M"): a_lot("M", "1", "1.00")}
    intent = an_intent("i1", "2", side=Side.SELL, claims=(("L", "1"), ("M", "1")))
    postings = post_allocation(intent, allocated(intent, "2", "2.00", "4.95"), lots, DAY)
    assert sum(each.cash for each in postings) == Decimal("-2.95")


def test_shares_that_the_lots_do_not_have_are_refused() -> None:
    lots = {LotId("L"): a_lot("L", "3", "100")}
    short = an_intent("i1", "4", side=Side.SELL, claims=(("L", "4"),))
    with pytest.raises(LotsDoNotCover, match="holds 3 shares"):
        post_allocation(short, allocated(short, "4", "40.00"), lots, DAY)
    absent = an_intent("i1", "4", side=Side.SELL, claims=(("Z", "4"),))
    with pytest.raises(LotsDoNotCover, match="is not there"):
        post_allocation(absent, allocated(absent, "4", "40.00"), lots, DAY)
    unclaimed = an_intent("i1", "4", side=Side.SELL, claims=(("L", "2"),))
    with pytest.raises(LotsDoNotCover, match="all but 1"):
        post_allocation(unclaimed, allocated(unclaimed, "3", "40.00"), lots, DAY)
    with pytest.raises(Overfilled):
        post_allocation(unclaimed, allocated(unclaimed, "5", "40.00"), lots, DAY)


def test_postings_never_leave_a_lot_below_zero() -> None:
    lots = {LotId("L"): a_lot("L", "3", "100")}
    intent = an_intent("i1", "2", side=Side.SELL, claims=(("L", "2"),))
    postings = post_allocation(intent, allocated(intent, "2", "80.00"), lots, DAY)
    with pytest.raises(LotsDoNotCover):
        apply_postings(lots, [*postings, *postings])
    with pytest.raises(LotsDoNotCover):
        apply_postings({}, postings)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 10**7)), min_size=1, max_size=8), st.data())
def test_money_and_shares_are_conserved_to_the_cent(lots: list[tuple[int, int]], data: st.DataObject) -> None:
    before = {
        LotId(f"L{place}"): a_lot(f"L{place}", str(quantity), str(Decimal(cents) / 100))
        for place, (quantity, cents) in enumerate(lots)
    }
    claims = tuple((lot_id, str(lot.quantity)) for lot_id, lot in before.items())
    held = sum(lot.quantity for lot in before.values())
    sold = data.draw(st.integers(1, int(held)))
    notional = Decimal(data.draw(st.integers(0, 10**8))) / 100
    intent = an_intent("i1", str(held), side=Side.SELL, claims=claims)
    postings = post_allocation(intent, allocated(intent, str(sold), str(notional), "1.00"), before, DAY)
    after = apply_postings(before, postings)
    assert sum(each.cash for each in postings) == notional - 1
    assert sum(lot.quantity for lot in after.values()) == held - sold
    spent = sum(lot.cost for lot in before.values()) - sum(lot.cost for lot in after.values())
    assert sum(each.gain for each in postings) == notional - 1 - spent
