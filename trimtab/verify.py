"""Checking the record from outside of the day's work: hash chains, and analyses run again from their stored inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from trimtab.db.content import get_content
from trimtab.db.engine import firm_transaction
from trimtab.db.records import BrokenChain, verify_chains
from trimtab.db.tables import record
from trimtab.domain.calibration import CALIBRATION_MAP, SHIPPED, Calibration
from trimtab.domain.errors import TrimtabError
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.records import content_hash
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot

ANALYSIS = "STAGE_ANALYZE"
SHORTEST_PREFIX = 8


class RecordNotFound(TrimtabError):
    """No record, or more than one, has the hash that was named."""

    code = "RECORD_NOT_FOUND"


class NothingToReproduce(TrimtabError):
    """The record's account-day has no analysis."""

    code = "NOTHING_TO_REPRODUCE"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How many records were verified, and each chain's first fault."""

    records: int
    broken: Sequence[BrokenChain]


@dataclass(frozen=True, slots=True)
class ReproduceReport:
    """What the analysis came to then and comes to now."""

    account_id: str
    business_date: date
    proposal_hash: str  # as recorded
    reproduced_hash: str

    @property
    def same(self) -> bool:
        return self.proposal_hash == self.reproduced_hash


def verify(engine: Engine, firm_id: str) -> VerifyReport:
    """Check every record of the firm, as of one moment: others may go on appending."""
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with firm_transaction(snapshot, firm_id) as connection:
        records, broken = verify_chains(connection)
    return VerifyReport(records, broken)


def reproduce(engine: Engine, firm_id: str, record_hash: str) -> ReproduceReport:
    """Run the analysis of the record's account-day again, from content that is found by hash.

    `record_hash` may be shortened to its first eight characters. A record of a later stage stands for the
    analysis that it rests on. Raises RecordNotFound, NothingToReproduce, ContentMissing, ContentChanged.
    """
    from trimtab.domain.optimizer.analysis import analyze  # the solver is slow to import

    with firm_transaction(engine, firm_id) as connection:
        analysis = _analysis_of(connection, _record(connection, record_hash))
        inputs = _inputs_of(connection, analysis)
    again = content_hash(analyze(inputs))
    return ReproduceReport(analysis.account_id, analysis.business_date, analysis.body["proposal"], again)


def recorded_input(engine: Engine, firm_id: str, record_hash: str) -> AnalysisInput:
    """What the analysis of the record's account-day read; names and errors are those of `reproduce`."""
    with firm_transaction(engine, firm_id) as connection:
        return _inputs_of(connection, _analysis_of(connection, _record(connection, record_hash)))


def _inputs_of(connection: Connection, analysis: Row[Any]) -> AnalysisInput:
    return AnalysisInput(
        get_content(connection, analysis.body["snapshot"], AccountSnapshot),
        get_content(connection, analysis.body["target"], ModelPortfolio),
        get_content(connection, analysis.body["market"], MarketSnapshot),
        _calibration_of(connection, analysis),
    )


def _calibration_of(connection: Connection, analysis: Row[Any]) -> Calibration:
    """The map of that day. Raises NothingToReproduce for a shipped version that this build does not have."""
    own = analysis.body.get(CALIBRATION_MAP)
    if own:
        return get_content(connection, own, Calibration)
    version = analysis.body.get("calibration", SHIPPED.version)
    if version != SHIPPED.version:
        raise NothingToReproduce(f"this build does not have calibration {version}")
    return SHIPPED


def _record(connection: Connection, record_hash: str) -> Row[Any]:
    if len(record_hash) < SHORTEST_PREFIX:
        raise RecordNotFound(f"give at least {SHORTEST_PREFIX} characters of the record's hash")
    found = connection.execute(
        select(record).where(record.c.hash.startswith(record_hash, autoescape=True)).limit(2)
    ).all()
    if len(found) != 1:
        raise RecordNotFound(f"{'no' if not found else 'more than one'} record has the hash {record_hash}")
    return found[0]


def _analysis_of(connection: Connection, named: Row[Any]) -> Row[Any]:
    found = connection.execute(
        select(record)
        .where(
            record.c.account_id == named.account_id,
            record.c.account_day_id == named.account_day_id,
            record.c.kind == ANALYSIS,
            record.c.seq <= named.seq,
        )
        .order_by(record.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NothingToReproduce(f"account {named.account_id} was not analysed on {named.business_date} before this")
    return found
