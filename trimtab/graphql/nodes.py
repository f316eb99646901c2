"""Any node by its id."""

from typing import Annotated

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.history import account_days_by_id, accounts_by_id, runs_by_id
from trimtab.graphql.access import guarded
from trimtab.graphql.accounts.days import AccountDay
from trimtab.graphql.accounts.types import Account
from trimtab.graphql.context import Info
from trimtab.graphql.ids import read_node_id
from trimtab.graphql.runs.types import Run

AnyNode = Annotated[Account | AccountDay | Run, strawberry.union(name="Node")]


@strawberry.type
class NodesQuery:
    @guarded(Operation.READ_ACCOUNT, description="An account, account-day or run by its id; null for anything else.")
    async def node(self, info: Info, id: strawberry.ID) -> AnyNode | None:
        book, found = info.context.book(Operation.READ_ACCOUNT), read_node_id(id)
        if found is None:
            return None
        kind, key = found
        if kind == "Account":
            accounts = await info.context.reader.run(lambda one: accounts_by_id(one, [key], book))
            return Account.of(accounts[0]) if accounts else None
        if kind == "AccountDay":
            days = await info.context.reader.run(lambda one: account_days_by_id(one, [key], book))
            return AccountDay.of(days[0]) if days else None
        if kind == "Run":
            runs = await info.context.reader.run(lambda one: runs_by_id(one, [key]))
            return Run.of(runs[0]) if runs else None
        return None
