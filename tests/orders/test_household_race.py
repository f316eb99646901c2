"""Two members of one tax household trade at the same moment, a thousand times."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import Engine, select

from tests.orders.factories import BUILD, FIRM, Plan, a_buy, a_lot, a_sale, approved_days, insert_a_run
from tests.servers import FreshDatabase
from trimtab.activities.commit_orders import WashSaleStands, commit_orders
from trimtab.contracts import AccountDayRef
from trimtab.db.engine import firm_transaction
from trimtab.db.records import verify_chains
from trimtab.db.tables import intent
from trimtab.domain.lifecycle import Stage, Standstill

TRIES = 1000
DEAR = a_lot("D1", "VTI", "100", "120")
LOSS = Plan("A1", (a_sale(DEAR, "100"),), (DEAR,), household_id="H1")
PURCHASE = Plan("A2", (a_buy("VTI", "10"),), household_id="H1")
_AGAIN = """
    DELETE FROM lot_reservation; DELETE FROM cash_reservation; DELETE FROM intent;
    UPDATE account_day SET stage = 'trade'
"""


@pytest.mark.timeout(1200)  # a thousand transactions, on a machine that may be busy
def test_of_two_members_trading_at_once_only_one_commits(database: FreshDatabase, engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        refs = approved_days(connection, insert_a_run(connection), [LOSS, PURCHASE])
    together = Barrier(2, timeout=300)

    def commit(ref: AccountDayRef) -> str:
        together.wait()
        try:
            with firm_transaction(engine, FIRM) as connection:
                return str(commit_orders(connection, ref, build=BUILD).next)
        except WashSaleStands:  # the same two accounts every time: it has been sent back often enough
            return str(Stage.INGEST)

    pairs: Counter[tuple[str, ...]] = Counter()
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(database.superuser_url, autocommit=True) as superuser,
    ):
        for _ in range(TRIES):
            pairs[tuple(threads.map(commit, refs))] += 1
            superuser.execute(_AGAIN)

    traded, sent_back = str(Standstill.TRADE), str(Stage.INGEST)
    assert set(pairs) == {(traded, sent_back), (sent_back, traded)}, "each was first at times, and never both traded"
    assert pairs.total() == TRIES
    with firm_transaction(engine, FIRM) as connection:
        assert connection.execute(select(intent)).all() == []
        assert verify_chains(connection)[1] == []
