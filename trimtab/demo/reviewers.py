"""The demo's reviewers: they sign in as people do and decide through the ordinary API."""

import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import httpx

from trimtab.auth.client import sign_in
from trimtab.demo.people import BROWSER_CLIENT, secrets_file
from trimtab.demo.seed import REDIRECT_URI
from trimtab.domain.errors import TrimtabError

REVIEWER, SECOND_REVIEWER = "olivia", "oscar"
APPROVED, REJECTED, SUSPENDED = 5, 1, 1
"""How many of the day's first reviews are approved, how many after them rejected, and whose accounts suspended."""

REVIEWS = """
query DemoReviews($filter: AccountDayFilter!, $first: Int!) {
  accountDays(filter: $filter, first: $first) {
    edges { node {
      id accountId stage version proposalHash waitingReason
      account { id advisorId }
      filtering { filterKey reason }
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


class _Office:
    """Who is signed in: each person once, when they are first needed."""

    def __init__(self, api_url: str, passwords: Mapping[str, str], advisors: Mapping[str, str]) -> None:
        self._url = api_url
        self._passwords = passwords
        self._advisors = advisors
        self._desks: dict[str, _Desk] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def desk(self, username: str) -> _Desk:
        """Raises SignInFailed."""
        if username not in self._desks:
            http = await self._open.enter_async_context(httpx.AsyncClient(timeout=30))
            password = self._passwords[username]
            tokens = await sign_in(self._url, username, password, BROWSER_CLIENT, REDIRECT_URI, http=http)
            http.headers["Authorization"] = f"Bearer {tokens.access_token}"
            self._desks[username] = _Desk(http, f"{self._url}/graphql")
        return self._desks[username]

    async def approve(self, seen: Mapping[str, Any], advisor_id: str) -> str:
        """The first reviewer; above the firm's limit a second one too; without discretion the account's advisor."""
        answer = (await (await self.desk(REVIEWER)).ask(APPROVE, {"input": seen}))["approve"]
        if answer.get("furtherApprovals"):
            answer = (await (await self.desk(SECOND_REVIEWER)).ask(APPROVE, {"input": seen}))["approve"]
            return _said(f"approved, and by {SECOND_REVIEWER} too", answer)
        advisor = self._advisors.get(advisor_id)
        if answer.get("code") == "NOT_PERMITTED" and advisor is not None:
            consented = {**seen, "clientConsent": "The client agreed by telephone."}
            answer = (await (await self.desk(advisor)).ask(APPROVE, {"input": consented}))["approve"]
            return _said(f"approved by {advisor} with the client's consent", answer)
        return _said("approved", answer)


async def decide_some_reviews(
    api_url: str, state_dir: Path, business_date: date, advisors: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Approve the day's first reviews, reject one, suspend one account; the rest is left to expire.

    The places are counted among all of the day's reviews, decided or not, and each decision has a key of its own:
    repeated after an interruption it comes to the same. `advisors`: the username behind each advisor id.
    Raises ReviewFailed and SignInFailed.
    """
    passwords: dict[str, str] = json.loads(secrets_file(state_dir).read_text(encoding="utf-8"))
    async with _Office(api_url, passwords, advisors) as office:
        reviewer = await office.desk(REVIEWER)
        wanted = {"businessDate": business_date.isoformat(), "lane": "REVIEW"}
        reviews = await reviewer.ask(REVIEWS, {"filter": wanted, "first": APPROVED + REJECTED + SUSPENDED})
        waiting = [
            (place, edge["node"])
            for place, edge in enumerate(reviews["accountDays"]["edges"])
            if edge["node"]["stage"] == "REVIEW"
        ]
        say(f"{REVIEWER} signs in; {len(waiting)} of the reviews are decided:")
        for place, node in waiting:
            say(f"  {await _decide(office, place, node)}")


async def _decide(office: _Office, place: int, node: Mapping[str, Any]) -> str:
    account_id = node["accountId"]
    seen = {
        "accountDayId": node["id"],
        "proposalHash": node["proposalHash"],
        "version": node["version"],
        "idempotencyKey": f"demo-{account_id}-{node['proposalHash'][:16]}",
    }
    if place < APPROVED:
        why = (node["filtering"] or {}).get("reason") or node["waitingReason"] or ""
        return f"{account_id} {await office.approve(seen, node['account']['advisorId'])} (in review: {why})"
    reviewer = await office.desk(REVIEWER)
    if place < APPROVED + REJECTED:
        reason = "The client asked to wait until next quarter."
        answer = (await reviewer.ask(REJECT, {"input": {**seen, "reason": reason}}))["reject"]
        return f"{account_id} {_said('rejected', answer)} ({reason})"
    suspend = {
        "accountId": node["account"]["id"],
        "reason": "The advisor expects a large deposit this week.",
        "idempotencyKey": seen["idempotencyKey"],
    }
    answer = (await reviewer.ask(SUSPEND, {"input": suspend}))["suspendAccount"]
    return f"{account_id} {_said('suspended', answer)} ({suspend['reason']})"


def _said(done: str, answer: Mapping[str, Any]) -> str:
    return f"not {done}: {answer['message']} [{answer['code']}]" if "code" in answer else done
