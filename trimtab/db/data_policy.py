"""What the firm has decided about its data: policies, accepted exceptions, names and exposures given by people.

Each is a versioned setting: who, when, why, and which days it holds on stay readable.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from trimtab.db.runs import firm_row
from trimtab.db.settings_versions import held_settings
from trimtab.domain.data_policies import DataPolicy
from trimtab.domain.findings import PriceFaultPolicy

POLICY: Final = "data_policy"
ACCEPTED: Final = "accepted_exception"
POLICY_KEY: Final = "firm"


def data_policy(connection: Connection, firm_id: str, business_date: date, seq: int) -> DataPolicy:
    """The firm's policy of the day; what it never decided is as the firm was set up."""
    held = held_settings(connection, POLICY, business_date, seq).get(POLICY_KEY, {})
    fault = held.get("price_fault") or firm_row(connection, firm_id).price_fault_policy
    return DataPolicy(
        price_fault=PriceFaultPolicy(fault),
        raise_cash=bool(held.get("raise_cash", False)),
        price_sources=tuple(held.get("price_sources", ())),
    )


def policy_value(policy: DataPolicy) -> Mapping[str, Any]:
    """The policy as a setting's value."""
    return {
        "price_fault": policy.price_fault.value,
        "raise_cash": policy.raise_cash,
        "price_sources": list(policy.price_sources),
    }


def accepted_exceptions(connection: Connection, business_date: date, seq: int) -> Mapping[str, Mapping[str, Any]]:
    """Exceptions that a data manager has closed, by "CODE/security id".

    A value's `on` is the business date that it is about; without one it holds until the `name` changes again.
    """
    return {
        key: value
        for key, value in held_settings(connection, ACCEPTED, business_date, seq).items()
        if value.get("on") in (None, business_date.isoformat())
    }
