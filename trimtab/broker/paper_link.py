"""One connection of the paper broker."""

import asyncio
from collections.abc import Sequence

from trimtab.broker.protocol import BrokerMessage, Logout, LogoutReason, encode

SEND_SECONDS = 10  # a client that reads nothing for so long is dropped; it asks for what it missed later
CHUNK = 200  # messages between two waits for the client to read


class Link:
    """The broker's end of one connection; `firm` is empty and `generation` 0 until the logon."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.firm = ""
        self.generation = 0
        self._writer = writer
        self._timers: set[asyncio.TimerHandle] = set()

    async def send(self, messages: Sequence[BrokerMessage]) -> None:
        """Send in order. Raises ConnectionError or TimeoutError when the client is gone or does not read."""
        for start in range(0, len(messages), CHUNK):
            self._writer.write(b"".join(encode(message) for message in messages[start : start + CHUNK]))
            async with asyncio.timeout(SEND_SECONDS):
                await self._writer.drain()

    def send_later(self, seconds: float, messages: Sequence[BrokerMessage]) -> None:
        """Send after a while; messages sent meanwhile go first."""
        lines = b"".join(encode(message) for message in messages)
        self._timers.add(asyncio.get_running_loop().call_later(seconds, self._write_if_open, lines))

    def drop(self, reason: LogoutReason) -> None:
        """Say why if the client still reads, and cut the connection at once."""
        self._write_if_open(encode(Logout(reason)))
        self.abort()

    def abort(self) -> None:
        """Cut the connection at once; what the client has not taken is lost to it."""
        self._writer.transport.abort()

    def close(self) -> None:
        """Close once what was sent has left; timers that have not fired send nothing any more."""
        for timer in self._timers:
            timer.cancel()
        self._writer.close()

    def _write_if_open(self, lines: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(lines)
