"""How the demo shows what came of the day."""

import sys
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from trimtab.demo.summary import DaySummary
from trimtab.verify import VerifyReport

_MEANING = {
    "TRADED": "at least one share was executed",
    "NO_TRADE": "nothing worth trading, or nothing allowed",
    "SUSPENDED": "must not trade today",
    "REJECTED": "a reviewer said no",
    "EXPIRED": "nobody decided in time",
    "HELD": "wanted to trade and could not",
    "OPEN": "the day is not over for them",
}
_SUSPENSIONS_SHOWN = 12


def print_summary(console: Console, summary: DaySummary, report: VerifyReport, urls: dict[str, str]) -> None:
    """The table of outcomes, three explained trades, the suspensions, and the record's verification."""
    table = Table(title=f"{summary.business_date}: {summary.roster} accounts", title_justify="left")
    table.add_column("outcome")
    table.add_column("accounts", justify="right")
    table.add_column("meaning")
    for state, count in summary.outcomes.items():
        codes = ", ".join(
            f"{code.removeprefix(state)} {number}"
            for code, number in summary.codes.items()
            if code.startswith(f"{state}(")
        )
        table.add_row(state, str(count), f"{_MEANING.get(state, '')} {codes}".strip())
    table.add_section()
    table.add_row("sum", str(sum(summary.outcomes.values())), f"of {summary.roster} on the roster")
    console.print(table)
    lanes = ", ".join(f"{lane} {count}" for lane, count in summary.lanes.items())
    console.print(f"Lanes: {lanes or 'none'}", highlight=False)
    console.print(
        f"{summary.orders} block orders sent, {summary.broker_orders} in the broker's own journal, "
        f"{summary.executions} executions",
        highlight=False,
    )
    for trade in summary.explained:
        console.print(f"[bold]{trade.account_id}[/bold]: {trade.sentence}", highlight=False)
        for reason in trade.reasons:
            console.print(f"    {reason}", highlight=False)
    if summary.suspended:
        console.print("Suspended:")
        for scope, code, reason in summary.suspended[:_SUSPENSIONS_SHOWN]:
            console.print(f"    {scope} {code}: {reason}", highlight=False)
    verdict = "all verified" if not report.broken else f"{len(report.broken)} chains BROKEN"
    console.print(f"Record: {report.records} records, {verdict}", highlight=False)
    spent = ", ".join(f"{phase} {seconds:g} s" for phase, seconds in summary.seconds.items() if seconds)
    console.print(f"Work by phase: {spent}", highlight=False)
    for name, url in urls.items():
        console.print(f"{name}: {url}", highlight=False)


def print_json(summary: DaySummary, report: VerifyReport, urls: dict[str, str]) -> None:
    """One JSON object on stdout."""
    shown = {
        "business_date": summary.business_date.isoformat(),
        "roster": summary.roster,
        "outcomes": summary.outcomes,
        "codes": summary.codes,
        "lanes": summary.lanes,
        "orders": summary.orders,
        "broker_orders": summary.broker_orders,
        "executions": summary.executions,
        "records": report.records,
        "records_verified": report.records if not report.broken else 0,
        "seconds": summary.seconds,
        "urls": urls,
    }
    sys.stdout.write(orjson.dumps(shown).decode() + "\n")


def print_where_to_look(console: Console, urls: dict[str, str], people: Path | None) -> None:
    """Where a person goes from here."""
    console.print("Running until Ctrl-C:")
    for name, url in urls.items():
        console.print(f"    {name:10} {url}", highlight=False)
    if people is not None:
        console.print(f"    people     sign in as olivia, carla, dan, ...; passwords in {people}", highlight=False)
