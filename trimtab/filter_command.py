"""What `trimtab filter ...` does: each function reads one transaction of the firm and returns lines."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from trimtab.contracts import RunRef
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_pages import (
    FactsDay,
    ShadowSummary,
    count_matching,
    counts_by_advisor,
    facts_days,
    page_matching,
)
from trimtab.db.filter_versions import FIRM_FILTER, firm_filters_on
from trimtab.db.filters import read_facts
from trimtab.db.lane_policies import LANE_POLICY, POLICY_KEY, canary_on, document_of_run, frozen_policy, lane_policy_on
from trimtab.db.policy_shadow import shadow as run_shadow
from trimtab.domain.errors import TrimtabError
from trimtab.domain.fact_fields import Field
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_reading import read_sentence
from trimtab.domain.filter_sentences import START, observed_phrase, rule_phrase, sentence
from trimtab.domain.filters import FilterTree, MalformedFilter, parse_filter, rules_of
from trimtab.domain.lane_policy import policy_sentences
from trimtab.domain.lanes import explain as explain_steps
from trimtab.domain.lanes import lane
from trimtab.operator import in_firm
from trimtab.settings import Settings

ALL: Final = sys.maxsize


class NoFacts(TrimtabError):
    """No run has facts of the account, or none has facts at all."""

    code = "NO_FACTS"


def known_fields(settings: Settings, firm_id: str) -> list[Field]:
    """What the firm's filters may name."""
    with in_firm(settings, firm_id) as connection:
        return list(catalogue(connection).values())


def filter_lines(settings: Settings, firm_id: str, on: date | None) -> list[str]:
    """Each firm filter with its sentence."""
    with in_firm(settings, firm_id) as connection:
        held = firm_filters_on(connection, on or business_date(connection) or date.max)
        fields = catalogue(connection)
        return [
            f"{name} ({'starting' if each.version is None else f'version {each.version}'}): "
            f"{sentence(parse_filter(each.value, fields))}"
            for name, each in held.items()
        ]


def count(settings: Settings, firm_id: str, wanted: str, on: date | None, *, by_advisor: bool) -> dict[str, Any]:
    """How many accounts a filter wants: a firm filter's name, a sentence, or a file with JSON."""
    with in_firm(settings, firm_id) as connection:
        tree, day = _tree(connection, wanted, on), _day(connection, on)
        found: dict[str, Any] = {
            "business_date": day.business_date,
            "sentence": sentence(tree),
            "count": count_matching(connection, day.run_id, tree),
        }
        if by_advisor:
            several = counts_by_advisor(connection, day.run_id, tree)
            found["advisors"] = [{"advisor": name, "wanted": n, "accounts": whole} for name, n, whole in several]
        return found


def show(settings: Settings, firm_id: str, wanted: str, on: date | None, first: int) -> dict[str, Any]:
    """The filter as a sentence and as JSON, and the first accounts that it wants with what they show."""
    with in_firm(settings, firm_id) as connection:
        tree, day = _tree(connection, wanted, on), _day(connection, on)
        rows = page_matching(connection, day.run_id, tree, None, "", first)
        return {
            "business_date": day.business_date,
            "sentence": sentence(tree),
            "filter": json_of(tree),
            "accounts": [{str(name): value for name, value in row._mapping.items()} for row in rows],
        }


def explain(settings: Settings, firm_id: str, account_id: str, on: date | None) -> Iterator[str]:
    """Why the account is in its lane: each step that was asked, and how the rules of its filter come out."""
    with in_firm(settings, firm_id) as connection:
        day = _day(connection, on)
        facts = read_facts(connection, day.run_id, account_id)
        if facts is None:
            raise NoFacts(f"the run of {day.business_date} has no facts of account {account_id}")
        policy = frozen_policy(document_of_run(connection, RunRef(firm_id, day.run_id, day.business_date)))
        decision, mine = lane(policy, facts), policy.for_account(account_id)
        yield f"account {account_id}, {day.business_date}: {decision.lane}"
        yield decision.reason
        for answer in explain_steps(policy, facts):
            yield f"{answer.step}. {answer.sentence} {answer.reason}"
            asked = mine.document.steps[answer.step - 1].asks
            rules = rules_of(mine.filters[asked]) if asked in mine.document.filters else ()
            yield from (f"  {rule_phrase(rule)}: {observed_phrase(rule, facts)}" for rule in rules)


def policy_lines(settings: Settings, firm_id: str, on: date | None) -> list[str]:
    """The lane policy of the day, a numbered sentence each step."""
    with in_firm(settings, firm_id) as connection:
        day = on or business_date(connection) or date.max
        lines = [f"{n}. {each}" for n, each in enumerate(policy_sentences(lane_policy_on(connection, day)), 1)]
        trial = canary_on(connection, day)
        if trial is None:
            return lines
        steps = [f"{n}. {each}" for n, each in enumerate(policy_sentences(trial.document), 1)]
        return [*lines, f"On trial for {trial.percent} % of the accounts (change {trial.change_id}):", *steps]


def shadow(settings: Settings, firm_id: str, name: str, wanted: str, days: int) -> ShadowSummary:
    """What the lanes of the last days with facts would have been with one firm filter changed."""
    with in_firm(settings, firm_id) as connection:
        on = business_date(connection) or date.max
        deciding = lane_policy_on(connection, on).filters
        if name not in deciding:
            raise MalformedFilter(name, f"decides no lane; those that do are {', '.join(deciding)}")
        value = json_of(_tree(connection, wanted, None))
        return run_shadow(connection, on, FIRM_FILTER, name, value, days=days, kept=ALL)


def shadow_policy(settings: Settings, firm_id: str, file: Path, days: int) -> ShadowSummary:
    """What the lanes would have been by the policy in the file. Raises LanePolicyError."""
    with in_firm(settings, firm_id) as connection:
        on = business_date(connection) or date.max
        document = orjson.loads(file.read_bytes())
        return run_shadow(connection, on, LANE_POLICY, POLICY_KEY, document, days=days, kept=ALL)


def shadow_lines(found: ShadowSummary) -> Iterator[str]:
    """The summary for a terminal."""
    yield f"{found.changed} changes on {', '.join(str(day) for day in found.days) or 'no day'}"
    for old, new, number in found.counts:
        yield f"  {old} to {new}: {number}"
    if found.skipped_review:
        yield f"  {found.skipped_orders} trades of {found.skipped_review} would have gone out without a person"
    for each in found.changes:
        after = each.after
        yield f"{each.business_date} {each.account_id}: {each.before.lane} to {after.lane}. {after.reason}"


def _day(connection: Connection, on: date | None) -> FactsDay:
    found = facts_days(connection, on)
    if not found:
        raise NoFacts("no run has facts yet: they are written when accounts are analysed")
    return found[0]


def _tree(connection: Connection, wanted: str, on: date | None) -> FilterTree:
    """Raises FilterError, or MalformedFilter for a text that is neither a name, a sentence nor a file."""
    held, fields = firm_filters_on(connection, on or business_date(connection) or date.max), catalogue(connection)
    if wanted in held:
        return parse_filter(held[wanted].value, fields)
    if wanted.startswith(START):
        return read_sentence(wanted, fields)
    if wanted.endswith(".json") and Path(wanted).is_file():
        return parse_filter(orjson.loads(Path(wanted).read_bytes()), fields)
    raise MalformedFilter("", f'{wanted!r} is no firm filter, no sentence ("{START}...") and no JSON file')
