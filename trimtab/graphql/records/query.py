"""Verifying an account's record."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.history import accounts_by_id
from trimtab.db.records import verify_chains
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.ids import key_of


@strawberry.type(description="The first entry that does not verify, and why.")
class RecordFault:
    seq: int
    reason: str


@strawberry.type(description="The account's hash chain, computed anew from its entries.")
class RecordVerification:
    account_id: str
    verified: int = strawberry.field(description="How many entries verify, from the first on.")
    intact: bool
    fault: RecordFault | None


@strawberry.type
class RecordsQuery:
    @guarded(Operation.READ_AUDIT_LOG, description="Recompute the account's hash chain; null when you may not see it.")
    async def verify_records(self, info: Info, account_id: strawberry.ID) -> RecordVerification | None:
        key, book = key_of("Account", account_id), info.context.book(Operation.READ_AUDIT_LOG)
        if not await info.context.reader.run(lambda one: accounts_by_id(one, [key], book)):
            return None
        verified, broken = await info.context.reader.run(lambda one: verify_chains(one, [key]))
        fault = RecordFault(seq=broken[0].seq, reason=broken[0].reason) if broken else None
        return RecordVerification(account_id=key, verified=verified, intact=fault is None, fault=fault)
