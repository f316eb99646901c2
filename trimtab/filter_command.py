"""What `trimtab filter ...` does: each function reads one transaction of the firm and returns lines."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from trimtab.db.account_signals import business_date
from trimtab.db.filter_pages import FactsDay, count_matching, counts_by_advisor, facts_days, page_matching, shadow_run
from trimtab.db.filter_versions import firm_filters_on, lane_filters_on
from trimtab.db.filters import read_facts
from trimtab.domain.errors import TrimtabError
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_reading import read_sentence
from trimtab.domain.filter_sentences import START, observed_phrase, rule_phrase, sentence
from trimtab.domain.filters import FilterTree, MalformedFilter, matches, parse_filter, rules_of
from trimtab.domain.lanes import FilterKey, lane, parse_firm_filters
from trimtab.operator import in_firm
from trimtab.settings import Settings


class NoFacts(TrimtabError):
    """No run has facts of the account, or none has facts at all."""

    code = "NO_FACTS"


def filter_lines(settings: Settings, firm_id: str, on: date | None) -> list[str]:
    """Each firm filter with its sentence."""
    with in_firm(settings, firm_id) as connection:
        held = firm_filters_on(connection, on or business_date(connection) or date.max)
        return [
            f"{name} ({'starting' if each.version is None else f'version {each.version}'}): "
            f"{sentence(parse_filter(each.value))}"
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
            "accounts": [dict(row._mapping) for row in rows],
        }


def explain(settings: Settings, firm_id: str, account_id: str, on: date | None) -> Iterator[str]:
    """Why the account is in its lane, and how every rule of the five filters comes out for it."""
    with in_firm(settings, firm_id) as connection:
        day = _day(connection, on)
        facts = read_facts(connection, day.run_id, account_id)
        if facts is None:
            raise NoFacts(f"the run of {day.business_date} has no facts of account {account_id}")
        held = lane_filters_on(connection, day.business_date)
        decision = lane(parse_firm_filters(held), facts)
        yield f"account {account_id}, {day.business_date}: {decision.lane}"
        yield decision.reason
        for key in FilterKey:
            tree = parse_filter(held[key.value])
            yield f"{key.value}: {'wants it' if matches(tree, facts) else 'does not want it'}"
            yield from (f"  {rule_phrase(rule)}: {observed_phrase(rule, facts)}" for rule in rules_of(tree))


def shadow(settings: Settings, firm_id: str, name: str, wanted: str, days: int) -> dict[str, Any]:
    """What the lanes of the last days with facts would have been with one firm filter changed."""
    with in_firm(settings, firm_id) as connection:
        before = lane_filters_on(connection, business_date(connection) or date.max)
        if name not in before:
            raise MalformedFilter(name, f"decides no lane; those that do are {', '.join(before)}")
        found = facts_days(connection, most=days)
        after: Mapping[str, object] = {**before, name: json_of(_tree(connection, wanted, None))}
        counts: Counter[str] = Counter()
        changes = []
        for change in shadow_run(connection, found, before, after):
            counts[f"{change.before.lane} to {change.after.lane}"] += 1
            changes.append(
                {
                    "business_date": change.business_date,
                    "account": change.account_id,
                    "before": change.before.lane,
                    "after": change.after.lane,
                    "reason": change.after.reason,
                }
            )
        return {"days": [day.business_date for day in found], "counts": dict(counts), "changes": changes}


def _day(connection: Connection, on: date | None) -> FactsDay:
    found = facts_days(connection, on)
    if not found:
        raise NoFacts("no run has facts yet: they are written when accounts are analysed")
    return found[0]


def _tree(connection: Connection, wanted: str, on: date | None) -> FilterTree:
    """Raises FilterError, or MalformedFilter for a text that is neither a name, a sentence nor a file."""
    held = firm_filters_on(connection, on or business_date(connection) or date.max)
    if wanted in held:
        return parse_filter(held[wanted].value)
    if wanted.startswith(START):
        return read_sentence(wanted)
    if wanted.endswith(".json") and Path(wanted).is_file():
        return parse_filter(orjson.loads(Path(wanted).read_bytes()))
    raise MalformedFilter("", f'{wanted!r} is no firm filter, no sentence ("{START}...") and no JSON file')
