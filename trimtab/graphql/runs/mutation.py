"""The mutations about the night."""

import strawberry

from trimtab.graphql.runs.mutations.decide_delivery import decide_delivery


@strawberry.type
class RunsMutation:
    decide_delivery = decide_delivery
