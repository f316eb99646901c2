"""Writes the paper broker's journal; journal.py reads it."""

import fcntl
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from trimtab.broker.errors import JournalInUse, JournalWriteFailed
from trimtab.broker.journal import (
    Event,
    JournaledTear,
    JournalEntry,
    JournalReading,
    entry_object,
    read_journal,
)
from trimtab.broker.wire import dump_line


class JournalWriter:
    """The one writer of a journal: holds a lock on the file for as long as it is open."""

    def __init__(self, file_descriptor: int, lines: int, now: Callable[[], datetime]) -> None:
        self._file_descriptor = file_descriptor
        self._lines = lines
        self._now = now

    def append(self, events: Sequence[Event]) -> None:
        """Write the events with one fsync. Raises JournalWriteFailed; the writer is of no use after that."""
        if not events:
            return
        recorded_at = self._now()
        batch = b"".join(
            dump_line(entry_object(JournalEntry(n, recorded_at, event)))
            for n, event in enumerate(events, start=self._lines + 1)
        )
        try:
            _write_all(self._file_descriptor, batch)
            os.fsync(self._file_descriptor)
        except OSError as error:
            # What reached the disk is unknown now, so nothing may be answered: the caller stops.
            raise JournalWriteFailed(f"cannot write the journal: {error}") from error
        self._lines += len(events)

    def close(self) -> None:
        """Close the file and let go of its lock."""
        os.close(self._file_descriptor)


def _system_time() -> datetime:
    return datetime.now(UTC)


def open_journal(path: Path, now: Callable[[], datetime] = _system_time) -> tuple[JournalWriter, JournalReading]:
    """Lock the journal (created with mode 0600), cut off a torn last line, and return its writer and content.

    Raises JournalInUse when another process writes it and JournalCorrupt when it is damaged.
    """
    existed = path.exists()
    file_descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        reading = _lock_and_read(path, file_descriptor)
        if not existed:
            _sync_directory(path.parent)
        writer = JournalWriter(file_descriptor, len(reading.entries), now)
        if reading.torn_bytes:
            os.ftruncate(file_descriptor, os.fstat(file_descriptor).st_size - reading.torn_bytes)
            writer.append([JournaledTear(reading.torn_bytes)])
    except BaseException:
        os.close(file_descriptor)
        raise
    return writer, reading


def _lock_and_read(path: Path, file_descriptor: int) -> JournalReading:
    try:
        fcntl.flock(file_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise JournalInUse(f"another paper broker writes {path}: stop it, or use another journal") from error
    return read_journal(path)


def _sync_directory(directory: Path) -> None:
    """Make the new file's name itself survive a crash."""
    file_descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file_descriptor)
    finally:
        os.close(file_descriptor)


def _write_all(file_descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(file_descriptor, content) :]
