"""Writers of small files in other forms: what a custodian would send of the rows that trimtab's CSV holds."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pyarrow as arrow
import pyarrow.parquet as parquet

Rows = Sequence[Mapping[str, str]]


def rows_of(path: Path) -> Rows:
    """The rows of a file in trimtab's CSV."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines[1:-1]))


def by_account(rows: Rows) -> list[tuple[str, Rows]]:
    ordered = sorted(rows, key=lambda row: row["account_id"])
    return [(account, list(several)) for account, several in groupby(ordered, key=lambda row: row["account_id"])]


def csv_of(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def us(number: str) -> str:
    """1234.5 as Schwab writes it."""
    whole, point, part = number.removeprefix("-").partition(".")
    return ("-" if number.startswith("-") else "") + f"${int(whole):,}{point}{part}"


def schwab_positions(rows: Rows, as_of: date) -> str:
    columns = ["Account", "Symbol", "Description", "Quantity", "Price", "Market Value"]
    body = [[r["account_id"], r["symbol"], "X", us(r["quantity"])[1:], "", us(r["market_value"])] for r in rows]
    cash = [rows[0]["account_id"], "Cash & Cash Investments", "", "--", "", "$9.00"]
    title = [f"Positions for All Accounts as of 04:30 PM ET, {as_of:%Y/%m/%d}"]
    return csv_of([title, columns, *body, cash, ["Account Total"]])


def realized_gains(account: str, rows: Rows, as_of: date) -> str:
    title = f"Realized Gain/Loss - Lot Details for {account} as of Mon Jan 06 08:00:00 EST 2025 from 01/01/2024 to "
    columns = ["Symbol", "Name", "Closed Date", "Opened Date", "Quantity", "Proceeds", "Cost Basis (CB)"]
    body = [
        [
            r["symbol"],
            "X",
            f"{date.fromisoformat(r['sold_on']):%m/%d/%Y}",
            "",
            r["quantity"],
            us(r["proceeds"]),
            us(r["basis"]),
        ]
        for r in rows
    ]
    return csv_of([[f"{title}{as_of:%m/%d/%Y}"], columns, *body])


def fixed_lots(rows: Rows, as_of: date) -> str:
    """Quantities have five digits after the point, costs two."""

    def implied(number: str, places: int, width: int) -> str:
        whole, _, part = number.partition(".")
        return (whole + part.ljust(places, "0")[:places]).rjust(width, "0")

    body, total = [], 0
    for r in rows:
        cost = implied(r["cost"], 2, 16)
        total += int(cost)
        body.append(
            f"D{r['account_id']:12}{r['cusip']:9}{r['lot_id']:16}{implied(r['quantity'], 5, 16)}"
            f"{r['acquired_on'].replace('-', '')}{cost}{'Y' if r['covered'] == 'true' else 'N'}"
        )
    return "\n".join([f"H{as_of:%Y%m%d}CUSTODIAN", *body, f"T{len(body):09d}{total:018d}"]) + "\n"


def semt002(account: str, rows: Rows, as_of: date) -> str:
    balances = "".join(
        f"<BalForAcct><AggtBal><ShrtLngInd>LONG</ShrtLngInd><Qty><Qty><Qty><Unit>{r['quantity']}</Unit></Qty></Qty></Qty>"
        f"</AggtBal><FinInstrmId><OthrId><Id>{r['cusip']}</Id><Tp><Cd>CUSP</Cd></Tp></OthrId></FinInstrmId>"
        f'<AcctBaseCcyAmts><HldgVal><Amt Ccy="USD">{r["market_value"]}</Amt></HldgVal></AcctBaseCcyAmts></BalForAcct>'
        for r in rows
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:semt.002.001.11">'
        "<SctiesBalCtdyRpt><Pgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></Pgntn><StmtGnlDtls><StmtDtTm>"
        f"<Dt>{as_of}</Dt></StmtDtTm><UpdTp><Cd>COMP</Cd></UpdTp></StmtGnlDtls><SfkpgAcct><Id>{account}</Id></SfkpgAcct>"
        f"{balances}</SctiesBalCtdyRpt></Document>\n"
    )


def ofx(positions: Rows, cash: Rows, sales: Rows, as_of: date) -> str:
    """OFX 1.x: values have no end tag."""
    held, sold = dict(by_account(positions)), dict(by_account(sales))
    statements = []
    for r in cash:
        account = r["account_id"]
        transactions = "".join(
            f"<SELLSTOCK><INVSELL><INVTRAN><DTTRADE>{s['sold_on'].replace('-', '')}</INVTRAN>{_secid(s)}"
            f"<UNITS>-{s['quantity']}\n<TOTAL>{s['proceeds']}\n<GAIN>{_less(s['proceeds'], s['basis'])}\n</INVSELL>"
            "<SELLTYPE>SELL</SELLSTOCK>\n"
            for s in sold.get(account, [])
        )
        stocks = "".join(
            f"<POSSTOCK><INVPOS>{_secid(p)}<HELDINACCT>CASH<POSTYPE>LONG<UNITS>{p['quantity']}"
            f"<MKTVAL>{p['market_value']}</INVPOS></POSSTOCK>\n"
            for p in held.get(account, [])
        )
        statements.append(
            f"<INVSTMTTRNRS><TRNUID>1<INVSTMTRS><DTASOF>{as_of:%Y%m%d}160000.000[-5:EST]\n<CURDEF>USD\n<INVACCTFROM>"
            f"<BROKERID>bank.example<ACCTID>{account}</INVACCTFROM>\n<INVTRANLIST>{transactions}</INVTRANLIST>"
            f"<INVPOSLIST>{stocks}</INVPOSLIST>\n<INVBAL><AVAILCASH>{r['settled']}<MARGINBALANCE>0<SHORTBALANCE>0"
            "</INVBAL></INVSTMTRS></INVSTMTTRNRS>\n"
        )
    header = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\n\n"
    return f"{header}<OFX><INVSTMTMSGSRSV1>{''.join(statements)}</INVSTMTMSGSRSV1></OFX>\n"


def _secid(row: Mapping[str, str]) -> str:
    return f"<SECID><UNIQUEID>{row['cusip']}<UNIQUEIDTYPE>CUSIP</SECID>"


def _less(first: str, second: str) -> str:
    from decimal import Decimal

    return f"{Decimal(first) - Decimal(second):f}"


def flex(positions: Rows, lots: Rows, cash: Rows, sales: Rows, as_of: date) -> str:
    held, closed = dict(by_account(positions)), dict(by_account(sales))
    open_lots = dict(by_account(lots))
    statements = []
    for balance in cash:
        account = balance["account_id"]
        summaries = "".join(
            _entry(
                "OpenPosition",
                accountId=account,
                levelOfDetail="SUMMARY",
                position=p["quantity"],
                positionValue=p["market_value"],
                **_names(p),
            )
            for p in held.get(account, [])
        )
        details = "".join(
            _entry(
                "OpenPosition",
                accountId=account,
                levelOfDetail="LOT",
                originatingTransactionID=x["lot_id"],
                position=x["quantity"],
                openDateTime=x["acquired_on"].replace("-", "") + ";093000",
                holdingPeriodDateTime=(x["holding_start"] or x["acquired_on"]).replace("-", "") + ";093000",
                costBasisMoney=x["cost"],
                **_names(x),
            )
            for x in open_lots.get(account, [])
        )
        sold = "".join(
            _entry(
                "Lot",
                accountId=account,
                levelOfDetail="CLOSED_LOT",
                tradeDate=s["sold_on"],
                quantity=s["quantity"],
                cost=s["basis"],
                fifoPnlRealized=_less(s["proceeds"], s["basis"]),
                **_names(s),
            )
            for s in closed.get(account, [])
        )
        currencies = _entry("CashReportCurrency", accountId=account, currency="EUR", endingCash="0") + _entry(
            "CashReportCurrency",
            accountId=account,
            currency="USD",
            endingCash=_less(balance["settled"], "-" + balance["unsettled"]),
            endingSettledCash=balance["settled"],
        )
        statements.append(
            f'<FlexStatement accountId="{account}" fromDate="{as_of - timedelta(days=31):%Y%m%d}"'
            f' toDate="{as_of:%Y%m%d}"><OpenPositions>'
            f"{summaries}{details}</OpenPositions><Trades>{sold}</Trades><CashReport>{currencies}</CashReport>"
            "</FlexStatement>"
        )
    body = "".join(statements)
    return (
        f'<FlexQueryResponse type="AF"><FlexStatements count="{len(cash)}">{body}</FlexStatements></FlexQueryResponse>'
    )


def _names(row: Mapping[str, str]) -> dict[str, str]:
    return {name: row[name] for name in ("symbol", "cusip", "isin")}


def _entry(tag: str, **attributes: str) -> str:
    return f"<{tag} {' '.join(f'{name}={quoteattr(value)}' for name, value in attributes.items())}/>"


def seev031(row: Mapping[str, str], isin: str, *, additional: bool = False) -> str:
    """A split, told as "new to old" or as "additional for existing"."""
    new, old = int(row["new_shares"]), int(row["old_shares"])
    name, first = ("AddtlQtyForExstgScties", new - old) if additional else ("NewToOd", new)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:seev.031.002.09">'
        "<CorpActnNtfctn><NtfctnGnlInf><NtfctnTp>NEWM</NtfctnTp><PrcgSts><Cd><EvtCmpltnsSts>COMP</EvtCmpltnsSts>"
        "<EvtConfSts>CONF</EvtConfSts></Cd></PrcgSts></NtfctnGnlInf><CorpActnGnlInf>"
        f"<CorpActnEvtId>{escape(row['event_id'])}</CorpActnEvtId><EvtTp><Cd>{row['kind']}</Cd></EvtTp>"
        "<MndtryVlntryEvtTp><Cd>MAND</Cd></MndtryVlntryEvtTp><UndrlygScty><FinInstrmId>"
        f"<ISIN>{isin}</ISIN></FinInstrmId></UndrlygScty></CorpActnGnlInf><CorpActnDtls><DtDtls><ExDvddDt><Dt>"
        f"<Dt>{row['ex_on']}</Dt></Dt></ExDvddDt></DtDtls></CorpActnDtls><CorpActnOptnDtls><OptnNb>001</OptnNb>"
        "<DfltPrcgOrStgInstr><DfltOptnInd>true</DfltOptnInd></DfltPrcgOrStgInstr><SctiesMvmntDtls><RateDtls>"
        f"<{name}><QtyToQty><Qty1><Unit>{first}</Unit></Qty1><Qty2><Unit>{old}</Unit></Qty2></QtyToQty></{name}>"
        "</RateDtls></SctiesMvmntDtls></CorpActnOptnDtls></CorpActnNtfctn></Document>\n"
    )


def mt564(row: Mapping[str, str], isin: str) -> str:
    ex_on = row["ex_on"].replace("-", "")
    return (
        "{1:F01CUSTUS33AXXX0000000000}{2:O5641200260101DTCCUS33AXXX00000000002601011200N}{4:\n:16R:GENL\n"
        f":20C::CORP//{row['event_id']}\n:20C::SEME//1\n:23G:NEWM\n:22F::CAEV//{row['kind']}\n:22F::CAMV//MAND\n"
        f":25D::PROC//COMP\n:16S:GENL\n:16R:USECU\n:35B:ISIN {isin}\nSOME NAME\n:16S:USECU\n:16R:CADETL\n"
        f":98A::XDTE//{ex_on}\n:16S:CADETL\n:16R:CAOPTN\n:13A::CAON//001\n:22F::CAOP//SECU\n:17B::DFLT//Y\n"
        f":16R:SECMOVE\n:22H::CRDB//CRED\n:35B:ISIN {isin}\nSOME NAME\n"
        f":92D::NEWO//{row['new_shares']},/{row['old_shares']},\n:98A::PAYD//{ex_on}\n:16S:SECMOVE\n:16S:CAOPTN\n-}}\n"
    )


def write_parquet(path: Path, rows: Rows, as_of: date, numbers: Iterable[str] = ()) -> None:
    """The rows' columns; `numbers` as floats, dates as dates."""
    columns = {}
    for name in rows[0]:
        texts = [row[name] or None for row in rows]
        if name in numbers:
            columns[name] = arrow.array([None if text is None else float(text) for text in texts], arrow.float64())
        elif name == "as_of":
            columns[name] = arrow.array([date.fromisoformat(text or "") for text in texts], arrow.date32())
        else:
            columns[name] = arrow.array(texts, arrow.string())
    table = arrow.table(columns).replace_schema_metadata({"trimtab.as_of": as_of.isoformat()})
    parquet.write_table(table, path)


def sha256_line(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
