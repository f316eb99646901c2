"""What a request is refused with. Everything else that goes wrong is masked."""

from typing import Final

from graphql import GraphQLError

MASKED: Final = "Unexpected error."


class RequestRefused(GraphQLError):
    """An answer that the caller may read: `code` is stable, the text says what to do."""

    code = "BAD_REQUEST"

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message, extensions={"code": self.code, **extensions})


class BadInput(RequestRefused):
    """An argument that cannot be read."""

    code = "BAD_INPUT"


class NotAllowed(RequestRefused):
    """The policy says no; `reason` is the policy's word."""

    code = "FORBIDDEN"

    def __init__(self, reason: str) -> None:
        super().__init__("You may not do this.", reason=reason)
        self.reason = reason


class OnlySubscriptions(RequestRefused):
    """A query or mutation came over the websocket."""

    code = "SUBSCRIPTIONS_ONLY"


class TooSlow(RequestRefused):
    """The request took longer than its limit and was cancelled."""

    code = "TIMEOUT"


class TooCostly(RequestRefused):
    """The document asks for more than one request may."""

    code = "TOO_COSTLY"


def is_shown(error: GraphQLError) -> bool:
    """Whether the caller may read the error: it is ours, or about their document."""
    return error.original_error is None or isinstance(error.original_error, GraphQLError)
