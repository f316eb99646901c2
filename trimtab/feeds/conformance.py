"""What a custodian's adapter must pass: its files are read whole, and each way of breaking them is noticed.

The folder holds `source.yaml` (a source as in the file of sources, and `firm`, the id that its files name), and the
files of one or more business dates with their done-markers, as they would lie in the firm's drop folder. It needs no
database and no server.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from trimtab.domain.records import decimal_text
from trimtab.feeds.drop import DONE_SUFFIX, DroppedFile, parts, pending, place_of
from trimtab.feeds.errors import FeedRefused, StillArriving
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.probe import Looks, hash_of
from trimtab.feeds.reading import ask_of, reading
from trimtab.feeds.rows import Row
from trimtab.feeds.sources import STANDARD, FirmSources, Source, SourcesInvalid

FIRM: Final = "conformance"
SOURCE_FILE: Final = "source.yaml"
Breaking = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of the suite. `detail` says what was found, or what was expected instead."""

    check: str
    subject: str  # kind and business date
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is tested: a source, and where its files lie."""

    folder: Path
    source: Source
    firm_id: str

    @property
    def sources(self) -> FirmSources:
        kinds = {**STANDARD.by_kind, **dict.fromkeys(self.source.kinds, self.source)}
        return FirmSources(kinds, self.folder)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What reading a delivery came to: its rows and their total, or the code that it was refused by."""

    code: str = ""
    message: str = ""
    rows: tuple[Row, ...] = ()
    kept_aside: int = 0
    first_fault: str = ""
    total: str = ""


def read_adapter(folder: Path) -> Adapter:
    """Raises SourcesInvalid."""
    path = folder / SOURCE_FILE
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        firm_id = str(content.pop("firm", FIRM))
        return Adapter(folder, Source.model_validate(content), firm_id)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        raise SourcesInvalid(f"{path} cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise SourcesInvalid(f"{path}: {'; '.join(faults)}") from None


def conform(folder: Path) -> Iterator[Finding]:
    """Every check of every delivery of the folder, in order. Raises SourcesInvalid when there is nothing to check."""
    adapter = read_adapter(folder)
    found = False
    for kind, day in _deliveries(adapter):
        found = True
        with tempfile.TemporaryDirectory(prefix="trimtab-conform-") as scratch:
            yield from _of_delivery(adapter, kind, day, Path(scratch))
    if not found:
        raise SourcesInvalid(f"{folder} holds no file of the source with its done-marker")


def _deliveries(adapter: Adapter) -> list[tuple[FeedKind, date]]:
    """Kinds and days of which there is a done-marker. The day is read from the marker's name."""
    return sorted(
        (kind, day)
        for marker in adapter.folder.rglob(f"*{DONE_SUFFIX}")
        for day in set(_days_in(marker.name))
        for kind in adapter.source.kinds
        if _place(adapter, kind, day, adapter.folder)[1] == marker
    )


def _place(adapter: Adapter, kind: FeedKind, day: date, folder: Path) -> tuple[Path, Path]:
    """The folder stands for a firm's in the drop folder."""
    return place_of(folder.parent, folder.name, kind, day, adapter.source)


def _days_in(name: str) -> Iterator[date]:
    for start in range(len(name) - 7):
        text = name[start : start + 8]
        if text.isdigit():
            try:
                yield date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
            except ValueError:
                continue


def _of_delivery(adapter: Adapter, kind: FeedKind, day: date, scratch: Path) -> Iterator[Finding]:
    subject = f"{kind} {day}"
    whole = _read(adapter, kind, day, adapter.folder)
    yield Finding(
        "is read whole",
        subject,
        not whole.code,
        f"{len(whole.rows)} rows, control total {whole.total}" if not whole.code else f"{whole.code}: {whole.message}",
    )
    if whole.code:
        return
    yield Finding(
        "keeps no row aside",
        subject,
        not whole.kept_aside,
        f"{whole.kept_aside} rows cannot be read; {whole.first_fault}" if whole.kept_aside else "every row is read",
    )
    again = _read(adapter, kind, day, adapter.folder)
    yield Finding("reads the same twice", subject, again == whole, "equal rows" if again == whole else "other rows")
    for name, breaking in _BREAKS.items():
        yield _broken(adapter, kind, day, scratch, whole, name, breaking)


def _broken(
    adapter: Adapter, kind: FeedKind, day: date, scratch: Path, whole: _Outcome, name: str, breaking: Breaking
) -> Finding:
    """A copy of the delivery, its largest file broken on the way and its marker untouched: it must be noticed.

    Either the whole is refused, or a row is kept aside. Read as if nothing had happened is the failure.
    """
    folder = scratch / name.replace(" ", "-")
    shutil.copytree(adapter.folder, folder)
    breaking(_largest(adapter, kind, day, folder))
    outcome = _read(adapter, kind, day, folder)
    is_noticed = bool(outcome.code) or outcome.kept_aside > whole.kept_aside
    told = outcome.code or f"read as {len(outcome.rows)} rows of {len(whole.rows)}, {outcome.kept_aside} kept aside"
    return Finding(f"notices: {name}", f"{kind} {day}", is_noticed, told)


def _read(adapter: Adapter, kind: FeedKind, day: date, folder: Path) -> _Outcome:
    try:
        file = _dropped(adapter, kind, day, folder)
        several = parts(file, day)
        hash_of(several, adapter.source.form, Looks())
        ask = ask_of(adapter.firm_id, kind, day, _session_before(day), adapter.source, adapter.sources)
        with reading(file, several, ask) as reader:
            rows = tuple(row for batch in reader.batches() for row in batch)
        fault = reader.quarantined[0] if reader.quarantined else None
        return _Outcome(
            rows=rows,
            kept_aside=len(reader.quarantined),
            first_fault="" if fault is None else f"line {fault.line}, {fault.field}: {fault.message}",
            total=decimal_text(reader.control_total),
        )
    except FeedRefused as refusal:
        return _Outcome(refusal.code, str(refusal))
    except StillArriving as waiting:
        return _Outcome(waiting.code, str(waiting))


def _session_before(day: date) -> date:
    """The weekday before: forms that do not say their day are of it."""
    before = day - timedelta(days=1)
    while before.weekday() > 4:
        before -= timedelta(days=1)
    return before


def _dropped(adapter: Adapter, kind: FeedKind, day: date, folder: Path) -> DroppedFile:
    """Files lie in the folder itself, not under a firm's name."""
    found = [each for each in pending(folder.parent, folder.name, day, adapter.sources) if each.kind is kind]
    if not found:
        raise FeedRefused("FEED_INCOMPLETE", "the delivery or its done-marker is missing")
    return found[0]


def _largest(adapter: Adapter, kind: FeedKind, day: date, folder: Path) -> Path:
    several = parts(_dropped(adapter, kind, day, folder), day)
    return max((part.path for part in several), key=lambda path: path.stat().st_size)


# --- ways of breaking a file ----------------------------------------------------------------------------------------


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _cut_the_end(path: Path) -> None:
    """The last line with something in it is gone."""
    content = path.read_bytes().rstrip()
    lines = content.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) if len(lines) > 1 else content[:-16])


def _insert_nul(path: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\0\0" + content[middle:])


def _append_garbage(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\nGARBAGE\n")


_BREAKS: Final[Mapping[str, Breaking]] = {
    "no bytes": _empty,
    "cut in half": _cut_in_half,
    "the last line missing": _cut_the_end,
    "NUL bytes": _insert_nul,
    "garbage at the end": _append_garbage,
}
