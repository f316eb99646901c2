"""The mutations about a firm's own fields."""

import strawberry

from trimtab.graphql.ancillary.mutations.decide_ancillary_field import decide_ancillary_field
from trimtab.graphql.ancillary.mutations.propose_ancillary_field import propose_ancillary_field
from trimtab.graphql.ancillary.mutations.set_ancillary_value import set_ancillary_value


@strawberry.type
class AncillaryMutation:
    propose_ancillary_field = propose_ancillary_field
    decide_ancillary_field = decide_ancillary_field
    set_ancillary_value = set_ancillary_value
