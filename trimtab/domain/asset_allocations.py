"""Asset allocations, products and variants, kept apart: target = allocation x product choice (M3, MD-1, MD-2).

An allocation weighs asset classes. A product set lists, class by class, what may stand for a class: an ETF, a fund, a
direct index, a sleeve of several managers, each a model of securities. One allocation serves any choice of products.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from trimtab.domain.errors import TrimtabError
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

AllocationId = NewType("AllocationId", str)
ProductId = NewType("ProductId", str)

SUM_TOLERANCE = Decimal("0.000001")


class InvalidProgramme(TrimtabError):
    """An allocation, product or variant that cannot be, with the rule that it breaks and how to mend it."""

    code = "INVALID_PROGRAMME"


@dataclass(frozen=True, slots=True)
class AssetAllocation:
    """Weights of asset classes, fractions of account value; with cash they make 1."""

    id: AllocationId
    version: int
    effective_on: date
    weights: Mapping[str, Decimal]  # by asset class; a weight of zero means: hold, do not buy
    groups: Mapping[str, str] = field(default_factory=dict)  # asset class to its group, e.g. US_LARGE to EQUITY
    cash_weight: Decimal = ZERO
    product_set: str = ""  # whose products stand for its classes


class ProductKind(StrEnum):
    ETF = "ETF"
    FUND = "FUND"
    DIRECT_INDEX = "DIRECT_INDEX"
    UMA_SLEEVE = "UMA_SLEEVE"


@dataclass(frozen=True, slots=True)
class Product:
    """What may stand for a class: weights of securities that make 1, or a model that is published on its own."""

    id: ProductId
    asset_class: str
    kind: ProductKind
    weights: Mapping[SecurityId, Decimal] = field(default_factory=dict)
    model_id: str = ""  # the published model that gives the weights, e.g. a provider's: then there are none here


@dataclass(frozen=True, slots=True)
class ProductSet:
    """The approved products of each class; the first of a class is the one that is used unless another is chosen."""

    id: str
    version: int
    effective_on: date
    products: tuple[Product, ...]

    def approved(self, asset_class: str) -> tuple[Product, ...]:
        return tuple(product for product in self.products if product.asset_class == asset_class)

    def chosen(self, asset_class: str, product_id: ProductId | None = None) -> Product:
        """The named product, or the class's first. Raises InvalidProgramme when the class's list does not have it."""
        approved = self.approved(asset_class)
        if product_id is None and approved:
            return approved[0]
        for product in approved:
            if product.id == product_id:
                return product
        names = ", ".join(product.id for product in approved) or "none"
        wanted = f"product {product_id}" if product_id else "a product"
        raise InvalidProgramme(f"{wanted} for {asset_class} is not on its approved list ({names}): approve it first")


def require_sound_allocation(allocation: AssetAllocation) -> None:
    """Raises InvalidProgramme unless the weights are fractions that make 1 with cash."""
    for name, weight in {**allocation.weights, "cash": allocation.cash_weight}.items():
        if not weight.is_finite() or not 0 <= weight <= 1:
            raise InvalidProgramme(f"allocation {allocation.id}: the weight of {name} is {weight}, not between 0 and 1")
    total = sum(allocation.weights.values(), allocation.cash_weight)
    if abs(total - 1) > SUM_TOLERANCE:
        raise InvalidProgramme(
            f"allocation {allocation.id}: its weights and cash sum to {total}, not 1: change one by {1 - total}"
        )
    for name in allocation.groups.keys() - allocation.weights.keys():
        raise InvalidProgramme(f"allocation {allocation.id}: {name} has a group and no weight")


def require_sound_products(products: ProductSet) -> None:
    """Raises InvalidProgramme unless ids are unique and each product's weights make 1."""
    seen: set[ProductId] = set()
    for product in products.products:
        if product.id in seen:
            raise InvalidProgramme(f"product set {products.id}: product {product.id} stands twice")
        seen.add(product.id)
        if any(not weight.is_finite() or weight < 0 for weight in product.weights.values()):
            raise InvalidProgramme(f"product {product.id} has a weight that is negative or no number")
        if product.model_id and product.weights:
            raise InvalidProgramme(f"product {product.id} has weights of its own and a model: leave one of them out")
        if product.model_id:
            continue
        total = sum(product.weights.values(), ZERO)
        if abs(total - 1) > SUM_TOLERANCE:
            raise InvalidProgramme(f"product {product.id}: its weights sum to {total}, not 1")
