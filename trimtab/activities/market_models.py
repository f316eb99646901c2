"""The models and the risk model of a business day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import TypeAdapter

from trimtab.activities.event_effects import ModelMove, models_in_effect
from trimtab.activities.frozen_market import MarketDay
from trimtab.activities.programme import cascade
from trimtab.db import inputs as facts
from trimtab.db.published_models import released_models
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.market import RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import DifferenceException
from trimtab.domain.securities import SecurityId

_MODELS: TypeAdapter[ModelPortfolio] = TypeAdapter(ModelPortfolio)


@dataclass(frozen=True, slots=True)
class ModelsOfDay:
    """The models that accounts follow today, after the events that hold, and what people must be told of them."""

    models: Mapping[str, ModelPortfolio]
    faults: Mapping[str, tuple[str, ...]]
    moves: tuple[ModelMove, ...]
    exceptions: tuple[DifferenceException, ...]

    @property
    def targeted(self) -> set[SecurityId]:
        return {name for model in self.models.values() for name in model.weights}


def models_of(
    day: MarketDay,
    names: Mapping[str, SecurityId],
    events: Sequence[AnyEvent],
    closes: Mapping[SecurityId, Decimal],
) -> ModelsOfDay:
    """Delivered models and the firm's programme. A name that is both has a fault. `closes`: dollars a share."""
    published, faults = _published(day, names)
    programme = cascade(day.connection, day.business_date, day.settings_seq)
    twice = {
        name: (f"{name} is delivered as a model and published as an allocation or variant",)
        for name in sorted(published.keys() & programme.models.keys())
    }
    stated = published | {name: model.in_names(names) for name, model in programme.models.items()}
    models, moves = models_in_effect(stated, events, closes, frozenset(programme.models))
    return ModelsOfDay(models, faults | programme.faults | twice, tuple(moves), programme.exceptions)


def _published(
    day: MarketDay, names: Mapping[str, SecurityId]
) -> tuple[dict[str, ModelPortfolio], dict[str, tuple[str, ...]]]:
    """The models that hold on the day, and what was wrong with the rows of some."""
    published = dict(sorted(released_models(day.connection, day.business_date, day.settings_seq).items()))
    models = {name: _MODELS.validate_python(value, strict=False).in_names(names) for name, value in published.items()}
    faults = {name: tuple(value.get("faults", ())) for name, value in published.items()}
    return models, {name: messages for name, messages in faults.items() if messages}


def risk_model_of(day: MarketDay, names: Mapping[str, SecurityId]) -> RiskModel:
    """The vendor's model. Exposures and covariance that name different factors cover nothing."""
    exposures, covariance = day.states["risk_exposures"], day.states["risk_covariance"]
    if exposures.delivery_id is None or covariance.delivery_id is None:
        return RiskModel("NONE", day.as_of, (), (), {})
    factors = tuple(covariance.detail.get("factors", ()))
    matrix = facts.covariance_of(day.connection, covariance.delivery_id)
    covered = facts.exposures_of(day.connection, exposures.delivery_id, names)
    if list(factors) != list(exposures.detail.get("factors", ())):
        covered = {}
    return RiskModel(
        id=f"{exposures.delivery_id}",
        as_of=day.as_of,
        factors=factors,
        factor_covariance=tuple(matrix[factor] for factor in factors),
        securities=covered,
    )
