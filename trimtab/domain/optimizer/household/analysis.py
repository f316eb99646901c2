"""The way in: a household's input to a checked proposal with a leg for each account."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.households import HouseholdInput, HouseholdProposal
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.attribution import score
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.optimizer.conflicts import clashing_rules
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.harvest_notes import harvest_note
from trimtab.domain.optimizer.household.build import ALL_RULES, Household, build_household, build_with_cash
from trimtab.domain.optimizer.household.checker import check_household
from trimtab.domain.optimizer.household.input_rules import require_sound_household
from trimtab.domain.optimizer.household.legs import Leg, all_trades, net_trades, round_legs
from trimtab.domain.optimizer.household.netting import taxpayer
from trimtab.domain.optimizer.household.problem import joint_objective
from trimtab.domain.optimizer.household.reasons import with_household_reasons
from trimtab.domain.optimizer.household.search import JointFound, search_jointly
from trimtab.domain.optimizer.household.tightening import risk_overshoot, tightened, widened
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.measures import bps_decimal, measure, weight_decimal
from trimtab.domain.optimizer.netting import added_tax
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.row_clashes import CLASH_OF_ALL, missed_by_the_others, missed_in_shares
from trimtab.domain.optimizer.targets import prepare_target
from trimtab.domain.optimizer.wording import percent
from trimtab.domain.proposals import AnalysisOutcome, Measures, RebalanceProposal
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
        self._hash = content_hash([content_hash(replace_market(request)), market.market_hash])
        self._alone = tuple(
            build_with_cash(leg, prepare_target(leg, value), market, value) if value > 0 else None
            for leg, value in zip(self._requests, household.values, strict=True)
        )

    def run(self) -> HouseholdProposal:
        clashes = [*self._clashes()]
        if clashes:
            return self._held(AnalysisOutcome.CONFLICT, note=" ".join(clashes))
        try:
            found, legs = self._in_whole_shares()
        except RulesClash:
            return self._held(AnalysisOutcome.CONFLICT, note=self._clash_of_all())
        except SolverStalled as stalled:
            return self._held(AnalysisOutcome.SOLVER_FAILED, note=str(stalled))
        short = [each for each in zip(self._requests, legs, strict=True) if _short_of_cash(*each)]
        if short:
            names = ", ".join(str(leg.snapshot.account.id) for leg, _ in short)
            return self._held(
                AnalysisOutcome.CONFLICT, note=f"In whole shares the cash required of {names} cannot be had."
            )
        lot_sells, buys, orders = all_trades(self._data, legs)
        after = joint_objective(self._data, lot_sells, buys, orders).total
        benefit, missed = self._standing() - after, self._missed(legs)
        due = any(not part.may_stand_still for part in self._data.parts) or self._too_risky
        if missed and due:
            return self._held(AnalysisOutcome.CONFLICT, note=" ".join(missed))
        if (benefit >= self._data.parameters.tolerance or due) and orders.any() and not missed:
            excess = self._data.rows.excess(self._data.amounts(lot_sells, buys))
            bound = found.bound_of(widened(self._data, excess)) if excess.any() else found.bound
            return self._traded(legs, benefit, after - bound)
        return self._held(AnalysisOutcome.NO_TRADE, gap=self._standing() - found.bound)

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

    def _traded(self, legs: tuple[Leg, ...], benefit: float, gap: float) -> HouseholdProposal:
        lot_sells, buys, _ = all_trades(self._data, legs)
        net = net_trades(self._data, lot_sells, buys)
        proposals = tuple(
            self._leg(request, alone, value, leg)
            for request, alone, value, leg in zip(
                self._requests, self._alone, self._household.values, legs, strict=True
            )
        )
        return self._proposal(AnalysisOutcome.OPTIMAL, proposals, net, benefit, gap, "", self._tax(legs))

    def _tax(self, legs: tuple[Leg, ...]) -> Decimal:
        """Dollars: with a tax year what the gains of all accounts add to it, else each gain's own."""
        payer = taxpayer(self._request)
        if payer is None or self._request.tax_year is None:
            return sum((leg.booked.tax for leg in legs), ZERO)
        taxed = [leg.booked for leg in legs if leg.data.taxable]
        short = sum((each.taxed_short for each in taxed), ZERO)
        long = sum((each.taxed_long for each in taxed), ZERO)
        return added_tax(short, long, self._request.tax_year, payer.snapshot.settings)

    def _held(self, outcome: AnalysisOutcome, *, gap: float = 0.0, note: str = "") -> HouseholdProposal:
        proposals = tuple(
            self._empty_leg(request, alone, value, outcome, note)
            for request, alone, value in zip(self._requests, self._alone, self._household.values, strict=True)
        )
        return self._proposal(outcome, proposals, np.zeros(len(self._data.variance)), 0.0, gap, note)

    def _leg(self, request: AnalysisInput, alone: OptimizerData | None, value: Decimal, leg: Leg) -> RebalanceProposal:
        booked = leg.booked
        if not booked.trades or alone is None:
            return self._empty_leg(request, alone, value, AnalysisOutcome.NO_TRADE, "")
        own = value / self._household.value
        net = _net(alone, leg, float(own))
        notional = sum((each.notional for each in booked.trades), ZERO)
        return RebalanceProposal(
            account_id=request.snapshot.account.id,
            business_date=request.snapshot.business_date,
            input_hash=self._hash,
            outcome=AnalysisOutcome.OPTIMAL,
            trades=with_household_reasons(self._request, self._household, request, leg),
            why_nots=(),
            before=measure(alone, value, request.snapshot.cash.trade_date_total, np.zeros(len(net))),
            after=measure(alone, value - booked.cost, booked.cash, net),
            short_term_gain=booked.short_term_gain,
            long_term_gain=booked.long_term_gain,
            tax=booked.tax,
            cost=booked.cost,
            turnover=weight_decimal(float(notional / 2 / value)),
            benefit_bps=bps_decimal(float(leg.parts.total.sum()) / float(own)),
            gap_bps=Decimal(0),
            score=Decimal(f"{score(leg.parts):.2f}"),
            note=harvest_note(request, booked),
        )

    def _empty_leg(
        self,
        request: AnalysisInput,
        alone: OptimizerData | None,
        value: Decimal,
        outcome: AnalysisOutcome,
        note: str,
    ) -> RebalanceProposal:
        cash = request.snapshot.cash.trade_date_total
        if alone is None:
            still = Measures(to_cents(value), to_cents(cash), ZERO, ZERO, ZERO)
        else:
            still = measure(alone, value, cash, np.zeros(len(alone.securities.ids)))
        zero = Booked((), ZERO, ZERO, ZERO, ZERO, cash)
        return RebalanceProposal(
            account_id=request.snapshot.account.id,
            business_date=request.snapshot.business_date,
            input_hash=self._hash,
            outcome=outcome,
            trades=(),
            why_nots=(),
            before=still,
            after=still,
            short_term_gain=zero.short_term_gain,
            long_term_gain=zero.long_term_gain,
            tax=zero.tax,
            cost=zero.cost,
            turnover=weight_decimal(0.0),
            benefit_bps=bps_decimal(0.0),
            gap_bps=bps_decimal(0.0),
            score=Decimal("0.00"),
            note=note or harvest_note(request, zero),
        )

    def _proposal(
        self,
        outcome: AnalysisOutcome,
        legs: tuple[RebalanceProposal, ...],
        net: Floats,
        benefit: float,
        gap: float,
        note: str,
        tax: Decimal = ZERO,
    ) -> HouseholdProposal:
        value = self._household.value
        cost = sum((leg.cost for leg in legs), ZERO)
        notional = sum((trade.notional for leg in legs for trade in leg.trades), ZERO)
        nothing = np.zeros(len(net))
        return HouseholdProposal(
            household_id=self._request.household_id,
            business_date=self._request.business_date,
            input_hash=self._hash,
            outcome=outcome,
            legs=legs,
            before=self._measures(legs, nothing, before=True),
            after=self._measures(legs, net, before=False),
            tax=tax,
            cost=cost,
            turnover=weight_decimal(float(notional / 2 / value)),
            benefit_bps=bps_decimal(benefit),
            gap_bps=bps_decimal(gap),
            note=note,
        )

    def _measures(self, legs: tuple[RebalanceProposal, ...], net: Floats, *, before: bool) -> Measures:
        """Drift, risk and cash of the household as a whole."""
        data = self._data
        active = data.active + net
        stands = [leg.before if before else leg.after for leg in legs]
        cash = sum((each.cash for each in stands), ZERO)
        off = float(cash / self._household.value) - float(data.cash_target.sum())
        factor = data.loadings.T @ active
        variance = float(factor @ factor + data.specific_risk**2 @ active**2)
        return Measures(
            account_value=sum((each.account_value for each in stands), ZERO),
            cash=cash,
            max_drift=weight_decimal(max(float(np.abs(active).max(initial=0.0)), abs(off))),
            active_share=weight_decimal((float(np.abs(active).sum()) + abs(off)) / 2),
            tracking_error=weight_decimal(variance**0.5),
        )


def replace_market(request: HouseholdInput) -> tuple[object, ...]:
    """What the hash is over, without the market, whose hash comes with its arrays."""
    version = request.calibration.version
    one = (request.tracking, request.location, request.tax_year, request.tracking_error_limit, version)
    return (request.household_id, request.accounts, request.target, *one)


def _net(alone: OptimizerData, leg: Leg, share: float) -> Floats:
    """The leg's net trades as fractions of its own account, `share` of the household, by the account's own rows."""
    net = leg.buys - sum_by(leg.data.lots.security, leg.lot_sells, len(leg.buys))
    by_id = dict(zip(leg.data.securities.ids, net.tolist(), strict=True))
    return np.array([by_id[each] / share for each in alone.securities.ids])


def _short_of_cash(request: AnalysisInput, leg: Leg) -> bool:
    settings = request.snapshot.settings
    return leg.booked.cash < settings.cash_reserve + settings.cash_needed
