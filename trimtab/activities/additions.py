"""What people have added to the firm's data, as it holds on a day and as it was known then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from trimtab.db.data_changes import additions_on, entered_events, lists_on, mapped_identifiers, proxies_on
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.security_additions import RiskProxy


@dataclass(frozen=True, slots=True)
class Additions:
    """Securities, identifiers, risk proxies, restriction lists and events that people gave."""

    securities: Mapping[SecurityId, Security]
    identifiers: Mapping[str, SecurityId]
    proxies: Mapping[SecurityId, RiskProxy]
    lists: tuple[RestrictionList, ...]
    events: Mapping[str, EventEntry]


def additions(connection: Connection, business_date: date, settings_seq: int) -> Additions:
    """What two persons have agreed on, effective on the business date."""
    return Additions(
        securities=additions_on(connection, business_date, settings_seq),
        identifiers=mapped_identifiers(connection, business_date, settings_seq),
        proxies=proxies_on(connection, business_date, settings_seq),
        lists=lists_on(connection, business_date, settings_seq),
        events=entered_events(connection, business_date, settings_seq),
    )
