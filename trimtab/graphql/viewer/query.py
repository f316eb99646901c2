"""Who asks."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.history.types import Actor, actor


@strawberry.type(description="The person who is signed in, and what they are.")
class Viewer:
    person_id: strawberry.Private[str]
    firm_id: str
    roles: list[str]
    book: str | None = strawberry.field(description="The advisor whose accounts are this person's own.")
    acting_for: strawberry.Private[str | None]

    @strawberry.field
    async def person(self, info: Info) -> Actor:
        return await actor(info, self.person_id)

    @strawberry.field(description="The person whom an administrator represents now.")
    async def on_behalf_of(self, info: Info) -> Actor | None:
        return await actor(info, self.acting_for) if self.acting_for else None


@strawberry.type
class ViewerQuery:
    @guarded(Operation.VIEW_OWN_DASHBOARD, description="The person who is signed in.")
    async def viewer(self, info: Info) -> Viewer | None:
        info.context.own_role(Operation.VIEW_OWN_DASHBOARD)
        who = info.context.who
        return Viewer(
            person_id=who.actor.person_id if who.actor else who.name_in_records,
            firm_id=who.firm_id,
            roles=sorted(role.value for role in who.roles),
            book=who.book,
            acting_for=who.person_id if who.actor else None,
        )
