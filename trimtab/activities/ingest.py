"""The ingest stage: what was delivered about an account, kept as content.

Trades of our own that the custodian's file does not hold yet count for wash sale windows; merging them into
positions and lots is for the day when a file is older than the last fills.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from trimtab.activities.holdings import RawHoldings, raw_holdings
from trimtab.activities.inputs import Inputs
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.content import put_content
from trimtab.db.stages import StageResult, adopt, get_or_compute
from trimtab.domain.lifecycle import Stage

HOLDINGS = "holdings"


def ingest(
    connection: Connection,
    ref: AccountDayRef,
    inputs: Inputs,
    *,
    build: str,
    read: Mapping[str, RawHoldings] | None = None,
) -> StageOutcome:
    """Store the account's raw holdings; goes on to VALIDATE.

    A page gives in `read` what it has read for all of its accounts at once. Raises InputNotFrozen, OutOfStep.
    """
    adopted = adopt(connection, ref, Stage.INGEST)
    if adopted is not None:
        return adopted
    run = inputs.of_run(connection, ref)
    raw = (read or {}).get(ref.account_id) or raw_holdings(connection, run, [ref.account_id])[ref.account_id]
    key = {"inputs": run.digest, HOLDINGS: put_content(connection, ref.firm_id, HOLDINGS, raw)}
    result = StageResult(StageOutcome(Stage.INGEST, Stage.VALIDATE), key)
    return get_or_compute(connection, ref, Stage.INGEST, key, lambda: result, build=build)
