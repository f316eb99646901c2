"""What people do about a bulk change: exempt an account, approve it, reject it, take it back.

Who may is the caller's question; whether it can be is this module's. Everything is one transaction of the caller.
"""

from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from trimtab.db.account_signals import business_date
from trimtab.db.book_state import Breathe, hold_breath
from trimtab.db.bulk_apply import allow_long_statements, apply, rewrite_exemption, undo
from trimtab.db.bulk_changes import bulk_changes, keep, members_of, preview, settings_changed_since
from trimtab.domain.profile.bulk import (
    BulkChange,
    BulkChangeRefused,
    BulkPreview,
    BulkStatus,
    Exemption,
    without,
)


def exempt(connection: Connection, firm_id: str, change: BulkChange, seq: int, exemption: Exemption) -> BulkChange:
    """Leave an account out of a proposed change, or review its exemption from an applied one: prolong it or end it.

    Raises BulkChangeRefused and StaleVersion.
    """
    _require_sound(connection, change, exemption)
    others = tuple(each for each in change.exemptions if each.account_id != exemption.account_id)
    exempted = replace(change, exemptions=tuple(sorted((*others, exemption), key=lambda each: each.account_id)))
    actor = "+".join(exemption.granted_by)
    if change.status is BulkStatus.APPLIED:
        before = next((each for each in change.exemptions if each.account_id == exemption.account_id), None)
        if before is None:
            raise BulkChangeRefused(f"the change holds for account {exemption.account_id}: change its own settings")
        rewrite_exemption(connection, firm_id, change, before, exemption, business_date(connection) or date.min)
    else:
        _require(change, BulkStatus.PROPOSED, "exempt an account from it")
        if exemption.account_id not in {each.account_id for each in change.exemptions}:
            alone = preview(connection, [exemption.account_id], change.target, change.changes, change.effective_from)
            exempted = replace(exempted, preview=without(change.preview, alone, exemption.account_id))
    keep(connection, firm_id, exempted, actor, seq)
    return exempted


def _require_sound(connection: Connection, change: BulkChange, exemption: Exemption) -> None:
    """An exemption is of an account that the change reaches, and somebody will look at it again."""
    if exemption.account_id not in set(members_of(connection, change)):
        raise BulkChangeRefused(f"account {exemption.account_id} is not among those that the change reaches")
    if (exemption.until is None) is (exemption.review_on is None):
        raise BulkChangeRefused("an exemption ends on a day, or is reviewed on one: give `until` or `reviewOn`")
    ends = exemption.until or exemption.review_on
    today = business_date(connection) or date.min
    if ends is not None and ends < max(change.effective_from, today):
        raise BulkChangeRefused(f"an exemption that ends on {ends} is over before the change holds")


def exemptions_due(connection: Connection, on: date) -> list[tuple[BulkChange, Exemption]]:
    """Exemptions from applied changes that somebody was to look at again by the day."""
    return [
        (change, each)
        for change in bulk_changes(connection, BulkStatus.APPLIED, None)
        for each in change.exemptions
        if each.review_on is not None and each.review_on <= on
    ]


def _previewed(connection: Connection, change: BulkChange, breathe: Breathe) -> BulkPreview:
    members, left_out = members_of(connection, change), [each.account_id for each in change.exemptions]
    return preview(connection, members, change.target, change.changes, change.effective_from, left_out, breathe)


def approve(
    connection: Connection,
    firm_id: str,
    change: BulkChange,
    seq: int,
    actor: str,
    reason: str,
    breathe: Breathe = hold_breath,
) -> BulkChange:
    """Apply the change, or take it back when that is what was proposed. Raises BulkChangeRefused and StaleVersion.

    Conflicts are looked for once more when anybody's settings have changed since the preview.
    """
    allow_long_statements(connection)
    if change.status is BulkStatus.UNDO_PROPOSED:
        return _undo(connection, firm_id, change, seq, actor)
    _require(change, BulkStatus.PROPOSED, "approve it")
    today = business_date(connection)
    if today is not None and change.effective_from < today:
        raise BulkChangeRefused(f"it was to hold from {change.effective_from}, which is past: propose it again")
    if settings_changed_since(connection, change.known_seq):
        change = replace(change, preview=_previewed(connection, change, breathe))
    if change.preview.conflicting:
        first = change.preview.conflicts[0]
        raise BulkChangeRefused(
            f"{change.preview.conflicting} accounts could not obey it, the first {first.account_id}:"
            f" {first.problems[0]}. Exempt them, or change what contradicts it"
        )
    written = apply(connection, firm_id, change, actor)
    applied = replace(change, status=BulkStatus.APPLIED, decided_by=actor, decision_reason=reason, written=written)
    keep(connection, firm_id, applied, actor, seq)
    return applied


def reject(connection: Connection, firm_id: str, change: BulkChange, seq: int, actor: str, reason: str) -> BulkChange:
    """Turn down the change, or its undo. Raises BulkChangeRefused and StaleVersion."""
    if change.status is BulkStatus.UNDO_PROPOSED:
        rejected = replace(change, status=BulkStatus.APPLIED, undo_reason="", undo_proposed_by=())
    else:
        _require(change, BulkStatus.PROPOSED, "reject it")
        rejected = replace(change, status=BulkStatus.REJECTED, decided_by=actor, decision_reason=reason)
    keep(connection, firm_id, rejected, actor, seq)
    return rejected


def propose_undo(
    connection: Connection, firm_id: str, change: BulkChange, seq: int, persons: tuple[str, ...], reason: str
) -> BulkChange:
    """Ask for the change to be taken back. Raises BulkChangeRefused and StaleVersion."""
    _require(change, BulkStatus.APPLIED, "take it back")
    asked = replace(change, status=BulkStatus.UNDO_PROPOSED, undo_reason=reason, undo_proposed_by=persons)
    keep(connection, firm_id, asked, "+".join(persons), seq)
    return asked


def _undo(connection: Connection, firm_id: str, change: BulkChange, seq: int, actor: str) -> BulkChange:
    today = business_date(connection) or date.min
    given_back = undo(connection, firm_id, change, actor, today)
    undone = replace(change, status=BulkStatus.UNDONE, undone_by=actor, left_alone=max(change.written - given_back, 0))
    keep(connection, firm_id, undone, actor, seq)
    return undone


def _require(change: BulkChange, status: BulkStatus, what: str) -> None:
    if change.status is not status:
        raise BulkChangeRefused(f"the change is {change.status.value.lower()}: nobody can {what} now")
