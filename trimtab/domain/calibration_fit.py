"""Fits a calibration so that a reference book hits stated bands: one word after the other, each by bisection.

A word's own figure is monotone in its own parameter (tracking error falls with the price of risk, tax on gains with
the share of it that counts, harvested losses rise with their credit: docs/calibration.md has the argument), so
bisection finds it. A word whose figure is in its band is left as it is: a calibration changes no more than it must.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log
from statistics import fmean, median

from trimtab.domain.account_settings import Harvesting, TaxSensitivity, Tracking
from trimtab.domain.accounts import TaxStatus
from trimtab.domain.calibration import (
    SHIPPED,
    Calibration,
    Parameters,
    calibration_faults,
    number_of,
    numbered,
    order_faults,
    parameters_for,
)
from trimtab.domain.calibration_bands import (
    WORDS,
    Band,
    Bands,
    Verdict,
    Word,
    WordFigures,
    band_of,
    parameter_of,
    verdicts,
)
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import HoldingPeriod, first_long_term_sale_date
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

_ROUNDS = 4
"""Words lean on each other (a tighter one harvests less): so often all of them are gone through."""

_STEPS = 14
"""Bisections of one parameter: its range shrinks to a ten-thousandth."""

_RISK_AVERSION = (0.1, 20_000.0)
_SHARE = (0.0, 1.0)

_INSIDE = 0.25
"""A parameter that is moved stops when its figure is so far inside the band, a fraction of its width, at both ends."""


class CalibrationFailed(TrimtabError):
    """No map in which stricter words are stricter hits the stated bands on this book."""

    code = "CALIBRATION_FAILED"


class NoReferenceBook(TrimtabError):
    """There is no account to calibrate on, or none of them pays tax."""

    code = "NO_REFERENCE_BOOK"


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """What one account's rebalance came to; tax in bp of account value at the rates of each lot's own term."""

    account_id: str
    taxable: bool
    answered: bool
    trades: bool
    tracking_error_bps: float
    turnover: float
    gain_tax_bps: float
    loss_saving_bps: float
    gap_bps: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A map with what it comes to on the book it was fitted to."""

    calibration: Calibration
    figures: Mapping[Word, WordFigures]
    verdicts: tuple[Verdict, ...]
    weaker: int  # rebalances in which a stricter word came out weaker for some account: whole shares apart, none

    @property
    def met(self) -> bool:
        return all(each.met for each in self.verdicts)


class ReferenceBook:
    """Accounts that are rebalanced with other words; answers are kept by the numbers that the words stand for."""

    def __init__(self, accounts: Sequence[AnalysisInput]) -> None:
        """Raises NoReferenceBook."""
        if not any(each.snapshot.account.tax_status is TaxStatus.TAXABLE for each in accounts):
            raise NoReferenceBook("calibration needs accounts, and at least one that pays tax")
        self._accounts = tuple(accounts)
        self._markets = {id(each.market): MarketArrays.from_snapshot(each.market) for each in accounts}
        self._answers: dict[Parameters, tuple[AccountFigures, ...]] = {}
        self._standing = [_standing_losses_bps(each) for each in accounts]

    def __len__(self) -> int:
        return len(self._accounts)

    def rebalanced(self, calibration: Calibration, word: Word | None = None) -> tuple[AccountFigures, ...]:
        """Every account with `word`, and the middle words for the others. Raises what `analyze` raises."""
        requests = [_with_words(each, calibration, word) for each in self._accounts]
        key = parameters_for(requests[0].snapshot.settings, requests[0].snapshot.business_date, calibration)
        if key not in self._answers:
            answers: dict[int, RebalanceProposal] = {}
            for market, arrays in self._markets.items():
                places = [place for place, each in enumerate(requests) if id(each.market) == market]
                found = analyze_batch([requests[place] for place in places], arrays)
                for place, answer in zip(places, found, strict=True):
                    if isinstance(answer, TrimtabError):
                        raise answer
                    answers[place] = answer
            self._answers[key] = tuple(_figures(each, answers[place]) for place, each in enumerate(requests))
        return self._answers[key]

    def figures(self, calibration: Calibration, word: Word) -> WordFigures:
        """What the word comes to."""
        found = self.rebalanced(calibration, word)
        taxed = [each for each in found if each.taxable]
        gain_tax = fmean(each.gain_tax_bps for each in taxed)
        saving = fmean(each.loss_saving_bps for each in taxed)
        blind, standing = self._blind_gain_tax(calibration), fmean(each for each in self._standing if each is not None)
        return WordFigures(
            word=word,
            parameter=parameter_of(calibration, word),
            tracking_error_bps=median(each.tracking_error_bps for each in found),
            turnover=median(each.turnover for each in found),
            gain_tax_bps=gain_tax,
            loss_saving_bps=saving,
            gain_tax_share=gain_tax / blind if blind > 0 else 0.0,
            losses_harvested=saving / standing if standing > 0 else 0.0,
            trading=sum(each.trades for each in found),
            unanswered=sum(not each.answered for each in found),
        )

    def weaker(self, calibration: Calibration) -> int:
        """How often an account's tracking error or tax on gains rises, or its harvest falls, with a stricter word."""
        count = 0
        for looser, stricter in _NEIGHBOURS:
            pairs = zip(self.rebalanced(calibration, looser), self.rebalanced(calibration, stricter), strict=True)
            count += sum(_own_figure(stricter, more) > _own_figure(stricter, less) for less, more in pairs)
        return count

    def _blind_gain_tax(self, calibration: Calibration) -> float:
        """Mean tax on gains when no tax counts for anything, bp: the middle tracking, neither gains nor losses."""
        blind = replace(
            calibration,
            gain_tax_weight=dict.fromkeys(TaxSensitivity, 0.0),
            loss_credit=dict.fromkeys(Harvesting, 0.0),
        )
        return fmean(each.gain_tax_bps for each in self.rebalanced(blind) if each.taxable)


_NEIGHBOURS: tuple[tuple[Word, Word], ...] = (
    (Tracking.LOOSE, Tracking.MODERATE),
    (Tracking.MODERATE, Tracking.TIGHT),
    (TaxSensitivity.LOW, TaxSensitivity.MEDIUM),
    (TaxSensitivity.MEDIUM, TaxSensitivity.HIGH),
    (Harvesting.OFF, Harvesting.OPPORTUNISTIC),
    (Harvesting.OPPORTUNISTIC, Harvesting.AGGRESSIVE),
)
"""Looser and stricter words beside each other."""


def _own_figure(word: Word, account: AccountFigures) -> float:
    """What a stricter word is to bring down: losses that are harvested count negative."""
    if isinstance(word, Tracking):
        return account.tracking_error_bps
    return account.gain_tax_bps if isinstance(word, TaxSensitivity) else -account.loss_saving_bps


def measure_calibration(book: ReferenceBook, calibration: Calibration, bands: Bands) -> Fitted:
    """What a map comes to on the book, word by word."""
    figures = {word: book.figures(calibration, word) for word in WORDS}
    return Fitted(calibration, figures, tuple(verdicts(figures, bands)), book.weaker(calibration))


def fit_calibration(book: ReferenceBook, bands: Bands, start: Calibration = SHIPPED) -> Fitted:
    """The map nearest to `start` that hits the bands; `start` itself, under its own version, when it does.

    Raises CalibrationFailed when none is found.
    """
    calibration = start
    for _ in range(_ROUNDS):
        moved = calibration
        for word in WORDS:
            band = band_of(bands, word)
            if band is not None and word is not Harvesting.OFF:
                moved = _fit_word(book, moved, word, band)
        if moved == calibration:
            break
        calibration = moved
    if calibration != start:
        calibration = numbered(calibration, max(number_of(start), number_of(SHIPPED)) + 1)
    fitted = measure_calibration(book, calibration, bands)
    missed = [f"{each.word} {each.figure} is {each.value:.3g}" for each in fitted.verdicts if not each.met]
    wrong = [*calibration_faults(calibration), *order_faults(calibration), *missed]
    if wrong:
        raise CalibrationFailed("the bands are not hit on this book: " + "; ".join(wrong))
    return fitted


def _fit_word(book: ReferenceBook, calibration: Calibration, word: Word, band: Band) -> Calibration:
    """The map with the word's parameter moved until its figure is inside the band; unmoved when it is."""
    if band.holds(book.figures(calibration, word).fitted_figure()):
        return calibration
    rises = isinstance(word, Harvesting)
    low, high = _RISK_AVERSION if isinstance(word, Tracking) else _SHARE
    goal = Band(
        band.low + _INSIDE * (band.high - band.low) if band.low > 0 else 0.0,
        band.high - _INSIDE * (band.high - band.low),
    )
    for _ in range(_STEPS):
        tried = _rounded(exp((log(low) + log(high)) / 2) if isinstance(word, Tracking) else (low + high) / 2)
        calibration = _with_parameter(calibration, word, tried)
        figure = book.figures(calibration, word).fitted_figure()
        if goal.holds(figure):
            return calibration
        if (figure < goal.low) is rises:
            low = tried
        else:
            high = tried
    return calibration


def _with_parameter(calibration: Calibration, word: Word, value: float) -> Calibration:
    if isinstance(word, Tracking):
        return replace(calibration, risk_aversion={**calibration.risk_aversion, word: value})
    if isinstance(word, TaxSensitivity):
        return replace(calibration, gain_tax_weight={**calibration.gain_tax_weight, word: value})
    return replace(calibration, loss_credit={**calibration.loss_credit, word: value})


def _rounded(value: float) -> float:
    """Three significant digits: a map is read by people."""
    return float(f"{value:.3g}")


def _with_words(request: AnalysisInput, calibration: Calibration, word: Word | None) -> AnalysisInput:
    """The account with the middle words, but for `word`; its own rules stay."""
    settings = replace(
        request.snapshot.settings,
        tracking=word if isinstance(word, Tracking) else Tracking.MODERATE,
        tax_sensitivity=word if isinstance(word, TaxSensitivity) else TaxSensitivity.MEDIUM,
        harvesting=word if isinstance(word, Harvesting) else Harvesting.OPPORTUNISTIC,
    )
    # Analysed under the shipped version's name: a map in the making has no version of its own yet.
    return replace(request, snapshot=replace(request.snapshot, settings=settings), calibration=numbered(calibration, 0))


def _figures(request: AnalysisInput, proposal: RebalanceProposal) -> AccountFigures:
    taxable = request.snapshot.account.tax_status is TaxStatus.TAXABLE
    taxes = list(_lot_taxes_bps(request, proposal)) if taxable else []
    return AccountFigures(
        account_id=proposal.account_id,
        taxable=taxable,
        answered=proposal.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE),
        trades=bool(proposal.trades),
        tracking_error_bps=float(proposal.after.tracking_error) * 1e4,
        turnover=float(proposal.turnover),
        gain_tax_bps=sum(each for each in taxes if each > 0),
        loss_saving_bps=-sum(each for each in taxes if each < 0),
        gap_bps=float(proposal.gap_bps),
    )


def _lot_taxes_bps(request: AnalysisInput, proposal: RebalanceProposal) -> Iterator[float]:
    settings, value = request.snapshot.settings, float(proposal.before.account_value)
    for sale in (sale for trade in proposal.trades for sale in trade.lot_sales):
        short = sale.term is HoldingPeriod.SHORT_TERM
        rate = settings.short_term_rate if short else settings.long_term_rate
        yield float(rate * sale.gain) / value * 1e4


def _standing_losses_bps(request: AnalysisInput) -> float | None:
    """Tax that selling every lot at a loss would save, bp of account value; None for an account without tax."""
    snapshot, prices = request.snapshot, request.market.prices
    if snapshot.account.tax_status is not TaxStatus.TAXABLE:
        return None
    value = float(snapshot.cash.trade_date_total) + sum(float(each.market_value) for each in snapshot.positions)
    saved = 0.0
    for lot in snapshot.lots:
        price = prices.get(lot.security_id)
        gain = 0.0 if price is None else float(lot.quantity * price.close - lot.cost)
        short = snapshot.business_date < first_long_term_sale_date(lot.acquired_on)
        rate = snapshot.settings.short_term_rate if short else snapshot.settings.long_term_rate
        saved += max(-gain, 0.0) * float(rate)
    return saved / value * 1e4 if value > 0 and isfinite(value) else 0.0
