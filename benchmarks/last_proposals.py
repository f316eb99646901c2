"""What yesterday's lists cost a night's page: milliseconds of processor time, ours and the database's.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.last_proposals [--accounts 500] [--days 5]

Every account of the page was proposed a list on each of the days before, of about 47 names and 100 lots, most of which
trade, and nobody sent any. The first read is left out: it fills the caches.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import Engine, func, insert, select, update

from benchmarks.bulk_settings import FIRM, a_database, server_seconds
from benchmarks.normal_day import proposed
from benchmarks.optimizer import FACTORS, SECURITIES, in_transition
from benchmarks.simulated_accounts import BUSINESS_DATE, a_universe
from trimtab.activities.incumbents import incumbents
from trimtab.contracts import RunRef, run_id
from trimtab.db import runs
from trimtab.db.account_days import lock_accounts, open_days
from trimtab.db.decisions import write_proposal
from trimtab.db.engine import firm_transaction
from trimtab.db.last_proposals import last_proposals
from trimtab.db.tables import account, account_day, firm, household, proposal
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.records import content_hash, plain

REPEATS = 20
_BODIES = 64
"""So many proposals are made, and dealt out to the accounts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--days", type=int, default=5)
    options = parser.parse_args()
    print(json.dumps(figures(options.accounts, options.days), indent=2))


def figures(accounts: int, days: int) -> dict[str, object]:
    bodies = list(_bodies())
    names = [f"A{number:05d}" for number in range(accounts)]
    with a_database() as engine:
        _filled(engine, names, days, bodies)
        with firm_transaction(engine, FIRM) as connection:
            size = func.pg_column_size(proposal.c.body)
            stored = connection.scalar(select(func.avg(size))) or 0
            known = incumbents(connection, names, BUSINESS_DATE)
            own, database = _milliseconds(lambda: incumbents(connection, names, BUSINESS_DATE))
            rows_own, _ = _milliseconds(lambda: last_proposals(connection, names, BUSINESS_DATE))
    return {
        "accounts": accounts,
        "days": days,
        "stored_bytes_a_proposal": round(stored),
        "trades_a_list": round(sum(len(each.net_trades) for each in known.values()) / len(known), 1),
        "own_processor_ms_a_page": own,
        "of_it_reading_rows_ms": rows_own,
        "database_processor_ms_a_page": database,
    }


def _bodies() -> Iterator[object]:
    universe = a_universe(SECURITIES[100] * 4, factors=FACTORS)
    requests = [in_transition(universe, 100, seed) for seed in range(_BODIES)]
    for each in proposed(requests, MarketArrays.from_snapshot(universe.market)):
        yield plain(each)


def _filled(engine: Engine, names: Sequence[str], days: int, bodies: Sequence[object]) -> None:
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="Bench"))
        connection.execute(insert(household).values(firm_id=FIRM, household_id="H"))
        owned = {"firm_id": FIRM, "household_id": "H", "advisor_id": "ann", "profile": {}}
        connection.execute(insert(account), [{**owned, "account_id": name} for name in names])
    for back in range(1, days + 1):
        on = BUSINESS_DATE - timedelta(days=back)
        of_day = RunRef(FIRM, run_id(FIRM, on), on)
        with firm_transaction(engine, FIRM) as connection:
            runs.insert_run(connection, of_day, as_of=on - timedelta(days=1), clock_mode="stepped", status=runs.DONE)
            refs = open_days(connection, FIRM, of_day.run_id, on, lock_accounts(connection, ["H"]))
            for place, ref in enumerate(refs):
                body = bodies[place % len(bodies)]
                named = write_proposal(connection, ref, content_hash(body), "input", body, "trimtab")
                connection.execute(
                    update(account_day)
                    .where(account_day.c.account_day_id == ref.account_day_id)
                    .values(proposal_id=named, stage="record", terminal_state="EXPIRED")
                )


def _milliseconds(read: Callable[[], object]) -> tuple[float, float]:
    """A call's processor time, ours and the database's."""
    spent, served = time.process_time(), server_seconds()
    for _ in range(REPEATS):
        read()
    own, database = time.process_time() - spent, server_seconds() - served
    return round(own / REPEATS * 1e3, 1), round(database / REPEATS * 1e3, 1)


if __name__ == "__main__":
    main()
