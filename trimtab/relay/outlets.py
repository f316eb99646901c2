"""Where alerts leave the house: webhooks that are signed, and mail."""

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Final, Protocol

import httpx
import orjson

from trimtab.domain.errors import TrimtabError

SEVERITIES: Final = ("INFO", "WARNING", "ERROR", "CRITICAL", "SECURITY")
"""From what is good to know to what somebody must look at now."""
_SECONDS: Final = 10.0


class OutletFailed(TrimtabError):
    """The receiver did not take the alert: it is sent again."""

    code = "OUTLET_FAILED"
    transient = True


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert on its way out. `alert_id` is the same at every try: receivers know by it what they have seen."""

    firm_id: str
    alert_id: str
    cause: str
    scope: str
    business_date: str
    severity: str
    message: str
    raised_at: datetime

    def body(self) -> bytes:
        """The JSON that leaves: the same bytes at every try."""
        content: Mapping[str, Any] = {
            "id": self.alert_id,
            "firm": self.firm_id,
            "cause": self.cause,
            "scope": self.scope,
            "businessDate": self.business_date,
            "severity": self.severity,
            "message": self.message,
            "raisedAt": self.raised_at.isoformat(),
        }
        return orjson.dumps(content)


class Outlet(Protocol):
    """A way out."""

    @property
    def channel(self) -> str:
        """Its name in the records of what was sent."""

    @property
    def least(self) -> str:
        """The least severity that it is for."""

    async def send(self, notice: Notice, now: datetime) -> None:
        """Raises OutletFailed."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON. `Trimtab-Signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">`, so that a receiver
    can tell that it comes from here and is not an old one sent again."""

    channel: str
    url: str
    secret: bytes
    least: str = "WARNING"
    http: httpx.AsyncClient | None = None

    async def send(self, notice: Notice, now: datetime) -> None:
        body = notice.body()
        headers = {
            "Content-Type": "application/json",
            "Trimtab-Alert-Id": notice.alert_id,
            "Trimtab-Signature": signature(self.secret, body, int(now.timestamp())),
        }
        try:
            if self.http is not None:
                answer = await self.http.post(self.url, content=body, headers=headers)
            else:
                async with httpx.AsyncClient(timeout=_SECONDS) as http:
                    answer = await http.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise OutletFailed(type(error).__name__) from None
        if not answer.is_success:
            raise OutletFailed(f"HTTP {answer.status_code}")


def signature(secret: bytes, body: bytes, seconds: int) -> str:
    """The header's value for a body that is sent at an instant (seconds since 1970)."""
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message by SMTP, over TLS from the start or by STARTTLS unless `security` says plain."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: str = "starttls"  # starttls, tls, plain
    username: str | None = None
    password: str | None = None
    least: str = "ERROR"
    channel: str = "smtp"

    async def send(self, notice: Notice, now: datetime) -> None:
        try:
            await asyncio.to_thread(self._send, self.message(notice, now))
        except (smtplib.SMTPException, OSError) as error:
            raise OutletFailed(type(error).__name__) from None

    def message(self, notice: Notice, now: datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = f"[trimtab {notice.firm_id}] {notice.severity} {notice.cause} {notice.scope}"[:200]
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail["Date"] = now
        mail["Message-ID"] = f"<{notice.alert_id}@trimtab>"
        raised = notice.raised_at.isoformat(timespec="seconds")
        mail.set_content(f"{notice.message}\n\nBusiness date {notice.business_date}, raised {raised}.\n")
        return mail

    def _send(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.security == "tls":
            with smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=context) as server:
                self._hand_over(server, mail)
            return
        with smtplib.SMTP(self.host, self.port, timeout=_SECONDS) as server:
            if self.security == "starttls":
                server.starttls(context=context)
            self._hand_over(server, mail)

    def _hand_over(self, server: smtplib.SMTP, mail: EmailMessage) -> None:
        if self.username is not None and self.password is not None:
            server.login(self.username, self.password)
        server.send_message(mail)
