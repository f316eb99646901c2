"""The mutations about the programme."""

import strawberry

from trimtab.graphql.programme.mutations.decide_change import decide_programme_change
from trimtab.graphql.programme.mutations.propose_change import propose_programme_change


@strawberry.type
class ProgrammeMutation:
    propose_programme_change = propose_programme_change
    decide_programme_change = decide_programme_change
