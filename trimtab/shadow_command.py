"""What `trimtab shadow` does: a proposed change, or this build, on the stored days."""

from collections.abc import Iterator

from trimtab.db.shadow_runs import ShadowJob, build_job, keep_report, report_of, run, shadow_job
from trimtab.domain.shadow.report import ChangedDay, ShadowReport, Totals
from trimtab.operator import in_firm
from trimtab.settings import Settings
from trimtab.settings_command import ACTOR

_LISTED = 20


def run_change(settings: Settings, firm_id: str, change_id: str, days: int, seconds: float) -> ShadowReport:
    """Run the proposed change and keep the report beside it. Raises NoProposedChange."""
    with in_firm(settings, firm_id) as connection:
        job = shadow_job(connection, firm_id, change_id, days, seconds)
    report = run(job)
    with in_firm(settings, firm_id) as connection:
        keep_report(connection, firm_id, change_id, report, ACTOR)
    return report


def kept_report(settings: Settings, firm_id: str, change_id: str) -> ShadowReport | None:
    """The newest report that is kept beside the change."""
    with in_firm(settings, firm_id) as connection:
        return report_of(connection, change_id)


def run_build(settings: Settings, firm_id: str, days: int, seconds: float) -> ShadowReport:
    """What this build makes of the stored inputs; nothing is written."""
    with in_firm(settings, firm_id) as connection:
        job: ShadowJob = build_job(connection, firm_id, days, seconds)
    return run(job)


def report_lines(report: ShadowReport) -> Iterator[str]:
    """The report for people: the blast radius, then whose lane or trades would change."""
    yield report.sentence
    if not report.account_days:
        return
    yield f"{'':8}{'trading':>10}{'turnover':>18}{'tax':>16}{'cost':>14}"
    yield _totals_line("before", report.before)
    yield _totals_line("after", report.after)
    for before, after, count in report.lanes:
        yield f"lane {before} -> {after}: {count} account-days"
    if report.skipped_review:
        yield f"{report.skipped_review} account-days that a person looked at would have traded unseen"
    for code, count in report.exceptions.items():
        yield f"new exception {code}: {count} account-days"
    yield from _listed("biggest movers:", report.movers)
    yield from _listed("account-days that change:", report.changes[:_LISTED])
    yield from (f"  {name} could not be run: {why}" for name, why in report.failed.items())
    yield from report.notes


def _totals_line(label: str, found: Totals) -> str:
    return f"{label:8}{found.trading:>10}{found.turnover:>18,.2f}{found.tax:>16,.2f}{found.cost:>14,.2f}"


def _listed(heading: str, changes: tuple[ChangedDay, ...]) -> Iterator[str]:
    if changes:
        yield heading
    for each in changes:
        lane = each.lane_after if each.lane_before == each.lane_after else f"{each.lane_before} -> {each.lane_after}"
        legs = ", ".join([*(f"+{leg}" for leg in each.added), *(f"-{leg}" for leg in each.removed)])
        yield f"  {each.business_date} {each.account_id}: {lane}; ${each.moved:,.2f} moved; {legs or 'same trades'}"
