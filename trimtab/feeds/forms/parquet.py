"""Parquet, of prices and risk models: columns of the same names as in trimtab's CSV, one row group at a time.

Numbers may be floats (written shortest, so that 94.02 is 94.02), decimals or text; dates are dates or text. The
file's own metadata may hold `trimtab.as_of` and `trimtab.source`. Sizes are judged by the footer, before any
row is unpacked.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from trimtab.feeds.content import Ask, Cells, Content
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.values import read_date

if TYPE_CHECKING:
    import pyarrow.parquet as parquet  # 50 MiB of memory, for those who read such a file

MOST_ROWS: Final = 5_000_000
MOST_BYTES: Final = 1 << 30  # unpacked
MOST_COLUMNS: Final = 2_000
_BATCH: Final = 5_000
_AS_OF, _SOURCE = b"trimtab.as_of", b"trimtab.source"


def open_parquet(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused: FEED_EMPTY, FEED_TRUNCATED for no Parquet, FEED_SIZE, FEED_SCHEMA for nested columns."""
    file = _file(stream)
    footer = file.metadata
    if footer.num_rows > MOST_ROWS or footer.num_columns > MOST_COLUMNS:
        raise FeedRefused("FEED_SIZE", f"the file announces {footer.num_rows} rows of {footer.num_columns} columns")
    unpacked = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    if unpacked > MOST_BYTES:
        raise FeedRefused("FEED_SIZE", f"the file unpacks to {unpacked} bytes; at most {MOST_BYTES} are read")
    schema = file.schema_arrow
    nested = [field.name for field in schema if field.type.num_fields]
    if nested:
        raise FeedRefused("FEED_SCHEMA", f"the columns {', '.join(nested)} are not flat")
    known = schema.metadata or {}
    source = known.get(_SOURCE, b"").decode("utf-8", "replace")
    return Content(list(schema.names), _rows(file), _as_of(known.get(_AS_OF)), source)


def _file(stream: BinaryIO) -> "parquet.ParquetFile":
    if not stream.read(1):
        raise FeedRefused("FEED_EMPTY", "the file is empty")
    stream.seek(0)
    from pyarrow import ArrowInvalid, parquet

    try:
        return parquet.ParquetFile(stream, memory_map=False)
    except (ArrowInvalid, OSError) as error:
        raise FeedRefused("FEED_TRUNCATED", f"the file is no whole Parquet file: {type(error).__name__}") from None


def _as_of(written: bytes | None) -> date | None:
    if written is None:
        return None
    try:
        found: date = read_date(written.decode("ascii", "replace"))
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"the metadata's trimtab.as_of: {error}") from None
    return found


def _rows(file: "parquet.ParquetFile") -> Iterator[tuple[int, Cells]]:
    from pyarrow import ArrowInvalid

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, [_text(value) for value in values]
    except (ArrowInvalid, OSError) as error:
        raise FeedRefused("FEED_TRUNCATED", f"a row group cannot be read: {type(error).__name__}") from None


def _text(value: Any) -> str:  # Any: what Parquet's types become
    """The value as trimtab's CSV writes it. What has no such form is left as it is, for the cell's reader to refuse."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}" if math.isfinite(value) else repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value == datetime.combine(value.date(), datetime.min.time()) else str(value)
    return str(value)
