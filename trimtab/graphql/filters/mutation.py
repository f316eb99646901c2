"""The mutations about filters and the lane policy."""

import strawberry

from trimtab.graphql.filters.mutations.arrange_filters import arrange_filters
from trimtab.graphql.filters.mutations.decide_firm_filter import decide_firm_filter
from trimtab.graphql.filters.mutations.decide_lane_policy import decide_lane_policy
from trimtab.graphql.filters.mutations.propose_firm_filter import propose_firm_filter
from trimtab.graphql.filters.mutations.propose_lane_policy import propose_lane_policy
from trimtab.graphql.filters.mutations.save_personal_filter import save_personal_filter


@strawberry.type
class FiltersMutation:
    save_personal_filter = save_personal_filter
    arrange_filters = arrange_filters
    propose_firm_filter = propose_firm_filter
    decide_firm_filter = decide_firm_filter
    propose_lane_policy = propose_lane_policy
    decide_lane_policy = decide_lane_policy
