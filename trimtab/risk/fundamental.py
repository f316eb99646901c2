"""A fundamental factor model: a market, sectors, and style characteristics that price and volume tell.

Exposures are observed, factor returns are estimated: each day's cross-section of returns is regressed on the exposures
of the evening before (Menchero, Orr and Wang 2011, "The Barra US Equity Model (USE4)", sections 2 and 4).

1. MARKET is 1 for everybody; each sector is 1 for its members, and sector returns sum to zero over equal weights, so
   that both can be told apart. Styles are centred, scaled to unit deviation and cut at three:
   MOMENTUM  the logarithm of the return from 252 to 21 days before,
   VOLATILITY  the deviation of 126 daily returns,
   BETA  to the equally weighted market over 252 days,
   LIQUIDITY  the logarithm of the mean dollar volume of 63 days, where volumes are known.
   They are looked at anew every 21 sessions.
2. Factor returns by least squares, weighted by the inverse of each security's residual variance.
3. Covariance of factor returns and specific variance, newer days weighing more; specific risk is drawn towards its
   sector's median, and is the median where the history is short. A newcomer has its sector and average styles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.model import DAYS_A_YEAR, Floats, RiskEstimate, day_weights, regime, shrunk_covariance

MOMENTUM_DAYS: Final = 252
SKIPPED_DAYS: Final = 21
VOLATILITY_DAYS: Final = 126
BETA_DAYS: Final = 252
LIQUIDITY_DAYS: Final = 63
RENEWED_EVERY: Final = 21
CUT_AT: Final = 3.0
LEAST_NAMES: Final = 10
LEAST_DAYS: Final = 30
NO_SECTOR: Final = "OTHER"


@dataclass(frozen=True, slots=True)
class FundamentalOptions:
    """How the days are weighed; half-lives in days."""

    half_life: float | None = 126.0
    specific_half_life: float | None = 126.0
    shrinkage: float | None = None  # of the factor covariance towards its diagonal; None: as much as the days ask for
    regime_half_life: float | None = 10.0  # of the multiplier that follows the last weeks; None: no multiplier
    specific_shrinkage: float = 0.2  # share of the sector median's logarithm in everybody's specific variance


@dataclass(eq=False)
class FundamentalEstimator:
    """Estimates from one history, as of any of its days; exposures of a date are computed once.

    `returns`: (days, n_securities). `dollar_volume`: the same shape, or None.
    """

    returns: Floats
    names: Sequence[str]
    sectors: Mapping[str, str]
    dollar_volume: Floats | None = None
    options: FundamentalOptions = field(default_factory=FundamentalOptions)
    window: int = 756
    _exposures: dict[int, Floats] = field(default_factory=dict)
    _sector_names: tuple[str, ...] = ()
    _sector_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        of_each = [self.sectors.get(name, NO_SECTOR) for name in self.names]
        self._sector_names = tuple(sorted(set(of_each)))
        self._sector_of = np.array([self._sector_names.index(sector) for sector in of_each], dtype=np.int64)

    @property
    def factors(self) -> tuple[str, ...]:
        sectors = tuple(f"SECTOR_{_word(name)}" for name in self._sector_names)
        return ("MARKET", *sectors, "MOMENTUM", "VOLATILITY", "BETA", *(("LIQUIDITY",) if self._has_volume else ()))

    @property
    def _has_volume(self) -> bool:
        return self.dollar_volume is not None

    def __call__(self, until: int) -> RiskEstimate:
        """The model as of day number `until`, estimated over `window` days. Raises TooLittleHistory."""
        first = max(until + 1 - self.window, RENEWED_EVERY)
        if until - first < LEAST_DAYS or len(self.names) < LEAST_NAMES:
            raise TooLittleHistory(f"{until - first} days of {len(self.names)} securities are too few to estimate from")
        factor_returns, residuals = self._regressed(first, until)
        covariance = shrunk_covariance(factor_returns, self.options.half_life, self.options.shrinkage)
        covariance = covariance * regime(factor_returns, covariance, self.options.regime_half_life)
        exposures = self.exposures(until).copy()
        exposures[np.isnan(self.returns[: until + 1]).all(axis=0)] = np.nan
        return RiskEstimate(self.factors, exposures, covariance, self._specific(residuals))

    def exposures(self, day: int) -> Floats:
        """(n_securities, n_factors) as of the evening of a day."""
        if day not in self._exposures:
            self._exposures[day] = np.column_stack(
                [np.ones(len(self.names)), np.eye(len(self._sector_names))[self._sector_of], *self._styles(day)]
            )
        return self._exposures[day]

    def _styles(self, day: int) -> list[Floats]:
        past = self.returns[: day + 1]
        market = np.nanmean(past[-BETA_DAYS:], axis=1) if len(past) else np.zeros(0)
        styles = [
            _summed(np.log1p(past[-MOMENTUM_DAYS:-SKIPPED_DAYS])),
            _deviation(past[-VOLATILITY_DAYS:]),
            _betas(past[-BETA_DAYS:], market),
        ]
        if self.dollar_volume is not None:
            styles.append(_log_mean(self.dollar_volume[max(0, day + 1 - LIQUIDITY_DAYS) : day + 1]))
        return [_standardised(style) for style in styles]

    def _regressed(self, first: int, until: int) -> tuple[Floats, Floats]:
        """Daily factor returns and residuals of the days `first` to `until`, by the exposures known before each."""
        found, left = [], []
        weights = np.ones(len(self.names))
        for start in range(first, until + 1, RENEWED_EVERY):
            stop = min(start + RENEWED_EVERY, until + 1)
            exposures = self.exposures(start - 1)
            block = self.returns[start:stop]
            solved = _cross_sections(block, exposures, len(self._sector_names), weights)
            found.append(solved)
            left.append((block - solved @ exposures.T) * self._freedom(block)[:, None])
            weights = _precision(np.concatenate(left))
        return np.concatenate(found), np.concatenate(left)

    def _freedom(self, returns: Floats) -> Floats:
        """(days,): what residuals are too small by, since each day's regression has fitted its factors."""
        counted = (~np.isnan(returns)).sum(axis=1)
        free = counted - (len(self.factors) - 1)  # the sectors' balance gives one back
        return np.asarray(np.sqrt(counted / np.maximum(free, 1)))

    def _specific(self, residuals: Floats) -> Floats:
        """Annualised deviation of each security's residuals, drawn towards its sector's median."""
        days = (~np.isnan(residuals)).sum(axis=0)
        weights = day_weights(len(residuals), self.options.specific_half_life)[:, None]
        there = np.where(np.isnan(residuals), 0.0, weights)
        squares = (np.nan_to_num(residuals) ** 2 * there).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = squares / there.sum(axis=0)
        enough = (days >= LEAST_DAYS) & (variance > 0)
        if not enough.any():
            raise TooLittleHistory("no security has thirty days of returns")
        typical = np.full(len(self.names), np.median(variance[enough]))
        for sector in range(len(self._sector_names)):
            members = (self._sector_of == sector) & enough
            if members.sum() >= LEAST_NAMES // 2:
                typical[self._sector_of == sector] = np.median(variance[members])
        share = self.options.specific_shrinkage
        own = np.where(enough, variance, typical)
        return np.asarray(np.sqrt(own ** (1 - share) * typical**share * DAYS_A_YEAR))


def _cross_sections(returns: Floats, exposures: Floats, sectors: int, weights: Floats) -> Floats:
    """(days, n_factors): weighted least squares of each day, sector returns summing to zero."""
    solved = np.zeros((len(returns), exposures.shape[1]))
    balance = np.zeros(exposures.shape[1])
    balance[1 : 1 + sectors] = 1.0
    for day, row in enumerate(returns):
        there = ~np.isnan(row)
        if there.sum() < exposures.shape[1]:
            continue
        root = np.sqrt(weights[there])[:, None]
        design = np.vstack([exposures[there] * root, balance * root.sum()])
        wanted = np.append(row[there] * root[:, 0], 0.0)
        solved[day], *_ = np.linalg.lstsq(design, wanted, rcond=None)
    return solved


def _precision(residuals: Floats) -> Floats:
    """Inverse residual variances, in multiples of the median and between a fifth and five times it."""
    with np.errstate(invalid="ignore"):
        counted = (~np.isnan(residuals)).sum(axis=0)
        variance = np.where(counted > 1, np.nan_to_num(residuals) ** 2, 0.0).sum(axis=0) / np.maximum(counted, 1)
    known = variance > 0
    if not known.any():
        return np.ones(residuals.shape[1])
    middle = np.median(variance[known])
    return np.asarray(np.clip(middle / np.where(known, variance, middle), 0.2, 5.0))


def _summed(returns: Floats) -> Floats:
    return np.where(_enough(returns), np.nan_to_num(returns).sum(axis=0), np.nan)


def _deviation(returns: Floats) -> Floats:
    counted = np.maximum((~np.isnan(returns)).sum(axis=0), 1)
    return np.where(_enough(returns), np.sqrt(np.nan_to_num(returns**2).sum(axis=0) / counted), np.nan)


def _betas(returns: Floats, market: Floats) -> Floats:
    if not len(returns):
        return np.full(returns.shape[1], np.nan)
    there = ~np.isnan(returns)
    moved = np.where(there, (market - market.mean())[:, None], 0.0)
    own = np.nan_to_num(returns)
    variance = (moved**2).sum(axis=0)
    return np.where(_enough(returns) & (variance > 0), (own * moved).sum(axis=0) / np.maximum(variance, 1e-12), np.nan)


def _log_mean(dollars: Floats) -> Floats:
    there = dollars > 0
    counted = there.sum(axis=0)
    mean = np.where(there, np.nan_to_num(dollars), 0.0).sum(axis=0) / np.maximum(counted, 1)
    return np.where(counted > 0, np.log(np.maximum(mean, 1.0)), np.nan)


def _enough(returns: Floats) -> NDArray[np.bool_]:
    """Half of the days there."""
    return np.asarray((~np.isnan(returns)).sum(axis=0) * 2 > len(returns))


def _standardised(style: Floats) -> Floats:
    """Centred, unit deviation, cut at three; 0 where it is unknown: an average security."""
    known = np.isfinite(style)
    if known.sum() < LEAST_NAMES:
        return np.zeros(len(style))
    deviation = style[known].std()
    scaled = (style - style[known].mean()) / (deviation if deviation > 0 else 1.0)
    return np.asarray(np.clip(np.where(known, scaled, 0.0), -CUT_AT, CUT_AT))


def _word(sector: str) -> str:
    return "_".join(sector.upper().replace("&", "AND").replace("-", " ").split())
