"""A demo firm of twenty accounts whose files lie in a drop folder, to be broken, loaded and validated for real."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, Engine, and_, insert, select, update

from trimtab.activities.deliveries import LoadedFile, load_deliveries
from trimtab.activities.holdings import raw_holdings
from trimtab.activities.ingest import ingest
from trimtab.activities.inputs import Inputs, freeze_inputs
from trimtab.activities.loading_order import LARGE_BYTES
from trimtab.activities.validate import validate
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, account_day_id, run_id
from trimtab.db import runs
from trimtab.db.account_days import lock_accounts, open_days
from trimtab.db.deliveries import release_delivery
from trimtab.db.engine import firm_transaction
from trimtab.db.tables import account_day, alert, delivery, firm, household, suspension
from trimtab.demo.custodian import deliver
from trimtab.demo.drop import feed_path
from trimtab.demo.firm import DEFAULT_BUSINESS_DATE, DemoFirm, build_firm
from trimtab.domain.lifecycle import Stage

FIRM = "demo"
SPECIAL = {
    "A00009": "UNKNOWN_SECURITY",
    "A00011": "LOT_MISMATCH",
    "A00012": "COMPLIANCE",
    "A00013": "ACCOUNT_CLOSED",
    "A00015": "SETTINGS_INVALID",
}
"""Accounts of the demo firm that something is wrong with by design, and the code that each gets."""


@lru_cache(maxsize=1)
def demo_firm() -> DemoFirm:
    return build_firm(20, 20, DEFAULT_BUSINESS_DATE)


@dataclass
class FeedDay:
    """One business day of the firm up to validate. `outcomes` is the last pass's, by account."""

    engine: Engine
    drop: Path
    firm: DemoFirm = field(default_factory=demo_firm)
    outcomes: dict[str, StageOutcome] = field(default_factory=dict)
    refs: list[AccountDayRef] = field(default_factory=list)

    @property
    def date(self) -> date:
        return self.firm.business_date

    @property
    def ref(self) -> RunRef:
        return RunRef(FIRM, run_id(FIRM, self.date), self.date)

    def found(self) -> "FeedDay":
        with firm_transaction(self.engine, FIRM) as connection:
            connection.execute(insert(firm).values(firm_id=FIRM, name="Demo"))
        deliver(self.firm, self.drop, self.drop.parent / "closes")
        return self

    def path(self, kind: str) -> Path:
        return feed_path(self.drop, FIRM, kind, self.date)

    def load(self, large: int = LARGE_BYTES) -> dict[str, LoadedFile]:
        loaded = load_deliveries(self.engine, FIRM, self.drop, self.date, as_of=self.firm.as_of, large=large)
        return {str(file.kind): file for file in loaded}

    def open(self) -> None:
        with firm_transaction(self.engine, FIRM) as connection:
            runs.insert_run(connection, self.ref, as_of=self.firm.as_of, clock_mode="stepped", status=runs.OPEN)

    def freeze(self, *, again: bool = False) -> str:
        self.open()
        with firm_transaction(self.engine, FIRM) as connection:
            return freeze_inputs(connection, FIRM, self.ref.run_id, self.date, again=again)

    def judge(self) -> dict[str, StageOutcome]:
        """Freeze, open the account-days, ingest and validate every account of the roster."""
        self.freeze()
        with firm_transaction(self.engine, FIRM) as connection:
            self.refs = self._open_days(connection)
        inputs = Inputs()
        for ref in self.refs:
            with firm_transaction(self.engine, FIRM) as connection:
                ingest(connection, ref, inputs, build="test")
                self.outcomes[ref.account_id] = validate(connection, ref, inputs, build="test")
        return self.outcomes

    def judge_at_once(self) -> dict[str, StageOutcome]:
        """The same with the holdings of all accounts read together, in one transaction."""
        self.freeze()
        inputs = Inputs()
        with firm_transaction(self.engine, FIRM) as connection:
            self.refs = self._open_days(connection)
            read = raw_holdings(connection, inputs.of_run(connection, self.ref), [ref.account_id for ref in self.refs])
            for ref in self.refs:
                ingest(connection, ref, inputs, build="test", read=read)
                self.outcomes[ref.account_id] = validate(connection, ref, inputs, build="test", read=read)
        return self.outcomes

    def _open_days(self, connection: Connection) -> list[AccountDayRef]:
        households = list(connection.scalars(select(household.c.household_id)))
        return open_days(connection, FIRM, self.ref.run_id, self.date, lock_accounts(connection, households))

    def release(self, kind: str) -> None:
        """A data manager takes the kind's refused file after all."""
        with firm_transaction(self.engine, FIRM) as connection:
            refused = select(delivery.c.delivery_id).where(
                delivery.c.kind == kind, delivery.c.status == "QUARANTINED", delivery.c.business_date == self.date
            )
            found = connection.scalars(refused).one()
            release_delivery(connection, FIRM, found, actor="dm1", reason="the sender says that it is right")

    def next_attempt(self, account_id: str) -> None:
        """The account's day once more, from ingest on."""
        with firm_transaction(self.engine, FIRM) as connection:
            mine = and_(account_day.c.account_id == account_id, account_day.c.business_date == self.date)
            row = connection.execute(select(account_day).where(mine)).one()
            connection.execute(update(account_day).where(mine).values(current=False))
            again = {
                "firm_id": FIRM,
                "account_day_id": account_day_id(account_id, self.date, 2),
                "run_id": row.run_id,
                "account_id": account_id,
                "business_date": self.date,
                "attempt": 2,
                "workflow_id": f"{row.workflow_id}-again",
                "stage": "ingest",
            }
            connection.execute(insert(account_day).values(again))

    def codes(self) -> dict[str, str]:
        """The accounts that do not go on to analysis, with the code of each."""
        return {name: outcome.code for name, outcome in self.outcomes.items() if outcome.next is not Stage.ANALYZE}

    def alerts(self) -> list[tuple[str, str]]:
        with firm_transaction(self.engine, FIRM) as connection:
            rows = connection.execute(select(alert.c.cause, alert.c.scope).order_by(alert.c.cause, alert.c.scope))
            return [(row.cause, row.scope) for row in rows]

    def open_suspensions(self) -> list[tuple[str, str, str]]:
        with firm_transaction(self.engine, FIRM) as connection:
            rows = select(suspension.c.scope_id, suspension.c.kind, suspension.c.code)
            found = connection.execute(rows.where(suspension.c.lifted_by.is_(None)).order_by(suspension.c.scope_id))
            return [(row.scope_id, row.kind, row.code) for row in found]

    def holders(self, security_id: str) -> set[str]:
        return {held.account_id for held in self.firm.book.holdings if held.security_id == security_id}

    def symbol(self, security_id: str) -> str:
        return next(one.symbol or "" for one in self.firm.securities if one.id == security_id)

    def followers(self, model_id: str) -> set[str]:
        return {entry.id for entry in self.firm.accounts if entry.account.model_id == model_id}

    def wanted_security(self) -> tuple[str, set[str], set[str]]:
        """A small name of a model with its holders, all sound, and followers of the model that do not hold it."""
        for model in self.firm.models:
            for security_id, weight in model.weights.items():
                holders = self.holders(security_id)
                others = self.followers(model.id) - holders - SPECIAL.keys()
                if weight < Decimal("0.02") and holders and others and not holders & SPECIAL.keys():
                    return security_id, holders, others
        raise LookupError("no security of the demo firm fits")


def everybody_but_closed(day: FeedDay, code: str) -> dict[str, str]:
    """Each account suspended with `code`; the closed one is only told that it is closed."""
    return {entry.id: SPECIAL["A00013"] if entry.id == "A00013" else code for entry in day.firm.accounts}
