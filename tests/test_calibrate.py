"""`trimtab calibrate`: what plain words stand for, fitted to stated bands and kept under a version of its own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise, product
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from trimtab.cli import app
from trimtab.domain.account_settings import AccountSettings, Harvesting, TaxSensitivity, Tracking
from trimtab.domain.calibration import SHIPPED, Calibration, calibration_faults, numbered, order_faults, parameters_for
from trimtab.domain.calibration_bands import Band, Bands
from trimtab.domain.calibration_fit import AccountFigures, CalibrationFailed, ReferenceBook, fit_calibration
from trimtab.domain.optimizer.analysis import analyze, analyze_batch
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.optimize import UnusableCalibration, write_input
from trimtab.simulated_accounts import a_reference_book

ACCOUNTS = 12


@pytest.fixture(scope="module")
def book() -> ReferenceBook:
    return ReferenceBook(a_reference_book(ACCOUNTS))


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


# --- what is monotone ---------------------------------------------------------------------------------------------


def figures_by_word(book: ReferenceBook, words: Iterator) -> list[tuple[AccountFigures, ...]]:
    return [book.rebalanced(SHIPPED, word) for word in words]


def test_a_tighter_word_never_gives_a_higher_tracking_error(book: ReferenceBook) -> None:
    loose, moderate, tight = figures_by_word(book, (Tracking.LOOSE, Tracking.MODERATE, Tracking.TIGHT))

    for looser, tighter in pairwise((loose, moderate, tight)):
        for one, other in zip(looser, tighter, strict=True):
            assert other.tracking_error_bps <= one.tracking_error_bps, one.account_id
        assert sum(each.tracking_error_bps for each in tighter) < sum(each.tracking_error_bps for each in looser)


def test_a_more_tax_averse_word_never_gives_a_higher_tax_on_gains(book: ReferenceBook) -> None:
    low, medium, high = figures_by_word(book, (TaxSensitivity.LOW, TaxSensitivity.MEDIUM, TaxSensitivity.HIGH))

    for less, more in pairwise((low, medium, high)):
        for one, other in zip(less, more, strict=True):
            assert other.gain_tax_bps <= one.gain_tax_bps, one.account_id
        assert sum(each.gain_tax_bps for each in more) < sum(each.gain_tax_bps for each in less)


def test_more_harvesting_never_realises_fewer_losses(book: ReferenceBook) -> None:
    off, some, all_ = figures_by_word(book, (Harvesting.OFF, Harvesting.OPPORTUNISTIC, Harvesting.AGGRESSIVE))

    for less, more in pairwise((off, some, all_)):
        for one, other in zip(less, more, strict=True):
            assert other.loss_saving_bps >= one.loss_saving_bps, one.account_id


@pytest.mark.covers("C2", "C5")
def test_every_combination_of_words_is_answered_at_the_first_time_of_asking() -> None:
    """27 combinations on three accounts, two of them taxed: checked trades or a proof that none are worth it, within
    5 bp of the best. Nothing has to be reviewed, tuned and started over."""
    for words in product(Tracking, TaxSensitivity, Harvesting):
        tracking, tax_sensitivity, harvesting = words
        requests = [
            replace(
                each,
                snapshot=replace(
                    each.snapshot,
                    settings=replace(
                        each.snapshot.settings,
                        tracking=tracking,
                        tax_sensitivity=tax_sensitivity,
                        harvesting=harvesting,
                    ),
                ),
            )
            for each in a_reference_book(4)[1:]
        ]
        for proposal in analyze_batch(requests):
            assert not isinstance(proposal, Exception)
            assert proposal.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE), words
            assert proposal.gap_bps <= 5, words


@pytest.mark.covers("C5")
def test_changing_one_accounts_words_changes_no_other_proposal() -> None:
    """An account that reads wrong is put right alone: the rest of the book stays as it was reviewed."""
    book = a_reference_book(4)
    first = book[0].snapshot
    tightened = replace(book[0], snapshot=replace(first, settings=replace(first.settings, tracking=Tracking.LOOSE)))

    before, after = analyze_batch(book), analyze_batch([tightened, *book[1:]])

    assert before[0] != after[0]
    assert before[1:] == after[1:]


# --- fitting ------------------------------------------------------------------------------------------------------


@pytest.mark.covers("C3")
def test_the_shipped_map_hits_the_stated_bands_and_stands() -> None:
    """Nobody names a solver's number: words and bands go in, a table of words comes out."""
    code, text = run("calibrate", "--simulated", "24")

    assert code == 0
    assert "Calibration 2 stands: every band is met." in text
    assert "tracking moderate" in text
    assert "120 to 160 bp" in text
    assert "MISSED" not in text
    assert "Of 144 steps of an account to a stricter word none came out weaker." in text


@pytest.mark.covers("C3")
def test_own_bands_are_fitted_written_under_a_new_version_and_used(tmp_path: Path) -> None:
    """Tracking error at the middle word from about 150 bp to between 75 and 105: a higher price of risk than 20."""
    bands, fitted, account = tmp_path / "bands.json", tmp_path / "map.json", tmp_path / "account.json"
    own = {"tracking_error_bps": {"MODERATE": {"low": 75, "high": 105}}}
    bands.write_bytes(orjson.dumps({**own, "gain_tax_share": {}, "losses_harvested": {}, "turnover": {}}))
    write_input(a_reference_book(1)[0], account)

    code, text = run("calibrate", "--simulated", str(ACCOUNTS), "--bands", bands, "--write", fitted, "--json")

    document = orjson.loads(text)
    calibration = document["calibration"]
    assert code == 0
    assert document["met"]
    assert calibration["version"].startswith("3-")
    assert 20 < calibration["risk_aversion"]["MODERATE"] < 80
    assert calibration["risk_aversion"]["TIGHT"] == 80
    (moderate,) = (each for each in document["figures"] if each["word"] == "MODERATE")
    assert 75 <= moderate["tracking_error_bps"] <= 105
    as_shipped = orjson.loads(run("optimize", account, "--json")[1])
    as_fitted = orjson.loads(run("optimize", account, "--calibration", fitted, "--json")[1])
    assert as_shipped["input_hash"] != as_fitted["input_hash"]
    assert (as_shipped["calibration"], as_fitted["calibration"]) == ("2", calibration["version"])


def test_an_own_book_of_account_files_is_fitted_to(tmp_path: Path) -> None:
    files = []
    for number, request in enumerate(a_reference_book(4)):
        files.append(tmp_path / f"{number}.json")
        write_input(request, files[-1])

    code, text = run("calibrate", *files, "--show", "--json")

    assert orjson.loads(text)["accounts"] == 4
    assert code == (0 if orjson.loads(text)["met"] else 1)


def test_a_book_without_taxed_accounts_is_refused() -> None:
    ira = [each for each in a_reference_book(4) if each.snapshot.account.tax_status != "TAXABLE"]

    with pytest.raises(Exception, match="at least one that pays tax"):
        ReferenceBook(ira)


def test_bands_that_no_map_hits_are_refused_with_what_was_reached(book: ReferenceBook) -> None:
    """Loose cannot be under moderate: a map in which a looser word is tighter is none."""
    impossible = Bands({Tracking.LOOSE: Band(40, 60)}, {}, {}, {})

    with pytest.raises(CalibrationFailed, match="risk_aversion must fall from TIGHT to MODERATE to LOOSE"):
        fit_calibration(book, impossible)


# --- versions -----------------------------------------------------------------------------------------------------


def a_map(**changes: object) -> Calibration:
    return numbered(replace(SHIPPED, **changes), 3)  # type: ignore[arg-type]


def test_equal_numbers_have_one_version_and_others_another() -> None:
    other = a_map(churn=4e-4)

    assert a_map(churn=3e-4).version == a_map(churn=3e-4).version
    assert a_map(churn=3e-4).version != other.version
    assert parameters_for(AccountSettings(), date(2026, 3, 3), other).churn == 4e-4


def test_a_map_whose_numbers_were_changed_under_its_version_is_refused(tmp_path: Path) -> None:
    file, account = tmp_path / "map.json", tmp_path / "account.json"
    changed = replace(a_map(churn=3e-4), churn=2e-4)
    write_input(replace(a_reference_book(1)[0], calibration=changed), account)
    file.write_bytes(orjson.dumps(orjson.loads(account.read_bytes())["calibration"]))

    with pytest.raises(UnusableCalibration, match="other numbers than were written under that version"):
        run("optimize", account, "--calibration", file)
    with pytest.raises(Exception, match="other numbers than were written under that version"):
        analyze(replace(a_reference_book(1)[0], calibration=changed))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"risk_aversion": {Tracking.TIGHT: 20.0, Tracking.MODERATE: 20.0, Tracking.LOOSE: 5.0}}, "risk_aversion"),
        ({"tolerance": {Tracking.TIGHT: 3e-4, Tracking.MODERATE: 2e-4, Tracking.LOOSE: 5e-4}}, "tolerance"),
        ({"gain_tax_weight": dict.fromkeys(TaxSensitivity, 0.5)}, "gain_tax_weight"),
        ({"loss_credit": dict.fromkeys(Harvesting, 0.5)}, "loss_credit"),
    ],
)
def test_a_map_in_which_a_stricter_word_is_not_stricter_is_refused(changes: dict[str, object], fault: str) -> None:
    assert not list(calibration_faults(a_map(**changes)))
    assert [each.split()[0] for each in order_faults(a_map(**changes))] == [fault]


@pytest.mark.parametrize(
    "changes",
    [
        {"risk_aversion": {Tracking.TIGHT: float("nan"), Tracking.MODERATE: 20.0, Tracking.LOOSE: 5.0}},
        {"gain_tax_weight": {TaxSensitivity.LOW: 0.2, TaxSensitivity.MEDIUM: 0.5}},
        {"churn": -1.0},
    ],
)
def test_a_map_without_a_number_for_every_word_is_refused(changes: dict[str, object]) -> None:
    assert list(calibration_faults(replace(SHIPPED, version="3-00000000", **changes)))  # type: ignore[arg-type]
