"""Models that providers send: judged against the contract, kept for good, and proposed when they are sound (M1b).

Whatever way a model comes, by file or through the API, it goes through `receive`. One with a fault is kept aside with
its reason codes and told of; it is never proposed. A sound one waits for a person of the firm like any other change of
the programme, and is followed from the first run after its release (`published_models`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, text

from trimtab.db.alerts import raise_alert
from trimtab.db.data_changes import additions_on, mapped_identifiers
from trimtab.db.events import emit
from trimtab.db.model_ids import taken_by
from trimtab.db.programme import Change, ProgrammeKind, last_seq, propose, read_programme
from trimtab.db.published_models import USABLE_FROM
from trimtab.db.settings_versions import MODEL, StaleVersion, last_version, newest_seq
from trimtab.db.tables import hub_upload
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.hub.contracts import ProviderContract
from trimtab.domain.hub.provider_models import (
    ProviderModel,
    UploadCode,
    UploadFacts,
    UploadFault,
    one_way_turnover,
    rotated,
    upload_faults,
)
from trimtab.domain.records import content_hash, plain

_EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
_BODIES: Final = TypeAdapter(ProviderModel)


class UploadStatus(StrEnum):
    ACCEPTED = "ACCEPTED"
    QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: persons of the firm, a machine client, or a delivery of the feed."""

    name: str
    persons: tuple[str, ...] = ()  # none of them may approve what they sent
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of a model that was sent."""

    upload_id: str
    status: UploadStatus
    reason_codes: tuple[str, ...]
    message: str
    change_id: str | None


def receive(
    connection: Connection,
    firm_id: str,
    on: date,
    sender: Sender,
    model: ProviderModel,
    unreadable: tuple[str, ...] = (),
) -> Upload:
    """Judge, keep and propose. The same model again changes nothing; one that was kept aside is judged again."""
    _lock(connection, firm_id, model)
    digest = content_hash(model)
    same = _last(connection, model, hub_upload.c.content_hash == digest)
    if same is not None and same.status == UploadStatus.ACCEPTED:
        return upload_of(same)
    accepted = _last(connection, model, hub_upload.c.status == UploadStatus.ACCEPTED)
    newest = None if accepted is None else body_of(accepted)
    facts = _facts(connection, on, sender, model, newest, unreadable)
    faults = upload_faults(model, facts)
    if same is not None and tuple(same.reason_codes) == _codes(faults):
        return upload_of(same)
    upload_id = content_hash([firm_id, digest, None if same is None else same.upload_id])[:32]
    values = {
        "firm_id": firm_id,
        "upload_id": upload_id,
        "provider_id": model.provider_id,
        "model_id": model.model_id,
        "version": model.version,
        "business_date": on,
        "content_hash": digest,
        "sender": sender.name,
        "status": UploadStatus.QUARANTINED if faults else UploadStatus.ACCEPTED,
        "reason_codes": list(_codes(faults)),
        "message": "; ".join(fault.message for fault in faults),
        "body": plain(model),
        "rotation": list(model.rotation or _turn(connection, model, facts.contract)),
        "turnover": one_way_turnover(newest, model),
        "change_id": None if faults else upload_id,
    }
    kept = connection.execute(insert(hub_upload).values(values).returning(hub_upload)).one()
    if faults:
        _tell(connection, firm_id, on, model, faults)
    else:
        _propose(connection, firm_id, on, sender, model, upload_id)
    return upload_of(kept)


def _facts(
    connection: Connection,
    on: date,
    sender: Sender,
    model: ProviderModel,
    newest: ProviderModel | None,
    unreadable: tuple[str, ...],
) -> UploadFacts:
    programme = read_programme(connection, on, newest_seq(connection))
    return UploadFacts(
        business_date=on,
        contract=programme.contracts.get(model.provider_id),
        unknown=frozenset(model.weights) - known_names(connection, on, model.weights).keys(),
        newest=newest,
        client_id=sender.client_id,
        taken_by=taken_by(connection, programme, model.model_id),
        unreadable=unreadable,
    )


def upload_of(row: Row[Any]) -> Upload:
    return Upload(row.upload_id, UploadStatus(row.status), tuple(row.reason_codes), row.message, row.change_id)


def body_of(row: Row[Any]) -> ProviderModel:
    return _BODIES.validate_python(row.body, strict=False)


def uploads(
    connection: Connection, provider_id: str | None = None, model_id: str | None = None, limit: int = 100
) -> list[Row[Any]]:
    """What was sent, the newest first."""
    rows = select(hub_upload).order_by(hub_upload.c.seq.desc()).limit(limit)
    if provider_id is not None:
        rows = rows.where(hub_upload.c.provider_id == provider_id)
    if model_id is not None:
        rows = rows.where(hub_upload.c.model_id == model_id)
    return list(connection.execute(rows))


def known_names(connection: Connection, on: date, names: Iterable[str]) -> dict[str, str]:
    """Those of the names, of any scheme, that mean one security of the day's master, and its id."""
    rows = connection.execute(
        text(
            """
            SELECT name.value, min(master.security_id) AS security_id
            FROM security_fact master
            CROSS JOIN LATERAL (VALUES (master.security_id), (master.cusip), (master.isin), (master.figi),
                (master.symbol)) AS name (value)
            WHERE name.value = ANY(:names) AND master.delivery_id = (
                SELECT d.delivery_id FROM delivery d
                WHERE d.kind = 'securities' AND d.status = 'LOADED' AND d.business_date <= :day
                ORDER BY d.business_date DESC, d.recorded_at DESC LIMIT 1)
            GROUP BY name.value
            HAVING count(DISTINCT master.security_id) = 1
            """
        ),
        {"names": list(names), "day": on},
    )
    found = {row.value: str(row.security_id) for row in rows}
    seq = newest_seq(connection)
    by_hand = {name: str(found) for name, found in mapped_identifiers(connection, on, seq).items()}
    by_hand |= {str(name): str(name) for name in additions_on(connection, on, seq)}
    return {**{name: by_hand[name] for name in names if name in by_hand}, **found}


def to_publish(connection: Connection, change: Change, on: date | None) -> Change:
    """The change as it is written now that somebody approves it: what has happened since it was sent counts.

    Raises InvalidProgramme when the contract no longer covers it, StaleVersion when a later version is published.
    """
    value = change.value or {}
    today = on or change.effective_from
    contract = read_programme(connection, today, newest_seq(connection)).contracts.get(str(value.get("provider_id")))
    if contract is None or not contract.is_in_force(today) or change.key not in contract.models:
        raise InvalidProgramme(f"no contract in force on {today} licenses {change.key}: renew it first")
    published = last_version(connection, MODEL, change.key)
    if published is not None and published.value is not None and published.value["version"] >= value["version"]:
        raise StaleVersion(f"version {published.value['version']} of {change.key} is published already")
    return replace(
        change,
        effective_from=max(change.effective_from, today),
        supersedes=None if published is None else published.seq,
    )


def _propose(
    connection: Connection, firm_id: str, on: date, sender: Sender, model: ProviderModel, upload_id: str
) -> None:
    usable_on = model.usable_from.astimezone(_EXCHANGE_ZONE).date()
    portfolio: Any = plain(replace(model.portfolio, effective_on=usable_on))
    sent = {"provider_id": model.provider_id, "upload_id": upload_id, USABLE_FROM: model.usable_from.isoformat()}
    change = Change(
        change_id=upload_id,
        kind=ProgrammeKind.PROVIDER_MODEL,
        key=model.model_id,
        effective_from=max(on, usable_on),
        value={**portfolio, **sent},
        reason=f"version {model.version} of {model.provider_id}, as of {model.as_of}",
        proposed_by=sender.persons or (sender.name,),
        supersedes=last_seq(connection, ProgrammeKind.PROVIDER_MODEL, model.model_id),
    )
    propose(connection, firm_id, change)
    body = {"provider": model.provider_id, "model": model.model_id, "version": model.version, "change": upload_id}
    emit(connection, firm_id, "MODEL_PROPOSED", business_date=on, body=body)


def _tell(
    connection: Connection, firm_id: str, on: date, model: ProviderModel, faults: tuple[UploadFault, ...]
) -> None:
    for fault in faults:
        raise_alert(
            connection,
            firm_id,
            cause=fault.code,
            scope=f"provider/{model.provider_id}/{model.model_id}",
            business_date=on,
            message=f"a model of {model.provider_id} was kept aside: {fault.message}",
            severity="SECURITY" if fault.code is UploadCode.PROVIDER_CLIENT else "ERROR",
        )


def _codes(faults: tuple[UploadFault, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fault.code.value for fault in faults))


def _lock(connection: Connection, firm_id: str, model: ProviderModel) -> None:
    """One sender of a model at a time: two that carry one version would both be the newest."""
    key = f"trimtab-hub/{firm_id}/{model.model_id}"
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _last(connection: Connection, model: ProviderModel, *which: ColumnElement[bool]) -> Row[Any] | None:
    """The last of what came of the model before that fits."""
    mine = (hub_upload.c.provider_id == model.provider_id, hub_upload.c.model_id == model.model_id)
    rows = select(hub_upload).where(*mine, *which).order_by(hub_upload.c.seq.desc()).limit(1)
    return connection.execute(rows).one_or_none()


def _turn(connection: Connection, model: ProviderModel, contract: ProviderContract | None) -> tuple[str, ...]:
    """The platforms in the order of this release: as many turns on as releases were accepted before."""
    if contract is None:
        return ()
    mine = (hub_upload.c.model_id == model.model_id, hub_upload.c.status == UploadStatus.ACCEPTED)
    releases = connection.scalar(select(func.count()).where(hub_upload.c.provider_id == model.provider_id, *mine))
    return rotated(contract.platforms, int(releases or 0))
