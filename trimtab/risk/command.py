"""`trimtab risk estimate`: from price history to the two files that the risk feed loads, and how well they forecast."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from trimtab.domain.records import content_hash
from trimtab.feeds.writing import FeedFile, write_feed
from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.fit import RiskFit, out_of_sample
from trimtab.risk.fundamental import FundamentalEstimator, FundamentalOptions
from trimtab.risk.history import PriceHistory, read_history, read_sectors, read_volumes, total_returns
from trimtab.risk.model import Estimator, Floats, RiskEstimate
from trimtab.risk.statistical import StatisticalOptions, estimate_risk

STATISTICAL: Final = "statistical"
FUNDAMENTAL: Final = "fundamental"
STATISTICAL_WINDOW: Final = 504
FIRST_TEST: Final = 504  # days that a model knows before it is tested
DEFAULTS: Final = StatisticalOptions(15, 126.0, 126.0, None, 21.0)


@dataclass(frozen=True, slots=True)
class RiskSources:
    """Where the history lies. Sectors are needed for a fundamental model; volumes add LIQUIDITY to it."""

    prices: Path
    actions: Path | None = None
    volumes: Path | None = None
    sectors: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedModel:
    """A model with its version and how well it forecast."""

    version: str  # kind, as-of date and a hash of its numbers: the source of the delivered files
    as_of: date
    names: tuple[str, ...]
    estimate: RiskEstimate
    fit: RiskFit | None

    def document(self) -> dict[str, Any]:
        """What is told about it."""
        return {
            "model": self.version,
            "as_of": self.as_of.isoformat(),
            "factors": list(self.estimate.factors),
            "securities": int(self.estimate.known.sum()),
            "without_exposures": [
                name for name, known in zip(self.names, self.estimate.known, strict=True) if not known
            ],
            "fit": None if self.fit is None else asdict(self.fit),
        }


def estimate_model(sources: RiskSources, kind: str, as_of: date | None = None, *, test: bool = True) -> EstimatedModel:
    """Estimate the model as of a session, the history's last by default. Raises TooLittleHistory, UnreadableHistory."""
    history = read_history(sources.prices)
    if sources.volumes is not None:
        history = read_volumes(sources.volumes, history)
    returns = total_returns(history, sources.actions)
    until = _place(history, as_of)
    estimator = _estimator(kind, returns, history, sources)
    fit = out_of_sample(estimator, returns[: until + 1], FIRST_TEST) if test and until > FIRST_TEST + 1 else None
    day, found = history.sessions[until + 1], estimator(until)
    return EstimatedModel(_version(kind, day, history.names, found), day, history.names, found, fit)


def _place(history: PriceHistory, as_of: date | None) -> int:
    """The row of the returns that end on the date."""
    if as_of is None:
        return len(history.sessions) - 2
    if as_of not in history.sessions[1:]:
        raise TooLittleHistory(f"the history holds no return of {as_of}")
    return history.sessions.index(as_of) - 1


def _estimator(kind: str, returns: Floats, history: PriceHistory, sources: RiskSources) -> Estimator:
    if kind == STATISTICAL:
        return lambda until: estimate_risk(
            returns[max(0, until + 1 - STATISTICAL_WINDOW) : until + 1], options=DEFAULTS
        )
    if sources.sectors is None:
        raise TooLittleHistory("a fundamental model needs the securities' sectors: name their file")
    dollars = None if history.volumes is None else (history.closes * history.volumes)[1:]
    return FundamentalEstimator(returns, history.names, read_sectors(sources.sectors), dollars, FundamentalOptions())


def _version(kind: str, as_of: date, names: Sequence[str], found: RiskEstimate) -> str:
    """Equal numbers have an equal version."""
    numbers = [found.factors, found.exposures.round(9).tolist(), found.covariance.round(12).tolist()]
    digest = content_hash([list(names), repr(numbers), repr(found.specific_risk.round(9).tolist())])
    return f"{kind}-{as_of.isoformat()}-{digest[:12]}"


def write_model(model: EstimatedModel, drop: Path, firm_id: str, business_date: date, scheme: str) -> list[Path]:
    """Write the exposures and covariance as a vendor would, into the firm's drop folder; returns where.

    `scheme`: how the history names securities, one of the feed's identifiers. The files' source is the model's version.
    """
    found = model.estimate
    exposures = [
        (name, *map(_text, found.exposures[place]), _text(found.specific_risk[place]))
        for place, name in enumerate(model.names)
        if found.known[place]
    ]
    covariance = [(factor, *map(_text, found.covariance[place])) for place, factor in enumerate(found.factors)]
    files = (
        FeedFile("risk_exposures", model.version, (scheme, *found.factors, "specific_risk"), exposures),
        FeedFile("risk_covariance", model.version, ("factor", *found.factors), covariance),
    )
    return [write_feed(file, drop, firm_id, business_date, model.as_of) for file in files]


def _text(value: np.float64) -> str:
    """Shortest digits that give the same float again, without more exponent than the feed reads."""
    return repr(float(value)) if value else "0"


def model_lines(model: EstimatedModel) -> list[str]:
    """The model and its fit in words."""
    found, fit = model.estimate, model.fit
    lines = [f"{model.version}: {int(found.known.sum())} securities, {len(found.factors)} factors"]
    if fit is None:
        return [*lines, "not tested: fewer than two years of history, or not asked for"]
    years = ", ".join(f"{bias:.2f}" for bias in fit.yearly_bias)
    return [
        *lines,
        f"tested on {fit.days} days that it had not seen, estimated anew {fit.tests} times",
        f"bias statistic, 1 is right: market {fit.market_bias:.2f}, portfolios {fit.portfolio_bias:.2f}, "
        f"active {fit.active_bias:.2f}, single securities {fit.security_bias:.2f}",
        f"portfolios by year: {years}",
        f"variance of single securities explained: {100 * fit.explained_variance:.1f} %",
    ]
