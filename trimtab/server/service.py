"""Runs the API under uvicorn."""

import sys

import uvicorn

from trimtab.domain.errors import TrimtabError
from trimtab.logs import configure_logs
from trimtab.server.app import DEFAULT_PORT, create_app
from trimtab.settings import load_settings

_LARGEST_MESSAGE = 64 * 1024
_DRAIN_SECONDS = 10


def run() -> None:
    """Serve until SIGTERM or Ctrl-C. An error of the settings is one line and exit code 2."""
    try:
        settings = load_settings()
        configure_logs(settings.log_level, settings.log_format)
        app = create_app(settings)
    except TrimtabError as error:
        sys.stderr.write(f"trimtab: {error}\n")
        sys.exit(2)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port or DEFAULT_PORT,
        access_log=False,  # ours carries the trace
        log_config=None,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    uvicorn.Server(config).run()
