"""A zip archive of one file, read as that file within the limits of a plain one (cases 58, 59)."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from trimtab.feeds.errors import FeedRefused

_MAGIC = b"PK\x03\x04"
_MOST_MEMBERS = 1
_MOST_TIMES = 200
"""How many times larger than its archive a member may be: real feeds compress to a tenth, bombs to a thousandth."""
_SMALL = 1 << 20  # bytes that any member may have, however well it compresses


@contextmanager
def unpacked(stream: BinaryIO, most_bytes: int) -> Iterator[tuple[BinaryIO, bool]]:
    """The stream itself, or that of the only member of the archive that it is; and whether it was one.

    Raises FeedRefused: FEED_SIZE for a bomb or an archive in an archive, FEED_PATH for a name that leaves its folder
    or a link, FEED_SCHEMA for anything but one file, FEED_TRUNCATED for an archive that is cut.
    """
    magic = stream.read(len(_MAGIC))
    stream.seek(0)
    if magic != _MAGIC:
        yield stream, False
        return
    try:
        with zipfile.ZipFile(stream) as archive:
            member = _only_member(archive)
            _refuse_bomb(member, most_bytes)
            with archive.open(member) as inner:
                yield cast(BinaryIO, inner), True  # it gives no more bytes than the directory announces
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FeedRefused("FEED_TRUNCATED", f"the archive cannot be read: {type(error).__name__}") from None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    for member in members:
        name = member.filename
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if is_link or name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in name.split("/"):
            raise FeedRefused("FEED_PATH", "a name in the archive leaves its folder, or is a link")
    if len(members) != _MOST_MEMBERS or members[0].is_dir():
        raise FeedRefused("FEED_SCHEMA", f"the archive holds {len(members)} entries, not one file")
    if members[0].flag_bits & 1:
        raise FeedRefused("FEED_SCHEMA", "the archive is encrypted")
    return members[0]


def _refuse_bomb(member: zipfile.ZipInfo, most_bytes: int) -> None:
    if member.file_size > most_bytes:
        raise FeedRefused(
            "FEED_SIZE", f"the archive's file has {member.file_size} bytes; at most {most_bytes} are read"
        )
    if member.file_size > max(_SMALL, _MOST_TIMES * member.compress_size):
        raise FeedRefused("FEED_SIZE", f"the archive's file is {_MOST_TIMES} times as large as the archive, or more")
    if member.filename.lower().endswith((".zip", ".gz", ".bz2", ".xz", ".7z", ".tar", ".tgz")):
        raise FeedRefused("FEED_SIZE", "an archive in an archive is not read")
