"""What the events that hold do to the day's market: closes, names, tradability, models and restriction lists (CA-2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.corporate_action_calendar import DueEvent
from trimtab.db.event_terms import event_of
from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_events import AnyEvent, Merger, Unchanged, Worthless, effective_on
from trimtab.domain.corporate_actions_prices import prices_after
from trimtab.domain.corporate_actions_sync import UNTRADABLE
from trimtab.domain.corporate_actions_targets import ModelEffect, model_after, restrictions_after
from trimtab.domain.data_codes import DataCode
from trimtab.domain.errors import TrimtabError
from trimtab.domain.market import Price
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId, names_of

_RENAMING: Final = (ActionKind.CHAN, ActionKind.SPLF, ActionKind.SPLR)
Closes = Mapping[SecurityId, Decimal]
Securities = Mapping[SecurityId, Security]


# --- names --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renamed:
    """The master with the names that securities have since their events; `barred` ones cannot have them."""

    securities: dict[SecurityId, Security]
    former: dict[str, SecurityId]  # names that they had before: a file that is a day behind still means them
    barred: dict[SecurityId, DataCode]


def with_new_names(
    securities: Securities, told: Sequence[DeliveredAction], business_date: date, changed: Iterable[SecurityId]
) -> Renamed:
    """New tickers, CUSIPs and ISINs of confirmed events, from their ex-dates on (CHAN, and splits with a new CUSIP).

    `changed`: securities whose names changed in the master itself in the last weeks: it is believed. A name that is
    another security's is not given a second time (case 22), nor one that another gives up: a file from the day before
    still means that one. Its holders wait for the master.
    """
    after = dict(securities)
    former: dict[str, SecurityId] = {}
    barred: dict[SecurityId, DataCode] = {}
    stays = set(changed)
    owners = names_of(securities)
    for row in sorted(_renames(told, business_date), key=lambda each: each.ex_on):
        security = after.get(row.security_id)
        if security is None or row.security_id in stays:
            continue
        if any(owners.get(name, security.id) != security.id for name in row.new_names.values()):
            barred[security.id] = DataCode.TICKER_REUSED
            continue
        former |= dict.fromkeys(_replaced(security, row.new_names), security.id)
        owners |= dict.fromkeys(row.new_names.values(), security.id)
        after[security.id] = _named(security, row.new_names)
    return Renamed(after, former, barred)


def _renames(told: Sequence[DeliveredAction], business_date: date) -> list[DeliveredAction]:
    newest: dict[str, DeliveredAction] = {}
    for row in told:
        if row.kind in _RENAMING and row.new_names and row.ex_on <= business_date:
            known = newest.get(row.event_id)
            if known is None or row.version >= known.version:
                newest[row.event_id] = row
    return [row for row in newest.values() if row.status == ActionStatus.CONFIRMED]


def _replaced(security: Security, new: Mapping[str, str]) -> list[str]:
    had = {"cusip": security.cusip, "isin": security.isin, "symbol": security.symbol}
    return [name for scheme, name in had.items() if name and new.get(scheme, name) != name]


def _named(security: Security, new: Mapping[str, str]) -> Security:
    return replace(
        security,
        cusip=new.get("cusip", security.cusip),
        isin=new.get("isin", security.isin),
        symbol=new.get("symbol", security.symbol),
    )


def without_untradable(securities: Securities, due: Iterable[DueEvent]) -> dict[SecurityId, Security]:
    """Delisted and bankrupt names: held, never traded by themselves (CA-2)."""
    after = dict(securities)
    for each in due:
        if each.is_confirmed and each.kind in UNTRADABLE and each.security_id in after:
            after[each.security_id] = replace(after[each.security_id], tradable=False)
    return after


# --- closes -------------------------------------------------------------------------------------------------------


def closes_in_effect(
    prices: Mapping[SecurityId, Price], due: Iterable[DueEvent]
) -> tuple[dict[SecurityId, Price], dict[SecurityId, DataCode]]:
    """(closes in the basis of the business date, securities whose close cannot be brought there).

    An event that each account chooses for itself moves no close here.
    """
    after, barred = dict(prices), {}
    for each in due:
        price = after.get(each.security_id)
        if not each.is_confirmed or each.is_voluntary or price is None or price.as_of >= each.ex_on:
            continue
        try:
            after = prices_after(after, each.event)
        except TrimtabError:
            del after[each.security_id]
            barred[each.security_id] = DataCode.CA_UNSYNCED
    return after, barred


# --- models and lists ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelMove:
    """A model that an event has changed, to be told to its owner."""

    model_id: str
    event_id: str
    message: str


def events_so_far(terms: Iterable[tuple[str, tuple[DeliveredAction, ...]]], closes: Closes) -> list[AnyEvent]:
    """The confirmed events that are the same for every account, in the order of days."""
    found = []
    for _, rows in terms:
        try:
            found.append((rows[0].ex_on, rows[0].event_id, event_of(rows, closes)))
        except TrimtabError:
            continue  # of accounts' choices, or without the close that it was confirmed with: no model follows it
    return [event for _, _, event in sorted(found, key=lambda each: each[:2])]


def models_in_effect(
    models: Mapping[str, ModelPortfolio], events: Sequence[AnyEvent], closes: Closes, stated_tonight: frozenset[str]
) -> tuple[dict[str, ModelPortfolio], list[ModelMove]]:
    """Models that were stated before an event, after it. One stated since is its owner's word and stays.

    `stated_tonight`: models worked out on the business date from older statements; of those a name that no longer
    exists is replaced, since nobody can have meant it.
    """
    after, moves = dict(models), []
    for event in events:
        on = effective_on(event)
        for name, model in list(after.items()):
            worked_out = name in stated_tonight and _ends(event)
            if event.security_id not in model.weights or not (model.effective_on < on or worked_out):
                continue
            try:
                effect = model_after(model.weights, event, closes)
            except TrimtabError:
                continue  # no close of what is received: the name stays, and its holders wait (MODEL_COVERAGE)
            if effect.weights != model.weights:
                after[name] = _moved(model, effect)
                moves.append(ModelMove(name, event.event_id, _told(model, event, effect)))
    return after, moves


def _moved(model: ModelPortfolio, effect: ModelEffect) -> ModelPortfolio:
    cash = model.cash_weight
    if effect.to_cash:
        cash = (model.cash if cash is None else cash) + effect.to_cash
    substitutes = {name: each for name, each in model.substitutes.items() if name in effect.weights}
    return replace(model, weights=dict(sorted(effect.weights.items())), cash_weight=cash, substitutes=substitutes)


def _told(model: ModelPortfolio, event: AnyEvent, effect: ModelEffect) -> str:
    changed = sorted(
        name
        for name in model.weights.keys() | effect.weights.keys()
        if model.weights.get(name) != effect.weights.get(name)
    )
    parts = [f"{name} {model.weights.get(name, 0)} to {effect.weights.get(name, 0)}" for name in changed]
    cash = [f"{effect.to_cash} to cash"] if effect.to_cash else []
    return f"{event.event_id} moved weights of model {model.id}: {', '.join([*parts, *cash])}; its owner decides"


def _ends(event: AnyEvent) -> bool:
    return isinstance(event, Merger | Worthless) or (isinstance(event, Unchanged) and event.kind in UNTRADABLE)


def lists_in_effect(lists: Iterable[RestrictionList], events: Sequence[AnyEvent]) -> tuple[RestrictionList, ...]:
    """Lists whose source describes a day before an event, after it: children inherit, an acquirer does not (CA-2)."""
    after = []
    for each in lists:
        for event in events:
            if each.as_of < effective_on(event):
                names = restrictions_after(frozenset(each.securities), event)
                if names != frozenset(each.securities):
                    each = replace(each, securities=tuple(sorted(names)))
        after.append(each)
    return tuple(after)


def inheritors(events: Iterable[AnyEvent]) -> dict[SecurityId, tuple[SecurityId, ...]]:
    """By security the children that its accounts' own restrictions hold for as well."""
    found: dict[SecurityId, tuple[SecurityId, ...]] = {}
    for event in events:
        after = restrictions_after(frozenset({event.security_id}), event) - {event.security_id}
        if after:
            found[event.security_id] = tuple(sorted({*found.get(event.security_id, ()), *after}))
    return found
