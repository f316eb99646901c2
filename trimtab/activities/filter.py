"""The filter stage: the firm's lane policy and its filters choose the lane."""

import re
import threading
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, select

from trimtab.contracts import AccountDayRef, RunRef, StageOutcome
from trimtab.db.content import get_body
from trimtab.db.decisions import is_cleared
from trimtab.db.filters import read_facts
from trimtab.db.lane_policies import frozen_policy
from trimtab.db.runs import RunInputs, read_inputs
from trimtab.db.stages import StageResult, get_or_compute
from trimtab.db.tables import account_day
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lanes import CLEARED, LaneDecision, LanePolicy, lane
from trimtab.domain.lifecycle import Lane, Stage, Standstill, TerminalState

FILTERS: Final = "filters"
_CODE: Final = re.compile(r"\W+")
_NEXT: Final[dict[Lane, Stage | Standstill]] = {
    Lane.AUTOMATED: Stage.APPROVE,
    Lane.REVIEW: Standstill.REVIEW,
    Lane.COMPLIANCE: Standstill.REVIEW,
    Lane.SUSPEND: Standstill.SUSPENDED,
}


class FactsMissing(TrimtabError):
    """An account-day stands at filter without facts: it was not analysed."""

    code = "FACTS_MISSING"


class FrozenInputs:
    """Each run's frozen inputs, read once in each process: they never change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], RunInputs] = {}
        self._lock = threading.Lock()

    def of(self, connection: Connection, ref: AccountDayRef) -> RunInputs:
        key = (ref.firm_id, ref.run_id)
        found = self._known.get(key)
        if found is None:
            found = read_inputs(connection, RunRef(ref.firm_id, ref.run_id, ref.business_date))
            with self._lock:
                self._known[key] = found
        return found


def filter_lane(connection: Connection, ref: AccountDayRef, frozen: FrozenInputs, *, build: str) -> StageOutcome:
    """The lane of an analysed account, by the run's frozen policy. Raises FactsMissing and FilterError."""
    facts = read_facts(connection, ref.run_id, ref.account_id)
    day = connection.execute(
        select(account_day.c.proposal_hash).where(account_day.c.account_day_id == ref.account_day_id)
    ).one_or_none()
    cleared = day is not None and is_cleared(connection, ref, day.proposal_hash)
    digest = frozen.of(connection, ref).one(FILTERS)
    key = {"facts": facts, "filters": digest, "cleared": cleared, "proposal": day.proposal_hash if day else None}
    return get_or_compute(
        connection,
        ref,
        Stage.FILTER,
        key,
        lambda: _choose(_lane_policy(get_body(connection, digest)), _analysed(ref, facts), cleared, digest, day),
        build=build,
    )


def _choose(policy: LanePolicy, facts: AccountFacts, cleared: bool, digest: str, day: Row[Any] | None) -> StageResult:
    chosen = lane(policy, facts, CLEARED if cleared else frozenset())
    detail = {
        "filters": digest,
        "filter": chosen.filter_key,
        "step": chosen.step,
        "matched": {item.field: item.value for item in chosen.matched},
        "proposal": day.proposal_hash if day is not None else None,
        "cleared": cleared,
        **({"trial": chosen.trial} if chosen.trial is not None else {}),
    }
    return StageResult(_outcome(chosen), detail)


def _outcome(chosen: LaneDecision) -> StageOutcome:
    if chosen.lane is Lane.NO_TRADE:
        return StageOutcome(
            Stage.FILTER, Stage.RECORD, lane=chosen.lane, terminal=TerminalState.NO_TRADE, reason=chosen.reason
        )
    code = f"FILTER_{_CODE.sub('_', chosen.filter_key).upper()}" if chosen.filter_key is not None else ""
    return StageOutcome(Stage.FILTER, _NEXT[chosen.lane], lane=chosen.lane, code=code, reason=chosen.reason)


def _analysed(ref: AccountDayRef, facts: AccountFacts | None) -> AccountFacts:
    if facts is None:
        raise FactsMissing(f"account {ref.account_id} has no facts in run {ref.run_id}: it was not analysed")
    return facts


@lru_cache(maxsize=64)
def _lane_policy(body: bytes) -> LanePolicy:
    return frozen_policy(orjson.loads(body))
