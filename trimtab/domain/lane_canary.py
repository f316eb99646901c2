"""A lane policy on trial: it decides for a share of the accounts, until it is promoted or withdrawn (N6)."""

from dataclasses import dataclass

from trimtab.domain.lane_policy import PolicyDocument
from trimtab.domain.records import content_hash

_PLACES = 10_000
"""Accounts are spread over so many places, a hundred for each percent."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The policy on trial, and for whom. Who is chosen hangs on change and account alone.

    So the same accounts are chosen every night, and a larger share keeps those of a smaller one.
    """

    change_id: str
    percent: int  # 1 to 99
    document: PolicyDocument

    def chooses(self, account_id: str) -> bool:
        """Whether the policy on trial decides for the account."""
        place = int(content_hash([self.change_id, account_id])[:8], 16) % _PLACES
        return place < self.percent * _PLACES // 100

    @property
    def sentence(self) -> str:
        return f"Decided by the lane policy on trial for {self.percent} % of the accounts (change {self.change_id})."
