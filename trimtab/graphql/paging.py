"""Keyset pages: at most a hundred rows, in an order that has no ties, from a cursor on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import strawberry

from trimtab.graphql.errors import BadInput

LARGEST_PAGE: Final = 100
DEFAULT_PAGE: Final = 20

Row = TypeVar("Row")
Node = TypeVar("Node")


@strawberry.type(description="Where a page begins and ends.")
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of one page and whether more follow."""

    rows: Sequence[Row]
    has_more: bool

    def info(self, cursor_of: Callable[[Row], str]) -> PageInfo:
        return PageInfo(has_next_page=self.has_more, end_cursor=cursor_of(self.rows[-1]) if self.rows else None)


def page_size(first: int) -> int:
    """The size asked for. Raises BadInput outside 1 to 100."""
    if not 1 <= first <= LARGEST_PAGE:
        raise BadInput(f"first must be 1 to {LARGEST_PAGE}")
    return first


def cut(rows: Sequence[Row], size: int) -> Page[Row]:
    """A page of rows that were read one more than its size."""
    return Page(rows[:size], len(rows) > size)
