"""The mutations about the model hub. Contracts and models are proposed and decided as changes of the programme."""

import strawberry

from trimtab.graphql.hub.mutations.adjust_billing_statement import adjust_billing_statement
from trimtab.graphql.hub.mutations.decide_billing_statement import decide_billing_statement
from trimtab.graphql.hub.mutations.draft_billing_statement import draft_billing_statement
from trimtab.graphql.hub.mutations.upload_provider_model import upload_provider_model
from trimtab.graphql.hub.mutations.write_research_note import write_research_note


@strawberry.type
class HubMutation:
    upload_provider_model = upload_provider_model
    draft_billing_statement = draft_billing_statement
    adjust_billing_statement = adjust_billing_statement
    decide_billing_statement = decide_billing_statement
    write_research_note = write_research_note
