"""The websocket: who may open it, what may go through it, and when it ends."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.graphql.documents import EVENTS, QUEUE
from tests.server.running import PASSWORD_HASH, SECRET, RunningApi
from tests.servers import FreshDatabase
from trimtab.auth.client import client_credentials
from trimtab.db.people import PersonOnFile, put_person
from trimtab.graphql import router as limits
from trimtab.graphql.events import feed
from trimtab.graphql.events.types import event_cursor


async def closed(socket: Any) -> tuple[int, str]:
    """Reads until the server closes; its code and reason."""
    try:
        while True:
            await socket.receive()
    except ConnectionClosed:
        return socket.connection.close_code, socket.connection.close_reason


async def test_without_a_token_nothing_opens(running: RunningApi):
    async with running.socket() as socket:
        await socket.send(type="connection_init", payload={})
        assert (await closed(socket))[0] == 4403
    async with running.socket() as socket:
        await socket.send(type="connection_init", payload={"Authorization": "Bearer eyJ.nonsense.x"})
        assert (await closed(socket))[0] == 4403


async def test_subscribing_before_the_token_is_refused(running: RunningApi):
    async with running.socket() as socket:
        await socket.subscribe(EVENTS)
        assert (await closed(socket))[0] == 4401


async def test_who_says_nothing_is_sent_away_after_three_seconds(running: RunningApi):
    async with running.socket() as socket:
        assert (await closed(socket)) == (4408, "Connection initialisation timeout")


async def test_the_old_protocol_is_not_spoken(running: RunningApi):
    async with running.socket(subprotocols=["graphql-ws"]) as socket:
        assert (await closed(socket))[0] == 4406


async def test_a_page_of_another_origin_cannot_open_one(running: RunningApi):
    with pytest.raises(InvalidStatus) as refused:
        async with running.socket(origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    async with running.socket(await running.token("olga"), origin=running.url):
        pass


async def test_queries_and_mutations_are_not_for_the_websocket(running: RunningApi):
    async with running.socket(await running.token("olga")) as socket:
        await socket.subscribe(QUEUE, first=1)
        message = await socket.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "SUBSCRIPTIONS_ONLY"


async def test_the_twenty_first_subscription_is_refused(running: RunningApi):
    async with running.socket(await running.token("olga")) as socket:
        for number in range(limits.MOST_SUBSCRIPTIONS + 1):
            await socket.subscribe(EVENTS, str(number))
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "20")
        assert message["payload"][0]["message"] == "Subscription limit reached"


async def test_one_user_has_a_limited_number_of_websockets(running: RunningApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 2)
    token = await running.token("olga")
    async with running.socket(token), running.socket(token):
        async with running.socket() as third:
            await third.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert (await closed(third))[0] == 4403
        async with running.socket(await running.token("carl")):
            pass
    async with running.socket(token):  # places are free again
        pass


async def test_it_ends_when_the_person_is_disabled(running: RunningApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "RECHECK_SECONDS", 0.2)
    async with running.socket(await running.token("otto")) as socket:
        await socket.subscribe(EVENTS)
        otto = PersonOnFile("otto", "firm-a", "otto", "Otto", "-", frozenset({"overlay_manager"}), None, active=False)
        running.book.write(lambda one: put_person(one, otto))
        assert (await closed(socket)) == (4403, "PERSON_DISABLED")


async def test_a_role_that_was_taken_away_ends_the_subscription(running: RunningApi, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "RECHECK_SECONDS", 0.2)
    async with running.socket(await running.token("otto")) as socket:
        await socket.subscribe(EVENTS)
        without = PersonOnFile("otto", "firm-a", "otto", "Otto", "-", frozenset())
        running.book.write(lambda one: put_person(one, without))
        await asyncio.sleep(0.5)
        running.book.add_review("A1")
        await running.sequence()
        message = await socket.receive()
        assert message["payload"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_advisor_gets_the_own_book_in_one_unbroken_chain(running: RunningApi):
    async with running.socket(await running.token("anna")) as socket:
        await socket.subscribe(EVENTS, after=event_cursor(0))
        running.book.add_review("B1", advisor="adv-2")
        running.book.add_review("A1", advisor="adv-1")
        running.book.add_review("B2", advisor="adv-2")
        running.book.add_review("A2", advisor="adv-1")
        await running.sequence()
        seen = [await socket.next() for _ in range(8)]
    assert [one["accountId"] for one in seen] == ["A1"] * 4 + ["A2"] * 4
    assert seen[0]["previous"] == event_cursor(0)
    assert all(one["cursor"] == later["previous"] for one, later in itertools.pairwise(seen))


async def test_another_firms_events_never_arrive(running: RunningApi, database: FreshDatabase):
    from tests.graphql.firms import Book

    other = Book(running.book.engine, "firm-b").found()
    other.add_review("X1")
    async with running.socket(await running.token("olga")) as socket:
        await socket.subscribe(EVENTS, after=event_cursor(0))
        running.book.add_review("A1")
        await running.sequence()
        seen = [await socket.next() for _ in range(4)]
    assert {one["accountId"] for one in seen} == {"A1"}


async def test_removed_events_and_foreign_cursors_give_a_marked_gap(running: RunningApi, database: FreshDatabase):
    running.book.add_review("A1")
    assert await running.sequence() == 4
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("DELETE FROM event WHERE event_seq <= 2")
    async with running.socket(await running.token("olga")) as socket:
        await socket.subscribe(EVENTS, after=event_cursor(0))
        gap = await socket.next()
        assert gap == {"__typename": "EventGap", "after": event_cursor(0), "cursor": event_cursor(2)}
        following = await socket.next()
        assert (following["cursor"], following["previous"]) == (event_cursor(3), event_cursor(2))
        await socket.subscribe(EVENTS, "2", after=event_cursor(4711))
        while (message := await socket.receive())["id"] != "2":
            pass
        assert message["payload"]["data"]["lifecycleEvents"]["cursor"] == event_cursor(4)


async def test_a_cursor_that_cannot_be_read_is_an_error_of_that_subscription_only(running: RunningApi):
    async with running.socket(await running.token("olga")) as socket:
        await socket.subscribe(EVENTS, after="nonsense")
        message = await socket.receive()
        assert message["type"] == "next"
        assert message["payload"]["errors"][0]["extensions"]["code"] == "BAD_INPUT"
        assert (await socket.receive())["type"] == "complete"
        await socket.send(type="ping")
        assert (await socket.receive())["type"] == "pong"


async def test_a_notification_wakes_subscribers_without_the_poll(
    running: RunningApi, database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
):
    """The poll would come after an hour; what anybody else puts on the channel is passed over."""
    monkeypatch.setattr(feed, "POLL_SECONDS", 3600.0)
    async with running.socket(await running.token("olga")) as socket:
        await socket.subscribe(EVENTS, after=event_cursor(0))
        running.book.add_review("A1")
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            await until_it_listens(connection)
            connection.execute("SELECT pg_notify('trimtab_events', 'rubbish')")
        await running.sequence()
        seen = [await socket.next() for _ in range(4)]
    assert [one["cursor"] for one in seen] == [event_cursor(place) for place in (1, 2, 3, 4)]


async def until_it_listens(connection: psycopg.Connection[Any]) -> None:
    listens = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    for _ in range(1500):
        if connection.execute(listens).fetchall():
            return
        await asyncio.sleep(0.02)
    pytest.fail("nobody listens")


async def test_row_43_administrators_and_programs_without_the_scope_get_no_events(running: RunningApi):
    admin = PersonOnFile("carl", "firm-a", "carl", "Carl", PASSWORD_HASH, frozenset({"administrator"}))
    running.book.write(lambda one: put_person(one, admin))
    narrow = await client_credentials(running.url, "warehouse", SECRET, scope="accounts:read")
    for token, reason in ((await running.token("carl"), "NOT_PERMITTED"), (narrow.access_token, "SCOPE_MISSING")):
        async with running.socket(token) as socket:
            await socket.subscribe(EVENTS)
            message = await socket.receive()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["reason"] == reason
