"""The securities of one account as arrays: holdings, targets, risk, and how far each may and must trade."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from trimtab.domain.account_settings import AccountSettings, RestrictionKind, WeightBand
from trimtab.domain.calibration import BAND_TOLERANCE, Parameters
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, floats_of
from trimtab.domain.optimizer.equivalence import buyable_substitutes, sets_of
from trimtab.domain.optimizer.market_arrays import UNKNOWN_SPECIFIC_RISK, MarketArrays
from trimtab.domain.optimizer.problem import Securities
from trimtab.domain.optimizer.targets import PreparedTarget, held_away, untouchable
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.securities import Security, SecurityId, SecurityKind
from trimtab.domain.snapshots import AnalysisInput

_ANY_WEIGHT = WeightBand()

Untouchable = Mapping[SecurityId, tuple[WhyNotCode, str]]


def security_rows(
    request: AnalysisInput, target: PreparedTarget, market: MarketArrays, value: Decimal, parameters: Parameters
) -> Securities:
    """Rows without any limit on sales yet; buys are limited by the rules on single names only."""
    positions = {each.security_id: each for each in request.snapshot.positions if each.quantity != 0}
    settings = request.snapshot.settings
    wanted = {each for each, band in settings.weight_bands.items() if band.minimum > 0}
    elsewhere, stand_ins = held_away(request), buyable_substitutes(request, target.weights)
    ids = tuple(sorted(positions.keys() | target.weights.keys() | wanted | elsewhere.keys() | stand_ins))
    blocked = {each: why for each in ids if (why := untouchable(request, each)) is not None}
    prices = [_close(request, each) for each in ids]
    values = [
        ZERO if (held := positions.get(each)) is None else held.quantity * price if price else held.market_value
        for each, price in zip(ids, prices, strict=True)
    ]
    loadings, specific, half_spread = _market_rows(market, ids)
    commission = _commissions(request, ids, value)
    sets = sets_of(request, ids, target.weights)
    loadings, specific = loadings[sets.source], specific[sets.source]
    tilt = _by_name(settings.tilts, ids)
    variance = np.maximum(specific, parameters.specific_risk_floor) ** 2
    master = request.market.securities
    nothing, price = np.zeros(len(ids)), floats_of(prices)
    return Securities(
        ids=ids,
        holding=floats_of([each / value for each in values]),
        target=_by_name(target.weights, ids),
        away=_by_name({each: dollars / value for each, dollars in elsewhere.items()}, ids),
        tilt=tilt[sets.source],
        loadings=loadings,
        variance=variance,
        specific_risk=specific,
        half_spread=half_spread,
        share=price / float(value),
        price=price,
        whole=np.array([each in master and master[each].whole_shares for each in ids], dtype=np.bool_),
        round_lot=np.array([_round_lot(master.get(each)) for each in ids], dtype=np.int64),
        minimum_holding=np.full(len(ids), float(settings.minimum_holding / value)),
        buy_limit=_buyable(request, {*target.weights, *wanted, *stand_ins}, ids, blocked).astype(np.float64),
        buy_minimum=nothing,
        sell_limit=nothing,
        sell_minimum=nothing,
        minimum_trade=np.maximum(
            float(settings.minimum_trade / value),
            # A trade of t from scratch earns at most lam * variance / 2 * t^2: below this its ticket costs more.
            np.sqrt(2 * commission / (parameters.risk_aversion * variance)),
        ),
        commission=commission,
        wash_key=_wash_keys(request, ids),
        block=sets.block,
        preference=sets.preference,
        untouchable=blocked,
    )


def _by_name(amounts: Mapping[SecurityId, Decimal], ids: tuple[SecurityId, ...]) -> Floats:
    """Of each security, (n,), zero without one."""
    return floats_of([amounts.get(each, ZERO) for each in ids]) if amounts else np.zeros(len(ids))


def _market_rows(market: MarketArrays, ids: tuple[SecurityId, ...]) -> tuple[Floats, Floats, Floats]:
    """Loadings, specific risk and half spread; a security that is not in the master has no common risk known."""
    known = np.array([each in market.index for each in ids], dtype=np.bool_)
    rows = [market.index[each] for each in ids if each in market.index]
    loadings = np.zeros((len(ids), market.loadings.shape[1]))
    specific, half_spread = np.full(len(ids), UNKNOWN_SPECIFIC_RISK), np.zeros(len(ids))
    loadings[known] = market.loadings[rows]
    specific[known] = market.specific_risk[rows]
    half_spread[known] = market.half_spread[rows]
    return loadings, specific, half_spread


def _commissions(request: AnalysisInput, ids: tuple[SecurityId, ...], value: Decimal) -> Floats:
    """The price of one order of each, by its kind, (n,) weights."""
    settings, master = request.snapshot.settings, request.market.securities
    if not settings.commission_by_kind:
        return np.full(len(ids), float(settings.commission / value))
    price = {kind: float(settings.commission_of(kind) / value) for kind in (None, *SecurityKind)}
    return np.array([price[master[each].kind if each in master else None] for each in ids])


def _round_lot(security: Security | None) -> int:
    return security.round_lot if security is not None and security.whole_shares else 1


def _close(request: AnalysisInput, security_id: SecurityId) -> Decimal:
    """The close, 0 without one."""
    price = request.market.prices.get(security_id)
    return price.close if price is not None and price.close > 0 else ZERO


def wash_key(request: AnalysisInput, security_id: SecurityId) -> str:
    security = request.market.securities.get(security_id)
    return security.wash_key if security else security_id


def _wash_keys(request: AnalysisInput, ids: tuple[SecurityId, ...]) -> Ints:
    names = [wash_key(request, each) for each in ids]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _buyable(
    request: AnalysisInput,
    wanted: set[SecurityId],
    ids: tuple[SecurityId, ...],
    blocked: Untouchable,
) -> Flags:
    """Wanted names (of the model, of its sets, of a band) that no rule, freeze or open window bars from purchases."""
    settings = request.snapshot.settings
    barred = settings.never_bought
    washed = request.snapshot.wash_windows.buy_blocked()
    return np.array(
        [
            each in wanted and each not in barred and each not in blocked and wash_key(request, each) not in washed
            for each in ids
        ],
        dtype=np.bool_,
    )


def listed(ids: tuple[SecurityId, ...], names: frozenset[SecurityId]) -> Flags:
    """Which of `ids` are among `names`, (n,)."""
    return np.array([each in names for each in ids], dtype=np.bool_)


def band_tolerance(settings: AccountSettings, value: Decimal) -> float:
    """By how much a band may be missed before a trade is forced: such a trade must not be below the minimum."""
    return float(max(BAND_TOLERANCE, settings.minimum_trade / value))


def with_bands(request: AnalysisInput, held: Securities, value: Decimal) -> Securities:
    """Weight bands and names never to be held, as limits and minimums of each side."""
    settings = request.snapshot.settings
    minimum, maximum = _ends(held.ids, settings.weight_bands)
    above, below = held.holding - maximum, minimum - held.holding
    tolerance = band_tolerance(settings, value)
    buy_limit = np.minimum(held.buy_limit, np.maximum(-above, 0.0))
    sell_limit = np.minimum(held.sell_limit, np.maximum(-below, 0.0))
    never_hold = listed(held.ids, settings.restricted(RestrictionKind.NEVER_HOLD))
    return replace(
        held,
        buy_limit=buy_limit,
        buy_minimum=_demanded(below, buy_limit, tolerance),
        sell_limit=np.where(never_hold, held.sell_limit, sell_limit),
        sell_minimum=np.where(never_hold, held.sell_limit, _demanded(above, sell_limit, tolerance)),
    )


def _ends(ids: tuple[SecurityId, ...], bands: Mapping[SecurityId, WeightBand]) -> tuple[Floats, Floats]:
    """Smallest and largest weight of each security, (n,): any without a band."""
    if not bands:
        return np.zeros(len(ids)), np.ones(len(ids))
    every = [bands.get(each, _ANY_WEIGHT) for each in ids]
    return floats_of([band.minimum for band in every]), floats_of([band.maximum for band in every])


def _demanded(missed: Floats, limit: Floats, tolerance: float) -> Floats:
    """The least trade that a band missed by `missed` asks for; none when what is allowed would be too small a trade."""
    due: Floats = np.where((missed > tolerance) & (limit >= tolerance), np.minimum(missed, limit), 0.0)
    return due
