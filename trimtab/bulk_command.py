"""What `trimtab settings bulk` does. It proposes and shows; a signed-in person approves, through the API or the pages.

The command line does not know who types: four eyes would mean nothing there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.bulk_changes import (
    bulk_change_of,
    bulk_changes,
    keep,
    keep_members,
    members_of,
    preview,
    selected,
    under_layer,
)
from trimtab.db.bulk_decisions import exempt as leave_out
from trimtab.db.bulk_decisions import propose_undo
from trimtab.db.bulk_sample import sample_of
from trimtab.db.profile_changes import changes_of, newest_names, read_sentences
from trimtab.db.settings_versions import newest_seq
from trimtab.db.shadow_runs import DAYS, SECONDS
from trimtab.domain.errors import TrimtabError
from trimtab.domain.profile.bulk import ACCOUNTS, BulkChange, Exemption
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Statement
from trimtab.domain.records import content_hash
from trimtab.operator import in_firm
from trimtab.settings import Settings
from trimtab.settings_command import ACTOR, effective_day
from trimtab.shadow_command import report_lines, run_change

_LISTED = 50


class NoBulkChange(TrimtabError):
    """The firm has no bulk change of this id."""

    code = "NO_BULK_CHANGE"


class FilterUnreadable(TrimtabError):
    """A file that holds no JSON."""

    code = "FILTER_UNREADABLE"


def propose(
    settings: Settings,
    firm_id: str,
    sentences: Sequence[str],
    *,
    filter_file: Path | None,
    layer: str | None,
    reason: str,
    on: date | None,
) -> list[str]:
    """Propose and preview a change. `layer`: FIRM or PROGRAMME:NAME; None for the accounts of the filter, or all."""
    wanted = None if filter_file is None else _json(filter_file)
    with in_firm(settings, firm_id) as connection:
        allow_long_statements(connection)
        statements = read_sentences(sentences, newest_names(connection))
        changes = changes_of(statements)
        target = ACCOUNTS if layer is None else LayerKey.of(layer).text
        members = selected(connection, wanted, None) if layer is None else under_layer(connection, LayerKey.of(layer))
        first_day, seq = effective_day(connection, on), newest_seq(connection)
        change = BulkChange(
            change_id=content_hash([firm_id, list(sentences), reason, seq])[:32],
            target=target,
            filter=wanted,
            changes=changes,
            effective_from=first_day,
            reason=reason,
            proposed_by=(ACTOR,),
            members=keep_members(connection, firm_id, members),
            known_seq=seq,
            preview=preview(connection, members, target, changes, first_day, ()),
        )
        keep(connection, firm_id, change, ACTOR, None)
        lines = list(_lines(connection, change))
    return [*lines, *report_lines(run_change(settings, firm_id, change.change_id, DAYS, SECONDS))]


def show(settings: Settings, firm_id: str, change_id: str, sample: int) -> list[str]:
    """The change with its preview; with `sample` so many of its accounts are analysed again (N8)."""
    with in_firm(settings, firm_id) as connection:
        change, _ = _found(connection, change_id)
        lines = list(_lines(connection, change))
        sampled = sample_of(connection, members_of(connection, change), sample) if sample else []
    if sampled:
        from trimtab.domain.profile.what_if import sampled_effect

        effect = sampled_effect(sampled, change.changes)
        lines.append(
            f"of {effect.sampled} analysed again: {effect.trading_before} trade now, {effect.trading_after} would;"
            f" turnover ${effect.turnover_before:,.0f} now, ${effect.turnover_after:,.0f} then;"
            f" tax ${effect.tax_before:,.0f} now, ${effect.tax_after:,.0f} then"
        )
        lines += [f"  account {name}: {why}" for name, why in effect.failed.items()]
    return lines


def listed(settings: Settings, firm_id: str) -> list[str]:
    """One line a change, the last proposed first."""
    with in_firm(settings, firm_id) as connection:
        return [
            f"{each.change_id} {each.status.value:13} {each.preview.accounts:>8} accounts from {each.effective_from}:"
            f" {each.reason}"
            for each in bulk_changes(connection, None, _LISTED)
        ]


def exempt(
    settings: Settings,
    firm_id: str,
    change_id: str,
    account_id: str,
    *,
    reason: str,
    until: date | None,
    review_on: date | None,
) -> str:
    """Leave an account out of a proposed change. Raises BulkChangeRefused."""
    with in_firm(settings, firm_id) as connection:
        change, seq = _found(connection, change_id)
        exemption = Exemption(account_id, reason, (ACTOR,), until, review_on)
        exempted = leave_out(connection, firm_id, change, seq, exemption)
    return f"{len(exempted.exemptions)} accounts are exempt"


def undo(settings: Settings, firm_id: str, change_id: str, reason: str) -> str:
    """Ask for an applied change to be taken back. Raises BulkChangeRefused."""
    with in_firm(settings, firm_id) as connection:
        change, seq = _found(connection, change_id)
        propose_undo(connection, firm_id, change, seq, (ACTOR,), reason)
    return "the undo waits for a person's approval"


def _found(connection: Connection, change_id: str) -> tuple[BulkChange, int]:
    found = bulk_change_of(connection, change_id)
    if found is None:
        raise NoBulkChange(f"there is no bulk change {change_id}")
    return found


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FilterUnreadable(f"{path} holds no filter: {error}") from error
    return found


def _lines(connection: Connection, change: BulkChange) -> Iterator[str]:
    symbols, seen = newest_names(connection).symbols, change.preview
    said = " ".join(LANGUAGE.render(each, symbols) for each in change.changes.values() if isinstance(each, Statement))
    yield f"{change.change_id} {change.status.value} by {'+'.join(change.proposed_by)}, from {change.effective_from}"
    yield f"{said} ({change.reason})"
    yield f"{seen.accounts} accounts, {seen.changing} change, {len(change.exemptions)} exempt"
    for way in seen.transitions:
        yield f"  {way.accounts} accounts: {way.before or 'nothing'} ({way.level or 'nobody'}) -> {way.after}"
    yield f"the newest run trades {seen.trading} of them: turnover ${seen.turnover:,.0f}, tax ${seen.tax:,.0f}"
    for label, count, found in (
        ("cannot obey it", seen.conflicting, seen.conflicts),
        ("go beyond their customisation limits", seen.beyond_limits, seen.beyond),
    ):
        if count:
            yield f"{count} accounts {label}:"
            yield from (f"  {each.account_id}: {'; '.join(each.problems)}" for each in found[:10])
    for each in change.exemptions:
        ends = f"until {each.until}" if each.until else f"to be reviewed on {each.review_on}"
        yield f"  exempt {each.account_id} {ends}: {each.reason}"
