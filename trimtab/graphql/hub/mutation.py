"""The mutations about the model hub. Contracts and models are proposed and decided as changes of the programme."""

import strawberry

from trimtab.graphql.hub.mutations.upload_provider_model import upload_provider_model


@strawberry.type
class HubMutation:
    upload_provider_model = upload_provider_model
