"""How the demo shows what came of the day."""

import sys
from collections.abc import Mapping
from pathlib import Path

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trimtab.demo.people import STAFF
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


def print_summary(console: Console, summary: DaySummary, report: VerifyReport) -> None:
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
            _indented(console, reason)
        _indented(console, f"to analyse it again from its stored inputs: trimtab reproduce {trade.record_hash[:12]}")
    if summary.suspended:
        console.print("Suspended:")
        for scope, code, reason in summary.suspended[:_SUSPENSIONS_SHOWN]:
            _indented(console, f"{scope} {code}: {reason}")
        if len(summary.suspended) > _SUSPENSIONS_SHOWN:
            _indented(console, f"and {len(summary.suspended) - _SUSPENSIONS_SHOWN} more")
    verdict = "all verified" if not report.broken else f"{len(report.broken)} chains BROKEN"
    console.print(f"Record: {report.records} records, {verdict}", highlight=False)
    spent = ", ".join(f"{phase} {seconds:g} s" for phase, seconds in summary.seconds.items() if seconds)
    console.print(f"Seconds of work: {spent}", highlight=False)


def print_json(summary: DaySummary, report: VerifyReport, urls: Mapping[str, str]) -> None:
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
        "urls": dict(urls),
    }
    sys.stdout.write(orjson.dumps(shown).decode() + "\n")
    sys.stdout.flush()


def print_urls(console: Console, title: str, urls: Mapping[str, str]) -> None:
    """Where a person goes from here."""
    console.print(title, highlight=False)
    for name, url in urls.items():
        console.print(f"    {name:17} {url}", highlight=False, soft_wrap=True)


def print_people(console: Console, passwords: Path) -> None:
    """Who can sign in at the pages, as what; each of them lands on the page of their role."""
    console.print("Sign in at the pages as", highlight=False)
    for each in STAFF:
        roles = ", ".join(role.value.replace("_", " ") for role in each.roles)
        console.print(f"    {each.username:17} {roles}", highlight=False)
    console.print(f"    {'advisor1 ...':17} advisor, of one book each", highlight=False)
    console.print(f"    passwords in {passwords}", highlight=False, soft_wrap=True)


def _indented(console: Console, text: str) -> None:
    console.print(Padding(Text(text), (0, 0, 0, 4), expand=False), highlight=False)
