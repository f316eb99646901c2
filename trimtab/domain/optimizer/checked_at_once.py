"""The checker's measures, objectives and bounds of ordinary accounts, all securities of many accounts at once.

Says only that every figure and claim holds with room to spare, as much as round-off could make of it. What it does not
say so of is checked again leg by leg (`checked_measures.py`, `checked_gap.py`), which alone refuses and words what is
wrong: so it can let nothing pass that they would not, and costs an account that is in order a fraction of their time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_bound_at_once import bounds
from trimtab.domain.optimizer.checked_columns import Columns, columns_of
from trimtab.domain.optimizer.checked_facts import Facts, Reader
from trimtab.domain.optimizer.checked_gap import CERTIFIED, GAP_TOLERANCE_BPS, ROUNDING_BPS
from trimtab.domain.optimizer.checked_market import CheckedMarket, Flags, Floats
from trimtab.domain.optimizer.checked_measures import STEP
from trimtab.domain.optimizer.checked_netting import NettedYear
from trimtab.domain.optimizer.checked_prices import Ruled
from trimtab.domain.optimizer.checked_round_off import apart
from trimtab.domain.optimizer.checked_rows import rows_without_bands
from trimtab.domain.orders import Side


def hold_at_once(accounts: Sequence[CheckedAccount], market: CheckedMarket) -> list[bool]:
    """For each account of the market: it is ordinary, and its measures, objective, bound and gap are right."""
    reader = Reader(market)
    read = [reader.facts(each) if _is_certified(each) else None for each in accounts]
    verdict = iter(_hold([each for each in read if each is not None], market))
    return [each is not None and next(verdict) for each in read]


def _hold(every: Sequence[Facts], market: CheckedMarket) -> list[bool]:
    if not every:
        return []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is no number compares as false
        return list(_Checks(columns_of(every, market)).hold().tolist())


def _is_certified(account: CheckedAccount) -> bool:
    certificate = account.proposal.certificate
    certified = account.proposal.outcome in CERTIFIED and account.value > 0
    return certified and certificate is not None and not certificate.sides


@dataclass(frozen=True, slots=True, eq=False)
class _Published:
    """The proposals' lists, weights."""

    sold: Floats  # by lot
    bought: Floats  # by security
    traded: Floats  # by security, net
    washed: Floats  # of each lot's sale, what is washed above the mean
    commissions: Floats  # (accounts,)
    known: Flags  # (accounts,) false for a list that trades what is not open


class _Checks:
    """Proposals against their columns; figures are by account."""

    def __init__(self, columns: Columns) -> None:
        self._columns, self._facts = columns, columns.facts
        self._proposals = [each.account.proposal for each in columns.facts]
        self._certificates = [each.certificate for each in self._proposals if each.certificate is not None]
        self._ruled = [Ruled(rows_without_bands(each.account), _year(each.account)) for each in columns.facts]
        self._published = _Publishing(columns).lists()
        self._terms = columns.sizes + columns.loadings.shape[1]

    def hold(self) -> Flags:
        """Whether all is right.

        Only where the claims do not hold otherwise are lots that are washed in part walked: that takes time, and raises
        bounds.
        """
        figures: Flags = self._columns.sound & self._published.known & self._measures_hold()
        claims = self._claims()
        right: Flags = figures & self._claims_hold(claims, ())
        doubtful = np.flatnonzero(figures & ~right).tolist()
        return right | (figures & self._claims_hold(claims, doubtful)) if doubtful else right

    # Measures.

    def _measures_hold(self) -> Flags:
        accounts, columns = [each.account for each in self._facts], self._columns
        after = columns.active + self._published.traded
        risk_before, risk_after = (self._tracking_error(active) for active in (columns.active, after))
        most = STEP - self._round_off_of_measures()
        before = self._stated("before", columns.active, risk_before, [each.cash_before for each in accounts], most)
        then = self._stated("after", after, risk_after, [each.cash_after for each in accounts], most)
        kept: Flags = risk_after <= columns.accounts.tracking_limit + most
        return before & then & kept

    def _stated(self, when: str, active: Floats, error: Floats, cash: Sequence[Decimal], most: Floats) -> Flags:
        columns = self._columns
        stated = [getattr(each, when) for each in self._proposals]
        drift, share, risk = (
            np.array([float(getattr(each, name)) for each in stated])
            for name in ("max_drift", "active_share", "tracking_error")
        )
        pairs = zip(cash, self._facts, strict=True)
        weights = np.array([float(dollars / each.account.value) for dollars, each in pairs])
        off, drifts = np.abs(weights - columns.accounts.cash_wanted), np.abs(active)
        largest = np.maximum(np.maximum.reduceat(drifts, columns.begin), off)
        right: Flags = np.abs(largest - drift) <= most
        right &= np.abs((columns.by_account(drifts) + off) / 2 - share) <= most
        right &= np.abs(error - risk) <= most
        return right

    def _round_off_of_measures(self) -> Floats:
        """Of sums of weights, and of risk: a norm of exposures and specific risks, both linear in the weights."""
        columns = self._columns
        weight = columns.at_most + np.abs(self._published.traded)
        risk = np.sum(np.abs(columns.loadings), axis=1) + columns.specific_risk
        return apart(self._terms, columns.by_account((1 + risk) * weight) + np.abs(columns.accounts.cash) + 1)

    def _tracking_error(self, active: Floats) -> Floats:
        return np.sqrt(self._common(active) + self._columns.by_account(self._columns.specific_risk**2 * active**2))

    def _common(self, active: Floats) -> Floats:
        """Variance of the common factors."""
        exposures = np.add.reduceat(self._columns.loadings * active[:, None], self._columns.begin, axis=0)
        variance: Floats = np.einsum("ij,ij->i", exposures, exposures)
        return variance

    # The gap.

    def _claims(self) -> Floats:
        """Objective, bound, gap and benefit as they are said to be, bp, a row an account."""
        pairs = zip(self._proposals, self._certificates, strict=True)
        return np.array(
            [
                (float(its.objective_bps), float(its.bound_bps), float(each.gap_bps), float(each.benefit_bps))
                for each, its in pairs
            ]
        )

    @cached_property
    def _objectives(self) -> tuple[Floats, Floats, Floats]:
        """Of trading nothing, of the published lists, and by how much round-off may move them."""
        return self._standing(), self._objective(), 2 * self._round_off_of_objectives()

    def _claims_hold(self, claims: Floats, walked: Sequence[int]) -> Flags:
        bound, round_off = bounds(self._columns, self._ruled, self._certificates, walked=walked)
        standing, here, moved = self._objectives
        bound, standing, here = bound * 1e4, standing * 1e4, here * 1e4
        exact = GAP_TOLERANCE_BPS - (round_off + moved) * 1e4
        rounded = ROUNDING_BPS + exact
        right: Flags = np.isfinite(bound) & (np.abs(here - claims[:, 0]) <= exact)
        right &= claims[:, 1] <= bound + exact
        right &= (claims[:, 1] <= here + exact) & (claims[:, 2] >= -rounded)
        right &= claims[:, 2] >= here - bound - rounded
        right &= np.abs(claims[:, 3] - (standing - here)) <= rounded
        return right

    def _round_off_of_objectives(self) -> Floats:
        """Of what the list is worth, and of what trading nothing is."""
        columns, accounts, lots, done = self._columns, self._columns.accounts, self._columns.lots, self._published
        sold = columns.by_security(done.sold)
        weight, traded = columns.at_most + done.bought + sold, done.bought + sold
        exposures = np.add.reduceat(np.abs(columns.loadings) * weight[:, None], columns.begin, axis=0)
        variance = np.einsum("ij,ij->i", exposures, exposures) + columns.by_account(columns.variance * weight**2)
        washed = lots.wash_cost * (np.abs(done.washed) + 2 * done.sold)
        taxes = columns.by_security(np.abs(lots.tax) * done.sold + washed)
        penalty, commission = accounts.drag + accounts.shortfall, done.commissions
        priced = (np.abs(columns.tilt) * weight) + (columns.half_spread + accounts.churn[columns.account]) * traded
        priced += taxes + 2 * penalty[columns.account] * traded
        cash = np.abs(accounts.cash) + accounts.cash_wanted + commission
        gains = columns.by_account(columns.by_security(np.abs(lots.gain) * done.sold)).tolist()
        years = zip(gains, [each.year for each in self._ruled], strict=True)
        magnitude = accounts.risk_aversion * variance + columns.by_account(priced) + penalty * cash + commission
        magnitude += np.array([0.0 if year is None else year.magnitude(realised) for realised, year in years])
        return apart(self._terms + np.bincount(columns.account[lots.place], minlength=len(magnitude)), magnitude)

    def _standing(self) -> Floats:
        """The objective of trading nothing."""
        columns = self._columns
        return self._held(columns.active) + self._off_target(columns.accounts.cash)

    def _objective(self) -> Floats:
        """Of the published lists; costs before they are rounded to the cent."""
        columns, accounts, lots, done = self._columns, self._columns.accounts, self._columns.lots, self._published
        sold, spread = columns.by_security(done.sold), columns.half_spread
        taxes = columns.by_security(lots.tax * done.sold + lots.wash_cost * done.washed)
        commission = done.commissions
        costs = columns.by_account((spread + accounts.churn[columns.account]) * (sold + done.bought) + taxes)
        flows = columns.by_account((1 - spread) * sold - (1 + spread) * done.bought)
        held = self._held(columns.active + done.bought - sold)
        return held + costs + commission + self._off_target(accounts.cash - commission + flows) + self._netting()

    def _held(self, active: Floats) -> Floats:
        """What risk and tilts cost."""
        columns = self._columns
        variance = self._common(active) + columns.by_account(columns.variance * active**2)
        return columns.accounts.risk_aversion / 2 * variance - columns.by_account(columns.tilt * active)

    def _off_target(self, cash: Floats) -> Floats:
        accounts = self._columns.accounts
        off = cash - accounts.cash_wanted
        return np.maximum(accounts.drag * off, -accounts.shortfall * off)

    def _netting(self) -> Floats:
        columns, lots = self._columns, self._columns.lots
        added = np.zeros(len(self._facts))
        if any(each.year is not None for each in self._ruled):
            gains = self._published.sold * lots.gain
            short, long = (
                columns.by_account(columns.by_security(gains * of)) for of in (lots.short_term, ~lots.short_term)
            )
            for place, each in enumerate(self._ruled):
                if each.year is not None:
                    added[place] = each.year.added_by(float(short[place]), float(long[place]))
        return added


class _Publishing:
    """Reads the proposals' trades into columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        lots, n = columns.lots, len(columns.account)
        self._sold, self._washed = np.zeros(len(lots.tax)), np.zeros(len(lots.tax))
        self._bought, self._traded = np.zeros(n), np.zeros(n)
        self._row = {source: row for row, source in enumerate(lots.source.tolist())}

    def lists(self) -> _Published:
        columns = self._columns
        known = [self._is_known(number, each) for number, each in enumerate(columns.facts)]
        share = columns.share[columns.lots.place]
        return _Published(
            sold=self._sold * share,
            bought=self._bought * columns.share,
            traded=self._traded * columns.share,
            washed=self._washed * share,
            commissions=np.array([float(each.account.commissions / each.account.value) for each in columns.facts]),
            known=np.array(known, dtype=np.bool_),
        )

    def _is_known(self, number: int, facts: Facts) -> bool:
        """Reads one list; False when it trades what has no column."""
        trades, account = facts.account.proposal.trades, facts.account
        if not trades:
            return True
        first, begin = int(self._columns.first_lot[number]), int(self._columns.begin[number])
        quantities = {sale.lot_id: sale.quantity for trade in trades for sale in trade.lot_sales}
        sold = [(lot.id, first + at) for at, lot in enumerate(facts.lots) if lot.id in quantities]
        rows = {each: row for each, at in sold if (row := self._row.get(at)) is not None}
        if len(rows) < len(quantities) or not account.traded.keys() <= facts.place.keys():
            return False
        for lot_id, quantity in quantities.items():
            self._sold[rows[lot_id]] = float(quantity)
        for lot_id, quantity in account.washes(unlocked=False).matched(quantities).items():
            mean = self._columns.lots.washed[rows[lot_id]] * float(quantities[lot_id])
            self._washed[rows[lot_id]] = float(quantity) - mean
        for trade in trades:
            if trade.side is Side.BUY:
                self._bought[begin + facts.place[trade.security_id]] = float(trade.quantity)
        for security_id, shares in account.traded.items():
            self._traded[begin + facts.place[security_id]] = float(shares)
        return True


def _year(account: CheckedAccount) -> NettedYear | None:
    year = account.snapshot.tax_year
    if year is None or not account.taxable:
        return None
    return NettedYear.of(account, account.parameters, year)
