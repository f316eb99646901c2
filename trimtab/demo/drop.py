"""What the demo firm's custodian writes its files with."""

from trimtab.feeds.writing import (
    CONTROL_COLUMNS,
    Cell,
    FeedFile,
    csv_text,
    done_marker,
    feed_path,
    publish,
    trailer_line,
    write_feed,
)

__all__ = [
    "CONTROL_COLUMNS",
    "Cell",
    "FeedFile",
    "csv_text",
    "done_marker",
    "feed_path",
    "publish",
    "trailer_line",
    "write_feed",
]
