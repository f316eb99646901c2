"""A parent's change through 10,000 variants to 100,000 accounts on a real PostgreSQL, for `benchmarks.programme`.

The programme: one allocation of ten classes, a product of ten names for each, a hundred variants of it that tilt a
class, and below each of them others that tilt, pin, drop, cap or take another product. Accounts follow them in turn.
"""

import time
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, select

from benchmarks.bulk_settings import FIRM, a_database, insert_rows
from trimtab.activities.programme import cascade
from trimtab.db.content import get_contents, put_contents
from trimtab.db.engine import firm_transaction
from trimtab.db.programme import Change, ChangeStatus, ProgrammeKind, change_of, decide, propose, read_programme
from trimtab.db.settings_versions import last_version, newest_seq, write_version
from trimtab.db.tables import account, firm, household, setting_version
from trimtab.domain.asset_allocations import AllocationId, AssetAllocation, Product, ProductId, ProductKind, ProductSet
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import Cap, Difference, Drop, Family, Pin, ReplaceProduct, Tilt, Variant, VariantId
from trimtab.domain.records import plain
from trimtab.domain.securities import SecurityId

ON: Final = date(2026, 3, 2)
VARIANTS: Final = 10_000
FIRST_GENERATION: Final = 100
CLASSES: Final = tuple(f"CLASS{number}" for number in range(10))
ROOT: Final = AllocationId("GROWTH")


def cascade_figures(accounts: int) -> dict[str, object]:
    """Seconds from the approved change of the parent to every account's new target, read back as a worker reads it."""
    with a_database() as engine:
        _build(engine, accounts)
        before = _targets(engine)
        _change_the_parent(engine)
        begun, spent = time.monotonic(), time.process_time()
        after = _targets(engine)
        seconds, own = time.monotonic() - begun, time.process_time() - spent
        unchanged = sum(before[name] == after[name] for name in after)
        return {
            "cascade_seconds": round(seconds, 2),
            "cascade_own_processor_seconds": round(own, 2),
            "targets": len(after),
            "targets_unchanged": unchanged,
            "variants": VARIANTS,
            "targets_unequal_to_those_computed_alone": _unequal(engine, after),
        }


def _targets(engine: Engine) -> dict[str, ModelPortfolio]:
    """By account: the night's cascade, stored by hash as a run freezes it, and read back."""
    with firm_transaction(engine, FIRM) as connection:
        worked_out = cascade(connection, ON, newest_seq(connection))
        if worked_out.faults or worked_out.exceptions:
            raise LookupError("the benchmark's programme has faults or exceptions")
        hashes = put_contents(connection, FIRM, "model", worked_out.models)
    with firm_transaction(engine, FIRM) as connection:
        models = get_contents(connection, hashes, ModelPortfolio)
        rows = connection.execute(select(account.c.account_id, account.c.profile["model_id"].astext.label("model_id")))
        return {row.account_id: models[row.model_id] for row in rows}


def _unequal(engine: Engine, targets: dict[str, ModelPortfolio]) -> int:
    """Accounts whose target differs from the one that its variant comes to when it is worked out by itself."""
    with firm_transaction(engine, FIRM) as connection:
        programme = read_programme(connection, ON, newest_seq(connection))
    alone = {}
    for name in programme.variants:
        effective = Family(programme.allocations, programme.variants).effective(name)
        alone[str(name)] = programme.target(effective)
    return sum(
        (target.weights, target.cash_weight) != (alone[target.id].weights, alone[target.id].cash_weight)
        for target in targets.values()
    )


# --- the programme ------------------------------------------------------------------------------------------------


def _build(engine: Engine, accounts: int) -> None:
    variants = [_variant(number) for number in range(VARIANTS)]
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="Bench"))
        connection.execute(insert(household).values(firm_id=FIRM, household_id="H"))
        _write(connection, ProgrammeKind.ALLOCATION, ROOT, _allocation(1))
        _write(connection, ProgrammeKind.PRODUCT_SET, "HOUSE", _products())
        insert_rows(connection, setting_version, [_row(each) for each in variants])
        insert_rows(
            connection, account, [_account(number, str(variants[number % VARIANTS].id)) for number in range(accounts)]
        )


def _allocation(version: int) -> AssetAllocation:
    weights = dict.fromkeys(CLASSES, Decimal("0.096"))
    if version > 1:
        weights |= {"CLASS0": Decimal("0.106"), "CLASS1": Decimal("0.086")}
    groups = {name: "EQUITY" if number < 6 else "BOND" for number, name in enumerate(CLASSES)}
    return AssetAllocation(ROOT, version, ON, weights, groups, Decimal("0.04"), "HOUSE")


def _products() -> ProductSet:
    def product(asset_class: str, number: int, offset: int) -> Product:
        names = [SecurityId(f"S{number:02d}{place + offset:02d}") for place in range(10)]
        kind = ProductKind.DIRECT_INDEX
        return Product(ProductId(f"{asset_class}-{offset}"), asset_class, kind, dict.fromkeys(names, Decimal("0.1")))

    products = [product(name, number, offset) for number, name in enumerate(CLASSES) for offset in (0, 5)]
    return ProductSet("HOUSE", 1, ON, tuple(products))


def _variant(number: int) -> Variant:
    """The first hundred descend from the allocation, each other from one of the first hundred."""
    name = CLASSES[number % 10]
    if number < FIRST_GENERATION:
        return Variant(VariantId(f"V{number}"), ROOT, (Tilt(name, Decimal(number + 1) / 10_000),))
    other = CLASSES[(number + 3) % 10]
    change = Decimal(number) / 1_000_000
    ways: tuple[Difference, ...] = (
        Tilt(other, change),
        Pin(other, Decimal("0.05") + change),
        Drop(other),
        Cap(other, Decimal("0.06") + change),
        ReplaceProduct(other, ProductId(f"{other}-5")),
    )
    return Variant(VariantId(f"V{number}"), VariantId(f"V{number % FIRST_GENERATION}"), (ways[number // 100 % 5],))


def _write(connection: Connection, kind: ProgrammeKind, key: str, value: object) -> None:
    stored: Any = plain(value)
    write_version(
        connection, FIRM, kind.value, key, stored, effective_from=ON, actor="bench", reason="", supersedes=None
    )


def _row(variant: Variant) -> dict[str, object]:
    kind = ProgrammeKind.VARIANT.value
    return {
        "firm_id": FIRM,
        "entity": kind,
        "key": variant.id,
        "effective_from": ON,
        "value": plain(variant),
        "actor": "bench",
    }


def _account(number: int, model_id: str) -> dict[str, object]:
    profile = {"programme": "P", "model_id": model_id, "tier": "STANDARD"}
    return {
        "firm_id": FIRM,
        "account_id": f"A{number:06d}",
        "household_id": "H",
        "advisor_id": "adv",
        "profile": profile,
    }


def _change_the_parent(engine: Engine) -> None:
    """One point of weight from a class to another: proposed by one person, approved by another."""
    with firm_transaction(engine, FIRM) as connection:
        newest = last_version(connection, ProgrammeKind.ALLOCATION.value, ROOT)
        value: Any = plain(_allocation(2))
        supersedes = None if newest is None else int(newest.seq)
        change = Change("c1", ProgrammeKind.ALLOCATION, ROOT, ON, value, "a benchmark", ("iris",), supersedes)
        propose(connection, FIRM, change)
        found = change_of(connection, "c1")
        if found is None:
            raise LookupError("the change was not proposed")
        proposed, seq = found
        decide(connection, FIRM, replace(proposed, status=ChangeStatus.APPROVED, decided_by="carl"), seq)
