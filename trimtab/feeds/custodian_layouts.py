"""A custodian's file as a YAML layout says it is: delimited or of fixed width, no code (docs/feeds.md)."""

import re
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from trimtab.domain.errors import TrimtabError
from trimtab.feeds.layouts import IDENTIFIERS, LAYOUTS, FeedKind

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SPAN = re.compile(r"(?P<first>[1-9]\d{0,4})-(?P<last>[1-9]\d{0,4})")
SHIPPED: Final = "custodians"


class LayoutInvalid(TrimtabError):
    """A custodian's layout cannot be read, or says what cannot be meant."""

    code = "LAYOUT_INVALID"


class Place(BaseModel):
    """Where one of trimtab's columns stands in the custodian's file, and how it is written there."""

    model_config = _STRICT

    source: str | None = Field(default=None, alias="from")  # a column's name; of fixed width its characters, "1-10"
    value: str | None = None  # the same for every row
    title: str | None = None  # a group of the title's pattern, or of the file name's
    take: str | None = None  # a regular expression whose only group is what counts of the text
    number: Literal["plain", "us", "implied"] | None = None
    places: Annotated[int, Field(ge=0, le=12)] = 0  # of implied numbers: digits after the point that is not written
    magnitude: bool = False  # the sign is dropped: sales that the custodian writes as negative
    date: str | None = None  # how the custodian writes dates, as in strptime: "%m/%d/%Y"
    words: dict[str, str] = Field(default_factory=dict)  # the custodian's words to trimtab's; others are kept

    @model_validator(mode="after")
    def _one_origin(self) -> "Place":
        if sum(each is not None for each in (self.source, self.value, self.title)) != 1:
            raise ValueError("name exactly one of from, value and title")
        return self

    @property
    def span(self) -> slice:
        """Of fixed width: the characters. Raises LayoutInvalid."""
        found = _SPAN.fullmatch(self.source or "")
        if found is None or int(found["first"]) > int(found["last"]):
            raise LayoutInvalid(f"{self.source!r} does not say which characters: write 1-10")
        return slice(int(found["first"]) - 1, int(found["last"]))


class Pattern(BaseModel):
    """A regular expression that a whole line must match."""

    model_config = _STRICT

    pattern: str
    places: Annotated[int, Field(ge=0, le=12)] = 0  # of the group `total`: digits after the point, not written

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern

    def match(self, line: str) -> "re.Match[str] | None":
        return re.fullmatch(self.pattern, line)


class RowRule(BaseModel):
    """Rows whose column matches the pattern."""

    model_config = _STRICT

    column: str
    matches: str


class CustodianLayout(BaseModel):
    """One file of one custodian."""

    model_config = _STRICT

    name: str
    kind: FeedKind
    shape: Literal["delimited", "fixed"]
    encoding: Literal["utf-8", "ascii", "latin-1", "cp1252"] = "utf-8"
    delimiter: Literal[",", ";", "|", "\t"] = ","
    file_name: Pattern | None = None  # groups: what places take from it
    title: Pattern | None = None  # the first line; groups: as_of, account_id, and what places take from it
    as_of: str | None = None  # how the title writes its group as_of
    header: bool = True  # delimited: a line with the columns' names
    trailer: Pattern | None = None  # the last line; groups: rows, total
    details: str | None = None  # fixed: what every row begins with
    columns: dict[str, Place]
    leave_out: tuple[RowRule, ...] = ()
    only: tuple[RowRule, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> "CustodianLayout":
        known = {column.name for column in LAYOUTS[self.kind].columns} | set(IDENTIFIERS)
        unknown = sorted(set(self.columns) - known)
        if unknown:
            raise ValueError(f"{self.kind} has no columns {', '.join(unknown)}")
        if self.shape == "fixed":
            for place in self.columns.values():
                if place.source is not None:
                    _ = place.span
        elif not self.header:
            raise ValueError("a delimited file without a line of column names is not read")
        return self


def find_layout(name: str, home: Path | None) -> CustodianLayout:
    """A shipped layout by its name, or the file of that name beside the file of sources. Raises LayoutInvalid."""
    if _NAME.fullmatch(name):
        return shipped_layout(name)
    if home is None:
        raise LayoutInvalid(f"there is no shipped layout {name!r}")
    path = (home / name).resolve()
    if not path.is_relative_to(home.resolve()):
        raise LayoutInvalid(f"the layout {name!r} is not beside the file of sources")
    try:
        return read_layout(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutInvalid(f"the layout {name!r} cannot be read: {type(error).__name__}") from None


@lru_cache(maxsize=32)
def shipped_layout(name: str) -> CustodianLayout:
    """Raises LayoutInvalid."""
    file = resources.files("trimtab.feeds") / SHIPPED / f"{name}.yaml"
    if not file.is_file():
        raise LayoutInvalid(f"there is no shipped layout {name!r}")
    return read_layout(file.read_text(encoding="utf-8"), name)


def read_layout(text: str, name: str) -> CustodianLayout:
    """Raises LayoutInvalid, in one line."""
    try:
        content: Any = yaml.safe_load(text)
        return CustodianLayout.model_validate(content)
    except yaml.YAMLError as error:
        raise LayoutInvalid(f"the layout {name} is no YAML: {type(error).__name__}") from None
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise LayoutInvalid(f"the layout {name}: {'; '.join(faults)}") from None
