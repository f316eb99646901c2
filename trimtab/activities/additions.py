"""What people have added to the firm's data, as it holds on a day and as it was known then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from trimtab.db.data_changes import additions_on, lists_on, mapped_identifiers, proxies_on
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.security_additions import RiskProxy


@dataclass(frozen=True, slots=True)
class Additions:
    """Securities, identifiers, risk proxies and restriction lists that people gave."""

    securities: Mapping[SecurityId, Security]
    identifiers: Mapping[str, SecurityId]
    proxies: Mapping[SecurityId, RiskProxy]
    lists: tuple[RestrictionList, ...]


def additions(connection: Connection, business_date: date, settings_seq: int) -> Additions:
    """What two persons have agreed on, effective on the business date."""
    return Additions(
        securities=additions_on(connection, business_date, settings_seq),
        identifiers=mapped_identifiers(connection, business_date, settings_seq),
        proxies=proxies_on(connection, business_date, settings_seq),
        lists=lists_on(connection, business_date, settings_seq),
    )
