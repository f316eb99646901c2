"""What a household's proposal says of the household as one, computed anew: measures, the limit of risk, the tax."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.accounts import CashBalance, Position, TaxStatus
from trimtab.domain.households import HouseholdInput, HouseholdProposal
from trimtab.domain.lots import HoldingPeriod
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_target import checked_target
from trimtab.domain.optimizer.checked_taxes import year_tax
from trimtab.domain.proposals import AnalysisOutcome, Measures
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_STEP: Final = 1e-6
"""Weights and risk are published to this step, and may be a step off by rounding."""

_ENDS_INSIDE_THE_RULES = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


class CheckedWhole:
    """A household's accounts together. Weights are fractions of the value of all."""

    def __init__(
        self, request: HouseholdInput, proposal: HouseholdProposal, accounts: Sequence[CheckedAccount]
    ) -> None:
        self.request, self.proposal, self.accounts = request, proposal, accounts
        self.value = sum((each.value for each in accounts), ZERO)
        self.risk = CheckedRisk(request.market)

    def violations(self) -> Iterator[str]:
        """One sentence for each figure that is another, and for a limit that is overrun."""
        yield from self._tax()
        if self.value <= 0:
            return
        cost = sum((each.cost for each in self.accounts), ZERO)
        before = sum((each.cash_before for each in self.accounts), ZERO)
        after = sum((each.cash_after for each in self.accounts), ZERO)
        yield from self._wrong("before", self._active(traded=False), before, self.value, self.proposal.before)
        yield from self._wrong("after", self._active(traded=True), after, self.value - cost, self.proposal.after)
        limit, error = self.request.tracking_error_limit, self._tracking_error(self._active(traded=True))
        if limit is not None and error > float(limit) + _STEP and self.proposal.outcome in _ENDS_INSIDE_THE_RULES:
            yield f"the household's tracking error of {error:.6f} is above its limit of {limit}"
        traded = sum((trade.notional for leg in self.proposal.legs for trade in leg.trades), ZERO)
        turnover = float(traded / 2 / self.value)
        if abs(turnover - float(self.proposal.turnover)) > _STEP:
            yield f"the household's turnover is {turnover:.6f}, not {self.proposal.turnover}"

    def _tax(self) -> Iterator[str]:
        """With a tax year what the gains of all accounts add to the taxpayer's tax, else the sum of the legs'."""
        right = sum((leg.tax for leg in self.proposal.legs), ZERO)
        taxed = [each for each in self.accounts if each.snapshot.account.tax_status is TaxStatus.TAXABLE]
        year = self.request.tax_year
        if year is not None and taxed:
            short = sum((each.gain(HoldingPeriod.SHORT_TERM, taxed=True) for each in taxed), ZERO)
            long = sum((each.gain(HoldingPeriod.LONG_TERM, taxed=True) for each in taxed), ZERO)
            start, settings = (year.short_term_realised, year.long_term_realised), taxed[0].settings
            then = year_tax(start[0] + short, start[1] + long, year, settings)
            right = to_cents(then - year_tax(*start, year, settings))
        if self.proposal.tax != right:
            yield f"the household's tax is {right}, not {self.proposal.tax}"

    @cached_property
    def _together(self) -> CheckedAccount:
        """All that the household has in one account: what of the model can be had is judged for the household."""
        quantity: dict[SecurityId, Decimal] = {}
        worth: dict[SecurityId, Decimal] = {}
        for position in (each for account in self.accounts for each in account.snapshot.positions):
            quantity[position.security_id] = quantity.get(position.security_id, ZERO) + position.quantity
            worth[position.security_id] = worth.get(position.security_id, ZERO) + position.market_value
        first = self.accounts[0].snapshot
        pooled = replace(
            first,
            positions=tuple(Position(each, quantity[each], worth[each]) for each in quantity),
            lots=(),
            cash=CashBalance(sum((each.cash_before for each in self.accounts), ZERO)),
            frozen={each: why for account in self.accounts for each, why in account.snapshot.frozen.items()},
            held_away=tuple(each for account in self.accounts for each in account.snapshot.held_away),
        )
        request = AnalysisInput(pooled, self.request.target, self.request.market, self.request.calibration)
        return CheckedAccount(request, replace(self.proposal.legs[0], trades=()))

    @cached_property
    def cash_by_account(self) -> Sequence[Decimal]:
        """Dollars that each is to hold: what must be there, as far as it can be, and its cash weight of the rest."""
        wanted = []
        for account in self.accounts:
            held_back = min(account.cash_required, account.value)
            share = max(account.settings.cash_target, self.request.target.cash, ZERO)
            wanted.append(min(held_back + share * (account.value - held_back), account.value))
        return wanted

    @cached_property
    def _cash_wanted(self) -> Decimal:
        """Dollars over all accounts that cash is measured against: no account's less than what must be there."""
        every = zip(self.accounts, self.cash_by_account, strict=True)
        return sum((max(wanted, account.cash_required) for account, wanted in every), ZERO)

    @cached_property
    def target(self) -> Mapping[SecurityId, Decimal]:
        """Weights wanted of the household's value, what is held elsewhere included."""
        weights = checked_target(self._together).weights
        invested = sum(weights.values(), ZERO)
        if invested == 0:
            return {}
        elsewhere = sum(self._together.away.values(), ZERO)
        spread = 1 + (elsewhere - sum(self.cash_by_account, ZERO)) / self.value
        return {each: weight * spread / invested for each, weight in weights.items()}

    @cached_property
    def _ids(self) -> tuple[SecurityId, ...]:
        traded = (each for account in self.accounts for each in account.traded)
        held = (each for account in self.accounts for each in account.quantity)
        return tuple(sorted({*held, *traded, *self.target, *self._together.away}))

    def _active(self, *, traded: bool) -> NDArray[np.float64]:
        """Active weights of all accounts together, what is held elsewhere included, (n,)."""
        active = []
        for each in self._ids:
            worth = self._together.away.get(each, ZERO)
            for account in self.accounts:
                worth += account.worth(each)
                if traded and each in account.traded:
                    worth += account.traded[each] * account.close(each)
            active.append(float(worth / self.value - self.target.get(each, ZERO)))
        return np.array(active)

    def _tracking_error(self, active: NDArray[np.float64]) -> float:
        exposure = self.risk.loadings(self._ids).T @ active
        return sqrt(float(exposure @ exposure + self.risk.specific_risk(self._ids) ** 2 @ active**2))

    def _wrong(
        self, when: str, active: NDArray[np.float64], cash: Decimal, value: Decimal, stated: Measures
    ) -> Iterator[str]:
        off, drifts = abs(float((cash - self._cash_wanted) / self.value)), np.abs(active)
        right = {
            "largest drift": (max(float(drifts.max(initial=0.0)), off), stated.max_drift),
            "active share": ((float(drifts.sum()) + off) / 2, stated.active_share),
            "tracking error": (self._tracking_error(active), stated.tracking_error),
        }
        for name, (measure, published) in right.items():
            if abs(measure - float(published)) > _STEP:
                yield f"the household's {name} {when} is {measure:.6f}, not {published}"
        for what, dollars, told in (("cash", cash, stated.cash), ("value", value, stated.account_value)):
            if abs(dollars - told) > len(self.accounts) * Decimal("0.01"):
                yield f"the household's {what} {when} is {dollars:.2f}, not {told}"
