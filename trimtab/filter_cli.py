"""`trimtab filter ...`: the firm's filters, what they find, and why an account is in its lane."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.command_line import Day, Firm, Json, as_date, print_json, settings_and_firm

filter_app = typer.Typer(no_args_is_help=True, help="Filters: what they find, and why an account is in its lane.")

_Wanted = Annotated[str, typer.Argument(help="A firm filter's name, a filter's sentence, or a JSON file.")]


@filter_app.command("list")
def filter_list(day: Day = None, firm: Firm = None) -> None:
    """The firm's filters as they hold on the day, each as a sentence."""
    from trimtab.filter_command import filter_lines

    settings, firm_id = settings_and_firm(firm)
    for line in filter_lines(settings, firm_id, as_date(day)):
        typer.echo(line)


@filter_app.command("fields")
def filter_fields(firm: Firm = None, as_json: Json = False) -> None:
    """Every field that filters may name, the firm's own too: type, unit, and what the night fills it from."""
    from trimtab.filter_command import known_fields

    found = known_fields(*settings_and_firm(firm))
    if as_json:
        print_json(found)
        return
    for field in found:
        unit = f", {field.unit}" if field.unit else ""
        typer.echo(f"{field.name}: {field.label} ({field.kind.lower()}{unit}; {field.source.lower()})")


@filter_app.command("count")
def filter_count(
    wanted: _Wanted,
    by_advisor: Annotated[bool, typer.Option("--by-advisor", help="Also for each advisor.")] = False,
    day: Day = None,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """How many accounts the filter wants."""
    from trimtab.filter_command import count

    settings, firm_id = settings_and_firm(firm)
    found = count(settings, firm_id, wanted, as_date(day), by_advisor=by_advisor)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['business_date']}: {found['count']} accounts. {found['sentence']}")
    for each in found.get("advisors", ()):
        typer.echo(f"  {each['advisor']}: {each['wanted']} of {each['accounts']}")


@filter_app.command("show")
def filter_show(
    wanted: _Wanted,
    first: Annotated[int, typer.Option(min=1, max=10_000, help="How many accounts.")] = 20,
    day: Day = None,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """The first accounts that the filter wants, with what they show for its fields."""
    from trimtab.filter_command import show

    settings, firm_id = settings_and_firm(firm)
    found = show(settings, firm_id, wanted, as_date(day), first)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['business_date']}: {found['sentence']}")
    for each in found["accounts"]:
        typer.echo("  " + ", ".join(f"{name} {value}" for name, value in each.items()))


@filter_app.command("explain")
def filter_explain(account: str, day: Day = None, firm: Firm = None) -> None:
    """Why the account is in its lane: each step of the policy that was asked, with what the account shows."""
    from trimtab.filter_command import explain

    settings, firm_id = settings_and_firm(firm)
    for line in explain(settings, firm_id, account, as_date(day)):
        typer.echo(line)


@filter_app.command("shadow")
def filter_shadow(
    name: Annotated[str, typer.Argument(help="A firm filter that a step of the lane policy names.")],
    wanted: _Wanted,
    days: Annotated[int, typer.Option(min=1, max=60, help="How many of the last days.")] = 5,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """Try a changed firm filter on the days that are over: whose lane would have been another one."""
    from trimtab.filter_command import shadow, shadow_lines

    settings, firm_id = settings_and_firm(firm)
    found = shadow(settings, firm_id, name, wanted, days)
    if as_json:
        print_json(found)
        return
    for line in shadow_lines(found):
        typer.echo(line)


@filter_app.command("policy")
def filter_policy(day: Day = None, firm: Firm = None) -> None:
    """The lane policy of the day: its steps in the order in which they are asked."""
    from trimtab.filter_command import policy_lines

    settings, firm_id = settings_and_firm(firm)
    for line in policy_lines(settings, firm_id, as_date(day)):
        typer.echo(line)


@filter_app.command("shadow-policy")
def filter_shadow_policy(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON of the policy's steps.")],
    days: Annotated[int, typer.Option(min=1, max=60, help="How many of the last days.")] = 5,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """Try another lane policy on the days that are over: whose lane would have been another one."""
    from trimtab.filter_command import shadow_lines, shadow_policy

    settings, firm_id = settings_and_firm(firm)
    found = shadow_policy(settings, firm_id, file, days)
    if as_json:
        print_json(found)
        return
    for line in shadow_lines(found):
        typer.echo(line)
