"""The review queue: account-days that wait for a decision, filtered, sorted and counted by reason.

A reason is a flag that calls for a person, or a field whose value made a filter want the account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB

from trimtab.db.history import days, of_book
from trimtab.db.tables import account, account_day, account_facts, record
from trimtab.domain.lifecycle import Stage

FLAGS: Final = "flags"
_LOWEST: Final = -1.7976931348623157e308  # where a row without the figure is sorted to


class ReviewOrder(StrEnum):
    """What the queue is sorted by; figures are those of the wide table that filters read."""

    ACCOUNT = "account_id"
    WAITING = "updated_at"
    ACCOUNT_VALUE = "account_value"
    TRADED_VALUE = "traded_value"
    DRIFT = "max_drift"
    TURNOVER = "turnover"
    TAX = "tax"
    BENEFIT = "benefit_bps"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which account-days in review; what is None does not matter. `account` is how the account's id begins."""

    business_date: date | None = None
    lane: str | None = None
    reason: str | None = None
    advisor_id: str | None = None
    programme: str | None = None
    discretionary: bool | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewSort:
    order: ReviewOrder = ReviewOrder.ACCOUNT
    descending: bool = False


def review_page(
    connection: Connection,
    wanted: ReviewFilter,
    book: str | None,
    sort: ReviewSort,
    size: int,
    after: tuple[str, str] | None,
) -> list[Row[Any]]:
    """`size` rows and one more, each with its `sort_key` as text. `after` is (sort_key, id) of the last row seen."""
    key = _sort_key(sort.order)
    facts = and_(
        account_facts.c.firm_id == account_day.c.firm_id,
        account_facts.c.run_id == account_day.c.run_id,
        account_facts.c.account_id == account_day.c.account_id,
    )
    rows = _wanted(wanted, book).outerjoin(account_facts, facts).add_columns(cast(key, Text).label("sort_key"))
    position = tuple_(key, account_day.c.account_day_id)
    if after is not None:
        # The key travels as PostgreSQL's own text, which reads back as the very same value.
        seen = tuple_(cast(literal(after[0], Text), key.type), literal(after[1], Text))
        rows = rows.where(position < seen if sort.descending else position > seen)
    order = [column.desc() if sort.descending else column.asc() for column in (key, account_day.c.account_day_id)]
    return list(connection.execute(rows.order_by(*order).limit(size + 1)))


def _sort_key(order: ReviewOrder) -> ColumnElement[Any]:
    if order in (ReviewOrder.ACCOUNT, ReviewOrder.WAITING):
        return account_day.c[order.value]
    return func.coalesce(account_facts.c[order.value], _LOWEST, type_=account_facts.c[order.value].type)


def count_reviews(connection: Connection, wanted: ReviewFilter, book: str | None) -> int:
    rows = _wanted(wanted, book).subquery()
    return int(connection.scalar(select(func.count()).select_from(rows)) or 0)


def lane_counts(connection: Connection, wanted: ReviewFilter, book: str | None) -> list[Row[Any]]:
    """lane, accounts, oldest: since when the longest waiting one waits."""
    rows = _wanted(wanted, book).with_only_columns(
        account_day.c.lane, func.count().label("accounts"), func.min(account_day.c.updated_at).label("oldest")
    )
    return list(connection.execute(rows.group_by(account_day.c.lane).order_by(account_day.c.lane)))


def reason_counts(connection: Connection, wanted: ReviewFilter, book: str | None) -> list[Row[Any]]:
    """lane, code, is_flag, accounts. An account counts once for each of its reasons."""
    latest = _latest_filtering()
    waiting = (
        _wanted(wanted, book)
        .join(latest, literal(True))
        .with_only_columns(account_day.c.lane, _matched(latest).label("matched"))
        .subquery()
    )
    flags = func.coalesce(waiting.c.matched[FLAGS], literal([], JSONB))
    each = (
        select(waiting.c.lane, func.jsonb_object_keys(waiting.c.matched).label("code"), literal(False).label("is_flag"))
        .where(waiting.c.matched != literal({}, JSONB))
        .union_all(
            select(waiting.c.lane, func.jsonb_array_elements_text(flags).label("code"), literal(True).label("is_flag"))
        )
        .subquery()
    )
    rows = select(each.c.lane, each.c.code, each.c.is_flag, func.count().label("accounts"))
    rows = rows.where(or_(each.c.code != FLAGS, each.c.is_flag))
    return list(
        connection.execute(
            rows.group_by(each.c.lane, each.c.code, each.c.is_flag).order_by(func.count().desc(), each.c.code)
        )
    )


def _wanted(wanted: ReviewFilter, book: str | None) -> Select[Any]:
    rows = of_book(days(), book).where(
        account_day.c.current, account_day.c.terminal_state.is_(None), account_day.c.stage == Stage.REVIEW.value
    )
    rows = rows.where(*_conditions(wanted))
    if wanted.reason is None:
        return rows
    latest = _latest_filtering()
    return rows.where(select(literal(1)).select_from(latest).where(_has(latest, wanted.reason)).exists())


def _conditions(wanted: ReviewFilter) -> Sequence[ColumnElement[bool]]:
    exact = {
        account_day.c.business_date: wanted.business_date,
        account_day.c.lane: wanted.lane,
        account.c.advisor_id: wanted.advisor_id,
        account.c.profile["programme"].astext: wanted.programme,
    }
    conditions: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if wanted.discretionary is not None:
        told = "true" if wanted.discretionary else "false"
        conditions.append(func.coalesce(account.c.profile["discretionary"].astext, "true") == told)
    if wanted.account is not None:
        conditions.append(account_day.c.account_id.istartswith(wanted.account, autoescape=True))
    return conditions


def _latest_filtering() -> Any:  # Any: a lateral subquery
    """The body of the latest pass of the filter stage of the account-day around it."""
    return (
        select(record.c.body)
        .where(
            record.c.firm_id == account_day.c.firm_id,
            record.c.account_id == account_day.c.account_id,
            record.c.account_day_id == account_day.c.account_day_id,
            record.c.kind == "STAGE_FILTER",
        )
        .order_by(record.c.seq.desc())
        .limit(1)
        .correlate(account_day)
        .lateral()
    )


def _matched(latest: Any) -> ColumnElement[Any]:
    return func.coalesce(latest.c.body["matched"], literal({}, JSONB), type_=JSONB)


def _has(latest: Any, code: str) -> ColumnElement[bool]:
    """The field matched, or the flag is among the account's."""
    matched = _matched(latest)
    flags = func.coalesce(matched[FLAGS], literal([], JSONB), type_=JSONB)
    return or_(and_(matched.has_key(code), literal(code) != FLAGS), flags.has_key(code))
