"""What custodians' own forms mean: whose shares, of what, how many, and in which currency."""

import io
from decimal import Decimal
from pathlib import Path

import pytest

from tests.feeds import forms
from tests.feeds.test_forms import APPLE, AS_OF, DAY, MT564, OFX, SEMT, reader_of, rows_of
from trimtab.feeds.content import Ask
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import LAYOUTS, FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.reading import FORMS
from trimtab.feeds.sources import Form

ACTIONS = FeedKind.CORPORATE_ACTIONS
MMM, SOLV = "MMM(US88579Y1010)", "(SOLV, SOLVENTUM CORP, 83444M101)"


def in_flex(body: str) -> str:
    statement = f'<FlexStatement accountId="U1" toDate="{AS_OF:%Y%m%d}">{body}</FlexStatement>'
    return f"<FlexQueryResponse><FlexStatements>{statement}</FlexStatements></FlexQueryResponse>"


def booked(type_: str, description: str, symbol: str = "", **attributes: str) -> str:
    return forms._entry(
        "CorporateAction",
        type=type_,
        description=description,
        symbol=symbol,
        **{"reportDate": "20261120", "dateTime": "20261119;202500", "accountId": "U1", "code": "", **attributes},
    )


def actions_of(*entries: str) -> list[dict[str, object]]:
    text = in_flex(f"<CorporateActions>{''.join(entries)}</CorporateActions>")
    names = ("line", *LAYOUTS[ACTIONS].names)
    return [dict(zip(names, row, strict=True)) for row in rows_of(reader_of(text, Form.FLEX, ACTIONS))]


def test_a_stock_dividend_of_one_for_eleven_leaves_twelve_shares_for_eleven():
    """12,000 shares got 1,090.909091: read as one new share for eleven old ones, 12,000 would become 1,090.909091."""
    (row,) = actions_of(booked("SD", "MFCAF(P64605101) STOCK DIVIDEND 1 FOR 11 (MFCAF, MASS FINANCIAL, P64605101)"))
    assert (row["kind"], row["new_shares"], row["old_shares"]) == ("DVSE", Decimal(12), Decimal(11))
    assert (row["security_key"], row["new_cusip"]) == ("P64605101", None)


def test_a_spin_off_is_of_the_parent_though_the_entry_is_of_the_child():
    (row,) = actions_of(booked("SO", f"{MMM} SPINOFF 1 FOR 4 {SOLV}", "SOLV"))
    assert (row["scheme"], row["security_key"]) == ("isin", "US88579Y1010")
    assert (row["new_cusip"], row["new_symbol"]) == ("83444M101", "SOLV")
    assert (row["new_shares"], row["old_shares"]) == (Decimal(1), Decimal(4))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_reverse_split_with_a_new_cusip_is_one_event_of_the_old_security(order):
    """Every holder has an entry of the old shares and one of the new, in either order."""
    entries = [
        booked("RS", f"VXX(US06740C2614) SPLIT 1 FOR 4 ({symbol}, IPATH, {cusip})", symbol, quantity=quantity)
        for symbol, cusip, quantity in (("VXX.OLD", "06740C261", "-400"), ("VXX", "06740C188", "100"))
    ]
    (row,) = actions_of(*(entries[at] for at in order), *entries)
    assert (row["kind"], row["security_key"]) == ("SPLR", "US06740C2614")
    assert (row["new_cusip"], row["new_symbol"]) == ("06740C188", "VXX")
    assert (row["new_shares"], row["old_shares"]) == (Decimal(1), Decimal(4))


def test_a_booking_that_is_taken_back_days_later_reverses_the_event_it_was_of():
    split = f"AAPL({APPLE}) SPLIT 4 FOR 1 (AAPL, APPLE INC, 037833100)"
    taken_back = booked("FS", split, "AAPL", code="Ca", reportDate="20261129")
    (before,), (after,) = actions_of(booked("FS", split, "AAPL")), actions_of(taken_back)
    assert (before["event_id"], before["version"], before["status"]) == (after["event_id"], 1, "CONFIRMED")
    assert (after["version"], after["status"]) == (261120, "REVERSED")


def test_what_is_booked_in_place_of_what_was_taken_back_is_a_new_version():
    merger = "ELAN(US28413U2042) MERGED(Acquisition)  WITH US284130001 1 FOR 100 (ELAN, ELANDIA, 28413U204)"
    (row,) = actions_of(booked("TC", merger, "ELAN", code="P;Ca"), booked("TC", merger, "ELAN"))
    assert (row["version"], row["status"], row["old_shares"]) == (261120, "CONFIRMED", Decimal(100))


def test_a_price_per_share_is_read_and_one_in_euros_is_kept_aside():
    (row,) = actions_of(booked("TC", "CNVR(US2119191052) MERGED(Liquidation)  FOR USD 0.047 PER SHARE", "CNVR"))
    assert row["cash_per_share"] == Decimal("0.047")
    assert actions_of(booked("TC", "CNVR(US2119191052) MERGED(Liquidation)  FOR EUR 0.047 PER SHARE", "CNVR")) == []


def test_a_dividend_in_euros_is_not_read_as_dollars():
    text = MT564.replace("SPLF", "DVCA").replace(":92D::NEWO//3,/2,", ":92F::GRSS//EUR0,24")
    reader = reader_of(text, Form.MT564, ACTIONS)
    assert rows_of(reader) == []
    (fault,) = reader.quarantined
    assert (fault.field, fault.value, fault.security_key) == ("cash_per_share", "0.24 EUR", APPLE)
    (row,) = rows_of(reader_of(text.replace("EUR0,24", "USD0,24"), Form.MT564, ACTIONS))
    assert row[7] == Decimal("0.24")


def test_an_isin_beside_the_cusip_is_the_same_security_and_no_new_one():
    text = MT564.replace("SOME NAME\n:16S:USECU", "/US/037833100\nSOME NAME\n:16S:USECU")
    (row,) = rows_of(reader_of(text, Form.MT564, ACTIONS))
    assert row[9:12] == (None, None, None)


# --- currencies -----------------------------------------------------------------------------------------------------

EUROS = {
    "basis": (
        FeedKind.LOTS,
        '<OpenPosition accountId="U1" currency="EUR" levelOfDetail="LOT" isin="US0378331005" position="10"'
        ' openDateTime="20250102" costBasisMoney="900" originatingTransactionID="5"/>',
        ("cost", "900 EUR", "ROW_UNREADABLE"),
    ),
    "value": (
        FeedKind.POSITIONS,
        '<OpenPosition accountId="U1" currency="EUR" isin="US0378331005" position="10" positionValue="950"/>',
        ("market_value", "950 EUR", "ROW_UNREADABLE"),
    ),
    "proceeds": (
        FeedKind.SALES,
        '<Trades/><Lot accountId="U1" currency="EUR" levelOfDetail="CLOSED_LOT" isin="US0378331005" quantity="1"'
        ' tradeDate="20261110" cost="90" fifoPnlRealized="-5"/>',
        ("proceeds", "85 EUR", "ROW_UNREADABLE"),
    ),
    "loan": (
        FeedKind.CASH,
        '<CashReportCurrency accountId="U1" currency="EUR" endingCash="-5000" endingSettledCash="-5000"/>',
        ("currency", "EUR", "FX_MISSING"),
    ),
}


@pytest.mark.parametrize("case", EUROS)
def test_euros_in_a_flex_statement_are_not_dollars(case):
    kind, body, fault = EUROS[case]
    reader = reader_of(in_flex(body), Form.FLEX, kind, covered="true")
    assert rows_of(reader) == []
    assert [(each.field, each.value, each.code, each.owner) for each in reader.quarantined] == [(*fault, "A1")]
    assert len(rows_of(reader_of(in_flex(body.replace("EUR", "USD")), Form.FLEX, kind, covered="true"))) == 1


def test_the_line_that_adds_up_all_currencies_is_no_balance():
    lines = "".join(
        f'<CashReportCurrency accountId="U1" currency="{currency}" endingCash="{amount}" endingSettledCash="{amount}"/>'
        for currency, amount in (("BASE_SUMMARY", "7"), ("USD", "7"), ("EUR", "0"))
    )
    (row,) = rows_of(reader_of(in_flex(lines), Form.FLEX, FeedKind.CASH))
    assert row[1:4] == ("A1", Decimal(7), Decimal(0))


def test_an_ofx_statement_in_canadian_dollars_suspends_its_account():
    reader = reader_of(OFX.replace("<CURDEF>USD", "<CURDEF>CAD"), Form.OFX, FeedKind.CASH)
    assert rows_of(reader) == []
    assert [(each.owner, each.code) for each in reader.quarantined] == [("A1", "FX_MISSING")]
    held = reader_of(OFX.replace("<UNITS>5", "<UNITS>5<CURRENCY><CURRATE>1.4<CURSYM>CAD</CURRENCY>"), Form.OFX,
                     FeedKind.POSITIONS)  # fmt: skip
    assert (len(rows_of(held)), [each.value for each in held.quarantined]) == (1, ["1234.5 CAD"])


def test_a_holding_value_in_euros_is_kept_aside():
    reader = reader_of(SEMT.replace('Ccy="USD">1234.5', 'Ccy="EUR">1234.5'), Form.SEMT002, FeedKind.POSITIONS)
    assert (len(rows_of(reader)), [each.value for each in reader.quarantined]) == (1, ["1234.5 EUR"])


# --- whole files ----------------------------------------------------------------------------------------------------


def test_a_second_statement_in_one_document_is_not_booked_on_the_first_ones_account():
    body = SEMT[SEMT.index("<SctiesBalCtdyRpt") : SEMT.index("</Document>")]
    two = SEMT.replace("</Document>", body.replace("<Id>A1<", "<Id>A2<") + "</Document>")
    with pytest.raises(FeedRefused) as refusal:
        rows_of(reader_of(two, Form.SEMT002, FeedKind.POSITIONS))
    assert refusal.value.code == "FEED_SCHEMA"


@pytest.mark.parametrize(("kind", "section"), [(FeedKind.SALES, "Trades"), (ACTIONS, "CorporateActions")])
def test_a_flex_query_without_the_section_is_no_day_without_news(kind, section):
    with pytest.raises(FeedRefused) as refusal:
        rows_of(reader_of(in_flex("<CashReport/>"), Form.FLEX, kind))
    assert (refusal.value.code, section in str(refusal.value)) == ("FEED_SCHEMA", True)
    assert rows_of(reader_of(in_flex(f"<{section}/>"), Form.FLEX, kind)) == []


SINCE = {
    "flex": (in_flex("<Trades/>").replace("toDate", 'fromDate="{}" toDate'), Form.FLEX),
    "ofx": (OFX.replace("<INVTRANLIST>", "<INVTRANLIST><DTSTART>{}120000<DTEND>20261119"), Form.OFX),
}


@pytest.mark.covers("D12")
@pytest.mark.parametrize("case", SINCE)
def test_sales_of_one_day_are_refused_for_wash_sale_windows_reach_back_thirty(case):
    """On 20 November a loss of 21 October still bars buying back: a statement from the 22nd on does not show it."""
    text, form = SINCE[case]
    assert rows_of(reader_of(text.format("20261021"), form, FeedKind.SALES)) == []
    with pytest.raises(FeedRefused) as refusal:
        rows_of(reader_of(text.format("20261022"), form, FeedKind.SALES))
    assert (refusal.value.code, "reach back to 2026-10-21" in str(refusal.value)) == ("FEED_SCHEMA", True)
    if form is Form.OFX:
        assert len(rows_of(reader_of(text.format("20261119"), form, FeedKind.POSITIONS))) == 2


def test_a_day_with_its_time_is_that_day():
    text = MT564.replace(":98A::XDTE//20261120", ":98C::XDTE//20261120093000")
    assert rows_of(reader_of(text, Form.MT564, ACTIONS)) == rows_of(reader_of(MT564, Form.MT564, ACTIONS))


def test_another_namespace_prefix_changes_nothing():
    prefixed = SEMT.replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?").replace("xmlns=", "xmlns:n=")
    assert [row[2] for row in rows_of(reader_of(prefixed, Form.SEMT002, FeedKind.POSITIONS))] == [5, 4]


COST_AT_THE_END = """name: x
kind: lots
shape: fixed
columns:
  account_id: {from: 1-5}
  lot_id: {from: 6-10}
  symbol: {from: 11-15}
  acquired_on: {from: 16-23, date: "%Y%m%d"}
  quantity: {from: 24-33, number: implied, places: 2}
  cost: {from: 34-43, number: implied, places: 2}
  covered: {value: "true"}
"""


def test_a_cost_that_is_cut_at_the_lines_end_is_not_a_smaller_cost(tmp_path: Path):
    """0000150000 is 1,500.00; cut by three digits it read as 1.50."""
    (tmp_path / "x.yaml").write_text(COST_AT_THE_END, encoding="utf-8")
    line = "A0001L0001AAPL 2019030100000100000000150000"
    ask = Ask(FeedKind.LOTS, "f1", DAY, AS_OF, "S", layout="x.yaml", home=tmp_path)
    data = io.BytesIO(f"{line}\n{line[:-3]}\n".encode())
    reader = FeedReader(data, FeedKind.LOTS, "f1", DAY, FORMS[Form.LAYOUT], ask)
    assert [(row[0], row[6]) for row in rows_of(reader)] == [(1, Decimal(1500))]
    assert [(fault.line, fault.owner) for fault in reader.quarantined] == [(2, "A0001")]
