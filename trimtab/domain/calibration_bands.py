"""What each word is to come to on a reference book, stated in an advisor's terms, and how a measured book stands to it.

Figures of a word are those of one rebalance of the whole book with that word, the other two words in the middle.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trimtab.domain.account_settings import Harvesting, TaxSensitivity, Tracking
from trimtab.domain.calibration import Calibration

Word = Tracking | TaxSensitivity | Harvesting

WORDS: tuple[Word, ...] = (*Tracking, *TaxSensitivity, *Harvesting)


@dataclass(frozen=True, slots=True)
class Band:
    """From `low` to `high`, both inside."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


@dataclass(frozen=True, slots=True)
class Bands:
    """What a calibration is to hit. A word without a band is not judged."""

    tracking_error_bps: Mapping[Tracking, Band]  # median over the book after the rebalance, annualised
    gain_tax_share: Mapping[TaxSensitivity, Band]  # tax on gains, a share of what a tax-blind rebalance pays
    losses_harvested: Mapping[Harvesting, Band]  # tax saved by losses, a share of what all losses in the lots would
    turnover: Mapping[Tracking, Band]  # median, one-way, a fraction of account value: judged, never fitted


STATED = Bands(
    tracking_error_bps={
        Tracking.TIGHT: Band(45, 75),
        Tracking.MODERATE: Band(120, 160),
        Tracking.LOOSE: Band(170, 230),
    },
    gain_tax_share={
        TaxSensitivity.LOW: Band(0.12, 0.25),
        TaxSensitivity.MEDIUM: Band(0.04, 0.10),
        TaxSensitivity.HIGH: Band(0.0, 0.03),
    },
    losses_harvested={
        Harvesting.OFF: Band(0.0, 0.30),
        Harvesting.OPPORTUNISTIC: Band(0.70, 0.86),
        Harvesting.AGGRESSIVE: Band(0.88, 1.0),
    },
    turnover={each: Band(0.0, 0.20) for each in Tracking},
)
"""What the shipped calibration holds to (docs/calibration.md)."""


@dataclass(frozen=True, slots=True)
class WordFigures:
    """What one word comes to on the book. Of `gain_tax_bps` and `loss_saving_bps` only taxable accounts count."""

    word: Word
    parameter: float  # what the word stands for in the map
    tracking_error_bps: float  # median
    turnover: float  # median
    gain_tax_bps: float  # mean tax on realised gains, bp of account value
    loss_saving_bps: float  # mean tax saved by realised losses
    gain_tax_share: float
    losses_harvested: float
    trading: int  # accounts with trades
    unanswered: int  # accounts whose rules clash, or without an answer

    def fitted_figure(self) -> float:
        """The figure that the word's own parameter is fitted to."""
        if isinstance(self.word, Tracking):
            return self.tracking_error_bps
        return self.gain_tax_share if isinstance(self.word, TaxSensitivity) else self.losses_harvested


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of one word against its band."""

    word: Word
    figure: str
    value: float
    band: Band

    @property
    def met(self) -> bool:
        return self.band.holds(self.value)


def band_of(bands: Bands, word: Word) -> Band | None:
    """The band that the word's own parameter is fitted to."""
    if isinstance(word, Tracking):
        return bands.tracking_error_bps.get(word)
    if isinstance(word, TaxSensitivity):
        return bands.gain_tax_share.get(word)
    return bands.losses_harvested.get(word)


def parameter_of(calibration: Calibration, word: Word) -> float:
    """What the word stands for: its price of risk, share of a gain's tax, or credit for a loss."""
    if isinstance(word, Tracking):
        return calibration.risk_aversion[word]
    if isinstance(word, TaxSensitivity):
        return calibration.gain_tax_weight[word]
    return calibration.loss_credit[word]


def verdicts(figures: Mapping[Word, WordFigures], bands: Bands) -> Iterator[Verdict]:
    """Each stated band with what was measured."""
    for word, found in figures.items():
        band = band_of(bands, word)
        if band is not None:
            yield Verdict(word, _FITTED[type(word)], found.fitted_figure(), band)
        if isinstance(word, Tracking) and word in bands.turnover:
            yield Verdict(word, "turnover", found.turnover, bands.turnover[word])


_FITTED: Mapping[type, str] = {
    Tracking: "tracking_error_bps",
    TaxSensitivity: "gain_tax_share",
    Harvesting: "losses_harvested",
}
