"""A household's proposal from what was found: a leg for each account, and what they come to together."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from trimtab.domain.households import HouseholdCertificate, HouseholdInput, HouseholdProposal
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.attribution import score
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.optimizer.harvest_notes import harvest_note
from trimtab.domain.optimizer.household.build import Household
from trimtab.domain.optimizer.household.certificates import gap_of
from trimtab.domain.optimizer.household.legs import Leg, all_trades, net_trades
from trimtab.domain.optimizer.household.netting import taxpayer
from trimtab.domain.optimizer.household.reasons import with_household_reasons
from trimtab.domain.optimizer.measures import bps_decimal, measure, weight_decimal
from trimtab.domain.optimizer.netting import added_tax
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.proposals import AnalysisOutcome, Measures, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput


class Publisher:
    """One household; `alone` are the accounts by themselves, None for those without a cent."""

    def __init__(
        self, request: HouseholdInput, household: Household, alone: Sequence[OptimizerData | None], input_hash: str
    ) -> None:
        self._request, self._household, self._data = request, household, household.data
        self._requests = tuple(request.leg(account) for account in request.accounts)
        self._alone, self._hash = alone, input_hash

    def traded(self, legs: tuple[Leg, ...], benefit: float, proof: HouseholdCertificate) -> HouseholdProposal:
        lot_sells, buys, _ = all_trades(self._data, legs)
        net = net_trades(self._data, lot_sells, buys)
        proposals = tuple(
            self._leg(request, alone, value, leg)
            for request, alone, value, leg in zip(
                self._requests, self._alone, self._household.values, legs, strict=True
            )
        )
        return self._proposal(AnalysisOutcome.OPTIMAL, proposals, net, benefit, proof, "", self._tax(legs))

    def _tax(self, legs: tuple[Leg, ...]) -> Decimal:
        """Dollars: with a tax year what the gains of all accounts add to it, else each gain's own."""
        payer = taxpayer(self._request)
        if payer is None or self._request.tax_year is None:
            return sum((leg.booked.tax for leg in legs), ZERO)
        taxed = [leg.booked for leg in legs if leg.data.taxable]
        short = sum((each.taxed_short for each in taxed), ZERO)
        long = sum((each.taxed_long for each in taxed), ZERO)
        return added_tax(short, long, self._request.tax_year, payer.snapshot.settings)

    def held(
        self, outcome: AnalysisOutcome, *, proof: HouseholdCertificate | None = None, note: str = ""
    ) -> HouseholdProposal:
        proposals = tuple(
            self._empty_leg(request, alone, value, outcome, note)
            for request, alone, value in zip(self._requests, self._alone, self._household.values, strict=True)
        )
        return self._proposal(outcome, proposals, np.zeros(len(self._data.variance)), 0.0, proof, note)

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
        proof: HouseholdCertificate | None,
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
            gap_bps=bps_decimal(gap_of(proof)),
            note=note,
            certificate=proof,
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


def _net(alone: OptimizerData, leg: Leg, share: float) -> Floats:
    """The leg's net trades as fractions of its own account, `share` of the household, by the account's own rows."""
    net = leg.buys - sum_by(leg.data.lots.security, leg.lot_sells, len(leg.buys))
    by_id = dict(zip(leg.data.securities.ids, net.tolist(), strict=True))
    return np.array([by_id[each] / share for each in alone.securities.ids])
