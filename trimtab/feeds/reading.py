"""A dropped delivery opened by its source's form: one file, an archive of one, or a set of files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import BinaryIO, Final

from trimtab.feeds.archives import unpacked
from trimtab.feeds.content import Ask, Cells, Content, OpenForm
from trimtab.feeds.drop import MOST_BYTES, DroppedFile, Part, opened
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.forms.custodian import open_layout
from trimtab.feeds.forms.flex import open_flex
from trimtab.feeds.forms.mt564 import open_mt564
from trimtab.feeds.forms.ofx import open_ofx
from trimtab.feeds.forms.parquet import open_parquet
from trimtab.feeds.forms.seev031 import open_seev031
from trimtab.feeds.forms.semt002 import open_semt002
from trimtab.feeds.forms.trimtab_csv import open_trimtab
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.sources import FirmSources, Form, Source

FORMS: Final[Mapping[Form, OpenForm]] = {
    Form.TRIMTAB: open_trimtab,
    Form.LAYOUT: open_layout,
    Form.SEMT002: open_semt002,
    Form.SEEV031: open_seev031,
    Form.MT564: open_mt564,
    Form.OFX: open_ofx,
    Form.FLEX: open_flex,
    Form.PARQUET: open_parquet,
}
_SEEKS: Final = frozenset({Form.PARQUET})


def ask_of(
    firm_id: str, kind: FeedKind, business_date: date, as_of: date | None, source: Source, sources: FirmSources
) -> Ask:
    """What the day and the source's configuration say about a file of the kind."""
    return Ask(
        kind, firm_id, business_date, as_of, source.name, source.accounts, source.constants, source.layout, sources.home
    )


@contextmanager
def reading(file: DroppedFile, several: list[Part], ask: Ask) -> Iterator[FeedReader]:
    """A reader of the delivery. Raises FeedRefused and StillArriving, also while its batches are read."""
    form = FORMS[file.source.form]
    seeks = file.source.form in _SEEKS
    if file.source.is_set:
        of_set = partial(_open_set, several=several, form=form, seeks=seeks)
        with opened(file.marker) as stream:
            yield FeedReader(stream, ask.kind, ask.firm_id, ask.business_date, of_set, ask, seeks=True)
        return
    ask = replace(ask, file=file.name)
    with opened(several[0].path) as stream, _plain(stream, seeks) as (inner, packed):
        yield FeedReader(inner, ask.kind, ask.firm_id, ask.business_date, form, ask, seeks=seeks or packed)


@contextmanager
def _plain(stream: BinaryIO, seeks: bool) -> Iterator[tuple[BinaryIO, bool]]:
    if seeks:
        yield stream, False
        return
    with unpacked(stream, MOST_BYTES) as found:
        yield found


def _open_set(_: BinaryIO, ask: Ask, *, several: list[Part], form: OpenForm, seeks: bool) -> Content:
    """The parts' rows one after the other, numbered through; all must have the same columns and be of one day."""
    rows = _rows_of_set(ask, several, form, seeks)
    first = next(rows, None)
    if not isinstance(first, Content):  # a set of no files says that nothing has happened
        return Content([*ask.columns.names[: len(ask.columns.columns)], "security_id"], iter(()))
    return Content(first.columns, _numbered(rows), first.as_of, first.source, first.exact_columns, first.notes)


def _numbered(rows: Iterator["Content | Cells"]) -> Iterator[tuple[int, Cells]]:
    yield from enumerate((row for row in rows if not isinstance(row, Content)), start=1)


def _rows_of_set(ask: Ask, several: list[Part], form: OpenForm, seeks: bool) -> Iterator["Content | Cells"]:
    """The first part's content, then every part's rows."""
    known: Content | None = None
    for part in several:
        with opened(part.path) as stream, _plain(stream, seeks) as (inner, _):
            content = form(inner, replace(ask, file=part.path.name))
            if known is None:
                known = content
                yield content
            elif (list(content.columns), content.as_of) != (list(known.columns), known.as_of):
                raise FeedRefused("FEED_STALE_DATE", f"{part.path.name} is of another day, or has other columns")
            count = 0
            for _, cells in content.rows:
                count += 1
                yield cells
            if content.claim is not None and content.claim.rows != count:
                raise FeedRefused(
                    "FEED_TRUNCATED", f"{part.path.name} counts {content.claim.rows} rows and has {count}"
                )
