"""Canonical form, hashes and the chain."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from trimtab.domain.orders import Side
from trimtab.domain.records import (
    GENESIS,
    NotCanonical,
    canonical_json,
    content_hash,
    decimal_text,
    record_hash,
)


@dataclass(frozen=True)
class _Leg:
    side: Side
    quantity: Decimal


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
