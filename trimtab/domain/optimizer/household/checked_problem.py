"""The joint problem behind a household's certificate, as the checker derives it from the input.

Each account's problem is that of the account alone, towards the household's target, and then scaled: everything here
is a fraction of the household's value. Shares no code with the arrays that the solver reads.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import Parameters, parameters_for
from trimtab.domain.households import HouseholdInput
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_gap import published_list
from trimtab.domain.optimizer.checked_legs import Leg
from trimtab.domain.optimizer.checked_netting import NettedYear
from trimtab.domain.optimizer.checked_problem import CheckedProblem, checked_problem
from trimtab.domain.optimizer.checked_rows import CheckedRow, TradeList, checked_rows, group_rows, kept_as_well_as
from trimtab.domain.optimizer.checked_target import CheckedTarget
from trimtab.domain.optimizer.household.checked_whole import CheckedWhole
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True)
class Member:
    """One account of the household."""

    account_id: str
    taxable: bool
    problem: CheckedProblem
    rows: tuple[CheckedRow, ...]  # as the published list keeps them
    holding_cost: Mapping[SecurityId, float]  # of one unit held: of its class in this account, less its tilt here
    sale_demanded: frozenset[SecurityId]  # cash owed, names too many, or a group above its band may ask for sales
    purchase_demanded: frozenset[SecurityId]  # a group below its band may ask for purchases of it
    units: Mapping[SecurityId, float]  # weight of one unit that trades: a round lot of whole shares; 0: any fraction
    published: TradeList
    commissions: float  # of its orders


@dataclass(frozen=True, slots=True)
class JointProblem:
    """Everything that the joint objective and its bound read."""

    members: tuple[Member, ...]
    ids: tuple[SecurityId, ...]
    active: NDArray[np.float64]  # (n,) before any trade
    loadings: NDArray[np.float64]  # (n, k)
    variance: NDArray[np.float64]  # (n,) floored as in the objective
    specific_risk: NDArray[np.float64]  # (n,) the risk model's own
    parameters: Parameters  # of the household: its price of risk
    tracking_limit: float | None
    year: NettedYear | None  # of the taxpayer
    contested: frozenset[str]  # wash keys that could be sold at a loss in one account and bought in one

    def groups(self) -> dict[SecurityId, str]:
        """The name of what is on one side with each security: its wash key where contested, else itself (X8)."""
        return {
            leg.security_id: f"key {leg.key}" if leg.key in self.contested else f"security {leg.security_id}"
            for member in self.members
            for leg in member.problem.legs
        }


class _Measured(CheckedAccount):
    """An account whose amounts are told in fractions of another value than its own."""

    def __init__(self, request: AnalysisInput, proposal: RebalanceProposal, value: Decimal) -> None:
        super().__init__(request, proposal)
        self.value = value


def joint_problem(whole: CheckedWhole) -> JointProblem:
    """Of a household worth more than nothing."""
    request, dollars = whole.request, whole.value
    every = zip(whole.accounts, whole.cash_by_account, strict=True)
    members = tuple(_member(whole, account, cash) for account, cash in every)
    ids = tuple(sorted({leg.security_id for member in members for leg in member.problem.legs}))
    first = replace(request.accounts[0].settings, tracking=request.tracking)
    parameters = parameters_for(first, request.business_date, request.calibration)
    specific, limit = whole.risk.specific_risk(ids), request.tracking_error_limit
    return JointProblem(
        members=members,
        ids=ids,
        active=_active(whole, ids),
        loadings=whole.risk.loadings(ids),
        variance=np.maximum(specific, parameters.specific_risk_floor) ** 2,
        specific_risk=specific,
        parameters=parameters,
        tracking_limit=None if limit is None else float(limit),
        year=_year(request, whole.accounts, dollars, parameters),
        contested=_contested(members),
    )


def _member(whole: CheckedWhole, account: CheckedAccount, cash: Decimal) -> Member:
    """An account worth nothing is measured by the household's value: its rules must have a unit."""
    own = account.value if account.value > 0 else whole.value
    seen = _Measured(whole.request.leg(account.snapshot), account.proposal, own)
    problem = checked_problem(seen, whole.risk, CheckedTarget(whole.target, cash / own))
    published, share = published_list(seen), float(own / whole.value)
    bands = group_rows(seen, problem)
    held, most = sum([leg.holding > leg.crumb for leg in problem.legs]), problem.most_names
    must_sell = account.cash_before < account.cash_required or (most is not None and held > most)
    return Member(
        account_id=account.snapshot.account.id,
        taxable=account.taxable,
        problem=_scaled(kept_as_well_as(problem, published), share),
        rows=tuple(_scaled_row(row, share) for row in checked_rows(seen, problem, published)),
        holding_cost=dict(_holding_costs(whole.request, account, problem.legs)),
        sale_demanded=frozenset(leg.security_id for leg in problem.legs) if must_sell else _broken(bands, above=True),
        purchase_demanded=_broken(bands, above=False),
        units=dict(_units(account, problem.legs, share)),
        published=published,
        commissions=float(account.commissions / whole.value),
    )


def _units(account: CheckedAccount, legs: Sequence[Leg], share: float) -> Iterator[tuple[SecurityId, float]]:
    for leg in legs:
        security = account.market.securities.get(leg.security_id)
        yield leg.security_id, leg.share * share * security.round_lot if security is not None and leg.whole else 0.0


def _broken(bands: Sequence[CheckedRow], *, above: bool) -> frozenset[SecurityId]:
    """Members of groups that are above, or below, the band that is asked for."""
    broken = [row.members for row in bands if (row.start > row.high if above else row.start < row.low)]
    return frozenset[SecurityId]().union(*broken)


def _holding_costs(
    request: HouseholdInput, account: CheckedAccount, legs: Sequence[Leg]
) -> Iterator[tuple[SecurityId, float]]:
    status, master = account.snapshot.account.tax_status, account.market.securities
    costs = {each.asset_class: float(each.bps * BASIS_POINT) for each in request.location if each.tax_status is status}
    for leg in legs:
        security = master.get(leg.security_id)
        yield leg.security_id, costs.get(security.asset_class if security else "", 0.0) - leg.tilt


def _scaled(problem: CheckedProblem, share: float) -> CheckedProblem:
    """The account's problem when it is `share` of the household: amounts shrink, what a unit costs stays."""
    return replace(
        problem,
        legs=tuple(_scaled_leg(leg, share) for leg in problem.legs),
        cash=problem.cash * share,
        cash_least=problem.cash_least * share,
        cash_wanted=problem.cash_wanted * share,
    )


def _scaled_leg(leg: Leg, share: float) -> Leg:
    return leg._replace(
        holding=leg.holding * share,
        active=leg.active * share,
        share=leg.share * share,
        least_bought=leg.least_bought * share,
        most_bought=leg.most_bought * share,
        least_sold=leg.least_sold * share,
        most_sold=leg.most_sold * share,
        lots=tuple(lot._replace(most=lot.most * share) for lot in leg.lots),
        purchased={lot_id: weight * share for lot_id, weight in leg.purchased.items()},
    )


def _scaled_row(row: CheckedRow, share: float) -> CheckedRow:
    return replace(row, start=row.start * share, low=row.low * share, high=row.high * share)


def _active(whole: CheckedWhole, ids: Sequence[SecurityId]) -> NDArray[np.float64]:
    """Held in all accounts and elsewhere, less wanted, (n,)."""
    away = [each for account in whole.accounts for each in account.away.items()]
    weights = []
    for name in ids:
        held = sum((account.worth(name) for account in whole.accounts), ZERO)
        held += sum((dollars for each, dollars in away if each == name), ZERO)
        weights.append(float(held / whole.value - whole.target.get(name, ZERO)))
    return np.array(weights)


def _year(
    request: HouseholdInput, accounts: Sequence[CheckedAccount], dollars: Decimal, parameters: Parameters
) -> NettedYear | None:
    """The taxpayer's: at the rates of the taxable accounts, without their budgets, which are the accounts' own."""
    taxable = [each for each in accounts if each.snapshot.account.tax_status is TaxStatus.TAXABLE]
    if request.tax_year is None or not taxable:
        return None
    first = taxable[0].snapshot
    payer = replace(first, settings=replace(first.settings, tax_budget=None))
    return NettedYear.of(_Measured(request.leg(payer), taxable[0].proposal, dollars), parameters, request.tax_year)


def _contested(members: Sequence[Member]) -> frozenset[str]:
    """IRC 1091, Rev. Rul. 2008-5: a loss of a taxable account, a purchase of any."""
    losing = {
        leg.key
        for member in members
        if member.taxable
        for leg in member.problem.legs
        if any(lot.at_loss and lot.most > 0 for lot in leg.lots)
    }
    bought = {leg.key for member in members for leg in member.problem.legs if leg.most_bought > 0}
    return frozenset(losing & bought)
