"""Models and restriction lists after events, in numbers checked by hand."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from trimtab.domain.corporate_actions import ActionKind
from trimtab.domain.corporate_actions_events import (
    Distribution,
    Merger,
    Received,
    TermsIncomplete,
    Treatment,
    Unchanged,
    Worthless,
)
from trimtab.domain.corporate_actions_targets import (
    model_after,
    restrictions_after,
)
from trimtab.domain.securities import SecurityId

D = Decimal
X, Y, Z = SecurityId("X"), SecurityId("Y"), SecurityId("Z")
ON = date(2024, 4, 1)
MODEL = {X: D("0.4"), Y: D("0.1"), Z: D("0.5")}
SPIN_OFF = Distribution("E", 1, X, ON, (Received(SecurityId("C"), Fraction(1, 4)),))
FOR_CASH = Merger("E", 1, X, ON, Treatment.TAXABLE, D(30))
FOR_STOCK = Merger("E", 1, X, ON, Treatment.TAX_FREE, stock=Received(Y, Fraction(2)))
MIXED = Merger("E", 1, X, ON, Treatment.TAX_FREE, D(30), Received(Y, Fraction(1, 2)))


def test_a_spin_off_divides_the_weight_by_value() -> None:
    effect = model_after(MODEL, SPIN_OFF, {X: D(80), SecurityId("C"): D(80)})

    # One parent share of 80 and a quarter share of 80: four fifths and one fifth of 40 %.
    assert effect.weights == {X: D("0.32"), Y: D("0.1"), Z: D("0.5"), "C": D("0.08")}
    assert effect.owner_decides


def test_a_stock_merger_adds_the_weight_to_the_acquirers() -> None:
    effect = model_after(MODEL, FOR_STOCK, {})
    assert (effect.weights, effect.to_cash) == ({Y: D("0.5"), Z: D("0.5")}, 0)


def test_a_cash_merger_leaves_cash_and_a_mixed_one_both() -> None:
    assert model_after(MODEL, FOR_CASH, {}).to_cash == D("0.4")
    # 30 in cash and half a share of 20: three quarters become cash.
    mixed = model_after(MODEL, MIXED, {Y: D(20)})
    assert (mixed.weights, mixed.to_cash) == ({Y: D("0.2"), Z: D("0.5")}, D("0.3"))


def test_a_rename_leaves_the_model_and_a_bankruptcy_removes_the_name() -> None:
    assert model_after(MODEL, Unchanged("E", 1, X, ON, ActionKind.CHAN), {}).weights == MODEL
    effect = model_after(MODEL, Unchanged("E", 1, X, ON, ActionKind.BRUP), {})
    assert (effect.weights, effect.to_cash, effect.owner_decides) == ({Y: D("0.1"), Z: D("0.5")}, D("0.4"), True)


def test_a_weight_is_not_divided_without_the_childs_price() -> None:
    with pytest.raises(TermsIncomplete, match="no price of C"):
        model_after(MODEL, SPIN_OFF, {X: D(80)})


def test_on_restriction_lists_children_inherit_and_an_acquirer_does_not() -> None:
    listed = frozenset({X})
    assert restrictions_after(listed, SPIN_OFF) == {X, "C"}
    assert restrictions_after(listed, FOR_STOCK) == frozenset()
    assert restrictions_after(listed, Worthless("E", 1, X, ON)) == frozenset()
    assert restrictions_after(frozenset({Z}), FOR_STOCK) == {Z}
