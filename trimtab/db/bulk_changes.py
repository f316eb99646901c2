"""Changes of many accounts' settings, as versions: whom one reaches, what it would do, and what became of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select

from trimtab.db.ancillary import catalogue
from trimtab.db.book_state import BETWEEN_BREATHS, Breathe, Case, cases, hold_breath
from trimtab.db.content import get_plain, put_content
from trimtab.db.filters import matching_accounts
from trimtab.db.profile_changes import Rules, judge_case, rules_for
from trimtab.db.profiles import PROFILE
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, held_settings, last_version, newest_seq, write_version
from trimtab.db.tables import account, account_facts, run, setting_version
from trimtab.domain.filters import parse_filter
from trimtab.domain.profile.bulk import (
    ACCOUNTS,
    BulkChange,
    BulkChangeRefused,
    BulkPreview,
    BulkStatus,
    Conflict,
    Transition,
)
from trimtab.domain.profile.levels import (
    Held,
    Layer,
    LayerKey,
    effective,
    read_changes,
    require_allowed,
    stored,
    with_changes,
)
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.stated import stated_by_file
from trimtab.domain.profile.statements import Level, Statement
from trimtab.domain.records import plain

BULK_CHANGE: Final = "bulk_change"
_MEMBERS: Final = "bulk_members"
_CHANGES: Final[TypeAdapter[BulkChange]] = TypeAdapter(BulkChange)
_TOLD: Final = 100
"""Accounts with a conflict that a preview lists; the others it counts."""
_WAYS: Final = 50
"""Ways from one sentence to another that a preview lists, the most frequent first."""

Changes = Mapping[str, Statement | str | None]


# --- whom it reaches -------------------------------------------------------------------------------------------------


def newest_run(connection: Connection) -> str | None:
    """The run whose analyses filters see."""
    newest: str | None = connection.scalar(select(run.c.run_id).order_by(run.c.business_date.desc()).limit(1))
    return newest


def selected(connection: Connection, filter_json: object | None, book: str | None) -> list[str]:
    """The accounts that a filter wants in the newest run, all for None; of one advisor's book when given.

    Raises a FilterError, and BulkChangeRefused for a filter before the first run, or when it wants nobody.
    """
    wanted: list[str] | None = None
    if filter_json is not None:
        run_id = newest_run(connection)
        if run_id is None:
            raise BulkChangeRefused("no day has run yet, so there is nothing to filter: leave the filter out")
        wanted = matching_accounts(connection, run_id, parse_filter(filter_json, catalogue(connection)))
    rows = select(account.c.account_id).order_by(account.c.account_id)
    own = list(connection.scalars(rows if book is None else rows.where(account.c.advisor_id == book)))
    reach = set(own)
    members = own if wanted is None else [name for name in wanted if name in reach]
    return _some(members)


def under_layer(connection: Connection, key: LayerKey) -> list[str]:
    """The accounts under the firm or a programme. Raises BulkChangeRefused when there are none."""
    rows = select(account.c.account_id).order_by(account.c.account_id)
    if key.level is Level.PROGRAMME:
        rows = rows.where(account.c.profile["programme"].astext == key.owner)
    return _some(list(connection.scalars(rows)))


def _some(members: list[str]) -> list[str]:
    if not members:
        raise BulkChangeRefused("no account is meant: change the filter")
    return members


def layer_of_target(target: str) -> LayerKey | None:
    """The layer that the change is written for; None for one that is written for each account."""
    return None if target == ACCOUNTS else LayerKey.of(target)


# --- what it would do ------------------------------------------------------------------------------------------------


def preview(
    connection: Connection,
    members: Sequence[str],
    target: str,
    changes: Changes,
    on: date,
    left_out: Collection[str] = (),
    breathe: Breathe = hold_breath,
) -> BulkPreview:
    """From what to what, for whom it cannot be, and what these accounts do now; nothing is analysed again.

    Raises WrongLevel for a setting that is not made there.
    """
    out, seq = set(left_out), newest_seq(connection)
    found = cases(connection, [name for name in members if name not in out], on, seq, breathe)
    rules = _rules(connection, found, changes, on)
    symbols = rules.names.symbols
    ways: dict[tuple[str | None, str | None, str], int] = {}
    conflicts: list[Conflict] = []
    beyond: list[Conflict] = []
    changing = 0
    for number, case in enumerate(found):
        if number % BETWEEN_BREATHS == 0:
            breathe()
        file = stated_by_file(case.file)
        before = effective(case.layers, file)
        after = _after(case, target, changes, before, file)
        moved = _moves(before, after, changes, symbols)
        changing += len(case.accounts) if moved else 0
        for way in moved:
            ways[way] = ways.get(way, 0) + len(case.accounts)
        judged = judge_case(case, before, after, rules, on)
        conflicts += [Conflict(name, judged.problems) for name in case.accounts if judged.problems]
        beyond += [Conflict(name, judged.beyond) for name in case.accounts if judged.beyond]
    told = sorted(ways.items(), key=lambda each: (-each[1], str(each[0])))[:_WAYS]
    return BulkPreview(
        accounts=len(members),
        changing=changing,
        transitions=tuple(Transition(*way, accounts=count) for way, count in told),
        conflicts=tuple(sorted(conflicts, key=lambda each: each.account_id)[:_TOLD]),
        conflicting=len(conflicts),
        beyond=tuple(sorted(beyond, key=lambda each: each.account_id)[:_TOLD]),
        beyond_limits=len(beyond),
        **_doing_now(connection, members),
    )


def _rules(connection: Connection, found: Sequence[Case], changes: Changes, on: date) -> Rules:
    stated = [each for each in changes.values() if isinstance(each, Statement)]
    stated += [
        said.what
        for layer in {id(layer): layer for case in found for layer in case.layers}.values()
        for said in layer.says.values()
        if isinstance(said.what, Statement)
    ]
    models = {case.model_id for case in found if case.model_id}
    return rules_for(connection, models, on, newest_seq(connection), stated)


def _after(
    case: Case, target: str, changes: Changes, before: Mapping[str, Held], file: Mapping[str, Statement]
) -> dict[str, Held]:
    """What would hold for the case. Raises WrongLevel."""
    key = layer_of_target(target) or LayerKey(Level.ACCOUNT, case.accounts[0])
    for said in changes.values():
        if isinstance(said, Statement):
            require_allowed(key, said, before)
    own = next((each for each in case.layers if each.key.level is key.level), Layer(key))
    others = [each for each in case.layers if each.key.level is not key.level]
    return effective([*others, with_changes(own, changes)], file)


def statements_after(
    connection: Connection, members: Sequence[str], change: BulkChange
) -> dict[str, dict[str, Statement | None]]:
    """The places of which something else would hold, by account: the statement that would, None where nothing would.

    By what is known now, on the change's first day. Accounts for which nothing would be different are left out.
    """
    found: dict[str, dict[str, Statement | None]] = {}
    for case in cases(connection, members, change.effective_from, newest_seq(connection)):
        file = stated_by_file(case.file)
        before = effective(case.layers, file)
        after = _after(case, change.target, change.changes, before, file)
        said = {place: _statement(after.get(place)) for place in change.changes}
        moved = {place: what for place, what in said.items() if what != _statement(before.get(place))}
        if moved:
            found |= dict.fromkeys(case.accounts, moved)
    return found


def _statement(held: Held | None) -> Statement | None:
    return None if held is None else held.statement


def _moves(
    before: Mapping[str, Held], after: Mapping[str, Held], changes: Changes, symbols: Mapping[str, str]
) -> list[tuple[str | None, str | None, str]]:
    """The places that would say something else: (before, its level, after)."""
    moved = []
    for place in changes:
        one, other = before.get(place), after.get(place)
        if (one.statement if one else None) != (other.statement if other else None):
            was = LANGUAGE.render(one.statement, symbols) if one else None
            now = LANGUAGE.render(other.statement, symbols) if other else "nothing"
            moved.append((was, one.level.value if one else None, now))
    return moved


def _doing_now(connection: Connection, members: Sequence[str]) -> dict[str, Any]:
    """How many of them the newest run would trade, what is turned over, and the tax."""
    facts = account_facts.c
    rows = select(
        func.count().filter(facts.order_count > 0),
        func.coalesce(func.sum(facts.turnover * facts.account_value), 0.0),
        func.coalesce(func.sum(facts.tax), 0.0),
    ).where(facts.run_id == newest_run(connection), facts.account_id == func.any(list(members)))
    trading, turnover, tax = connection.execute(rows).one()
    return {"trading": int(trading), "turnover": float(turnover), "tax": float(tax)}


# --- as versions -----------------------------------------------------------------------------------------------------


def keep_members(connection: Connection, firm_id: str, members: Sequence[str]) -> str:
    return put_content(connection, firm_id, _MEMBERS, {"accounts": list(members)})


def members_of(connection: Connection, change: BulkChange) -> list[str]:
    """The accounts that it was proposed for, exempt ones included."""
    return list(get_plain(connection, change.members)["accounts"])


def keep(connection: Connection, firm_id: str, change: BulkChange, actor: str, supersedes: int | None) -> None:
    """The change as it stands now, as a version. Raises StaleVersion."""
    document: Any = plain(replace(change, changes={}))
    write_version(
        connection,
        firm_id,
        BULK_CHANGE,
        change.change_id,
        {**document, "changes": stored(change.changes)},
        effective_from=date.min,
        actor=actor,
        reason=change.decision_reason or change.reason,
        supersedes=supersedes,
    )


def bulk_change_of(connection: Connection, change_id: str) -> tuple[BulkChange, int] | None:
    """The change as it stands, and its version."""
    row = last_version(connection, BULK_CHANGE, change_id)
    return None if row is None else (_read(row.value), int(row.seq))


def bulk_changes(connection: Connection, status: BulkStatus | None, limit: int | None) -> list[BulkChange]:
    """The changes, the last proposed first."""
    held = held_settings(connection, BULK_CHANGE, date.max, newest_seq(connection))
    found = sorted((_read(value) for value in held.values()), key=lambda each: -each.known_seq)
    return [each for each in found if status in (None, each.status)][:limit]


def _read(document: Mapping[str, Any]) -> BulkChange:
    change = _CHANGES.validate_python({**document, "changes": {}}, strict=False)
    return replace(change, changes=read_changes(document["changes"]))


def settings_changed_since(connection: Connection, seq: int) -> bool:
    """Whether anybody's settings have another version than was known at `seq`."""
    rows = select(func.max(setting_version.c.seq)).where(setting_version.c.entity.in_((PROFILE, ACCOUNT_SETTINGS)))
    return int(connection.scalar(rows) or 0) > seq
