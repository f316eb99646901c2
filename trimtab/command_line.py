"""What all commands share: their common options, the settings, the firm, and how an answer is printed."""

from datetime import date, datetime
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else there.")]
Firm = Annotated[str | None, typer.Option("--firm", help="The firm; by default the one of the settings.")]
Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Business date; default: newest.")]


def loaded_settings() -> Any:  # the settings module is imported late: it costs a quarter of a second
    from trimtab.logs import configure_logs
    from trimtab.settings import load_settings

    settings = load_settings()
    configure_logs("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_format)
    return settings


def settings_and_firm(firm: str | None) -> tuple[Any, str]:
    """The settings, and the firm that the command means."""
    from trimtab.operator import which_firm

    settings = loaded_settings()
    return settings, which_firm(settings, firm)


def print_json(value: object) -> None:
    import orjson

    typer.echo(orjson.dumps(value, default=str).decode())


def as_date(day: datetime | None) -> date | None:
    return None if day is None else day.date()
