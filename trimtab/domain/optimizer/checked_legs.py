"""One security and its lots, as the checker sees them: how far they may trade, and what that costs."""

from collections.abc import Mapping, Sequence
from math import floor
from types import MappingProxyType
from typing import Final, NamedTuple

from trimtab.domain.lots import LotId
from trimtab.domain.securities import SecurityId

ROUND_OFF: Final = 1e-9
"""Shares, or weight, by which a float may miss a whole number or a limit that it stands for."""

_SMALLEST_FRACTION: Final = 1e-4
"""Of a share, where fractions trade: what is less counts as nothing held."""


class LotLeg(NamedTuple):  # a tuple: an account has hundreds, and these are made in a third of a dataclass's time
    """One lot that may be sold. What is said of a unit is said of one unit of weight sold."""

    id: LotId
    most: float  # weight
    tax: float  # what a unit costs in the objective, as a mean over the lot; negative for a credited loss
    gain: float  # what a unit adds to the year's taxed gain, as a mean; nothing for a loss that is washed
    short_term: bool
    at_loss: bool
    washed: float  # share of it whose loss is washed when all of it is sold
    wash_cost: float  # what a washed unit costs more than one that is not


class Leg(NamedTuple):
    """One security: what it weighs and is to weigh, and how far its rules let it trade."""

    security_id: SecurityId
    key: str  # wash key
    of_set: SecurityId  # the model name that it stands in for, itself where there is none
    preference: float  # what a unit bought costs beside its price
    holding: float
    active: float  # weight here and held elsewhere, less target
    tilt: float  # expected excess return of a unit, a year
    half_spread: float  # of a unit traded
    share: float  # weight of one share, 0 without a price
    whole: bool
    least_bought: float
    most_bought: float
    least_sold: float
    most_sold: float
    lots: tuple[LotLeg, ...]  # those that may be sold, cheapest tax first
    purchased: Mapping[LotId, float] = MappingProxyType({})  # of those that purchases of its own wash, in order: theirs

    @property
    def crumb(self) -> float:
        """Weight that counts as nothing: less than one unit that trades."""
        return (self.share if self.whole else self.share * _SMALLEST_FRACTION) * (1 - 1e-6)

    def sellable(self, lots: Sequence[LotLeg]) -> float:
        """The most that may be sold of some of its lots: whole shares of them, and no more than its rules allow."""
        return min(self.most_sold, in_whole_shares(sum([lot.most for lot in lots]), self.share, self.whole))


def in_whole_shares(weight: float, share: float, whole: bool) -> float:
    """`weight` less what is no whole share of it."""
    if not whole or share <= 0:
        return weight
    return min(floor(weight / share + ROUND_OFF) * share, weight)
