"""The gateway's rows: the lease, which blocks may be taken, and a cursor that never goes back."""

from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, func, select, text, update

from tests.orders.factories import (
    BROKER,
    DAY,
    FIRM,
    Plan,
    a_buy,
    approved_days,
    commit_all,
    insert_a_run,
    publish,
    release_at_open,
)
from trimtab.contracts import RunRef
from trimtab.db.engine import firm_transaction
from trimtab.db.gateway import (
    blocks_in_doubt,
    blocks_on_the_way,
    blocks_too_late,
    claim_block,
    published_since,
    take_ready_blocks,
)
from trimtab.db.order_lease import (
    LeaseLost,
    cursor_of,
    give_up_lease,
    hold_lease,
    next_generation,
    renew_lease,
    set_cursor,
    take_lease,
)
from trimtab.db.runs import DONE, set_run
from trimtab.db.tables import block, gateway_lease
from trimtab.domain.lifecycle import MarketEventKind

OURS, THEIRS = "host-1", "host-2"


def owned(connection: Connection) -> int:
    generation = take_lease(connection, FIRM, BROKER, OURS)
    assert generation is not None
    return generation


def let_it_run_out(connection: Connection) -> None:
    connection.execute(update(gateway_lease).values(expires_at=func.clock_timestamp() - text("interval '1 second'")))


def released(connection: Connection, run: RunRef, names: int = 3) -> None:
    plan = Plan("A1", tuple(a_buy(f"S{n}", "10") for n in range(names)))
    commit_all(connection, approved_days(connection, run, [plan]))
    release_at_open(connection, run)


# --- the lease --------------------------------------------------------------------------------------------------


def test_the_lease_is_one_gateways_until_it_runs_out(connection: Connection) -> None:
    assert take_lease(connection, FIRM, BROKER, OURS) == 1
    assert take_lease(connection, FIRM, BROKER, THEIRS) is None
    let_it_run_out(connection)
    assert take_lease(connection, FIRM, BROKER, THEIRS) == 2


def test_a_lease_that_was_given_up_is_free_at_once(connection: Connection) -> None:
    give_up_lease(connection, BROKER, OURS, owned(connection))
    assert take_lease(connection, FIRM, BROKER, THEIRS) == 2


def test_only_the_owner_of_the_newest_generation_renews(connection: Connection) -> None:
    generation = owned(connection)
    renew_lease(connection, BROKER, OURS, generation)
    with pytest.raises(LeaseLost):
        renew_lease(connection, BROKER, THEIRS, generation)
    newer = next_generation(connection, BROKER, OURS, generation)
    with pytest.raises(LeaseLost):
        renew_lease(connection, BROKER, OURS, generation)
    renew_lease(connection, BROKER, OURS, newer)


def test_a_generation_rises_above_what_the_broker_knows(connection: Connection) -> None:
    assert next_generation(connection, BROKER, OURS, owned(connection), above=41) == 42


def test_whoever_lost_the_lease_gets_no_new_generation(connection: Connection) -> None:
    generation = owned(connection)
    let_it_run_out(connection)
    take_lease(connection, FIRM, BROKER, THEIRS)
    with pytest.raises(LeaseLost):
        next_generation(connection, BROKER, OURS, generation)


def test_a_lease_that_ran_out_is_not_held_even_while_nobody_has_taken_it(connection: Connection) -> None:
    generation = owned(connection)
    hold_lease(connection, BROKER, OURS, generation)
    let_it_run_out(connection)
    with pytest.raises(LeaseLost):
        hold_lease(connection, BROKER, OURS, generation)


def test_a_successor_waits_until_what_the_owner_takes_is_committed(engine: Engine) -> None:
    """Else it could look for blocks in doubt before the owner's SENDING is there, and never look again."""
    with firm_transaction(engine, FIRM) as connection:
        released(connection, insert_a_run(connection))
        generation = owned(connection)
    found: list[int] = []

    def succeed() -> None:
        with firm_transaction(engine, FIRM) as connection:
            taken = None
            while taken is None:
                taken = take_lease(connection, FIRM, BROKER, THEIRS)
            found.append(len(blocks_in_doubt(connection, BROKER, taken)))

    with firm_transaction(engine, FIRM) as connection:
        connection.execute(update(gateway_lease).values(expires_at=func.clock_timestamp() + text("interval '0.3 s'")))
    with firm_transaction(engine, FIRM) as connection:
        assert len(take_ready_blocks(connection, BROKER, OURS, generation, 10)) == 3
        successor = Thread(target=succeed)
        successor.start()
        successor.join(1.0)  # the lease has run out by now
        assert found == []
    successor.join(10)
    assert found == [3]


# --- blocks -----------------------------------------------------------------------------------------------------


def test_blocks_are_taken_in_their_order_and_once(connection: Connection, run: RunRef) -> None:
    released(connection, run)
    generation = owned(connection)
    first = take_ready_blocks(connection, BROKER, OURS, generation, 2)
    second = take_ready_blocks(connection, BROKER, OURS, generation, 2)
    assert [row.security_id for row in (*first, *second)] == ["S0", "S1", "S2"]
    assert take_ready_blocks(connection, BROKER, OURS, generation, 2) == []
    assert set(connection.scalars(select(block.c.generation))) == {generation}


def test_without_the_lease_nothing_is_taken(connection: Connection, run: RunRef) -> None:
    released(connection, run)
    generation = owned(connection)
    for owner, number in ((THEIRS, generation), (OURS, generation - 1)):
        with pytest.raises(LeaseLost):
            take_ready_blocks(connection, BROKER, owner, number, 10)
    assert set(connection.scalars(select(block.c.status))) == {"READY"}


@pytest.mark.parametrize("over", [MarketEventKind.CLOSE, MarketEventKind.DAY_END])
def test_nothing_is_taken_once_its_market_is_over(connection: Connection, run: RunRef, over: MarketEventKind) -> None:
    released(connection, run)
    publish(connection, run, over)
    assert take_ready_blocks(connection, BROKER, OURS, owned(connection), 10) == []
    assert len(blocks_too_late(connection, BROKER)) == 3


def test_another_brokers_blocks_stay(connection: Connection, run: RunRef) -> None:
    released(connection, run)
    connection.execute(update(block).values(broker="other"))
    assert take_ready_blocks(connection, BROKER, OURS, owned(connection), 10) == []


def test_what_an_earlier_generation_was_sending_is_in_doubt_until_it_is_claimed(
    connection: Connection, run: RunRef
) -> None:
    released(connection, run, names=1)
    generation = owned(connection)
    [taken] = take_ready_blocks(connection, BROKER, OURS, generation, 10)
    assert blocks_in_doubt(connection, BROKER, generation) == []
    newer = next_generation(connection, BROKER, OURS, generation)
    [doubted] = blocks_in_doubt(connection, BROKER, newer)
    assert (doubted.client_order_id, doubted.closed) == (taken.client_order_id, False)
    with pytest.raises(LeaseLost):
        claim_block(connection, BROKER, OURS, generation, taken.client_order_id)
    claim_block(connection, BROKER, OURS, newer, taken.client_order_id)
    assert blocks_in_doubt(connection, BROKER, newer) == []


def test_blocks_are_on_the_way_until_the_broker_has_answered(connection: Connection, run: RunRef) -> None:
    released(connection, run)
    assert blocks_on_the_way(connection, run.run_id) == 3
    take_ready_blocks(connection, BROKER, OURS, owned(connection), 1)
    assert blocks_on_the_way(connection, run.run_id) == 3
    connection.execute(update(block).where(block.c.status == "SENDING").values(status="ACKED"))
    assert blocks_on_the_way(connection, run.run_id) == 2


# --- reports and events -----------------------------------------------------------------------------------------


def test_the_cursor_never_goes_back(connection: Connection) -> None:
    assert cursor_of(connection, BROKER) == 0
    owned(connection)
    for cursor in (5, 3, 7, 6):
        set_cursor(connection, BROKER, cursor)
    assert cursor_of(connection, BROKER) == 7


def test_only_published_events_of_open_runs_are_announced(connection: Connection, run: RunRef) -> None:
    kinds = (MarketEventKind.OPEN, MarketEventKind.CLOSE)
    earlier = insert_a_run(connection, DAY.replace(day=2))
    publish(connection, earlier, *kinds)
    publish(connection, run, MarketEventKind.CUT_OFF, MarketEventKind.OPEN)
    announced = [(row.business_date.day, row.kind) for row in published_since(connection, kinds)]
    assert announced == [(2, "OPEN"), (2, "CLOSE"), (3, "OPEN")]
    set_run(connection, earlier, status=DONE)
    assert [row.kind for row in published_since(connection, kinds)] == ["OPEN"]
