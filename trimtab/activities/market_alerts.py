"""What freezing a market tells people: each fault once a day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from trimtab.activities.doubts import why_barred
from trimtab.activities.event_effects import ModelMove
from trimtab.activities.frozen_market import FrozenMarket, MarketDay, MarketFindings
from trimtab.activities.market_models import ModelsOfDay
from trimtab.db import suspensions
from trimtab.db.alerts import raise_alert
from trimtab.db.profile_changes import limits_on
from trimtab.db.programme import read_programme
from trimtab.db.variant_limits import approved_beyond, beyond_limits
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import DifferenceException
from trimtab.domain.price_checks import CODE_OF_STATUS
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope
from trimtab.domain.validation import MarketFacts, model_findings

DIFFERENCE_LOST: Final = "DIFFERENCE_NOT_APPLIED"
"""The alert about a variant's difference that its parent has outgrown."""

MODEL_MOVED: Final = "MODEL_MOVED_BY_EVENT"
"""The alert about a model whose weights an event has moved: its owner decides whether they stay."""

BEYOND_LIMITS: Final = "BEYOND_LIMITS"
"""The alert about a variant, and the flag of an account, beyond the customisation limits without an approval."""

_OPENED_BY: Final = "market check"


def tell_market(day: MarketDay, frozen: FrozenMarket, models: ModelsOfDay, held: set[str]) -> None:
    """Raise the day's alerts and set the firm's stops; repeating it adds nothing. `held`: by any account."""
    securities = frozen.snapshot.securities
    _tell_moves(day, models.moves)
    _tell_securities(day, frozen.findings, held | models.targeted, securities)
    _tell_models(day, models, securities)
    _stop_firm(day, frozen.findings.stops)
    _tell_lost_differences(day, models.exceptions)
    _tell_beyond_limits(day, frozen.snapshot.risk_model)


def _tell_moves(day: MarketDay, moves: Iterable[ModelMove]) -> None:
    """One alert a day for each model and event, until the model's owner states it anew."""
    for move in moves:
        _alert(day, MODEL_MOVED, f"model/{move.model_id}/{move.event_id}", move.message)


def _tell_securities(
    day: MarketDay, findings: MarketFindings, concerned: Collection[str], securities: Mapping[SecurityId, Security]
) -> None:
    """One alert for each faulty price of what somebody holds or targets, and for each security that is barred."""
    for name, price in findings.faulty_prices.items():
        if name in concerned:
            message = f"the price of {_shown(name, securities)} is {price.status.words}"
            _alert(day, CODE_OF_STATUS[price.status], f"security/{name}", message)
    for name, code in sorted(findings.barred.items()):
        _alert(day, code, f"security/{name}", why_barred(code, _shown(name, securities)))


def _tell_models(day: MarketDay, models: ModelsOfDay, securities: Mapping[SecurityId, Security]) -> None:
    """One alert for each fault of a model: of its rows, and of what they come to."""
    for model_id, messages in models.faults.items():
        _alert(day, DataCode.MODEL_INVALID, f"model/{model_id}", f"model {model_id}: {messages[0]}")
    for found in _faults(models.models.values(), MarketFacts(day.business_date, securities, {}, frozenset())):
        _alert(day, found.code, f"model/{found.subject_id}", found.message)


def _faults(models: Iterable[ModelPortfolio], master: MarketFacts) -> Iterable[Finding]:
    return (found for model in models for found in model_findings(model, master))


def _stop_firm(day: MarketDay, stops: Sequence[Finding]) -> None:
    """Open the firm's stops that hold now, and end those that this check had opened and no longer finds."""
    codes = {str(stop.code) for stop in stops}
    for row in suspensions.open_rows(day.connection, SuspensionScope.FIRM, [day.firm_id]):
        if row.opened_by == _OPENED_BY and row.code not in codes:
            suspensions.lift_suspension(
                day.connection,
                day.firm_id,
                row.suspension_id,
                lifted_on=day.business_date,
                lifted_by=suspensions.SYSTEM,
                reason="the day's prices do not show it",
            )
    for stop in stops:
        suspensions.open_suspension(day.connection, day.firm_id, _suspension(day, stop))
        _alert(day, stop.code, "feed/prices", stop.message)


def _suspension(day: MarketDay, stop: Finding) -> Suspension:
    return Suspension(
        scope=SuspensionScope.FIRM,
        scope_id=day.firm_id,
        kind=SuspensionKind.DATA,
        code=str(stop.code),
        reason=stop.message,
        since=day.business_date,
        opened_by=_OPENED_BY,
    )


def _tell_lost_differences(day: MarketDay, exceptions: Iterable[DifferenceException]) -> None:
    for lost in exceptions:
        scope = f"variant/{lost.variant}/{lost.difference.asset_class}"
        _alert(day, DIFFERENCE_LOST, scope, f"{lost.variant}: {lost.reason}")


def _tell_beyond_limits(day: MarketDay, risk_model: RiskModel) -> None:
    """One alert for each variant that goes beyond the customisation limits without an approval (M5b)."""
    if not limits_on(day.connection, day.business_date, day.settings_seq):
        return
    programme = read_programme(day.connection, day.business_date, day.settings_seq)
    beyond = set(beyond_limits(programme, programme.variants, risk_model))
    for said in beyond - approved_beyond(day.connection, day.settings_seq):
        _alert(day, BEYOND_LIMITS, f"variant/{said.partition(':')[0]}", said)


def _shown(name: SecurityId, securities: Mapping[SecurityId, Security]) -> str:
    security = securities.get(name)
    return f"{security.symbol} ({name})" if security is not None and security.symbol else str(name)


def _alert(day: MarketDay, code: str, scope: str, message: str) -> None:
    raise_alert(
        day.connection,
        day.firm_id,
        cause=str(code),
        scope=scope,
        business_date=day.business_date,
        message=message,
    )
