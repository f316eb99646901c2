"""Who delivers which kind, in which form, from where and until when: the YAML file that TRIMTAB_SOURCES names.

A firm that the file does not name gets every kind in trimtab's own CSV, in the drop folder.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from trimtab.domain.delivery_watch import Deadlines
from trimtab.domain.errors import TrimtabError
from trimtab.feeds.layouts import KINDS, FeedKind

EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
_DUE = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?P<before> before)?")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_PATTERN = re.compile(r"[A-Za-z0-9._{}*-]+")


class SourcesInvalid(TrimtabError):
    """The file of sources cannot be read, or says what cannot be meant."""

    code = "SOURCES_INVALID"


class Form(StrEnum):
    """The forms of files that are read."""

    TRIMTAB = "trimtab"
    LAYOUT = "layout"
    SEMT002 = "semt.002"
    SEEV031 = "seev.031"
    MT564 = "mt564"
    OFX = "ofx"
    FLEX = "ibkr-flex"
    PARQUET = "parquet"


_KINDS: Final[Mapping[Form, frozenset[FeedKind]]] = {
    Form.TRIMTAB: frozenset(FeedKind),
    Form.LAYOUT: frozenset(FeedKind) - {FeedKind.RISK_COVARIANCE, FeedKind.RISK_EXPOSURES},
    Form.SEMT002: frozenset({FeedKind.POSITIONS}),
    Form.SEEV031: frozenset({FeedKind.CORPORATE_ACTIONS}),
    Form.MT564: frozenset({FeedKind.CORPORATE_ACTIONS}),
    Form.OFX: frozenset({FeedKind.POSITIONS, FeedKind.CASH, FeedKind.SALES}),
    Form.FLEX: frozenset(
        {FeedKind.POSITIONS, FeedKind.LOTS, FeedKind.CASH, FeedKind.SALES, FeedKind.CORPORATE_ACTIONS}
    ),
    Form.PARQUET: frozenset({FeedKind.PRICES, FeedKind.RISK_COVARIANCE, FeedKind.RISK_EXPOSURES}),
}
"""Which kinds a form can hold."""

_SUFFIX: Final[Mapping[Form, str]] = {
    Form.SEMT002: "xml",
    Form.SEEV031: "xml",
    Form.MT564: "txt",
    Form.OFX: "ofx",
    Form.FLEX: "xml",
    Form.PARQUET: "parquet",
}

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SftpPlace(BaseModel):
    """Where the files are fetched: a server whose host key is pinned. Secrets stand in files of their own."""

    model_config = _STRICT

    host: str = Field(min_length=1)
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    username: str = Field(min_length=1)
    host_key: str = Field(pattern=r"^(ssh|ecdsa)-\S+ \S+")  # as in known_hosts, without the host: "ssh-ed25519 AAAA..."
    key_file: Path | None = None  # a private key without passphrase
    password_file: Path | None = None
    folder: str = "."

    @model_validator(mode="after")
    def _one_secret(self) -> "SftpPlace":
        if (self.key_file is None) == (self.password_file is None):
            raise ValueError("name one of key_file and password_file")
        return self


class Source(BaseModel):
    """One source of some kinds of a firm. `due` is New York time, of the business date or of the session before."""

    model_config = _STRICT

    name: str = Field(pattern=f"^{_NAME}$")
    kinds: tuple[FeedKind, ...] = Field(min_length=1)
    form: Form = Form.TRIMTAB
    layout: str | None = None  # of the form `layout`: a shipped one's name, or a file beside the file of sources
    folder: str | None = Field(default=None, pattern=f"^{_NAME}$")  # under <drop>/<firm>; None: the kind
    file: str | None = None  # {kind} and {date} (YYYYMMDD) are put in; with a * it is a set of files
    due: str = "04:00"
    grace_minutes: Annotated[int, Field(ge=0, le=1_440)] = 30
    urgent_minutes: Annotated[int, Field(ge=0, le=1_440)] = 60  # before the cut-off
    accounts: dict[str, str] = Field(default_factory=dict)  # the source's account number to the firm's id
    constants: dict[str, str] = Field(default_factory=dict)  # cells that the form cannot give
    sftp: SftpPlace | None = None

    @field_validator("due")
    @classmethod
    def _a_time(cls, due: str) -> str:
        if _DUE.fullmatch(due) is None:
            raise ValueError('write the due time as "04:00", or "21:30 before" for the evening before')
        return due

    @field_validator("file")
    @classmethod
    def _a_file_name(cls, pattern: str | None) -> str | None:
        if pattern is not None and (_PATTERN.fullmatch(pattern) is None or "{date}" not in pattern):
            raise ValueError("a file's name is of letters, digits and . _ - * with {date}, and {kind} where you like")
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> "Source":
        unfit = sorted(set(self.kinds) - _KINDS[self.form])
        if unfit:
            raise ValueError(f"the form {self.form} does not hold {', '.join(unfit)}")
        if (self.form is Form.LAYOUT) != (self.layout is not None):
            raise ValueError("the form `layout` names its layout, and no other form does")
        return self

    @property
    def is_set(self) -> bool:
        """Whether a delivery is every file that matches, together."""
        return "*" in (self.file or "")

    @property
    def is_shared(self) -> bool:
        """Whether one file holds all of the source's kinds."""
        return self.file is not None and "{kind}" not in self.file and not self.is_set

    def file_name(self, kind: FeedKind, on: date) -> str:
        """The name, or the pattern of the names, of the day's delivery."""
        pattern = self.file or "{kind}-{date}." + _SUFFIX.get(self.form, "csv")
        return pattern.replace("{kind}", kind).replace("{date}", f"{on:%Y%m%d}")

    def folder_of(self, kind: FeedKind) -> str:
        return self.folder or str(kind)

    def holds(self, kind: FeedKind, on: date, name: str) -> bool:
        """Whether a file of the name is of the day's delivery."""
        return fnmatch.fnmatchcase(name, self.file_name(kind, on))

    def deadlines(self, on: date, session_before: date, cut_off: datetime) -> Deadlines:
        """When the day's delivery is due, late, urgent and missing; none is after the cut-off."""
        found = _DUE.fullmatch(self.due)
        if found is None:  # the model has refused it
            raise SourcesInvalid(f"{self.due} is no due time")
        day = session_before if found["before"] else on
        at = datetime.combine(day, time(int(found["hour"]), int(found["minute"])), EXCHANGE_ZONE)
        due = min(at, cut_off)
        late = min(due + timedelta(minutes=self.grace_minutes), cut_off)
        return Deadlines(due, late, max(late, cut_off - timedelta(minutes=self.urgent_minutes)), cut_off)


@dataclass(frozen=True, slots=True)
class FirmSources:
    """One firm's sources, each kind with exactly one."""

    by_kind: Mapping[FeedKind, Source]
    home: Path | None = None  # where the file of sources lies: its layouts are beside it

    def of(self, kind: FeedKind) -> Source:
        return self.by_kind[kind]

    @property
    def further(self) -> tuple[FeedKind, ...]:
        """Kinds that no run waits for and that a source of this firm delivers."""
        return tuple(kind for kind in FeedKind if kind not in KINDS and self.of(kind) != STANDARD.of(kind))

    @property
    def fetched(self) -> list[tuple[FeedKind, Source]]:
        """Kinds whose files are fetched from a server, each server's files once."""
        found: dict[tuple[str, str | None], tuple[FeedKind, Source]] = {}
        for kind, source in self.by_kind.items():
            if source.sftp is not None:
                found.setdefault((source.name, None if source.is_shared else kind), (kind, source))
        return list(found.values())


STANDARD: Final = FirmSources(MappingProxyType({kind: Source(name="drop-folder", kinds=(kind,)) for kind in FeedKind}))
"""Of a firm that the file of sources does not name."""


@dataclass(frozen=True, slots=True)
class SourceBook:
    """The sources of every firm."""

    firms: Mapping[str, FirmSources] = field(default_factory=dict)

    def of(self, firm_id: str) -> FirmSources:
        return self.firms.get(firm_id, STANDARD)


_FILE: Final[TypeAdapter[dict[str, list[Source]]]] = TypeAdapter(dict[str, list[Source]])


def load_sources(path: Path | None) -> SourceBook:
    """The file of sources: firm id to a list of sources. Kinds that none names come as by default.

    Raises SourcesInvalid, in one line that names the place and never a secret.
    """
    if path is None:
        return SourceBook()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SourcesInvalid(f"the file of sources {path} cannot be read: {type(error).__name__}") from None
    return SourceBook({firm: _of_firm(firm, sources, path) for firm, sources in _validated(content, path).items()})


def _validated(content: Any, path: Path) -> dict[str, list[Source]]:  # Any: what a file says
    try:
        return _FILE.validate_python(content)
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise SourcesInvalid(f"the file of sources {path}: {'; '.join(faults)}") from None


def _of_firm(firm: str, sources: list[Source], path: Path) -> FirmSources:
    by_kind = dict(STANDARD.by_kind)
    named: set[FeedKind] = set()
    for source in sources:
        twice = sorted(named & set(source.kinds))
        if twice:
            raise SourcesInvalid(f"the file of sources {path}: {firm} has two sources of {', '.join(twice)}")
        named |= set(source.kinds)
        by_kind |= dict.fromkeys(source.kinds, source)
    return FirmSources(MappingProxyType(by_kind), path.parent)
