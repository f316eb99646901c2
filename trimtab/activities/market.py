"""The market of one business day: securities, closes after corporate actions, models and risk model.

What is wrong with a price, a security or a model is found here once, so that accounts only look it up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from trimtab.activities.additions import additions
from trimtab.activities.announced_events import announced_events
from trimtab.activities.doubts import (
    former_cusips,
    identifiers_before,
    identifiers_to_doubt,
    value_jumps,
    why_barred,
)
from trimtab.activities.event_effects import (
    ModelMove,
    closes_in_effect,
    events_so_far,
    inheritors,
    lists_in_effect,
    models_in_effect,
    with_new_names,
    without_untradable,
)
from trimtab.activities.prices import PriceInputs, judged_prices, price_file_stops, price_past
from trimtab.activities.programme import cascade
from trimtab.activities.splits import Split, already_in_prices, judge_actions
from trimtab.corporate_action_calendar import ActionCalendar, DueEvent, calendar_of, record_states
from trimtab.db import inputs as facts
from trimtab.db import suspensions
from trimtab.db.alerts import raise_alert
from trimtab.db.corporate_actions import confirmed_terms
from trimtab.db.data_policy import accepted_exceptions, data_policy
from trimtab.db.deliveries import FeedState
from trimtab.db.event_terms import with_entries
from trimtab.db.profile_changes import limits_on
from trimtab.db.programme import read_programme
from trimtab.db.published_models import released_models
from trimtab.db.variant_limits import approved_beyond, beyond_limits
from trimtab.domain.corporate_actions_lifecycle import EventState
from trimtab.domain.corporate_actions_sync import AnnouncedEvent, SourcesOfDay, SyncLine, sync_report
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding
from trimtab.domain.lots import LotId
from trimtab.domain.market import Price, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import CODE_OF_STATUS, JudgedPrice
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId, names_of
from trimtab.domain.security_additions import incomplete, with_additions, with_proxies
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.domain.validation import DOLLARS, MarketFacts, model_findings
from trimtab.domain.wash_sales import DAYS_EITHER_SIDE

DIFFERENCE_LOST: Final = "DIFFERENCE_NOT_APPLIED"
"""The alert about a variant's difference that its parent has outgrown."""

MODEL_MOVED: Final = "MODEL_MOVED_BY_EVENT"
"""The alert about a model whose weights an event has moved: its owner decides whether they stay."""

BEYOND_LIMITS: Final = "BEYOND_LIMITS"
"""The alert about a variant, and the flag of an account, beyond the customisation limits without an approval."""

_OPENED_BY: Final = "market check"
_MODELS: TypeAdapter[ModelPortfolio] = TypeAdapter(ModelPortfolio)


@dataclass(frozen=True, slots=True)
class MarketFindings:
    """What was found once for all accounts of a run."""

    faulty_prices: Mapping[SecurityId, JudgedPrice] = field(default_factory=dict)
    barred: Mapping[SecurityId, DataCode] = field(default_factory=dict)  # beyond its price: holders are suspended
    splits: tuple[Split, ...] = ()
    earlier_splits: tuple[Split, ...] = ()  # since the oldest open wash sale window
    events: tuple[AnnouncedEvent, ...] = ()  # beyond splits and dividends, of the last weeks
    due: tuple[DueEvent, ...] = ()  # every event but dividends that holds or waits, in the order of application
    inheritors: Mapping[SecurityId, tuple[SecurityId, ...]] = field(default_factory=dict)  # of accounts' restrictions
    sync: tuple[SyncLine, ...] = ()  # the day's sync report (W-F1)
    duplicate_lots: tuple[LotId, ...] = ()
    missing_accounts: tuple[str, ...] = ()
    model_faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stops: tuple[Finding, ...] = ()  # the whole firm
    former_names: Mapping[str, SecurityId] = field(default_factory=dict)  # CUSIPs of before, and those the firm mapped
    proxied: Mapping[SecurityId, str] = field(default_factory=dict)  # whose risk is a proxy's, and where it is from
    incomplete: Mapping[SecurityId, str] = field(default_factory=dict)  # held, never bought: what is lacking
    lists: tuple[RestrictionList, ...] = ()  # in force on the day
    value_jumps: Mapping[str, str] = field(default_factory=dict)  # account id to how its value jumped, in words


@dataclass(frozen=True, slots=True)
class FrozenMarket:
    """What freezing computes before it is stored."""

    snapshot: MarketSnapshot
    findings: MarketFindings
    models: Mapping[str, ModelPortfolio]


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
    ids = {kind: state.delivery_id for kind, state in states.items() if state.delivery_id is not None}
    added = additions(connection, business_date, settings_seq)
    delivered = facts.securities_of(connection, ids["securities"]) if "securities" in ids else {}
    securities = with_additions(delivered, added.securities) if delivered else {}
    called = identifiers_before(connection, ids.get("securities"), business_date)
    since = business_date - DAYS_EITHER_SIDE
    told = facts.actions_between(connection, since, business_date, names_of(securities))
    delivered_actions = with_entries(told, added.events, since, business_date)
    renamed = with_new_names(securities, delivered_actions, business_date, {each.security_id for each in called})
    securities = renamed.securities
    former = {**former_cusips(called, securities), **renamed.former, **added.identifiers}
    names = {**former, **names_of(securities)}
    asked = PriceInputs(
        securities,
        names,
        business_date,
        as_of,
        data_policy(connection, firm_id, business_date, settings_seq),
        accepted_exceptions(connection, business_date, settings_seq),
    )
    past = price_past(connection, asked)
    judged = judged_prices(connection, ids, asked, past)
    told = facts.actions_between(connection, since, business_date, names)
    delivered_actions = with_entries(told, added.events, since, business_date)
    actions = judge_actions(delivered_actions, business_date, judged)
    events = announced_events(delivered_actions)
    calendar = calendar_of(
        connection, business_date, settings_seq, names, added.events, since, _closes_before(judged, actions.today)
    )
    record_states(connection, firm_id, business_date, (*calendar.due, *calendar.ahead))
    barred = {
        **renamed.barred,
        **identifiers_to_doubt(connection, called, asked),
        **actions.barred,
        **_barred_by(calendar, business_date),
        **already_in_prices(actions.today, {name: price.close for name, price in past.before.items()}),
    }
    good = {
        name: Price(name, price.as_of or as_of, price.close or Decimal(0))
        for name, price in judged.items()
        if price.is_good and name not in barred and securities[name].currency == DOLLARS
    }
    prices, unpriced = closes_in_effect(good, calendar.due)
    barred |= unpriced
    securities = without_untradable(securities, calendar.due)
    models, model_faults = _models(connection, business_date, settings_seq, names)
    programme = cascade(connection, business_date, settings_seq)
    model_faults |= programme.faults | {
        name: (f"{name} is delivered as a model and published as an allocation or variant",)
        for name in models.keys() & programme.models.keys()
    }
    models |= {name: _known_names(model, names) for name, model in programme.models.items()}
    closes = {name: price.close for name, price in prices.items()}
    so_far = events_so_far(confirmed_terms(connection, business_date), closes)
    models, moves = models_in_effect(models, so_far, closes, frozenset(programme.models))
    _tell_moves(connection, firm_id, business_date, moves)
    risk, proxied = with_proxies(_risk_model(connection, states, names, as_of), added.proxies)
    held = facts.held_securities(connection, ids["positions"]) if "positions" in ids else set()
    findings = MarketFindings(
        faulty_prices={name: price for name, price in sorted(judged.items()) if not price.is_good},
        barred=barred,
        splits=actions.today,
        earlier_splits=actions.earlier,
        events=events,
        due=calendar.due,
        inheritors=inheritors(so_far),
        sync=sync_report(
            events,
            SourcesOfDay(
                held=held,
                price_dates={name: price.as_of for name, price in judged.items() if price.as_of is not None},
                targeted=_targeted(models),
                risk_covered=risk.securities.keys(),
            ),
        ),
        duplicate_lots=_duplicate_lots(connection, ids.get("lots")),
        missing_accounts=_missing(connection, ids.get("accounts")),
        model_faults=model_faults,
        stops=price_file_stops(firm_id, asked, judged, past),
        former_names=former,
        proxied=proxied,
        incomplete={
            each.security_id: f"it lacks {', '.join(each.lacks)}"
            for each in incomplete(securities, risk.securities, added.proxies, proxied)
        },
        lists=lists_in_effect([_known_list(each, names, securities) for each in added.lists], so_far),
        value_jumps=value_jumps(connection, ids, business_date, settings_seq),
    )
    snapshot = MarketSnapshot(as_of, securities, prices, risk)
    _tell(connection, firm_id, business_date, findings, held | _targeted(models), securities, models)
    for exception in programme.exceptions:
        message = f"{exception.variant}: {exception.reason}"
        scope = f"variant/{exception.variant}/{exception.difference.asset_class}"
        raise_alert(
            connection, firm_id, cause=DIFFERENCE_LOST, scope=scope, business_date=business_date, message=message
        )
    _tell_beyond_limits(connection, firm_id, business_date, settings_seq, snapshot.risk_model)
    return FrozenMarket(snapshot, findings, models)


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


def _tell_moves(connection: Connection, firm_id: str, business_date: date, moves: Sequence[ModelMove]) -> None:
    """One alert a day for each model and event, until the model's owner states it anew."""
    for move in moves:
        scope = f"model/{move.model_id}/{move.event_id}"
        raise_alert(
            connection, firm_id, cause=MODEL_MOVED, scope=scope, business_date=business_date, message=move.message
        )


def _tell_beyond_limits(
    connection: Connection, firm_id: str, business_date: date, seq: int, risk_model: RiskModel
) -> None:
    """One alert for each variant that goes beyond the customisation limits without an approval (M5b)."""
    if not limits_on(connection, business_date, seq):
        return
    programme = read_programme(connection, business_date, seq)
    for said in set(beyond_limits(programme, programme.variants, risk_model)) - approved_beyond(connection, seq):
        scope = f"variant/{said.partition(':')[0]}"
        raise_alert(connection, firm_id, cause=BEYOND_LIMITS, scope=scope, business_date=business_date, message=said)


# --- models and risk --------------------------------------------------------------------------------------------


def _models(
    connection: Connection, business_date: date, seq: int, names: Mapping[str, SecurityId]
) -> tuple[dict[str, ModelPortfolio], dict[str, tuple[str, ...]]]:
    """The models that hold on the day, and what was wrong with the rows of some."""
    published = dict(sorted(released_models(connection, business_date, seq).items()))
    models = {
        name: _known_names(_MODELS.validate_python(value, strict=False), names) for name, value in published.items()
    }
    faults = {name: tuple(value.get("faults", ())) for name, value in published.items()}
    return models, {name: messages for name, messages in faults.items() if messages}


def _known_names(model: ModelPortfolio, names: Mapping[str, SecurityId]) -> ModelPortfolio:
    """The model with names that the master has learnt since it came; one that would stand twice keeps its own."""
    known = {name: names.get(name, name) for name in model.weights}
    if len(set(known.values())) < len(known):
        return model
    return replace(model, weights={known[name]: weight for name, weight in sorted(model.weights.items())})


def _known_list(
    each: RestrictionList, names: Mapping[str, SecurityId], securities: Mapping[SecurityId, Security]
) -> RestrictionList:
    """The list by the master's own names. What the master does not know nobody can buy anyway: it is left out."""
    known = {names.get(name, name) for name in each.securities}
    return replace(each, securities=tuple(sorted(known & securities.keys())))


def _targeted(models: Mapping[str, ModelPortfolio]) -> set[str]:
    return {name for model in models.values() for name in model.weights}


def _risk_model(
    connection: Connection, states: Mapping[str, FeedState], names: Mapping[str, SecurityId], as_of: date
) -> RiskModel:
    """The vendor's model. Exposures and covariance that name different factors cover nothing."""
    exposures, covariance = states["risk_exposures"], states["risk_covariance"]
    if exposures.delivery_id is None or covariance.delivery_id is None:
        return RiskModel("NONE", as_of, (), (), {})
    factors = tuple(covariance.detail.get("factors", ()))
    matrix = facts.covariance_of(connection, covariance.delivery_id)
    covered = facts.exposures_of(connection, exposures.delivery_id, names)
    if list(factors) != list(exposures.detail.get("factors", ())):
        covered = {}
    return RiskModel(
        id=f"{exposures.delivery_id}",
        as_of=as_of,
        factors=factors,
        factor_covariance=tuple(matrix[factor] for factor in factors),
        securities=covered,
    )


# --- accounts ---------------------------------------------------------------------------------------------------


def _duplicate_lots(connection: Connection, delivery_id: str | None) -> tuple[LotId, ...]:
    if delivery_id is None:
        return ()
    return tuple(LotId(name) for name in facts.lots_of_two_accounts(connection, delivery_id))


def _missing(connection: Connection, delivery_id: str | None) -> tuple[str, ...]:
    return () if delivery_id is None else tuple(facts.accounts_not_in(connection, delivery_id))


# --- telling ----------------------------------------------------------------------------------------------------


def _tell(
    connection: Connection,
    firm_id: str,
    business_date: date,
    findings: MarketFindings,
    concerned: set[str],
    securities: Mapping[SecurityId, Security],
    models: Mapping[str, ModelPortfolio],
) -> None:
    """One alert for each faulty security that somebody holds or targets, each faulty model, and each stop."""
    for name, price in findings.faulty_prices.items():
        if name in concerned:
            message = f"the price of {_shown(name, securities)} is {price.status.words}"
            _alert(connection, firm_id, business_date, CODE_OF_STATUS[price.status], f"security/{name}", message)
    for name, code in sorted(findings.barred.items()):
        message = why_barred(code, _shown(name, securities))
        _alert(connection, firm_id, business_date, code, f"security/{name}", message)
    for model_id, messages in findings.model_faults.items():
        message = f"model {model_id}: {messages[0]}"
        _alert(connection, firm_id, business_date, DataCode.MODEL_INVALID, f"model/{model_id}", message)
    master = MarketFacts(business_date, securities, {}, frozenset())
    for found in (each for model in models.values() for each in model_findings(model, master)):
        _alert(connection, firm_id, business_date, found.code, f"model/{found.subject_id}", found.message)
    _stop_firm(connection, firm_id, business_date, findings.stops)


def _stop_firm(connection: Connection, firm_id: str, business_date: date, stops: Sequence[Finding]) -> None:
    """Open the firm's stops that hold now, and end those that this check had opened and no longer finds."""
    codes = {str(stop.code) for stop in stops}
    for row in suspensions.open_rows(connection, SuspensionScope.FIRM, [firm_id]):
        if row.opened_by == _OPENED_BY and row.code not in codes:
            suspensions.lift_suspension(
                connection,
                firm_id,
                row.suspension_id,
                lifted_on=business_date,
                lifted_by=suspensions.SYSTEM,
                reason="the day's prices do not show it",
            )
    for stop in stops:
        wanted = Suspension(
            SuspensionScope.FIRM, firm_id, SuspensionKind.DATA, str(stop.code), stop.message, business_date, _OPENED_BY
        )
        suspensions.open_suspension(connection, firm_id, wanted)
        _alert(connection, firm_id, business_date, stop.code, "feed/prices", stop.message)


def _shown(name: SecurityId, securities: Mapping[SecurityId, Security]) -> str:
    security = securities.get(name)
    return f"{security.symbol} ({name})" if security is not None and security.symbol else str(name)


def _alert(connection: Connection, firm_id: str, business_date: date, code: DataCode, scope: str, message: str) -> None:
    raise_alert(connection, firm_id, cause=str(code), scope=scope, business_date=business_date, message=message)


__all__ = ["FrozenMarket", "MarketFindings", "freeze_market", "names_of"]
