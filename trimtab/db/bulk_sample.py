"""A sample of the accounts that a change reaches, with what their last analysis read and proposed."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import distinct_on

from trimtab.db.bulk_changes import newest_run
from trimtab.db.content import get_content
from trimtab.db.tables import account_day, proposal, stage_result
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.profile.what_if import Sampled
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, MarketSnapshot

_PROPOSALS: TypeAdapter[RebalanceProposal] = TypeAdapter(RebalanceProposal)


def sample_of(connection: Connection, members: Sequence[str], size: int) -> list[Sampled]:
    """At most `size` of the members that the newest run has analysed, evenly spread over their numbers."""
    analysed = _analysed(connection, members)
    step = max(len(analysed) / size, 1.0) if size else 1.0
    chosen = [analysed[int(place * step)] for place in range(min(size, len(analysed)))]
    markets: dict[str, MarketSnapshot] = {}
    return [_sampled(connection, row, markets) for row in chosen]


def _analysed(connection: Connection, members: Sequence[str]) -> list[Row[Any]]:
    """Account, proposal and the stage's inputs of the members whose current day has an analysis."""
    rows = (
        select(stage_result.c.account_id, stage_result.c.result, account_day.c.proposal_id)
        .join(
            account_day,
            (account_day.c.firm_id == stage_result.c.firm_id)
            & (account_day.c.run_id == stage_result.c.run_id)
            & (account_day.c.account_id == stage_result.c.account_id),
        )
        .where(
            stage_result.c.run_id == newest_run(connection),
            stage_result.c.stage == "analyze",
            stage_result.c.account_id.in_(list(members)),
            account_day.c.current,
            account_day.c.proposal_id.is_not(None),
        )
        .ext(distinct_on(stage_result.c.account_id))
        .order_by(stage_result.c.account_id, stage_result.c.recorded_at.desc())
    )
    return list(connection.execute(rows))


def _sampled(connection: Connection, row: Row[Any], markets: dict[str, MarketSnapshot]) -> Sampled:
    detail = row.result["detail"]
    if detail["market"] not in markets:
        markets[detail["market"]] = get_content(connection, detail["market"], MarketSnapshot)
    body = connection.scalar(select(proposal.c.body).where(proposal.c.proposal_id == row.proposal_id))
    request = AnalysisInput(
        get_content(connection, detail["snapshot"], AccountSnapshot),
        get_content(connection, detail["target"], ModelPortfolio),
        markets[detail["market"]],
    )
    return Sampled(request, _PROPOSALS.validate_python(body, strict=False))
