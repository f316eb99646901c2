"""`trimtab actions ...`: corporate actions, who has applied them, and what they will do."""

from collections.abc import Iterator

import typer

from trimtab.command_line import Day, Firm, Json, as_date, print_json, settings_and_firm

actions_app = typer.Typer(no_args_is_help=True, help="Corporate actions.")


@actions_app.command("list")
def actions_list(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Events of the last weeks and to come: their states, what they wait for, who approved."""
    from trimtab.actions_command import events_report

    settings, firm_id = settings_and_firm(firm)
    rows = events_report(settings, firm_id, as_date(day))
    if as_json:
        print_json({"events": rows})
        return
    for line in [_event_line(row) for row in rows] or ["nothing"]:
        typer.echo(line)


def _event_line(row: dict[str, object]) -> str:
    """One line of an event. Waiting for persons is said with how many have approved, of how many."""
    approved, needed = row["approved_by"], row["persons_needed"]
    said = f"{row['ex_on']} {row['event_id']} {row['version']}: {row['kind']} of {row['security_id']}, {row['state']}"
    if row["waits_for"] is not None:
        said += f", waits for {row['waits_for']}"
    if needed and isinstance(approved, list):
        said += f", approved by {len(approved)} of {needed}"
    return said


@actions_app.command("sync")
def actions_sync(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Which source has applied which event: holdings, prices, models, risk model."""
    from trimtab.actions_command import sync_report

    settings, firm_id = settings_and_firm(firm)
    lines = sync_report(settings, firm_id, as_date(day))
    _print(lines, as_json, "events")


@actions_app.command("preview")
def actions_preview(event_id: str, day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Each account's lots before and after an event, with cash, gain and income."""
    from trimtab.actions_command import preview_report

    settings, firm_id = settings_and_firm(firm)
    _print(preview_report(settings, firm_id, event_id, as_date(day)), as_json, "accounts")


def _print(rows: list[dict[str, object]], as_json: bool, name: str) -> None:
    if as_json:
        print_json({name: rows})
        return
    for line in _lines(rows):
        typer.echo(line)


def _lines(rows: list[dict[str, object]]) -> Iterator[str]:
    for row in rows:
        for key, value in row.items():
            if isinstance(value, list):
                yield from (f"    {key}: {each}" for each in value)
            else:
                yield f"  {key}: {value}" if key != next(iter(row)) else str(value)
    if not rows:
        yield "nothing"
