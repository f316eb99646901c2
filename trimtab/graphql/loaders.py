"""Batches: whatever the number of rows, each nested field costs one statement."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row
from strawberry.dataloader import DataLoader

from trimtab.db import history
from trimtab.db.expectations import accounts_in_need, expectations_on
from trimtab.db.shadow_runs import newest_reports
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.snapshots import AccountSnapshot

Value = TypeVar("Value")
OneRow = DataLoader[str, Row[Any] | None]
ManyRows = DataLoader[str, list[Row[Any]]]
Load = Callable[[Connection, Sequence[str]], list[Row[Any]]]


class LoadOfBook(Protocol):
    """Like a Load, in one advisor's book or in the firm."""

    __name__: str

    def __call__(self, connection: Connection, keys: Sequence[str], book: str | None, /) -> list[Row[Any]]: ...


class Runs(Protocol):
    """Runs work in the request's read transaction."""

    async def run(self, work: Callable[[Connection], Value]) -> Value: ...


class Loaders:
    """One set per request: what was loaded is kept for its duration and never shared."""

    def __init__(self, reader: Runs) -> None:
        self._reader = reader
        self._made: dict[str, ManyRows] = {}

    @cached_property
    def account(self) -> OneRow:
        return self._one(history.accounts_by_id, "account_id")

    @cached_property
    def account_day(self) -> OneRow:
        return self._one(history.account_days_by_id, "account_day_id")

    @cached_property
    def run(self) -> OneRow:
        return self._one(history.runs_by_id, "run_id")

    @cached_property
    def proposal(self) -> OneRow:
        return self._one(history.proposals_by_id, "proposal_id")

    @cached_property
    def versions(self) -> ManyRows:
        return self._many(history.proposals_of, "account_day_id")

    @cached_property
    def decisions(self) -> ManyRows:
        return self._many(history.decisions_of, "account_day_id")

    @cached_property
    def person(self) -> OneRow:
        return self._one(history.people_by_id, "person_id")

    @cached_property
    def shadow_run(self) -> OneRow:
        return self._one(newest_reports, "key")

    @cached_property
    def records(self) -> ManyRows:
        return self._many(history.records_of, "account_day_id")

    @cached_property
    def passes(self) -> ManyRows:
        return self._many(history.passes_of, "account_day_id")

    @cached_property
    def blocked(self) -> ManyRows:
        return self._many(history.blocked_of, "account_day_id")

    @cached_property
    def intents(self) -> ManyRows:
        return self._many(history.intents_of, "account_day_id")

    @cached_property
    def block(self) -> OneRow:
        return self._one(history.blocks_by_id, "client_order_id")

    @cached_property
    def executions(self) -> ManyRows:
        return self._many(history.executions_of, "client_order_id")

    @cached_property
    def allocations(self) -> ManyRows:
        return self._many(history.allocations_of, "intent_id")

    @cached_property
    def security(self) -> OneRow:
        return self._one(history.securities_by_id, "security_id")

    @cached_property
    def market_events(self) -> ManyRows:
        return self._many(history.market_events_of, "run_id")

    @cached_property
    def firm(self) -> OneRow:
        return self._one(history.firms_by_id, "firm_id")

    @cached_property
    def snapshot(self) -> DataLoader[str, AccountSnapshot | None]:
        return self._content(AccountSnapshot)

    @cached_property
    def plain(self) -> DataLoader[str, dict[str, Any] | None]:
        """Stored values as plain JSON values."""
        return self._content(dict[str, Any])

    @cached_property
    def latest_day(self) -> OneRow:
        return self._one(history.latest_days_of, "account_id")

    @cached_property
    def model(self) -> DataLoader[str, ModelPortfolio | None]:
        return self._content(ModelPortfolio)

    def suspensions(self, firm_id: str) -> ManyRows:
        """Open suspensions by account, those of the whole firm among them."""

        async def load(accounts: list[str]) -> list[list[Row[Any]]]:
            rows = await self._reader.run(lambda one: history.open_suspensions_of(one, firm_id, accounts))
            return [[row for row in rows if row.scope == "FIRM" or row.scope_id == key] for key in accounts]

        return self._kept(f"suspensions of {firm_id}", lambda: DataLoader(load_fn=load))

    def outcomes(self, book: str | None) -> ManyRows:
        """Counts of account-days by run, in one advisor's book or in the firm."""
        return self._of_book(history.outcomes_of, book)

    def work(self, book: str | None) -> ManyRows:
        """How many accounts have passed each stage, by run."""
        return self._of_book(history.work_of, book)

    def accounts(self, book: str | None) -> ManyRows:
        """How many accounts there are, by firm."""
        return self._of_book(history.account_counts, book, "firm_id")

    def _of_book(self, load: LoadOfBook, book: str | None, column: str = "run_id") -> ManyRows:
        def of_book(connection: Connection, keys: Sequence[str]) -> list[Row[Any]]:
            return load(connection, keys, book)

        return self._kept(f"{load.__name__} {book}", lambda: self._many(of_book, column))

    def _kept(self, name: str, make: Callable[[], ManyRows]) -> ManyRows:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @cached_property
    def deliveries(self) -> DataLoader[Any, list[Row[Any]]]:
        return self._many(history.deliveries_on, "business_date")

    @cached_property
    def expectations(self) -> DataLoader[Any, list[Row[Any]]]:
        """What is expected of each kind, by business date."""

        async def batch(days: list[Any]) -> list[list[Row[Any]]]:
            rows = await self._reader.run(lambda one: expectations_on(one, days))
            return history.grouped(rows, days, "business_date")

        return DataLoader(load_fn=batch)

    @cached_property
    def accounts_in_need(self) -> DataLoader[Any, dict[str, int]]:
        """How many accounts wait on each kind, by business date."""

        async def batch(days: list[Any]) -> list[dict[str, int]]:
            return await self._reader.run(lambda one: [accounts_in_need(one, day) for day in days])

        return DataLoader(load_fn=batch)

    def _content(self, kind: type[Value]) -> DataLoader[str, Value | None]:
        async def batch(digests: list[str]) -> list[Value | None]:
            found = await self._reader.run(lambda connection: history.contents(connection, digests, kind))
            return [found.get(digest) for digest in digests]

        return DataLoader(load_fn=batch)

    def _one(self, load: Load, column: str) -> OneRow:
        async def batch(keys: list[str]) -> list[Row[Any] | None]:
            rows = await self._reader.run(lambda connection: load(connection, keys))
            return history.by_key(rows, keys, column)

        return DataLoader(load_fn=batch)

    def _many(self, load: Load, column: str) -> ManyRows:
        async def batch(keys: list[str]) -> list[list[Row[Any]]]:
            rows = await self._reader.run(lambda connection: load(connection, keys))
            return history.grouped(rows, keys, column)

        return DataLoader(load_fn=batch)
