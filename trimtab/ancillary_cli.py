"""`trimtab ancillary ...`: a firm's own fields, and what accounts have in them."""

import typer

from trimtab.command_line import Day, Firm, Json, as_date, print_json, settings_and_firm

ancillary_app = typer.Typer(no_args_is_help=True, help="The firm's own fields, and what accounts have in them.")


@ancillary_app.command("fields")
def ancillary_fields(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Each field that the firm has defined, as a sentence."""
    from trimtab.ancillary_command import fields_of
    from trimtab.domain.ancillary import field_sentence

    settings, firm_id = settings_and_firm(firm)
    found = fields_of(settings, firm_id, as_date(day))
    if as_json:
        print_json(found)
        return
    for field in found:
        typer.echo(f"{field.fact_name}: {field_sentence(field)}")


@ancillary_app.command("show")
def ancillary_show(account: str, day: Day = None, firm: Firm = None) -> None:
    """What the account has in each of them on the day."""
    from trimtab.ancillary_command import value_lines

    settings, firm_id = settings_and_firm(firm)
    for line in value_lines(settings, firm_id, account, as_date(day)):
        typer.echo(line)


@ancillary_app.command("history")
def ancillary_history(account: str, firm: Firm = None) -> None:
    """Every change of the account's values: when, by whom, why, from what to what."""
    from trimtab.ancillary_command import history_lines

    settings, firm_id = settings_and_firm(firm)
    for line in history_lines(settings, firm_id, account):
        typer.echo(line)
