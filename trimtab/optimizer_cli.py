"""`trimtab optimize | calm | calibrate | check`: the optimizer on files, without a database."""

from pathlib import Path
from typing import Annotated

import typer

from trimtab.command_line import Json
from trimtab.command_line import print_json as _print_json

optimizer_app = typer.Typer()


@optimizer_app.command()
def optimize(
    account: Annotated[Path, typer.Argument(help="An account with its target and market, as JSON.")],
    explain: Annotated[bool, typer.Option("--explain", help="Reasons, and reasons why not, as sentences.")] = False,
    with_tags: Annotated[bool, typer.Option("--price-tags", help="What each of the account's rules costs.")] = False,
    with_curve: Annotated[bool, typer.Option("--curve", help="Tax and cost against tracking error.")] = False,
    seconds: Annotated[float, typer.Option(min=0, help="Time for the solvers: in less, less is answered.")] = 20,
    calibration: Annotated[
        Path | None, typer.Option(help="What the words stand for, as `calibrate --write` keeps it.")
    ] = None,
    household: Annotated[
        bool, typer.Option("--household", help="The file holds several accounts of a household and their one target.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Analyse one account from a file: trades by tax lot, why, what they are worth, and how far from the best."""
    if household:
        _optimize_household(account, calibration, explain=explain, as_json=as_json, extras=with_tags or with_curve)
        return
    from trimtab.domain.optimizer.analysis import analyze
    from trimtab.domain.optimizer.time_budget import TimeBudget
    from trimtab.optimize import extras_of, proposal_document, proposal_lines, read_input

    request = read_input(account, calibration)
    proposal = analyze(request, budget=TimeBudget(seconds))  # checked before it is returned
    extras = extras_of(request, proposal, price_tags=with_tags, curve=with_curve)
    if as_json:
        _print_json({**proposal_document(proposal, extras), "calibration": request.calibration.version})
        return
    for line in (*proposal_lines(request, proposal, explain=explain), *extras.lines()):
        typer.echo(line)


def _optimize_household(file: Path, calibration: Path | None, *, explain: bool, as_json: bool, extras: bool) -> None:
    """Analyse a household from a file. Price tags and curves are of single accounts."""
    from trimtab.domain.optimizer.household.analysis import analyze_household
    from trimtab.optimize_household import household_document, household_lines, read_household

    if extras:
        raise typer.BadParameter("price tags and trade-off curves are of single accounts, not of a household")
    request = read_household(file, calibration)
    proposal = analyze_household(request)  # checked before it is returned
    if as_json:
        _print_json(household_document(request, proposal))
        return
    for line in household_lines(request, proposal, explain=explain):
        typer.echo(line)


@optimizer_app.command()
def calm(
    accounts: Annotated[
        list[Path] | None, typer.Argument(help="Accounts with their target and market, as JSON.")
    ] = None,
    simulated: Annotated[int, typer.Option(min=0, help="Also score so many simulated accounts of about 100 lots.")] = 0,
    noise: Annotated[
        float, typer.Option(min=0, max=1000, help="How far each price is shaken: basis points, one standard deviation.")
    ] = 10,
    draws: Annotated[int, typer.Option(min=1, help="How often the prices are shaken.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed gives other draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Shake every price a little and say how far the proposed trades move: CALM, FAIR or RESTLESS."""
    from decimal import Decimal

    from trimtab.calm import Shaking, book_line, calm_document, score_line, scores
    from trimtab.domain.optimizer.calm import book_calm

    shaking, found = Shaking(draws, Decimal(str(noise)), seed), []
    for score in scores(accounts or [], simulated, shaking):
        found.append(score)
        if not as_json:
            typer.echo(score_line(score))
    if as_json:
        _print_json(calm_document(found, shaking))
    elif found:
        typer.echo(book_line(book_calm(found), shaking))
    else:
        typer.echo("name an account file, or --simulated N", err=True)
        raise typer.Exit(2)


@optimizer_app.command()
def calibrate(
    accounts: Annotated[
        list[Path] | None, typer.Argument(help="An own book: accounts with target and market, as for `optimize`.")
    ] = None,
    simulated: Annotated[int, typer.Option(min=1, help="Without files: so many simulated accounts.")] = 48,
    seed: Annotated[int, typer.Option(min=1, help="Another seed gives another market and other accounts.")] = 1,
    bands: Annotated[Path | None, typer.Option(help="Own bands, as JSON; by default those stated in the docs.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="The map to start from; by default the shipped one.")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="Keep the fitted map in this file, under its version.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only measure the map, fit nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Fit what the plain words of settings stand for, so that a book hits stated bands; print the table."""
    from rich.console import Console

    from trimtab.calibrate import (
        calibration_document,
        calibration_lines,
        calibration_table,
        read_bands,
        reference_book,
        write_calibration,
    )
    from trimtab.domain.calibration import SHIPPED
    from trimtab.domain.calibration_fit import fit_calibration, measure_calibration
    from trimtab.optimize import read_calibration

    stated, first = read_bands(bands), SHIPPED if start is None else read_calibration(start)
    book = reference_book(accounts or [], simulated, seed)
    fitted = measure_calibration(book, first, stated) if show else fit_calibration(book, stated, first)
    if write is not None:
        write_calibration(fitted.calibration, write)
    if as_json:
        _print_json(calibration_document(fitted, first, len(book)))
    else:
        Console(width=120, highlight=False).print(calibration_table(fitted, stated))
        for line in calibration_lines(fitted, first, len(book)):
            typer.echo(line)
    raise typer.Exit(0 if fitted.met else 1)


@optimizer_app.command()
def check(
    account: Annotated[Path, typer.Argument(help="The account with its target and market, as for `optimize`.")],
    proposal: Annotated[Path, typer.Argument(help="A trade list, as `optimize --json` writes it.")],
    household: Annotated[bool, typer.Option("--household", help="Both files are a household's.")] = False,
    calibration: Annotated[Path | None, typer.Option(help="The map that `optimize --calibration` was given.")] = None,
    as_json: Json = False,
) -> None:
    """Verify a trade list from anywhere: every rule, the tax, the certified gap. Exit code 1 when it breaks any."""
    from trimtab.check_proposal import violations_of_files
    from trimtab.optimize_household import household_violations

    verify_files = household_violations if household else violations_of_files
    violations = verify_files(account, proposal, calibration)
    if as_json:
        _print_json({"passes": not violations, "violations": violations})
    else:
        for line in violations or ("passes",):
            typer.echo(line)
    raise typer.Exit(1 if violations else 0)
