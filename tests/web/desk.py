"""Somebody at the API beside the browser: what a test needs to have happened, and what the database then says."""

from __future__ import annotations

import asyncio
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.e2e.demo_process import Demo
from tests.e2e.test_people import is_one_persons, seen_of
from tests.graphql.documents import APPROVE, QUEUE, REJECT
from trimtab.auth.client import sign_in
from trimtab.demo.people import BROWSER_CLIENT, secrets_file
from trimtab.demo.seed import REDIRECT_URI


class Desk:
    """Signed in through the ordinary door; Playwright holds this thread's event loop, so it is done in another."""

    def __init__(self, running: Demo, username: str) -> None:
        self._url = running.url("api")
        password = json.loads(secrets_file(running.state_dir).read_text())[username]
        signing_in = sign_in(self._url, username, password, BROWSER_CLIENT, REDIRECT_URI)
        with ThreadPoolExecutor(1) as elsewhere:
            self._token = elsewhere.submit(asyncio.run, signing_in).result().access_token

    def ask(self, document: str, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        body = {"query": document, "variables": variables}
        answer = httpx.post(f"{self._url}/graphql", json=body, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def do(self, document: str, **values: Any) -> Any:
        data = self.ask(document, input={"idempotencyKey": secrets.token_hex(8), **values})
        return next(iter(data.values()))

    def reviews(self) -> list[dict[str, Any]]:
        """What one person may decide alone, last accounts first: the tests of the desk take the first."""
        edges = self.ask(QUEUE, first=50)["reviewQueue"]["edges"]
        return [edge["node"] for edge in reversed(edges) if is_one_persons(edge["node"])]

    def approve(self, node: dict[str, Any]) -> None:
        assert self.do(APPROVE, **seen_of(node))["__typename"] == "DecisionAccepted"

    def reject(self, node: dict[str, Any], reason: str) -> None:
        assert self.do(REJECT, **seen_of(node), reason=reason)["__typename"] == "DecisionAccepted"
