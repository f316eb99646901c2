"""What every implementation of `Grants` must do. Subclass it and give a fixture `grants`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from trimtab.auth.authorization_server import Grants, TakenGrant

LATER = datetime(2030, 1, 1, tzinfo=UTC)
PAYLOAD: dict[str, Any] = {"person_id": "ann", "scope": "openid", "nonce": None, "signed_in_at": 1_700_000_000}


class GrantsContract:
    @pytest.fixture(params=["code", "refresh"])
    def save(self, grants: Grants, request: pytest.FixtureRequest) -> Callable[..., None]:
        return grants.save_code if request.param == "code" else grants.save_refresh

    @pytest.fixture
    def take(self, grants: Grants, save: Callable[..., None]) -> Callable[[str, str], TakenGrant | None]:
        return grants.take_code if save == grants.save_code else grants.take_refresh

    def test_what_was_saved_is_taken_with_its_payload(self, save, take):
        save("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        taken = take("digest-1", "dashboard")
        assert (taken.family_id, dict(taken.payload), taken.expires_at) == ("family-1", PAYLOAD, LATER)
        assert (taken.first_use, taken.revoked) == (True, False)

    def test_only_the_first_use_is_the_first(self, save, take):
        save("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        assert [take("digest-1", "dashboard").first_use for _ in range(3)] == [True, False, False]

    def test_of_many_at_the_same_time_one_is_first(self, save, take):
        save("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        start, uses = threading.Barrier(8), []

        def use() -> None:
            start.wait()
            uses.append(take("digest-1", "dashboard").first_use)

        threads = [threading.Thread(target=use) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(uses) == [False] * 7 + [True]

    def test_another_client_neither_takes_it_nor_uses_it_up(self, save, take):
        save("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        assert take("digest-1", "other") is None
        assert take("digest-1", "dashboard").first_use

    def test_what_was_never_saved_is_not_there(self, take):
        assert take("digest-1", "dashboard") is None

    def test_codes_and_refresh_tokens_are_kept_apart(self, grants):
        grants.save_code("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        assert grants.take_refresh("digest-1", "dashboard") is None

    def test_revoking_a_family_ends_all_of_it_also_what_is_saved_later(self, grants):
        grants.save_refresh("digest-1", "dashboard", "family-1", PAYLOAD, LATER)
        grants.save_refresh("digest-2", "dashboard", "family-2", PAYLOAD, LATER)
        grants.revoke_family("family-1")
        grants.revoke_family("family-1")
        grants.save_refresh("digest-3", "dashboard", "family-1", PAYLOAD, LATER)
        taken = [grants.take_refresh(f"digest-{n}", "dashboard").revoked for n in (1, 2, 3)]
        assert taken == [True, False, True]
        assert grants.is_revoked("family-1")
        assert not grants.is_revoked("family-2")

    def test_a_family_without_any_row_can_be_revoked(self, grants):
        grants.revoke_family("of-a-machine-client")
        assert grants.is_revoked("of-a-machine-client")
