"""Sessions over a real socket: who may log on, who is dropped, what a bad line does."""

import asyncio
import signal
import stat

import pytest

from tests.broker.paper_process import FIRM, MONDAY, PaperProcess, an_order, ids
from trimtab.broker.errors import BrokerUnavailable, LogonDenied, ReplyTimeout, SessionSuperseded
from trimtab.broker.journal import JournaledLogon, JournaledLogonRefusal, JournaledOrder, orders
from trimtab.broker.paper import main
from trimtab.broker.protocol import (
    Heartbeat,
    Logon,
    LogonAccepted,
    Logout,
    LogoutReason,
    MarketEvent,
    OrderAccepted,
    OrderState,
    ProtocolRefused,
    encode,
)
from trimtab.broker.session import BrokerSession, connect
from trimtab.broker.stream import read_message


async def test_an_order_is_taken_and_its_status_is_known(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        assert await session.send_order(an_order("A1")) == OrderAccepted("A1", "PB00000001")
        assert (await session.request_status("A1")).state is OrderState.NEW
        assert (await session.request_status("A2")).state is OrderState.UNKNOWN
        await session.heartbeat(5)
    assert paper.stop() == 0
    assert not paper.socket_path.exists()


async def test_who_is_told_to_stop_in_the_moment_of_an_answer_stops(paper: PaperProcess):
    """A gateway's trading is cancelled so; one that took the answer instead would go on for ever."""
    paper.start()
    async with await paper.connect(1) as session:
        asking = asyncio.create_task(session.heartbeat(5))
        await asyncio.sleep(0)
        (waiter,) = session._waiters
        waiter.reply.set_result(Heartbeat(5))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_without_a_broker_the_error_is_transient(paper: PaperProcess):
    with pytest.raises(BrokerUnavailable, match="no paper broker answers") as raised:
        await paper.connect(1)
    assert raised.value.transient


async def test_a_newer_generation_drops_the_older_session_and_its_orders_are_not_taken(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as older, await paper.connect(2) as newer:
        with pytest.raises(SessionSuperseded, match="replaced generation 1"):
            await anext(older)
        with pytest.raises(SessionSuperseded):
            await older.send_order(an_order("OLD"))
        assert isinstance(await newer.send_order(an_order("NEW")), OrderAccepted)
    assert ids([taken.order for taken in orders(paper.journal())]) == ["NEW"]


async def test_an_equal_or_older_generation_is_refused_also_after_a_restart(paper: PaperProcess):
    paper.start()
    async with await paper.connect(3) as session:
        for generation in (3, 2):
            with pytest.raises(LogonDenied) as raised:
                await paper.connect(generation)
            assert raised.value.highest_generation == 3
        await session.heartbeat(1)  # the refused ones left it alone
    paper.restart()
    with pytest.raises(LogonDenied):
        await paper.connect(3)
    await (await paper.connect(4)).close()
    refused = [event for event in paper.journal().events() if isinstance(event, JournaledLogonRefusal)]
    assert [event.generation for event in refused] == [3, 2, 3]


async def test_firms_do_not_share_generations_orders_or_reports(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(9, "firm-a") as first, await paper.connect(1, "firm-b") as second:
        await first.send_order(an_order("A1"))
        assert (await second.request_status("A1")).state is OrderState.UNKNOWN
        assert await second.send_order(an_order("A1")) == OrderAccepted("A1", "PB00000002")
        assert (await second.session_event(MarketEvent.CLOSE, MONDAY)).executions == 1
        assert (await first.request_status("A1")).state is OrderState.NEW


async def test_a_sender_that_slept_past_its_successors_logon_gets_nothing_through(paper: PaperProcess):
    """Both have bytes waiting when the broker wakes up: no order of 1 may follow the logon of 2."""
    paper.start()
    assert paper.process is not None
    async with await paper.connect(1) as older:
        paper.process.send_signal(signal.SIGSTOP)
        reader, writer = await asyncio.open_unix_connection(paper.socket_path)
        writer.write(encode(Logon(FIRM, 2)))
        replies = [await older.submit_order(an_order(f"OLD{number}")) for number in range(50)]
        paper.process.send_signal(signal.SIGCONT)
        assert isinstance(await read_message(reader), LogonAccepted)
        with pytest.raises((SessionSuperseded, BrokerUnavailable)):
            await asyncio.gather(*replies, older.send_order(an_order("LAST")))
        writer.close()
    events = list(paper.journal().events())
    successor = events.index(JournaledLogon(FIRM, 2))
    assert not any(isinstance(event, JournaledOrder) for event in events[successor:])


async def test_a_line_that_is_no_message_is_answered_with_its_code_and_the_session_goes_on(paper: PaperProcess):
    paper.start()
    reader, writer = await asyncio.open_unix_connection(paper.socket_path)
    writer.write(encode(Logon(FIRM, 1)))
    assert isinstance(await read_message(reader), LogonAccepted)
    codes = []
    for line in (b"nonsense\n", b'{"type":"replace_order"}\n', encode(Logon(FIRM, 2)), b"x" * 20_000 + b"\n"):
        writer.write(line)
        answer = await read_message(reader)
        assert isinstance(answer, ProtocolRefused)
        codes.append(answer.code)
    assert codes == ["BROKER_MALFORMED_MESSAGE", "BROKER_UNKNOWN_MESSAGE", "BROKER_PROTOCOL", "BROKER_LINE_TOO_LONG"]
    assert await read_message(reader) is None  # after a line without end nothing can be trusted
    writer.close()


async def test_the_first_message_must_be_a_logon(paper: PaperProcess):
    paper.start()
    reader, writer = await asyncio.open_unix_connection(paper.socket_path)
    writer.write(encode(an_order("A1")))
    assert await read_message(reader) == Logout(LogoutReason.LOGON_EXPECTED)
    assert await read_message(reader) is None
    writer.close()
    assert paper.summary().orders == 0


async def test_a_broker_that_stops_or_dies_is_unavailable_for_requests_and_reports(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        assert paper.stop() == 0
        with pytest.raises(BrokerUnavailable, match="STOPPING"):
            await anext(session)
    paper.start()
    async with await paper.connect(2) as session:
        paper.stop(signal.SIGKILL)
        with pytest.raises(BrokerUnavailable):
            await session.request_status("A1")
        with pytest.raises(BrokerUnavailable):
            await anext(session)


async def test_no_answer_in_time_is_an_error_of_its_own(paper: PaperProcess):
    paper.start()
    assert paper.process is not None
    async with await paper.connect(1) as session:
        paper.process.send_signal(signal.SIGSTOP)
        with pytest.raises(ReplyTimeout, match="may have been carried out"):
            await session.send_order(an_order("A1"), within=0.05)
        paper.process.send_signal(signal.SIGCONT)
        assert await anext(session) == OrderAccepted("A1", "PB00000001")  # the late answer is not lost


async def test_a_closed_session_ends_its_iterator(paper: PaperProcess):
    paper.start()
    session: BrokerSession = await connect(paper.socket_path, FIRM, 1)
    await session.close()
    await session.close()
    assert [message async for message in session] == []
    with pytest.raises(BrokerUnavailable):
        await session.request_status("A1")


def test_only_the_owner_may_open_the_socket_and_the_journal(paper: PaperProcess):
    paper.start()
    assert stat.S_IMODE(paper.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(paper.journal_path.stat().st_mode) == 0o600


def test_a_socket_left_by_a_killed_broker_is_replaced_but_a_live_one_is_not(paper: PaperProcess):
    paper.start()
    paper.restart()
    second = paper.spawn()
    _, errors = second.communicate(timeout=10)
    assert second.returncode == 1
    assert errors.decode().splitlines() == [
        f"paper broker: another paper broker writes {paper.journal_path}: stop it, or use another journal"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "explode"], "no fault is called 'explode'"),
        (["--fault", "ack-then-die=0"], "takes the number of an order"),
        (["--fault", "delayed-ack"], "takes seconds"),
        (["--fill-ratio", "1.5"], "the fill ratio 1.5 is not between 0 and 1"),
        (["--closes", "/nowhere"], "/nowhere is not a directory"),
        (["--socket", "/tmp/" + "x" * 120], "over 107 bytes"),
        (["--journal", "/nowhere/journal"], "No such file or directory"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    paper: PaperProcess, options: list[str], message: str, capfd: pytest.CaptureFixture[str]
):
    paper.closes_directory.mkdir()
    paths = ["--socket", paper.socket_path, "--journal", paper.journal_path, "--closes", paper.closes_directory]
    assert main([*map(str, paths), *options]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert message in line


def test_a_file_that_is_no_socket_is_left_alone(paper: PaperProcess):
    paper.socket_path.write_text("precious")
    process = paper.spawn()
    _, errors = process.communicate(timeout=10)
    assert b"exists and is not a socket" in errors
    assert paper.socket_path.read_text() == "precious"
