"""Orders as a custodian's import file takes them."""

import csv
from decimal import Decimal

import pytest

from trimtab.feeds.custodian_layouts import LayoutInvalid
from trimtab.feeds.order_files import OrderFileLayout, OrderLine, order_file, order_layout

BUY = OrderLine("o1", "A1", "BUY", Decimal("12.500000"), "VTI")
SELL = OrderLine("o2", "A2", "SELL", Decimal(3), "BRK.B", "084670702")


def test_one_line_for_each_order_in_the_custodians_words():
    text, left_out = order_file(order_layout("fidelity-orders"), [BUY, SELL], {"A1": "Z12-345678"})
    header, first, second = csv.reader(text.splitlines())
    assert dict(zip(header, first, strict=True)) == {
        "Account Number": "Z12-345678",
        "Action": "B",
        "Quantity": "12.5",
        "Symbol": "VTI",
        "Order Type": "M",
        "Time in Force": "D",
        "Security Identifier": "",
        "Client Order ID": "o1",
    }
    assert second == ["A2", "S", "3", "BRK.B", "M", "D", "084670702", "o2"]
    assert left_out == []


def test_an_order_whose_security_has_no_symbol_is_left_out_and_told():
    nameless = OrderLine("o3", "A1", "BUY", Decimal(1))
    text, left_out = order_file(order_layout("fidelity-orders"), [nameless, SELL])
    assert (left_out, len(text.splitlines())) == ([nameless], 2)


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless():
    """Case 61."""
    layout = OrderFileLayout.model_validate(
        {"name": "x", "header": False, "columns": [{"name": "S", "from": "symbol"}]}
    )
    text, _ = order_file(layout, [OrderLine("o", "A", "BUY", Decimal(1), "=1+1")])
    assert text == "'=1+1\r\n"


@pytest.mark.parametrize("name", ["schwab-positions", "nothing", "../fidelity-orders"])
def test_another_layout_is_none_of_orders(name):
    with pytest.raises(LayoutInvalid):
        order_layout(name)
