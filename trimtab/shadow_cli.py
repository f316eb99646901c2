"""`trimtab shadow ...`: a proposed change, or this build, on the days that are over."""

from typing import Annotated

import typer

from trimtab.command_line import Firm, Json, print_json, settings_and_firm

shadow_app = typer.Typer(no_args_is_help=True, help="What a change, or this build, would have done on stored days.")

_Days = Annotated[int, typer.Option(min=1, max=20, help="How many of the last analysed days.")]
_Seconds = Annotated[float, typer.Option(min=0.1, help="Processor time: it decides how large the sample is.")]


@shadow_app.command("change")
def shadow_change(
    change: str, days: _Days = 5, seconds: _Seconds = 60.0, firm: Firm = None, as_json: Json = False
) -> None:
    """Run a proposed model, programme change or bulk change of settings, and keep the report beside it."""
    from trimtab.shadow_command import report_lines, run_change

    report = run_change(*settings_and_firm(firm), change, days, seconds)
    if as_json:
        print_json(report)
        return
    for line in report_lines(report):
        typer.echo(line)


@shadow_app.command("show")
def shadow_show(change: str, firm: Firm = None, as_json: Json = False) -> None:
    """The newest report that is kept beside a change."""
    from trimtab.shadow_command import kept_report, report_lines

    report = kept_report(*settings_and_firm(firm), change)
    if report is None:
        typer.echo("the change has not been run: trimtab shadow change")
        raise typer.Exit(1)
    if as_json:
        print_json(report)
        return
    for line in report_lines(report):
        typer.echo(line)


@shadow_app.command("build")
def shadow_build(days: _Days = 5, seconds: _Seconds = 600.0, firm: Firm = None, as_json: Json = False) -> None:
    """The release gate: analyse stored days again with this build. Fails when a lane or a trade would be another."""
    from trimtab.shadow_command import report_lines, run_build

    report = run_build(*settings_and_firm(firm), days, seconds)
    if as_json:
        print_json(report)
    else:
        for line in report_lines(report):
            typer.echo(line)
    raise typer.Exit(1 if report.changed or report.failed else 0)
