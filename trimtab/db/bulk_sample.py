"""A sample of the accounts that a change reaches, with what their last analysis read and proposed."""

from collections.abc import Sequence

from sqlalchemy import Connection

from trimtab.db.bulk_changes import newest_run
from trimtab.db.shadow_days import StoredInputs, analysed
from trimtab.domain.errors import TrimtabError
from trimtab.domain.profile.what_if import Sampled
from trimtab.domain.snapshots import AnalysisInput


def sample_of(connection: Connection, members: Sequence[str], size: int) -> list[Sampled]:
    """At most `size` of the members that the newest run has analysed, evenly spread over their numbers."""
    found = analysed(connection, newest_run(connection), members)
    step = max(len(found) / size, 1.0) if size else 1.0
    chosen = [found[int(place * step)] for place in range(min(size, len(found)))]
    stored = StoredInputs(connection)
    requests = stored.requests({row.account_id: row.result["detail"] for row in chosen})
    proposals = stored.proposals([row.proposal_id for row in chosen])
    return [Sampled(_sound(requests[row.account_id]), proposals[row.proposal_id]) for row in chosen]


def _sound(request: AnalysisInput | TrimtabError) -> AnalysisInput:
    """Raises what kept the input from being read."""
    if isinstance(request, TrimtabError):
        raise request
    return request
