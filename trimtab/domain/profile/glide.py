"""Glide paths: the target moves from one model to another, evenly by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.domain.accounts import ModelId
from trimtab.domain.model_portfolios import ModelPortfolio, Substitute
from trimtab.domain.money import ZERO
from trimtab.domain.profile.statements import Statement
from trimtab.domain.securities import SecurityId

_STEP: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Glide:
    """How far an account is on its way to another model; `share` is 0 before the start and 1 from the end on."""

    model: ModelId
    share: Decimal

    @classmethod
    def on(cls, said: Statement, day: date) -> "Glide | None":
        """Where a glide path stands on a day; None when there is none, or it has not begun."""
        if said.key != "glide_path" or not said.is_on:
            return None
        start, end = said.day("start"), said.day("end")
        gone = Decimal((day - start).days) / max((end - start).days, 1)
        share = min(max(gone, ZERO), Decimal(1)).quantize(_STEP)
        return cls(ModelId(said.values["model"]), share) if share else None

    def id_from(self, base: ModelId) -> ModelId:
        """The id of the mix."""
        return ModelId(f"{base}>{self.model}@{self.share}")


def parts_of(model_id: str) -> dict[str, Decimal]:
    """The models that an account follows by this id, with their shares: one, or both of a mix (`Glide.id_from`)."""
    base, is_mix, rest = model_id.partition(">")
    if not is_mix:
        return {model_id: Decimal(1)}
    other, _, share = rest.rpartition("@")
    return {base: 1 - Decimal(share), other: Decimal(share)}


def mixed(base: ModelPortfolio, glide: Glide, other: ModelPortfolio) -> ModelPortfolio:
    """(1 - share) of one model and share of the other, cash included."""
    kept, names = 1 - glide.share, sorted({*base.weights, *other.weights})
    weights = {
        name: kept * base.weights.get(name, ZERO) + glide.share * other.weights.get(name, ZERO) for name in names
    }
    return ModelPortfolio(
        id=glide.id_from(base.id),
        version=base.version,
        effective_on=max(base.effective_on, other.effective_on),
        weights=weights,
        cash_weight=kept * base.cash + glide.share * other.cash,
        substitutes=_substitutes(weights, base, other),
    )


def _substitutes(
    weights: Mapping[SecurityId, Decimal], *models: ModelPortfolio
) -> dict[SecurityId, tuple[Substitute, ...]]:
    """Those of both: a security stands in for one name only, and a name of the mix for none."""
    found: dict[SecurityId, tuple[Substitute, ...]] = {}
    taken = set(weights)
    for model in models:
        for name, members in model.substitutes.items():
            free = tuple(each for each in members if each.security_id not in taken)
            taken |= {each.security_id for each in free}
            if free:
                found[name] = (*found.get(name, ()), *free)
    return found
