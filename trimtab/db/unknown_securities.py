"""Identifiers of the day's holdings and models that the security master does not know."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, func, select

from trimtab.db.deliveries import loaded_delivery
from trimtab.db.inputs import securities_of
from trimtab.db.published_models import released_models
from trimtab.db.tables import account, position_fact, quarantined_row
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import Security, SecurityId


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """One identifier as delivered, and whom it concerns."""

    key: str
    accounts: tuple[str, ...]
    market_value: Decimal  # dollars, the custodian's figure, of all holders
    unreadable: bool = False  # its row was kept aside: the check digit is wrong
    models: Mapping[str, Decimal] = field(default_factory=dict)  # model to the weight that it gives the name


def master_on(connection: Connection, business_date: date) -> dict[SecurityId, Security]:
    """The security master of the day; empty while none is loaded."""
    found = loaded_delivery(connection, "securities", business_date)
    return {} if found is None else securities_of(connection, found.delivery_id)


def unknown_keys(connection: Connection, business_date: date, known: Set[str], seq: int) -> list[UnknownKey]:
    """What is unknown on the day, the largest value first. `known`: every identifier that means a security today."""
    positions = loaded_delivery(connection, "positions", business_date)
    found = [] if positions is None else _held(connection, positions.delivery_id, known)
    wanted = _wanted(connection, business_date, known, seq)
    held = {each.key for each in found}
    merged = [
        UnknownKey(each.key, each.accounts, each.market_value, each.unreadable, wanted.get(each.key, {}))
        for each in found
    ]
    merged += [UnknownKey(key, (), Decimal(0), models=models) for key, models in wanted.items() if key not in held]
    return sorted(merged, key=lambda each: (-each.market_value, each.key))


def _held(connection: Connection, delivery_id: str, known: Set[str]) -> list[UnknownKey]:
    facts, aside = position_fact.c, quarantined_row.c
    rows = connection.execute(
        select(
            facts.security_key,
            func.array_agg(facts.account_id.distinct()).label("accounts"),
            func.sum(func.abs(facts.market_value)).label("value"),
        )
        .where(facts.delivery_id == delivery_id, facts.security_id.is_(None))
        .group_by(facts.security_key)
    ).all()
    found = [
        UnknownKey(row.security_key, tuple(sorted(row.accounts)), row.value)
        for row in rows
        if row.security_key not in known
    ]
    broken = connection.execute(
        select(aside.security_key, func.array_agg(aside.account_id.distinct()).label("accounts"))
        .where(aside.delivery_id == delivery_id, aside.code == "ID_INVALID", aside.security_key.is_not(None))
        .group_by(aside.security_key)
    ).all()
    return found + [
        UnknownKey(row.security_key, tuple(sorted(filter(None, row.accounts))), Decimal(0), unreadable=True)
        for row in broken
    ]


def _wanted(connection: Connection, business_date: date, known: Set[str], seq: int) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = {}
    for model_id, weights in model_weights(connection, business_date, seq).items():
        for name, weight in weights.items():
            if name not in known:
                found.setdefault(name, {})[model_id] = weight
    return found


def held_by_security(
    connection: Connection, business_date: date, bound: RestrictionList | None = None
) -> dict[SecurityId, tuple[int, Decimal]]:
    """By security how many accounts hold it, and their dollars; of those alone that a list binds, when one is given."""
    positions = loaded_delivery(connection, "positions", business_date)
    if positions is None:
        return {}
    facts = position_fact.c
    rows = select(
        facts.security_id,
        func.count(facts.account_id.distinct()).label("accounts"),
        func.sum(facts.market_value).label("value"),
    ).where(facts.delivery_id == positions.delivery_id, facts.security_id.is_not(None))
    if bound is not None and (bound.accounts or bound.programmes):
        programme = account.c.profile["programme"].astext
        mine = select(account.c.account_id).where(
            account.c.account_id.in_(bound.accounts) | programme.in_(bound.programmes)
        )
        rows = rows.where(facts.account_id.in_(mine))
    return {
        SecurityId(row.security_id): (row.accounts, row.value)
        for row in connection.execute(rows.group_by("security_id"))
    }


def model_weights(connection: Connection, business_date: date, seq: int) -> dict[str, dict[SecurityId, Decimal]]:
    """The weights of every model of the day that is released."""
    return {
        model_id: {SecurityId(name): Decimal(weight) for name, weight in value["weights"].items()}
        for model_id, value in released_models(connection, business_date, seq).items()
    }
