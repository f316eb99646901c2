"""The command line: `trimtab demo | up | api | worker | gateway | migrate | feeds | run | ops | optimize | ...`.

Data goes to stdout, everything else to stderr. An error is one line that says what to do, and an exit code
that is not 0. Heavy modules are imported inside the commands: `trimtab --help` answers at once.
"""

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from trimtab.actions_cli import actions_app
from trimtab.ancillary_cli import ancillary_app
from trimtab.command_line import Day, Firm, Json
from trimtab.command_line import as_date as _date
from trimtab.command_line import loaded_settings as _settings
from trimtab.command_line import print_json as _print_json
from trimtab.command_line import settings_and_firm as _settings_and_firm
from trimtab.domain.errors import TrimtabError
from trimtab.feeds_cli import data_app, feeds_app
from trimtab.filter_cli import filter_app
from trimtab.hub_cli import hub_app
from trimtab.optimizer_cli import optimizer_app
from trimtab.settings_cli import settings_app
from trimtab.shadow_cli import shadow_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Runs a wealth manager's whole rebalancing programme, every business day.",
)
run_app = typer.Typer(no_args_is_help=True, help="A business day's run.")
ops_app = typer.Typer(no_args_is_help=True, help="Keep the night running.")
app.add_typer(optimizer_app)
app.add_typer(feeds_app, name="feeds")
app.add_typer(run_app, name="run")
app.add_typer(ops_app, name="ops")
app.add_typer(settings_app, name="settings")
app.add_typer(actions_app, name="actions")
app.add_typer(filter_app, name="filter")
app.add_typer(hub_app, name="hub")
app.add_typer(shadow_app, name="shadow")
app.add_typer(ancillary_app, name="ancillary")
risk_app = typer.Typer(no_args_is_help=True, help="The factor risk model.")
app.add_typer(risk_app, name="risk")
app.add_typer(data_app, name="data")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        from trimtab.build import build_id

        typer.echo(f"trimtab {build_id()}")
        raise typer.Exit


@app.command()
def demo(
    accounts: Annotated[int, typer.Option(help="How many accounts the demo firm has.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed gives another firm.")] = 20,
    data: Annotated[Path | None, typer.Option(help="Build the firm on the real prices in this folder.")] = None,
    new_day: Annotated[bool, typer.Option("--new-day", help="Step to the next session.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Keep everything up until Ctrl-C.")] = False,
    hold_reviews: Annotated[
        bool, typer.Option("--hold-reviews", help="With --serve: stop the clock while reviews wait for you.")
    ] = False,
    as_json: Json = False,
) -> None:
    """One full business day of a demo firm, on real parts, from files in a drop folder to records kept."""
    from trimtab.demo.options import DemoOptions
    from trimtab.demo.script import run_demo

    options = DemoOptions(accounts, seed, data, new_day, serve or hold_reviews, hold_reviews, as_json)
    raise typer.Exit(run_demo(_settings(), options))


@app.command()
def up() -> None:
    """Start the servers and trimtab's processes, and wait until Ctrl-C."""
    from trimtab.demo.script import stay_up

    raise typer.Exit(stay_up(_settings()))


@app.command()
def api() -> None:
    """Serve GraphQL, OAuth and the pages."""
    from trimtab.server import main as serve

    serve()


@app.command()
def worker() -> None:
    """Run workflows and activities, and relay what PostgreSQL has committed."""
    from trimtab.worker import main as work

    work()


@app.command()
def gateway() -> None:
    """Send orders: one process for each firm and broker."""
    from trimtab.gateway import main as send

    send()


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from trimtab.db.migrate import upgrade
    from trimtab.operator import owner_url

    typer.echo(f"the schema stands at revision {upgrade(owner_url(_settings()))}")


@app.command()
def verify(firm: Firm = None, as_json: Json = False) -> None:
    """Check every record of the firm: each account's hash chain, to its head."""
    from trimtab.operator import verifier_engine
    from trimtab.verify import verify as check

    settings, firm_id = _settings_and_firm(firm)
    report = check(verifier_engine(settings, firm_id), firm_id)
    if as_json:
        _print_json({"records": report.records, "broken": report.broken})
    else:
        typer.echo(f"{report.records} records verified")
        for fault in report.broken:
            typer.echo(f"account {fault.account_id}, record {fault.seq}: {fault.reason}")
    raise typer.Exit(1 if report.broken else 0)


@app.command()
def reproduce(
    record: Annotated[str, typer.Argument(help="Hash of an analysis record, or its first characters.")],
    export: Annotated[
        Path | None, typer.Option(help="Also keep what the analysis read in this file, for `trimtab optimize`.")
    ] = None,
    firm: Firm = None,
) -> None:
    """Run a recorded analysis again from its stored inputs, and compare the proposal's hash."""
    from trimtab.operator import verifier_engine
    from trimtab.verify import recorded_input
    from trimtab.verify import reproduce as again

    settings, firm_id = _settings_and_firm(firm)
    engine = verifier_engine(settings, firm_id)
    if export is not None:
        from trimtab.optimize import write_input

        write_input(recorded_input(engine, firm_id, record), export)
    report = again(engine, firm_id, record)
    verdict = "the same" if report.same else "ANOTHER"
    typer.echo(f"account {report.account_id}, {report.business_date}: {verdict} proposal hash {report.proposal_hash}")
    raise typer.Exit(0 if report.same else 1)


@app.command()
def checklist(
    root_folder: Annotated[Path, typer.Option("--checkout", help="A checkout: the tests are not installed.")] = Path(),
) -> None:
    """Print each part of the mission with the tests that prove it."""
    from trimtab.checklist import read_checklist

    for item in read_checklist(root_folder):
        typer.echo(f"{item.id:6} {item.promise}")
        for test in item.tests or ("(no test yet)",):
            typer.echo(f"       {test}")


@run_app.command("start")
def run_start(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The business date.")], firm: Firm = None
) -> None:
    """Start the firm's run of a business date."""
    from trimtab.operator import start_run

    settings, firm_id = _settings_and_firm(firm)
    typer.echo(start_run(settings, firm_id, day.date()))


@run_app.command("status")
def run_status(day: Day = None, firm: Firm = None, as_json: Json = False) -> None:
    """Where the accounts stand."""
    from trimtab.operator import run_summary

    settings, firm_id = _settings_and_firm(firm)
    summary = run_summary(settings, firm_id, _date(day))
    if as_json:
        _print_json(summary)
        return
    for key, value in summary.items():
        shown = ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else value
        typer.echo(f"{key.replace('_', ' ')}: {shown or '-'}")


@run_app.command("step")
def run_step(firm: Firm = None) -> None:
    """Let a stepped clock that is held go on."""
    from trimtab.operator import step_on

    settings, firm_id = _settings_and_firm(firm)
    typer.echo(step_on(settings, firm_id))


@run_app.command("look-again")
def run_look_again(day: Day = None, firm: Firm = None) -> None:
    """Before the cut-off: load late files, and judge accounts that are suspended for data by what is known now."""
    from trimtab.feed_desk import look_again

    settings, firm_id = _settings_and_firm(firm)
    typer.echo(look_again(settings, firm_id, _date(day)))


@run_app.command("orders")
def run_orders(
    layout: Annotated[str, typer.Option(help="The custodian's order import file.")] = "fidelity-orders",
    day: Day = None,
    firm: Firm = None,
) -> None:
    """The day's open orders as a custodian's import file, for firms whose orders no gateway sends."""
    from trimtab.feed_desk import order_file_of

    settings, firm_id = _settings_and_firm(firm)
    text, left_out = order_file_of(settings, firm_id, _date(day), layout)
    typer.echo(text, nl=False)
    for line in left_out:
        typer.echo(line, err=True)
    raise typer.Exit(1 if left_out else 0)


@run_app.command("promote")
def run_promote(account: str, firm: Firm = None) -> None:
    """Give an account that its page has finished a workflow of its own."""
    from trimtab.operator import promote_account

    settings, firm_id = _settings_and_firm(firm)
    typer.echo(promote_account(settings, firm_id, account))


@ops_app.command("blocked")
def ops_blocked(firm: Firm = None) -> None:
    """Steps that are parked, with their error."""
    from trimtab.operator import blocked_steps

    settings, firm_id = _settings_and_firm(firm)
    lines = blocked_steps(settings, firm_id)
    for line in lines:
        typer.echo(line)
    if not lines:
        typer.echo("no step is blocked", err=True)


@ops_app.command("calibration")
def ops_calibration(
    adopt: Annotated[Path | None, typer.Argument(help="The map to adopt, as `calibrate --write` keeps it.")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="Go back to the shipped map.")] = False,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """Print what the words of the firm's settings stand for; with a file, adopt it for the runs to come."""
    from trimtab.calibrate import map_lines
    from trimtab.domain.calibration import SHIPPED
    from trimtab.domain.records import plain
    from trimtab.operator import firm_calibration
    from trimtab.optimize import read_calibration

    own = read_calibration(adopt) if adopt is not None else SHIPPED if shipped else None
    settings, firm_id = _settings_and_firm(firm)
    found = firm_calibration(settings, firm_id, own)
    if as_json:
        _print_json(plain(found))
        return
    for line in map_lines(found):
        typer.echo(line)


@ops_app.command("retry")
def ops_retry(
    stage: Annotated[str | None, typer.Option(help="Only steps of this stage.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    firm: Firm = None,
) -> None:
    """Retry blocked steps now."""
    from trimtab.operator import retry_blocked

    settings, firm_id = _settings_and_firm(firm)
    typer.echo(f"{retry_blocked(settings, firm_id, stage, account)} steps are tried again")


@risk_app.command("estimate")
def risk_estimate(
    prices: Annotated[Path, typer.Argument(help="Closes: CSV, gzipped CSV or Parquet, wide or long.")],
    kind: Annotated[str, typer.Option(help="statistical or fundamental.")] = "statistical",
    actions: Annotated[Path | None, typer.Option(help="Splits and dividends: date, ticker, type, value.")] = None,
    volumes: Annotated[Path | None, typer.Option(help="Volumes in shares, as the closes.")] = None,
    sectors: Annotated[Path | None, typer.Option(help="Security and sector; a fundamental model needs it.")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: the last session.")] = None,
    deliver: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Write the risk files of this business date.")
    ] = None,
    scheme: Annotated[str, typer.Option(help="How securities are named: symbol, cusip, isin, figi.")] = "symbol",
    test: Annotated[bool, typer.Option(help="Measure the fit out of sample.")] = True,
    firm: Firm = None,
    as_json: Json = False,
) -> None:
    """Estimate a risk model from price history, say how well it forecast, and deliver it as a vendor would."""
    from trimtab.risk.command import RiskSources, estimate_model, model_lines, write_model

    if kind not in ("statistical", "fundamental"):
        raise typer.BadParameter("statistical or fundamental", param_hint="--kind")
    model = estimate_model(RiskSources(prices, actions, volumes, sectors), kind, _date(as_of), test=test)
    if deliver is not None:
        settings, firm_id = _settings_and_firm(firm)
        for path in write_model(model, settings.drop_folder, firm_id, deliver.date(), scheme):
            typer.echo(f"written: {path}", err=True)
    if as_json:
        _print_json(model.document())
        return
    for line in model_lines(model):
        typer.echo(line)


def main() -> None:
    """The entry point. It leaves by os._exit: the Temporal SDK may abort an interpreter that is torn down."""
    code = 0
    try:
        app()
    except TrimtabError as error:
        typer.echo(f"trimtab: {error} [{error.code}]", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # noqa: BLE001 - a person gets one line all the same
        typer.echo(f"trimtab: {_in_one_line(error)}", err=True)
        code = 1
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _in_one_line(error: Exception) -> str:
    """What a server or the system said; where it happened is for TRIMTAB_LOG_LEVEL=DEBUG."""
    from trimtab.logs import mask_text

    if "DEBUG" in (os.environ.get("TRIMTAB_LOG_LEVEL"), os.environ.get("LOG_LEVEL")):
        traceback.print_exception(error)
    said = (str(error).strip().splitlines() or ["no words"])[0]
    return mask_text(f"{type(error).__name__}: {said} (TRIMTAB_LOG_LEVEL=DEBUG shows where)")


if __name__ == "__main__":
    main()
