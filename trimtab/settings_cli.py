"""`trimtab settings ...`: settings in plain English, of one account and of many."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from trimtab.command_line import Day, Firm, Json, as_date, print_json, settings_and_firm

settings_app = typer.Typer(no_args_is_help=True, help="Settings in plain English.")
bulk_app = typer.Typer(no_args_is_help=True, help="One change of many accounts' settings.")
settings_app.add_typer(bulk_app, name="bulk")

_From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: now.")]
_Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


@settings_app.command("show")
def settings_show(
    account: str,
    day: Day = None,
    known_at: Annotated[int | None, typer.Option(help="As known at this version.")] = None,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """An account's profile: every setting as a sentence; a star marks what a person has decided."""
    from trimtab.settings_command import document, show

    settings, firm_id = settings_and_firm(firm)
    if as_json:
        print_json(document(settings, firm_id, account, as_date(day), known_at))
        return
    for line in show(settings, firm_id, account, as_date(day), known_at):
        typer.echo(line)


@settings_app.command("set")
def settings_set(
    account: str,
    sentences: Annotated[list[str], typer.Argument(help='E.g. "Keep 2 % in cash."')],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: now.")
    ] = None,
    firm: Firm = None,
) -> None:
    """Change settings of an account by their sentences."""
    from trimtab.settings_command import change

    settings, firm_id = settings_and_firm(firm)
    typer.echo(change(settings, firm_id, account, sentences, reason, as_date(day)))


@settings_app.command("diff")
def settings_diff(
    account: str,
    before: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="What held on this day ...")],
    after: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="... and on this one; default: newest.")
    ] = None,
    firm: Firm = None,
) -> None:
    """What differs in an account's settings between two days."""
    from trimtab.settings_command import diff

    settings, firm_id = settings_and_firm(firm)
    for line in diff(settings, firm_id, account, before.date(), as_date(after)):
        typer.echo(line)


@settings_app.command("history")
def settings_history(account: str, firm: Firm = None) -> None:
    """Who changed what in an account's settings, from when, and why."""
    from trimtab.settings_command import history

    settings, firm_id = settings_and_firm(firm)
    for line in history(settings, firm_id, account):
        typer.echo(line)


@bulk_app.command("propose")
def bulk_propose(
    sentences: Annotated[list[str], typer.Argument(help='E.g. "Never trade IBM."')],
    reason: _Reason,
    filter_file: Annotated[Path | None, typer.Option("--filter", help="A filter tree as JSON; default: all.")] = None,
    layer: Annotated[str | None, typer.Option(help="FIRM or PROGRAMME:NAME instead of accounts.")] = None,
    day: _From = None,
    firm: Firm = None,
) -> None:
    """Propose a change of many accounts and show what it would do. A signed-in person approves it."""
    from trimtab.bulk_command import propose

    settings, firm_id = settings_and_firm(firm)
    lines = propose(settings, firm_id, sentences, filter_file=filter_file, layer=layer, reason=reason, on=as_date(day))
    for line in lines:
        typer.echo(line)


@bulk_app.command("show")
def bulk_show(
    change: str,
    sample: Annotated[int, typer.Option(min=0, max=50, help="Analyse so many of its accounts again.")] = 0,
    firm: Firm = None,
) -> None:
    """A change, whom it changes from what to what, and what became of it."""
    from trimtab.bulk_command import show

    settings, firm_id = settings_and_firm(firm)
    for line in show(settings, firm_id, change, sample):
        typer.echo(line)


@bulk_app.command("list")
def bulk_list(firm: Firm = None) -> None:
    """All changes, the last proposed first."""
    from trimtab.bulk_command import listed

    settings, firm_id = settings_and_firm(firm)
    for line in listed(settings, firm_id):
        typer.echo(line)


@bulk_app.command("exempt")
def bulk_exempt(
    change: str,
    account: str,
    reason: _Reason,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its last day.")] = None,
    review_on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When to look again.")] = None,
    firm: Firm = None,
) -> None:
    """Leave an account out of a proposed change."""
    from trimtab.bulk_command import exempt

    settings, firm_id = settings_and_firm(firm)
    ends = {"until": as_date(until), "review_on": as_date(review_on)}
    typer.echo(exempt(settings, firm_id, change, account, reason=reason, **ends))


@bulk_app.command("undo")
def bulk_undo(change: str, reason: _Reason, firm: Firm = None) -> None:
    """Ask for an applied change to be taken back."""
    from trimtab.bulk_command import undo

    settings, firm_id = settings_and_firm(firm)
    typer.echo(undo(settings, firm_id, change, reason))
