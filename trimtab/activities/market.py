"""The market of one business day: securities, closes after corporate actions, models and risk model.

What is wrong with a price, a security or a model is found here once, so that accounts only look it up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from trimtab.activities.additions import Additions, additions
from trimtab.activities.announced_events import announced_events
from trimtab.activities.doubts import former_cusips, identifiers_before, identifiers_to_doubt
from trimtab.activities.event_effects import (
    closes_in_effect,
    events_so_far,
    inheritors,
    lists_in_effect,
    with_new_names,
    without_untradable,
)
from trimtab.activities.flows import deposits_not_come, value_jumps
from trimtab.activities.frozen_market import FrozenMarket, MarketDay, MarketFindings
from trimtab.activities.market_alerts import tell_market
from trimtab.activities.market_models import ModelsOfDay, models_of, risk_model_of
from trimtab.activities.prices import PriceInputs, PricePast, judged_prices, price_file_stops, price_past
from trimtab.activities.splits import JudgedActions, Split, already_in_prices, judge_actions
from trimtab.corporate_action_calendar import ActionCalendar, calendar_of, record_states
from trimtab.db import inputs as facts
from trimtab.db.corporate_actions import confirmed_terms
from trimtab.db.data_policy import accepted_exceptions, data_policy
from trimtab.db.deliveries import FeedState
from trimtab.db.event_terms import with_entries
from trimtab.db.inputs import DeliveredAction
from trimtab.db.unread_events import unread_securities
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.corporate_actions_lifecycle import EventState
from trimtab.domain.corporate_actions_sync import AnnouncedEvent, SourcesOfDay, SyncLine, sync_report
from trimtab.domain.data_codes import DataCode
from trimtab.domain.identifier_checks import PastIdentifier
from trimtab.domain.lots import LotId
from trimtab.domain.market import Price, RiskModel
from trimtab.domain.price_checks import JudgedPrice
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId, names_of
from trimtab.domain.security_additions import incomplete, with_additions, with_proxies
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.validation import DOLLARS


@dataclass(frozen=True, slots=True)
class _Master:
    """The securities by the names that they have today, and by those that they had."""

    securities: Mapping[SecurityId, Security]
    names: Mapping[str, SecurityId]  # former ones too
    former: Mapping[str, SecurityId]
    called: Sequence[PastIdentifier]  # otherwise, by masters of the last weeks
    barred: Mapping[SecurityId, DataCode]  # whose new name cannot be theirs


@dataclass(frozen=True, slots=True)
class _Closes:
    """The day's closes as they were delivered and judged."""

    asked: PriceInputs
    past: PricePast
    judged: Mapping[SecurityId, JudgedPrice]


@dataclass(frozen=True, slots=True)
class _Events:
    """The corporate actions about the day: splits, the rest, and what holds or waits."""

    splits: JudgedActions
    announced: tuple[AnnouncedEvent, ...]
    calendar: ActionCalendar


@dataclass(frozen=True, slots=True)
class _InEffect:
    """Securities and closes after the events that hold, and what nobody may trade."""

    securities: Mapping[SecurityId, Security]
    prices: Mapping[SecurityId, Price]
    barred: Mapping[SecurityId, DataCode]

    @property
    def closes(self) -> dict[SecurityId, Decimal]:
        return {name: price.close for name, price in self.prices.items()}


@dataclass(frozen=True, slots=True)
class _Parts:
    """Everything that the market is put together from."""

    added: Additions
    master: _Master
    closes: _Closes
    events: _Events
    in_effect: _InEffect
    so_far: Sequence[AnyEvent]  # confirmed, however old: models and lists may be from before them
    models: ModelsOfDay
    risk: RiskModel
    proxied: Mapping[SecurityId, str]
    held: set[str]


def freeze_market(
    connection: Connection,
    firm_id: str,
    business_date: date,
    as_of: date,
    states: Mapping[str, FeedState],
    settings_seq: int,
) -> FrozenMarket:
    """Compute the day's market from what is loaded, and tell of its faults once.

    Kinds that are not usable leave their part empty: their accounts are suspended for the file's sake anyway.
    """
    day = MarketDay(connection, firm_id, business_date, as_of, states, settings_seq)
    parts = _parts(day)
    snapshot = MarketSnapshot(as_of, parts.in_effect.securities, parts.in_effect.prices, parts.risk)
    frozen = FrozenMarket(snapshot, _findings(day, parts), parts.models.models)
    tell_market(day, frozen, parts.models, parts.held)
    return frozen


def _parts(day: MarketDay) -> _Parts:
    """Each step works on what the ones before it have found."""
    added = additions(day.connection, day.business_date, day.settings_seq)
    master = _master(day, added)
    closes = _closes(day, master)
    events = _events(day, added, master, closes)
    in_effect = _in_effect(day, master, closes, events)
    so_far = events_so_far(confirmed_terms(day.connection, day.business_date), in_effect.closes)
    models = models_of(day, master.names, so_far, in_effect.closes)
    risk, proxied = with_proxies(risk_model_of(day, master.names), added.proxies)
    held = _held(day)
    return _Parts(added, master, closes, events, in_effect, so_far, models, risk, proxied, held)


# --- steps ------------------------------------------------------------------------------------------------------


def _master(day: MarketDay, added: Additions) -> _Master:
    """The day's security master with what people added, and the names that events gave."""
    master = day.deliveries.get("securities")
    delivered = {} if master is None else facts.securities_of(day.connection, master)
    securities = with_additions(delivered, added.securities) if delivered else {}
    called = identifiers_before(day.connection, master, day.business_date)
    told = _told(day, added, names_of(securities))
    renamed = with_new_names(securities, told, day.business_date, {each.security_id for each in called})
    former = {**former_cusips(called, renamed.securities), **renamed.former, **added.identifiers}
    names = {**former, **names_of(renamed.securities)}
    return _Master(renamed.securities, names, former, called, renamed.barred)


def _told(day: MarketDay, added: Additions, names: Mapping[str, SecurityId]) -> list[DeliveredAction]:
    """The corporate actions of open wash sale windows, as feeds and people tell them."""
    delivered = facts.actions_between(day.connection, day.since, day.business_date, names)
    return with_entries(delivered, added.events, day.since, day.business_date)


def _closes(day: MarketDay, master: _Master) -> _Closes:
    asked = PriceInputs(
        master.securities,
        master.names,
        day.business_date,
        day.as_of,
        data_policy(day.connection, day.firm_id, day.business_date, day.settings_seq),
        accepted_exceptions(day.connection, day.business_date, day.settings_seq),
    )
    past = price_past(day.connection, asked)
    return _Closes(asked, past, judged_prices(day.connection, day.deliveries, asked, past))


def _events(day: MarketDay, added: Additions, master: _Master, closes: _Closes) -> _Events:
    """By all names, former ones too. What state each event has reached is kept."""
    told = _told(day, added, master.names)
    unread = unread_securities(day.connection, day.since, day.business_date, master.names, added.events.values())
    splits = judge_actions(told, day.business_date, closes.judged, unread)
    before = _closes_before(closes.judged, splits.today)
    calendar = calendar_of(
        day.connection, day.business_date, day.settings_seq, master.names, added.events, day.since, before
    )
    record_states(day.connection, day.firm_id, day.business_date, (*calendar.due, *calendar.ahead))
    return _Events(splits, announced_events(told), calendar)


def _in_effect(day: MarketDay, master: _Master, closes: _Closes, events: _Events) -> _InEffect:
    """Good closes of securities that nothing bars, in shares of the business date."""
    past = {name: price.close for name, price in closes.past.before.items()}
    barred = {
        **master.barred,
        **identifiers_to_doubt(day.connection, master.called, closes.asked),
        **events.splits.barred,
        **_barred_by(events.calendar, day.business_date),
        **already_in_prices(events.splits.today, past),
    }
    good = {
        name: Price(name, price.as_of or day.as_of, price.close or Decimal(0))
        for name, price in closes.judged.items()
        if price.is_good and name not in barred and master.securities[name].currency == DOLLARS
    }
    prices, unpriced = closes_in_effect(good, events.calendar.due)
    securities = without_untradable(master.securities, events.calendar.due)
    return _InEffect(securities, prices, barred | unpriced)


def _closes_before(judged: Mapping[SecurityId, JudgedPrice], splits: Sequence[Split]) -> dict[SecurityId, Decimal]:
    """Good closes, dollars; a split in doubt has none to judge a custodian by."""
    found = {name: price.close for name, price in judged.items() if price.is_good and price.close is not None}
    return found | {each.security_id: each.close_before for each in splits if each.close_before is not None}


def _barred_by(calendar: ActionCalendar, business_date: date) -> dict[SecurityId, DataCode]:
    """Securities whose holders do not trade on the ex-date of an event that waits (32 to 34, 36)."""
    return {
        each.security_id: each.code
        for each in calendar.due
        if each.ex_on == business_date and each.state is EventState.ANNOUNCED and each.code is not None
    }


def _held(day: MarketDay) -> set[str]:
    positions = day.deliveries.get("positions")
    return facts.held_securities(day.connection, positions) if positions is not None else set()


# --- findings ---------------------------------------------------------------------------------------------------


def _findings(day: MarketDay, parts: _Parts) -> MarketFindings:
    """What accounts look up."""
    closes, events, in_effect = parts.closes, parts.events, parts.in_effect
    return MarketFindings(
        faulty_prices={name: price for name, price in sorted(closes.judged.items()) if not price.is_good},
        barred=in_effect.barred,
        splits=events.splits.today,
        earlier_splits=events.splits.earlier,
        events=events.announced,
        due=events.calendar.due,
        inheritors=inheritors(parts.so_far),
        sync=_sync(parts),
        duplicate_lots=_duplicate_lots(day),
        missing_accounts=_missing_accounts(day),
        model_faults=parts.models.faults,
        stops=price_file_stops(day.firm_id, closes.asked, closes.judged, closes.past),
        former_names=parts.master.former,
        proxied=parts.proxied,
        incomplete={
            each.security_id: f"it lacks {', '.join(each.lacks)}"
            for each in incomplete(in_effect.securities, parts.risk.securities, parts.added.proxies, parts.proxied)
        },
        lists=_lists(parts),
        value_jumps=value_jumps(day.connection, day.deliveries, day.business_date, day.settings_seq),
        missing_deposits=deposits_not_come(day.connection, day.deliveries, day.business_date, day.settings_seq),
    )


def _sync(parts: _Parts) -> tuple[SyncLine, ...]:
    judged = parts.closes.judged
    sources = SourcesOfDay(
        held=parts.held,
        price_dates={name: price.as_of for name, price in judged.items() if price.as_of is not None},
        targeted=parts.models.targeted,
        risk_covered=parts.risk.securities.keys(),
    )
    return sync_report(parts.events.announced, sources)


def _lists(parts: _Parts) -> tuple[RestrictionList, ...]:
    """Those in force, by the master's own names, after the events since they were stated."""
    names, securities = parts.master.names, parts.in_effect.securities
    return lists_in_effect([_known_list(each, names, securities) for each in parts.added.lists], parts.so_far)


def _known_list(
    each: RestrictionList, names: Mapping[str, SecurityId], securities: Mapping[SecurityId, Security]
) -> RestrictionList:
    """The list by the master's own names. What the master does not know nobody can buy anyway: it is left out."""
    known = {names.get(name, name) for name in each.securities}
    return replace(each, securities=tuple(sorted(known & securities.keys())))


def _duplicate_lots(day: MarketDay) -> tuple[LotId, ...]:
    lots = day.deliveries.get("lots")
    return () if lots is None else tuple(LotId(name) for name in facts.lots_of_two_accounts(day.connection, lots))


def _missing_accounts(day: MarketDay) -> tuple[str, ...]:
    accounts = day.deliveries.get("accounts")
    return () if accounts is None else tuple(facts.accounts_not_in(day.connection, accounts))
