"""Which suspended account-days the newest inputs concern, and how each begins again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection, and_, func, or_, select

from trimtab.activities.applied_events import prepare
from trimtab.activities.holdings import RawHoldings, raw_holdings
from trimtab.activities.inputs import MANIFEST, Inputs, Manifest, RunData, freeze_inputs
from trimtab.activities.second_look import is_past_cut_off, refresh, refresh_id, suspended_for_data
from trimtab.activities.snapshot import findings_of
from trimtab.contracts import AccountDayRef, RunRef
from trimtab.db import runs
from trimtab.db.account_days import STANDING_STILL, open_next_attempt, ref_of
from trimtab.db.content import get_content
from trimtab.db.suspensions import SYSTEM
from trimtab.db.tables import account_day, decision, delivery, stage_result, suspension
from trimtab.domain.findings import verdict
from trimtab.domain.lifecycle import Stage, Standstill, TerminalState
from trimtab.domain.suspensions import SuspensionKind, SuspensionScope

log = structlog.get_logger(__name__)

_BY_PEOPLE: Final = "what people have decided or mended"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account-day that is suspended for data before the cut-off. `has_ended`: a page has ended it as such."""

    ref: AccountDayRef
    has_ended: bool

    @property
    def account_day_id(self) -> str:
        return self.ref.account_day_id


def loaded_files(connection: Connection, ref: RunRef) -> frozenset[str]:
    """The deliveries of the run's day that are loaded."""
    rows = select(delivery.c.delivery_id).where(
        delivery.c.business_date == ref.business_date, delivery.c.status == "LOADED"
    )
    return frozenset(connection.scalars(rows))


def freeze_again(connection: Connection, ref: RunRef) -> str:
    """The hash of the newest inputs, frozen beside those before. After the cut-off nothing new is taken."""
    runs.lock_run(connection, ref)
    is_open = not is_past_cut_off(connection, ref)
    return freeze_inputs(connection, ref.firm_id, ref.run_id, ref.business_date, again=is_open)


def waiting_days(connection: Connection, ref: RunRef, digest: str | None = None) -> list[Waiting]:
    """Current account-days that are suspended for data, in id order.

    With the hash of inputs: without those that were ingested from them, or are asked to be.
    """
    ended = account_day.c.terminal_state == TerminalState.SUSPENDED.value
    stands = and_(account_day.c.terminal_state.is_(None), account_day.c.stage == str(Standstill.SUSPENDED))
    rows = select(account_day).where(
        account_day.c.run_id == ref.run_id, account_day.c.current, or_(stands, ended), suspended_for_data()
    )
    if digest is not None:
        asked = select(decision.c.decision_id).where(
            decision.c.decision_id == func.concat(account_day.c.account_day_id, refresh_id("", digest))
        )
        read = select(stage_result.c.input_hash).where(
            stage_result.c.run_id == ref.run_id,
            stage_result.c.account_id == account_day.c.account_id,
            stage_result.c.attempt == account_day.c.attempt,
            stage_result.c.stage == str(Stage.INGEST),
            stage_result.c.result["detail"]["inputs"].astext == digest,
        )
        rows = rows.where(~asked.exists(), ~read.exists())
    found = connection.execute(rows.order_by(account_day.c.account_id))
    return [Waiting(ref_of(ref.firm_id, row), row.terminal_state is not None) for row in found]


def begin_again(connection: Connection, ref: RunRef, inputs: Inputs, several: Sequence[Waiting], digest: str) -> int:
    """Send on those of the account-days whose faults are others by the inputs of `digest`; returns how many.

    Nobody once the cut-off has come. Raises what reading the inputs raises.
    """
    runs.lock_run(connection, ref)
    if is_past_cut_off(connection, ref):
        return 0
    run = inputs.of_manifest(connection, digest)
    accounts = [one.ref.account_id for one in several]
    book, standing = raw_holdings(connection, run, accounts), _standing(connection, accounts)
    why = _what_came(connection, ref, run)
    concerned = [one for one in several if _faults(run, book[one.ref.account_id]) != standing[one.ref.account_id]]
    return sum(_sent_on(connection, ref, one, digest, why) for one in concerned)


def half_way(connection: Connection, ref: RunRef) -> list[AccountDayRef]:
    """Next attempts that have begun and neither wait nor are final: where pages work, nobody else takes them on."""
    if not runs.is_paged(connection, ref.firm_id):
        return []
    rows = select(account_day).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.attempt > 1,
        account_day.c.terminal_state.is_(None),
        account_day.c.stage.not_in([str(still) for still in STANDING_STILL]),
    )
    return [ref_of(ref.firm_id, row) for row in connection.execute(rows.order_by(account_day.c.account_id))]


def _sent_on(connection: Connection, ref: RunRef, one: Waiting, digest: str, why: str) -> bool:
    if one.has_ended:
        return open_next_attempt(connection, one.ref, why)
    return refresh(connection, ref, one.account_day_id, digest, SYSTEM, why)


def _standing(connection: Connection, account_ids: Sequence[str]) -> Mapping[str, Set[str]]:
    """Account to the codes of its open data suspensions that validation has opened."""
    rows = select(suspension.c.scope_id, suspension.c.code).where(
        suspension.c.scope == SuspensionScope.ACCOUNT.value,
        suspension.c.scope_id.in_(account_ids),
        suspension.c.kind == SuspensionKind.DATA.value,
        suspension.c.opened_by == SYSTEM,
        suspension.c.lifted_by.is_(None),
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(rows):
        found[row.scope_id].add(row.code)
    return found


def _faults(run: RunData, raw: RawHoldings) -> Set[str] | None:
    """The codes that the account would be suspended by; None when judging it fails, as its own stage will tell."""
    try:
        judged = verdict(findings_of(run, prepare(run, raw)))
    # Whatever fails here fails in the account's own validation too, which tells of it and keeps it. None differs from
    # any codes that stand, so the account begins again and comes to that stage; the others of the page are not held up.
    except Exception as error:  # noqa: BLE001
        log.warning("account not judged again", account=raw.account.id, code=type(error).__name__)
        return None
    return {str(finding.code) for finding in judged.suspended_by}


def _what_came(connection: Connection, ref: RunRef, run: RunData) -> str:
    """Why accounts begin again, in words: the kinds whose files differ from those that were frozen first."""
    first = get_content(connection, runs.read_inputs(connection, ref).one(MANIFEST, "1"), Manifest)
    new = [kind for kind, feed in run.manifest.feeds.items() if kind not in first.feeds or feed != first.feeds[kind]]
    return f"{', '.join(new) or _BY_PEOPLE}: new since the run froze its inputs"
