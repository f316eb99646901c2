"""Model portfolios: the weights that a manager publishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from trimtab.domain.accounts import ModelId
from trimtab.domain.securities import SecurityId

WEIGHT_TOLERANCE = Decimal("0.000001")
UNDECLARED_CASH_LIMIT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Substitute:
    """A security that counts towards the target of a model name: held ones are kept, the model name is bought first."""

    security_id: SecurityId
    hurdle_bps: Decimal = Decimal(0)  # 0 to 999: bought instead of the model name only when that gains more than this
    buyable: bool = True  # False: held when owned, never bought (X7)


@dataclass(frozen=True, slots=True)
class ModelPortfolio:
    """Target weights by security, fractions of account value. `cash_weight` is None when the model declares none."""

    id: ModelId
    version: int
    effective_on: date
    weights: Mapping[SecurityId, Decimal]
    cash_weight: Decimal | None = None
    substitutes: Mapping[SecurityId, tuple[Substitute, ...]] = field(default_factory=dict)  # by model name (M2)

    @property
    def invested_weight(self) -> Decimal:
        return sum(self.weights.values(), Decimal(0))

    @property
    def cash(self) -> Decimal:
        """The declared cash weight, or the small remainder that counts as cash (case 94)."""
        return self.cash_weight if self.cash_weight is not None else Decimal(1) - self.invested_weight

    def in_names(self, names: Mapping[str, SecurityId]) -> "ModelPortfolio":
        """With names that the master has learnt since it came; one that would stand twice keeps its own."""
        known = {name: names.get(name, name) for name in self.weights}
        if len(set(known.values())) < len(known):
            return self
        return replace(self, weights={known[name]: weight for name, weight in sorted(self.weights.items())})
