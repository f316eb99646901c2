"""Documents and values of the model hub: a contract, and models under it."""

from __future__ import annotations

from typing import Any

from tests.graphql.api import CARL, WAREHOUSE, Api, a_person
from tests.graphql.firms import ON, Book
from tests.graphql.test_programme import DECIDE, PROPOSE
from trimtab.auth.matrix import Role
from trimtab.auth.principal import Principal

IRIS = a_person("iris", Role.POLICY_COMMITTEE)
IVAN = a_person("ivan", Role.POLICY_COMMITTEE)

UPLOAD = """mutation($input: UploadProviderModelInput!) { uploadProviderModel(input: $input) {
  __typename ... on ProviderModelReceived { uploadId status reasonCodes message changeId }
  ... on UserError { code message } } }"""
MODELS = """query($provider: String) { providerModels(providerId: $provider) {
  modelId version status reasonCodes weights { securityId weight } cashWeight turnover rotation sentBy } }"""

CONTRACT: dict[str, Any] = {
    "id": "ACME",
    "name": "Acme Models",
    "start": "2026-01-01",
    "end": "2026-12-31",
    "models": {"ACME-GROWTH": "standard", "ACME-INCOME": "standard"},
    "schedules": {"standard": {"tiers": [{"upto": "1000000", "rate_bps": "30"}, {"rate_bps": "20"}]}},
    "minimum": "100",
    "signed_by_firm": "Ivan Policy",
    "signed_by_provider": "A. Cme",
    "signed_on": "2025-12-15",
    "client_id": "acme-feed",
    "platforms": ["NORTH", "TRIMTAB", "SOUTH"],
    "platform": "TRIMTAB",
}
MODEL: dict[str, Any] = {
    "providerId": "ACME",
    "modelId": "ACME-GROWTH",
    "version": 1,
    "asOf": "2026-02-27",
    "effectiveAt": "2026-02-27T16:30:00-05:00",
    "weightsKind": "TARGET",
    "weights": [{"security": "VTI", "weight": "0.78"}, {"security": "BND", "weight": "0.20"}],
    "cashWeight": "0.02",
    "expectedTurnover": "0.05",
}


def a_client(client_id: str) -> Principal:
    """A provider's machine client."""
    from dataclasses import replace

    return replace(WAREHOUSE, client_id=client_id, scopes=frozenset({"feeds:write", "models:read"}))


async def propose_contract(api: Api, who: Principal = IVAN, **changes: Any) -> Any:
    contract = {**CONTRACT, **changes}
    values = {"part": "CONTRACT", "key": contract["id"], "value": contract, "effectiveFrom": ON.isoformat()}
    return await api.do(who, PROPOSE, **values, reason="agreed with the provider")


async def decide(api: Api, who: Principal, change_id: str, *, approve: bool = True) -> Any:
    return await api.do(who, DECIDE, changeId=change_id, approve=approve, reason="looked at")


async def contracted(api: Api, book: Book, **changes: Any) -> None:
    """A contract in force since January, and the security master with VTI and BND."""
    if not changes:
        book.add_securities()
    proposed = await propose_contract(api, **changes)
    decided = await decide(api, CARL, proposed["changeId"])
    assert decided == {"__typename": "ProgrammeChangeDecided", "status": "APPROVED"}, decided


async def upload(api: Api, who: Principal | None = None, **changes: Any) -> Any:
    return await api.do(who or a_client("acme-feed"), UPLOAD, **{**MODEL, **changes})


async def published(api: Api, **changes: Any) -> str:
    """A model that was sent and approved; its change's id."""
    sent = await upload(api, **changes)
    assert sent["status"] == "ACCEPTED", sent
    assert (await decide(api, IRIS, sent["changeId"]))["status"] == "APPROVED"
    return str(sent["changeId"])
