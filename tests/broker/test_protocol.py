"""The codec: what goes out comes back, and nothing else is let in."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.broker.paper_process import an_order
from trimtab.broker.errors import LineTooLong, MalformedMessage, ProtocolError, UnknownMessage
from trimtab.broker.protocol import (
    MAX_LINE_BYTES,
    Execution,
    Heartbeat,
    Logon,
    NewOrder,
    OrderState,
    OrderStatus,
    decode,
    encode,
)
from trimtab.domain.orders import Side

ORDER_LINE = (
    b'{"type":"new_order","client_order_id":"A1","security_id":"VTI","symbol":"VTI","side":"BUY",'
    b'"quantity":"100","order_type":"MARKET_ON_CLOSE","limit_price":null,"time_in_force":"DAY",'
    b'"business_date":"2026-03-02","poss_resend":false}\n'
)


def changed(**fields: object) -> bytes:
    """The order's line with some fields replaced."""
    return json.dumps({**json.loads(ORDER_LINE), **fields}).encode()


def test_an_order_has_this_line_and_the_line_gives_the_order_back():
    assert encode(an_order("A1")) == ORDER_LINE
    assert decode(ORDER_LINE) == an_order("A1")


def test_decimals_keep_every_digit_on_the_wire():
    fill = Execution(
        cursor=7,
        exec_id="PX1",
        client_order_id="A1",
        broker_order_id="PB00000001",
        security_id="MKC",
        side=Side.SELL,
        quantity=Decimal("12.500000"),
        price=Decimal("93.64"),
        cum_qty=Decimal("12.500000"),
        leaves_qty=Decimal("0"),
        business_date=date(2020, 12, 1),
    )
    assert b'"quantity":"12.500000","price":"93.64"' in encode(fill)
    assert decode(encode(fill)) == fill


def test_an_unknown_order_has_no_average_price():
    status = OrderStatus("A1", OrderState.UNKNOWN, Decimal(0), Decimal(0), None, None, None)
    assert decode(encode(status)) == status


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"not json\n",
        b"[1]\n",
        b'"logon"\n',
        b"\xff\xfe\n",
        b'{"type":7}\n',
        b"[" * 12_000,
        b'{"type":"heartbeat","sequence":' + b"9" * 6_000 + b"}",
        b'{"type":"heartbeat","sequence":NaN}',
        b'{"type":"heartbeat","sequence":true}',
        b'{"type":"heartbeat","sequence":-1}',
        b'{"type":"heartbeat","sequence":1.0}',
        b'{"type":"heartbeat","sequence":1,"sequence":2}',
        b'{"type":"heartbeat"}',
        b'{"type":"heartbeat","sequence":1,"extra":1}',
        changed(quantity=100),
        changed(quantity="1e2"),
        changed(quantity="NaN"),
        changed(quantity="-5"),
        changed(quantity="0"),
        changed(quantity="\u0661"),
        changed(side="buy"),
        changed(side=None),
        changed(business_date="20260302"),
        changed(business_date="2026-02-30"),
        changed(client_order_id=""),
        changed(client_order_id="a\nb"),
        changed(client_order_id="x" * 513),
        changed(limit_price="10"),
        changed(order_type="LIMIT"),
        changed(order_type="LIMIT", limit_price="0"),
        changed(poss_resend="false"),
    ],
)
def test_a_line_that_is_not_exactly_a_message_is_refused(line: bytes):
    with pytest.raises(MalformedMessage):
        decode(line)


def test_a_message_of_another_name_is_refused_as_unknown():
    with pytest.raises(UnknownMessage, match="replace_order"):
        decode(b'{"type":"replace_order"}\n')


def test_a_line_over_the_limit_is_refused_unread():
    with pytest.raises(LineTooLong):
        decode(b" " * (MAX_LINE_BYTES + 1))


def test_a_message_that_the_other_side_would_refuse_is_not_encoded():
    with pytest.raises(MalformedMessage):
        encode(Logon("", 1))
    with pytest.raises(MalformedMessage):
        encode(Heartbeat(-1))


def test_an_order_needs_a_positive_quantity_and_a_limit_only_with_limit():
    with pytest.raises(MalformedMessage, match="quantity 0 is not positive"):
        an_order("A1", quantity="0")
    with pytest.raises(MalformedMessage, match="belongs to LIMIT"):
        replace(an_order("A1"), limit_price=Decimal(5))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_at_all_raise_anything_but_a_protocol_error(line: bytes):
    try:
        decode(line)
    except ProtocolError:
        return


@given(
    st.decimals(min_value="0.000001", max_value="99999999", places=6),
    st.text(alphabet="abcXYZ0189-_:/", min_size=1, max_size=60),
)
def test_every_order_survives_the_wire(quantity: Decimal, client_order_id: str):
    order = replace(an_order("A1"), quantity=quantity, client_order_id=client_order_id)
    sent: object = decode(encode(order))
    assert isinstance(sent, NewOrder)
    assert sent == order
    assert str(sent.quantity) == f"{quantity:f}"
