"""Filters over the stored facts of a whole book on a real PostgreSQL, for `benchmarks.programme`.

The book: every column of `account_facts` filled at random with a fixed seed, values from $22,000 to $3,300,000, 60 held
names a row. Each figure is the middle one of several tries on a warm cache, as the application's role under row-level
security. `filter_plain_*` asks fields that the index of filters does not hold. `filter_rare_*` wants one account in
about 30,000 by a field that has an index of its own: without one all of the book is read for its first page.
`filter_rare_plain_*` wants one in 3,700 by a field without any. `*_preview_seconds` are count and first page together,
as `filterPreview` asks for them: of a filter that wants few accounts one look gives both.
"""

import statistics
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine, create_engine, insert, text

from benchmarks.bulk_settings import FIRM, ON, a_server
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.filter_pages import count_matching, matching, page_matching
from trimtab.db.tables import firm, run
from trimtab.domain.fact_fields import FIELDS, Field, FieldKind, Unit
from trimtab.domain.filters import FilterTree, parse_filter
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS

RUN: Final = "r1"
_CHUNK: Final = 100_000
_TRIES: Final = 5
_HELD: Final = "ARRAY(SELECT 'S' || ((i * 7 + k * 13) % 1000) FROM generate_series(1, 60) k)"


def filter_figures(accounts: int) -> dict[str, object]:
    """Wall-clock seconds of counts and of first pages of 100."""
    with a_server() as address:
        engine = sync_engine(address.url("trimtab_app"), statement_seconds=600)
        _build(engine, accounts)
        _vacuum(address.url("trimtab_owner"))
        automated, review = (parse_filter(DEFAULT_FIRM_FILTERS[key]) for key in ("automated", "review"))
        plain = _one("loss_lot_count", ">", 25)
        rare = _one("account_value", "<", 22_030)
        rare_plain = _one("tracking_error_limit", "<", 0.25 / 3_700)
        figures: dict[str, object] = {"filter_accounts": accounts, "filter_wanted": _count(engine, review)}
        asked = {"": review, "automated_": automated, "rare_": rare, "plain_": plain, "rare_plain_": rare_plain}
        for name, tree in asked.items():
            figures[f"filter_{name}count_seconds"] = _seconds(lambda tree=tree: _count(engine, tree))
            figures[f"filter_{name}page_seconds"] = _seconds(lambda tree=tree: _page(engine, tree))
            figures[f"filter_{name}preview_seconds"] = _seconds(lambda tree=tree: _preview(engine, tree))
        engine.dispose()
        return figures


def _vacuum(owner_url: str) -> None:
    """As autovacuum does after a night: which pages hold only rows that all can see, and statistics."""
    with create_engine(owner_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM (ANALYZE) account_facts"))
    connection.engine.dispose()


def _one(field: str, operator: str, value: float) -> FilterTree:
    return parse_filter({"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]})


def _count(engine: Engine, tree: FilterTree) -> int:
    with firm_transaction(engine, FIRM) as connection:
        return count_matching(connection, RUN, tree)


def _page(engine: Engine, tree: FilterTree) -> int:
    with firm_transaction(engine, FIRM) as connection:
        return len(page_matching(connection, RUN, tree, None, "", 100))


def _preview(engine: Engine, tree: FilterTree) -> int:
    with firm_transaction(engine, FIRM) as connection:
        return matching(connection, RUN, tree, None, "", 100).count


def _seconds(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(_TRIES):
        begun = time.monotonic()
        work()
        taken.append(time.monotonic() - begun)
    return round(statistics.median(taken), 4)


def _build(engine: Engine, accounts: int) -> None:
    columns = ", ".join(FIELDS)
    values = ", ".join(_random(field) for field in FIELDS.values())
    statement = text(
        f"""INSERT INTO account_facts (firm_id, run_id, account_id, {columns})
        SELECT :firm, :run, 'A' || lpad(i::text, 7, '0'), {values} FROM generate_series(:first, :last) i"""
    )
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="Bench"))
        begun = {"firm_id": FIRM, "run_id": RUN, "business_date": ON, "clock_mode": "stepped", "status": "OPEN"}
        connection.execute(insert(run).values(begun))
        connection.execute(text("SELECT setseed(0.5)"))
        for first in range(0, accounts, _CHUNK):
            chunk = {"firm": FIRM, "run": RUN, "first": first, "last": min(first + _CHUNK, accounts) - 1}
            connection.execute(statement, chunk)


def _random(field: Field) -> str:
    """An SQL expression of a random value of the field."""
    match field.kind:
        case FieldKind.BOOLEAN:
            likely = 0.95 if field.name in ("discretionary", "approved_for_trading") else 0.03
            return f"random() < {likely}"
        case FieldKind.TEXT:
            words = field.choices or tuple(f"{field.name}-{number}" for number in range(50))
            return f"(ARRAY[{', '.join(repr(str(word)) for word in words)}])[1 + floor(random() * {len(words)})::int]"
        case FieldKind.TEXT_SET:
            return _HELD if field.name == "held_securities" else "ARRAY[]::text[]"
    if field.name == "account_value":
        return "exp(10 + random() * 5)"
    scale = {Unit.FRACTION: 0.25, Unit.BASIS_POINTS: 30.0, Unit.DOLLARS: 20_000.0, Unit.NONE: 5.0}
    return "floor(random() * 30)::bigint" if field.is_whole else f"random() * {scale[field.unit]}"
