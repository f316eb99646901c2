"""`trimtab hub ...`: contracts with providers of models, what they sent, and what using it costs."""

from datetime import datetime
from typing import Annotated

import typer

from trimtab.command_line import Day, Firm, Json, as_date, print_json, settings_and_firm

hub_app = typer.Typer(no_args_is_help=True, help="The model hub: providers, their models, fees and bills.")

_Provider = Annotated[str | None, typer.Option("--provider", help="Of this provider alone.")]
_From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Default: the month's first.")]


@hub_app.command("contracts")
def hub_contracts(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """The contracts as they hold on the day: term, licensed models, fees, who signed."""
    from trimtab.hub_command import contract_rows

    settings, firm_id = settings_and_firm(firm)
    _print(contract_rows(settings, firm_id, as_date(day)), as_json, "contracts")


@hub_app.command("models")
def hub_models(provider: _Provider = None, firm: Firm = None, as_json: Json = False) -> None:
    """What providers have sent, the newest first: proposed, published, or kept aside and why."""
    from trimtab.hub_command import model_rows

    settings, firm_id = settings_and_firm(firm)
    _print(model_rows(settings, firm_id, provider), as_json, "models")


@hub_app.command("accrue")
def hub_accrue(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Accrue a business date's fees. The day's run does it by itself; doing it again adds only what was missing."""
    from trimtab.hub_command import accrue

    settings, firm_id = settings_and_firm(firm)
    _print(accrue(settings, firm_id, as_date(day)), as_json, "accruals")


@hub_app.command("accruals")
def hub_accruals(
    first: _From = None, day: Day = None, provider: _Provider = None, firm: Firm = None, as_json: Json = False
) -> None:
    """Fees by calendar day and model, up to the date."""
    from trimtab.hub_command import accrual_rows

    settings, firm_id = settings_and_firm(firm)
    _print(accrual_rows(settings, firm_id, as_date(first), as_date(day), provider), as_json, "accruals")


@hub_app.command("statements")
def hub_statements(provider: _Provider = None, firm: Firm = None, as_json: Json = False) -> None:
    """Bills by provider and month, and how they stand. Signed-in people draft and approve them."""
    from trimtab.hub_command import statement_rows

    settings, firm_id = settings_and_firm(firm)
    _print(statement_rows(settings, firm_id, provider), as_json, "statements")


@hub_app.command("statement")
def hub_statement(
    statement: Annotated[str, typer.Argument(help="Its id, e.g. ACME/2026-03/1.")], firm: Firm = None
) -> None:
    """A bill as CSV: every line, and the total."""
    from trimtab.hub_command import statement_text

    settings, firm_id = settings_and_firm(firm)
    typer.echo(statement_text(settings, firm_id, statement), nl=False)


@hub_app.command("notes")
def hub_notes(
    provider: str,
    model: Annotated[str | None, typer.Option(help="About this model alone.")] = None,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """Research notes about a provider, the newest first."""
    from trimtab.hub_command import note_rows

    settings, firm_id = settings_and_firm(firm)
    _print(note_rows(settings, firm_id, provider, model), as_json, "notes")


def _print(rows: list[dict[str, object]], as_json: bool, name: str) -> None:
    if as_json:
        print_json({name: rows})
        return
    for row in rows:
        typer.echo("  ".join(f"{key} {value}" for key, value in row.items() if value not in (None, "", [])))
    if not rows:
        typer.echo("nothing", err=True)
