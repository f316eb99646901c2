"""From files of closes to the files that the risk feed loads, and the same through the command line."""

from datetime import date
from pathlib import Path

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from tests.risk.histories import closes_of, days_of, returns_of, write_sectors, write_wide
from trimtab.cli import app
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.risk import refuse_bad_covariance
from trimtab.risk.command import RiskSources, estimate_model, write_model
from trimtab.risk.errors import TooLittleHistory, UnreadableHistory
from trimtab.risk.history import read_history, total_returns

NAMES = [f"N{place:02d}" for place in range(30)]


@pytest.fixture
def sources(tmp_path: Path) -> RiskSources:
    """300 sessions of 30 securities in two sectors."""
    prices = write_wide(tmp_path / "closes.csv", NAMES, closes_of(returns_of(299)))
    return RiskSources(prices, sectors=write_sectors(tmp_path / "sectors.csv", NAMES))


@pytest.mark.covers("D1")
@pytest.mark.parametrize("kind", ["statistical", "fundamental"])
def test_the_model_is_read_by_the_feed_as_it_was_estimated(sources, tmp_path, kind):
    model = estimate_model(sources, kind)
    assert (model.as_of, model.fit) == (days_of(300)[-1], None)
    business_date = date(2024, 3, 4)
    paths = write_model(model, tmp_path, "f1", business_date, "symbol")
    read = {}
    for kind_read, path in zip((FeedKind.RISK_EXPOSURES, FeedKind.RISK_COVARIANCE), paths, strict=True):
        with path.open("rb") as stream:
            reader = FeedReader(stream, kind_read, "f1", business_date)
            read[kind_read] = [row for batch in reader.batches() for row in batch]
            assert reader.header is not None
            assert reader.header.source == model.version
            assert reader.quarantined == []
    factors = sorted(model.estimate.factors)
    order = [model.estimate.factors.index(factor) for factor in factors]
    exposures = {row[3]: row[4] for row in read[FeedKind.RISK_EXPOSURES]}
    assert exposures.keys() == set(NAMES)
    assert exposures["N07"] == tuple(model.estimate.exposures[7][order].tolist())
    covariance = [(row[1], row[2]) for row in read[FeedKind.RISK_COVARIANCE]]
    refuse_bad_covariance(covariance, factors)
    assert dict(covariance)[factors[1]] == tuple(model.estimate.covariance[order[1]][order].tolist())


def test_equal_history_has_an_equal_version_and_another_day_another(sources):
    one, other = estimate_model(sources, "statistical"), estimate_model(sources, "statistical")
    earlier = estimate_model(sources, "statistical", days_of(300)[-2])
    assert one.version == other.version
    assert one.version != earlier.version
    assert earlier.version.startswith(f"statistical-{days_of(300)[-2]}")


def test_long_and_parquet_say_the_same_as_wide(sources, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    wide = read_history(sources.prices)
    long = tmp_path / "long.csv"
    lines = [
        f"{day.isoformat()},{name},{wide.closes[row, column].item()!r}"
        for row, day in enumerate(wide.sessions)
        for column, name in enumerate(wide.names)
    ]
    long.write_text("date,ticker,close\n" + "\n".join(lines) + "\n")
    packed = tmp_path / "closes.parquet"
    columns = {"date": list(wide.sessions)} | {name: wide.closes[:, i] for i, name in enumerate(wide.names)}
    parquet.write_table(pa.table(columns), packed)
    for path in (long, packed):
        other = read_history(path)
        assert (other.sessions, other.names) == (wide.sessions, wide.names)
        assert (other.closes == wide.closes).all()


def test_splits_and_dividends_make_total_returns(tmp_path):
    """100, then 51 after a split of 2 for 1 and a dividend of 1: (51 x 2 + 1) / 100 - 1 is 3 %."""
    prices = write_wide(tmp_path / "two.csv", ["A", "B", "C"], np.array([[100, 50, 1], [51, 200, np.nan]], dtype=float))
    actions = tmp_path / "actions.csv"
    day = days_of(2)[1].isoformat()
    actions.write_text(f"date,ticker,type,value\n{day},A,SPLIT,2\n{day},A,DIV,1\n{day},Z,DIV,1\n")
    (returns,) = total_returns(read_history(prices), actions)
    assert returns[0] == pytest.approx(0.03)
    assert np.isnan(returns[1:]).all()  # up by 300 %: an action that nobody announced; and no close


@pytest.mark.parametrize("content", ["", "day,A\n2024-01-02,1\n", "date,A\nTuesday,1\n", "date,A\n2024-01-02,one\n"])
def test_what_is_no_history_is_refused(tmp_path, content):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(UnreadableHistory):
        read_history(path)


def test_a_fundamental_model_needs_sectors_and_a_date_of_the_history(sources):
    with pytest.raises(TooLittleHistory):
        estimate_model(RiskSources(sources.prices), "fundamental")
    with pytest.raises(TooLittleHistory):
        estimate_model(sources, "statistical", date(2030, 1, 1))


def test_the_command_tells_what_it_estimated(sources):
    ran = CliRunner().invoke(
        app,
        ["risk", "estimate", str(sources.prices), "--kind", "fundamental", "--sectors", str(sources.sectors), "--json"],
    )
    told = orjson.loads(ran.stdout)
    assert (told["securities"], told["factors"][0], told["without_exposures"]) == (30, "MARKET", [])
    wrong = CliRunner().invoke(app, ["risk", "estimate", str(sources.prices), "--kind", "guess"])
    assert wrong.exit_code == 2
