"""Canonical form, hashes and the chain."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.orders import Side
from trimtab.domain.records import (
    GENESIS,
    LEFT_OUT_WHEN_EMPTY,
    NotCanonical,
    canonical_json,
    content_hash,
    decimal_text,
    plain,
    record_hash,
)
from trimtab.domain.securities import SecurityKind


@dataclass(frozen=True)
class _Leg:
    side: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class _Lot:
    quantity: Decimal
    bought: date | None
    open: bool
    name: str = 'of "A"'


@dataclass(frozen=True, slots=True)
class _Order:
    """`by_kind` came later."""

    price: Decimal
    by_kind: Mapping[str, Decimal] = field(default_factory=dict, metadata=LEFT_OUT_WHEN_EMPTY)
    side: Side = Side.BUY


_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(-100, 100, places=4)
_ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=_ZONES)
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), _DECIMALS, st.dates(), _INSTANTS, st.sampled_from(Side)
)
_KEYS = st.text() | st.integers(0, 9) | st.sampled_from(Side)
_LOTS = st.builds(_Lot, _DECIMALS, st.none() | st.dates(), st.booleans(), st.text())
_ORDERS = st.builds(_Order, _DECIMALS, st.dictionaries(st.text(), _DECIMALS, max_size=1))
_VALUES = st.recursive(
    _LEAVES
    | _ORDERS
    | st.lists(_ORDERS)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(_LOTS).map(tuple),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(_KEYS, inner),
        st.dictionaries(_KEYS, inner).map(MappingProxyType),
        st.frozensets(_LEAVES),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_VALUES)
def test_what_is_written_at_once_reads_as_the_plain_value_with_sorted_keys(value: object) -> None:
    wanted = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_json(value) == wanted


def test_a_field_that_came_later_and_says_nothing_leaves_the_form_as_it_was() -> None:
    assert canonical_json(_Order(Decimal("4.950"))) == '{"price":"4.95","side":"BUY"}'
    assert canonical_json([_Order(Decimal(0))] * 2) == '[{"price":"0","side":"BUY"},{"price":"0","side":"BUY"}]'
    assert plain(_Order(Decimal(0))) == {"price": "0", "side": "BUY"}
    told = '{"by_kind":{"FUND":"20"},"price":"0","side":"BUY"}'
    assert canonical_json(_Order(Decimal(0), {"FUND": Decimal(20)})) == told


def test_settings_without_a_schedule_have_the_hash_of_before_there_were_schedules() -> None:
    by_kind = AccountSettings(commission_by_kind={SecurityKind.FUND: Decimal("20.00")})

    before = "344a9fe675f8df518b415015ce57bbf6e0097ee5a284d3b587dc52b383d9b8a1"
    assert content_hash(AccountSettings()) == before
    assert '"commission":"0","commission_by_kind":{"FUND":"20"},' in canonical_json(by_kind)
    assert TypeAdapter(AccountSettings).validate_json(canonical_json(by_kind), strict=False) == by_kind


def test_a_lot_among_many_is_written_as_it_is_alone() -> None:
    lots = [_Lot(Decimal(text), None, True) for text in ("1.50", "2E+1", "-0.0", "123456789012345678901234567890", "7")]
    assert canonical_json(lots) == f"[{','.join(map(canonical_json, lots))}]"
    quantities = [json.loads(canonical_json(lot))["quantity"] for lot in lots]
    assert quantities == ["1.5", "20", "0", "123456789012345678901234567900", "7"]


def test_equal_values_have_one_form() -> None:
    assert canonical_json({"b": Decimal("1.50"), "a": _Leg(Side.BUY, Decimal("2E+1"))}) == (
        '{"a":{"quantity":"20","side":"BUY"},"b":"1.5"}'
    )
    assert content_hash({"x": Decimal("1.0")}) == content_hash({"x": Decimal("1.00")})
    assert canonical_json({Side.SELL: frozenset({"b", "a"})}) == '{"SELL":["a","b"]}'
    assert canonical_json([None, True, 1, 0.5, date(2026, 3, 3), (1,)]) == '[null,true,1,0.5,"2026-03-03",[1]]'


def test_instants_are_in_utc() -> None:
    new_york = datetime(2026, 3, 3, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert canonical_json(new_york) == canonical_json(datetime(2026, 3, 3, 14, 30, tzinfo=UTC))
    assert canonical_json(new_york) == '"2026-03-03T14:30:00Z"'


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0"), ("-0.00", "0"), ("100", "100"), ("0.10", "0.1"), ("-1.50", "-1.5")]
)
def test_decimals_are_plain_text(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("inf"), datetime(2026, 3, 3), object(), _Leg]
)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


def test_a_link_depends_on_everything_before_it() -> None:
    header = {"firm": "F", "account": "A1", "seq": 1, "kind": "stage", "body": content_hash({"a": 1})}
    first = record_hash(GENESIS, header)
    assert first == record_hash(GENESIS, dict(reversed(header.items())))
    changed = [record_hash(GENESIS, {**header, name: "other"}) for name in header]
    moved = record_hash(first, header)
    assert len({first, moved, *changed}) == 2 + len(header)
