"""A Temporal client for the stories, and a firm of each test's own: the session's server is shared."""

import base64
import secrets

import pytest
from temporalio.client import Client

from trimtab.temporal_client import connect


@pytest.fixture
def firm_id() -> str:
    return f"firm-{secrets.token_hex(4)}"


@pytest.fixture
async def client(temporal_target: str) -> Client:
    """With encryption, as every process of trimtab."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return await connect(temporal_target, "default", key)


@pytest.fixture
async def plain_client(temporal_target: str) -> Client:
    return await connect(temporal_target, "default", None, allow_plain=True)
