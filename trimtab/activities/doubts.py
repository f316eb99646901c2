"""What freezing doubts beyond prices: identifiers that changed hands, and accounts whose value jumped."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, select

from trimtab.activities.prices import PriceInputs
from trimtab.db import inputs as facts
from trimtab.db.deliveries import loaded_before
from trimtab.db.prices import past_identifiers, value_changes
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, held_settings
from trimtab.db.tables import suspension
from trimtab.domain.account_checks import LARGEST_JUMP, value_jump
from trimtab.domain.data_codes import DataCode
from trimtab.domain.identifier_checks import PastIdentifier, identifier_faults
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.suspensions import SuspensionCode, SuspensionScope

RENAMING: Final = ("CHAN", "SPLR")  # ISO 15022: a change of name or identifier; a reverse split changes the CUSIP
MASTERS_REMEMBERED: Final = timedelta(days=30)
FLOW_REMEMBERED: Final = timedelta(days=10)

_WHY: Final[Mapping[DataCode, str]] = {
    DataCode.CA_BASIS: "the distribution of {} waits for its basis allocation",
    DataCode.CA_ELECTION: "the event of {} waits for a choice",
    DataCode.CA_INCOMPLETE: "the event of {} lacks terms, or is not confirmed",
    DataCode.NOT_TRADABLE: "{} is delisted or bankrupt",
    DataCode.ID_CONFLICT: "the ISIN and the CUSIP of {} name different securities",
    DataCode.ID_CHANGED: "the CUSIP of {} changed, and no corporate action says so",
    DataCode.TICKER_REUSED: "the ticker of {} was another security's, and no corporate action says so",
}


def why_barred(code: DataCode, shown: str) -> str:
    """Why a security must not be trusted today, in words."""
    return _WHY.get(code, "sources disagree about the corporate action of {}").format(shown)


def identifiers_before(connection: Connection, master: str | None, business_date: date) -> list[PastIdentifier]:
    """What masters of the last weeks called securities otherwise than the day's does."""
    return [] if master is None else past_identifiers(connection, master, business_date - MASTERS_REMEMBERED)


def former_cusips(past: Iterable[PastIdentifier], securities: Mapping[SecurityId, Security]) -> dict[str, SecurityId]:
    """CUSIPs that securities of the master had before: a file that is a day behind still means them (case 21)."""
    return {
        each.cusip: each.security_id
        for each in past
        if each.cusip and each.security_id in securities and securities[each.security_id].cusip != each.cusip
    }


def identifiers_to_doubt(
    connection: Connection, past: Iterable[PastIdentifier], inputs: PriceInputs
) -> dict[SecurityId, DataCode]:
    """Securities whose identifiers contradict each other or have changed hands (cases 21 to 23)."""
    since = inputs.business_date - MASTERS_REMEMBERED
    actions = facts.actions_between(connection, since, inputs.business_date, inputs.names)
    renamed = {action.security_id for action in actions if action.kind in RENAMING}
    faults = identifier_faults(inputs.securities, past, renamed)
    return {name: code for name, code in faults.items() if not _is_accepted(name, code, inputs)}


def _is_accepted(name: SecurityId, code: DataCode, inputs: PriceInputs) -> bool:
    """A person's word holds for the identifiers that it was given about."""
    accepted = inputs.accepted.get(f"{code}/{name}")
    security = inputs.securities[name]
    return isinstance(accepted, Mapping) and accepted.get("name") in (security.cusip, security.symbol)


def value_jumps(connection: Connection, deliveries: Mapping[str, str], business_date: date, seq: int) -> dict[str, str]:
    """Accounts whose value jumped by more than 30 % without a flow that was announced (case 73), each with how."""
    before = {kind: loaded_before(connection, kind, business_date) for kind in ("positions", "cash")}
    files = {kind: deliveries[kind] for kind in before if kind in deliveries}
    earlier = {kind: row.delivery_id for kind, row in before.items() if row is not None}
    if len(files) < len(before) or len(earlier) < len(before):
        return {}
    changes = value_changes(connection, files, earlier, LARGEST_JUMP)
    if not changes:
        return {}
    expected = _flow_expected(connection, business_date)
    paid = _withdrawals(connection, [row.account_id for row in changes], business_date, seq)
    found = {
        row.account_id: value_jump(row.before, row.today, -paid.get(row.account_id, Decimal(0)))
        for row in changes
        if row.account_id not in expected
    }
    return {account_id: message for account_id, message in found.items() if message}


def _flow_expected(connection: Connection, business_date: date) -> set[str]:
    """Accounts of which somebody had said lately that a large flow is imminent."""
    rows = select(suspension.c.scope_id).where(
        suspension.c.scope == SuspensionScope.ACCOUNT.value,
        suspension.c.code == SuspensionCode.FLOW_EXPECTED.value,
        suspension.c.since >= business_date - FLOW_REMEMBERED,
    )
    return set(connection.scalars(rows))


def _withdrawals(connection: Connection, account_ids: list[str], business_date: date, seq: int) -> dict[str, Decimal]:
    """Announced withdrawals that fell due since the files before: they stand in the settings of the day before."""
    eve = business_date - timedelta(days=1)
    held = held_settings(connection, ACCOUNT_SETTINGS, eve, seq, account_ids)
    return {
        account_id: sum(
            (
                Decimal(need["amount"])
                for need in value.get("cash_needs", ())
                if date.fromisoformat(need["due_on"]) <= business_date
            ),
            Decimal(0),
        )
        for account_id, value in held.items()
    }
