"""The demo's reviewers: they sign in as people do and decide through the ordinary API."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from trimtab.auth.client import sign_in
from trimtab.demo.people import BROWSER_CLIENT
from trimtab.demo.seed import REDIRECT_URI
from trimtab.domain.errors import TrimtabError

REVIEWER = "olivia"
APPROVED, REJECTED = 5, 1
"""How many of the queue's first reviews are approved and then rejected; the next account is suspended."""

QUEUE = """
query DemoQueue($first: Int!) {
  reviewQueue(lane: REVIEW, first: $first) {
    edges { node {
      id accountId version proposalHash waitingReason
      account { id }
      filtering { filterKey reason }
      proposal { turnover tax benefitBps }
    } }
  }
}
"""
APPROVE = """
mutation DemoApprove($input: ApproveInput!) {
  approve(input: $input) { __typename ... on DecisionAccepted { furtherApprovals } ... on UserError { code message } }
}
"""
REJECT = """
mutation DemoReject($input: RejectInput!) {
  reject(input: $input) { __typename ... on UserError { code message } }
}
"""
SUSPEND = """
mutation DemoSuspend($input: SuspendAccountInput!) {
  suspendAccount(input: $input) { __typename ... on UserError { code message } }
}
"""


class ReviewFailed(TrimtabError):
    """The API answered a reviewer with an error."""

    code = "REVIEW_FAILED"


@dataclass(frozen=True, slots=True)
class _Desk:
    """A signed-in reviewer's connection."""

    http: httpx.AsyncClient
    url: str

    async def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.http.post(self.url, json={"query": document, "variables": dict(variables)})
        body = answer.json()
        if answer.status_code != httpx.codes.OK or body.get("errors"):
            raise ReviewFailed(f"the API answered {answer.status_code}: {body.get('errors', body)}")
        data: dict[str, Any] = body["data"]
        return data


async def decide_some_reviews(api_url: str, state_dir: Path, say: Callable[[str], None]) -> None:
    """Approve the first reviews of the queue, reject one, suspend one account; the rest is left to expire."""
    passwords: dict[str, str] = json.loads((state_dir / "demo-people.json").read_text(encoding="utf-8"))
    async with httpx.AsyncClient(timeout=30) as http:
        tokens = await sign_in(api_url, REVIEWER, passwords[REVIEWER], BROWSER_CLIENT, REDIRECT_URI, http=http)
        http.headers["Authorization"] = f"Bearer {tokens.access_token}"
        desk = _Desk(http, f"{api_url}/graphql")
        wanted = APPROVED + REJECTED + 1
        queue = await desk.ask(QUEUE, {"first": wanted})
        waiting = [edge["node"] for edge in queue["reviewQueue"]["edges"]]
        say(f"{REVIEWER} signs in and finds {len(waiting)} reviews to decide:")
        for place, node in enumerate(waiting):
            say(f"  {await _decide(desk, place, node)}")


async def _decide(desk: _Desk, place: int, node: Mapping[str, Any]) -> str:
    seen = {
        "accountDayId": node["id"],
        "proposalHash": node["proposalHash"],
        "version": node["version"],
        "idempotencyKey": f"demo-{node['accountId']}-{node['proposalHash'][:16]}",
    }
    why = (node["filtering"] or {}).get("reason") or node["waitingReason"] or ""
    if place < APPROVED:
        answer = (await desk.ask(APPROVE, {"input": seen}))["approve"]
        return f"{node['accountId']} approved: {_outcome(answer)} (in review: {why})"
    if place < APPROVED + REJECTED:
        reason = "The client asked to wait until next quarter."
        answer = (await desk.ask(REJECT, {"input": {**seen, "reason": reason}}))["reject"]
        return f"{node['accountId']} rejected: {_outcome(answer)} ({reason})"
    suspend = {
        "accountId": node["account"]["id"],
        "reason": "The advisor expects a large deposit this week.",
        "idempotencyKey": seen["idempotencyKey"],
    }
    answer = (await desk.ask(SUSPEND, {"input": suspend}))["suspendAccount"]
    return f"{node['accountId']} suspended: {_outcome(answer)} ({suspend['reason']})"


def _outcome(answer: Mapping[str, Any]) -> str:
    if "code" in answer:
        return f"refused, {answer['code']}: {answer['message']}"
    further = answer.get("furtherApprovals") or 0
    return f"accepted, {further} more approval needed" if further else "accepted"
