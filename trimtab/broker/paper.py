"""The paper broker: a process of its own that takes orders and fills them at the close.

`python -m trimtab.broker.paper --socket PATH --journal PATH --closes DIR`
"""

import argparse
import asyncio
import os
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from trimtab.broker.errors import PaperBrokerMisconfigured
from trimtab.broker.journal_writer import open_journal
from trimtab.broker.paper_book import PaperBook
from trimtab.broker.paper_options import Fault, PaperOptions, parse_fault, parse_number
from trimtab.broker.paper_server import PaperBroker, apply_all
from trimtab.domain.errors import TrimtabError

LONGEST_SOCKET_PATH = 107  # bytes: what the kernel's sockaddr_un holds, less its final NUL


def main(arguments: Sequence[str]) -> int:
    """Run the paper broker until SIGTERM or SIGINT; the exit code, with one line on stderr when it is not 0."""
    options = _parser().parse_args(arguments)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        run(options.socket, options.journal, options.closes, _paper_options(options))
    except (TrimtabError, OSError) as error:
        sys.stderr.write(f"paper broker: {error}\n")
        return 1
    return 0


def run(socket_path: Path, journal_path: Path, closes_directory: Path, options: PaperOptions) -> None:
    """Rebuild the book from the journal, then serve on the socket until a signal says stop.

    Raises JournalInUse, JournalCorrupt, JournalWriteFailed, PaperBrokerMisconfigured or OSError.
    """
    if not closes_directory.is_dir():
        raise PaperBrokerMisconfigured(f"{closes_directory} is not a directory: create it for the closing prices")
    journal, reading = open_journal(journal_path)
    if reading.torn_bytes:
        structlog.get_logger().warning("paper_broker.torn_journal_line", dropped_bytes=reading.torn_bytes)
    book = PaperBook()
    apply_all(book, reading.events())
    listener = listen(socket_path)
    try:
        asyncio.run(PaperBroker(journal, book, options, closes_directory).serve(listener))
    finally:
        socket_path.unlink(missing_ok=True)
        journal.close()


def listen(path: Path) -> socket.socket:
    """A Unix socket at `path` with mode 0600; a socket that nobody listens on any more is replaced.

    Raises PaperBrokerMisconfigured when the path is too long, is something else, or is in use.
    """
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise PaperBrokerMisconfigured(f"the socket path is over {LONGEST_SOCKET_PATH} bytes: choose a shorter one")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)  # the file is born with mode 0600: no moment in which others may connect
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener


def _remove_stale(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise PaperBrokerMisconfigured(f"{path} exists and is not a socket: choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise PaperBrokerMisconfigured(f"another process listens on {path}: stop it, or choose another path")


def _paper_options(options: argparse.Namespace) -> PaperOptions:
    return PaperOptions(
        dedup=options.dedup == "on",
        fill_ratio=parse_number(options.fill_ratio, "--fill-ratio"),
        fills_per_order=options.fills_per_order,
        refused_symbols=frozenset(options.reject),
        faults=tuple(parse_fault(text) for text in options.fault),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trimtab.broker.paper", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to listen on")
    parser.add_argument("--journal", type=Path, required=True, help="append-only journal, made when missing")
    parser.add_argument("--closes", type=Path, required=True, help="directory of closes-YYYY-MM-DD.csv")
    parser.add_argument("--fill-ratio", default="1", help="share of each order that is filled (default: 1)")
    parser.add_argument("--fills-per-order", type=int, default=1, help="executions per order (default: 1)")
    parser.add_argument("--dedup", choices=("on", "off"), default="on", help="off trades a repeated order again")
    parser.add_argument("--reject", action="append", default=[], help="symbol or security id to reject; repeatable")
    parser.add_argument("--fault", action="append", default=[], help=f"repeatable; one of {', '.join(Fault)}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
