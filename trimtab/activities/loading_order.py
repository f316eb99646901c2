"""Large holdings files are loaded beside the others, on a connection of their own.

What they refer to comes first all the same: securities are loaded before the lane starts, and nothing of it is
published before the day's accounts file is dealt with. Each kind is always of the same lane, and each lane of a firm
has one lock: two passes that meet the same new file never load it both.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Final, TypeVar

from trimtab.domain.errors import TrimtabError
from trimtab.feeds.drop import DroppedFile
from trimtab.feeds.layouts import FeedKind

BESIDE: Final = frozenset({FeedKind.POSITIONS, FeedKind.LOTS, FeedKind.CASH, FeedKind.SALES, FeedKind.TRANSACTIONS})
"""Kinds whose rows become facts and nothing else: they may be loaded while settings are written."""
LARGE_BYTES: Final = 8 << 20
"""Below, a second connection gains nothing."""

_Loaded = TypeVar("_Loaded")


class LoadingAbandoned(TrimtabError):
    """The accounts could not be dealt with, so what must be held against them is not published."""

    code = "LOADING_ABANDONED"


@dataclass(slots=True)
class Gate:
    """What the holdings wait for before they are published: the day's accounts, loaded or refused."""

    _reached: Event = field(default_factory=Event)
    _is_open: bool = False

    @classmethod
    def opened(cls) -> "Gate":
        """For files that are loaded one after the other anyway."""
        gate = cls()
        gate.open()
        return gate

    def open(self) -> None:
        self._is_open = True
        self._reached.set()

    def close(self) -> None:
        """Nobody passes any more, unless it is open."""
        self._reached.set()

    def passed(self) -> None:
        """Waits. Raises LoadingAbandoned when the gate was closed instead of opened."""
        self._reached.wait()
        if not self._is_open:
            raise LoadingAbandoned("the accounts were not loaded: the holdings beside them are not published")


def lane_of(kind: FeedKind) -> str:
    """Files of one lane are never loaded at the same time."""
    return "holdings" if kind in BESIDE else "profiles"


def in_lanes(
    files: Sequence[DroppedFile], load: Callable[[DroppedFile, Gate], _Loaded], large: int = LARGE_BYTES
) -> list[_Loaded]:
    """What `load` returns for each file, in the order of the files; large holdings at the same time as the rest.

    `large`: bytes from which on a file of holdings is. An error of one lane is raised when the other has come to its
    end.
    """
    beside = [file for file in files if file.kind in BESIDE and file.size >= large]
    first = [file for file in files if file.kind is FeedKind.SECURITIES]
    rest = [file for file in files if file not in beside and file not in first]
    if not (beside and rest):
        return list(_each(files, load, Gate.opened()).values())
    gate = Gate()
    found = _each(first, load, Gate.opened())
    with ThreadPoolExecutor(1, thread_name_prefix="holdings") as pool:
        holdings = pool.submit(_each, beside, load, gate)
        try:
            found |= _rest(rest, load, gate)
        finally:
            gate.close()
        found |= holdings.result()
    return [found[file.kind] for file in files]


def _rest(
    files: Sequence[DroppedFile], load: Callable[[DroppedFile, Gate], _Loaded], gate: Gate
) -> dict[FeedKind, _Loaded]:
    accounts = _each([file for file in files if file.kind is FeedKind.ACCOUNTS], load, Gate.opened())
    gate.open()
    return accounts | _each([file for file in files if file.kind not in accounts], load, Gate.opened())


def _each(
    files: Sequence[DroppedFile], load: Callable[[DroppedFile, Gate], _Loaded], gate: Gate
) -> dict[FeedKind, _Loaded]:
    return {file.kind: load(file, gate) for file in files}
