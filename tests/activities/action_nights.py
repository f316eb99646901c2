"""A small firm written by hand, one account for each kind of event, whose nights are loaded and judged for real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, update

from trimtab import corporate_action_desk as desk
from trimtab.activities.deliveries import load_deliveries
from trimtab.activities.holdings import raw_holdings
from trimtab.activities.ingest import ingest
from trimtab.activities.inputs import Inputs, RunData, freeze_inputs
from trimtab.activities.validate import validate
from trimtab.contracts import AccountDayRef, RunRef, account_day_id, run_id
from trimtab.db import runs
from trimtab.db.account_days import lock_accounts, open_days
from trimtab.db.content import get_content
from trimtab.db.corporate_actions import StoredApplication, application_rows, stored
from trimtab.db.data_changes import DataChange, DataChangeKind, decide, last_seq, propose, read_value
from trimtab.db.engine import firm_transaction
from trimtab.db.settings_versions import newest_seq
from trimtab.db.stages import newest_result
from trimtab.db.tables import account_day, firm, household, intent, posting, setting_version
from trimtab.demo.universe import invented_cusip
from trimtab.domain.corporate_actions_lifecycle import EventState
from trimtab.domain.lifecycle import Stage
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.feeds.writing import Cell, FeedFile, write_feed

FIRM = "firm-1"
EVE, FRIDAY, MONDAY = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
CORE = "CORE"
BOTH = ("VENDOR-A", "VENDOR-B")

D = Decimal
Lot = tuple[str, str, str]  # shares, dollars, acquired
Lots = Mapping[str, Sequence[Lot]]  # by security
ACTION_COLUMNS = (
    "event_id", "version", "kind", "security_id", "ex_on", "new_shares", "old_shares", "cash_per_share", "status",
    "new_cusip", "new_isin", "new_symbol", "mandatory", "treatment", "basis_percent", "basis_source", "fair_value",
    "pay_on", "fraction_price", "source",
)  # fmt: skip


def an_event(kind: str, security_id: str, **terms: str) -> dict[str, str]:
    """A row of the feed: version 1 of "EV-security", with Friday's ex-date and confirmed, unless `terms` say else."""
    usual = {"event_id": f"EV-{security_id}", "version": "1", "ex_on": FRIDAY.isoformat(), "status": "CONFIRMED"}
    return {**usual, "kind": kind, "security_id": security_id, **terms}


@dataclass
class Night:
    """What is delivered on the morning of a business date."""

    on: date
    as_of: date
    held: Mapping[str, Lots]  # by account
    closes: Mapping[str, str]
    actions: Sequence[Mapping[str, str]] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # symbols that the custodian uses, by security
    cusips: Mapping[str, str] = field(default_factory=dict)  # what the custodian has in place of a symbol


@dataclass
class ActionNights:
    """The firm; `securities` are all STOCK but CORE, and every account holds a hundred shares of that as well."""

    engine: Engine
    drop: Path
    securities: Sequence[str]
    models: Mapping[str, Mapping[str, str]]
    follows: Mapping[str, str] = field(default_factory=dict)  # account to model
    restrictions: Sequence[tuple[str, str, str]] = ()  # account, rule, security
    codes: dict[str, str] = field(default_factory=dict)
    run: RunData | None = None
    refs: dict[str, AccountDayRef] = field(default_factory=dict)
    _cusips: dict[str, str] = field(default_factory=dict)

    def founded(self) -> "ActionNights":
        with self.transaction() as connection:
            connection.execute(insert(firm).values(firm_id=FIRM, name="F"))
        self._cusips = {name: invented_cusip(300 + place) for place, name in enumerate(self.securities)}
        return self

    def transaction(self) -> Any:
        return firm_transaction(self.engine, FIRM)

    # --- what is delivered ----------------------------------------------------------------------------------------

    def deliver(self, night: Night) -> None:
        for feed in self._feeds(night):
            write_feed(feed, self.drop, FIRM, night.on, night.as_of)
        load_deliveries(self.engine, FIRM, self.drop, night.on, as_of=night.as_of)

    def _feeds(self, night: Night) -> list[FeedFile]:
        held = {name: {CORE: [("100", "9000.00", "2020-01-02")], **lots} for name, lots in night.held.items()}
        closes = {CORE: "100.00", **night.closes}
        symbols = {name: night.names.get(name, name) for name in self.securities}
        names = ("security_id", "symbol")
        positions: list[tuple[Cell, ...]] = []
        lots: list[tuple[Cell, ...]] = []
        for account, securities in held.items():
            for name, own in securities.items():
                quantity = sum((D(each[0]) for each in own), D(0))
                worth = (quantity * D(closes.get(name, "0"))).quantize(D("0.01"))
                called = (night.cusips.get(name), None if name in night.cusips else symbols[name])
                positions.append((account, *called, quantity, worth))
                for number, (shares, cost, acquired) in enumerate(own, start=1):
                    lots.append((account, *called, f"{account}/{name}/{number}", shares, acquired, cost))
        master = [
            (name, name, self._cusips[name], None, None, name, "ETF" if name == CORE else "STOCK", "US_LARGE",
             "Industrials", "USD", True, True, "", "2.0")
            for name in self.securities
        ]  # fmt: skip
        settings = ("CORE", "INDIVIDUAL", True, "OPEN", True, "GOLD", "MODERATE", "MEDIUM", "OFF", "0.4", "0.2",
                    "0.02", "0", "100", "0", None, None)  # fmt: skip
        accounts = [
            (name, f"H-{name}", "ann", *settings[:2], self.follows.get(name, "M"), *settings[2:]) for name in held
        ]
        return [
            FeedFile("securities", "HQ", ("security_id", "symbol", "cusip", "isin", "figi", "name", "kind",
                     "asset_class", "sector", "currency", "tradable", "whole_shares", "wash_group", "half_spread_bps"),
                     master),
            FeedFile("accounts", "HQ", ("account_id", "household_id", "advisor_id", "programme", "registration",
                     "model_id", "discretionary", "standing", "approved_for_trading", "tier", "tracking",
                     "tax_sensitivity", "harvesting", "short_term_rate", "long_term_rate", "cash_target",
                     "cash_reserve", "minimum_trade", "commission", "suspension", "suspension_reason"), accounts),
            FeedFile("restrictions", "HQ", ("account_id", "rule", *names, "minimum", "maximum", "reason"),
                     [(account, rule, name, None, None, None, "asked") for account, rule, name in self.restrictions]),
            FeedFile("cash_needs", "HQ", ("account_id", "amount", "due_on"), []),
            FeedFile("positions", "BANK", ("account_id", "cusip", "symbol", "quantity", "market_value"), positions),
            FeedFile("lots", "BANK", ("account_id", "cusip", "symbol", "lot_id", "quantity", "acquired_on", "cost",
                     "holding_start", "wash_adjustment", "purchase_id", "covered"),
                     [(*lot, None, "0", lot[3], True) for lot in lots]),
            FeedFile("cash", "BANK", ("account_id", "settled", "unsettled"), [(name, "90000", "0") for name in held]),
            FeedFile("sales", "BANK", ("account_id", *names, "sold_on", "quantity", "proceeds", "basis"), []),
            FeedFile("prices", "PX", (*names, "as_of", "close", "currency", "volume"),
                     [(name, None, night.as_of, close, "USD", None) for name, close in closes.items()]),
            FeedFile("corporate_actions", "CA", ACTION_COLUMNS,
                     [[row.get(column) for column in ACTION_COLUMNS] for row in night.actions]),
            FeedFile("models", "HQ", ("model_id", "version", "effective_on", *names, "weight"),
                     [(model, 1, date(2026, 11, 2), name, None, weight)
                      for model, weights in self.models.items() for name, weight in weights.items()]),
            FeedFile("risk_exposures", "RISK", (*names, "specific_risk", "MARKET"),
                     [(name, None, "0.2", "1.0") for name in self.securities]),
            FeedFile("risk_covariance", "RISK", ("factor", "MARKET"), [("MARKET", "0.04")]),
        ]  # fmt: skip

    # --- what people and the night do -------------------------------------------------------------------------------

    def agreed(self, kind: DataChangeKind, key: str, value: object, on: date = FRIDAY) -> None:
        """A change that one person proposed and another approved."""
        with self.transaction() as connection:
            change = DataChange(
                change_id=f"{kind.value}/{key}/{newest_seq(connection)}",
                kind=kind,
                key=key,
                effective_from=on,
                value=read_value(kind, key, value),
                reason="it is so",
                proposed_by=("dora",),
                supersedes=last_seq(connection, kind, key),
            )
            propose(connection, FIRM, change)
            rows = select(setting_version.c.seq).where(setting_version.c.key == change.change_id)
            seq = connection.scalars(rows).one()
            decide(connection, FIRM, change, seq, approve=True, actor="dave", reason="agreed")

    def approved_by(self, *persons: str, on: date = FRIDAY) -> None:
        """Each person approves every event that still waits for somebody."""
        for person in persons:
            with self.transaction() as connection:
                for line in desk.event_lines(connection, on):
                    if line.state is EventState.ANNOUNCED and line.event.persons_needed:
                        event = desk.approvable(connection, on, line.event.event_id, line.event.version)
                        desk.approve(connection, FIRM, on, event, persons=(person,), reason="looked at")

    def fill(self, account_id: str, security_id: str, shares: str, on: date) -> None:
        """One of our orders filled at a hundred dollars a share."""
        quantity = D(shares)
        common = {"firm_id": FIRM, "intent_id": f"I-{account_id}-{on}", "account_id": account_id,
                  "security_id": security_id}  # fmt: skip
        order = {
            "account_day_id": self.refs[account_id].account_day_id, "household_id": f"H-{account_id}",
            "business_date": on, "proposal_hash": "f" * 64, "leg": 0, "wash_key": security_id,
            "side": "BUY" if quantity > 0 else "SELL", "quantity": abs(quantity), "reference_price": D(100),
            "realizes_loss": False, "lot_sales": [], "programme": "CORE", "build": "test", "status": "FILLED",
        }  # fmt: skip
        filled = {"posting_id": f"P-{account_id}-{on}", "trade_date": on, "lot_id": f"{account_id}/{security_id}/1",
                  "quantity": quantity, "basis": quantity * 50, "cash": -quantity * 100, "gain": D(0)}  # fmt: skip
        with self.transaction() as connection:
            connection.execute(insert(intent).values(**common, **order))
            connection.execute(insert(posting).values(**common, **filled))

    def judge(self, on: date, *, attempt: int = 1) -> dict[str, str]:
        """Freezes the date's inputs and validates every account; returns the codes of those that do not go on."""
        ref = RunRef(FIRM, run_id(FIRM, on), on)
        as_of = {FRIDAY: EVE, MONDAY: FRIDAY, TUESDAY: MONDAY}[on]
        with self.transaction() as connection:
            if attempt == 1:
                runs.insert_run(connection, ref, as_of=as_of, clock_mode="stepped", status=runs.OPEN)
            freeze_inputs(connection, FIRM, ref.run_id, on, again=True)
            if attempt == 1:
                homes = list(connection.scalars(select(household.c.household_id)))
                open_days(connection, FIRM, ref.run_id, on, lock_accounts(connection, homes))
            else:
                self._again(connection, on, attempt)
        inputs = Inputs()
        with self.transaction() as connection:
            self.run = inputs.of_run(connection, ref)
            days = connection.execute(
                select(account_day).where(account_day.c.business_date == on, account_day.c.current)
            ).all()
            read = raw_holdings(connection, self.run, [each.account_id for each in days])
        self.refs = {
            each.account_id: AccountDayRef(FIRM, ref.run_id, each.account_day_id, each.account_id, on) for each in days
        }
        self.codes = {}
        with self.transaction() as connection:
            for name, day in sorted(self.refs.items()):
                ingest(connection, day, inputs, build="test", read=read)
                outcome = validate(connection, day, inputs, build="test", read=read)
                if outcome.next is not Stage.ANALYZE:
                    self.codes[name] = outcome.code
        return self.codes

    def _again(self, connection: Any, on: date, attempt: int) -> None:
        """Every account's day once more, from ingest on."""
        mine = account_day.c.business_date == on
        rows = connection.execute(select(account_day).where(mine, account_day.c.current)).all()
        connection.execute(update(account_day).where(mine).values(current=False))
        for row in rows:
            again = {
                "firm_id": FIRM,
                "account_day_id": account_day_id(row.account_id, on, attempt),
                "run_id": row.run_id,
                "account_id": row.account_id,
                "business_date": on,
                "attempt": attempt,
                "workflow_id": f"{row.workflow_id}-{attempt}",
                "stage": "ingest",
            }
            connection.execute(insert(account_day).values(again))

    # --- looking ----------------------------------------------------------------------------------------------------

    @property
    def frozen(self) -> RunData:
        """The inputs of the night judged last."""
        assert self.run is not None, "no night was judged"
        return self.run

    def findings(self, account_id: str) -> list[str]:
        """Code and message of what validation found last."""
        with self.transaction() as connection:
            result = newest_result(connection, self.refs[account_id], Stage.VALIDATE)
            assert result is not None
            return [f"{each['code']}: {each['message']}" for each in result.detail["findings"]]

    def snapshot(self, account_id: str) -> AccountSnapshot:
        with self.transaction() as connection:
            result = newest_result(connection, self.refs[account_id], Stage.VALIDATE)
            assert result is not None, account_id
            assert "snapshot" in result.detail, self.findings(account_id)
            return get_content(connection, str(result.detail["snapshot"]), AccountSnapshot)

    def lots(self, account_id: str) -> str:
        """The lots beside CORE, as "security shares basis acquired", one a line."""
        return "\n".join(
            f"{lot.security_id} {lot.quantity.normalize():f} {lot.cost:.2f} {lot.acquired_on}"
            for lot in sorted(self.snapshot(account_id).lots, key=lambda lot: (lot.security_id, lot.id))
            if lot.security_id != CORE
        )

    def shares(self, account_id: str) -> dict[str, str]:
        """Positions beside CORE, shares and dollars."""
        return {
            each.security_id: f"{each.quantity.normalize():f} {each.market_value:.2f}"
            for each in self.snapshot(account_id).positions
            if each.security_id != CORE
        }

    def applications(self, account_id: str | None = None) -> list[StoredApplication]:
        with self.transaction() as connection:
            return [
                stored(row)
                for row in application_rows(connection, account_ids=None if account_id is None else [account_id])
            ]

    def states(self, account_id: str) -> list[str]:
        return [f"{each.event_id} {each.version} {each.state}" for each in self.applications(account_id)]
