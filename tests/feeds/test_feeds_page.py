"""docs/feeds.md says what the readers do."""

import io
import itertools
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.suspensions import SuspensionCode
from trimtab.feeds.custodian_layouts import read_layout, shipped_layout
from trimtab.feeds.drop import MOST_BYTES
from trimtab.feeds.layouts import LAYOUTS, FeedKind, Layout
from trimtab.feeds.lines import LONGEST_LINE
from trimtab.feeds.reader import MOST_ROWS, FeedReader
from trimtab.feeds.reading import FORMS
from trimtab.feeds.sources import Form, load_sources

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


def block(beginning: str) -> str:
    """The indented example of the page that begins so."""
    lines = PAGE.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("    " + beginning))
    taken = itertools.takewhile(lambda line: line.startswith("    ") or not line, lines[first:])
    return "\n".join(line[4:] for line in taken)


def read_example(text: str, form: Form, kind: FeedKind) -> list[tuple[object, ...]]:
    reader = FeedReader(io.BytesIO(text.encode()), kind, "f1", date(2026, 11, 20), FORMS[form])
    rows = [row[1:] for batch in reader.batches() for row in batch]
    assert reader.quarantined == []
    return rows


def test_the_examples_of_the_page_are_read_as_it_says(tmp_path):
    assert read_example(block("#TRIMTAB").replace("<kind>,<firm id>,<business date>,<as-of date>,<source>",
        "cash,f1,2026-11-20,2026-11-19,BANK").replace("<number of rows>,<control total>", "1,14320.07"),
        Form.TRIMTAB, FeedKind.CASH)[0][:3] == ("A00001", Decimal("14320.07"), Decimal(0))  # fmt: skip
    semt = read_example(block("<Document"), Form.SEMT002, FeedKind.POSITIONS)
    assert [(*row[:3], *row[-2:]) for row in semt] == [
        ("A00001", Decimal(400), Decimal("37608.00"), "cusip", "88579Y101")
    ]
    ofx = block("<OFX>")
    assert read_example(ofx, Form.OFX, FeedKind.POSITIONS)[0][1:3] == (Decimal(5), Decimal("877.50"))
    assert read_example(ofx, Form.OFX, FeedKind.CASH)[0][:3] == ("A00001", Decimal("14320.07"), Decimal(0))
    sale = read_example(ofx, Form.OFX, FeedKind.SALES)[0]
    assert sale[1:5] == (date(2026, 11, 10), Decimal(5), Decimal("900.00"), Decimal("1000.00"))


def test_the_pages_source_and_layout_are_valid(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(block("demo:"))
    source = load_sources(path).of("demo").of(FeedKind.LOTS)
    assert source.sftp is not None
    layout = read_layout(block("name: our-custodian-lots").replace("file_name: {pattern: '...'}", ""), "page")
    shipped = shipped_layout("fixed-width-lots")
    assert (layout.columns, layout.trailer, layout.details) == (shipped.columns, shipped.trailer, shipped.details)


def test_every_form_and_shipped_layout_is_on_the_page():
    shipped = {path.stem for path in (Path(__file__).parents[2] / "trimtab" / "feeds" / "custodians").glob("*.yaml")}
    assert len(shipped) == 5
    assert {name for name in [*Form, *shipped] if f"`{name}`" not in PAGE and name not in PAGE} == set()
