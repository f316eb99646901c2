"""Files of other forms that are broken: refused by the catalogue's codes, or their rows kept aside."""

import io
from datetime import date
from decimal import Decimal

import pytest

from tests.feeds import forms
from trimtab.feeds.content import Ask
from trimtab.feeds.custodian_layouts import LayoutInvalid, read_layout
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.reading import FORMS
from trimtab.feeds.sources import Form

DAY, AS_OF = date(2026, 11, 20), date(2026, 11, 19)
POSITIONS = [
    {"account_id": "A1", "symbol": "AAPL", "cusip": "037833100", "isin": "", "quantity": "5", "market_value": "1234.5"},
    {"account_id": "A1", "symbol": "MMM", "cusip": "88579Y101", "isin": "", "quantity": "4", "market_value": "376.08"},
]
CASH = [{"account_id": "A1", "settled": "9.25", "unsettled": "0"}]
LOT = {"account_id": "A1", "cusip": "037833100", "lot_id": "L1", "quantity": "1.5", "acquired_on": "2019-03-01"}
LOTS = [{**LOT, "cost": "43.74", "covered": "true"}, {**LOT, "lot_id": "L2", "cost": "50", "covered": "false"}]
SPLIT = {"event_id": "E1", "kind": "SPLF", "ex_on": "2026-11-20", "new_shares": "3", "old_shares": "2"}
APPLE = "US0378331005"

SCHWAB = forms.schwab_positions(POSITIONS, AS_OF)
FIXED = forms.fixed_lots(LOTS, AS_OF)
SEMT = forms.semt002("A1", POSITIONS, AS_OF)
OFX = forms.ofx(POSITIONS, CASH, [], AS_OF)
FLEX = forms.flex(POSITIONS, [], CASH, [], AS_OF)
SEEV = forms.seev031(SPLIT, APPLE)
MT564 = forms.mt564(SPLIT, APPLE)


def reader_of(text: str | bytes, form: Form, kind: FeedKind, layout: str | None = None, **constants: str) -> FeedReader:
    data = text.encode() if isinstance(text, str) else text
    ask = Ask(kind, "f1", DAY, AS_OF, "S", {"U1": "A1"}, constants, layout)
    return FeedReader(io.BytesIO(data), kind, "f1", DAY, FORMS[form], ask, seeks=form is Form.PARQUET)


def rows_of(reader: FeedReader) -> list[tuple[object, ...]]:
    return [row for batch in reader.batches() for row in batch]


SOUND = {
    "schwab": (SCHWAB, Form.LAYOUT, FeedKind.POSITIONS, "schwab-positions"),
    "fixed": (FIXED, Form.LAYOUT, FeedKind.LOTS, "fixed-width-lots"),
    "semt": (SEMT, Form.SEMT002, FeedKind.POSITIONS, None),
    "ofx": (OFX, Form.OFX, FeedKind.POSITIONS, None),
    "flex": (FLEX, Form.FLEX, FeedKind.POSITIONS, None),
    "seev": (SEEV, Form.SEEV031, FeedKind.CORPORATE_ACTIONS, None),
    "mt564": (MT564, Form.MT564, FeedKind.CORPORATE_ACTIONS, None),
}


@pytest.mark.parametrize("case", ["schwab", "semt", "ofx", "flex"])
def test_positions_of_every_form_are_the_same_two(case):
    text, form, kind, layout = SOUND[case]
    reader = reader_of(text, form, kind, layout)
    assert [row[1:4] for row in rows_of(reader)] == [
        ("A1", Decimal(5), Decimal("1234.50")),
        ("A1", Decimal(4), Decimal("376.08")),
    ]
    assert (reader.header.as_of, reader.rows, reader.control_total) == (AS_OF, 2, Decimal(9))
    assert reader.quarantined == []


def test_fixed_width_digits_get_their_point_and_words_their_meaning():
    rows = rows_of(reader_of(*SOUND["fixed"]))
    assert [row[:7] for row in rows] == [
        (2, "A1", "L1", Decimal("1.5"), date(2019, 3, 1), None, Decimal("43.74")),
        (3, "A1", "L2", Decimal("1.5"), date(2019, 3, 1), None, Decimal(50)),
    ]
    assert [(row[9], *row[-2:]) for row in rows] == [(True, "cusip", "037833100"), (False, "cusip", "037833100")]


@pytest.mark.parametrize("case", ["seev", "mt564"])
def test_three_for_two_is_three_new_shares_for_two_old_ones(case):
    row = rows_of(reader_of(*SOUND[case]))[0]
    assert row[1:7] == ("E1", 1, "SPLF", date(2026, 11, 20), Decimal(3), Decimal(2))


def test_additional_for_existing_counts_the_old_shares_too():
    """One additional for two is three for two: reading it as one for two halves a client's shares."""
    row = rows_of(reader_of(forms.seev031(SPLIT, APPLE, additional=True), Form.SEEV031, FeedKind.CORPORATE_ACTIONS))[0]
    assert row[5:7] == (Decimal(3), Decimal(2))


CUT = {
    "schwab": SCHWAB[: SCHWAB.index('"Account Total"')],
    "fixed": FIXED[: FIXED.rindex("T0")],
    "semt": SEMT[:-40],
    "ofx": OFX[:-40],
    "flex": FLEX[:-40],
    "seev": SEEV[:-40],
    "mt564": MT564[:-40],
}


@pytest.mark.parametrize("case", CUT)
def test_a_file_that_is_cut_is_refused(case):
    """Case 43."""
    _, form, kind, layout = SOUND[case]
    assert refused(CUT[case], form, kind, layout) == "FEED_TRUNCATED"


BAD = {
    "no bytes": ("", "flex", "FEED_EMPTY"),
    "another message": (SEEV, "semt", "FEED_SCHEMA"),
    "a message of another kind": (MT564.replace("{2:O564", "{2:O566"), "mt564", "FEED_SCHEMA"),
    "a document type": (SEMT.replace("<Document", "<!DOCTYPE d><Document", 1), "semt", "FEED_XML"),
    "an entity": (SEEV.replace("<Document", '<!DOCTYPE d [<!ENTITY a "b">]><Document', 1), "seev", "FEED_XML"),
    "a document type in OFX": (OFX.replace("<OFX>", "<!DOCTYPE o><OFX>"), "ofx", "FEED_XML"),
    "not the last page": (SEMT.replace("<LastPgInd>true", "<LastPgInd>false"), "semt", "FEED_TRUNCATED"),
    "changes only": (SEMT.replace("<Cd>COMP", "<Cd>DELT"), "semt", "FEED_SCHEMA"),
    "something after the end": (OFX + "<OFX></OFX>", "ofx", "FEED_TRAILING"),
    "something after the document": (FLEX + "<more/>", "flex", "FEED_TRAILING"),
    "something after the trailer": (FIXED + "D\n", "fixed", "FEED_TRAILING"),
    "a trailer that miscounts": (FIXED.replace("T000000002", "T000000003"), "fixed", "FEED_TRUNCATED"),
    "a trailer with another total": (FIXED.replace("T000000002000", "T000000002100"), "fixed", "FEED_TOTAL"),
    "an end that has no beginning": (OFX.replace("</INVPOSLIST>", "</INVBAD>"), "ofx", "FEED_SCHEMA"),
    "text between tags": (OFX.replace("</INVPOSLIST>", "</INVPOS>", 1), "ofx", "FEED_SCHEMA"),
    "a column renamed": (SCHWAB.replace('"Quantity"', '"Qty"'), "schwab", "FEED_SCHEMA"),
    "another title": (SCHWAB.replace("Positions for", "Balances for"), "schwab", "FEED_SCHEMA"),
    "yesterday's": (SEMT.replace("2026-11-19", "2026-11-20"), "semt", "FEED_STALE_DATE"),
    "no Parquet": ("PAR1 and then nothing", "parquet", "FEED_TRUNCATED"),
    "Latin-1": (MT564.replace("SOME", "SÖME").encode("latin-1"), "mt564", "FEED_ENCODING"),
    "nested too deeply": ("<a>" * 70 + "</a>" * 70, "flex", "FEED_SIZE"),
}  # fmt: skip


def refused(text: str | bytes, form: Form, kind: FeedKind, layout: str | None) -> str:
    with pytest.raises(FeedRefused) as refusal:
        rows_of(reader_of(text, form, kind, layout))
    return refusal.value.code


@pytest.mark.parametrize("case", BAD)
def test_a_broken_file_is_refused(case):
    text, sound, code = BAD[case]
    _, form, kind, layout = SOUND.get(sound, ("", Form.PARQUET, FeedKind.PRICES, None))
    assert refused(text, form, kind, layout) == code


KEPT_ASIDE = {
    "a quantity in words": (SCHWAB.replace('"5"', '"--"'), "schwab", "quantity", "--"),
    "a European number": (SCHWAB.replace("$1,234.5", "$1.234,5"), "schwab", "market_value", "$1.234,5"),
    "letters in fixed width": (FIXED.replace("2019030100", "20190X0100", 1), "fixed", "acquired_on", "20190X01"),
    "no units": (SEMT.replace("<Unit>5</Unit>", ""), "semt", "quantity", ""),
    "a bad check digit": (SEMT.replace("037833100", "037833109"), "semt", "cusip", "037833109"),
    "no value": (OFX.replace("<MKTVAL>1234.5", ""), "ofx", "market_value", ""),
    "no kind that is known": (SEEV.replace("SPLF", "XXXX"), "seev", "kind", "XXXX"),
}


@pytest.mark.parametrize("case", KEPT_ASIDE)
def test_a_row_that_cannot_be_read_is_kept_aside_with_its_value(case):
    text, sound, name, value = KEPT_ASIDE[case]
    _, form, kind, layout = SOUND[sound]
    reader = reader_of(text, form, kind, layout)
    assert len(rows_of(reader)) == reader.rows - 1
    (fault,) = reader.quarantined
    assert (fault.field, fault.value) == (name, value)


def test_account_numbers_and_constants_are_the_sources_configuration():
    text = forms.flex([], [{**LOTS[0], "account_id": "U1", "symbol": "", "isin": "", "holding_start": ""}],
                      [{**CASH[0], "account_id": "U1"}], [], AS_OF)  # fmt: skip
    (row,) = rows_of(reader_of(text, Form.FLEX, FeedKind.LOTS, covered="true"))
    assert (row[1], row[9]) == ("A1", True)
    assert refused(text, Form.FLEX, FeedKind.LOTS, None) == "FEED_SCHEMA"  # Flex knows no covered flag


def test_a_constant_of_another_kind_of_the_source_is_no_unknown_column():
    reader = reader_of(FLEX, Form.FLEX, FeedKind.POSITIONS, covered="true")
    assert (len(rows_of(reader)), reader.notes) == (2, [])


def test_trimtabs_own_form_may_have_the_sources_account_numbers_too():
    text = "#TRIMTAB,cash,f1,2026-11-20,2026-11-19,BANK\naccount_id,settled,unsettled\nU1,1,\n#TRAILER,1,1\n"
    reader = reader_of(text, Form.TRIMTAB, FeedKind.CASH, unsettled="7.50")
    (row,) = (row for batch in reader.copy_batches() for row in batch)
    assert row[1:4] == ("A1", Decimal(1), Decimal("7.50"))


def test_a_notification_that_replaces_another_has_a_higher_version_and_a_withdrawal_reverses():
    replaced = MT564.replace(":23G:NEWM", ":23G:REPL")
    assert rows_of(reader_of(replaced, Form.MT564, FeedKind.CORPORATE_ACTIONS))[0][2] == 261120
    withdrawn = reader_of(MT564.replace(":23G:NEWM", ":23G:CANC"), Form.MT564, FeedKind.CORPORATE_ACTIONS)
    rows = rows_of(withdrawn)
    assert "REVERSED" in [*(row[8] for row in rows), *(fault.value for fault in withdrawn.quarantined)]


TRANSACTIONS = """"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"05/01/2024","Sell","MMM","3M CO","40","$96.00","$0.01","$3,839.99"
"03/15/2024 as of 03/14/2024","Qualified Dividend","MMM","3M CO","","","","$60.40"
"02/01/2024","MoneyLink Transfer","","Tfr BANK","","","","-$5,000.00"
"""


def test_transactions_are_of_the_account_in_the_files_name_and_cash_is_of_no_security():
    ask = Ask(FeedKind.TRANSACTIONS, "f1", DAY, AS_OF, layout="schwab-transactions", file="tx-20261120-A1.csv")
    stream = io.BytesIO(TRANSACTIONS.encode())
    rows = rows_of(FeedReader(stream, FeedKind.TRANSACTIONS, "f1", DAY, FORMS[Form.LAYOUT], ask))
    assert [(row[1], row[2], row[3], row[7], row[8:]) for row in rows] == [
        ("A1", date(2024, 5, 1), "SELL", Decimal("3839.99"), ("symbol", "MMM")),
        ("A1", date(2024, 3, 14), "DIVIDEND", Decimal("60.40"), ("symbol", "MMM")),
        ("A1", date(2024, 2, 1), "CASH_TRANSFER", Decimal(-5000), ("", None)),
    ]


WRONG_LAYOUTS = {
    "a column that the kind has not": "columns: {shares: {from: Shares}}",
    "two origins": "columns: {quantity: {from: Quantity, value: '1'}}",
    "no regular expression": "columns: {quantity: {from: Quantity}}\ntitle: {pattern: '('}",
    "a misspelt setting": "columns: {quantity: {from: Quantity}}\nskip: 1",
    "no YAML": "columns: {",
}


@pytest.mark.parametrize("case", WRONG_LAYOUTS)
def test_a_layout_that_cannot_be_meant_is_refused(case):
    with pytest.raises(LayoutInvalid):
        read_layout(f"name: x\nkind: positions\nshape: delimited\n{WRONG_LAYOUTS[case]}", "x")
