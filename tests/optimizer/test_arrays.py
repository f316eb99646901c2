"""From decimals to floats."""

import math
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from trimtab.domain.optimizer.arrays import floats_of
from trimtab.domain.optimizer.checked_market import as_floats


@given(st.lists(st.decimals(allow_nan=False), max_size=5))
@example([Decimal("0.1"), Decimal("1E-7"), Decimal("0E-10"), Decimal("-0.005")])
@example([Decimal("9007199254740993"), Decimal("123456789012345678901234567890"), Decimal("18446744073709551615")])
@example([Decimal(1) / Decimal(3), Decimal("Infinity")])
@example([Decimal("1E+400"), Decimal("1E-400")])
def test_each_decimal_becomes_the_float_nearest_to_it(numbers: list[Decimal]):
    nearest = [float(each) for each in numbers]

    assert floats_of(numbers).tolist() == nearest
    assert as_floats(numbers) == nearest


def test_a_number_that_is_none_stays_none():
    for told in (floats_of([Decimal("NaN"), Decimal(2)]).tolist(), as_floats([Decimal("NaN"), Decimal(2)])):
        assert math.isnan(told[0])
        assert told[1] == 2
