"""Providers' models by file: from the drop folder to a proposed version, or kept aside with its reason."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from tests.activities.feed_day import FIRM, FeedDay
from trimtab.activities.deliveries import awaited
from trimtab.db.engine import firm_transaction
from trimtab.db.hub_models import body_of
from trimtab.db.model_ids import providers_ids
from trimtab.db.programme import ChangeStatus, changes
from trimtab.db.settings_versions import MODEL, held_settings, last_version, newest_seq, write_version
from trimtab.db.tables import delivery, hub_upload, quarantined_row
from trimtab.feeds.writing import FeedFile, write_feed

COLUMNS = [
    "model_id",
    "provider_id",
    "version",
    "as_of",
    "effective_at",
    "release_at",
    "weights_kind",
    "expected_turnover",
    "weight",
    "security_id",
]
CONTRACT = {
    "id": "ACME",
    "name": "Acme Models",
    "start": "2020-01-01",
    "models": {"ACME-GROWTH": "standard", "ACME-INCOME": "standard"},
    "schedules": {"standard": {"tiers": [{"rate_bps": "30"}]}},
    "signed_by_firm": "I",
    "signed_by_provider": "A",
    "signed_on": "2019-12-01",
}


@pytest.fixture
def hub(day: FeedDay) -> FeedDay:
    """The day's files are loaded, and ACME has a contract."""
    day.load()
    contract(day)
    return day


def contract(day: FeedDay, *models: str) -> None:
    """The contract with ACME, which licenses the models: its two without any."""
    licensed = dict.fromkeys(models, "standard") or CONTRACT["models"]
    keep(day, "provider_contract", "ACME", {**CONTRACT, "models": licensed})


def keep(day: FeedDay, entity: str, key: str, value: Mapping[str, Any]) -> None:
    """A version that a person has written, which holds since 2020."""
    with firm_transaction(day.engine, FIRM) as connection:
        before = last_version(connection, entity, key)
        write_version(
            connection,
            FIRM,
            entity,
            key,
            value,
            effective_from=date(2020, 1, 1),
            actor="carl",
            reason="agreed",
            supersedes=None if before is None else before.seq,
        )


def send(day: FeedDay, *weights: tuple[str, str, str], version: int = 1, as_of: date | None = None) -> None:
    """A file of rows: model, security and weight."""
    said = (as_of or day.firm.as_of, "2026-01-02T16:30:00-05:00", None, "TARGET", "0.05")
    rows = [(model, "ACME", version, *said, weight, security) for model, security, weight in weights]
    write_feed(FeedFile("provider_models", "ACME", COLUMNS, rows), day.drop, FIRM, day.date, day.firm.as_of)


def received(day: FeedDay) -> list[tuple[str, int, str, list[str]]]:
    with firm_transaction(day.engine, FIRM) as connection:
        rows = connection.execute(select(hub_upload).order_by(hub_upload.c.seq))
        return [(row.model_id, row.version, row.status, row.reason_codes) for row in rows]


@pytest.mark.covers("M1b")
def test_a_file_of_two_models_proposes_the_sound_one_and_keeps_the_other_aside(hub: FeedDay):
    """Names are 0.6 and 0.4 with no cash; the other model's make 0.9, of which nobody knows what the rest is."""
    one, two = hub.firm.securities[0].id, hub.firm.securities[1].id
    send(
        hub,
        ("ACME-GROWTH", one, "0.6"),
        ("ACME-GROWTH", two, "0.38"),
        ("ACME-GROWTH", "CASH", "0.02"),
        ("ACME-INCOME", one, "0.9"),
    )
    loaded = hub.load()

    assert loaded["provider_models"].reason_codes == ()
    assert received(hub) == [
        ("ACME-GROWTH", 1, "ACCEPTED", []),
        ("ACME-INCOME", 1, "QUARANTINED", ["MODEL_INVALID"]),
    ]
    assert ("MODEL_INVALID", "provider/ACME/ACME-INCOME") in hub.alerts()
    with firm_transaction(hub.engine, FIRM) as connection:
        (change,) = changes(connection, date.max, newest_seq(connection)).values()
        body = body_of(connection.execute(select(hub_upload).where(hub_upload.c.model_id == "ACME-GROWTH")).one())
    assert (change.key, change.status) == ("ACME-GROWTH", ChangeStatus.PROPOSED)
    assert change.proposed_by[0].startswith("feed:provider_models-")
    assert [str(each) for each in (body.weights[one], body.weights[two], body.cash_weight)] == ["0.6", "0.38", "0.02"]


def test_a_second_providers_file_of_the_day_is_one_more_delivery_and_no_run_waits_for_either(hub: FeedDay):
    name = hub.firm.securities[0].id
    send(hub, ("ACME-GROWTH", name, "1"))
    hub.load()
    send(hub, ("ACME-INCOME", name, "1"))
    hub.load()
    assert [model for model, *_ in received(hub)] == ["ACME-GROWTH", "ACME-INCOME"]
    with firm_transaction(hub.engine, FIRM) as connection:
        kinds = connection.scalars(select(delivery.c.status).where(delivery.c.kind == "provider_models"))
        assert list(kinds) == ["LOADED", "LOADED"]
        assert "provider_models" not in awaited(connection, hub.date)


def test_a_row_that_cannot_be_read_keeps_its_model_aside_and_no_other(hub: FeedDay):
    name = hub.firm.securities[0].id
    other = hub.firm.securities[1].id
    send(hub, ("ACME-GROWTH", name, "0.5"), ("ACME-GROWTH", other, "0.25"), ("ACME-INCOME", name, "1"))
    path = hub.path("provider_models")
    path.write_text(path.read_text().replace(",0.25,", ",a quarter,").replace("TRAILER,3,1.75", "TRAILER,3,1.5"))
    hub.load()
    codes = {model: codes for model, _, _, codes in received(hub)}
    assert codes == {"ACME-GROWTH": ["MODEL_INVALID"], "ACME-INCOME": []}


def test_versions_of_one_model_that_contradict_each_other_in_a_file_are_kept_aside(hub: FeedDay):
    name, other = hub.firm.securities[0].id, hub.firm.securities[1].id
    send(hub, ("ACME-GROWTH", name, "0.5"), ("ACME-GROWTH", other, "0.5"))
    path = hub.path("provider_models")
    path.write_text(path.read_text().replace("ACME-GROWTH,ACME,1", "ACME-GROWTH,ACME,2", 1))
    hub.load()
    assert received(hub) == [("ACME-GROWTH", 2, "QUARANTINED", ["MODEL_INVALID"])]


def test_the_firms_file_cannot_publish_under_a_providers_licensed_id_and_its_other_models_are_taken(day: FeedDay):
    taken, *others = [str(model.id) for model in day.firm.models]
    contract(day, taken)

    assert day.load()["models"].reason_codes == ()

    with firm_transaction(day.engine, FIRM) as connection:
        assert sorted(held_settings(connection, MODEL, day.date, newest_seq(connection))) == sorted(others)
        aside = quarantined_row.c
        rows = connection.execute(select(aside.value, aside.code).where(aside.field == "model_id").distinct())
        assert list(rows) == [(taken, "MODEL_ID_TAKEN")]
    assert ("MODEL_ID_TAKEN", f"model/{taken}") in day.alerts()


def test_whoever_has_published_a_model_keeps_its_id_until_it_is_withdrawn(day: FeedDay):
    """The firm's file publishes its models, and one is a provider's; only then a contract licenses some of them."""
    day.load()
    own, withdrawn, *_ = [str(model.id) for model in day.firm.models]
    keep(day, MODEL, withdrawn, {"id": withdrawn, "version": 1, "weights": {}, "withdrawn": True})
    keep(day, MODEL, "BETA-CORE", {"id": "BETA-CORE", "version": 1, "weights": {}, "provider_id": "BETA"})
    contract(day, own, withdrawn, "ACME-GROWTH")
    with firm_transaction(day.engine, FIRM) as connection:
        found = providers_ids(connection, day.date, [own, withdrawn, "BETA-CORE", "ACME-GROWTH", "FREE"])
    assert found == {withdrawn: "ACME", "BETA-CORE": "BETA", "ACME-GROWTH": "ACME"}
