"""The filter stage: the firm's filters choose the lane."""

import threading
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, select

from trimtab.contracts import AccountDayRef, RunRef, StageOutcome
from trimtab.db.content import get_body
from trimtab.db.decisions import is_cleared
from trimtab.db.filters import read_facts
from trimtab.db.runs import RunInputs, read_inputs
from trimtab.db.stages import StageResult, get_or_compute
from trimtab.db.tables import account_day
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lanes import FilterKey, FirmFilters, LaneDecision, lane, parse_firm_filters
from trimtab.domain.lifecycle import Lane, Stage, Standstill, TerminalState

FILTERS: Final = "filters"
_CLEARED: Final = frozenset({FilterKey.COMPLIANCE, FilterKey.SUSPEND})
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
    """The lane of an analysed account, by the run's frozen filters. Raises FactsMissing and FilterError."""
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
        lambda: _choose(_firm_filters(get_body(connection, digest)), _analysed(ref, facts), cleared, digest, day),
        build=build,
    )


def _choose(filters: FirmFilters, facts: AccountFacts, cleared: bool, digest: str, day: Row[Any] | None) -> StageResult:
    chosen = lane(filters, facts, _CLEARED if cleared else frozenset())
    detail = {
        "filters": digest,
        "filter": chosen.filter_key,
        "matched": {item.field: item.value for item in chosen.matched},
        "proposal": day.proposal_hash if day is not None else None,
        "cleared": cleared,
    }
    return StageResult(_outcome(chosen), detail)


def _outcome(chosen: LaneDecision) -> StageOutcome:
    if chosen.lane is Lane.NO_TRADE:
        return StageOutcome(
            Stage.FILTER, Stage.RECORD, lane=chosen.lane, terminal=TerminalState.NO_TRADE, reason=chosen.reason
        )
    code = f"FILTER_{chosen.filter_key.name}" if chosen.filter_key is not None else ""
    return StageOutcome(Stage.FILTER, _NEXT[chosen.lane], lane=chosen.lane, code=code, reason=chosen.reason)


def _analysed(ref: AccountDayRef, facts: AccountFacts | None) -> AccountFacts:
    if facts is None:
        raise FactsMissing(f"account {ref.account_id} has no facts in run {ref.run_id}: it was not analysed")
    return facts


@lru_cache(maxsize=64)
def _firm_filters(body: bytes) -> FirmFilters:
    return parse_firm_filters(orjson.loads(body))
