"""The grants kept in memory keep the contract of all grants."""

from __future__ import annotations

import pytest

from tests.auth.grants_contract import GrantsContract
from trimtab.auth.authorization_server import InMemoryGrants


class TestInMemoryGrants(GrantsContract):
    @pytest.fixture
    def grants(self) -> InMemoryGrants:
        return InMemoryGrants()
