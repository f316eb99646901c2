"""Alerts leave by webhook and mail, at least once, signed, and wait for a receiver that is down."""

import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import orjson
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, insert, select, update

from tests.servers import FreshDatabase
from trimtab.db.alerts import raise_alert
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import alert_notice, firm
from trimtab.relay.notifier import Notifier
from trimtab.relay.outlets import Mail, Notice, OutletFailed, Webhook

FIRM, DAY = "f1", date(2026, 11, 20)
SECRET = b"sixteen letters!"


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    made = sync_engine(database.app_url, pool_size=1)
    with firm_transaction(made, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="F"))
    yield made
    made.dispose()


def alert(engine: Engine, cause: str, severity: str) -> None:
    with firm_transaction(engine, FIRM) as connection:
        raise_alert(
            connection, FIRM, cause=cause, scope="feed/lots", business_date=DAY, message="late", severity=severity
        )


class Receiver:
    """A webhook's other end: a real HTTP server of this machine."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def webhook(self) -> Webhook:
        http = httpx.AsyncClient(trust_env=False)  # a proxy of the surroundings has no business here
        return Webhook("webhook-1", f"http://127.0.0.1:{self.server.server_port}/alerts", SECRET, http=http)

    def causes(self) -> list[str]:
        return [orjson.loads(body)["cause"] for _, body in self.requests]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


class Mailbox:
    """Keeps what a real SMTP server hands over."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def let_time_pass(engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(update(alert_notice).values(next_try_at=datetime.now(UTC) - timedelta(seconds=1)))


async def test_an_alert_leaves_once_signed_and_below_the_least_severity_not_at_all(
    engine: Engine, receiver: Receiver
) -> None:
    notifier = Notifier(engine, [receiver.webhook()])
    alert(engine, "FEED_EXTRA_COLUMN", "INFO")
    alert(engine, "FEED_LATE", "WARNING")
    assert (await notifier.notify(FIRM), await notifier.notify(FIRM)) == (1, 0)
    ((headers, content),) = receiver.requests
    body = orjson.loads(content)
    assert (body["firm"], body["cause"], body["scope"], body["message"]) == (FIRM, "FEED_LATE", "feed/lots", "late")
    moment, digest = (part.partition("=")[2] for part in headers["Trimtab-Signature"].split(","))
    assert digest == hmac.new(SECRET, f"{moment}.".encode() + content, hashlib.sha256).hexdigest()
    assert headers["Trimtab-Alert-Id"] == body["id"]


async def test_a_receiver_that_is_down_gets_its_alerts_later_in_their_order(engine: Engine, receiver: Receiver) -> None:
    receiver.status = 503
    notifier = Notifier(engine, [receiver.webhook()])
    alert(engine, "FIRST", "ERROR")
    alert(engine, "SECOND", "ERROR")
    assert (await notifier.notify(FIRM), receiver.causes()) == (0, ["FIRST"])
    with firm_transaction(engine, FIRM) as connection:
        (note,) = connection.execute(select(alert_notice)).all()
    assert (note.tries, note.last_error, note.sent_at) == (1, "HTTP 503", None)
    assert note.next_try_at > datetime.now(UTC)
    receiver.status, receiver.requests = 200, []
    let_time_pass(engine)
    assert (await notifier.notify(FIRM), receiver.causes()) == (2, ["FIRST", "SECOND"])


async def test_mail_goes_to_a_real_server(engine: Engine) -> None:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        mail = Mail("127.0.0.1", port, "trimtab@bank.example", ("ops@bank.example",), security="plain")
        alert(engine, "FEED_URGENT", "CRITICAL")
        assert await Notifier(engine, [mail]).notify(FIRM) == 1
    finally:
        controller.stop()
    ((recipients, content),) = mailbox.mails
    message = message_from_bytes(content)
    assert recipients == ["ops@bank.example"]
    assert message["Subject"] == "[trimtab f1] CRITICAL FEED_URGENT feed/lots"
    assert "late" in str(message.get_payload())


async def test_a_mail_server_that_is_not_there_is_a_failure_to_try_again() -> None:
    notice = Notice(FIRM, "a", "C", "s", "2026-11-20", "ERROR", "m", datetime.now(UTC))
    with pytest.raises(OutletFailed):
        await Mail("127.0.0.1", 1, "a@b.example", ("c@d.example",), security="plain").send(notice, datetime.now(UTC))


async def test_a_server_without_starttls_gets_no_mail_unless_plain_is_asked_for() -> None:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        notice = Notice(FIRM, "a", "C", "s", "2026-11-20", "ERROR", "m", datetime.now(UTC))
        with pytest.raises(OutletFailed):
            await Mail("127.0.0.1", port, "a@b.example", ("c@d.example",)).send(notice, datetime.now(UTC))
    finally:
        controller.stop()
    assert mailbox.mails == []
