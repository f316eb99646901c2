"""The market of one business day: securities, closes after corporate actions, models and risk model.

What is wrong with a price, a security or a model is found here once, so that accounts only look it up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import log
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from trimtab.db import inputs as facts
from trimtab.db import suspensions
from trimtab.db.alerts import raise_alert
from trimtab.db.deliveries import FeedState, loaded_before
from trimtab.db.settings_versions import MODEL, held_settings
from trimtab.domain.corporate_actions import (
    ActionKind,
    ActionStatus,
    CorporateAction,
    NotASplit,
    effective_splits,
    exact_ratio,
    split_prices,
)
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding
from trimtab.domain.lots import LotId
from trimtab.domain.market import Price, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import (
    CODE_OF_STATUS,
    JudgedPrice,
    Quote,
    judge_price,
    price_file_findings,
)
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.domain.wash_sales import DAYS_EITHER_SIDE

_LISTED: Final = (SecurityKind.STOCK, SecurityKind.ETF)
_SPLIT_LIKENESS: Final = 0.15  # |ln(move / ratio)| below which a move is the split's (CA-7)
_SMALLEST_SPLIT: Final = 0.2  # |ln ratio|: smaller ones drown in a day's move
_OPENED_BY: Final = "market check"
_MODELS: TypeAdapter[ModelPortfolio] = TypeAdapter(ModelPortfolio)


@dataclass(frozen=True, slots=True)
class SplitToday:
    """A split that takes effect on the business date. `close_before` is dollars an old share, None when it is bad."""

    event_id: str
    version: int
    kind: ActionKind
    security_id: SecurityId
    ex_on: date
    new_shares: int
    old_shares: int
    cash_per_share: Decimal | None
    close_before: Decimal | None


@dataclass(frozen=True, slots=True)
class MarketFindings:
    """What was found once for all accounts of a run."""

    faulty_prices: Mapping[SecurityId, JudgedPrice] = field(default_factory=dict)
    barred: Mapping[SecurityId, DataCode] = field(default_factory=dict)  # beyond its price: holders are suspended
    splits: tuple[SplitToday, ...] = ()
    earlier_splits: tuple[SplitToday, ...] = ()  # since the oldest open wash sale window
    duplicate_lots: tuple[LotId, ...] = ()
    missing_accounts: tuple[str, ...] = ()
    model_faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stops: tuple[Finding, ...] = ()  # the whole firm


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
    securities = facts.securities_of(connection, ids["securities"]) if "securities" in ids else {}
    judged = _judged_prices(connection, ids.get("prices"), securities, as_of)
    splits, earlier, barred = _splits(connection, business_date, judged)
    barred |= _already_split(connection, business_date, judged, splits)
    good = {
        name: Price(name, price.as_of or as_of, price.close or Decimal(0))
        for name, price in judged.items()
        if price.is_good and name not in barred
    }
    prices = split_prices(good, [action_of(split) for split in splits], business_date)
    models, model_faults = _models(connection, business_date, settings_seq)
    findings = MarketFindings(
        faulty_prices={name: price for name, price in sorted(judged.items()) if not price.is_good},
        barred=barred,
        splits=splits,
        earlier_splits=earlier,
        duplicate_lots=_duplicate_lots(connection, ids.get("lots")),
        missing_accounts=_missing(connection, ids.get("accounts")),
        model_faults=model_faults,
        stops=_price_file_stops(connection, firm_id, business_date, as_of, securities, judged),
    )
    snapshot = MarketSnapshot(as_of, securities, prices, _risk_model(connection, states, as_of))
    held = facts.held_securities(connection, ids["positions"]) if "positions" in ids else set()
    _tell(connection, firm_id, business_date, findings, held | _targeted(models), securities)
    return FrozenMarket(snapshot, findings, models)


# --- prices -----------------------------------------------------------------------------------------------------


def _judged_prices(
    connection: Connection, delivery_id: str | None, securities: Mapping[SecurityId, Security], as_of: date
) -> dict[SecurityId, JudgedPrice]:
    """One judgement for each security of the master."""
    if delivery_id is None:
        return {}
    quotes: dict[SecurityId, list[Quote]] = {}
    for row in facts.prices_of(connection, delivery_id):
        if row.security_id is not None:
            quotes.setdefault(row.security_id, []).append(Quote(row.close, row.as_of, currency=row.currency))
    names = _by_any_name(securities)
    for key in facts.quarantined_keys(connection, delivery_id):
        if key in names:
            quotes.setdefault(names[key], []).append(Quote(None, as_of))
    return {
        name: judge_price(quotes.get(name, ()), as_of, security.currency)
        for name, security in sorted(securities.items())
    }


def _by_any_name(securities: Mapping[SecurityId, Security]) -> dict[str, SecurityId]:
    named: dict[str, SecurityId] = {}
    for security in securities.values():
        for name in (security.symbol, security.figi, security.isin, security.cusip, security.id):
            if name:
                named[name] = security.id
    return named


def _price_file_stops(
    connection: Connection,
    firm_id: str,
    business_date: date,
    as_of: date,
    securities: Mapping[SecurityId, Security],
    judged: Mapping[SecurityId, JudgedPrice],
) -> tuple[Finding, ...]:
    """Cases 14 and 15: the closes of listed securities against those of the file before."""
    before = loaded_before(connection, "prices", business_date)
    if before is None or not judged:
        return ()
    listed = {name for name, security in securities.items() if security.kind in _LISTED}
    previous = {
        row.security_id: Price(row.security_id, row.as_of, row.close)
        for row in facts.prices_of(connection, before.delivery_id)
        if row.security_id in listed
    }
    since, _ = _effective(_actions(facts.actions_between(connection, before.as_of, as_of)), None)
    adjusted = split_prices(previous, [action_of(split) for split in since], as_of)
    today = {name: price.close for name, price in judged.items() if name in listed and price.close is not None}
    return price_file_findings(firm_id, {name: price.close for name, price in adjusted.items()}, today)


# --- corporate actions ------------------------------------------------------------------------------------------


def _splits(
    connection: Connection, business_date: date, judged: Mapping[SecurityId, JudgedPrice]
) -> tuple[tuple[SplitToday, ...], tuple[SplitToday, ...], dict[SecurityId, DataCode]]:
    """Today's splits, those of the last thirty days, and the securities whose action must not be trusted."""
    rows = facts.actions_between(connection, business_date - DAYS_EITHER_SIDE, business_date)
    actions = _actions(rows)
    today, doubtful = _effective([action for action in actions if action.ex_on == business_date], judged)
    earlier, _ = _effective([action for action in actions if action.ex_on < business_date], None)
    unreadable = {
        row.security_id: DataCode.CA_UNSYNCED
        for row in rows
        if row.security_id is not None and row.ex_on == business_date and _unusable(row)
    }
    return today, earlier, {**doubtful, **unreadable}


def _actions(rows: Sequence[Row[Any]]) -> list[CorporateAction]:
    return [
        CorporateAction(
            event_id=row.event_id,
            version=row.version,
            kind=ActionKind(row.kind),
            security_id=SecurityId(row.security_id),
            ex_on=row.ex_on,
            ratio=None if row.new_shares is None else exact_ratio(row.new_shares, row.old_shares),
            cash_per_share=row.cash_per_share,
            status=ActionStatus(row.status),
        )
        for row in rows
        if row.security_id is not None and not _unusable(row)
    ]


def _unusable(row: Row[Any]) -> bool:
    """A split without a ratio of its shares."""
    if row.kind == ActionKind.DVCA:
        return False
    try:
        exact_ratio(row.new_shares or Decimal(0), row.old_shares or Decimal(0))
    except NotASplit:
        return True
    return False


def _effective(
    actions: Sequence[CorporateAction], judged: Mapping[SecurityId, JudgedPrice] | None
) -> tuple[tuple[SplitToday, ...], dict[SecurityId, DataCode]]:
    """Splits that may be applied, and the securities of doubtful ones. All events, whatever their ex-date."""
    found: list[SplitToday] = []
    doubtful: dict[SecurityId, DataCode] = {}
    for day in sorted({action.ex_on for action in actions}):
        splits = effective_splits(actions, day)
        found += [_split(action, judged) for action in splits.applicable]
        doubtful |= {action.security_id: DataCode.CA_UNSYNCED for action in splits.doubtful}
    of_security: dict[SecurityId, set[tuple[date, int, int]]] = {}
    for split in found:
        of_security.setdefault(split.security_id, set()).add((split.ex_on, split.new_shares, split.old_shares))
    for name, terms in of_security.items():
        if len({each[0] for each in terms}) < len(terms):  # two events, one day, different ratios (case 36)
            doubtful[name] = DataCode.CA_CONFLICT
    unique = {(split.security_id, split.ex_on): split for split in found if split.security_id not in doubtful}
    return tuple(unique.values()), doubtful


def _split(action: CorporateAction, judged: Mapping[SecurityId, JudgedPrice] | None) -> SplitToday:
    price = (judged or {}).get(action.security_id)
    ratio = action.split_ratio
    return SplitToday(
        event_id=action.event_id,
        version=action.version,
        kind=action.kind,
        security_id=action.security_id,
        ex_on=action.ex_on,
        new_shares=ratio.numerator,
        old_shares=ratio.denominator,
        cash_per_share=action.cash_per_share,
        close_before=price.close if price is not None and price.is_good else None,
    )


def action_of(split: SplitToday) -> CorporateAction:
    """The split as the domain's event."""
    return CorporateAction(
        event_id=split.event_id,
        version=split.version,
        kind=split.kind,
        security_id=split.security_id,
        ex_on=split.ex_on,
        ratio=exact_ratio(Decimal(split.new_shares), Decimal(split.old_shares)),
        cash_per_share=split.cash_per_share,
    )


def _already_split(
    connection: Connection,
    business_date: date,
    judged: Mapping[SecurityId, JudgedPrice],
    splits: Sequence[SplitToday],
) -> dict[SecurityId, DataCode]:
    """Securities whose closes look divided already, the evening before the split takes effect (case 30)."""
    before = loaded_before(connection, "prices", business_date)
    large = [split for split in splits if abs(log(split.new_shares / split.old_shares)) > _SMALLEST_SPLIT]
    if before is None or not large:
        return {}
    names = {split.security_id for split in large}
    previous = {
        row.security_id: row.close
        for row in facts.prices_of(connection, before.delivery_id)
        if row.security_id in names and row.close > 0
    }
    return {
        split.security_id: DataCode.CA_UNSYNCED
        for split in large
        if split.close_before is not None
        and split.security_id in previous
        and _moved_by(previous[split.security_id], split.close_before, split.new_shares / split.old_shares)
    }


def _moved_by(before: Decimal, now: Decimal, ratio: float) -> bool:
    return abs(log(float(before) / float(now)) - log(ratio)) < _SPLIT_LIKENESS


# --- models and risk --------------------------------------------------------------------------------------------


def _models(
    connection: Connection, business_date: date, seq: int
) -> tuple[dict[str, ModelPortfolio], dict[str, tuple[str, ...]]]:
    """The models that hold on the day, and what was wrong with the rows of some."""
    held = held_settings(connection, MODEL, business_date, seq)
    published = {name: value for name, value in sorted(held.items()) if not value.get("withdrawn")}
    models = {name: _MODELS.validate_python(value, strict=False) for name, value in published.items()}
    faults = {name: tuple(value.get("faults", ())) for name, value in published.items()}
    return models, {name: messages for name, messages in faults.items() if messages}


def _targeted(models: Mapping[str, ModelPortfolio]) -> set[str]:
    return {name for model in models.values() for name in model.weights}


def _risk_model(connection: Connection, states: Mapping[str, FeedState], as_of: date) -> RiskModel:
    """The vendor's model. Exposures and covariance that name different factors cover nothing."""
    exposures, covariance = states["risk_exposures"], states["risk_covariance"]
    if exposures.delivery_id is None or covariance.delivery_id is None:
        return RiskModel("NONE", as_of, (), (), {})
    factors = tuple(covariance.detail.get("factors", ()))
    matrix = facts.covariance_of(connection, covariance.delivery_id)
    covered = facts.exposures_of(connection, exposures.delivery_id)
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
) -> None:
    """One alert for each faulty security that somebody holds or targets, each faulty model, and each stop."""
    for name, price in findings.faulty_prices.items():
        if name in concerned:
            message = f"the price of {_shown(name, securities)} is {price.status.lower().replace('_', ' ')}"
            _alert(connection, firm_id, business_date, CODE_OF_STATUS[price.status], f"security/{name}", message)
    for name, code in sorted(findings.barred.items()):
        message = f"sources disagree about the corporate action of {_shown(name, securities)}"
        _alert(connection, firm_id, business_date, code, f"security/{name}", message)
    for model_id, messages in findings.model_faults.items():
        message = f"model {model_id}: {messages[0]}"
        _alert(connection, firm_id, business_date, DataCode.MODEL_INVALID, f"model/{model_id}", message)
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


__all__ = ["FrozenMarket", "MarketFindings", "SplitToday", "action_of", "freeze_market"]
