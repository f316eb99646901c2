"""What reaches Temporal is encrypted, but for what people read there."""

import base64
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.domain.lifecycle import Lane, Stage, Standstill
from trimtab.temporal_client import PayloadKeyInvalid, PayloadKeyMissing, PayloadUnreadable, data_converter

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
OTHER = base64.urlsafe_b64encode(b"o" * 32).decode()


@dataclass(frozen=True)
class Sum:
    amount: Decimal
    on: date


async def test_values_come_back_as_they_were() -> None:
    converter = data_converter(KEY)
    values = [
        Sum(Decimal("10.50"), date(2026, 3, 2)),
        AccountDayRef("f", "r", "d", "a", date(2026, 3, 2)),
        StageOutcome(Stage.FILTER, Standstill.SUSPENDED, lane=Lane.SUSPEND),
    ]
    payloads = await converter.encode(values)
    assert await converter.decode(payloads, [Sum, AccountDayRef, StageOutcome]) == values


async def test_nothing_of_a_message_can_be_read() -> None:
    payloads = await data_converter(KEY).encode([AccountDayRef("firm-7", "r", "d", "A-4711", date(2026, 3, 2))])
    assert b"4711" not in payloads[0].SerializeToString()
    assert payloads[0].metadata["encoding"] == b"binary/encrypted"


async def test_equal_messages_look_different() -> None:
    converter = data_converter(KEY)
    first, second = [(await converter.encode([Sum(Decimal(1), date.min)]))[0].data for _ in range(2)]
    assert first != second


async def test_summaries_stay_readable() -> None:
    """Bare strings are what the UI shows: ids and words of ours, never a message."""
    payloads = await data_converter(KEY).encode(["A-1 on 2026-03-02"])
    assert json.loads(payloads[0].data) == "A-1 on 2026-03-02"


async def test_failure_messages_are_encrypted() -> None:
    converter, failure = data_converter(KEY), Failure()
    await converter.encode_failure(ApplicationError("lot 4711 is short", type="LOT_OVERSOLD"), failure)
    assert b"4711" not in failure.SerializeToString()
    assert failure.message == "Encoded failure"
    error = await converter.decode_failure(failure)
    assert isinstance(error, ApplicationError)
    assert error.message == "lot 4711 is short"


async def test_plain_messages_of_people_are_read() -> None:
    """A signal sent by hand from the UI."""
    payloads = await data_converter(None, allow_plain=True).encode([Sum(Decimal(1), date(2026, 3, 2))])
    assert await data_converter(KEY).decode(payloads, [Sum]) == [Sum(Decimal(1), date(2026, 3, 2))]


async def test_another_key_or_a_changed_byte_is_refused() -> None:
    payloads = await data_converter(KEY).encode([Sum(Decimal(1), date.min)])
    with pytest.raises(PayloadUnreadable):
        await data_converter(OTHER).decode(payloads, [Sum])
    payloads[0].data = payloads[0].data[:-1] + bytes([payloads[0].data[-1] ^ 1])
    with pytest.raises(PayloadUnreadable):
        await data_converter(KEY).decode(payloads, [Sum])


def test_without_a_key_nothing_starts_unless_told_in_so_many_words() -> None:
    with pytest.raises(PayloadKeyMissing):
        data_converter(None)
    assert data_converter(None, allow_plain=True).payload_codec is None


@pytest.mark.parametrize("key", ["", "short", base64.urlsafe_b64encode(b"k" * 16).decode(), "!" * 44])
def test_a_key_has_thirty_two_bytes(key: str) -> None:
    with pytest.raises(PayloadKeyInvalid):
        data_converter(key)
