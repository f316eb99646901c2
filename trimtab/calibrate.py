"""What `trimtab calibrate` reads, prints and writes: a map from plain words to prices, and what it comes to."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from rich.table import Table

from trimtab.domain.calibration import Calibration
from trimtab.domain.calibration_bands import STATED, WORDS, Band, Bands, Verdict, Word, band_of, parameter_of
from trimtab.domain.calibration_fit import Fitted, ReferenceBook
from trimtab.domain.records import canonical_json, plain
from trimtab.optimize import WrongInputShape, read_input, read_json, validated, write_text
from trimtab.simulated_accounts import a_reference_book

ACCOUNTS = 48
"""Simulated accounts of the reference book: twice as many move no figure by more than a fifth of its band."""


def reference_book(files: Sequence[Path], accounts: int = ACCOUNTS, seed: int = 1) -> ReferenceBook:
    """The accounts of the files, or else simulated ones. Raises what `read_input` raises, and NoReferenceBook."""
    return ReferenceBook([read_input(path) for path in files] or a_reference_book(accounts, seed))


def read_bands(path: Path | None) -> Bands:
    """The bands in the file, the stated ones without a file. Raises UnreadableInput and WrongInputShape."""
    if path is None:
        return STATED
    bands = validated(path, read_json(path), TypeAdapter(Bands))
    every = (bands.tracking_error_bps, bands.gain_tax_share, bands.losses_harvested, bands.turnover)
    for word, band in (each for group in every for each in group.items()):
        if not 0 <= band.low < band.high:
            raise WrongInputShape(f"{path}: the band of {word} must be from zero or more to something larger")
    return bands


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Keep the map as canonical JSON. Raises UnreadableInput when the file cannot be written."""
    write_text(canonical_json(calibration), path)


def calibration_table(fitted: Fitted, bands: Bands) -> Table:
    """Each word with what it stands for and what it comes to; the figure that its band is about has the band beside."""
    table = Table(title=f"calibration {fitted.calibration.version}", title_justify="left")
    table.add_column("word", no_wrap=True)
    for name in (
        "stands\nfor",
        "tracking\nerror",
        "tax on\ngains",
        "of tax-\nblind",
        "losses",
        "turn-\nover",
        "band",
        "",
    ):
        table.add_column(name, justify="right")
    judged = _by_word(fitted.verdicts)
    for word, row in fitted.figures.items():
        band = band_of(bands, word)
        table.add_row(
            _named(word),
            f"{row.parameter:g}",
            f"{row.tracking_error_bps:.0f} bp",
            f"{row.gain_tax_bps:.1f} bp",
            f"{row.gain_tax_share:.1%}",
            f"{row.losses_harvested:.1%}",
            f"{row.turnover:.1%}",
            "" if band is None else _band_words(word, band),
            "met" if all(each.met for each in judged.get(word, ())) else "MISSED",
        )
    return table


def map_lines(calibration: Calibration) -> Iterator[str]:
    """A map as text: its version, and what each word stands for."""
    yield f"calibration {calibration.version}"
    yield from (f"    {_named(word):25} {parameter_of(calibration, word):g}" for word in WORDS)


def calibration_lines(fitted: Fitted, start: Calibration, accounts: int) -> Iterator[str]:
    """What the table's figures are, and what became of the map."""
    yield (
        f"{accounts} accounts, rebalanced once with each word, the other words in the middle. Tracking error and "
        "turnover: median; tax on gains: mean, and its share of what a tax-blind rebalance pays; losses: tax saved, of "
        "what all losses in the lots would save."
    )
    pairs = 6 * accounts
    yield (
        f"Of {pairs} steps of an account to a stricter word "
        + ("none" if fitted.weaker == 0 else str(fitted.weaker))
        + " came out weaker."
    )
    unanswered = sum(each.unanswered for each in fitted.figures.values())
    if unanswered:
        yield f"{unanswered} rebalances had no answer: see `trimtab optimize` for what clashes."
    if fitted.calibration == start:
        yield f"Calibration {start.version} stands" + (": every band is met." if fitted.met else "; bands are missed.")
    else:
        yield f"Calibration {fitted.calibration.version} takes the place of {start.version}."


def calibration_document(fitted: Fitted, start: Calibration, accounts: int) -> Mapping[str, Any]:
    """The same as plain values."""
    return {
        "accounts": accounts,
        "start": start.version,
        "met": fitted.met,
        "weaker": fitted.weaker,
        "calibration": plain(fitted.calibration),
        "figures": [{"kind": type(word).__name__, **_mapping(plain(row))} for word, row in fitted.figures.items()],
        "verdicts": [{**_mapping(plain(each)), "met": each.met} for each in fitted.verdicts],
    }


def _by_word(judged: Sequence[Verdict]) -> dict[Word, list[Verdict]]:
    found: dict[Word, list[Verdict]] = {}
    for each in judged:
        found.setdefault(each.word, []).append(each)
    return found


def _named(word: Word) -> str:
    return f"{_KIND[type(word).__name__]} {word.lower()}"


def _band_words(word: Word, band: Band) -> str:
    if type(word).__name__ == "Tracking":
        return f"{band.low:g} to {band.high:g} bp"
    return f"{band.low:.0%} to {band.high:.0%}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_KIND = {"Tracking": "tracking", "TaxSensitivity": "tax sensitivity", "Harvesting": "harvesting"}
