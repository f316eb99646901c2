"""From a `HouseholdInput` to arrays: each account's own rows in fractions of the household's value, then the pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.accounts import Position
from trimtab.domain.calibration import Parameters, parameters_for
from trimtab.domain.households import HouseholdInput
from trimtab.domain.money import BASIS_POINT, ZERO
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.attainable import Attainable, attain
from trimtab.domain.optimizer.conflicts import cash_shortage
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import RulesClash
from trimtab.domain.optimizer.household.netting import joint_regimes
from trimtab.domain.optimizer.household.problem import HouseholdData, PairLots, Pairs
from trimtab.domain.optimizer.household.scaling import joined_rows, scaled
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import FRACTION_UNITS, OptimizerData, Rows
from trimtab.domain.optimizer.targets import PreparedTarget, account_value, prepare_target
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput

ALL_RULES = "ALL_RULES"
"""Stands for the rows of an account when it is not known which of its rules clash."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One account, its bands loosened to what can be attained, and what its bands as they are ask to be traded."""

    attainable: Attainable
    above: Flags  # (n,) members of groups above their band
    below: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Household:
    """The household's arrays, and what they were made of."""

    data: HouseholdData
    ids: tuple[SecurityId, ...]  # (n,)
    value: Decimal  # dollars
    values: tuple[Decimal, ...]  # dollars of each account
    target: PreparedTarget
    clashing: tuple[tuple[str, ...], ...]  # of each account the names of rows that its other rules must break


def build_household(request: HouseholdInput, market: MarketArrays) -> Household:
    """Arrays of a household worth more than nothing. Raises SolverStalled when it is not seen what can be kept."""
    values = tuple(account_value(request.leg(account)) for account in request.accounts)
    value = sum(values, ZERO)
    target = _target(request, values, value)
    found = [
        _part(request, account, own, value, target, market)
        for account, own in zip(request.accounts, values, strict=True)
    ]
    parts = tuple(each.attainable.data for each in found)
    clashing = tuple(each.attainable.clashing for each in found)
    return Household(_joined(request, parts, found), parts[0].securities.ids, value, values, target, clashing)


def household_parameters(request: HouseholdInput) -> Parameters:
    """The first account's calibration at the household's own price of risk."""
    settings = replace(request.accounts[0].settings, tracking=request.tracking)
    return parameters_for(settings, request.business_date, request.calibration)


def _target(request: HouseholdInput, values: tuple[Decimal, ...], value: Decimal) -> PreparedTarget:
    """The model scaled to what the accounts may invest together; a name is out of reach if no account holds it."""
    cash = sum((_cash(request, each, own) for each, own in zip(request.accounts, values, strict=True)), ZERO)
    together = replace(
        request.accounts[0],
        positions=_all_positions(request),
        lots=(),
        frozen={each: why for account in request.accounts for each, why in account.frozen.items()},
        held_away=tuple(each for account in request.accounts for each in account.held_away),
    )
    prepared = prepare_target(AnalysisInput(together, request.target, request.market, request.calibration), value)
    invested = sum(prepared.weights.values(), ZERO)
    weights = prepared.weights
    if invested:
        elsewhere = sum((each.market_value for each in together.held_away), ZERO)
        wanted = 1 - cash / value + elsewhere / value
        weights = {each: weight * wanted / invested for each, weight in weights.items()}
    return PreparedTarget(weights, cash / value, prepared.replaced)


def _all_positions(request: HouseholdInput) -> tuple[Position, ...]:
    total: dict[SecurityId, Position] = {}
    for position in (each for account in request.accounts for each in account.positions):
        known = total.get(position.security_id, Position(position.security_id, ZERO, ZERO))
        total[position.security_id] = Position(
            position.security_id, known.quantity + position.quantity, known.market_value + position.market_value
        )
    return tuple(total.values())


def _cash(request: HouseholdInput, account: AccountSnapshot, value: Decimal) -> Decimal:
    """Dollars that one account is to hold: reserve and withdrawals, and its cash target on the rest."""
    held_back = min(account.settings.cash_reserve + account.settings.cash_needed, value)
    share = max(account.settings.cash_target, request.target.cash, ZERO)
    return min(held_back + share * (value - held_back), value)


def _part(
    request: HouseholdInput,
    account: AccountSnapshot,
    own: Decimal,
    value: Decimal,
    target: PreparedTarget,
    market: MarketArrays,
) -> _Part:
    """One account's arrays in fractions of the household's value, at the household's price of risk.

    Its rules are read in fractions of the account and then scaled, so that each has the account's own tolerance. Every
    account has a row for every security of the household; what it neither holds nor may buy cannot trade.
    """
    leg = request.leg(replace(account, settings=replace(account.settings, tracking=request.tracking)))
    bands = account.settings.weight_bands
    own_wanted = {each for each, band in bands.items() if band.minimum > 0}
    named = {each.security_id for each in _all_positions(request)} | _wanted(request) | _held_away(request)
    others = dict.fromkeys(named - target.weights.keys() - own_wanted, ZERO)
    measure = own if own > 0 else value
    everything = PreparedTarget({**target.weights, **others}, _cash(request, account, own) / measure, target.replaced)
    data = build_with_cash(leg, everything, market, measure)
    outside = np.array([each in others for each in data.securities.ids], dtype=np.bool_)
    held = data.securities
    rows = _without_shares_of(data, outside & (held.holding <= 0))
    data = replace(data, securities=replace(held, buy_limit=np.where(outside, 0.0, held.buy_limit)), rows=rows)
    try:
        attainable = attain(data)
    except RulesClash:
        attainable = Attainable(data, clashing=(ALL_RULES,))
    location = _location(request, account, data.securities.ids)
    in_fractions = replace(attainable, data=scaled(attainable.data, measure / value, value, location))
    return _Part(in_fractions, _in_broken_bands(data.rows, above=True), _in_broken_bands(data.rows, above=False))


def _without_shares_of(data: OptimizerData, strangers: Flags) -> Rows:
    """The account's rows: a share of `strangers` (n,), which it never trades, is no slack of its bands."""
    held, members = data.securities, data.rows.on_active > 0
    share, own = held.share * held.whole, np.where(strangers, 0.0, held.share * held.whole)
    less = (members * share).max(axis=1, initial=0.0) - (members * own).max(axis=1, initial=0.0)
    return replace(data.rows, slack=np.where(data.rows.slack > 0, data.rows.slack - less, data.rows.slack))


def build_with_cash(leg: AnalysisInput, target: PreparedTarget, market: MarketArrays, value: Decimal) -> OptimizerData:
    """One account's arrays; losses that would be washed are opened only when the cash cannot be had without them."""
    data = build_data(leg, target, market, value)
    if cash_shortage(data) > 0 and data.cash < data.cash_required:
        return build_data(leg, target, market, value, sell_washed_losses=True)
    return data


def _wanted(request: HouseholdInput) -> set[SecurityId]:
    """Names that some account must hold."""
    settings = [account.settings for account in request.accounts]
    return {name for each in settings for name, band in each.weight_bands.items() if band.minimum > 0}


def _held_away(request: HouseholdInput) -> set[SecurityId]:
    return {each.security_id for account in request.accounts for each in account.held_away}


def _joined(request: HouseholdInput, parts: tuple[OptimizerData, ...], found: Sequence[_Part]) -> HouseholdData:
    held = parts[0].securities
    data = HouseholdData(
        parts=parts,
        pairs=_pairs(parts, found),
        lots=_lots(parts),
        rows=joined_rows(parts),
        row_account=np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts]),
        regimes=(),
        away=np.sum([part.securities.away for part in parts], axis=0),
        held_target=held.target,
        loadings=held.loadings,
        variance=held.variance,
        specific_risk=held.specific_risk,
        wash_key=held.wash_key,
        cash=np.array([part.cash for part in parts]),
        cash_minimum=np.array([part.cash_minimum for part in parts]),
        cash_target=np.array([part.cash_target for part in parts]),
        parameters=household_parameters(request),
        tracking_limit=None if request.tracking_error_limit is None else float(request.tracking_error_limit),
    )
    return replace(data, regimes=joint_regimes(request, data))


def _pairs(parts: tuple[OptimizerData, ...], found: Sequence[_Part]) -> Pairs:
    held = [part.securities for part in parts]
    size = len(held[0].ids)
    return Pairs(
        account=np.repeat(np.arange(len(parts)), size),
        security=np.tile(np.arange(size), len(parts)),
        holding=np.concatenate([each.holding for each in held]),
        half_spread=np.concatenate([each.half_spread for each in held]),
        location=np.concatenate([-each.tilt for each in held]),
        buy_limit=np.concatenate([each.buy_limit for each in held]),
        buy_minimum=np.concatenate([each.buy_minimum for each in held]),
        sell_limit=np.concatenate([each.sell_limit for each in held]),
        sell_minimum=np.concatenate([each.sell_minimum for each in held]),
        minimum_trade=np.concatenate([each.minimum_trade for each in held]),
        unit=np.concatenate([each.share * np.where(each.whole, each.round_lot, 1 / FRACTION_UNITS) for each in held]),
        sale_demanded=np.concatenate([each.above | _must_sell(part) for each, part in zip(found, parts, strict=True)]),
        purchase_demanded=np.concatenate([each.below for each in found]),
    )


def _must_sell(part: OptimizerData) -> bool:
    """True when cash is owed, or more names are held than may be."""
    too_many = part.most_names is not None and int((part.securities.holding > part.crumb).sum()) > part.most_names
    return part.cash < part.cash_required or too_many


def _in_broken_bands(rows: Rows, *, above: bool) -> Flags:
    """Members of groups that are above, or below, their band, (n,)."""
    broken = rows.start > rows.high if above else rows.start < rows.low
    return np.asarray((rows.on_active[broken] > 0).any(axis=0), dtype=np.bool_)


def _location(request: HouseholdInput, account: AccountSnapshot, ids: tuple[SecurityId, ...]) -> Floats:
    """What one unit of each security costs a year in this account, (n,)."""
    status, master = account.account.tax_status, request.market.securities
    costs = {each.asset_class: each.bps * BASIS_POINT for each in request.location if each.tax_status is status}
    classes = [master[each].asset_class if each in master else "" for each in ids]
    return np.array([float(costs.get(name, ZERO)) for name in classes])


def _lots(parts: tuple[OptimizerData, ...]) -> PairLots:
    first = np.cumsum([0, *(len(part.securities.ids) for part in parts[:-1])])
    lots = [part.lots for part in parts]
    return PairLots(
        pair=np.concatenate([each.security + start for each, start in zip(lots, first, strict=True)]),
        value=np.concatenate([each.value for each in lots]),
        limit=np.concatenate([each.limit for each in lots]),
        tax=np.concatenate([each.tax for each in lots]),
        at_loss=np.concatenate([part.lots.at_loss & part.taxable for part in parts]),
    )
