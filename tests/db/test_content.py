"""Content by hash: many values cost a statement for each thousand, equal ones are stored once, faults are told."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection, event, func, select

from tests.db.conftest import FIRM
from trimtab.db.content import ContentMissing, get_contents, put_content, put_contents
from trimtab.db.tables import content
from trimtab.domain.accounts import ModelId
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.securities import SecurityId


def a_model(name: str, weight: str) -> ModelPortfolio:
    return ModelPortfolio(ModelId(name), 1, date(2026, 3, 2), {SecurityId("VTI"): Decimal(weight)})


def test_two_thousand_models_are_stored_and_read_back_in_two_statements_each(connection: Connection) -> None:
    models = {f"M{n}": a_model(f"M{n}", f"0.{n + 1:04d}") for n in range(2_000)}
    said: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2].split()[0]))

    digests = put_contents(connection, FIRM, "model", models)
    assert get_contents(connection, digests, ModelPortfolio) == models

    assert said == ["INSERT", "INSERT", "SELECT", "SELECT"]


def test_equal_values_are_stored_once_and_found_under_every_name(connection: Connection) -> None:
    same = a_model("M", "0.9")
    digests = put_contents(connection, FIRM, "model", {"one": same, "other": same})

    assert digests["one"] == digests["other"] == put_content(connection, FIRM, "model", same)
    assert connection.scalar(select(func.count()).select_from(content)) == 1
    assert get_contents(connection, digests, ModelPortfolio) == {"one": same, "other": same}


def test_one_missing_among_many_is_told(connection: Connection) -> None:
    known = put_content(connection, FIRM, "model", a_model("M", "0.9"))
    with pytest.raises(ContentMissing, match="0000"):
        get_contents(connection, {"there": known, "gone": "0" * 64}, ModelPortfolio)
