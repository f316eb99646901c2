"""What an event will do to each account that holds its security, before anybody approves it; and the sync report."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from trimtab.contracts import RunRef, run_id
from trimtab.db import runs
from trimtab.db.content import get_content, get_plain
from trimtab.db.data_changes import entered_events
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.event_terms import event_of, newest_rows, with_entries
from trimtab.db.inputs import actions_between
from trimtab.db.settings_versions import newest_seq
from trimtab.db.tables import lot_fact
from trimtab.db.unknown_securities import master_on
from trimtab.domain.accounts import AccountId
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.corporate_actions_exchanges import apply_event
from trimtab.domain.corporate_actions_outcomes import Outcome, of_security
from trimtab.domain.corporate_actions_sync import SyncLine
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId, names_of

LOOKS_BACK: Final = timedelta(days=31)
LOOKS_AHEAD: Final = timedelta(days=90)


class NoSuchEvent(TrimtabError):
    """Neither a feed nor a person has told of the event near the date."""

    code = "NO_SUCH_EVENT"


@dataclass(frozen=True, slots=True)
class _SyncOfFindings:
    """What the run's frozen findings hold of the report."""

    sync: tuple[SyncLine, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountPreview:
    """One account before and after an event: its lots of the securities concerned."""

    account_id: str
    before: tuple[TaxLot, ...]
    outcome: Outcome

    @property
    def gain(self) -> Decimal:
        """Recognized, dollars."""
        return sum((each.gain for each in self.outcome.realized), ZERO)


def event_on(connection: Connection, business_date: date, event_id: str) -> AnyEvent:
    """The event as known now. Raises NoSuchEvent, and what says that its terms do not suffice yet."""
    after, until = business_date - LOOKS_BACK, business_date + LOOKS_AHEAD
    told = actions_between(connection, after, until, names_of(master_on(connection, business_date)))
    entered = entered_events(connection, business_date, newest_seq(connection))
    rows = newest_rows(with_entries(told, entered, after, until), event_id)
    if not rows:
        raise NoSuchEvent(f"no event {event_id} from {after} to {until}")
    return event_of(rows)


def preview(connection: Connection, business_date: date, event_id: str) -> list[AccountPreview]:
    """Every account that holds the security, by its newest lots. Raises as `event_on`, and PendingAllocation."""
    event = event_on(connection, business_date, event_id)
    held: dict[str, list[TaxLot]] = {}
    for lot in _lots(connection, business_date, event.security_id):
        held.setdefault(lot.account_id, []).append(lot)
    return [
        AccountPreview(account_id, tuple(lots), apply_event(tuple(lots), event))
        for account_id, lots in sorted(held.items())
        if of_security(lots, event.security_id)
    ]


def _lots(connection: Connection, business_date: date, security_id: SecurityId) -> list[TaxLot]:
    """Lots with a known basis: an account with others is suspended for them anyway (case 68)."""
    loaded = loaded_delivery(connection, "lots", business_date)
    if loaded is None:
        return []
    rows = select(lot_fact).where(
        lot_fact.c.delivery_id == loaded.delivery_id,
        lot_fact.c.security_id == security_id,
        lot_fact.c.cost.is_not(None),
    )
    return [_lot(row) for row in connection.execute(rows.order_by(lot_fact.c.account_id, lot_fact.c.lot_id))]


def _lot(row: Row[Any]) -> TaxLot:
    return TaxLot(
        id=LotId(row.lot_id),
        account_id=AccountId(row.account_id),
        security_id=SecurityId(row.security_id),
        quantity=row.quantity,
        acquired_on=row.acquired_on,
        cost=row.cost,
        holding_start=row.holding_start,
        wash_adjustment=row.wash_adjustment,
        purchase_id=row.purchase_id,
        covered=row.covered,
    )


def sync_lines(connection: Connection, firm_id: str, business_date: date) -> tuple[SyncLine, ...]:
    """The sync report of the business date's run, as frozen (W-F1)."""
    ref = RunRef(firm_id, run_id(firm_id, business_date), business_date)
    manifests = runs.read_inputs(connection, ref).of("inputs")
    if not manifests:
        return ()  # nothing is known before the run has frozen its inputs
    newest = get_plain(connection, manifests[max(manifests, key=int)])
    return get_content(connection, newest["findings"], _SyncOfFindings).sync
