"""docs/feeds.md says what the readers do."""

import re
from pathlib import Path

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.suspensions import SuspensionCode
from trimtab.feeds.drop import MOST_BYTES
from trimtab.feeds.layouts import LAYOUTS, FeedKind, Layout
from trimtab.feeds.lines import LONGEST_LINE
from trimtab.feeds.reader import MOST_ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")


def row_of(layout: Layout) -> str:
    columns = [
        f"[{column.name}]" if column.omissible else column.name + ("" if column.required else "?")
        for column in layout.columns
    ]
    columns += ["*security*"] if layout.identified else []
    columns += ["*one column a factor*"] if layout.floats else []
    empty = "allowed" if layout.may_be_empty else "refused"
    return f"| {layout.kind} | {', '.join(columns)} | {layout.control or 'none'} | {empty} |"


def test_the_page_has_each_kind_with_its_columns():
    for kind in FeedKind:
        assert row_of(LAYOUTS[kind]) in PAGE


def test_the_page_names_every_code_that_refuses_a_file():
    code = Path(__file__).parents[2] / "trimtab"
    sources = [*(code / "feeds").rglob("*.py"), *(code / "activities").glob("deliver*.py")]
    raised = {
        found
        for path in sources
        for found in re.findall(r'FeedRefused\(\s*"([A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(raised) > 8
    assert {name for name in raised if name not in PAGE} == set()


def test_words_and_limits_on_the_page_are_those_of_the_code():
    assert all(word in PAGE for word in [*SuspensionCode, *RestrictionKind])
    assert (MOST_BYTES, MOST_ROWS, LONGEST_LINE) == (1 << 30, 5_000_000, 65_536)
