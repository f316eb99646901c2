"""The mutations about alerts."""

import strawberry

from trimtab.graphql.alerts.mutations.acknowledge_alert import acknowledge_alert


@strawberry.type
class AlertsMutation:
    acknowledge_alert = acknowledge_alert
