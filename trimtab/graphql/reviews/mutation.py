"""The mutations about decisions."""

import strawberry

from trimtab.graphql.reviews.mutations.approve import approve
from trimtab.graphql.reviews.mutations.clear_compliance import clear_compliance
from trimtab.graphql.reviews.mutations.reject import reject


@strawberry.type
class ReviewsMutation:
    approve = approve
    reject = reject
    clear_compliance = clear_compliance
