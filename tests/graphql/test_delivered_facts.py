"""Every delivered fact as of a day, as known at an instant: a corrected file never rewrites what was known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.activities.feed_day import FIRM, FeedDay
from tests.graphql.api import Api, QuietFeed, TokensByName, a_person, an_app
from tests.servers import FreshDatabase, SessionServer
from trimtab.auth.matrix import Role
from trimtab.auth.principal import Principal
from trimtab.db.engine import async_engine, firm_transaction, sync_engine
from trimtab.db.tables import delivery
from trimtab.demo import faults
from trimtab.domain.accounts import AccountId
from trimtab.feeds.layouts import KINDS, FeedKind
from trimtab.graphql.context import Services

FACTS = """
query Facts($kind: String!, $asOf: Date!, $knownAt: DateTime, $account: ID, $security: String, $after: String) {
  deliveredFacts(
    kind: $kind, asOf: $asOf, knownAt: $knownAt, accountId: $account, security: $security, first: 2, after: $after
  ) { kind asOf deliveryId knownSince rows pageInfo { hasNextPage endCursor } }
}
"""
OLGA = a_person("olga", Role.OVERLAY_MANAGER, firm_id=FIRM)


@pytest.fixture(scope="module")
def day(postgres: SessionServer, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedDay]:
    """Every file is loaded; then the custodian corrects one account's cash, and a data manager takes it."""
    database: FreshDatabase = postgres.create(template=migrated)
    engine = sync_engine(database.app_url, pool_size=1)
    loaded = FeedDay(engine, tmp_path_factory.mktemp("facts") / "drop").found()
    loaded.load()
    faults.set_field(loaded.path("cash"), {"account_id": "A00002"}, "settled", "1.25")
    loaded.load()
    loaded.release("cash")
    loaded.load()
    loaded.database = database  # type: ignore[attr-defined]
    yield loaded
    engine.dispose()
    postgres.drop(database.name)


@pytest.fixture
async def api(day: FeedDay) -> AsyncIterator[Api]:
    engine = async_engine(day.database.app_url, pool_size=2)  # type: ignore[attr-defined]
    tokens = TokensByName()
    services = Services(engine, tokens, QuietFeed(), lambda: datetime.now(UTC))
    transport = httpx.ASGITransport(an_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Api(engine, http, tokens)
    await engine.dispose()


async def facts(api: Api, day: FeedDay, who: Principal = OLGA, **asked: Any) -> Any:
    variables = {"asOf": day.firm.as_of.isoformat(), **asked}
    return (await api.data(who, FACTS, variables))["deliveredFacts"]


def loaded_at(day: FeedDay, kind: str) -> list[datetime]:
    with firm_transaction(day.engine, FIRM) as connection:
        rows = select(delivery.c.recorded_at).where(delivery.c.kind == kind, delivery.c.status == "LOADED")
        return sorted(connection.scalars(rows))


async def test_a_corrected_file_tells_of_the_same_day_and_what_was_known_before_stays(api: Api, day: FeedDay) -> None:
    before, after = loaded_at(day, "cash")
    first = await facts(api, day, kind="cash", account="A00002", knownAt=before.isoformat())
    second = await facts(api, day, kind="cash", account="A00002", knownAt=after.isoformat())
    now = await facts(api, day, kind="cash", account="A00002")
    assert Decimal(first["rows"][0]["settled"]) == day.firm.book.cash[AccountId("A00002")].settled
    assert (second["rows"][0]["settled"], now) == ("1.25", second)
    assert first["deliveryId"] != second["deliveryId"]
    assert first["asOf"] == second["asOf"] == day.firm.as_of.isoformat()


async def test_nothing_was_known_before_the_file_came_and_later_days_know_the_newest(api: Api, day: FeedDay) -> None:
    before = loaded_at(day, "cash")[0] - timedelta(seconds=1)
    assert await facts(api, day, kind="cash", account="A00002", knownAt=before.isoformat()) is None
    later = (day.firm.as_of + timedelta(days=5)).isoformat()
    assert (await facts(api, day, kind="cash", account="A00002", asOf=later))["asOf"] == day.firm.as_of.isoformat()
    earlier = (day.firm.as_of - timedelta(days=1)).isoformat()
    assert await facts(api, day, kind="cash", account="A00002", asOf=earlier) is None


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_answers(api: Api, day: FeedDay, kind: FeedKind) -> None:
    """An account, a model or nothing is named, as the kind needs it; what the day has none of has no rows."""
    asked: dict[str, str] = {"kind": str(kind)}
    if kind in ("accounts", "restrictions", "cash_needs", "positions", "lots", "cash", "sales"):
        asked["account"] = "A00002"
    if kind == "models":
        asked["security"] = day.firm.models[0].id
        asked["asOf"] = day.date.isoformat()
    if kind in ("restrictions", "cash_needs"):
        asked["asOf"] = day.date.isoformat()
    found = await facts(api, day, **asked)
    assert found["kind"] == kind
    assert found["rows"] or kind in ("sales", "corporate_actions")


async def test_rows_come_in_pages_and_by_security(api: Api, day: FeedDay) -> None:
    first = await facts(api, day, kind="prices")
    second = await facts(api, day, kind="prices", after=first["pageInfo"]["endCursor"])
    lines = [row["line"] for row in (*first["rows"], *second["rows"])]
    assert lines == [3, 4, 5, 6]
    one = await facts(api, day, kind="prices", security=first["rows"][1]["security_id"])
    assert one["rows"] == [first["rows"][1]]


async def test_an_advisor_sees_the_own_book_and_another_firm_nothing(api: Api, day: FeedDay) -> None:
    advisor = next(entry.account.advisor_id for entry in day.firm.accounts if entry.id == "A00002")
    own = a_person("anna", Role.ADVISOR, book=advisor, firm_id=FIRM)
    other = a_person("bert", Role.ADVISOR, book="nobody", firm_id=FIRM)
    stranger = a_person("fremd", Role.OVERLAY_MANAGER, firm_id="firm-b")
    asked = {"kind": "cash", "account": "A00002"}
    assert await facts(api, day, own, **asked) is not None
    assert await facts(api, day, other, **asked) is None
    assert await facts(api, day, stranger, **asked) is None


@pytest.mark.parametrize(
    "asked", [{"kind": "shares"}, {"kind": "cash"}, {"kind": "prices", "account": "A00002"}, {"kind": "models"},
              {"kind": "prices", "after": "x"}, {"kind": "prices", "knownAt": "2026-11-20T10:00:00"}]
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused_in_words(api: Api, day: FeedDay, asked: dict[str, str]) -> None:
    answer = await api.send(OLGA, FACTS, {"asOf": day.firm.as_of.isoformat(), **asked})
    assert answer["errors"][0]["extensions"]["code"] in ("INVALID_INPUT", "BAD_INPUT", "BAD_USER_INPUT")
