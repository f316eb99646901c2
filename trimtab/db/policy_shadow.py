"""Shadow runs of lane policies and their filters: the stored days as they are, and as they would have been (N6)."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from trimtab.db.ancillary import fields_on, json_of_fields
from trimtab.db.bulk_apply import allow_long_statements
from trimtab.db.filter_pages import ShadowSummary, facts_days, shadow_run, summarized
from trimtab.db.filter_versions import FIRM_FILTER, firm_filters_on
from trimtab.db.lane_policies import frozen_policy, lane_policy_on
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.domain.lane_policy import DEFAULT_POLICY, PolicyDocument, json_of_policy, read_policy
from trimtab.domain.lanes import LanePolicy
from trimtab.domain.records import plain

SHADOW_DAYS: Final = 5
"""How many of the last days a proposed change is run on."""
KEPT_CHANGES: Final = 100
"""How many of the accounts are kept with the proposed change; the counts are of all."""


def shadow(
    connection: Connection,
    on: date,
    entity: str,
    name: str,
    value: Mapping[str, Any] | None,
    *,
    days: int = SHADOW_DAYS,
    kept: int = KEPT_CHANGES,
    book: str | None = None,
) -> ShadowSummary:
    """What `value` as the firm filter `name`, or as the lane policy, would have done on the last days with facts.

    Compared is with what holds on `on`. Raises FilterError and LanePolicyError.
    """
    policy, filters = lane_policy_on(connection, on), {n: f.value for n, f in firm_filters_on(connection, on).items()}
    fields = json_of_fields(fields_on(connection))
    before = _decides(policy, filters, fields)
    if entity == FIRM_FILTER:
        filters = {**filters, name: DEFAULT_FIRM_FILTERS.get(name, {}) if value is None else value}
    else:
        policy = DEFAULT_POLICY if value is None else read_policy(value)
    after = _decides(policy, filters, fields)
    found = facts_days(connection, most=days)
    allow_long_statements(connection)
    return summarized(found, shadow_run(connection, found, before, after, book), kept)


def kept_shadow(summary: ShadowSummary) -> dict[str, Any]:
    """The summary as it is kept with the proposed change."""
    kept: Any = plain(summary)
    return dict(kept)


def _decides(policy: PolicyDocument, filters: Mapping[str, Any], fields: Mapping[str, Any]) -> LanePolicy:
    """With the filters that decide: one that no step names changes no lane."""
    named = {name: filters[name] for name in policy.filters if name in filters}
    return frozen_policy({"policy": json_of_policy(policy), "filters": named, "fields": fields})
