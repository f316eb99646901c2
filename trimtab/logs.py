"""Logs: one JSON object per line on stderr, readable text on a terminal; stdout belongs to data.

Every line carries the firm, account, run and trace ids of the work it belongs to. Secrets are masked by
key and, inside texts, by shape; control characters cannot forge a line or steer a terminal.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["bound", "configure_logs", "mask_text", "masked"]

Format = Literal["auto", "json", "console"]

MASK: Final = "***"
_SECRET_KEY: Final = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|credential|api_?key|payload_?key|private_?key|"
    r"signing_?key|session_?id|dsn|ssn|tax_?id|taxpayer|code_verifier|assertion",
    re.IGNORECASE,
)
_SECRET_SHAPES: Final = (
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s/]*@"), r"\1:" + MASK + "@"),  # a password in a URL
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 " + MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),  # a JSON web token
    (re.compile(r"(?i)\b(password|client_secret|access_token|refresh_token)=[^\s&;]+"), r"\1=" + MASK),
    (re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), MASK),  # a US social security number
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DEEPEST: Final = 6


def configure_logs(level: str = "INFO", style: Format = "auto", stream: TextIO | None = None) -> None:
    """Routes structlog and the standard library's logging to one handler. Doing it again replaces it."""
    output = stream or sys.stderr
    is_console = style == "console" or (style == "auto" and output.isatty())
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        masked,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(is_console)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    _adopt_foreign_loggers()


@contextmanager
def bound(
    *,
    firm: str | None = None,
    account: str | None = None,
    run: str | None = None,
    trace_id: str | None = None,
) -> Iterator[None]:
    """Every line logged inside carries the given ids; ids bound outside stay."""
    ids = {"firm": firm, "account": account, "run": run, "trace_id": trace_id}
    with bound_contextvars(**{name: value for name, value in ids.items() if value is not None}):
        yield


def masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: secrets masked in every key and text, at any depth."""
    for key, value in event.items():
        if not key.startswith("_"):  # structlog's own
            event[key] = _masked_value(key, value, 0)
    return event


def mask_text(text: str) -> str:
    """The text without the passwords, tokens and social security numbers that can be told by their shape."""
    for shape, replacement in _SECRET_SHAPES:
        text = shape.sub(replacement, text)
    return text


def _masked_value(key: str, value: object, depth: int) -> object:
    if value is not None and _SECRET_KEY.search(key):
        return MASK
    if depth > _DEEPEST:
        return "..."
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return mask_text(value)
        case bytes():
            return f"<{len(value)} bytes>"
        case Mapping():
            return {str(name): _masked_value(str(name), part, depth + 1) for name, part in value.items()}
        case Sequence() | set() | frozenset():
            return [_masked_value("", part, depth + 1) for part in value]
        case _:
            return mask_text(str(value))


def _rendering(is_console: bool) -> list[Processor]:
    if not is_console:
        # JSON escapes control characters itself.
        return [structlog.processors.JSONRenderer(serializer=_to_json)]
    plain = structlog.dev.plain_traceback  # the rich one prints local variables, secrets among them
    return [_escape_controls, structlog.dev.ConsoleRenderer(exception_formatter=plain)]


def _escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Makes CR, LF, ESC and their like visible. Tracebacks keep their line ends."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = "\n".join(map(_visible, value.split("\n"))) if key == "exception" else _visible(value)
    return event


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def _to_json(event: Any, **_: Any) -> str:  # Any: structlog's serializer protocol
    return json.dumps(event, default=str)


def _adopt_foreign_loggers() -> None:
    """Servers that bring handlers of their own log through ours, and chatty libraries keep quiet."""
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in ("httpx", "httpcore", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
