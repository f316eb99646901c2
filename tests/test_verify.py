"""Verification by the verifier's role while others write, and analyses that are run again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DBAPIError

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from tests.servers import FreshDatabase
from trimtab.db.content import ContentChanged, ContentMissing, put_content
from trimtab.db.engine import VERIFIER_ROLE, firm_transaction, sync_engine
from trimtab.db.records import append_record
from trimtab.db.tables import firm
from trimtab.domain.account_settings import GroupBand, GroupKind, Tracking
from trimtab.domain.calibration import SHIPPED, numbered
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.optimizer.analysis import analyze, proposal_hash
from trimtab.domain.snapshots import AnalysisInput
from trimtab.verify import NothingToReproduce, RecordNotFound, recorded_input, reproduce, verify

FIRM = "acme"
DAY = date(2026, 3, 3)


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    engine = sync_engine(database.app_url)
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name=FIRM))
    yield engine
    engine.dispose()


@pytest.fixture
def verifier(database: FreshDatabase, engine: Engine) -> Iterator[Engine]:
    engine = sync_engine(database.verifier_url, role=VERIFIER_ROLE, pool_size=1)
    yield engine
    engine.dispose()


def note(engine: Engine, account_id: str, count: int = 1) -> None:
    with firm_transaction(engine, FIRM) as connection:
        for number in range(count):
            append_record(connection, FIRM, account_id, "NOTED", {"n": number}, business_date=DAY, actor="olga")


@pytest.mark.covers("R5")
def test_the_verifier_counts_what_it_verified(engine: Engine, verifier: Engine) -> None:
    note(engine, "A1", 3)
    note(engine, "A2", 2)
    report = verify(verifier, FIRM)
    assert (report.records, report.broken) == (5, [])


def test_another_firms_records_are_not_counted(engine: Engine, verifier: Engine) -> None:
    note(engine, "A1", 3)
    assert verify(verifier, "beta").records == 0


def test_the_verifier_may_write_nothing(verifier: Engine) -> None:
    with pytest.raises(DBAPIError), firm_transaction(verifier, FIRM) as connection:
        connection.execute(text("INSERT INTO household (firm_id, household_id) VALUES ('acme', 'H1')"))


def test_records_that_are_appended_meanwhile_raise_no_false_alarm(engine: Engine, verifier: Engine) -> None:
    stop = Event()

    def write() -> None:
        while not stop.is_set():
            for number in range(10):
                note(engine, f"A{number}")

    writer = Thread(target=write)
    writer.start()
    try:
        reports = [verify(verifier, FIRM) for _ in range(60)]
    finally:
        stop.set()
        writer.join()
    assert [report.broken for report in reports if report.broken] == []
    assert reports[-1].records > reports[0].records


# --- an analysis again ------------------------------------------------------------------------------------------


def an_analysis() -> AnalysisInput:
    market = a_market({"VTI": "100", "BND": "50"})
    model = a_model({"VTI": "0.6", "BND": "0.39"}, cash="0.01")
    return an_input(market, model, lots=(a_lot("VTI", "100", "80"),), cash="1000")


def store(engine: Engine, request: AnalysisInput, *, proposal: str, skip: str = "", calibration: str = "") -> str:
    """The analyze stage's record and what it read, as the stage keeps them; the record's hash."""
    parts = {"snapshot": request.snapshot, "target": request.target, "market": request.market}
    if request.calibration != SHIPPED:
        parts["calibration_map"] = request.calibration
    with firm_transaction(engine, FIRM) as connection:
        hashes = {
            kind: "0" * 64 if kind == skip else put_content(connection, FIRM, kind, value)
            for kind, value in parts.items()
        }
        return append_record(
            connection,
            FIRM,
            "A1",
            "STAGE_ANALYZE",
            {**hashes, "proposal": proposal, "calibration": calibration or request.calibration.version},
            business_date=DAY,
            actor="trimtab",
            account_day_id="A1-2026-03-03-1",
        )


def test_what_an_analysis_read_is_found_by_its_record(engine: Engine, verifier: Engine) -> None:
    request = an_analysis()
    record_hash = store(engine, request, proposal="0" * 64)
    assert recorded_input(verifier, FIRM, record_hash) == request


@pytest.mark.covers("R2")
def test_an_analysis_comes_to_the_same_proposal_again(engine: Engine, verifier: Engine) -> None:
    request = an_analysis()
    expected = proposal_hash(analyze(request))
    record_hash = store(engine, request, proposal=expected)

    report = reproduce(verifier, FIRM, record_hash)

    assert report.same
    assert (report.account_id, report.business_date, report.reproduced_hash) == ("A1", DAY, expected)
    assert reproduce(verifier, FIRM, record_hash[:8]).same


@pytest.mark.covers("R2", "C4")
def test_an_analysis_that_began_with_the_list_of_the_day_before_comes_to_the_same_proposal_again(
    engine: Engine, verifier: Engine
) -> None:
    """Its trades, and its prices with that of the band by name, are part of the stored snapshot."""
    request = an_analysis()
    band = GroupBand(GroupKind.ASSET_CLASS, "US", Decimal(0), Decimal("0.99"))
    settings = replace(request.snapshot.settings, group_bands=(band,))
    banded = replace(request, snapshot=replace(request.snapshot, settings=settings))
    yesterday = incumbent_of(analyze(banded))
    later = replace(banded, snapshot=replace(banded.snapshot, incumbent=yesterday))
    record_hash = store(engine, later, proposal=proposal_hash(analyze(later)))

    assert yesterday.net_trades.keys() == {"BND", "VTI"}
    assert "ASSET_CLASS:US" in yesterday.row_prices
    assert recorded_input(verifier, FIRM, record_hash) == later
    assert reproduce(verifier, FIRM, record_hash).same


def test_a_proposal_that_is_not_what_the_inputs_give_is_told(engine: Engine, verifier: Engine) -> None:
    request = an_analysis()
    richer = replace(
        request, snapshot=replace(request.snapshot, cash=replace(request.snapshot.cash, settled=Decimal(9)))
    )
    record_hash = store(engine, request, proposal=proposal_hash(analyze(richer)))
    assert not reproduce(verifier, FIRM, record_hash).same


def test_a_later_record_of_the_day_stands_for_the_analysis_it_rests_on(engine: Engine, verifier: Engine) -> None:
    request = an_analysis()
    store(engine, request, proposal=proposal_hash(analyze(request)))
    with firm_transaction(engine, FIRM) as connection:
        later = append_record(
            connection,
            FIRM,
            "A1",
            "STAGE_FILTER",
            {},
            business_date=DAY,
            actor="trimtab",
            account_day_id="A1-2026-03-03-1",
        )
    assert reproduce(verifier, FIRM, later).same


@pytest.mark.parametrize("part", ["snapshot", "target", "market"])
def test_content_that_is_gone_is_an_error_of_its_own(engine: Engine, verifier: Engine, part: str) -> None:
    record_hash = store(engine, an_analysis(), proposal="x" * 64, skip=part)
    with pytest.raises(ContentMissing):
        reproduce(verifier, FIRM, record_hash)


def test_content_that_was_changed_is_an_error_of_its_own(
    engine: Engine, verifier: Engine, database: FreshDatabase
) -> None:
    record_hash = store(engine, an_analysis(), proposal="x" * 64)
    superuser = sync_engine(database.superuser_url, role=None)
    with superuser.begin() as connection:
        connection.execute(text("UPDATE content SET body = (SELECT body FROM content WHERE kind = 'target')"))
    superuser.dispose()
    with pytest.raises(ContentChanged):
        reproduce(verifier, FIRM, record_hash)


def test_a_hash_that_is_unknown_or_too_short_names_nothing(engine: Engine, verifier: Engine) -> None:
    note(engine, "A1")
    for named in ("f" * 64, "abc", "%" * 8):
        with pytest.raises(RecordNotFound):
            reproduce(verifier, FIRM, named)


def test_a_record_without_an_analysis_cannot_be_reproduced(engine: Engine, verifier: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        hash_ = append_record(
            connection,
            FIRM,
            "A1",
            "STAGE_INGEST",
            {},
            business_date=DAY,
            actor="trimtab",
            account_day_id="A1-2026-03-03-1",
        )
    with pytest.raises(NothingToReproduce):
        reproduce(verifier, FIRM, hash_)


@pytest.mark.covers("C2")
def test_an_analysis_is_reproduced_with_the_calibration_of_its_day(engine: Engine, verifier: Engine) -> None:
    """The firm's own map prices risk at 40 instead of 20, so the same account comes to other trades."""
    own = numbered(replace(SHIPPED, risk_aversion={**SHIPPED.risk_aversion, Tracking.MODERATE: 40.0}), 3)
    request = replace(an_analysis(), calibration=own)
    proposal = proposal_hash(analyze(request))
    record_hash = store(engine, request, proposal=proposal)

    assert recorded_input(verifier, FIRM, record_hash) == request
    assert reproduce(verifier, FIRM, record_hash).same
    assert proposal != proposal_hash(analyze(an_analysis()))


def test_a_calibration_that_this_build_does_not_have_is_said_by_name(engine: Engine, verifier: Engine) -> None:
    record_hash = store(engine, an_analysis(), proposal="0" * 64, calibration="1")

    with pytest.raises(NothingToReproduce, match="this build does not have calibration 1"):
        reproduce(verifier, FIRM, record_hash)
