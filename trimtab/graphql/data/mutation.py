"""The mutations about data."""

import strawberry

from trimtab.graphql.data.mutations.approve_corporate_action import approve_corporate_action
from trimtab.graphql.data.mutations.decide_change import decide_data_change
from trimtab.graphql.data.mutations.propose_change import propose_data_change


@strawberry.type
class DataMutation:
    propose_data_change = propose_data_change
    decide_data_change = decide_data_change
    approve_corporate_action = approve_corporate_action
