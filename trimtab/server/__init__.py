"""The API process: GraphQL, sign-in, health and metrics. `python -m trimtab.server`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from trimtab.settings import Settings


def create_app(settings: "Settings") -> "FastAPI":
    """The application of these settings. Raises ApiMisconfigured and what its parts raise."""
    from trimtab.server.app import create_app as create

    return create(settings)


def main() -> None:
    """Serve the surroundings' settings until SIGTERM or Ctrl-C; ends the process."""
    from trimtab.server.service import run

    run()
