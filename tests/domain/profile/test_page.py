"""docs/settings.md is what the registry says."""

from pathlib import Path

from trimtab.profile_page import page

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_of_settings_is_up_to_date():
    """To renew it: python -m trimtab.profile_page > docs/settings.md"""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page()
