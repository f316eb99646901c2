"""The built-in OAuth 2 / OpenID Connect authorization server, for the demo and one machine: loopback only.

`authorization_server(...)` gives a router to include at the root of the API. People, clients and grants are kept
by the caller behind the protocols of `storage`.
"""

from trimtab.auth.authorization_server.app import (
    AuthorizationServerRefused,
    AuthorizationServerSettings,
    authorization_server,
)
from trimtab.auth.authorization_server.memory import InMemoryGrants
from trimtab.auth.authorization_server.passwords import hash_password, new_client_secret
from trimtab.auth.authorization_server.records import Lifetimes
from trimtab.auth.authorization_server.signing import SigningKeyUnsafe
from trimtab.auth.authorization_server.storage import (
    Clients,
    Grants,
    OAuthClient,
    SignInPeople,
    SignInPerson,
    TakenGrant,
)

__all__ = [
    "AuthorizationServerRefused",
    "AuthorizationServerSettings",
    "Clients",
    "Grants",
    "InMemoryGrants",
    "Lifetimes",
    "OAuthClient",
    "SignInPeople",
    "SignInPerson",
    "SigningKeyUnsafe",
    "TakenGrant",
    "authorization_server",
    "hash_password",
    "new_client_secret",
]
