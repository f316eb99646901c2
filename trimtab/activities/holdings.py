"""What was delivered about one account and its household: the content that the ingest stage stores."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row

from trimtab.activities.incumbents import incumbents
from trimtab.activities.inputs import RunData
from trimtab.activities.own_trades import changed_by_actions, reconciled, trades_of
from trimtab.db.corporate_actions import EventMemory, read_memory
from trimtab.db.deliveries import loaded_before
from trimtab.db.inputs import HoldingRows, read_holdings
from trimtab.db.own_trades import RecentTrades, recent_trades
from trimtab.db.profiles import OwnTrading, layer_keys, own_trading, read_layers
from trimtab.db.settings_versions import ACCOUNT_SETTINGS, held_settings
from trimtab.db.stored_settings import read_settings
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, AccountId, CashBalance, TaxStatus
from trimtab.domain.data_codes import DataCode
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import CENT, ZERO
from trimtab.domain.profile.levels import Held, LayerKey, effective
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import Incumbent
from trimtab.domain.validation import DeliveredPosition
from trimtab.domain.wash_sales import DAYS_EITHER_SIDE, HouseholdPurchase, HouseholdSale

_ACCOUNT: Final[TypeAdapter[Account]] = TypeAdapter(Account)


@dataclass(frozen=True, slots=True)
class RawLot:
    """A lot as delivered. `cost` is None when the custodian does not know it."""

    lot_id: LotId
    security_id: SecurityId | None
    security_key: str
    quantity: Decimal
    acquired_on: date
    holding_start: date | None
    cost: Decimal | None
    wash_adjustment: Decimal
    purchase_id: str
    covered: bool
    gift_or_inheritance: bool = False
    restricted: bool = False  # pledged or legended


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row of the account that cannot be used, or that contradicts another."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RawHoldings:
    """Everything delivered about one account for the business date, before corporate actions.

    Identifiers are resolved where the security master knows them. `household_lots` are purchases of the other
    members that may still be inside a wash sale window; `purchases` are our own, of all members.
    """

    account: Account
    settings: AccountSettings | None  # None: the accounts feed has never stated any
    positions: tuple[DeliveredPosition, ...]
    lots: tuple[RawLot, ...]
    cash: CashBalance | None
    household_taxable: bool  # some member pays tax on gains: only then do past sales matter
    household_lots: tuple[TaxLot, ...]
    sales: tuple[HouseholdSale, ...]
    purchases: tuple[HouseholdPurchase, ...]
    faults: tuple[RowFault, ...]
    decided: Mapping[str, Held] = field(default_factory=dict)  # the profile's settings that people have decided
    trading: OwnTrading | None = None  # read where a setting of the year hangs on it
    memory: EventMemory = field(default_factory=EventMemory)  # of corporate actions that hold on the day
    incumbent: Incumbent | None = None  # what was last proposed for the account, and not traded


def raw_holdings(connection: Connection, run: RunData, account_ids: Collection[str]) -> dict[str, RawHoldings]:
    """Read some accounts in twelve statements, however many they are: give a page whole households.

    One more where we have traded since the positions file before, one where somebody's settings hang on the year's
    trades, and up to three where events hold.
    """
    manifest = run.manifest
    rows = read_holdings(connection, run.deliveries, account_ids, manifest.business_date, DAYS_EITHER_SIDE)
    settings = held_settings(
        connection, ACCOUNT_SETTINGS, manifest.business_date, manifest.settings_seq, list(account_ids)
    )
    recent = recent_trades(connection, account_ids, manifest.business_date, manifest.as_of)
    splits = (*run.findings.earlier_splits, *run.findings.splits)
    last = incumbents(connection, account_ids, manifest.business_date, splits)
    book = {
        name: replace(raw, incumbent=last.get(name)) for name, raw in _Book(run, rows, settings).of(account_ids).items()
    }
    book = _with_memory(connection, run, _with_own_trades(run, book, recent))
    return _with_profiles(connection, run, book)


def _with_memory(connection: Connection, run: RunData, book: dict[str, RawHoldings]) -> dict[str, RawHoldings]:
    """The accounts with what the day's corporate actions have done to them before."""
    due = run.findings.due
    if not due:
        return book
    loaded = loaded_before(connection, "positions", run.manifest.business_date)
    before = None if loaded is None or loaded.as_of is None else (loaded.delivery_id, loaded.as_of)
    names = {name for each in due for name in each.names if before is not None and each.ex_on > before[1]}
    memory = read_memory(connection, [each.event_id for each in due], names, list(book), before)
    return {name: replace(raw, memory=memory[name]) if name in memory else raw for name, raw in book.items()}


_OF_THE_YEAR: Final = frozenset(
    {"tax_budget", "gain_budget", "short_term_gain_budget", "forced_harvest", "days_between"}
)


def _with_profiles(connection: Connection, run: RunData, holdings: dict[str, RawHoldings]) -> dict[str, RawHoldings]:
    """The holdings with what people have decided about the accounts, and what that hangs on."""
    on, seq = run.manifest.business_date, run.manifest.settings_seq
    keys = {name: _layer_keys(raw.account) for name, raw in holdings.items()}
    layers = read_layers(connection, {key for each in keys.values() for key in each}, on, seq)
    decided = {
        name: {
            place: held
            for place, held in effective(layers[key] for key in own if key in layers).items()
            if held.is_altered
        }
        for name, own in keys.items()
    }
    yearly = [name for name, held in decided.items() if _OF_THE_YEAR & {each.statement.key for each in held.values()}]
    trading = own_trading(connection, yearly, on) if yearly else {}
    return {name: replace(raw, decided=decided[name], trading=trading.get(name)) for name, raw in holdings.items()}


def _layer_keys(account: Account) -> tuple[LayerKey, ...]:
    return layer_keys(account.id, account.household_id, account.advisor_id, account.programme)


def _with_own_trades(run: RunData, book: dict[str, RawHoldings], recent: RecentTrades | None) -> dict[str, RawHoldings]:
    """The accounts with our pending fills in them, and with what the custodian's file does not agree with."""
    if recent is None:
        return book
    after, as_of = recent.after, run.manifest.as_of
    trades = trades_of(recent, run.names)
    changed = changed_by_actions(run.findings.due, after)
    told = {}
    for account_id, raw in book.items():
        merged, faults = reconciled(raw, trades.get(account_id), after, run.market, as_of, changed)
        found = tuple(RowFault(code, message) for code, message in faults)
        told[account_id] = replace(merged, faults=(*merged.faults, *found)) if found else merged
    return told


class _Book:
    """The rows of some accounts, grouped."""

    def __init__(self, run: RunData, rows: HoldingRows, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self._names = run.names
        self._settings = settings
        self._accounts = {row.account_id: _ACCOUNT.validate_python(row.profile, strict=False) for row in rows.members}
        self._households = _grouped(rows.members, "household_id")
        self._positions = _grouped(rows.positions, "account_id")
        self._lots = _grouped(rows.lots, "account_id")
        self._cash = _grouped(rows.cash, "account_id")
        self._sales = _grouped(rows.sales, "account_id")
        self._faults = _grouped(rows.faults, "account_id")
        self._own = _grouped(rows.own_trades, "account_id")
        self._since = run.manifest.business_date - DAYS_EITHER_SIDE

    def of(self, account_ids: Iterable[str]) -> dict[str, RawHoldings]:
        return {account_id: self._one(self._accounts[account_id]) for account_id in sorted(account_ids)}

    def _one(self, account: Account) -> RawHoldings:
        members = [row.account_id for row in self._households[account.household_id]]
        stated = self._settings.get(account.id)
        cash = self._cash.get(account.id, ())
        return RawHoldings(
            account=account,
            settings=None if stated is None else read_settings(stated),
            positions=tuple(self._position(row) for row in self._positions.get(account.id, ())),
            lots=tuple(self._lot(row) for row in self._lots.get(account.id, ())),
            cash=CashBalance(cash[-1].settled, cash[-1].unsettled) if cash else None,
            household_taxable=any(self._accounts[name].tax_status is TaxStatus.TAXABLE for name in members),
            household_lots=tuple(
                self._tax_lot(row)
                for name in members
                if name != account.id
                for row in self._lots.get(name, ())
                if row.acquired_on >= self._since
            ),
            sales=self._household_sales(members),
            purchases=tuple(
                HouseholdPurchase(row.account_id, row.security_id, row.traded_on, row.bought)
                for name in members
                for row in self._own.get(name, ())
                if row.bought > 0
            ),
            faults=(*self._row_faults(account.id), *self._repetitions(account.id)),
        )

    def _known(self, row: Row[Any]) -> SecurityId | None:
        """The security as resolved when the file was loaded, or by a master that came later."""
        return row.security_id or self._names.get(row.security_key)

    def _position(self, row: Row[Any]) -> DeliveredPosition:
        return DeliveredPosition(
            self._known(row), row.security_key, row.quantity, row.market_value, restricted=row.restricted
        )

    def _lot(self, row: Row[Any]) -> RawLot:
        return RawLot(
            lot_id=LotId(row.lot_id),
            security_id=self._known(row),
            security_key=row.security_key,
            quantity=row.quantity,
            acquired_on=row.acquired_on,
            holding_start=row.holding_start,
            cost=row.cost,
            wash_adjustment=row.wash_adjustment,
            purchase_id=row.purchase_id,
            covered=row.covered,
            gift_or_inheritance=row.gift_or_inheritance,
            restricted=row.restricted,
        )

    def _tax_lot(self, row: Row[Any]) -> TaxLot:
        """A lot of another member: only what a window is judged by counts, so an unknown cost is no hindrance."""
        return TaxLot(
            id=LotId(row.lot_id),
            account_id=AccountId(row.account_id),
            security_id=self._known(row) or SecurityId(row.security_key),
            quantity=row.quantity,
            acquired_on=row.acquired_on,
            cost=row.cost or ZERO,
            purchase_id=row.purchase_id,
        )

    def _household_sales(self, members: Sequence[str]) -> tuple[HouseholdSale, ...]:
        """Sales that the custodian reports, and our own that its file does not show yet."""
        found = []
        for name in members:
            taxable = self._accounts[name].tax_status is TaxStatus.TAXABLE
            reported = [self._reported(row, taxable) for row in self._sales.get(name, ())]
            seen = {(sale.security_id, sale.sold_on) for sale in reported}
            own = [_own_sale(row, taxable) for row in self._own.get(name, ()) if row.sold > 0]
            found += reported + [sale for sale in own if (sale.security_id, sale.sold_on) not in seen]
        return tuple(found)

    def _reported(self, row: Row[Any], taxable: bool) -> HouseholdSale:
        security_id = self._known(row) or SecurityId(row.security_key)
        return HouseholdSale(
            AccountId(row.account_id), security_id, row.sold_on, row.quantity, row.proceeds, row.basis, taxable
        )

    def _row_faults(self, account_id: str) -> list[RowFault]:
        return [
            RowFault(row.code, f"{row.field or 'a row'}: {row.message}") for row in self._faults.get(account_id, ())
        ]

    def _repetitions(self, account_id: str) -> list[RowFault]:
        """Case 56: a security, or the cash, that stands twice."""
        keys = [self._known(row) or row.security_key for row in self._positions.get(account_id, ())]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        faults = [RowFault(DataCode.DUP_ACCOUNT.value, f"the position of {key} stands twice") for key in twice]
        if len(self._cash.get(account_id, ())) > 1:
            faults.append(RowFault(DataCode.DUP_ACCOUNT.value, "the cash stands twice"))
        return faults


def _own_sale(row: Row[Any], taxable: bool) -> HouseholdSale:
    """A posted sale has its basis; of a committed one only the direction is known: a loss counts as a cent."""
    basis = row.basis
    if row.loss and basis <= row.proceeds:
        basis = row.proceeds + CENT
    return HouseholdSale(
        AccountId(row.account_id), SecurityId(row.security_id), row.traded_on, row.sold, row.proceeds, basis, taxable
    )


def _grouped(rows: Iterable[Row[Any]], name: str) -> dict[str, list[Row[Any]]]:
    groups: dict[str, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups
