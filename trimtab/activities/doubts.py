"""What freezing doubts beyond prices: identifiers that changed hands."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from trimtab.activities.prices import PriceInputs
from trimtab.db import inputs as facts
from trimtab.db.prices import past_identifiers
from trimtab.domain.data_codes import DataCode
from trimtab.domain.identifier_checks import PastIdentifier, identifier_faults
from trimtab.domain.securities import Security, SecurityId

RENAMING: Final = ("CHAN", "SPLR")  # ISO 15022: a change of name or identifier; a reverse split changes the CUSIP
MASTERS_REMEMBERED: Final = timedelta(days=30)

_WHY: Final[Mapping[DataCode, str]] = {
    DataCode.CA_BASIS: "the distribution of {} waits for its basis allocation",
    DataCode.CA_ELECTION: "the event of {} waits for a choice",
    DataCode.CA_INCOMPLETE: "the event of {} lacks terms, cannot be read, or is not confirmed",
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
