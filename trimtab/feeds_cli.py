"""`trimtab feeds ...` and `trimtab data ...`: what was delivered, and what of it waits for people."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from trimtab.command_line import Day, Firm, Json
from trimtab.command_line import as_date as _date
from trimtab.command_line import print_json as _print_json
from trimtab.command_line import settings_and_firm as _settings_and_firm

feeds_app = typer.Typer(no_args_is_help=True, help="The night's deliveries.")
data_app = typer.Typer(no_args_is_help=True, help="Data that wait for people.")


@feeds_app.command("load")
def feeds_load(day: Day = None, firm: Firm = None) -> None:
    """Load what the drop folder holds for a business date."""
    from trimtab.feed_desk import load_feeds

    settings, firm_id = _settings_and_firm(firm)
    for line in load_feeds(settings, firm_id, _date(day)):
        typer.echo(line)


@feeds_app.command("status")
def feeds_status(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Expected, due, late, loaded and refused deliveries, and what waits on each."""
    from trimtab.feed_desk import feed_report, feed_status

    settings, firm_id = _settings_and_firm(firm)
    if as_json:
        _print_json({"deliveries": feed_report(settings, firm_id, _date(day))})
        return
    for line in feed_status(settings, firm_id, _date(day)):
        typer.echo(line)


@feeds_app.command("conform")
def feeds_conform(
    folder: Annotated[Path, typer.Argument(help="source.yaml, and files with their done-markers.")],
    as_json: Json = False,
) -> None:
    """Check a custodian's adapter: its files are read whole, and what breaks them is noticed."""
    from dataclasses import asdict

    from trimtab.feeds.conformance import conform

    findings = list(conform(folder.resolve()))
    if as_json:
        _print_json({"passes": all(each.passed for each in findings), "checks": [asdict(each) for each in findings]})
    else:
        for each in findings:
            typer.echo(f"{'pass' if each.passed else 'FAIL'}  {each.subject:32} {each.check:32} {each.detail}")
    raise typer.Exit(0 if all(each.passed for each in findings) else 1)


@feeds_app.command("simulate")
def feeds_simulate(
    fault: Annotated[
        list[str] | None, typer.Option(help="KIND:FAULT, or KIND:FAULT:SECONDS for one that mends by itself.")
    ] = None,
    accounts: Annotated[int, typer.Option(help="How many accounts the firm has.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed gives another firm.")] = 20,
    day: Day = None,
    port: Annotated[int, typer.Option(help="0: one that is free.")] = 0,
) -> None:
    """A custodian's SFTP server to rehearse with: a day's files, some of them broken, late or missing."""
    import asyncio

    from trimtab.demo.simulator import read_fault, simulate

    faults = [read_fault(text) for text in fault or []]
    asyncio.run(simulate(accounts, seed, _date(day), faults, port, typer.echo))


@data_app.command("unknown")
def data_unknown(day: Day = None, firm: Firm = None) -> None:
    """Identifiers that no security master knows: whom they concern, and what they may be."""
    _print_queue("unknown", day, firm)


@data_app.command("incomplete")
def data_incomplete(day: Day = None, firm: Firm = None) -> None:
    """Securities that are held and not bought until they are complete."""
    _print_queue("incomplete", day, firm)


@data_app.command("lists")
def data_lists(day: Day = None, firm: Firm = None) -> None:
    """Names of the restriction lists in force that accounts hold or models want."""
    _print_queue("lists", day, firm)


@data_app.command("aside")
def data_aside(day: Day = None, firm: Firm = None) -> None:
    """Rows of the day's files that could not be read: line, column, value, reason, and whom they concern."""
    _print_queue("aside", day, firm)


@data_app.command("suspensions")
def data_suspensions(day: Day = None, firm: Firm = None) -> None:
    """Suspended accounts: reason, since when, what clears it, who may lift it."""
    _print_queue("suspensions", day, firm)


def _print_queue(queue: str, day: datetime | None, firm: str | None) -> None:
    from trimtab.data_queues import queue_lines

    settings, firm_id = _settings_and_firm(firm)
    for line in queue_lines(settings, firm_id, queue, _date(day)):
        typer.echo(line)
