"""The problem behind a certificate, as the checker derives it from the input: one leg a security.

Shares no code with the arrays that the solvers read. Weights are fractions of account value; here decimals become
floats, because a bound is no money. The rules are those of docs/formulation.md, section Problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import floor, inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE, Parameters, parameters_for, wait_ramp
from trimtab.domain.lots import LotId, TaxLot, first_long_term_sale_date
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_target import checked_target
from trimtab.domain.optimizer.checked_washes import CheckedWashes
from trimtab.domain.securities import SecurityId

_ROUND_OFF: Final = 1e-9
"""Shares, or weight, by which a float may miss a whole number or a limit that it stands for."""


@dataclass(frozen=True, slots=True)
class LotLeg:
    """One lot: how much of it may be sold, and what selling a unit of it costs in tax."""

    id: LotId
    most: float  # weight
    tax: float  # a unit sold, as a mean over the whole lot; negative for a credited loss
    at_loss: bool
    washed: float  # weight of it whose loss is washed when all of it is sold
    wash_cost: float  # tax of a unit washed above that of one that is not


@dataclass(frozen=True, slots=True)
class Leg:
    """One security: what it weighs and is to weigh, and how far its rules let it trade."""

    security_id: SecurityId
    key: str  # wash key
    holding: float
    target: float
    half_spread: float  # of a unit traded
    share: float  # weight of one share, 0 without a price
    whole: bool
    least_bought: float
    most_bought: float
    least_sold: float
    most_sold: float
    lots: tuple[LotLeg, ...]  # those that may be sold, cheapest tax first

    @property
    def active(self) -> float:
        return self.holding - self.target

    def sellable(self, lots: Sequence[LotLeg]) -> float:
        """The most that may be sold of some of its lots: whole shares of them, and no more than its rules allow."""
        return min(self.most_sold, _whole(sum(lot.most for lot in lots), self.share, self.whole))


@dataclass(frozen=True, slots=True)
class CheckedProblem:
    """Everything that the objective and its lower bound read."""

    legs: tuple[Leg, ...]
    contested: frozenset[str]  # wash keys that could be sold at a loss and bought on one day
    loadings: NDArray[np.float64]  # (legs, factors), whitened
    specific_risk: NDArray[np.float64]  # (legs,), annualised, the risk model's own
    variance: NDArray[np.float64]  # (legs,), specific, floored as in the objective
    cash: float
    cash_least: float  # no list ends below it
    cash_wanted: float
    commission: float  # of one order
    parameters: Parameters
    washes: CheckedWashes


def checked_problem(account: CheckedAccount, risk: CheckedRisk) -> CheckedProblem:
    """The problem of an account worth more than nothing."""
    return _Derivation(account, risk).problem()


class _Derivation:
    """From the account's facts to its legs."""

    def __init__(self, account: CheckedAccount, risk: CheckedRisk) -> None:
        self._account, self._risk = account, risk
        self._value = account.value
        self._today = account.snapshot.business_date
        self._parameters = parameters_for(account.settings, self._today)
        self._target = checked_target(account)

    def problem(self) -> CheckedProblem:
        legs = self._legs(unlocked=False)
        contested = _contested(legs) if self._account.taxable else frozenset()
        cash, required = float(self._account.cash_before / self._value), self._required
        if cash < required and required - cash - _most_raised(legs, contested) > _ROUND_OFF:
            legs = self._legs(unlocked=True)  # the cash is owed: losses that a purchase washes may be sold for it
            contested = _contested(legs) if self._account.taxable else frozenset()
        ids = [leg.security_id for leg in legs]
        specific = self._risk.specific_risk(ids)
        return CheckedProblem(
            legs=legs,
            contested=contested,
            loadings=self._risk.loadings(ids),
            specific_risk=specific,
            variance=np.maximum(specific, self._parameters.specific_risk_floor) ** 2,
            cash=cash,
            cash_least=self._cash_least(cash + _most_raised(legs, contested)),
            cash_wanted=max(float(self._target.cash), required),
            commission=float(self._account.settings.commission / self._value),
            parameters=self._parameters,
            washes=self._washes,
        )

    @cached_property
    def _required(self) -> float:
        return float(self._account.cash_required / self._value)

    def _cash_least(self, attainable: float) -> float:
        """What must be there; and purchases, but for those that a band demands, stop half way to the wanted cash."""
        required = self._account.cash_required
        half_way = required + CASH_FLOOR_SHARE * max(self._target.cash * self._value - required, ZERO)
        stop = float(min(half_way, self._account.cash_before) / self._value)
        return max(self._required, min(stop, attainable))

    def _legs(self, *, unlocked: bool) -> tuple[Leg, ...]:
        account = self._account
        self._washes = account.washes(unlocked=unlocked)
        held = {each for each, quantity in account.quantity.items() if quantity != 0}
        banded = {each for each, band in account.settings.weight_bands.items() if band.minimum > 0}
        return tuple(self._leg(each) for each in sorted(held | self._target.weights.keys() | banded))

    def _leg(self, security_id: SecurityId) -> Leg:
        account = self._account
        security, price = account.market.securities.get(security_id), account.market.prices.get(security_id)
        close = price.close if price is not None and price.close > 0 else ZERO
        lots = self._lot_legs(security_id, float(close))
        leg = Leg(
            security_id=security_id,
            key=account.wash_key(security_id),
            holding=float(account.worth(security_id) / self._value),
            target=float(self._target.weights.get(security_id, ZERO)),
            half_spread=float(security.half_spread_bps * BASIS_POINT) if security else 0.0,
            share=float(close) / float(self._value),
            whole=account.whole_shares(security_id),
            least_bought=0.0,
            most_bought=1.0 if self._may_buy(security_id) else 0.0,
            least_sold=0.0,
            most_sold=inf,
            lots=tuple(sorted(lots, key=lambda lot: (lot.tax, lot.id))),
        )
        return self._within_band(replace(leg, most_sold=leg.sellable(leg.lots)))

    def _may_buy(self, security_id: SecurityId) -> bool:
        account = self._account
        wanted = security_id in self._target.weights or account.band(security_id).minimum > 0
        barred = security_id in account.never_buy | account.never_hold | account.never_trade
        in_window = account.wash_key(security_id) in account.barred_keys
        return wanted and not barred and not in_window and not account.untouchable(security_id)

    def _within_band(self, leg: Leg) -> Leg:
        """No trade leaves the band; one missed by more than its tolerance must be mended as far as may be."""
        account, band = self._account, self._account.band(leg.security_id)
        tolerance = float(max(BAND_TOLERANCE, account.settings.minimum_trade / self._value))
        over, under = leg.holding - float(band.maximum), float(band.minimum) - leg.holding
        most_bought = min(leg.most_bought, max(-over, 0.0))
        if leg.security_id in account.never_hold:
            least_sold = most_sold = leg.most_sold
        else:
            most_sold = min(leg.most_sold, max(-under, 0.0))
            least_sold = _due(over, most_sold, tolerance)
        return replace(
            leg,
            least_bought=_due(under, most_bought, tolerance),
            most_bought=most_bought,
            least_sold=least_sold,
            most_sold=most_sold,
        )

    def _lot_legs(self, security_id: SecurityId, close: float) -> list[LotLeg]:
        account = self._account
        barred = security_id in account.never_sell or security_id in account.never_trade
        if barred or account.untouchable(security_id):
            return []
        legs = []
        for lot in account.lots_of(security_id):
            if account.too_young(lot) is None and lot.id not in self._washes.locked:
                legs.append(self._lot_leg(lot, close))
        return legs

    def _lot_leg(self, lot: TaxLot, close: float) -> LotLeg:
        proceeds = float(lot.quantity) * close
        most, at_loss = proceeds / float(self._value), self._account.stands_at_loss(lot)
        if not self._account.taxable:
            return LotLeg(lot.id, most, 0.0, at_loss, 0.0, 0.0)
        clean = self._tax(lot, proceeds, washed=False)
        wash_cost = self._tax(lot, proceeds, washed=True) - clean if at_loss else 0.0
        share = float(self._washes.if_sold.get(lot.id, ZERO) / lot.quantity)
        return LotLeg(lot.id, most, clean + share * wash_cost, at_loss, share * most, wash_cost)

    def _tax(self, lot: TaxLot, proceeds: float, *, washed: bool) -> float:
        """Of a unit sold. A washed loss saves nothing and costs what a gain of its size would."""
        parameters, settings = self._parameters, self._account.settings
        gain = (proceeds - float(lot.cost)) / proceeds
        short, long = float(settings.short_term_rate), float(settings.long_term_rate)
        wait = (first_long_term_sale_date(lot.holding_from) - self._today).days
        rate = short if wait > 0 else long
        if washed:
            return -rate * gain * parameters.gain_tax_weight
        if self._account.stands_at_loss(lot):
            of_basis = -gain / max(1 - gain, 1e-12)
            ramp = min(max((of_basis / parameters.full_credit_loss - 0.5) * 2, 0.0), 1.0)
            return rate * gain * (parameters.loss_credit * ramp)
        patience = parameters.wait_weight * max(short - long, 0.0) * max(gain, 0.0) * wait_ramp(wait)
        return rate * gain * parameters.gain_tax_weight + patience


def _whole(weight: float, share: float, whole: bool) -> float:
    """`weight` less what is no whole share of it."""
    if not whole or share <= 0:
        return weight
    return min(floor(weight / share + _ROUND_OFF) * share, weight)


def _due(missed: float, allowed: float, tolerance: float) -> float:
    """The least trade that mends a band missed by `missed`; none when what is allowed would be too small a trade."""
    return min(missed, allowed) if missed > tolerance and allowed >= tolerance else 0.0


def _contested(legs: Sequence[Leg]) -> frozenset[str]:
    losing = {leg.key for leg in legs if any(lot.at_loss and lot.most > 0 for lot in leg.lots)}
    return frozenset(losing & {leg.key for leg in legs if leg.most_bought > 0})


def _most_raised(legs: Sequence[Leg], contested: frozenset[str]) -> float:
    """The most cash that sales can bring after the purchases that bands demand, each contested key on one side."""
    selling: dict[str, float] = {}
    keeping: dict[str, float] = {}
    for leg in legs:
        spent = (1 + leg.half_spread) * leg.least_bought
        sold = kept = leg.most_sold
        if leg.key in contested:
            kept = leg.sellable([lot for lot in leg.lots if not lot.at_loss])
            sold = -inf if leg.least_bought > 0 else sold
            kept = -inf if leg.least_sold > kept + _ROUND_OFF else kept
        selling[leg.key] = selling.get(leg.key, 0.0) + (1 - leg.half_spread) * sold - spent
        keeping[leg.key] = keeping.get(leg.key, 0.0) + (1 - leg.half_spread) * kept - spent
    return sum(max(selling[key], keeping[key]) for key in selling)
