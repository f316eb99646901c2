"""A lane policy on trial decides for a share of the accounts, the same ones every night."""

from trimtab.domain.lane_canary import Canary
from trimtab.domain.lane_policy import DEFAULT_POLICY


def test_a_tenth_of_ten_thousand_accounts_is_about_a_thousand_and_a_larger_share_keeps_them():
    """The number chosen has a standard deviation of sqrt(10,000 x 0.1 x 0.9) = 30; four of them are allowed."""
    names = [f"A{number:05d}" for number in range(10_000)]
    tenth, third = (
        {name for name in names if Canary("change-1", percent, DEFAULT_POLICY).chooses(name)} for percent in (10, 30)
    )

    assert abs(len(tenth) - 1_000) <= 120
    assert tenth < third
    assert tenth != {name for name in names if Canary("change-2", 10, DEFAULT_POLICY).chooses(name)}
