"""Reading messages off a socket, one bounded line at a time; both ends of a session use it."""

import asyncio

from trimtab.broker.errors import LineTooLong
from trimtab.broker.protocol import MAX_LINE_BYTES, Message, decode

READ_LIMIT = MAX_LINE_BYTES  # for asyncio's StreamReader: more than this without a newline is refused


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other side has closed, also in the middle of a line.

    Raises a ProtocolError for a line that cannot be read; after LineTooLong the stream is of no more use.
    """
    try:
        line = await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise LineTooLong(f"a line of more than {MAX_LINE_BYTES} bytes") from error
    return decode(line)
