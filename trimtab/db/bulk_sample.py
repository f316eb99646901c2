"""A sample of the accounts that a change reaches, with what their last analysis read and proposed."""

from collections.abc import Sequence

from sqlalchemy import Connection

from trimtab.db.bulk_changes import newest_run
from trimtab.db.shadow_days import StoredInputs, analysed
from trimtab.domain.profile.what_if import Sampled


def sample_of(connection: Connection, members: Sequence[str], size: int) -> list[Sampled]:
    """At most `size` of the members that the newest run has analysed, evenly spread over their numbers."""
    found = analysed(connection, newest_run(connection), members)
    step = max(len(found) / size, 1.0) if size else 1.0
    chosen = [found[int(place * step)] for place in range(min(size, len(found)))]
    stored = StoredInputs(connection)
    return [Sampled(stored.request(row.result["detail"]), stored.proposal(row.proposal_id)) for row in chosen]
