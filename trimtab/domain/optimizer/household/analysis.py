"""The way in: a household's input to a checked proposal with a leg for each account."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trimtab.domain.households import HouseholdCertificate, HouseholdInput, HouseholdProposal
from trimtab.domain.optimizer.conflicts import clashing_rules
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.household.build import ALL_RULES, Household, build_household, build_with_cash
from trimtab.domain.optimizer.household.certificates import joint_certificate
from trimtab.domain.optimizer.household.checker import check_household
from trimtab.domain.optimizer.household.found import JointFound
from trimtab.domain.optimizer.household.input_rules import require_sound_household
from trimtab.domain.optimizer.household.legs import Leg, all_trades, net_trades, round_legs
from trimtab.domain.optimizer.household.problem import HouseholdData, joint_objective
from trimtab.domain.optimizer.household.publishing import Publisher
from trimtab.domain.optimizer.household.search import search_jointly
from trimtab.domain.optimizer.household.tightening import kept_as_well_as, risk_overshoot, tightened
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.row_clashes import CLASH_OF_ALL, missed_by_the_others, missed_in_shares
from trimtab.domain.optimizer.targets import prepare_target
from trimtab.domain.optimizer.wording import percent
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AnalysisInput

_ONLY_RISK = 1e5
"""A price of risk beside which taxes and costs count for nothing."""

_FURTHER = 30.0
"""What is missed by cents may need a whole share's room: each try goes so many times further than the last."""

_TRIES = 3
"""So often the household is solved again when whole shares miss a rule."""


def analyze_household(request: HouseholdInput, market_arrays: MarketArrays | None = None) -> HouseholdProposal:
    """The best trades found for the accounts together, checked, with reasons and a certified gap.

    Clashing rules, a stalled solver and nothing worth trading are outcomes. Raises InvalidAnalysisInput for an input
    that cannot be, and ProposalRejected when the checker finds a fault in our own answer.
    """
    require_sound_household(request)
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    household = build_household(request, market)
    proposal = _Joint(request, household, market).run()
    check_household(request, proposal)
    return proposal


class _Joint:
    """One household on its way from arrays to proposal."""

    def __init__(self, request: HouseholdInput, household: Household, market: MarketArrays) -> None:
        self._request, self._household, self._data = request, household, household.data
        self._requests = tuple(request.leg(account) for account in request.accounts)
        self._alone = tuple(
            build_with_cash(leg, prepare_target(leg, value), market, value) if value > 0 else None
            for leg, value in zip(self._requests, household.values, strict=True)
        )
        digest = content_hash([content_hash(replace_market(request)), market.market_hash])
        self._publisher = Publisher(request, household, self._alone, digest)

    def run(self) -> HouseholdProposal:
        clashes = [*self._clashes()]
        if clashes:
            return self._publisher.held(AnalysisOutcome.CONFLICT, note=" ".join(clashes))
        try:
            found, legs = self._in_whole_shares()
        except RulesClash:
            return self._publisher.held(AnalysisOutcome.CONFLICT, note=self._clash_of_all())
        except SolverStalled as stalled:
            return self._publisher.held(AnalysisOutcome.SOLVER_FAILED, note=str(stalled))
        short = [each for each in zip(self._requests, legs, strict=True) if _short_of_cash(*each)]
        if short:
            names = ", ".join(str(leg.snapshot.account.id) for leg, _ in short)
            return self._publisher.held(
                AnalysisOutcome.CONFLICT, note=f"In whole shares the cash required of {names} cannot be had."
            )
        lot_sells, buys, paid = all_trades(self._data, legs)
        after = joint_objective(self._data, lot_sells, buys, paid).total
        benefit, missed = self._standing() - after, self._missed(legs)
        due = any(not part.may_stand_still for part in self._data.parts) or self._too_risky
        if missed and due:
            return self._publisher.held(AnalysisOutcome.CONFLICT, note=" ".join(missed))
        has_orders = any(leg.booked.trades for leg in legs)
        if (benefit >= self._data.parameters.tolerance or due) and has_orders and not missed:
            asked = kept_as_well_as(self._data, lot_sells, buys)
            return self._publisher.traded(legs, benefit, self._proof(asked, found, after))
        asked = kept_as_well_as(self._data, np.zeros(len(lot_sells)), np.zeros(len(buys)))
        return self._publisher.held(AnalysisOutcome.NO_TRADE, proof=self._proof(asked, found, self._standing()))

    def _proof(self, data: HouseholdData, found: JointFound, objective: float) -> HouseholdCertificate:
        """The gap of a list worth `objective` among those that `data` allows, at the prices that were tried."""
        return joint_certificate(data, self._household.ids, self._accounts, found.prices, objective)

    @property
    def _accounts(self) -> tuple[str, ...]:
        return tuple(each.snapshot.account.id for each in self._requests)

    def _clashes(self) -> Iterator[str]:
        """What an account's own rules cannot keep, whatever the others do."""
        for leg, data, rows in zip(self._requests, self._alone, self._household.clashing, strict=True):
            if data is None:
                continue
            found = [*clashing_rules(leg, data)]
            if rows and not found:
                found.append(CLASH_OF_ALL if ALL_RULES in rows else missed_by_the_others(data, *rows))
            yield from (f"Account {leg.snapshot.account.id}: {clash}" for clash in found)

    def _clash_of_all(self) -> str:
        limit = self._data.tracking_limit
        if limit is None:
            return CLASH_OF_ALL
        try:
            least = percent(self._least_tracking_error())
        except SolverStalled:
            return CLASH_OF_ALL
        return (
            f"The household's tracking error is to be at most {percent(limit)}, but no trades that the accounts' rules "
            f"allow were found to bring it below {least}."
        )

    def _least_tracking_error(self) -> float:
        """The least found when nothing but risk counts. Raises SolverStalled and RulesClash without an answer."""
        data = self._data
        careful = replace(data.parameters, risk_aversion=_ONLY_RISK)
        found = search_jointly(replace(data, tracking_limit=None, parameters=careful, variance=data.specific_risk**2))
        active = data.active + net_trades(data, found.solution.lot_sells, found.solution.buys)
        return float(data.squared_tracking_error(active) ** 0.5)

    @property
    def _too_risky(self) -> bool:
        data = self._data
        limit = data.tracking_limit
        return limit is not None and data.squared_tracking_error(data.active) > limit**2

    def _in_whole_shares(self) -> tuple[JointFound, tuple[Leg, ...]]:
        """The joint solution and booked trades; solved again within tighter ends while whole shares miss a rule.

        The bound is always that of the rules as they are. Raises SolverStalled and RulesClash without an answer.
        """
        found = search_jointly(self._data)
        legs = best = round_legs(self._household, self._requests, found)
        tighter = self._data
        for number in range(_TRIES):
            if not self._missed(best):
                break
            tighter = tightened(tighter, legs, times=_FURTHER**number, use_slack=number == _TRIES - 1)
            try:
                again = search_jointly(tighter)
            except SolverStalled:
                continue
            found = found.with_prices_of(again)
            legs = round_legs(self._household, self._requests, again)
            if len(self._missed(legs)) <= len(self._missed(best)):
                best = legs
        return found, best

    def _missed(self, legs: tuple[Leg, ...]) -> list[str]:
        """What whole shares do not keep, of each account's rules and of the household's."""
        every = zip(self._requests, self._alone, legs, strict=True)
        missed = [
            f"Account {leg.snapshot.account.id}: {missed_in_shares(data, each.missed)}"
            for leg, data, each in every
            if each.missed and data is not None
        ]
        if risk_overshoot(self._data, legs) > 1 and self._data.tracking_limit is not None:
            missed.append(f"In whole shares a tracking error of {percent(self._data.tracking_limit)} cannot be kept.")
        return missed

    def _standing(self) -> float:
        data = self._data
        return joint_objective(data, np.zeros(len(data.lots.pair)), np.zeros(len(data.pairs.account))).total


def replace_market(request: HouseholdInput) -> tuple[object, ...]:
    """What the hash is over, without the market, whose hash comes with its arrays."""
    version = request.calibration.version
    one = (request.tracking, request.location, request.tax_year, request.tracking_error_limit, version)
    return (request.household_id, request.accounts, request.target, *one)


def _short_of_cash(request: AnalysisInput, leg: Leg) -> bool:
    settings = request.snapshot.settings
    return leg.booked.cash < settings.cash_reserve + settings.cash_needed
