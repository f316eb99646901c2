"""A profiling system sends accounts and their restrictions by itself: the next night trades by them, or not at all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay, everybody_but_closed
from tests.graphql.api import WAREHOUSE, TokensByName
from tests.servers import FreshDatabase
from trimtab.activities.inputs import Inputs
from trimtab.auth.principal import Principal
from trimtab.db.content import get_content
from trimtab.db.engine import async_engine, firm_transaction
from trimtab.db.stages import newest_result
from trimtab.demo import faults
from trimtab.demo.custodian import deliver, next_day, with_splits
from trimtab.demo.drop import done_marker
from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lifecycle import Stage
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.orders import Side
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput
from trimtab.feeds.sources import load_sources
from trimtab.graphql.transport import BodyLimit, answer_refusals
from trimtab.server.uploads import PREFIX, Uploads, uploads_router

PROFILER = replace(WAREHOUSE, firm_id=FIRM, client_id="profiler", scopes=frozenset({"feeds:write"}))


@dataclass
class Profiler:
    """A program with the one scope that lets it send files."""

    http: httpx.AsyncClient
    who: Principal

    async def send(self, kind: str, day: str, content: bytes) -> int:
        headers = {"Authorization": f"Bearer {self.who.client_id}"}
        answer = await self.http.put(f"/feeds/{kind}/{day}", content=content, headers=headers)
        return answer.status_code


@pytest.fixture
async def profiler(database: FreshDatabase, day: FeedDay) -> AsyncIterator[Profiler]:
    engine, tokens = async_engine(database.app_url, pool_size=1), TokensByName()
    tokens.known[PROFILER.client_id] = PROFILER
    app = FastAPI(openapi_url=None)
    answer_refusals(app)
    uploads = Uploads(engine, tokens, day.drop, load_sources(None), lambda: datetime.now(UTC))
    app.include_router(uploads_router(uploads))
    app.add_middleware(BodyLimit, streamed=(PREFIX,))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        yield Profiler(http, PROFILER)
    await engine.dispose()


@pytest.fixture
def tuesday(day: FeedDay) -> FeedDay:
    """Monday has been judged; Tuesday's files lie ready, as its custodian wrote them."""
    day.load()
    day.judge()
    later = FeedDay(day.engine, day.drop, next_day(day.firm, with_splits(day.firm.book, day.firm.actions)))
    deliver(later.firm, later.drop, later.drop.parent / "closes")
    return later


def analysis_input(day: FeedDay, account_id: str) -> AnalysisInput:
    """What the night's analysis of the account is given, as it is stored."""
    with firm_transaction(day.engine, FIRM) as connection:
        ref = next(ref for ref in day.refs if ref.account_id == account_id)
        result = newest_result(connection, ref, Stage.VALIDATE)
        assert result is not None
        snapshot = get_content(connection, str(result.detail["snapshot"]), AccountSnapshot)
        run = Inputs().of_run(connection, day.ref)
    assert snapshot.account.model_id is not None
    return AnalysisInput(snapshot, run.models[snapshot.account.model_id], run.market)


def bought(proposal: RebalanceProposal) -> set[str]:
    return {trade.security_id for trade in proposal.trades if trade.side is Side.BUY}


def taken(path: Path) -> bytes:
    """The file, which is then gone from the drop folder: what is loaded is what the program sent."""
    content = path.read_bytes()
    path.unlink()
    done_marker(path).unlink()
    return content


def a_buyer(day: FeedDay) -> tuple[str, str]:
    """An account with nothing wrong about it, and a name that its analysis buys."""
    for ref in day.refs:
        if ref.account_id not in SPECIAL:
            names = bought(analyze(analysis_input(day, ref.account_id)))
            if names:
                return ref.account_id, min(names)
    raise LookupError("nobody buys anything")


@pytest.mark.covers("W-D3")
async def test_what_a_profiling_system_sends_by_day_is_what_the_next_night_trades_by(
    day: FeedDay, tuesday: FeedDay, profiler: Profiler
) -> None:
    """On Monday the account buys a name. Its client objects to it and wants $1,234 in reserve: on Tuesday both hold."""
    account_id, name = a_buyer(day)
    before = analysis_input(day, account_id).snapshot.settings
    faults.add_row(
        tuesday.path("restrictions"),
        {"account_id": account_id, "rule": "NEVER_BUY", "symbol": tuesday.symbol(name), "reason": "the client objects"},
    )
    faults.set_field(tuesday.path("accounts"), {"account_id": account_id}, "cash_reserve", "1234")
    for kind in ("accounts", "restrictions"):
        assert await profiler.send(kind, f"{tuesday.date}", taken(tuesday.path(kind))) == 201
    assert {file.reason_codes for file in tuesday.load().values()} == {()}
    tuesday.judge()

    given = analysis_input(tuesday, account_id)
    settings = given.snapshot.settings

    assert name not in before.restricted(RestrictionKind.NEVER_BUY)
    assert name in settings.restricted(RestrictionKind.NEVER_BUY)
    assert settings.cash_reserve == Decimal(1234) != before.cash_reserve
    assert name not in bought(analyze(given))
    as_it_was = replace(given.snapshot, settings=replace(settings, restrictions=before.restrictions))
    assert name in bought(analyze(replace(given, snapshot=as_it_was))), "the market still asks for it"


async def test_a_wrong_file_of_a_profiling_system_trades_nobody(tuesday: FeedDay, profiler: Profiler) -> None:
    """Its trailer counts one row more than there is: nothing of it is in effect, and no account goes on."""
    faults.set_field(tuesday.path("accounts"), {"account_id": "A00002"}, "cash_reserve", "1234")
    faults.miscount(tuesday.path("accounts"))
    assert await profiler.send("accounts", f"{tuesday.date}", taken(tuesday.path("accounts"))) == 201

    loaded = tuesday.load()["accounts"]
    tuesday.judge()

    assert loaded.reason_codes == ("FEED_TRUNCATED",)
    assert tuesday.codes() == everybody_but_closed(tuesday, "FEED_TRUNCATED")
