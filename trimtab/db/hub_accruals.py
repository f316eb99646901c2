"""What follows each provider's model, day by day, and the fee that has accrued on it (M1c).

Assets are kept by business date and account, fees by calendar day and model. Both are computed once: computing a day
again adds what was not there, a model that was licensed since, and never changes a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.contracts import run_id
from trimtab.db.alerts import raise_alert
from trimtab.db.deliveries import loaded_before
from trimtab.db.programme import held_contracts, read_programme
from trimtab.db.settings_versions import MODEL, held_settings, newest_seq
from trimtab.db.tables import hub_accrual, hub_assets
from trimtab.domain.asset_allocations import AllocationId, InvalidProgramme
from trimtab.domain.hub.contracts import ProviderContract
from trimtab.domain.hub.fees import Accrual, ModelAssets, accruals
from trimtab.domain.model_variants import sleeves
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.profile.glide import parts_of

CONTRACT_ENDED: Final = "CONTRACT_ENDED"
"""The alert about accounts that follow a model which no contract in force licenses."""

_VALUES = text(
    """
    WITH held AS (
        SELECT account_id, market_value AS value FROM position_fact WHERE delivery_id = :positions
        UNION ALL
        SELECT account_id, settled + unsettled FROM cash_fact WHERE delivery_id = :cash),
    worth AS (SELECT account_id, sum(value) AS value FROM held GROUP BY account_id)
    SELECT a.account_id, coalesce(f.model_id, a.profile ->> 'model_id') AS follows, worth.value
    FROM account a
    JOIN worth ON worth.account_id = a.account_id
    LEFT JOIN account_facts f ON f.firm_id = a.firm_id AND f.run_id = :run AND f.account_id = a.account_id
    WHERE a.profile ->> 'standing' <> 'CLOSED' AND worth.value > 0
    ORDER BY a.account_id
    """
)

Assets = dict[str, dict[str, Decimal]]
"""By model, then by account: dollars."""


def accrue_day(connection: Connection, firm_id: str, business_date: date, days: Sequence[date]) -> list[Accrual]:
    """Accrue the calendar days for which the business date's assets stand; returns what was new."""
    key = f"trimtab-accruals/{firm_id}"
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    seq = newest_seq(connection)
    in_force = [(day, contract) for day in days for contract in contracts_in_force(connection, day, seq)]
    if not in_force:
        return []
    licensed = {model for _, contract in in_force for model in contract.models}
    known = set(connection.scalars(select(hub_accrual.c.model_id).where(hub_accrual.c.business_date == business_date)))
    assets = assets_of_day(connection, firm_id, business_date, seq)
    _keep_assets(connection, firm_id, business_date, {name: assets.get(name, {}) for name in licensed - known})
    totals = _totals(connection, business_date)
    done = [each for day, contract in in_force for each in accruals(contract, day, totals)]
    return _keep_accruals(connection, firm_id, business_date, seq, done)


def assets_of_day(connection: Connection, firm_id: str, business_date: date, seq: int) -> Assets:
    """Account value times the weight of the sleeve that follows each model that is published on its own.

    The value is the custodian's, of the newest holdings up to the business date: positions, and cash of both kinds.
    Accounts that are closed, or worth nothing, count nothing; those that are suspended follow their model all the same.
    """
    weights = _sleeves(connection, business_date, seq)
    found: Assets = {}
    delivered = {
        kind: loaded_before(connection, kind, business_date + timedelta(days=1)) for kind in ("positions", "cash")
    }
    values = {
        "run": run_id(firm_id, business_date),
        **{kind: None if row is None else row.delivery_id for kind, row in delivered.items()},
    }
    for row in connection.execute(_VALUES, values):
        for part, share in parts_of(row.follows or "").items():
            for model, weight in weights.get(part, {part: Decimal(1)}).items():
                of_model = found.setdefault(model, {})
                of_model[row.account_id] = of_model.get(row.account_id, ZERO) + row.value * share * weight
    return {model: {name: to_cents(each) for name, each in its.items()} for model, its in found.items()}


def accrued(connection: Connection, first: date, last: date, provider_id: str | None = None) -> list[Row[Any]]:
    """Accruals of the calendar days, by day and model."""
    rows = select(hub_accrual).where(hub_accrual.c.day.between(first, last))
    if provider_id is not None:
        rows = rows.where(hub_accrual.c.provider_id == provider_id)
    return list(connection.execute(rows.order_by(hub_accrual.c.day, hub_accrual.c.model_id)))


def last_accrued(connection: Connection) -> date | None:
    """The newest business date whose assets were charged."""
    found: date | None = connection.scalar(select(func.max(hub_accrual.c.business_date)))
    return found


def contracts_in_force(connection: Connection, day: date, seq: int) -> list[ProviderContract]:
    return [each for each in held_contracts(connection, day, seq).values() if each.is_in_force(day)]


def _sleeves(connection: Connection, on: date, seq: int) -> Mapping[str, Mapping[str, Decimal]]:
    """By allocation or variant, the weight of each published model in it."""
    programme = read_programme(connection, on, seq)
    family, found = programme.family, {}
    for name in programme.names():
        try:
            effective = family.effective(AllocationId(name))
            found[name] = sleeves(effective, programme.products[effective.product_set])
        except (InvalidProgramme, KeyError):
            found[name] = {}  # nobody can follow it today: the night has told of it
    return found


def _keep_assets(connection: Connection, firm_id: str, on: date, assets: Mapping[str, Mapping[str, Decimal]]) -> None:
    rows = [(model, account, value) for model, its in sorted(assets.items()) for account, value in sorted(its.items())]
    connection.execute(
        text(
            """
            INSERT INTO hub_assets (firm_id, business_date, model_id, account_id, assets)
            SELECT :firm, :day, new.model, new.account, new.assets
            FROM unnest(CAST(:models AS text[]), CAST(:accounts AS text[]), CAST(:assets AS numeric[]))
                AS new (model, account, assets)
            WHERE new.assets > 0 ON CONFLICT DO NOTHING
            """
        ),
        {
            "firm": firm_id,
            "day": on,
            "models": [row[0] for row in rows],
            "accounts": [row[1] for row in rows],
            "assets": [row[2] for row in rows],
        },
    )


def _totals(connection: Connection, on: date) -> dict[str, ModelAssets]:
    rows = connection.execute(
        select(hub_assets.c.model_id, func.count().label("accounts"), func.sum(hub_assets.c.assets).label("assets"))
        .where(hub_assets.c.business_date == on)
        .group_by(hub_assets.c.model_id)
    )
    return {row.model_id: ModelAssets(row.accounts, row.assets) for row in rows}


def _keep_accruals(
    connection: Connection, firm_id: str, business_date: date, seq: int, done: Iterable[Accrual]
) -> list[Accrual]:
    """Keeps all at once, and returns what was not kept before."""
    by_key = {(each.day, each.model_id): each for each in done}
    values = [
        {
            "firm_id": firm_id,
            "day": each.day,
            "model_id": each.model_id,
            "provider_id": each.provider_id,
            "business_date": business_date,
            "schedule": each.schedule,
            "accounts": each.accounts,
            "assets": each.assets,
            "rate_bps": each.rate_bps,
            "fee": each.fee,
            "settings_seq": seq,
        }
        for each in by_key.values()
    ]
    if not values:
        return []
    kept = upsert(hub_accrual).values(values).on_conflict_do_nothing()
    new = {tuple(row) for row in connection.execute(kept.returning(hub_accrual.c.day, hub_accrual.c.model_id))}
    return [each for key, each in by_key.items() if key in new]


def tell_unlicensed(connection: Connection, firm_id: str, on: date) -> None:
    """One alert a day for each provider's model that accounts follow and that no contract in force licenses."""
    seq = newest_seq(connection)
    licensed = {model for contract in contracts_in_force(connection, on, seq) for model in contract.models}
    held = held_settings(connection, MODEL, on, seq)
    over = {
        name: value["provider_id"] for name, value in held.items() if "provider_id" in value and name not in licensed
    }
    assets = assets_of_day(connection, firm_id, on, seq) if over else {}
    for model in sorted(over.keys() & assets.keys()):
        raise_alert(
            connection,
            firm_id,
            cause=CONTRACT_ENDED,
            scope=f"provider/{over[model]}/{model}",
            business_date=on,
            message=f"{len(assets[model])} accounts follow {model}, which no contract in force licenses: renew it,"
            " or give them another model",
            severity="ERROR",
        )
