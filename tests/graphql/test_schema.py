"""The schema: published, complete in its authorization, and described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from strawberry.types.base import StrawberryObjectDefinition

from tests.graphql.api import SCHEMA
from trimtab.auth.matrix import Operation
from trimtab.graphql.access import Guard, StreamGuard
from trimtab.graphql.schema import schema_text

ROOT = Path(__file__).resolve().parents[2]


def test_the_published_schema_is_what_the_code_says():
    """To renew it: python -m trimtab.graphql > schema.graphql"""
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", ["Query", "Mutation", "Subscription"])
@pytest.mark.covers("E2")
def test_every_root_field_goes_through_rows_of_the_matrix(name):
    root = SCHEMA.get_type_by_name(name)
    assert isinstance(root, StrawberryObjectDefinition)
    assert root.fields
    for field in root.fields:
        guards = [one for one in field.extensions if isinstance(one, Guard | StreamGuard)]
        assert len(guards) == 1, f"{name}.{field.name} goes through no row"
        assert guards[0].operations
        assert all(isinstance(one, Operation) for one in guards[0].operations)


@pytest.mark.parametrize("name", ["Query", "Mutation", "Subscription"])
def test_every_root_field_says_what_it_does(name):
    root = SCHEMA.get_type_by_name(name)
    assert isinstance(root, StrawberryObjectDefinition)
    assert [field.name for field in root.fields if not field.description] == []


def test_every_mutation_takes_an_idempotency_key_and_answers_with_a_union():
    published = schema_text()
    inputs = re.findall(r"^input \w+Input \{.*?^\}", published, flags=re.MULTILINE | re.DOTALL)
    assert len(inputs) == 35
    assert all("idempotencyKey: String!" in block for block in inputs)
