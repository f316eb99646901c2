"""Identities, blocks and the status machine."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.factories import DAY, an_intent
from trimtab.domain.orders import (
    BLOCK_STATUS_AFTER,
    BlockStatus,
    IllegalBlockStatus,
    IntentStatus,
    Side,
    WrongBlock,
    client_order_id,
    form_blocks,
    intent_id,
    intent_status,
    next_block_status,
)

parts = st.text(max_size=40)


def test_ids_say_what_they_name() -> None:
    assert intent_id("demo", "A0001", date(2026, 3, 3), 2, 0) == "i.demo.A0001.20260303.2.0"
    assert (
        client_order_id("demo", date(2026, 3, 3), 1, "SEC-7", Side.BUY, "paper", "core")
        == "b.demo.20260303.1.SEC-7.BUY.paper.core"
    )


def test_a_separator_inside_a_part_does_not_move_the_border() -> None:
    assert intent_id("a.b", "c", DAY, 1, 0) != intent_id("a", "b.c", DAY, 1, 0)
    assert intent_id("a=2E", "c", DAY, 1, 0) != intent_id("a.", "c", DAY, 1, 0)
    assert "=2E" in intent_id("a.b", "c", DAY, 1, 0)


def test_a_long_id_is_cut_and_ends_in_a_hash_of_the_whole() -> None:
    first = client_order_id("firm", DAY, 1, "S" * 80, Side.BUY, "paper", "core")
    second = client_order_id("firm", DAY, 1, "S" * 81, Side.BUY, "paper", "core")
    assert len(first) == len(second) == 64
    assert first != second
    assert "~" in first


def test_an_id_of_exactly_64_characters_is_written_out() -> None:
    fixed = len(intent_id("", "A", DAY, 1, 0))
    whole = intent_id("F" * (64 - fixed), "A", DAY, 1, 0)
    cut = intent_id("F" * (65 - fixed), "A", DAY, 1, 0)
    assert (len(whole), "~" in whole) == (64, False)
    assert (len(cut), "~" in cut) == (64, True)


@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts))
def test_other_parts_give_another_id_of_at_most_64_plain_characters(
    left: tuple[str, str, str], right: tuple[str, str, str]
) -> None:
    one = client_order_id(left[0], DAY, 1, left[1], Side.SELL, "paper", left[2])
    other = client_order_id(right[0], DAY, 1, right[1], Side.SELL, "paper", right[2])
    assert (one == other) is (left == right)
    assert len(one) <= 64
    assert one.isascii()
    assert one.isprintable()
    assert " " not in one


def test_intents_are_blocked_by_security_side_and_programme() -> None:
    intents = [
        an_intent("i1", "10"),
        an_intent("i2", "5"),
        an_intent("i3", "7", side=Side.SELL),
        an_intent("i4", "8", security_id="BND"),
        an_intent("i5", "9", programme="other"),
    ]
    blocks = form_blocks(intents, firm_id="F", business_date=DAY, release=2, broker="paper")
    assert {(block.security_id, block.side, block.programme, block.quantity) for block in blocks} == {
        ("VTI", Side.BUY, "core", Decimal(15)),
        ("VTI", Side.SELL, "core", Decimal(7)),
        ("BND", Side.BUY, "core", Decimal(8)),
        ("VTI", Side.BUY, "other", Decimal(9)),
    }
    assert form_blocks(reversed(intents), firm_id="F", business_date=DAY, release=2, broker="paper") == blocks
    assert {member.intent_id for block in blocks for member in block.members} == {intent.id for intent in intents}


def test_an_intent_without_shares_or_given_twice_is_refused() -> None:
    for wrong in ([an_intent("i1", "0")], [an_intent("i1", "1"), an_intent("i1", "1")]):
        with pytest.raises(WrongBlock):
            form_blocks(wrong, firm_id="F", business_date=DAY, release=1, broker="paper")
    other_day = replace(an_intent("i1", "1"), business_date=date(2026, 3, 4))
    with pytest.raises(WrongBlock, match="business date"):
        form_blocks([other_day], firm_id="F", business_date=DAY, release=1, broker="paper")


def test_a_block_goes_from_ready_to_filled() -> None:
    way = [
        BlockStatus.READY,
        BlockStatus.SENDING,
        BlockStatus.SENT,
        BlockStatus.ACKED,
        BlockStatus.PARTIAL,
        BlockStatus.PARTIAL,
        BlockStatus.FILLED,
    ]
    for current, following in pairwise(way):
        assert next_block_status(current, following) is following


@pytest.mark.parametrize(
    ("current", "following"),
    [
        (BlockStatus.SENDING, BlockStatus.READY),
        (BlockStatus.SENT, BlockStatus.SENDING),
        (BlockStatus.READY, BlockStatus.FILLED),
        (BlockStatus.FILLED, BlockStatus.DONE),
        (BlockStatus.REJECTED, BlockStatus.ACKED),
        (BlockStatus.PARTIAL, BlockStatus.REJECTED),
    ],
)
def test_a_block_is_never_sent_again_or_reopened(current: BlockStatus, following: BlockStatus) -> None:
    with pytest.raises(IllegalBlockStatus):
        next_block_status(current, following)


def test_only_done_filled_and_rejected_are_final() -> None:
    assert {status for status in BlockStatus if status.is_final} == {
        BlockStatus.FILLED,
        BlockStatus.DONE,
        BlockStatus.REJECTED,
    }
    assert set(BLOCK_STATUS_AFTER) == set(BlockStatus)


@pytest.mark.parametrize(
    ("block", "allocated", "status"),
    [
        (BlockStatus.ACKED, "0", IntentStatus.RELEASED),
        (BlockStatus.FILLED, "10", IntentStatus.FILLED),
        (BlockStatus.DONE, "4", IntentStatus.PARTIAL),
        (BlockStatus.DONE, "10", IntentStatus.FILLED),
        (BlockStatus.DONE, "0", IntentStatus.UNFILLED),
        (BlockStatus.REJECTED, "0", IntentStatus.REJECTED),
        (BlockStatus.IN_DOUBT, "0", IntentStatus.IN_DOUBT),
    ],
)
def test_an_intent_follows_its_block(block: BlockStatus, allocated: str, status: IntentStatus) -> None:
    assert intent_status(block, Decimal(10), Decimal(allocated)) is status
