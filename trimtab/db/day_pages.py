"""Keyset pages of runs, account-days, suspensions, alerts and blocked steps. `size` rows and one more are read, so
that the caller sees whether another page follows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, func, literal, or_, select, tuple_

from trimtab.db.history import days, of_book
from trimtab.db.tables import account, account_day, alert, blocked_step, record, run, suspension

ACCOUNT_SCOPE: Final = "account/"
"""What the scope of an alert about one account begins with; the account's id follows."""


@dataclass(frozen=True, slots=True)
class DayFilter:
    """Which account-days; what is None does not matter. `reason` is a code of its end, its wait or its block."""

    business_date: date | None = None
    account_id: str | None = None
    stage: str | None = None
    lane: str | None = None
    terminal_state: str | None = None
    reason: str | None = None
    open_only: bool = False
    every_attempt: bool = False
    since: date | None = None  # business dates from here
    until: date | None = None  # to here
    known_at: datetime | None = None  # only what was recorded by then


def day_page(
    connection: Connection, wanted: DayFilter, book: str | None, size: int, after: tuple[date, str, str] | None
) -> list[Row[Any]]:
    """Newest business date first, then by account and id. `after` is (date, account, id) of the last row seen."""
    rows = of_book(_wanted(days(), wanted), book)
    if after is not None:
        on, account_id, day_id = after
        later = tuple_(account_day.c.account_id, account_day.c.account_day_id) > (account_id, day_id)
        rows = rows.where(or_(account_day.c.business_date < on, and_(account_day.c.business_date == on, later)))
    order = (account_day.c.business_date.desc(), account_day.c.account_id, account_day.c.account_day_id)
    return list(connection.execute(rows.order_by(*order).limit(size + 1)))


def count_days(connection: Connection, wanted: DayFilter, book: str | None) -> int:
    rows = of_book(_wanted(days(), wanted), book).subquery()
    return int(connection.scalar(select(func.count()).select_from(rows)) or 0)


def _wanted(rows: Select[Any], wanted: DayFilter) -> Select[Any]:
    exact = {
        "business_date": wanted.business_date,
        "account_id": wanted.account_id,
        "stage": wanted.stage,
        "lane": wanted.lane,
        "terminal_state": wanted.terminal_state,
    }
    rows = rows.where(*(account_day.c[name] == value for name, value in exact.items() if value is not None))
    if not wanted.every_attempt:
        rows = rows.where(account_day.c.current)
    if wanted.since is not None:
        rows = rows.where(account_day.c.business_date >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(account_day.c.business_date <= wanted.until)
    if wanted.known_at is not None:
        rows = rows.where(account_day.c.recorded_at <= wanted.known_at)
    if wanted.open_only:
        rows = rows.where(account_day.c.terminal_state.is_(None))
    return rows if wanted.reason is None else rows.where(_has_reason(wanted.reason))


def _has_reason(code: str) -> Any:
    """The day ended with the code, waits because of it, or is blocked by it."""
    same_day = and_(
        record.c.firm_id == account_day.c.firm_id,
        record.c.account_id == account_day.c.account_id,
        record.c.account_day_id == account_day.c.account_day_id,
    )
    passed = select(record.c.seq).where(same_day, record.c.body["outcome"]["code"].astext == code).exists()
    of_day = and_(
        blocked_step.c.firm_id == account_day.c.firm_id,
        blocked_step.c.account_day_id == account_day.c.account_day_id,
    )
    blocked = select(blocked_step.c.stage).where(of_day, blocked_step.c.error_type == code, ~blocked_step.c.resolved)
    return or_(account_day.c.terminal_code == code, passed, blocked.exists())


def account_page(
    connection: Connection, book: str | None, search: str | None, size: int, after: str | None
) -> list[Row[Any]]:
    """By account. `search` is how the number of the account, its household or its advisor begins, in any case."""
    rows = of_book(select(account), book)
    if search is not None:
        named = (account.c.account_id, account.c.household_id, account.c.advisor_id)
        rows = rows.where(or_(*(column.istartswith(search, autoescape=True) for column in named)))
    if after is not None:
        rows = rows.where(account.c.account_id > after)
    return list(connection.execute(rows.order_by(account.c.account_id).limit(size + 1)))


def run_page(connection: Connection, size: int, before: date | None) -> list[Row[Any]]:
    """Newest business date first."""
    rows = select(run)
    if before is not None:
        rows = rows.where(run.c.business_date < before)
    return list(connection.execute(rows.order_by(run.c.business_date.desc()).limit(size + 1)))


def run_on(connection: Connection, on: date | None) -> Row[Any] | None:
    """The run of the business date, of the newest one without it."""
    rows = select(run) if on is None else select(run).where(run.c.business_date == on)
    return connection.execute(rows.order_by(run.c.business_date.desc()).limit(1)).one_or_none()


@dataclass(frozen=True, slots=True)
class SuspensionFilter:
    """Which suspensions; what is None does not matter."""

    open_only: bool = True
    kind: str | None = None
    code: str | None = None


def suspension_page(
    connection: Connection, book: str | None, wanted: SuspensionFilter, size: int, after: tuple[date, str] | None
) -> list[Row[Any]]:
    """Newest first; of an advisor's book, those of its accounts and those of the whole firm."""
    rows = _of_own(select(suspension), book)
    if wanted.open_only:
        rows = rows.where(suspension.c.lifted_by.is_(None))
    if wanted.kind is not None:
        rows = rows.where(suspension.c.kind == wanted.kind)
    if wanted.code is not None:
        rows = rows.where(suspension.c.code == wanted.code)
    if after is not None:
        since, suspension_id = after
        same_day = and_(suspension.c.since == since, suspension.c.suspension_id > suspension_id)
        rows = rows.where(or_(suspension.c.since < since, same_day))
    return list(
        connection.execute(rows.order_by(suspension.c.since.desc(), suspension.c.suspension_id).limit(size + 1))
    )


def suspension_counts(connection: Connection, book: str | None) -> list[Row[Any]]:
    """scope, kind, code, count, oldest and one reason of those that stand open; most first."""
    by = (suspension.c.scope, suspension.c.kind, suspension.c.code)
    rows = select(
        *by,
        func.count().label("suspensions"),
        func.min(suspension.c.since).label("since"),
        func.min(suspension.c.reason).label("reason"),
    )
    rows = _of_own(rows.where(suspension.c.lifted_by.is_(None)), book)
    return list(connection.execute(rows.group_by(*by).order_by(func.count().desc(), *by)))


def _of_own(rows: Select[Any], book: str | None) -> Select[Any]:
    if book is None:
        return rows
    own = select(account.c.account_id).where(account.c.advisor_id == book)
    return rows.where(or_(suspension.c.scope == "FIRM", suspension.c.scope_id.in_(own)))


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; what is None does not matter."""

    unacknowledged: bool = False
    business_date: date | None = None


def alert_page(
    connection: Connection, book: str | None, wanted: AlertFilter, size: int, after: tuple[date, str] | None
) -> list[Row[Any]]:
    """Newest business date first. An advisor's are those about one of the book's accounts: others may name more."""
    rows = _alerts(select(alert), book, wanted)
    if after is not None:
        on, alert_id = after
        rows = rows.where(
            or_(alert.c.business_date < on, and_(alert.c.business_date == on, alert.c.alert_id > alert_id))
        )
    return list(connection.execute(rows.order_by(alert.c.business_date.desc(), alert.c.alert_id).limit(size + 1)))


def count_alerts(connection: Connection, book: str | None, wanted: AlertFilter) -> int:
    return int(connection.scalar(_alerts(select(func.count()).select_from(alert), book, wanted)) or 0)


def _alerts(rows: Select[Any], book: str | None, wanted: AlertFilter) -> Select[Any]:
    if wanted.unacknowledged:
        rows = rows.where(alert.c.acknowledged_by.is_(None))
    if wanted.business_date is not None:
        rows = rows.where(alert.c.business_date == wanted.business_date)
    return rows if book is None else rows.where(alert.c.scope.in_(_of_own_accounts(book)))


def _of_own_accounts(book: str) -> Any:
    return select(literal(ACCOUNT_SCOPE).concat(account.c.account_id)).where(account.c.advisor_id == book)


def blocked_page(
    connection: Connection, stages: Collection[str], size: int, after: tuple[str, str] | None
) -> list[Row[Any]]:
    """Unresolved blocked steps of open account-days in these stages, with the account and the date."""
    rows = _blocked(stages)
    if after is not None:
        rows = rows.where(tuple_(blocked_step.c.account_day_id, blocked_step.c.stage) > after)
    order = (blocked_step.c.account_day_id, blocked_step.c.stage)
    return list(connection.execute(rows.order_by(*order).limit(size + 1)))


def count_blocked(connection: Connection, stages: Collection[str]) -> int:
    return int(connection.scalar(select(func.count()).select_from(_blocked(stages).subquery())) or 0)


def blocked_steps(
    connection: Connection, stages: Sequence[str], *, account_day_id: str | None = None, on: date | None = None
) -> list[Row[Any]]:
    """All of them, of one account-day or of one business date."""
    rows = _blocked(stages)
    if account_day_id is not None:
        rows = rows.where(blocked_step.c.account_day_id == account_day_id)
    if on is not None:
        rows = rows.where(account_day.c.business_date == on)
    return list(connection.execute(rows.order_by(account_day.c.account_id)))


def _blocked(stages: Collection[str]) -> Select[Any]:
    same = and_(
        account_day.c.firm_id == blocked_step.c.firm_id,
        account_day.c.account_day_id == blocked_step.c.account_day_id,
    )
    columns = [account_day.c[name] for name in ("run_id", "account_id", "business_date", "attempt", "workflow_id")]
    return (
        select(blocked_step, *columns)
        .join(account_day, same)
        .where(
            ~blocked_step.c.resolved,
            blocked_step.c.stage.in_(stages),
            account_day.c.current,
            account_day.c.terminal_state.is_(None),
        )
    )
