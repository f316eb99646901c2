"""A second look at a run's inputs, after a late file or a data manager's word, for accounts that wait for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from trimtab.activities.inputs import freeze_inputs, newest_manifest
from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.reviews import NewDecision, lock_case, write_decision
from trimtab.db.tables import account_day, suspension
from trimtab.domain.decisions import DecisionKind
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind, Standstill, TerminalState
from trimtab.domain.suspensions import SuspensionKind

REASON: Final = "the run's inputs were looked at again"


class PastCutOff(TrimtabError):
    """The run no longer takes new inputs: the next one reads them."""

    code = "PAST_CUT_OFF"


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What a second look came to."""

    is_changed: bool  # whether the run reads anything new
    asked: int = 0  # account-days that stood suspended for data, and go on from ingest
    ended: int = 0  # those whose day had ended suspended: they are judged by the next run


def look_again(connection: Connection, ref: RunRef, actor: str) -> SecondLook:
    """Freeze the run's inputs anew, and have the accounts that are suspended for bad data judged by them.

    Everybody else keeps the inputs that it was judged by. Until the cut-off; repeating it changes nothing until
    something new is there. Raises PastCutOff, RunMissing, InputNotFrozen.
    """
    runs.lock_run(connection, ref)
    if is_past_cut_off(connection, ref):
        raise PastCutOff(f"the run of {ref.business_date} is past its cut-off: what came since counts for the next one")
    before = newest_manifest(runs.read_inputs(connection, ref))
    digest = freeze_inputs(connection, ref.firm_id, ref.run_id, ref.business_date, again=True)
    if digest == before:
        return SecondLook(is_changed=False)
    asked = [refresh(connection, ref, each, digest, actor, REASON) for each in _waiting(connection, ref)]
    return SecondLook(is_changed=True, asked=sum(asked), ended=_ended(connection, ref))


def is_past_cut_off(connection: Connection, ref: RunRef) -> bool:
    """Whether the run takes no new inputs."""
    is_open = runs.run_row(connection, ref).status == runs.OPEN
    return not is_open or runs.is_published(connection, ref.run_id, [MarketEventKind.CUT_OFF])


def suspended_for_data() -> ColumnElement[bool]:
    """Whether the account of an account-day, or its firm, has an open data suspension."""
    return (
        select(suspension.c.suspension_id)
        .where(
            suspension.c.scope_id.in_([account_day.c.account_id, account_day.c.firm_id]),
            suspension.c.kind == SuspensionKind.DATA.value,
            suspension.c.lifted_by.is_(None),
        )
        .exists()
    )


def _waiting(connection: Connection, ref: RunRef) -> Sequence[str]:
    """Current account-days that stand suspended while the account or the firm has a data suspension, in id order."""
    rows = select(account_day.c.account_day_id).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.terminal_state.is_(None),
        account_day.c.stage == str(Standstill.SUSPENDED),
        suspended_for_data(),
    )
    return connection.scalars(rows.order_by(account_day.c.account_id)).all()


def refresh_id(account_day_id: str, digest: str) -> str:
    """The id of the one refresh of an account-day for the inputs with this hash."""
    return f"{account_day_id}-{digest[:16]}"


def refresh(connection: Connection, ref: RunRef, account_day_id: str, digest: str, actor: str, reason: str) -> bool:
    """Ask the lifecycle to begin again at ingest; False where it has moved or been asked meanwhile."""
    case = lock_case(connection, ref.firm_id, account_day_id)
    if case is None or case.day.stage != Standstill.SUSPENDED or case.is_settled:
        return False
    wish = NewDecision(
        decision_id=refresh_id(account_day_id, digest),
        kind=DecisionKind.REFRESH,
        actor=actor,
        actor_roles=(),
        on_behalf_of=None,
        refusal=None,
        reason=reason,
        proposal_hash=case.day.proposal_hash,
        version=case.day.version,
    )
    write_decision(connection, case, wish)
    return True


def _ended(connection: Connection, ref: RunRef) -> int:
    rows = select(func.count()).where(
        account_day.c.run_id == ref.run_id,
        account_day.c.current,
        account_day.c.terminal_state == TerminalState.SUSPENDED.value,
    )
    return connection.scalar(rows) or 0
