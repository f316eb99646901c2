"""The end of a day charges its assets with the fees of the models that they follow, and the command line shows it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

from tests.activities.feed_day import FIRM, FeedDay
from tests.activities.test_provider_models_file import CONTRACT
from tests.servers import FreshDatabase
from trimtab.activities.day import DayActivities
from trimtab.activities.edge import Edge
from trimtab.db.engine import firm_transaction
from trimtab.db.settings_versions import write_version
from trimtab.db.tables import cash_fact, position_fact
from trimtab.hub_command import accrual_rows, accrue, contract_rows
from trimtab.settings import load_settings


@pytest.mark.covers("M1c")
async def test_closing_the_days_run_accrues_what_follows_each_licensed_model(
    day: FeedDay, database: FreshDatabase, tmp_path: Path
) -> None:
    """30 bp a year on what the custodian says that the model's open accounts are worth, over 365."""
    model = day.firm.models[0].id
    day.load()
    day.open()
    with firm_transaction(day.engine, FIRM) as connection:
        contract = {**CONTRACT, "models": {model: "standard"}}
        usual = {"actor": "carl", "reason": "agreed", "supersedes": None}
        write_version(connection, FIRM, "provider_contract", "ACME", contract, effective_from=date(2020, 1, 1), **usual)
    with ThreadPoolExecutor(1) as threads:
        activities = DayActivities(Edge(day.engine, threads, "test"), day.engine, tmp_path)
        await ActivityEnvironment().run(activities.close_run, day.ref)

    settings = load_settings(database_url=database.app_url, state_dir=tmp_path)
    (row, *_) = accrual_rows(settings, FIRM, None, day.date, "ACME")
    followers = sorted(day.followers(model) - {"A00013"})  # the closed one
    with firm_transaction(day.engine, FIRM) as connection:
        held = connection.scalar(
            select(func.sum(position_fact.c.market_value)).where(position_fact.c.account_id.in_(followers))
        )
        cash = connection.scalar(
            select(func.sum(cash_fact.c.settled + cash_fact.c.unsettled)).where(cash_fact.c.account_id.in_(followers))
        )
    worth = held + cash
    assert (row["accounts"], row["assets"], row["rate_bps"]) == (len(followers), str(worth), "30.0000")
    assert row["fee"] == f"{worth * 30 / 10_000 / 365:.6f}"
    assert accrue(settings, FIRM, day.date) == []
    assert contract_rows(settings, FIRM, day.date)[0]["in_force"] is True
