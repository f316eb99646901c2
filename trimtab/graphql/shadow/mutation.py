"""The mutation about shadow runs."""

import strawberry

from trimtab.graphql.shadow.mutations.run_shadow import run_shadow


@strawberry.type
class ShadowMutation:
    run_shadow = run_shadow
