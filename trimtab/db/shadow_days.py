"""Stored days to run a change on: which there are, who was analysed on them, and what each analysis read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Double, Row, cast, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.content import ContentChanged, ContentMissing, get_content, get_contents, get_plain
from trimtab.db.filters import FACT_COLUMNS, facts_of_row
from trimtab.db.lane_policies import document_of_run, frozen_policy
from trimtab.db.tables import account_day, account_facts, proposal, run, stage_result
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.calibration import CALIBRATION_MAP, SHIPPED, Calibration
from trimtab.domain.errors import TrimtabError
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.shadow.replay import Recorded
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot

_MANIFEST: Final = "inputs"
_PROPOSALS: TypeAdapter[RebalanceProposal] = TypeAdapter(RebalanceProposal)
_MEASURED: Final = 200
"""Of so many stored analyses the time is averaged."""
_SECONDS_UNKNOWN: Final = 0.1


class OtherCalibration(TrimtabError):
    """An analysis was made with a shipped map that this build does not have."""

    code = "OTHER_CALIBRATION"


@dataclass(frozen=True, slots=True)
class AnalysedDay:
    run_id: str
    business_date: date


def analysed_days(connection: Connection, most: int) -> list[AnalysedDay]:
    """The newest days with an analysis, the newest first."""
    mine = (stage_result.c.firm_id == run.c.firm_id, stage_result.c.run_id == run.c.run_id)
    analysed = exists().where(*mine, stage_result.c.stage == "analyze")
    rows = select(run.c.run_id, run.c.business_date).where(analysed).order_by(run.c.business_date.desc()).limit(most)
    return [AnalysedDay(row.run_id, row.business_date) for row in connection.execute(rows)]


def settings_known(connection: Connection, firm_id: str, day: AnalysedDay) -> int | None:
    """The settings' version as of which the run froze its inputs; None for a run that has frozen none."""
    frozen = runs.read_inputs(connection, RunRef(firm_id, day.run_id, day.business_date)).of(_MANIFEST)
    if not frozen:
        return None
    digest = frozen[max(frozen, key=int)]
    return int(get_plain(connection, digest)["settings_seq"])


def followers_on(connection: Connection, run_id: str, models: Collection[str]) -> list[str]:
    """The accounts of the run's rows for filters that follow one of the models."""
    facts = account_facts.c
    rows = select(facts.account_id).where(facts.run_id == run_id, facts.model_id.in_(sorted(models)))
    return list(connection.scalars(rows.order_by(facts.account_id)))


def accounts_on(connection: Connection, run_id: str) -> list[str]:
    """The accounts that have a row for filters in the run."""
    facts = account_facts.c
    return list(connection.scalars(select(facts.account_id).where(facts.run_id == run_id).order_by(facts.account_id)))


def seconds_each(connection: Connection, run_id: str) -> float:
    """What an analysis of the run took, of processor time, on average over some of them."""
    spent = cast(stage_result.c.result["detail"]["solve_seconds"].astext, Double)
    some = (
        select(spent.label("seconds"))
        .where(stage_result.c.run_id == run_id, stage_result.c.stage == "analyze")
        .limit(_MEASURED)
        .subquery()
    )
    return float(connection.scalar(select(func.avg(some.c.seconds))) or 0) or _SECONDS_UNKNOWN


def analysed(connection: Connection, run_id: str | None, members: Sequence[str]) -> list[Row[Any]]:
    """Account, proposal and the stage's inputs of the members whose current day of the run has an analysis."""
    rows = (
        select(stage_result.c.account_id, stage_result.c.result, account_day.c.proposal_id)
        .join(
            account_day,
            (account_day.c.firm_id == stage_result.c.firm_id)
            & (account_day.c.run_id == stage_result.c.run_id)
            & (account_day.c.account_id == stage_result.c.account_id),
        )
        .where(
            stage_result.c.run_id == run_id,
            stage_result.c.stage == "analyze",
            stage_result.c.account_id.in_(list(members)),
            account_day.c.current,
            account_day.c.proposal_id.is_not(None),
        )
        .ext(distinct_on(stage_result.c.account_id))
        .order_by(stage_result.c.account_id, stage_result.c.recorded_at.desc())
    )
    return list(connection.execute(rows))


@dataclass
class StoredInputs:
    """What analyses read, by hash: markets, targets and calibrations are of many accounts."""

    connection: Connection
    _markets: dict[str, MarketSnapshot] = field(default_factory=dict)
    _targets: dict[str, ModelPortfolio] = field(default_factory=dict)

    def requests(self, details: Mapping[str, Mapping[str, Any]]) -> dict[str, AnalysisInput | TrimtabError]:
        """The input of each account's analysis, by the detail of its stage.

        One that cannot be read is a ContentMissing, a ContentChanged, or OtherCalibration for a shipped map that this
        build does not have, and stops no other.
        """
        snapshots = self._snapshots({name: detail["snapshot"] for name, detail in details.items()})
        found: dict[str, AnalysisInput | TrimtabError] = {}
        for name, detail in details.items():
            snapshot = snapshots[name]
            try:
                found[name] = snapshot if isinstance(snapshot, TrimtabError) else self._request(snapshot, detail)
            except TrimtabError as error:
                found[name] = error
        return found

    def proposals(self, proposal_ids: Sequence[str]) -> dict[str, RebalanceProposal]:
        """The stored proposals by id."""
        rows = select(proposal.c.proposal_id, proposal.c.body).where(proposal.c.proposal_id.in_(list(proposal_ids)))
        return {
            row.proposal_id: _PROPOSALS.validate_python(row.body, strict=False) for row in self.connection.execute(rows)
        }

    def _request(self, snapshot: AccountSnapshot, detail: Mapping[str, Any]) -> AnalysisInput:
        own, version = detail.get(CALIBRATION_MAP), detail.get("calibration", SHIPPED.version)
        if not own and version != SHIPPED.version:
            raise OtherCalibration(f"this build does not have calibration {version}")
        return AnalysisInput(
            snapshot,
            self._target(detail["target"]),
            self._market(detail["market"]),
            get_content(self.connection, own, Calibration) if own else SHIPPED,
        )

    def _snapshots(self, digests: Mapping[str, str]) -> Mapping[str, AccountSnapshot | TrimtabError]:
        try:
            return get_contents(self.connection, digests, AccountSnapshot)
        except (ContentMissing, ContentChanged):  # which of them is only told one by one
            return {name: self._snapshot(digest) for name, digest in digests.items()}

    def _snapshot(self, digest: str) -> AccountSnapshot | TrimtabError:
        try:
            return get_content(self.connection, digest, AccountSnapshot)
        except (ContentMissing, ContentChanged) as error:
            return error

    def _target(self, digest: str) -> ModelPortfolio:
        if digest not in self._targets:
            self._targets[digest] = get_content(self.connection, digest, ModelPortfolio)
        return self._targets[digest]

    def _market(self, digest: str) -> MarketSnapshot:
        if digest not in self._markets:
            self._markets[digest] = get_content(self.connection, digest, MarketSnapshot)
        return self._markets[digest]


def recorded_on(
    connection: Connection, firm_id: str, day: AnalysedDay, members: Sequence[str], stored: StoredInputs
) -> tuple[list[Recorded], dict[str, str]]:
    """The members' analyses of the day, as they were, and why those of some accounts cannot be read any more."""
    policy = frozen_policy(document_of_run(connection, RunRef(firm_id, day.run_id, day.business_date)))
    facts = _facts(connection, day.run_id, members)
    validated = _validated(connection, day.run_id, members)
    rows = analysed(connection, day.run_id, [name for name in members if name in facts])
    requests = stored.requests({row.account_id: row.result["detail"] for row in rows})
    proposals = stored.proposals([row.proposal_id for row in rows])
    found: list[Recorded] = []
    unreadable: dict[str, str] = {}
    for row in rows:
        name, request = row.account_id, requests[row.account_id]
        if isinstance(request, TrimtabError):
            unreadable[name] = str(request)
            continue
        validation = validated.get(name, {})
        proposed = proposals[row.proposal_id]
        found.append(Recorded(name, day.business_date, request, proposed, facts[name], policy, validation))
    return found, unreadable


def _facts(connection: Connection, run_id: str, members: Sequence[str]) -> dict[str, AccountFacts]:
    own = account_facts.c
    rows = select(*FACT_COLUMNS).where(own.run_id == run_id, own.account_id.in_(list(members)))
    return {row.account_id: facts_of_row(row) for row in connection.execute(rows)}


def _validated(connection: Connection, run_id: str, members: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    own = stage_result.c
    rows = (
        select(own.account_id, own.result)
        .where(own.run_id == run_id, own.stage == "validate", own.account_id.in_(list(members)))
        .order_by(own.recorded_at)
    )
    return {row.account_id: row.result["detail"] for row in connection.execute(rows)}
