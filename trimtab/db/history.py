"""What happened to accounts, read by keys: each function answers for many keys in one statement.

`book` narrows to the accounts of one advisor; None is the whole firm. Row-level security keeps to the firm.
"""

import hashlib
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Double, Row, Select, and_, cast, false, func, not_, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from trimtab.db.content import ContentChanged
from trimtab.db.tables import (
    account,
    account_day,
    allocation,
    block,
    block_member,
    blocked_step,
    content,
    decision,
    delivery,
    execution,
    firm,
    intent,
    market_event,
    person,
    proposal,
    record,
    run,
    security_fact,
    stage_result,
    suspension,
)

Value = TypeVar("Value")


def accounts_by_id(connection: Connection, account_ids: Collection[str], book: str | None = None) -> list[Row[Any]]:
    rows = select(account).where(account.c.account_id.in_(account_ids))
    return list(connection.execute(of_book(rows, book)))


def account_days_by_id(connection: Connection, day_ids: Collection[str], book: str | None = None) -> list[Row[Any]]:
    """Account-days with their account's advisor and household."""
    return list(connection.execute(of_book(days().where(account_day.c.account_day_id.in_(day_ids)), book)))


def latest_days_of(connection: Connection, account_ids: Collection[str]) -> list[Row[Any]]:
    """Of each account the current account-day of its newest business date."""
    rows = days().where(account_day.c.account_id.in_(account_ids), account_day.c.current)
    rows = rows.ext(distinct_on(account_day.c.account_id))
    return list(connection.execute(rows.order_by(account_day.c.account_id, account_day.c.business_date.desc())))


def days() -> Select[Any]:
    """Account-days joined to their accounts."""
    same = (account.c.firm_id == account_day.c.firm_id) & (account.c.account_id == account_day.c.account_id)
    return select(account_day, account.c.advisor_id, account.c.household_id).join(account, same)


def of_book(rows: Select[Any], book: str | None) -> Select[Any]:
    """The statement (over `account`) narrowed to one advisor's accounts."""
    return rows if book is None else rows.where(account.c.advisor_id == book)


def firms_by_id(connection: Connection, firm_ids: Collection[str]) -> list[Row[Any]]:
    """The firm itself, with its limits; row-level security shows no other."""
    return list(connection.execute(select(firm).where(firm.c.firm_id.in_(firm_ids))))


def proposals_by_id(connection: Connection, proposal_ids: Collection[str]) -> list[Row[Any]]:
    return list(connection.execute(select(proposal).where(proposal.c.proposal_id.in_(proposal_ids))))


def proposals_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    """Every version, without its body, oldest first."""
    columns = [column for column in proposal.c if column.name != "body"]
    rows = select(*columns).where(proposal.c.account_day_id.in_(day_ids))
    return list(connection.execute(rows.order_by(proposal.c.account_day_id, proposal.c.version)))


def decisions_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    """Accepted and refused, oldest first."""
    rows = select(decision).where(decision.c.account_day_id.in_(day_ids))
    return list(connection.execute(rows.order_by(decision.c.recorded_at, decision.c.decision_id)))


def people_by_id(connection: Connection, person_ids: Collection[str]) -> list[Row[Any]]:
    """Names only: never what they sign in with."""
    rows = select(person.c.person_id, person.c.display_name, person.c.roles, person.c.advisor_id)
    return list(connection.execute(rows.where(person.c.person_id.in_(person_ids))))


def records_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    """The account-days' entries in their accounts' chains, in the chain's order.

    Entries of the date that name no account-day, such as a suspension's, belong to the current attempt.
    """
    named = record.c.account_day_id == account_day.c.account_day_id
    of_day = and_(_of_its_date(), or_(named, and_(record.c.account_day_id.is_(None), account_day.c.current)))
    columns = [column for column in record.c if column.name != "account_day_id"]
    rows = select(*columns, account_day.c.account_day_id).join(account_day, of_day)
    rows = rows.where(account_day.c.account_day_id.in_(day_ids))
    return list(connection.execute(rows.order_by(record.c.account_id, record.c.seq)))


def _of_its_date() -> ColumnElement[bool]:
    """Records of the account-day's account and date: what the records' index finds."""
    return and_(
        record.c.firm_id == account_day.c.firm_id,
        record.c.business_date == account_day.c.business_date,
        record.c.account_id == account_day.c.account_id,
    )


def passes_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    """One row per pass of a stage, in order: the record of the move, with the build and the seconds of its result.

    A pass that adopted a stored result has that result's.
    """
    moves = ("account_day_id", "seq", "kind", "actor", "body", "recorded_at", "hash", "prev")
    of_day = and_(_of_its_date(), record.c.account_day_id == account_day.c.account_day_id)
    computed = and_(
        stage_result.c.firm_id == account_day.c.firm_id,
        stage_result.c.run_id == account_day.c.run_id,
        stage_result.c.account_id == account_day.c.account_id,
        stage_result.c.attempt == account_day.c.attempt,
        stage_result.c.stage == func.lower(func.substr(record.c.kind, len(_MOVE) + 1)),
        stage_result.c.input_hash == record.c.body["input"].astext,
    )
    rows = (
        select(
            *(record.c[name] for name in moves),
            stage_result.c.build,
            stage_result.c.result["seconds"].astext.label("seconds"),
        )
        .join(account_day, of_day)
        .outerjoin(stage_result, computed)
        .where(account_day.c.account_day_id.in_(day_ids), record.c.kind.startswith(_MOVE, autoescape=True))
    )
    return list(connection.execute(rows.order_by(record.c.account_id, record.c.seq)))


_MOVE = "STAGE_"
"""What the kind of a pass's record begins with; the stage's name follows."""


def blocked_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    rows = select(blocked_step).where(blocked_step.c.account_day_id.in_(day_ids))
    return list(connection.execute(rows.order_by(blocked_step.c.recorded_at)))


def intents_of(connection: Connection, day_ids: Collection[str]) -> list[Row[Any]]:
    """Intents with the client order id of the block that each went into, if any."""
    in_block = (block_member.c.firm_id == intent.c.firm_id) & (block_member.c.intent_id == intent.c.intent_id)
    rows = select(intent, block_member.c.client_order_id).outerjoin(block_member, in_block)
    rows = rows.where(intent.c.account_day_id.in_(day_ids))
    return list(connection.execute(rows.order_by(intent.c.account_day_id, intent.c.leg)))


def blocks_by_id(connection: Connection, order_ids: Collection[str]) -> list[Row[Any]]:
    return list(connection.execute(select(block).where(block.c.client_order_id.in_(order_ids))))


def executions_of(connection: Connection, order_ids: Collection[str]) -> list[Row[Any]]:
    rows = select(execution).where(execution.c.client_order_id.in_(order_ids))
    return list(connection.execute(rows.order_by(execution.c.recorded_at, execution.c.exec_id)))


def allocations_of(connection: Connection, intent_ids: Collection[str]) -> list[Row[Any]]:
    rows = select(allocation).where(allocation.c.intent_id.in_(intent_ids))
    return list(connection.execute(rows.order_by(allocation.c.client_order_id)))


def open_suspensions_of(connection: Connection, firm_id: str, account_ids: Collection[str]) -> list[Row[Any]]:
    """Open suspensions of these accounts and of the whole firm, oldest first."""
    rows = select(suspension).where(
        suspension.c.lifted_by.is_(None),
        or_(
            and_(suspension.c.scope == "ACCOUNT", suspension.c.scope_id.in_(account_ids)),
            and_(suspension.c.scope == "FIRM", suspension.c.scope_id == firm_id),
        ),
    )
    return list(connection.execute(rows.order_by(suspension.c.recorded_at, suspension.c.suspension_id)))


def securities_by_id(connection: Connection, security_ids: Collection[str]) -> list[Row[Any]]:
    """Symbol, name and asset class as the newest loaded security master has them."""
    newest = (
        select(delivery.c.delivery_id)
        .where(delivery.c.kind == "securities", delivery.c.status == "LOADED")
        .order_by(delivery.c.business_date.desc(), delivery.c.recorded_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = [security_fact.c[name] for name in ("security_id", "symbol", "name", "asset_class")]
    rows = select(*columns)
    rows = rows.where(security_fact.c.delivery_id == newest, security_fact.c.security_id.in_(security_ids))
    return list(connection.execute(rows))


def contents(connection: Connection, digests: Collection[str], kind: type[Value]) -> Mapping[str, Value]:
    """Stored values by hash, each checked against it; what is not stored is absent. Raises ContentChanged."""
    adapter: TypeAdapter[Value] = TypeAdapter(kind)
    found: dict[str, Value] = {}
    rows = select(content.c.content_hash, content.c.body).where(content.c.content_hash.in_(digests))
    for row in connection.execute(rows):
        body = zlib.decompress(row.body)
        if hashlib.sha256(body).hexdigest() != row.content_hash:
            raise ContentChanged(f"the content stored under {row.content_hash} was changed")
        found[row.content_hash] = adapter.validate_json(body, strict=False)
    return found


# --- runs -----------------------------------------------------------------------------------------------------------


def runs_by_id(connection: Connection, run_ids: Collection[str]) -> list[Row[Any]]:
    return list(connection.execute(select(run).where(run.c.run_id.in_(run_ids))))


def outcomes_of(connection: Connection, run_ids: Collection[str], book: str | None) -> list[Row[Any]]:
    """Counts of current account-days by run, terminal state ('' while open), its code, place and lane."""
    state = func.coalesce(account_day.c.terminal_state, "").label("state")
    lane = func.coalesce(account_day.c.lane, "").label("lane")
    same = (account.c.firm_id == account_day.c.firm_id) & (account.c.account_id == account_day.c.account_id)
    code = func.coalesce(account_day.c.terminal_code, "").label("code")
    by = (account_day.c.run_id, state, code, account_day.c.stage, account_day.c.blocked_stage, lane)
    rows = select(*by, func.count().label("accounts"))
    if book is not None:
        rows = rows.join(account, same).where(account.c.advisor_id == book)
    rows = rows.where(account_day.c.run_id.in_(run_ids), account_day.c.current)
    return list(connection.execute(rows.group_by(*by)))


def work_of(connection: Connection, run_ids: Collection[str], book: str | None) -> list[Row[Any]]:
    """run_id, stage, accounts that have passed it, and seconds of work in all.

    A result that stays at its stage, such as that of committed orders, is work but no passing.
    """
    spent = cast(stage_result.c.result["seconds"].astext, Double)
    stays = func.coalesce(stage_result.c.result["outcome"]["next"].astext == stage_result.c.stage, false())
    rows = select(
        stage_result.c.run_id,
        stage_result.c.stage,
        func.count(stage_result.c.account_id.distinct()).filter(not_(stays)).label("accounts"),
        func.sum(spent).label("seconds"),
    ).where(stage_result.c.run_id.in_(run_ids))
    if book is not None:
        same = (account.c.firm_id == stage_result.c.firm_id) & (account.c.account_id == stage_result.c.account_id)
        rows = rows.join(account, same).where(account.c.advisor_id == book)
    return list(connection.execute(rows.group_by(stage_result.c.run_id, stage_result.c.stage)))


def account_counts(connection: Connection, firm_ids: Collection[str], book: str | None) -> list[Row[Any]]:
    """firm_id, accounts: how many the firm has now."""
    rows = select(account.c.firm_id, func.count().label("accounts")).where(account.c.firm_id.in_(firm_ids))
    return list(connection.execute(of_book(rows, book).group_by(account.c.firm_id)))


def market_events_of(connection: Connection, run_ids: Collection[str]) -> list[Row[Any]]:
    rows = select(market_event).where(market_event.c.run_id.in_(run_ids))
    return list(connection.execute(rows.order_by(market_event.c.run_id, market_event.c.ordinal)))


def deliveries_on(connection: Connection, dates: Collection[Any]) -> list[Row[Any]]:
    """The deliveries for these business dates, in the order of their arrival."""
    rows = select(delivery).where(delivery.c.business_date.in_(dates))
    return list(connection.execute(rows.order_by(delivery.c.business_date, delivery.c.recorded_at)))


def grouped(rows: Sequence[Row[Any]], keys: Sequence[Any], column: str) -> list[list[Row[Any]]]:
    """The rows of each key, in the keys' order."""
    groups: dict[Any, list[Row[Any]]] = {key: [] for key in keys}
    for row in rows:
        groups[getattr(row, column)].append(row)
    return [groups[key] for key in keys]


def by_key(rows: Sequence[Row[Any]], keys: Sequence[Any], column: str) -> list[Row[Any] | None]:
    """The row of each key, None for those that have none."""
    found = {getattr(row, column): row for row in rows}
    return [found.get(key) for key in keys]
