"""Who owns a firm's order session with a broker: one lease, with a generation for each connection."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import gateway_lease
from trimtab.domain.errors import TrimtabError

LEASE_SECONDS = 6.0
"""How long a lease holds. Its owner renews it every two seconds and stops sending well before it ends."""


class LeaseLost(TrimtabError):
    """Another gateway owns the firm's order session, or the lease ran out: nothing may be sent any more."""

    code = "LEASE_LOST"


def take_lease(
    connection: Connection, firm_id: str, broker: str, owner: str, seconds: float = LEASE_SECONDS
) -> int | None:
    """Become the only sender of the firm's orders to the broker: the new generation, or None while another holds it.

    The database's clock decides when a lease has run out; it is a matter of processes, not of business.
    """
    now: Any = func.clock_timestamp()
    until = now + timedelta(seconds=seconds)
    fresh = upsert(gateway_lease).values(firm_id=firm_id, broker=broker, owner=owner, generation=1, expires_at=until)
    taken = fresh.on_conflict_do_update(
        index_elements=["firm_id", "broker"],
        set_={"owner": owner, "generation": gateway_lease.c.generation + 1, "expires_at": until},
        where=gateway_lease.c.expires_at < now,
    ).returning(gateway_lease.c.generation)
    generation: int | None = connection.scalar(taken)
    return generation


def renew_lease(
    connection: Connection, broker: str, owner: str, generation: int, seconds: float = LEASE_SECONDS
) -> None:
    """Hold the lease for another while. Raises LeaseLost when it is another's."""
    now: Any = func.clock_timestamp()
    renewed = connection.execute(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(expires_at=now + timedelta(seconds=seconds))
        .returning(gateway_lease.c.generation)
    ).one_or_none()
    if renewed is None:
        raise LeaseLost(f"generation {generation} of {owner} no longer owns the session with {broker}")


def next_generation(connection: Connection, broker: str, owner: str, generation: int, above: int = 0) -> int:
    """A higher generation for the owner's next connection, also above what the broker knows. Raises LeaseLost."""
    raised: int | None = connection.scalar(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(generation=func.greatest(gateway_lease.c.generation, above) + 1)
        .returning(gateway_lease.c.generation)
    )
    if raised is None:
        raise LeaseLost(f"generation {generation} of {owner} no longer owns the session with {broker}")
    return raised


def give_up_lease(connection: Connection, broker: str, owner: str, generation: int) -> None:
    """Let the next gateway start at once."""
    connection.execute(
        update(gateway_lease)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .values(expires_at=func.clock_timestamp())
    )


def cursor_of(connection: Connection, broker: str) -> int:
    """The broker's last report that was posted."""
    cursor = connection.scalar(select(gateway_lease.c.execution_cursor).where(gateway_lease.c.broker == broker))
    return int(cursor or 0)


def set_cursor(connection: Connection, broker: str, cursor: int) -> None:
    """Remember the last report posted. It never goes back: an owner that was replaced may still be posting."""
    furthest = func.greatest(gateway_lease.c.execution_cursor, cursor)
    connection.execute(update(gateway_lease).where(gateway_lease.c.broker == broker).values(execution_cursor=furthest))


def hold_lease(connection: Connection, broker: str, owner: str, generation: int) -> None:
    """Make sure of the lease until the transaction ends: nobody can take it over before. Raises LeaseLost."""
    held = connection.execute(
        select(gateway_lease.c.generation)
        .where(gateway_lease.c.broker == broker, *_mine(owner, generation))
        .where(gateway_lease.c.expires_at > func.clock_timestamp())
        .with_for_update(read=True)
    ).one_or_none()
    if held is None:
        raise LeaseLost(f"generation {generation} of {owner} no longer owns the session with {broker}")


def _mine(owner: str, generation: int) -> tuple[Any, Any]:
    return gateway_lease.c.owner == owner, gateway_lease.c.generation == generation
