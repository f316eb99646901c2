"""The mutations about suspensions."""

import strawberry

from trimtab.graphql.suspensions.mutations.lift_suspension import lift_suspension
from trimtab.graphql.suspensions.mutations.suspend_account import suspend_account


@strawberry.type
class SuspensionsMutation:
    suspend_account = suspend_account
    lift_suspension = lift_suspension
