"""Accounts and lots of a made-up firm as delivered files, for `python -m benchmarks.feeds`."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

FIRM, DAY, AS_OF = "bench", date(2026, 11, 20), date(2026, 11, 19)
SECURITIES = 2_000
_LOTS_EACH_SECURITY = 5


def write_files(drop: Path, lots: int, accounts: int) -> None:
    """A security master, the accounts, and their lots: five of each security that an account holds."""
    columns = (
        "security_id,symbol,cusip,isin,figi,name,kind,asset_class,sector,currency,tradable,whole_shares,wash_group,"
        "half_spread_bps"
    )
    _write(drop, "securities", columns, _securities(), Decimal(2 * SECURITIES))
    columns = (
        "account_id,household_id,advisor_id,programme,registration,model_id,discretionary,standing,"
        "approved_for_trading,tier,tracking,tax_sensitivity,harvesting,short_term_rate,long_term_rate,cash_target,"
        "cash_reserve,minimum_trade,commission,suspension,suspension_reason"
    )
    _write(drop, "accounts", columns, _accounts(accounts), Decimal(1_000 * accounts))
    columns = "account_id,symbol,lot_id,quantity,acquired_on,holding_start,cost,wash_adjustment,purchase_id,covered"
    total = sum((_cost(number) for number in range(lots)), Decimal(0))
    _write(drop, "lots", columns, _lots(lots, accounts), total)


def _securities() -> Iterator[str]:
    for number in range(SECURITIES):
        yield f"S{number:05d},SYM{number},,,,Security {number},STOCK,US_EQUITY,,USD,true,true,,2"


def _accounts(count: int) -> Iterator[str]:
    for number in range(count):
        yield (
            f"A{number:06d},H{number // 2:06d},ADV{number % 500:03d},SMA,INDIVIDUAL,,true,OPEN,true,GOLD,MODERATE,"
            "MEDIUM,OPPORTUNISTIC,0.408,0.238,0.02,1000.00,250.00,0.00,,"
        )


def _cost(number: int) -> Decimal:
    return Decimal(100_000 + number * 7919 % 900_000) / 100


def _lots(count: int, accounts: int) -> Iterator[str]:
    first = date(2012, 1, 3)
    for number in range(count):
        acquired = first + timedelta(days=number * 31 % 5_000)
        symbol = number // _LOTS_EACH_SECURITY * 17 % SECURITIES
        yield (
            f"A{number * accounts // count:06d},SYM{symbol},L{number:07d},{number % 90 + 10},{acquired},,"
            f"{_cost(number)},0.00,,true"
        )


def _write(drop: Path, kind: str, columns: str, rows: Iterator[str], total: Decimal) -> None:
    path = drop / FIRM / kind / f"{kind}-{DAY:%Y%m%d}.csv"
    path.parent.mkdir(parents=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(f"#TRIMTAB,{kind},{FIRM},{DAY},{AS_OF},BENCH\n{columns}\n")
        for row in rows:
            file.write(row + "\n")
            count += 1
        file.write(f"#TRAILER,{count},{total}\n")
    path.with_name(path.name + ".done").touch()
