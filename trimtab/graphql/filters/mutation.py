"""The mutations about filters."""

import strawberry

from trimtab.graphql.filters.mutations.decide_firm_filter import decide_firm_filter
from trimtab.graphql.filters.mutations.propose_firm_filter import propose_firm_filter
from trimtab.graphql.filters.mutations.save_personal_filter import save_personal_filter


@strawberry.type
class FiltersMutation:
    save_personal_filter = save_personal_filter
    propose_firm_filter = propose_firm_filter
    decide_firm_filter = decide_firm_filter
