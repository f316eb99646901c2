"""A reviewer, a compliance officer, an integrator and ops on one held day, each through the door that is theirs."""

import asyncio
import json
import logging
import secrets
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import httpx
import pytest
import websockets
from sqlalchemy import func, select, update
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from tests.e2e.demo_process import ACCOUNTS, Demo, demo
from tests.graphql.documents import APPROVE, EVENTS, HISTORY, QUEUE, REJECT, SUSPEND
from tests.server.running import Socket
from trimtab.auth.client import client_credentials, sign_in
from trimtab.db.tables import account_day, content, event
from trimtab.demo.people import BROWSER_CLIENT, INTEGRATOR_CLIENT, secrets_file
from trimtab.demo.seed import REDIRECT_URI
from trimtab.embedded.temporal import find_program
from trimtab.graphql.events.types import event_cursor
from trimtab.invariants import check_invariants

log = logging.getLogger(__name__)

QUICK_SECONDS = 20.0
"""From a decision to its lifecycle's next stage it takes a fraction of a second; the machine may be busy."""
ACCOUNT_OF = "query AccountOf($id: ID!) { accountDay(id: $id) { account { id } proposalHash version id } }"
ORDER = ("INGEST", "VALIDATE", "ANALYZE", "FILTER", "REVIEW", "APPROVE", "TRADE", "RECORD")
BLOCKED = "trade:CONTENT_CHANGED"


class Desk:
    """Somebody who has signed in, and what they ask."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = f"{url}/graphql"

    async def ask(self, document: str, **variables):
        answer = (await self._http.post(self._url, json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def do(self, document: str, **values):
        data = await self.ask(document, input={"idempotencyKey": secrets.token_hex(8), **values})
        return next(iter(data.values()))


class Subscriber:
    """An integrator's program: it keeps what it has seen, and goes on from its cursor."""

    def __init__(self, url: str, token: str) -> None:
        self._address = url.replace("http://", "ws://") + "/graphql"
        self._token = token
        self.seen: list[dict] = []

    @asynccontextmanager
    async def listening(self):
        async with websockets.connect(
            self._address, proxy=None, subprotocols=["graphql-transport-ws"], max_size=None
        ) as connection:
            socket = Socket(connection)
            await socket.send(type="connection_init", payload={"Authorization": f"Bearer {self._token}"})
            assert (await socket.receive())["type"] == "connection_ack"
            await socket.subscribe(EVENTS, after=self.seen[-1]["cursor"] if self.seen else None)
            await asyncio.sleep(0.3)  # the first subscription begins with what comes from now on
            reading = asyncio.create_task(self._read(socket))
            try:
                yield
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, socket: Socket) -> None:
        while True:
            self.seen.append(await socket.next())

    def assert_without_a_gap(self) -> None:
        assert {each["__typename"] for each in self.seen} == {"LifecycleEvent"}
        for before, after in pairwise(self.seen):
            assert after["previous"] == before["cursor"]


@pytest.fixture(scope="module")
def held() -> Iterator[Demo]:
    with demo("--hold-reviews") as running:
        assert running.answer()["outcomes"]["OPEN"] > 0
        yield running
        running.stop()


def places(running: Demo) -> dict[str, tuple[str, str | None]]:
    """Where each account-day stands, and how it ended."""
    rows = select(account_day.c.account_id, account_day.c.stage, account_day.c.terminal_state)
    return running.ask(lambda c: {row.account_id: (row.stage, row.terminal_state) for row in c.execute(rows)})


def moved(running: Demo, account: str, begun: float) -> float:
    """Seconds from `begun`, on the monotonic clock, until the account-day has left its review."""
    running.until(lambda: places(running)[account][0] != "review", f"{account} leaving review", every=0.005)
    return time.monotonic() - begun


def spoil_snapshots(running: Demo, accounts: list[str]) -> dict[str, tuple[str, bytes]]:
    """Overwrites what the accounts' trades are checked against, as a broken disk would; returns what was there."""
    rows = select(account_day.c.account_id, account_day.c.snapshot_hash).where(account_day.c.account_id.in_(accounts))
    digests = running.ask(lambda c: {row.account_id: row.snapshot_hash for row in c.execute(rows)})
    kept = {}
    with running.superuser.begin() as outside:
        for account, digest in digests.items():
            row = (content.c.firm_id == running.firm) & (content.c.content_hash == digest)
            kept[account] = digest, bytes(outside.scalar(select(content.c.body).where(row)))
            outside.execute(update(content).where(row).values(body=zlib.compress(b"{}")))
    return kept


def mend(running: Demo, kept: dict[str, tuple[str, bytes]], accounts: list[str]) -> None:
    with running.superuser.begin() as outside:
        for digest, body in (kept[account] for account in accounts):
            outside.execute(update(content).where(content.c.content_hash == digest).values(body=body))


async def person(running: Demo, http: httpx.AsyncClient, username: str) -> Desk:
    password = json.loads(secrets_file(running.state_dir).read_text())[username]
    url = running.url("api")
    tokens = await sign_in(url, username, password, BROWSER_CLIENT, REDIRECT_URI)
    http.headers["Authorization"] = f"Bearer {tokens.access_token}"
    return Desk(http, url)


@pytest.mark.covers("P4", "E2", "H6", "H7", "R1", "R2", "R3", "R4")
async def test_people_and_programs_work_through_a_held_day(held: Demo):
    async with httpx.AsyncClient(timeout=30) as olivias, httpx.AsyncClient(timeout=30) as carlas:
        olivia, carla = await person(held, olivias, "olivia"), await person(held, carlas, "carla")
        key = json.loads(secrets_file(held.state_dir).read_text())[INTEGRATOR_CLIENT]
        program = await client_credentials(held.url("api"), INTEGRATOR_CLIENT, key)
        warehouse = Subscriber(held.url("api"), program.access_token)
        queue = [edge["node"] for edge in (await olivia.ask(QUEUE, first=50))["reviewQueue"]["edges"]]
        assert len(queue) >= 7
        assert all(node["waitingReason"] or node["filtering"]["reason"] for node in queue)
        own = [node for node in queue if is_one_persons(node)]
        approved, rejected, suspended, *others = own[:7]

        async with warehouse.listening():
            waits = await decide(held, olivia, approved, rejected, suspended)
        log.info("from the mutation to the next stage: %s s", ", ".join(f"{wait:.3f}" for wait in waits))
        assert max(waits) < QUICK_SECONDS

        async with warehouse.listening():
            await blocked_and_mended(held, olivia, others)
            held.cli("run", "step")
            held.until(lambda: all(ended for _, ended in places(held).values()), "the day's end")
            await until_told(held, warehouse)
        ended = {account: state for account, (_, state) in places(held).items()}
        assert len(ended) == ACCOUNTS
        assert {ended[node["accountId"]] for node in (approved, *others)} == {"TRADED"}
        assert ended[rejected["accountId"]] == "REJECTED"
        assert ended[suspended["accountId"]] == "SUSPENDED"
        assert held.ask(lambda c: check_invariants(c, held.journal.entries)) == []

        warehouse.assert_without_a_gap()
        published = held.ask(lambda c: c.execute(select(event.c.event_seq, event.c.kind)).all())
        kinds = {event_cursor(row.event_seq): row.kind for row in published if row.event_seq is not None}
        assert [each["kind"] for each in warehouse.seen] == [kinds[each["cursor"]] for each in warehouse.seen]
        assert "DECISION_MADE" in {each["kind"] for each in warehouse.seen}

        await complete_history(carla, approved)


async def until_told(held: Demo, warehouse: Subscriber) -> None:
    """Until every event has its number and the subscriber has the last one."""
    unnumbered = select(func.count()).where(event.c.event_seq.is_(None))
    for _ in range(600):
        last = held.ask(lambda c: None if c.scalar(unnumbered) else c.scalar(select(func.max(event.c.event_seq))))
        if last is not None and warehouse.seen and warehouse.seen[-1]["cursor"] == event_cursor(last):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the subscriber is at {warehouse.seen[-1:]}, the last event is {last}")


async def decide(held: Demo, olivia: Desk, approved: dict, rejected: dict, suspended: dict) -> list[float]:
    """Approves one, rejects one, suspends one; the seconds from each mutation to its lifecycle's next stage."""
    waits = []
    account_id = (await olivia.ask(ACCOUNT_OF, id=suspended["id"]))["accountDay"]["account"]["id"]
    for node, expected, document, wish in (
        (approved, "DecisionAccepted", APPROVE, seen_of(approved)),
        (rejected, "DecisionAccepted", REJECT, {**seen_of(rejected), "reason": "not this month"}),
        (suspended, "AccountSuspended", SUSPEND, {"accountId": account_id, "reason": "a deposit is on its way"}),
    ):
        begun = time.monotonic()
        answer = await olivia.do(document, **wish)
        assert answer["__typename"] == expected, answer
        waits.append(await asyncio.to_thread(moved, held, node["accountId"], begun))
    assert places(held)[suspended["accountId"]][0] == "suspended"
    return waits


def is_one_persons(node: dict) -> bool:
    """Neither the client's consent nor a second approval is needed."""
    return "NON_DISCRETIONARY" not in node["waitingReason"] and float(node["proposal"]["tradedValue"]) < 250_000


def seen_of(node: dict) -> dict:
    return {"accountDayId": node["id"], "proposalHash": node["proposalHash"], "version": node["version"]}


async def blocked_and_mended(held: Demo, olivia: Desk, others: list[dict]) -> None:
    """Trades whose snapshot cannot be read park; once it is mended each way of retrying brings one on."""
    accounts = [node["accountId"] for node in others]
    kept = spoil_snapshots(held, accounts)
    for node in others:
        answer = await olivia.do(APPROVE, **seen_of(node))
        assert answer["__typename"] == "DecisionAccepted", answer
    plain = await Client.connect(held.url("temporal"))  # no key: what the UI and the command line see
    ids = await seen_in_temporal(plain, accounts)
    listed = held.cli("ops", "blocked")
    assert all(account in listed for account in accounts)
    assert "CONTENT_CHANGED" in listed

    first, *several, last = accounts
    mend(held, kept, [first])
    # As the UI's Send Signal does: one workflow, one JSON payload.
    await plain.get_workflow_handle(ids[first]).signal("retry_step", {"id": "ops-1"})
    await asyncio.to_thread(trading, held, [first])
    mend(held, kept, several)
    signal_by_query(held.url("temporal"), several)
    await asyncio.to_thread(trading, held, several)
    mend(held, kept, [last])
    assert "1 steps are tried again" in held.cli("ops", "retry", "--stage", "trade")
    await asyncio.to_thread(trading, held, [last])
    assert held.cli("ops", "blocked") == ""


async def seen_in_temporal(plain: Client, accounts: list[str]) -> dict[str, str]:
    """The workflows by account, once all of them are found by what blocks them; each says what to do."""
    found: dict[str, str] = {}
    for _ in range(600):
        listed = [each async for each in plain.list_workflows(f"BlockedReason = '{BLOCKED}'")]
        found = {each.search_attributes["Account"][0]: each.id for each in listed}
        if set(found) == set(accounts):
            break
        await asyncio.sleep(0.1)
    assert set(found) == set(accounts)
    handle = plain.get_workflow_handle(found[accounts[0]])
    shown = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert shown.current_details.startswith("Blocked in trade by CONTENT_CHANGED.")
    assert "retry_step" in shown.current_details
    return found


def signal_by_query(address: str, accounts: list[str]) -> None:
    """`temporal workflow signal --query`, as a person types it."""
    chosen = " OR ".join(f"Account = '{account}'" for account in accounts)
    command = [str(find_program()), "workflow", "signal", "--address", address, "--name", "retry_step"]
    command += ["--query", f"BlockedReason = '{BLOCKED}' AND ({chosen})", "--input", '{"id": "ops-2"}']
    subprocess.run([*command, "--reason", "the disk is mended", "--yes"], check=True, capture_output=True)


def trading(running: Demo, accounts: list[str]) -> None:
    running.until(lambda: {places(running)[account][0] for account in accounts} == {"trade"}, "the retried steps")


async def complete_history(carla: Desk, approved: dict) -> None:
    """Compliance sees everything of an account's day, from the snapshot to the record."""
    account_id = (await carla.ask(ACCOUNT_OF, id=approved["id"]))["accountDay"]["account"]["id"]
    (edge,) = (await carla.ask(HISTORY, id=account_id, first=5))["account"]["history"]["edges"]
    day = edge["node"]
    assert (day["terminalState"], day["terminalCode"]) == ("TRADED", "FULL")
    passed = [stage["stage"] for stage in day["stages"]]
    assert [stage for stage in ORDER if stage in passed] == list(ORDER)
    assert day["snapshot"]["lots"]
    assert day["snapshot"]["settings"]["restrictions"] is not None
    assert day["proposal"]["hash"] == approved["proposalHash"]
    assert all(trade["reasons"] for trade in day["proposal"]["trades"])
    (decision,) = day["decisions"]
    assert (decision["kind"], decision["status"], decision["actor"]["name"]) == (
        "APPROVE",
        "ACCEPTED",
        "Olivia Overlay",
    )
    assert decision["decidedAt"]
    assert len(day["intents"]) == len(day["proposal"]["trades"])
    for leg in day["intents"]:
        assert leg["status"] == "FILLED"
        assert leg["block"]["executions"]
        assert sum(float(part["quantity"]) for part in leg["allocations"]) == float(leg["quantity"])
    chain = sorted(day["records"], key=lambda one: one["seq"])
    for before, after in pairwise(chain):
        assert after["previousHash"] == before["hash"]
