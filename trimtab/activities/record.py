"""The record stage: seals the day. Every step has appended its own record already; this one makes it final."""

from sqlalchemy import Connection

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.stages import StageResult, get_or_compute, how_it_ended
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import Stage


class NothingToSeal(TrimtabError):
    """An account-day stands at record, but no step has said how it ended."""

    code = "NOTHING_TO_SEAL"


def record_day(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """Make the account-day final as the step before said. Raises NothingToSeal."""
    ended = how_it_ended(connection, ref)
    key = {"account_day": ref.account_day_id, "ended": None if ended is None else ended.outcome}

    def seal() -> StageResult:
        if ended is None:
            raise NothingToSeal(f"no step says how account-day {ref.account_day_id} ended")
        outcome = StageOutcome(
            Stage.RECORD,
            None,
            terminal=ended.outcome.terminal,
            code=ended.outcome.code,
            reason=ended.outcome.reason,
        )
        return StageResult(outcome, {"ended_by": ended.outcome.stage, "ended_input": ended.input_hash})

    return get_or_compute(connection, ref, Stage.RECORD, key, seal, build=build)
