"""The mutations about blocked steps."""

import strawberry

from trimtab.graphql.steps.mutations.retry_step import retry_step


@strawberry.type
class StepsMutation:
    retry_step = retry_step
