"""What the demo is asked for, and what it refuses before it starts anything."""

from pathlib import Path

import pytest

from trimtab.demo.errors import DataDirectoryUnusable, TooFewAccounts
from trimtab.demo.options import DemoOptions


def test_each_firm_that_can_be_asked_for_has_a_name_of_its_own():
    asked = (
        DemoOptions(),
        DemoOptions(accounts=30),
        DemoOptions(seed=7),
        DemoOptions(data=Path("prices")),
        DemoOptions(accounts=30, data=Path("prices")),
    )
    assert [options.firm_id for options in asked] == [
        "demo",
        "demo-30-20",
        "demo-200-7",
        "demo-real-200-20",
        "demo-real-30-20",
    ]


def test_how_the_day_is_shown_does_not_change_whose_day_it_is():
    assert DemoOptions(new_day=True, serve=True, hold_reviews=True, as_json=True).firm_id == "demo"


def test_twenty_accounts_are_the_fewest():
    DemoOptions(accounts=20).check()
    with pytest.raises(TooFewAccounts, match="at least 20 accounts, not 19"):
        DemoOptions(accounts=19).check()


def test_a_data_folder_that_is_missing_or_holds_something_else_is_refused(tmp_path):
    with pytest.raises(DataDirectoryUnusable, match="is no folder"):
        DemoOptions(data=tmp_path / "absent").check()
    (tmp_path / "prices").mkdir()
    with pytest.raises(DataDirectoryUnusable, match="has no constituents/"):
        DemoOptions(data=tmp_path).check()
    (tmp_path / "constituents").mkdir()
    DemoOptions(data=tmp_path).check()
