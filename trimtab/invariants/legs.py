"""I9: each intent is one leg of an approved proposal, byte for byte, approved by another than who proposed it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.auth.matrix import Role
from trimtab.db.tables import account, decision, person, proposal
from trimtab.domain.records import content_hash
from trimtab.invariants.book import POLICY, Book, Violation, all_rows

_APPROVING: Final = frozenset({Role.OVERLAY_MANAGER.value, Role.COMPLIANCE.value})
_WITH_CONSENT: Final = _APPROVING | {Role.ADVISOR.value}


def approved_legs(connection: Connection, book: Book) -> Iterator[Violation]:
    """Compare every intent with the stored proposal and its accepted approvals."""
    proposals = {(row.account_day_id, row.content_hash): row for row in all_rows(connection, proposal)}
    approvals: defaultdict[tuple[str, str | None], list[Row[Any]]] = defaultdict(list)
    for row in all_rows(connection, decision):
        if row.kind == "APPROVE" and row.status == "ACCEPTED":
            approvals[row.account_day_id, row.proposal_hash].append(row)
    people = {row.person_id for row in all_rows(connection, person)}
    accounts = all_rows(connection, account)
    with_consent = {row.account_id for row in accounts if not row.profile.get("discretionary", True)}
    for intent_id, row in book.intents.items():
        key = (row.account_day_id, row.proposal_hash)
        stored = proposals.get(key)
        if stored is None or content_hash(stored.body) != row.proposal_hash:
            yield Violation("I9", intent_id, "its proposal is not stored, or was changed")
            continue
        if not _is_leg(row, stored.body["trades"]):
            yield Violation("I9", intent_id, f"it is not leg {row.leg} of its proposal")
        roles = _WITH_CONSENT if row.account_id in with_consent else _APPROVING
        if not any(_counts(each, stored.proposed_by, people, roles) for each in approvals[key]):
            yield Violation("I9", intent_id, "nobody who may has approved its proposal")
    for (day_id, leg), count in Counter((row.account_day_id, row.leg) for row in book.intents.values()).items():
        if count > 1:
            yield Violation("I9", day_id, f"{count} intents carry its leg {leg}")


def _is_leg(row: Row[Any], trades: Any) -> bool:
    if row.leg >= len(trades):
        return False
    leg = trades[row.leg]
    return (leg["security_id"], leg["side"], Decimal(leg["quantity"])) == (row.security_id, row.side, row.quantity)


def _counts(approval: Row[Any], proposed_by: str, people: Set[str], roles: Set[str]) -> bool:
    if approval.actor.startswith(POLICY):
        return True
    is_other = proposed_by not in (approval.actor, approval.on_behalf_of)
    return is_other and approval.actor in people and bool(roles & set(approval.actor_roles))
