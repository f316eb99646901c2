"""The firm's lane policy in its append-only versions, with the filters that it names; a run freezes both as one."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, text

from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.ancillary import fields_on, frozen_catalogue, json_of_fields
from trimtab.db.content import get_body
from trimtab.db.filter_versions import firm_filters_on
from trimtab.db.settings_versions import held_settings, last_version, newest_seq, write_version
from trimtab.db.tables import setting_version
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.domain.lane_canary import Canary
from trimtab.domain.lane_policy import DEFAULT_POLICY, PolicyDocument, json_of_policy, read_policy
from trimtab.domain.lanes import LanePolicy, lane_policy, parse_firm_filters

LANE_POLICY: Final = "lane_policy"
LANE_CANARY: Final = "lane_policy_canary"
"""A policy on trial, in its append-only versions; a share of 0 ends the trial."""
POLICY_KEY: Final = "lanes"
"""A firm has one policy at a time, under this key."""
FROZEN_AS: Final = "filters"
"""The kind of a run's frozen input."""


def lane_policy_on(connection: Connection, on: date, known_seq: int | None = None) -> PolicyDocument:
    """The policy that holds on the day as known at the version; the starting one when the firm has none."""
    seq = newest_seq(connection) if known_seq is None else known_seq
    held = held_settings(connection, LANE_POLICY, on, seq, [POLICY_KEY])
    return read_policy(held[POLICY_KEY]) if held else DEFAULT_POLICY


def canary_on(connection: Connection, on: date, known_seq: int | None = None) -> Canary | None:
    """The policy on trial on the day as known at the version."""
    seq = newest_seq(connection) if known_seq is None else known_seq
    held = held_settings(connection, LANE_CANARY, on, seq, [POLICY_KEY])
    return _read_canary(held[POLICY_KEY]) if held else None


def _read_canary(value: Mapping[str, Any] | None) -> Canary | None:
    if value is None or not value["percent"]:
        return None
    return Canary(value["change"], int(value["percent"]), read_policy(value["policy"]))


def write_canary(connection: Connection, firm_id: str, canary: Canary, on: date, actor: str, reason: str) -> None:
    """The share of the trial from the day on; 0 ends it. Raises StaleVersion."""
    before = last_version(connection, LANE_CANARY, POLICY_KEY)
    write_version(
        connection,
        firm_id,
        LANE_CANARY,
        POLICY_KEY,
        {"change": canary.change_id, "percent": canary.percent, "policy": json_of_policy(canary.document)},
        effective_from=on,
        actor=actor,
        reason=reason,
        supersedes=None if before is None else int(before.seq),
    )


def lane_document_on(connection: Connection, on: date, known_seq: int | None = None) -> dict[str, Any]:
    """All that decides lanes on the day, as plain JSON: the policy, its filters and the five, own fields."""
    policy = lane_policy_on(connection, on, known_seq)
    held = firm_filters_on(connection, on, known_seq)
    canary = canary_on(connection, on, known_seq)
    tried = canary.document.filters if canary is not None else ()
    wanted = {*policy.filters, *tried, *DEFAULT_FIRM_FILTERS}
    filters = {name: each.value for name, each in held.items() if name in wanted}
    fields = json_of_fields(fields_on(connection, on, known_seq))
    document = {"policy": json_of_policy(policy), "filters": filters, "fields": fields}
    if canary is None:
        return document
    trial = {"change": canary.change_id, "percent": canary.percent, "policy": json_of_policy(canary.document)}
    return {**document, "canary": trial}


def frozen_policy(document: Mapping[str, Any]) -> LanePolicy:
    """What a run has frozen. Raises FilterError and LanePolicyError.

    Runs of before policies were documents have the five filters alone: the starting order decided them.
    """
    if "policy" not in document:
        return parse_firm_filters(document)
    fields = frozen_catalogue(document.get("fields", {}))
    canary = _read_canary(document.get("canary"))
    return lane_policy(read_policy(document["policy"]), document["filters"], fields, canary)


def document_of_run(connection: Connection, ref: RunRef) -> dict[str, Any]:
    """What decided lanes in the run: frozen, or what holds on its day when it has frozen nothing."""
    digest = runs.read_inputs(connection, ref).of(FROZEN_AS).get("")
    if digest is None:
        return lane_document_on(connection, ref.business_date)
    frozen: dict[str, Any] = orjson.loads(get_body(connection, digest))
    return frozen if "policy" in frozen else {"policy": json_of_policy(DEFAULT_POLICY), "filters": frozen}


def policies_naming(connection: Connection, name: str, on: date) -> date | None:
    """The first day from `on` on whose policy, or policy on trial, names the firm filter; None when none does."""
    days = sorted({on, *_days_of_change(connection, LANE_POLICY, on), *_days_of_change(connection, LANE_CANARY, on)})
    return next((day for day in days if name in _named_on(connection, day)), None)


def _named_on(connection: Connection, day: date) -> set[str]:
    canary = canary_on(connection, day)
    tried = canary.document.filters if canary is not None else ()
    return {*lane_policy_on(connection, day).filters, *tried}


def missing_filters(connection: Connection, policy: PolicyDocument, on: date) -> tuple[str, ...]:
    """The filters that the policy names and the firm does not have on the day, or ceases to have later."""
    ends = text(
        "SELECT DISTINCT effective_from FROM setting_version WHERE entity = 'firm_filter' AND effective_from > :d"
    )
    days = [on, *connection.scalars(ends, {"d": on})]
    held = [firm_filters_on(connection, day).keys() for day in days]
    return tuple(name for name in policy.filters if any(name not in each for each in held))


def _days_of_change(connection: Connection, entity: str, after: date) -> list[date]:
    """The days after `after` from which on another version holds."""
    day = setting_version.c.effective_from
    rows = select(day).where(setting_version.c.entity == entity, day > after).distinct().order_by(day)
    return list(connection.scalars(rows))


def policy_version(connection: Connection, on: date, known_seq: int | None = None) -> int | None:
    """The version of the policy that holds; None for the one that every firm starts with."""
    statement = text("SELECT seq FROM settings_as_of(:entity, :day, :seq) WHERE key = :key")
    values = {"entity": LANE_POLICY, "day": on, "key": POLICY_KEY}
    seq = connection.scalar(statement, {**values, "seq": newest_seq(connection) if known_seq is None else known_seq})
    return None if seq is None else int(seq)
