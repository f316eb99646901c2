"""The problem behind a certificate, as the checker derives it from the input: one leg a security.

Shares no code with the arrays that the solvers read. Weights are fractions of account value; here decimals become
floats, because a bound is no money. The rules are those of docs/formulation.md, section Problem.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.calibration import BAND_TOLERANCE, CASH_FLOOR_SHARE, Parameters, wait_ramp
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_legs import ROUND_OFF, Leg, LotLeg, in_whole_shares
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_sets import checked_sets
from trimtab.domain.optimizer.checked_target import checked_target
from trimtab.domain.optimizer.checked_washes import CheckedWashes
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class CheckedProblem:
    """Everything that the objective and its lower bound read, but for the rows of the whole account."""

    legs: tuple[Leg, ...]
    contested: frozenset[str]  # wash keys that could be sold at a loss and bought on one day
    has_sets: bool
    loadings: NDArray[np.float64]  # (legs, factors), whitened
    specific_risk: NDArray[np.float64]  # (legs,), annualised, the risk model's own
    variance: NDArray[np.float64]  # (legs,), specific, floored as in the objective
    cash: float
    cash_least: float  # no list ends below it
    cash_wanted: float
    tracking_limit: float | None  # most annualised tracking error
    most_names: int | None  # most securities held
    parameters: Parameters
    washes: CheckedWashes

    def by_set(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over each equivalence set, in the place of its first leg; zero in the others', (legs,)."""
        if not self.has_sets:
            return weights
        first: dict[SecurityId, int] = {}
        summed = np.zeros(len(weights))
        for place, leg in enumerate(self.legs):
            summed[first.setdefault(leg.of_set, place)] += weights[place]
        return summed

    @property
    def keys(self) -> dict[SecurityId, str]:
        """The wash key of each security."""
        return {leg.security_id: leg.key for leg in self.legs}


def checked_problem(account: CheckedAccount, risk: CheckedRisk) -> CheckedProblem:
    """The problem of an account worth more than nothing."""
    return _Derivation(account, risk).problem()


class _Derivation:
    """From the account's facts to its legs."""

    def __init__(self, account: CheckedAccount, risk: CheckedRisk) -> None:
        self._account, self._risk = account, risk
        self._dollars, self._value = account.value, float(account.value)
        self._parameters = account.parameters
        self._target = checked_target(account)
        self._sets = checked_sets(account, self._target.weights)
        self._risk_of = {member: each.risk_of for each in self._sets for member in each.members}
        self._set_of = {member: each.members[0] for each in self._sets for member in each.members}
        self._preference = {member: cost for each in self._sets for member, cost in each.preference.items()}
        self._short_rate = float(account.settings.short_term_rate)
        self._long_rate = float(account.settings.long_term_rate)
        self._tolerance = float(max(BAND_TOLERANCE, account.settings.minimum_trade / self._dollars))

    def problem(self) -> CheckedProblem:
        legs = self._legs(unlocked=False)
        contested = self._contested(legs)
        cash = float(self._account.cash_before / self._dollars)
        if cash < self._required and self._required - cash - _most_raised(legs, contested) > ROUND_OFF:
            legs = self._legs(unlocked=True)  # the cash is owed: losses that a purchase washes may be sold for it
            contested = self._contested(legs)
        ids = [self._risk_of.get(leg.security_id, leg.security_id) for leg in legs]
        specific, limit = self._risk.specific_risk(ids), self._account.settings.tracking_error_limit
        return CheckedProblem(
            legs=legs,
            contested=contested,
            has_sets=bool(self._sets),
            loadings=self._risk.loadings(ids),
            specific_risk=specific,
            variance=np.maximum(specific, self._parameters.specific_risk_floor) ** 2,
            cash=cash,
            cash_least=self._cash_least(cash + _most_raised(legs, contested)),
            cash_wanted=max(float(self._target.cash), self._required),
            tracking_limit=None if limit is None else float(limit),
            most_names=self._most_names(legs),
            parameters=self._parameters,
            washes=self._washes,
        )

    def _most_names(self, legs: Sequence[Leg]) -> int | None:
        """Never fewer than cannot be closed today, or than bands demand."""
        limit = self._account.settings.maximum_names
        if limit is None:
            return None
        stuck = sum([leg.least_bought > 0 or leg.most_sold < leg.holding - leg.crumb for leg in legs])
        return max(limit, stuck)

    @cached_property
    def _required(self) -> float:
        return float(self._account.cash_required / self._dollars)

    def _cash_least(self, attainable: float) -> float:
        """What must be there; and purchases, but for those that a band demands, stop half way to the wanted cash."""
        required = self._account.cash_required
        half_way = required + CASH_FLOOR_SHARE * max(self._target.cash * self._dollars - required, ZERO)
        stop = float(min(half_way, self._account.cash_before) / self._dollars)
        return max(self._required, min(stop, attainable))

    def _contested(self, legs: Sequence[Leg]) -> frozenset[str]:
        if not self._account.taxable:
            return frozenset()
        losing = {leg.key for leg in legs if any(lot.at_loss and lot.most > 0 for lot in leg.lots)}
        return frozenset(losing & {leg.key for leg in legs if leg.most_bought > 0})

    def _legs(self, *, unlocked: bool) -> tuple[Leg, ...]:
        account = self._account
        self._washes = account.washes(unlocked=unlocked)
        held = {each for each, quantity in account.quantity.items() if quantity != 0}
        banded = {each for each, band in account.settings.weight_bands.items() if band.minimum > 0}
        return tuple(
            [
                self._leg(each)
                for each in sorted(held | self._target.weights.keys() | banded | self._stand_ins | account.away.keys())
            ]
        )

    @cached_property
    def _alone(self) -> dict[SecurityId, dict[LotId, Decimal]]:
        """Lots that purchases of their own wash in part, by security; none when cash is owed: it may wash all."""
        if self._account.cash_before < self._account.cash_required:
            return {}
        return dict(self._washes.alone())

    @cached_property
    def _stand_ins(self) -> set[SecurityId]:
        """Substitutes of the target's names that could be bought, whatever the account's own rules say."""
        account = self._account
        members = {each for found in self._sets for each in found.members[1:]}
        return {each for each in members if account.substitutes.get(each) and not account.untouchable(each)}

    def _leg(self, security_id: SecurityId) -> Leg:
        """No trade leaves the band; one missed by more than its tolerance must be mended as far as may be."""
        account = self._account
        security, close = account.market.securities.get(security_id), float(account.close(security_id))
        holding = float(account.worth(security_id) / self._dollars)
        away = float(account.away[security_id] / self._dollars) if security_id in account.away else 0.0
        share, whole = close / self._value, account.whole_shares(security_id)
        lots = self._lot_legs(security_id, close)
        most_sold = in_whole_shares(sum([lot.most for lot in lots]), share, whole)
        most_bought = 1.0 if self._may_buy(security_id) else 0.0
        band = account.settings.weight_bands.get(security_id)
        largest, smallest = (float(band.maximum), float(band.minimum)) if band is not None else (1.0, 0.0)
        most_bought = min(most_bought, max(largest - holding, 0.0))
        least_bought = self._due(smallest - holding, most_bought)
        if security_id in account.never_hold:
            least_sold = most_sold
        else:
            most_sold = min(most_sold, max(holding - smallest, 0.0))
            least_sold = self._due(holding - largest, most_sold)
        return Leg(
            security_id=security_id,
            key=account.wash_key(security_id),
            of_set=self._set_of.get(security_id, security_id),
            preference=self._preference.get(security_id, 0.0),
            holding=holding,
            active=holding + away - float(self._target.weights.get(security_id, ZERO)),
            tilt=float(account.settings.tilts.get(self._risk_of.get(security_id, security_id), ZERO)),
            half_spread=float(security.half_spread_bps * BASIS_POINT) if security else 0.0,
            share=share,
            whole=whole,
            least_bought=least_bought,
            most_bought=most_bought,
            least_sold=least_sold,
            most_sold=most_sold,
            lots=lots,
            purchased={lot_id: float(shares) * share for lot_id, shares in self._alone.get(security_id, {}).items()},
        )

    def _due(self, missed: float, allowed: float) -> float:
        """The least trade that mends a band missed by `missed`; none when what is allowed would be too small a one."""
        return min(missed, allowed) if missed > self._tolerance and allowed >= self._tolerance else 0.0

    def _may_buy(self, security_id: SecurityId) -> bool:
        account = self._account
        in_target = security_id in self._target.weights or security_id in self._stand_ins
        wanted = in_target or account.band(security_id).minimum > 0
        return wanted and account.open_to_purchases(security_id)

    def _lot_legs(self, security_id: SecurityId, close: float) -> tuple[LotLeg, ...]:
        account = self._account
        if security_id in account.never_sell or account.closed(security_id):
            return ()
        lots = (lot for lot in account.lots_of(security_id) if account.too_young(lot) is None)
        legs = [self._lot_leg(lot, close) for lot in lots if lot.id not in self._washes.locked]
        legs.sort(key=lambda leg: leg.tax)
        return tuple(legs)

    def _lot_leg(self, lot: TaxLot, close: float) -> LotLeg:
        """A washed loss saves no tax and costs what a gain of its size would."""
        at_loss = self._account.is_losing(lot)
        proceeds = float(lot.quantity) * close
        gain, wait = (proceeds - float(lot.cost)) / proceeds, self._account.days_to_long_term(lot)
        if not self._account.taxable:
            return LotLeg(lot.id, proceeds / self._value, 0.0, 0.0, wait > 0, at_loss, 0.0, 0.0)
        parameters = self._parameters
        tax = (self._short_rate if wait > 0 else self._long_rate) * gain
        washed, wash_cost = 0.0, 0.0
        if at_loss:
            washed = float(self._washes.if_sold.get(lot.id, ZERO) / lot.quantity)
            of_basis = -gain / max(1 - gain, 1e-12)
            ramp = min(max((of_basis / parameters.full_credit_loss - 0.5) * 2, 0.0), 1.0)
            wash_cost = -tax * (parameters.gain_tax_weight + parameters.loss_credit * ramp)
            tax = tax * parameters.loss_credit * ramp + washed * wash_cost
        else:
            patience = parameters.wait_weight * max(self._short_rate - self._long_rate, 0.0) * wait_ramp(wait)
            tax = tax * parameters.gain_tax_weight + patience * max(gain, 0.0)
        counted = gain * (1 - washed)
        return LotLeg(lot.id, proceeds / self._value, tax, counted, wait > 0, at_loss, washed, wash_cost)


def _most_raised(legs: Iterable[Leg], contested: frozenset[str]) -> float:
    """The most cash that sales can bring after the purchases that bands demand, each contested key on one side."""
    free = 0.0
    selling: dict[str, float] = dict.fromkeys(contested, 0.0)
    keeping: dict[str, float] = dict.fromkeys(contested, 0.0)
    for leg in legs:
        spent = (1 + leg.half_spread) * leg.least_bought
        if leg.key not in contested:
            free += (1 - leg.half_spread) * leg.most_sold - spent
            continue
        kept = leg.sellable([lot for lot in leg.lots if not lot.at_loss])
        if leg.least_sold > kept + ROUND_OFF:
            kept = -inf
        sold = -inf if leg.least_bought > 0 else leg.most_sold
        selling[leg.key] += (1 - leg.half_spread) * sold - spent
        keeping[leg.key] += (1 - leg.half_spread) * kept - spent
    return free + sum(max(selling[key], keeping[key]) for key in contested)
