"""The mutations about analyses."""

import strawberry

from trimtab.graphql.analysis.mutations.refresh_analysis import refresh_analysis


@strawberry.type
class AnalysisMutation:
    refresh_analysis = refresh_analysis
