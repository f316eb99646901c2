"""Quick answers to "is it up?", for a ChildSpec's `ready`."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

_SECONDS: Final = 2.0
# A proxy of the environment must not see calls to loopback.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http_answers(url: str) -> Callable[[], bool]:
    """True when a GET of the URL, such as .../healthz, gives 2xx."""

    def check() -> bool:
        try:
            with _OPENER.open(url, timeout=_SECONDS):
                return True
        except OSError:  # refused, timed out, or another status: HTTPError is among them
            return False

    return check


def socket_listens(path: Path) -> Callable[[], bool]:
    """True when something accepts connections on the Unix socket."""

    def check() -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_SECONDS)
            try:
                client.connect(str(path))
            except OSError:
                return False
        return True

    return check


def file_exists(path: Path) -> Callable[[], bool]:
    """True when the child has written its sign of life. Whoever starts the child removes an old one."""
    return path.exists
