"""Which close of each security counts on the business date, and which may be traded on (cases 01 to 16)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from trimtab.activities.calendar import calendar_around
from trimtab.activities.splits import splits_of
from trimtab.db import inputs as facts
from trimtab.db.deliveries import loaded_before
from trimtab.db.inputs import DeliveredAction
from trimtab.db.prices import QuoteRow, custodian_views, past_quotes, quotes_of
from trimtab.domain.corporate_actions import ActionKind, split_prices
from trimtab.domain.data_policies import DataPolicy
from trimtab.domain.findings import Finding
from trimtab.domain.market import Price
from trimtab.domain.price_checks import (
    CODE_OF_STATUS,
    JudgedPrice,
    PriceStatus,
    Quote,
    judge_nav,
    judge_price,
    price_file_findings,
)
from trimtab.domain.price_moves import STUCK_SESSIONS, CustodianView, Evidence, PastDay, is_closed, suspicion
from trimtab.domain.securities import Security, SecurityId, SecurityKind

_LISTED: Final = (SecurityKind.STOCK, SecurityKind.ETF)


@dataclass(frozen=True, slots=True)
class PricePast:
    """The price files before, newest first: each security's first usable row, in shares of the newest close's day."""

    days: tuple[Mapping[SecurityId, QuoteRow], ...] = ()
    adjusted: tuple[Mapping[SecurityId, Decimal], ...] = ()  # closes in shares of the day's close
    acted: frozenset[SecurityId] = frozenset()  # with an action other than a dividend at hand: judged elsewhere
    dividends: Mapping[SecurityId, Decimal] | None = None  # dollars a share gone ex since the newest of the days

    @property
    def before(self) -> dict[SecurityId, Price]:
        """The closes of the file before, as they stood."""
        newest = self.days[0] if self.days else {}
        return {name: Price(name, row.as_of, row.close) for name, row in newest.items()}

    def of(self, name: SecurityId) -> list[PastDay]:
        return [
            PastDay(closes[name], day[name].volume)
            for day, closes in zip(self.days, self.adjusted, strict=True)
            if closes.get(name, Decimal(0)) > 0
        ]


@dataclass(frozen=True, slots=True)
class PriceInputs:
    """Where the day's prices are found, and what judges them."""

    securities: Mapping[SecurityId, Security]
    names: Mapping[str, SecurityId]
    business_date: date
    as_of: date
    policy: DataPolicy
    accepted: Mapping[str, object]  # "CODE/security" of exceptions that a person has closed


def price_past(connection: Connection, inputs: PriceInputs) -> PricePast:
    """What the price files of the sessions before said."""
    files = past_quotes(connection, inputs.business_date, STUCK_SESSIONS - 1, inputs.names)
    days = tuple(_by_security(rows, inputs) for rows in files)
    if not days or not days[0]:
        return PricePast()
    oldest = min(row.as_of for day in days for row in day.values())
    newest = max(row.as_of for row in days[0].values())
    actions = facts.actions_between(connection, oldest, inputs.business_date, inputs.names)
    splits = [split.action for split in splits_of(actions)]
    adjusted = tuple(
        {
            name: price.close
            for name, price in split_prices(
                {name: Price(name, row.as_of, row.close) for name, row in day.items()}, splits, inputs.as_of
            ).items()
        }
        for day in days
    )
    dividends = {
        action.security_id: action.cash_per_share or Decimal(0)
        for action in actions
        if action.kind == ActionKind.DVCA and newest < action.ex_on <= inputs.as_of
    }
    return PricePast(days, adjusted, _acted(actions, newest, inputs.as_of), dividends)


def _acted(actions: Sequence[DeliveredAction], newest: date, as_of: date) -> frozenset[SecurityId]:
    """Securities whose action is about to take effect: a close that moved already is a matter of the action (30).

    And those of which one that is neither split nor dividend took effect since the file before: it moved the close.
    """
    within = (ActionKind.DVCA, ActionKind.SPLF, ActionKind.SPLR)
    return frozenset(
        action.security_id
        for action in actions
        if (action.kind != ActionKind.DVCA and action.ex_on > as_of)
        or (action.kind not in within and newest < action.ex_on)
    )


def _by_security(rows: Sequence[QuoteRow], inputs: PriceInputs) -> dict[SecurityId, QuoteRow]:
    """The first row of each security with a close that can be compared."""
    found: dict[SecurityId, QuoteRow] = {}
    for name, row in _named(rows, inputs):
        if row.close > 0 and row.currency == inputs.securities[name].currency:
            found.setdefault(name, row)
    return found


def _named(rows: Sequence[QuoteRow], inputs: PriceInputs) -> Iterator[tuple[SecurityId, QuoteRow]]:
    """Rows with their security; an ISIN that is listed in two currencies is the line of the row's own (24)."""
    lines = {
        (each.isin, each.currency): name for name, each in sorted(inputs.securities.items()) if each.isin is not None
    }
    for row in rows:
        name = row.security_id or lines.get((row.security_key, row.currency))
        if name is not None and name in inputs.securities:
            yield name, row


def judged_prices(
    connection: Connection,
    deliveries: Mapping[str, str],
    inputs: PriceInputs,
    past: PricePast,
) -> dict[SecurityId, JudgedPrice]:
    """One judgement for each security of the master; empty while there is no price file.

    `deliveries`: the day's loaded deliveries by kind.
    """
    if "prices" not in deliveries:
        return {}
    quotes, volumes = _quotes(connection, deliveries["prices"], inputs)
    judged = {
        name: judge_price(quotes.get(name, ()), inputs.as_of, security.currency, inputs.policy.price_sources)
        for name, security in sorted(inputs.securities.items())
    }
    judged |= _navs(judged, inputs, past)
    return judged | _exceptions(connection, deliveries, inputs, past, judged, volumes)


def _quotes(
    connection: Connection, delivery_id: str, inputs: PriceInputs
) -> tuple[dict[SecurityId, list[Quote]], dict[SecurityId, Decimal | None]]:
    quotes: dict[SecurityId, list[Quote]] = {}
    volumes: dict[SecurityId, Decimal | None] = {}
    for name, row in _named(quotes_of(connection, delivery_id, inputs.names), inputs):
        quotes.setdefault(name, []).append(Quote(row.close, row.as_of, row.source, row.currency))
        volumes[name] = row.volume
    for key in facts.quarantined_keys(connection, delivery_id):
        if key in inputs.names:
            name = inputs.names[key]
            quotes.setdefault(name, []).append(Quote(None, inputs.as_of, currency=inputs.securities[name].currency))
    return quotes, volumes


def _navs(
    judged: Mapping[SecurityId, JudgedPrice], inputs: PriceInputs, past: PricePast
) -> dict[SecurityId, JudgedPrice]:
    """Funds whose value of the evening is not published yet: the last one of the files before stands in."""
    floor = oldest_usable_nav(inputs.as_of)
    return {
        name: judge_nav(judged[name], _last_nav(name, past), floor)
        for name, security in inputs.securities.items()
        if security.kind is SecurityKind.FUND
    }


def _last_nav(name: SecurityId, past: PricePast) -> JudgedPrice | None:
    rows = [day[name] for day in past.days if name in day]
    return JudgedPrice(PriceStatus.STALE, rows[0].close, rows[0].as_of) if rows else None


def oldest_usable_nav(as_of: date, sessions: int = 5) -> date:
    """A net asset value of before this session is as good as none."""
    day = as_of
    for _ in range(sessions):
        day = calendar_around(day).previous(day).date
    return day


def _exceptions(
    connection: Connection,
    deliveries: Mapping[str, str],
    inputs: PriceInputs,
    past: PricePast,
    judged: Mapping[SecurityId, JudgedPrice],
    volumes: Mapping[SecurityId, Decimal | None],
) -> dict[SecurityId, JudgedPrice]:
    """Closes that moved too far or not at all, and that neither a second source nor a person explains."""
    found = dict(_suspected(inputs, past, judged, volumes))
    if not found:
        return {}
    views = _views(connection, deliveries, inputs, found)
    moves = {
        name: price.close / days[0].close
        for name, price in judged.items()
        if price.is_good and price.close is not None and (days := past.of(name))
    }
    return {
        name: replace(judged[name], status=status)
        for name, status in found.items()
        if not _is_explained(name, status, judged[name], moves, _evidence(name, inputs, past, moves, volumes, views))
    }


def _suspected(
    inputs: PriceInputs,
    past: PricePast,
    judged: Mapping[SecurityId, JudgedPrice],
    volumes: Mapping[SecurityId, Decimal | None],
) -> Iterator[tuple[SecurityId, PriceStatus]]:
    for name, price in judged.items():
        if not price.is_good or price.close is None or name in past.acted:
            continue
        dividend = (past.dividends or {}).get(name, Decimal(0))
        status = suspicion(price.close, volumes.get(name), past.of(name), dividend)
        if status is not PriceStatus.GOOD and f"{CODE_OF_STATUS[status]}/{name}" not in inputs.accepted:
            yield name, status


def _views(
    connection: Connection, deliveries: Mapping[str, str], inputs: PriceInputs, suspected: Mapping[SecurityId, object]
) -> dict[SecurityId, CustodianView]:
    if "positions" not in deliveries:
        return {}
    before = loaded_before(connection, "positions", inputs.business_date)
    return custodian_views(
        connection, deliveries["positions"], None if before is None else before.delivery_id, list(suspected)
    )


def _evidence(
    name: SecurityId,
    inputs: PriceInputs,
    past: PricePast,
    moves: Mapping[SecurityId, Decimal],
    volumes: Mapping[SecurityId, Decimal | None],
    views: Mapping[SecurityId, CustodianView],
) -> Evidence:
    sector = inputs.securities[name].sector
    return Evidence(
        custodian=views.get(name),
        sector_moves=[
            move
            for other, move in moves.items()
            if other != name and sector and inputs.securities[other].sector == sector
        ],
        volume=volumes.get(name),
        past_volumes=[day.volume for day in past.of(name) if day.volume is not None],
    )


def _is_explained(
    name: SecurityId,
    status: PriceStatus,
    price: JudgedPrice,
    moves: Mapping[SecurityId, Decimal],
    evidence: Evidence,
) -> bool:
    return price.close is not None and is_closed(status, price.close, moves[name], evidence)


def price_file_stops(
    firm_id: str, inputs: PriceInputs, judged: Mapping[SecurityId, JudgedPrice], past: PricePast
) -> tuple[Finding, ...]:
    """Cases 14 and 15: the closes of listed securities against those of the file before."""
    if not past.adjusted or not judged:
        return ()
    listed = {name for name, security in inputs.securities.items() if security.kind in _LISTED}
    previous = {name: close for name, close in past.adjusted[0].items() if name in listed}
    today = {name: price.close for name, price in judged.items() if name in listed and price.close is not None}
    return price_file_findings(firm_id, previous, today)
